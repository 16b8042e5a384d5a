/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/build.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "swu/build_out.h"
#include "swu/build_plan.h"
#include "swu/container.h"
#include "swu/description.h"
#include "swu/lint.h"
#include "swu/findings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A signature of a curve has the expected length three times out of four. */
#define SIGN_TRIES_MAX 64
/* What other readers of cpio expect the archive to be padded to. */
#define ARCHIVE_BLOCK_BYTES 512u

/* One run: where things stand in the output. */
struct work {
	const struct jota_build *b;
	struct jota_plan plan;
	struct jota_signing *signing;
	struct jota_out out;
	char *text; /* of sw-description */
	uint64_t sig_room_bytes, payload_at_bytes, end_bytes;
	uint32_t mtime;
};

static uint64_t padded(uint64_t len_bytes)
{
	return len_bytes + jota_swu_padding(len_bytes);
}

static int fail_finding(const struct jota_swu_finding *finding, struct jota_err *err)
{
	size_t len = strlen(finding->text);

	/* Its sentence ends ours. */
	if (len > 0 && finding->text[len - 1] == '.')
		len--;
	return jota_fail(err, EINVAL, "devices would refuse this (%s): %.*s.", finding->code,
			 (int)len, finding->text);
}

/* What a device would refuse is not built. Warnings are passed on. */
static int lint_text(const struct work *w, struct jota_err *err)
{
	const struct jota_sign_talk *talk = &w->b->talk;
	struct jota_swu_findings f = { 0 };
	struct jota_swu_description d;
	int rc = jota_swu_description_parse(JOTA_SWU_DESCRIPTION, w->text, &d, err);

	if (rc < 0)
		return rc;
	rc = jota_swu_lint(&d, w->b->recipe->layout, &f, err);
	for (size_t i = 0; rc == 0 && i < f.count; i++) {
		if (f.finding[i].fatal)
			rc = fail_finding(&f.finding[i], err);
		else if (talk->warn)
			talk->warn(talk->ctx, f.finding[i].text);
	}
	jota_swu_findings_done(&f);
	jota_swu_description_done(&d);
	return rc;
}

static int header_bytes(const char *name, uint64_t *ret, struct jota_err *err)
{
	uint8_t header[JOTA_SWU_HEADER_MAX];
	size_t n = 0;
	int rc = jota_swu_header_encode(name, 0, 0, 0, header, &n, err);

	*ret = n;
	return rc;
}

/*
 * A first signature over the text with wrong digests: it shows before the long work that key and
 * passphrase are right, and how much room the last one needs.
 */
static int reserve_room(struct work *w, struct jota_err *err)
{
	CLEANUP_FREE uint8_t *sig = NULL;
	size_t sig_bytes = 0, typical = 0;
	uint64_t header = 0, sig_header = 0;
	int rc = jota_signing_sign(w->signing, w->text, strlen(w->text), &sig, &sig_bytes, &typical,
				   err);

	if (rc == 0)
		rc = header_bytes(JOTA_SWU_DESCRIPTION, &header, err);
	if (rc == 0)
		rc = header_bytes(JOTA_SWU_SIGNATURE, &sig_header, err);
	if (rc < 0)
		return rc;
	w->sig_room_bytes = padded(typical);
	w->payload_at_bytes = header + padded(strlen(w->text)) + sig_header + w->sig_room_bytes;
	return 0;
}

static int write_at(struct work *w, const void *data, size_t len_bytes, uint64_t *at_bytes,
		    struct jota_err *err)
{
	int rc = jota_io_pwrite_all(w->b->io, w->out.fd, data, len_bytes, *at_bytes, w->out.partial,
				    err);

	if (rc == -ENOSPC || rc == -EDQUOT)
		return jota_fail(err, -rc, "no room left for '%s': the disk is full.", w->out.path);
	*at_bytes += len_bytes;
	return rc;
}

static int write_padding(struct work *w, uint64_t len_bytes, uint64_t *at_bytes,
			 struct jota_err *err)
{
	static const uint8_t zero[4];
	size_t n = jota_swu_padding(len_bytes);

	return n ? write_at(w, zero, n, at_bytes, err) : 0;
}

/* A member whose data is in memory. */
static int write_small(struct work *w, const char *name, const void *data, size_t len_bytes,
		       uint64_t *at_bytes, struct jota_err *err)
{
	uint32_t check = jota_swu_check_add(0, data, len_bytes);
	uint8_t header[JOTA_SWU_HEADER_MAX];
	size_t n = 0;
	int rc = jota_swu_header_encode(name, len_bytes, check, w->mtime, header, &n, err);

	if (rc == 0)
		rc = write_at(w, header, n, at_bytes, err);
	if (rc == 0)
		rc = write_at(w, data, len_bytes, at_bytes, err);
	return rc < 0 ? rc : write_padding(w, len_bytes, at_bytes, err);
}

static void fill_payload(const struct work *w, size_t i, struct jota_payload *ret)
{
	const struct jota_plan_input *in = &w->plan.input[i];
	const struct jota_emit_file *file = &w->plan.file[i];

	*ret = (struct jota_payload){
		.name = file->name,
		.path = in->path,
		.in_fd = in->fd,
		.in_seen = &in->seen,
		.in_offset_bytes = in->in_offset_bytes,
		.in_bytes = in->in_bytes,
		.is_boot_image = in->is_boot_image,
		.compression = file->as_is ? JOTA_COMPRESSION_NONE : file->compression,
		.level = in->level,
		.workers = w->b->workers,
		.encrypt = file->encrypt && !file->as_is,
		.io = w->b->io,
		.out_path = w->out.path,
		.out_fd = w->out.fd,
		.out_max_bytes = JOTA_SWU_MEMBER_MAX,
		.progress = w->b->progress,
		.progress_ctx = w->b->progress_ctx,
		.cancel = w->b->talk.cancel,
	};
	memcpy(ret->aes_key, w->plan.aes_key, sizeof(ret->aes_key));
	memcpy(ret->aes_iv, file->iv, sizeof(ret->aes_iv));
}

static int fail_part(const struct jota_emit_file *file, struct jota_err *err)
{
	return jota_fail(err, EFBIG,
			 "'%s', a part of %" PRIu64 " bytes, has more than %" PRIu64
			 " when packed, and no file in a .swu can be larger: set split lower; %u "
			 "always fits.",
			 file->name, file->content_bytes, (uint64_t)JOTA_SWU_MEMBER_MAX,
			 JOTA_RECIPE_SPLIT_GIB);
}

/* The header knows size and checksum only when the data is written. */
static int write_payload(struct work *w, size_t i, uint64_t *at_bytes, struct jota_err *err)
{
	struct jota_emit_file *file = &w->plan.file[i];
	struct jota_payload_result result;
	uint8_t header[JOTA_SWU_HEADER_MAX];
	uint64_t header_at = *at_bytes, room = 0;
	struct jota_payload p;
	size_t n = 0;
	int rc = header_bytes(file->name, &room, err);

	if (rc < 0)
		return rc;
	fill_payload(w, i, &p);
	p.out_offset_bytes = header_at + room;
	rc = jota_payload_run(&p, &result, err);
	explicit_bzero(p.aes_key, sizeof(p.aes_key));
	if (rc == -EFBIG && file->part.number > 0)
		return fail_part(file, err);
	if (rc < 0)
		return rc;
	file->packed_bytes = result.packed_bytes;
	memcpy(file->sha256, result.sha256, sizeof(file->sha256));
	rc = jota_swu_header_encode(file->name, result.packed_bytes, result.check, w->mtime, header,
				    &n, err);
	if (rc == 0)
		rc = write_at(w, header, n, &header_at, err);
	*at_bytes = p.out_offset_bytes + result.packed_bytes;
	return rc < 0 ? rc : write_padding(w, result.packed_bytes, at_bytes, err);
}

static int write_trailer(struct work *w, uint64_t *at_bytes, struct jota_err *err)
{
	static const uint8_t zero[ARCHIVE_BLOCK_BYTES];
	uint8_t header[JOTA_SWU_HEADER_MAX];
	size_t n = 0;
	int rc = jota_swu_header_encode(JOTA_SWU_TRAILER, 0, 0, 0, header, &n, err);

	if (rc == 0)
		rc = write_at(w, header, n, at_bytes, err);
	n = (size_t)(-*at_bytes % ARCHIVE_BLOCK_BYTES);
	return rc < 0 || n == 0 ? rc : write_at(w, zero, n, at_bytes, err);
}

/* Signatures that need more or less room than was kept are made again. */
static int sign_to_fit(struct work *w, uint8_t **ret_sig, size_t *ret_bytes, struct jota_err *err)
{
	for (unsigned i = 0; i < SIGN_TRIES_MAX; i++) {
		CLEANUP_FREE uint8_t *sig = NULL;
		int rc = jota_signing_sign(w->signing, w->text, strlen(w->text), &sig, ret_bytes,
					   NULL, err);

		if (rc < 0)
			return rc;
		if (padded(*ret_bytes) == w->sig_room_bytes) {
			*ret_sig = take_ptr(&sig);
			return 0;
		}
	}
	return jota_fail(
		err, EIO,
		"%d signatures were all longer or shorter than the %" PRIu64
		" bytes kept for one; does the signer answer with something else each time?",
		SIGN_TRIES_MAX, w->sig_room_bytes);
}

/* Now the digests are known: the text is made again, signed, and put in front. */
static int write_front(struct work *w, struct jota_err *err)
{
	CLEANUP_FREE uint8_t *sig = NULL;
	CLEANUP_FREE char *text = NULL;
	size_t before = strlen(w->text), sig_bytes = 0;
	uint64_t at = 0;
	int rc = jota_plan_describe(&w->plan, &text, err);

	if (rc < 0)
		return rc;
	if (!text || strlen(text) != before)
		return jota_fail(err, EPROTO,
				 "sw-description has another length than the %zu bytes kept for it; "
				 "this is a defect of the program.",
				 before);
	memcpy(w->text, text, before);
	rc = sign_to_fit(w, &sig, &sig_bytes, err);
	if (rc == 0)
		rc = write_small(w, JOTA_SWU_DESCRIPTION, w->text, before, &at, err);
	if (rc == 0)
		rc = write_small(w, JOTA_SWU_SIGNATURE, sig, sig_bytes, &at, err);
	if (rc == 0 && at != w->payload_at_bytes)
		rc = jota_fail(err, EPROTO, "the front of '%s' does not meet its payload.",
			       w->out.path);
	return rc;
}

static int check_cancel(const struct work *w, struct jota_err *err)
{
	if (w->b->talk.cancel && atomic_load(w->b->talk.cancel))
		return jota_fail(err, ECANCELED, "interrupted.");
	return 0;
}

static int write_all(struct work *w, struct jota_err *err)
{
	uint64_t at = w->payload_at_bytes;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < w->plan.count; i++) {
		rc = write_payload(w, i, &at, err);
		if (rc == 0)
			rc = check_cancel(w, err);
	}
	if (rc == 0)
		rc = write_trailer(w, &at, err);
	w->end_bytes = at;
	if (rc == 0)
		rc = write_front(w, err);
	return rc < 0 ? rc : check_cancel(w, err);
}

/* Before anything is written. */
static int prepare(struct work *w, struct jota_err *err)
{
	const struct jota_recipe *r = w->b->recipe;
	int rc;

	if (r->has_device_signature && r->device_signature != r->signing.method)
		return jota_fail(
			err, EINVAL,
			"%s signs with %s, but the devices' SWUpdate is built to verify %s: "
			"they would refuse the update as not signed.",
			r->path, jota_sign_method_name(r->signing.method),
			jota_sign_method_name(r->device_signature));
	rc = jota_out_open(w->b->io, w->b->out_path, w->b->force, &w->out, err);
	if (rc == 0)
		rc = jota_signing_open(&r->signing, w->b->epoch_s, &w->b->talk, &w->signing, err);
	if (rc == 0)
		rc = jota_plan_make(w->b, &w->plan, err);
	if (rc == 0)
		rc = jota_plan_describe(&w->plan, &w->text, err);
	if (rc == 0)
		rc = lint_text(w, err);
	if (rc == 0)
		rc = check_cancel(w, err);
	return rc ? rc : reserve_room(w, err);
}

static void fill_report(struct work *w, struct jota_build_report *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->out_bytes = w->end_bytes;
	jota_signing_describe(w->signing, ret->signature, sizeof(ret->signature));
	ret->file_count = w->plan.count;
	for (size_t i = 0; i < w->plan.count; i++) {
		ret->file[i] = w->plan.file[i];
		w->plan.file[i].name = NULL;
	}
}

int jota_build_run(const struct jota_build *b, struct jota_build_report *ret, struct jota_err *err)
{
	struct work w = { .b = b, .out = { .fd = -1 } };
	int rc;

	w.mtime = b->epoch_s > 0 && b->epoch_s <= UINT32_MAX ? (uint32_t)b->epoch_s : 0;
	rc = prepare(&w, err);
	if (rc == 0)
		rc = write_all(&w, err);
	if (rc == 0)
		rc = jota_out_finish(&w.out, b->force, err);
	if (rc == 0)
		fill_report(&w, ret);
	jota_out_done(&w.out);
	jota_signing_free(w.signing);
	jota_build_plan_done(&w.plan);
	free(w.text);
	return rc;
}

void jota_build_report_done(struct jota_build_report *r)
{
	for (size_t i = 0; i < r->file_count; i++)
		free(r->file[i].name);
	memset(r, 0, sizeof(*r));
}
