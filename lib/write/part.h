/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * An image in parts, because a file in a .swu ends below 4 GiB. What device and packer must agree
 * on: each part is a file of its own, compressed and encrypted on its own, with three properties in
 * sw-description, decimal:
 *   part    counts from 1, in the order in which the parts come
 *   offset  first byte of the part in the image, a multiple of 1 GiB, the end of the part before
 *   total   bytes of the whole image, the same in each part
 * decompressed-size and decrypted-size are those of the part.
 */
#pragma once

#include <stdint.h>

struct jota_err;

#define JOTA_PART_UNIT_BYTES (UINT64_C(1) << 30)
/** Of one image. With the packer's 3 GiB for each: 192 GiB. */
#define JOTA_PARTS_MAX 64
/** Names that a property of the hook may have: the parts of one image, and other images. */
#define JOTA_HOOK_NAMES_MAX (JOTA_PARTS_MAX + 8)

/** number 0: a whole image, the other two say nothing. */
struct jota_part {
	uint64_t number, offset_bytes, total_bytes;
};

/**
 * From the properties' texts, NULL: not given. 1: a part; 0: none of the three is given, *ret is a
 * whole image; -EINVAL or -ERANGE with the reason.
 */
int jota_part_parse(const char *number, const char *offset, const char *total,
		    struct jota_part *ret, struct jota_err *err);
