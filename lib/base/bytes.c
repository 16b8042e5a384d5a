/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "base/bytes.h"

#include <zlib.h>

uint32_t jota_crc32(const void *data, size_t len_bytes)
{
	/* zlib takes a NULL buffer as the question for the start value. */
	return data ? (uint32_t)crc32_z(0, data, len_bytes) : 0;
}
