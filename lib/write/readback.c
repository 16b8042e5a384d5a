/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "write/readback.h"

#include "base/err.h"
#include "write/device.h"

#include <xxhash.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_BLOCKS 16u

int jota_readback_init(struct jota_readback *rb, uint64_t end_bytes, struct jota_err *err)
{
	uint64_t count = end_bytes == 0 ? 0 : (end_bytes - 1) / JOTA_WRITER_BLOCK_BYTES;

	*rb = (struct jota_readback){ .end_bytes = end_bytes };
	if (count == 0)
		return 0;
	if (count > SIZE_MAX / sizeof(*rb->digest))
		return jota_fail(err, ENOMEM, "digests of an image of %" PRIu64 " bytes", end_bytes);
	rb->digest = calloc((size_t)count, sizeof(*rb->digest));
	if (!rb->digest)
		return jota_fail(err, ENOMEM, "digests of an image of %" PRIu64 " bytes", end_bytes);
	rb->count = (size_t)count;
	return 0;
}

void jota_readback_done(struct jota_readback *rb)
{
	free(rb->digest);
	*rb = (struct jota_readback){ 0 };
}

void jota_readback_note(struct jota_readback *rb, uint64_t index, const void *data, size_t len_bytes)
{
	if (index >= 1 && index - 1 < rb->count)
		rb->digest[index - 1] = XXH3_64bits(data, len_bytes);
}

static int verify_block(const struct jota_readback *rb, size_t i, struct jota_device *device,
			uint8_t *buf, struct jota_err *err)
{
	uint64_t at_bytes = (uint64_t)(i + 1) * JOTA_WRITER_BLOCK_BYTES;
	uint64_t left_bytes = rb->end_bytes - at_bytes;
	size_t len = left_bytes < JOTA_WRITER_BLOCK_BYTES ? (size_t)left_bytes :
							    JOTA_WRITER_BLOCK_BYTES;
	uint64_t found;
	int r;

	r = jota_device_read(device, buf, len, at_bytes, err);
	if (r < 0)
		return r;
	found = XXH3_64bits(buf, len);
	if (found == rb->digest[i])
		return 0;
	return jota_fail(err, EBADMSG,
			 "'%s' does not hold what was written: the first difference is in the %zu "
			 "bytes from offset %" PRIu64 " on (XXH3 %016" PRIx64
			 ", expected %016" PRIx64 "); the storage is failing, or something else "
			 "writes to it.",
			 device->path, len, at_bytes, found, rb->digest[i]);
}

int jota_readback_verify(const struct jota_readback *rb, struct jota_device *device, uint8_t *buf,
			 jota_progress_fn progress, void *progress_ctx, struct jota_err *err)
{
	for (size_t i = 0; i < rb->count; i++) {
		int r = verify_block(rb, i, device, buf, err);

		if (r < 0)
			return r;
		if (progress && i % PROGRESS_BLOCKS == 0)
			progress(progress_ctx, (uint64_t)i * JOTA_WRITER_BLOCK_BYTES, rb->end_bytes);
	}
	return 0;
}

int jota_readback_compare(struct jota_device *device, const uint8_t *data, uint8_t *buf,
			  size_t len_bytes, struct jota_err *err)
{
	size_t at = 0;
	int r;

	r = jota_device_read(device, buf, len_bytes, 0, err);
	if (r < 0)
		return r;
	if (memcmp(data, buf, len_bytes) == 0)
		return 0;
	while (data[at] == buf[at])
		at++;
	return jota_fail(
		err, EBADMSG,
		"'%s' does not hold what was written: at offset %zu it has 0x%02x, expected "
		"0x%02x; the storage is failing, or something else writes to it.",
		device->path, at, buf[at], data[at]);
}
