/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * What was meant to be on the device, remembered as one digest per MiB, and its comparison with
 * what is there.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "write/writer.h"

struct jota_device;
struct jota_err;

/**
 * XXH3 (64 bits) of each block behind the first one: finds what a device loses, not what an
 * attacker changes. Zero-initialise.
 */
struct jota_readback {
	uint64_t *digest;
	size_t count;
	uint64_t end_bytes; /* of the last block, padding included */
};

/** For an image that ends at end_bytes on the device. -ENOMEM. */
int jota_readback_init(struct jota_readback *rb, uint64_t end_bytes, struct jota_err *err);
void jota_readback_done(struct jota_readback *rb);

/** Take the digest of block `index` (from 1 on) as it goes to the device. */
void jota_readback_note(struct jota_readback *rb, uint64_t index, const void *data,
			size_t len_bytes);

/**
 * Read all blocks from the second on through buf (one block, aligned) and compare. -EBADMSG names
 * the first block that differs.
 */
int jota_readback_verify(const struct jota_readback *rb, struct jota_device *device, uint8_t *buf,
			 jota_progress_fn progress, void *progress_ctx, struct jota_err *err);

/**
 * Read len_bytes at offset 0 through buf and compare with data. -EBADMSG names the first byte that
 * differs.
 */
int jota_readback_compare(struct jota_device *device, const uint8_t *data, uint8_t *buf,
			  size_t len_bytes, struct jota_err *err);
