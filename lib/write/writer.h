/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The verified writer: a partition gets one image, or stays recognisably empty.
 *
 * Order of writes, and what a power cut leaves:
 *  1 open    the old first block (1 MiB, or the whole image if smaller) is zeroed, flushed and
 *            read back                          -> the old image no longer starts
 *  2 push    body, from the second block on, gathered into aligned blocks; the image may come in
 *            parts, with nothing of this writer between them but time
 *                                               -> first block still zero
 *  3 finish  flush; body read back past the page cache, against digests taken on the way in
 *                                               -> first block still zero
 *            first block written, flushed, read back
 *                                               -> now, and only now, an image
 * Any failure zeroes the first block again, unless it is known to be zero. The last block is
 * padded with zeros to the device's block size, within the capacity; what the partition held
 * behind it stays.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct jota_err;
struct jota_io;
struct jota_target;
struct jota_writer;

#define JOTA_WRITER_BLOCK_BYTES (1u << 20)

struct jota_write_report {
	uint64_t image_bytes;
	uint64_t written_bytes;	 /* to the device, padding included, first block counted once */
	uint64_t verified_bytes; /* read back and equal */
};

/** Called now and then from finish (read-back is long), last with done == total. In bytes. */
typedef void (*jota_progress_fn)(void *ctx, uint64_t done_bytes, uint64_t total_bytes);

/**
 * Open the target exclusively (O_EXCL on block devices, O_DIRECT where the device takes it) and
 * erase its first block, durably.
 * With nothing touched: -EFBIG image larger than the partition (says both sizes), -EINVAL image
 * of 0 bytes, -ESTALE the device is no longer what the target describes, -EBUSY, -ENOMEM.
 * Else -EIO and the like; -EBADMSG the zeros do not read back.
 * Memory: two blocks, whatever the image's size, plus 8 bytes per MiB of it.
 */
int jota_writer_open(const struct jota_io *io, const struct jota_target *target,
		     uint64_t image_bytes, struct jota_writer **ret, struct jota_err *err);

/**
 * The next bytes are one part of the image, of part_bytes: push takes no more than those until the
 * next call. A writer that is never told about parts takes the image as one. -ENODATA: the part
 * before is not complete; -EFBIG: the image has not that many bytes left; -EINVAL: no bytes.
 */
int jota_writer_part(struct jota_writer *w, uint64_t part_bytes, struct jota_err *err);

/** The stream of a part ended. -ENODATA: before the last of its bytes. The writer stays open. */
int jota_writer_part_done(struct jota_writer *w, struct jota_err *err);

/**
 * Next bytes of the image, any length, 0 too. -EFBIG: more arrive than image or part have (names
 * the surplus; nothing of that call is written). After an error every further call fails with the
 * same. -EPROTO after a successful finish.
 */
int jota_writer_push(struct jota_writer *w, const void *data, size_t len_bytes,
		     struct jota_err *err);

/**
 * After the last byte: flush, verify, release the first block, verify it, close.
 * -ENODATA fewer bytes than announced came; -EBADMSG read-back differs: the message names the
 * first bad 1 MiB block of the body by its offset (only digests of the body are kept), in the
 * first block the first differing byte. An error of close counts. On any failure the first block
 * is zero again, and the error says so if even that failed.
 * progress may be NULL. The writer can only be freed afterwards.
 */
int jota_writer_finish(struct jota_writer *w, jota_progress_fn progress, void *progress_ctx,
		       struct jota_write_report *ret_report, struct jota_err *err);

/** Free; NULL is fine. Before a successful finish the first block stays (or becomes again) zero. */
void jota_writer_free(struct jota_writer *w);
