/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The input of a payload, watched while it is read; inner to the payload. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct jota_err;
struct jota_payload;
struct jota_source;

/** Note what the file looks like before the first byte. -ENOMEM, or what fstat(2) says. */
int jota_source_open(const struct jota_payload *p, struct jota_source **ret, struct jota_err *err);
/**
 * Next bytes, *ret_bytes 0 at the end. There -ESTALE when the file has another size or time than at
 * the start; -EBADMSG when it is not the boot image that a device takes.
 */
int jota_source_read(struct jota_source *s, uint8_t *data, size_t room_bytes, size_t *ret_bytes,
		     struct jota_err *err);
void jota_source_free(struct jota_source *s);
