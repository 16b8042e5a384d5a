/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Both copies of the U-Boot environment as they lie on the device, read with our own codec. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slot/env_codec.h"
#include "slot/fw_env.h"

struct jota_err;
struct jota_io;

struct jota_uboot_copies {
	struct jota_fw_env where;
	uint8_t *bytes[JOTA_ENV_COPIES]; /* where.size_bytes each */
	bool valid[JOTA_ENV_COPIES];
	int chosen; /* copy that firmware uses, -ENODATA: neither is valid */
};

/**
 * Read both. path: fw_env.config. -EIO: a device is missing or one copy cannot be read (one is refused as both are: nobody knows
 * which of them firmware would take); the errors of jota_fw_env_read(); -ENOTSUP: raw flash (MTD, UBI).
 * No valid copy is no error here. jota_uboot_copies_done() frees.
 */
int jota_uboot_copies_read(const struct jota_io *io, const char *path,
			   struct jota_uboot_copies *ret, struct jota_err *err);
void jota_uboot_copies_done(struct jota_uboot_copies *copies);

/** Decode the copy that firmware uses. -ENODATA with the way to restore; the errors of jota_env_decode(). */
int jota_uboot_copies_decode(const struct jota_uboot_copies *copies, struct jota_env *ret_env,
			     struct jota_err *err);

/**
 * Read both again, past the page cache. device[]: open descriptors of the copies' devices, used to make durable what lies in the
 * cache. Fills bytes, valid and chosen. -EIO etc.
 */
int jota_uboot_copies_read_back(const struct jota_io *io, const int device[JOTA_ENV_COPIES],
				struct jota_uboot_copies *copies, struct jota_err *err);
