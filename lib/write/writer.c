/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "write/writer.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "write/device.h"
#include "write/readback.h"
#include "write/target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct jota_writer {
	struct jota_target target;
	struct jota_device device;
	struct jota_readback readback;
	uint64_t image_bytes;	 /* announced */
	uint64_t received_bytes; /* so far */
	uint64_t limit_bytes;	 /* end of the part that is coming; of the image, if it is one */
	uint64_t end_bytes;	 /* of the padded image on the device */
	size_t first_bytes;	 /* first block, padding included */
	uint8_t *first;		 /* held back until the body is verified */
	uint8_t *block;		 /* being gathered; scratch during open, finish and failure */
	bool first_is_zero;	 /* on the device, durable and read back */
	bool finished;
	struct jota_err failure; /* the first one; errnum 0: none */
};

/* Padded to whole blocks, as far as the partition reaches. */
static uint64_t padded_end(uint64_t image_bytes, const struct jota_target *target)
{
	uint64_t rest_bytes = image_bytes % target->block_bytes;
	uint64_t pad_bytes = rest_bytes == 0 ? 0 : target->block_bytes - rest_bytes;

	if (pad_bytes > target->capacity_bytes - image_bytes)
		return target->capacity_bytes;
	return image_bytes + pad_bytes;
}

static int check_size(const struct jota_target *target, uint64_t image_bytes, struct jota_err *err)
{
	if (image_bytes == 0)
		return jota_fail(err, EINVAL, "the image for '%s' ('%s') has no bytes.",
				 target->path, target->label);
	if (image_bytes > target->capacity_bytes)
		return jota_fail(err, EFBIG,
				 "the image has %" PRIu64 " bytes, but '%s' ('%s') holds %" PRIu64
				 ": build a smaller image.",
				 image_bytes, target->path, target->label, target->capacity_bytes);
	if (target->block_bytes == 0 || JOTA_WRITER_BLOCK_BYTES % target->block_bytes != 0)
		return jota_fail(err, EINVAL,
				 "'%s' has blocks of %" PRIu32 " bytes, which do not divide 1 MiB.",
				 target->path, target->block_bytes);
	return 0;
}

static bool is_zero(const uint8_t *data, size_t len_bytes)
{
	return data[0] == 0 && memcmp(data, data + 1, len_bytes - 1) == 0;
}

/* Durable and seen on the device: only then the old image, or a half written one, cannot start. */
static int zero_first_block(struct jota_writer *w, struct jota_err *err)
{
	int r;

	w->first_is_zero = false;
	memset(w->block, 0, w->first_bytes);
	r = jota_device_write(&w->device, w->block, w->first_bytes, 0, err);
	if (r < 0)
		return r;
	r = jota_device_sync(&w->device, err);
	if (r < 0)
		return r;
	r = jota_device_read(&w->device, w->block, w->first_bytes, 0, err);
	if (r < 0)
		return r;
	if (!is_zero(w->block, w->first_bytes))
		return jota_fail(err, EBADMSG,
				 "the first %zu bytes of '%s' were zeroed, but do not read back as "
				 "zeros: the storage is failing, or something else writes to it.",
				 w->first_bytes, w->device.path);
	w->first_is_zero = true;
	return 0;
}

/* A failed close leaves the device without a descriptor. */
static int zero_first_block_again(struct jota_writer *w, struct jota_err *err)
{
	if (w->device.fd < 0) {
		int r = jota_device_open(&w->device, &w->device.io, &w->target, err);

		if (r < 0)
			return r;
	}
	return zero_first_block(w, err);
}

/* Every failure after the device was opened ends here; w->failure says what happened. */
static int give_up(struct jota_writer *w, struct jota_err *err)
{
	struct jota_err again = { 0 };

	if (!w->first_is_zero && zero_first_block_again(w, &again) < 0)
		(void)jota_wrap(&w->failure,
				"'%s' may still start with an image, because zeroing its first "
				"block failed too (%.160s); before that: ",
				w->device.path, again.msg);
	/* Here and not in free, which cannot tell that the write protection was not restored. */
	if (jota_device_close(&w->device, &again) < 0)
		(void)jota_wrap(&w->failure, "%.200s; before that: ", again.msg);
	if (err)
		*err = w->failure;
	return -w->failure.errnum;
}

static int allocate(struct jota_writer *w, struct jota_err *err)
{
	w->first = aligned_alloc(JOTA_DEVICE_ALIGN_BYTES, JOTA_WRITER_BLOCK_BYTES);
	w->block = aligned_alloc(JOTA_DEVICE_ALIGN_BYTES, JOTA_WRITER_BLOCK_BYTES);
	if (!w->first || !w->block)
		return jota_fail(err, ENOMEM, "buffers for '%s'", w->target.path);
	/* Padding of an image that ends within its first block. */
	memset(w->first, 0, JOTA_WRITER_BLOCK_BYTES);
	return jota_readback_init(&w->readback, w->end_bytes, err);
}

static void free_memory(struct jota_writer *w)
{
	jota_readback_done(&w->readback);
	free(w->first);
	free(w->block);
	free(w);
}

int jota_writer_open(const struct jota_io *io, const struct jota_target *target,
		     uint64_t image_bytes, struct jota_writer **ret, struct jota_err *err)
{
	struct jota_writer *w;
	int r;

	r = check_size(target, image_bytes, err);
	if (r < 0)
		return r;
	w = calloc(1, sizeof(*w));
	if (!w)
		return jota_fail(err, ENOMEM, "writer for '%s'", target->path);
	w->target = *target;
	w->image_bytes = image_bytes;
	w->limit_bytes = image_bytes;
	w->end_bytes = padded_end(image_bytes, target);
	w->first_bytes = w->end_bytes < JOTA_WRITER_BLOCK_BYTES ? (size_t)w->end_bytes :
								  JOTA_WRITER_BLOCK_BYTES;
	r = allocate(w, err);
	if (r == 0)
		r = jota_device_open(&w->device, io, target, err);
	if (r < 0) {
		free_memory(w);
		return r;
	}
	if (zero_first_block(w, &w->failure) < 0) {
		r = give_up(w, err);
		free_memory(w);
		return r;
	}
	*ret = w;
	return 0;
}

/* The block being gathered goes to the device; its last bytes may be padding. */
static int write_block(struct jota_writer *w, uint64_t index, size_t len_bytes)
{
	jota_readback_note(&w->readback, index, w->block, len_bytes);
	return jota_device_write(&w->device, w->block, len_bytes, index * JOTA_WRITER_BLOCK_BYTES,
				 &w->failure);
}

static int gather(struct jota_writer *w, const uint8_t *data, size_t len_bytes)
{
	while (len_bytes > 0) {
		uint64_t index = w->received_bytes / JOTA_WRITER_BLOCK_BYTES;
		size_t at = (size_t)(w->received_bytes % JOTA_WRITER_BLOCK_BYTES);
		size_t room = JOTA_WRITER_BLOCK_BYTES - at;
		size_t take = len_bytes < room ? len_bytes : room;

		memcpy((index == 0 ? w->first : w->block) + at, data, take);
		data += take;
		len_bytes -= take;
		w->received_bytes += take;
		if (index > 0 && take == room) {
			int r = write_block(w, index, JOTA_WRITER_BLOCK_BYTES);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* 0 when the writer still takes calls; otherwise the same failure as before. */
static int check_usable(const struct jota_writer *w, struct jota_err *err)
{
	if (w->finished)
		return jota_fail(err, EPROTO, "the image for '%s' is already complete.",
				 w->target.path);
	if (w->failure.errnum == 0)
		return 0;
	if (err)
		*err = w->failure;
	return -w->failure.errnum;
}

static int fail_surplus(struct jota_writer *w, uint64_t surplus_bytes)
{
	if (w->limit_bytes < w->image_bytes)
		return jota_fail(&w->failure, EFBIG,
				 "a part of the image for '%s' was announced to end at %" PRIu64
				 ", but at least %" PRIu64 " bytes more arrived: the sizes in "
				 "sw-description do not belong to this part.",
				 w->target.path, w->limit_bytes, surplus_bytes);
	return jota_fail(&w->failure, EFBIG,
			 "the image for '%s' was announced with %" PRIu64
			 " bytes, but at least %" PRIu64 " more arrived: the sizes in "
			 "sw-description do not belong to this image.",
			 w->target.path, w->image_bytes, surplus_bytes);
}

static int check_part_end(struct jota_writer *w)
{
	if (w->received_bytes == w->limit_bytes)
		return 0;
	return jota_fail(&w->failure, ENODATA,
			 "a part of the image for '%s' was announced to end at %" PRIu64
			 ", but ended at %" PRIu64 ".",
			 w->target.path, w->limit_bytes, w->received_bytes);
}

static int begin_part(struct jota_writer *w, uint64_t part_bytes)
{
	uint64_t left_bytes = w->image_bytes - w->received_bytes;
	/* Before the first part, nothing was announced but the image. */
	int r = w->received_bytes > 0 ? check_part_end(w) : 0;

	if (r < 0)
		return r;
	if (part_bytes == 0 || part_bytes > left_bytes)
		return jota_fail(&w->failure, part_bytes ? EFBIG : EINVAL,
				 "a part of %" PRIu64 " bytes was announced for '%s', whose image "
				 "has %" PRIu64 " bytes left.",
				 part_bytes, w->target.path, left_bytes);
	w->limit_bytes = w->received_bytes + part_bytes;
	return 0;
}

int jota_writer_part(struct jota_writer *w, uint64_t part_bytes, struct jota_err *err)
{
	int r = check_usable(w, err);

	if (r < 0)
		return r;
	return begin_part(w, part_bytes) < 0 ? give_up(w, err) : 0;
}

int jota_writer_part_done(struct jota_writer *w, struct jota_err *err)
{
	int r = check_usable(w, err);

	if (r < 0)
		return r;
	return check_part_end(w) < 0 ? give_up(w, err) : 0;
}

int jota_writer_push(struct jota_writer *w, const void *data, size_t len_bytes, struct jota_err *err)
{
	int r = check_usable(w, err);

	if (r < 0)
		return r;
	if (len_bytes > w->limit_bytes - w->received_bytes) {
		(void)fail_surplus(w, len_bytes - (w->limit_bytes - w->received_bytes));
		return give_up(w, err);
	}
	if (gather(w, data, len_bytes) < 0)
		return give_up(w, err);
	return 0;
}

static int flush_body(struct jota_writer *w)
{
	uint64_t index = w->received_bytes / JOTA_WRITER_BLOCK_BYTES;
	size_t at = (size_t)(w->received_bytes % JOTA_WRITER_BLOCK_BYTES);

	if (index > 0 && at > 0) {
		size_t len = (size_t)(w->end_bytes - index * JOTA_WRITER_BLOCK_BYTES);
		int r;

		memset(w->block + at, 0, len - at);
		r = write_block(w, index, len);
		if (r < 0)
			return r;
	}
	return jota_device_sync(&w->device, &w->failure);
}

static int release_first_block(struct jota_writer *w)
{
	int r;

	w->first_is_zero = false;
	r = jota_device_write(&w->device, w->first, w->first_bytes, 0, &w->failure);
	if (r < 0)
		return r;
	r = jota_device_sync(&w->device, &w->failure);
	if (r < 0)
		return r;
	return jota_readback_compare(&w->device, w->first, w->block, w->first_bytes, &w->failure);
}

static int complete(struct jota_writer *w, jota_progress_fn progress, void *progress_ctx)
{
	int r;

	if (w->received_bytes < w->image_bytes)
		return jota_fail(&w->failure, ENODATA,
				 "the image for '%s' was announced with %" PRIu64
				 " bytes, but ended after %" PRIu64 ".",
				 w->target.path, w->image_bytes, w->received_bytes);
	r = flush_body(w);
	if (r < 0)
		return r;
	r = jota_readback_verify(&w->readback, &w->device, w->block, progress, progress_ctx,
				 &w->failure);
	if (r < 0)
		return r;
	r = release_first_block(w);
	if (r < 0)
		return r;
	return jota_device_close(&w->device, &w->failure);
}

int jota_writer_finish(struct jota_writer *w, jota_progress_fn progress, void *progress_ctx,
		       struct jota_write_report *ret_report, struct jota_err *err)
{
	int r = check_usable(w, err);

	if (r < 0)
		return r;
	if (complete(w, progress, progress_ctx) < 0)
		return give_up(w, err);
	w->finished = true;
	if (progress)
		progress(progress_ctx, w->end_bytes, w->end_bytes);
	*ret_report = (struct jota_write_report){
		.image_bytes = w->image_bytes,
		.written_bytes = w->end_bytes,
		.verified_bytes = w->end_bytes,
	};
	return 0;
}

void jota_writer_free(struct jota_writer *w)
{
	if (!w)
		return;
	if (!w->finished && !w->first_is_zero)
		(void)zero_first_block_again(w, NULL);
	(void)jota_device_close(&w->device, NULL);
	free_memory(w);
}
