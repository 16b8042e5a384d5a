/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The images of an update, whole or in parts: announced, written by the caller, ended. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "slot/layout.h"
#include "slot/policy.h"
#include "update/session_state.h"
#include "write/target.h"

#define WHAT_BYTES 160

static void describe(enum jota_role role, uint64_t part_number, const char *name,
		     char what[WHAT_BYTES])
{
	if (part_number == 0)
		(void)snprintf(what, WHAT_BYTES, "image '%.100s'", name);
	else
		(void)snprintf(what, WHAT_BYTES, "part %" PRIu64 " of the %s ('%.100s')",
			       part_number, jota_role_name(role), name);
}

static int check_name(const struct jota_session *s, const char *name, struct jota_err *err)
{
	if (!name[0])
		return jota_fail(err, EINVAL,
				 "an image of this update has no name; give each one a filename.");
	for (size_t i = 0; i < JOTA_ROLE_COUNT; i++) {
		for (size_t k = 0; k < s->role[i].name_count; k++) {
			if (strcmp(s->role[i].name[k], name) == 0)
				return jota_fail(
					err, EEXIST,
					"image '%s' comes twice in this update, as %s and again.",
					name, jota_role_name((enum jota_role)i));
		}
	}
	return 0;
}

int jota_session_resolve(const struct jota_session *s, enum jota_role role, const char *what,
			 uint64_t image_bytes, struct jota_target *ret, struct jota_err *err)
{
	struct jota_target target;
	int rc;

	rc = jota_target_resolve(&s->io, &s->config, &s->survey.devs, &s->survey.evidence, role,
				 s->target, &target, err);
	if (rc < 0)
		return rc;
	if (image_bytes > target.capacity_bytes)
		return jota_fail(err, EFBIG,
				 "%s has %" PRIu64 " bytes, partition '%s' (%s) holds %" PRIu64
				 "; make the image smaller.",
				 what, image_bytes, target.label, target.path,
				 target.capacity_bytes);
	*ret = target;
	return 0;
}

/*
 * A slot is written whole, so what forbids one of its partitions forbids the update: better said now
 * than when the others are overwritten.
 */
static int check_other_roles(const struct jota_session *s, enum jota_role role, struct jota_err *err)
{
	for (size_t i = 0; i < JOTA_ROLE_COUNT; i++) {
		const struct jota_layout_role *row = &s->config.layout->role[i];
		struct jota_target target;
		int rc;

		if (i == (size_t)role || !row->required)
			continue;
		rc = jota_target_resolve(&s->io, &s->config, &s->survey.devs, &s->survey.evidence,
					 (enum jota_role)i, s->target, &target, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/** Everything between the announcement of the first image and store 1, and store 1 itself. */
static int store_begin(struct jota_session *s, enum jota_role role, const char *what,
		       uint64_t image_bytes, const struct jota_change *change, size_t change_count,
		       struct jota_target *ret, struct jota_err *err)
{
	struct jota_survey *d = &s->survey;
	struct jota_boot_state begun;
	int verdict, rc;

	verdict = jota_policy_begin(&d->state, d->evidence.running, &begun, &s->target, err);
	if (verdict < 0)
		return verdict;
	rc = jota_survey_preflight(d, err);
	if (rc < 0)
		return rc;
	rc = jota_session_resolve(s, role, what, image_bytes, ret, err);
	if (rc == 0)
		rc = check_other_roles(s, role, err);
	if (rc < 0)
		return rc;
	return jota_survey_store(d, verdict, &begun, change, change_count, err);
}

static int begin(struct jota_session *s, enum jota_role role, const char *what,
		 uint64_t image_bytes, const struct jota_change *change, size_t change_count,
		 struct jota_target *ret, struct jota_err *err)
{
	int rc;

	rc = jota_survey_init(&s->survey, &s->io, &s->config, "a running update", err);
	if (rc < 0)
		return rc;
	rc = store_begin(s, role, what, image_bytes, change, change_count, ret, err);
	if (rc < 0) {
		jota_survey_done(&s->survey);
		return rc;
	}
	s->phase = SESSION_BEGUN;
	/* Store 1 has taken back a flip that waited for its reboot; a marker that stays only delays. */
	(void)jota_marker_clear(&s->io, NULL);
	return 0;
}

static int next_target(struct jota_session *s, enum jota_role role, const char *what,
		       uint64_t image_bytes, struct jota_target *ret, struct jota_err *err)
{
	int rc = jota_survey_refresh(&s->survey, err);

	return rc < 0 ? rc : jota_session_resolve(s, role, what, image_bytes, ret, err);
}

/* The first part of an image, or a whole one: the only time that the device is looked at. */
static int open_image(struct jota_session *s, const struct jota_piece *piece, const char *what,
		      const struct jota_change *change, size_t change_count, struct jota_err *err)
{
	bool in_parts = piece->part.number > 0;
	uint64_t image_bytes = in_parts ? piece->part.total_bytes : piece->bytes;
	struct jota_target target;
	char whole[WHAT_BYTES + 40];
	int rc;

	(void)snprintf(whole, sizeof(whole), "%s%s", in_parts ? "the image that begins with " : "",
		       what);
	if (s->phase == SESSION_NEW)
		rc = begin(s, piece->role, whole, image_bytes, change, change_count, &target, err);
	else
		rc = next_target(s, piece->role, whole, image_bytes, &target, err);
	if (rc < 0)
		return rc;
	rc = jota_writer_open(&s->io, &target, image_bytes, &s->writer, err);
	return rc < 0 ? jota_wrap(err, "%s: ", what) : 0;
}

/* The image has been begun: this must be what comes next, and nothing else is looked at. */
static int check_next_part(const struct session_role *r, const struct jota_piece *piece,
			   const char *what, struct jota_err *err)
{
	const struct jota_part *part = &piece->part;

	if (part->number != r->name_count + 1)
		return jota_fail(err, EPROTO,
				 "%s comes where part %zu must; parts come in ascending order.",
				 what, r->name_count + 1);
	if (r->name_count == JOTA_PARTS_MAX)
		return jota_fail(err, E2BIG, "%s: an image comes in at most %d parts.", what,
				 JOTA_PARTS_MAX);
	if (part->total_bytes != r->total_bytes)
		return jota_fail(err, EPROTO,
				 "%s says total %" PRIu64 ", the parts before it said %" PRIu64 ".",
				 what, part->total_bytes, r->total_bytes);
	if (part->offset_bytes != r->end_bytes)
		return jota_fail(err, EPROTO,
				 "%s begins at offset %" PRIu64 ", expected %" PRIu64
				 ": the parts leave a gap or overlap.",
				 what, part->offset_bytes, r->end_bytes);
	return 0;
}

static int check_order(struct jota_session *s, const struct jota_piece *piece, const char *what,
		       struct jota_err *err)
{
	const struct session_role *r = &s->role[piece->role];
	int rc;

	if (piece->part.number > 0 && r->state == ROLE_BETWEEN) {
		rc = jota_session_check_alive(s, err);
		return rc < 0 ? rc : check_next_part(r, piece, what, err);
	}
	rc = jota_session_check_turn(s, piece->role, what, err);
	if (rc < 0 || piece->part.number <= 1)
		return rc;
	return jota_fail(err, EPROTO, "%s comes before part 1; parts come in ascending order.",
			 what);
}

static int check_bytes(const struct jota_piece *piece, const char *what, struct jota_err *err)
{
	const struct jota_part *part = &piece->part;

	if (piece->bytes == 0)
		return jota_fail(err, EINVAL, "%s has 0 bytes.", what);
	if (part->number == 0)
		return 0;
	if (part->number == 1 && part->offset_bytes != 0)
		return jota_fail(err, EINVAL, "%s begins at offset %" PRIu64 ", expected 0.", what,
				 part->offset_bytes);
	if (part->offset_bytes < part->total_bytes &&
	    piece->bytes <= part->total_bytes - part->offset_bytes)
		return 0;
	return jota_fail(err, EINVAL,
			 "%s has %" PRIu64 " bytes from offset %" PRIu64
			 " on, which is more than total %" PRIu64 ".",
			 what, piece->bytes, part->offset_bytes, part->total_bytes);
}

static int open_piece(struct jota_session *s, const struct jota_piece *piece,
		      const struct jota_change *change, size_t change_count, struct jota_err *err)
{
	char what[WHAT_BYTES];
	int rc;

	describe(piece->role, piece->part.number, piece->name, what);
	rc = check_order(s, piece, what, err);
	if (rc == 0)
		rc = check_name(s, piece->name, err);
	if (rc == 0)
		rc = check_bytes(piece, what, err);
	if (rc == 0 && piece->part.number <= 1)
		rc = open_image(s, piece, what, change, change_count, err);
	if (rc < 0 || piece->part.number == 0)
		return rc;
	rc = jota_writer_part(s->writer, piece->bytes, err);
	return rc < 0 ? jota_wrap(err, "%s: ", what) : 0;
}

int jota_session_image(struct jota_session *s, const struct jota_piece *piece,
		       const struct jota_change *change, size_t change_count,
		       struct jota_writer **ret_writer, struct jota_err *err)
{
	CLEANUP_FREE char *own_name = strdup(piece->name);
	struct session_role *r = &s->role[piece->role];
	int rc;

	if (own_name)
		rc = open_piece(s, piece, change, change_count, err);
	else
		rc = jota_fail(err, ENOMEM, "image '%.100s'", piece->name);
	if (rc < 0)
		return jota_session_begun(s) ? jota_session_die(s, rc) : rc;
	r->state = ROLE_WRITING;
	r->name[r->name_count++] = take_ptr(&own_name);
	r->in_parts = piece->part.number > 0;
	r->total_bytes = r->in_parts ? piece->part.total_bytes : piece->bytes;
	r->end_bytes += piece->bytes;
	*ret_writer = s->writer;
	return 0;
}

/* 0: the image is on the device and verified, JOTA_PARTS_TO_COME: its writer stays open. */
static int end_piece(struct jota_session *s, const struct session_role *r, jota_progress_fn progress,
		     void *progress_ctx, struct jota_write_report *ret_report, struct jota_err *err)
{
	int rc = r->in_parts ? jota_writer_part_done(s->writer, err) : 0;

	if (rc == 0 && r->end_bytes < r->total_bytes)
		return JOTA_PARTS_TO_COME;
	return rc < 0 ? rc : jota_writer_finish(s->writer, progress, progress_ctx, ret_report, err);
}

int jota_session_image_done(struct jota_session *s, jota_progress_fn progress, void *progress_ctx,
			    struct jota_write_report *ret_report, struct jota_err *err)
{
	struct session_role *r = jota_session_unfinished(s);
	struct jota_write_report report = { 0 };
	char what[WHAT_BYTES];
	int rc;

	rc = jota_session_check_alive(s, err);
	if (rc < 0)
		return rc;
	if (!r || r->state != ROLE_WRITING)
		return jota_fail(err, EPROTO, "no image is being written.");
	rc = end_piece(s, r, progress, progress_ctx, &report, err);
	if (rc < 0) {
		describe((enum jota_role)(r - s->role), r->in_parts ? r->name_count : 0,
			 r->name[r->name_count - 1], what);
		(void)jota_wrap(err, "%s: ", what);
		return jota_session_die(s, rc);
	}
	r->state = rc == JOTA_PARTS_TO_COME ? ROLE_BETWEEN : ROLE_WRITTEN;
	if (rc == JOTA_PARTS_TO_COME)
		return rc;
	jota_writer_free(take_ptr(&s->writer));
	if (ret_report)
		*ret_report = report;
	return 0;
}
