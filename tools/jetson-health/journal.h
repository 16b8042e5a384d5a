/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The end of a boot's journal, as journalctl prints it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct jota_err;
struct jota_io;

/**
 * Write at most max_bytes of it to fd. boot_id: of an earlier boot, NULL: of this one. journalctl is ended at the deadline or when it
 * has written enough. -errno: it could not be started, or said nothing.
 */
int journal_save(const struct jota_io *io, const char *boot_id, int fd, size_t max_bytes,
		 uint32_t deadline_ms, struct jota_err *err);
