/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Attributes for swupdate's own list, which it sends to the server whenever it starts. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct attribute;
struct jota_err;
struct jota_io;

/**
 * Give them to the running swupdate over its control socket, below the root prefix in /run/swupdate, else in /tmp: as its
 * configuration's section "identify" would, for as long as it runs. until_ms: CLOCK_MONOTONIC, the end of all waiting.
 * -EAGAIN: there is no swupdate, or its hawkBit client does not take them.
 */
int identify_tell(const struct jota_io *io, const struct attribute *attributes, size_t count,
		  int64_t until_ms, struct jota_err *err);
