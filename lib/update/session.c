/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "update/session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "slot/layout.h"
#include "slot/policy.h"
#include "update/session_state.h"
#include "write/target.h"

int jota_session_open(const struct jota_io *io, const struct jota_config *config,
		      struct jota_session **ret, struct jota_err *err)
{
	struct jota_session *s = calloc(1, sizeof(*s));

	if (!s)
		return jota_fail(err, ENOMEM, "open an update session");
	s->io = *io;
	s->config = *config;
	s->survey.lock_fd = -1;
	*ret = s;
	return 0;
}

int jota_session_die(struct jota_session *s, int rc)
{
	jota_writer_free(take_ptr(&s->writer));
	jota_survey_done(&s->survey);
	s->phase = SESSION_DEAD;
	return rc;
}

void jota_session_abort(struct jota_session *s)
{
	if (s->phase == SESSION_BEGUN || s->phase == SESSION_ARMED)
		(void)jota_session_die(s, 0);
}

void jota_session_free(struct jota_session *s)
{
	if (!s)
		return;
	jota_session_abort(s);
	for (size_t i = 0; i < JOTA_ROLE_COUNT; i++)
		free(s->part[i].name);
	free(s);
}

bool jota_session_begun(const struct jota_session *s)
{
	return s->phase == SESSION_BEGUN || s->phase == SESSION_ARMED;
}

bool jota_session_armed(const struct jota_session *s)
{
	return s->phase == SESSION_ARMED;
}

bool jota_session_flipped(const struct jota_session *s)
{
	return s->phase == SESSION_FLIPPED;
}

enum jota_slot jota_session_target(const struct jota_session *s)
{
	return s->target;
}

int jota_session_check_alive(const struct jota_session *s, struct jota_err *err)
{
	if (s->phase == SESSION_FLIPPED)
		return jota_fail(err, EPROTO, "this update is over: slot %s boots next.",
				 jota_slot_name(s->target));
	if (s->phase == SESSION_DEAD)
		return jota_fail(
			err, EPROTO,
			"this update has failed before and slot %s is marked empty; start it again.",
			jota_slot_name(s->target));
	return 0;
}

int jota_session_check_turn(const struct jota_session *s, enum jota_role role, const char *what,
			    struct jota_err *err)
{
	const struct session_part *part = &s->part[role];
	int rc = jota_session_check_alive(s, err);

	if (rc < 0)
		return rc;
	if (s->phase == SESSION_ARMED)
		return jota_fail(
			err, EPROTO,
			"%s comes after the update was armed; images come before the hook.", what);
	for (size_t i = 0; i < JOTA_ROLE_COUNT; i++) {
		if (s->part[i].state == PART_WRITING)
			return jota_fail(err, EPROTO, "%s begins before image '%s' has ended.",
					 what, s->part[i].name);
	}
	if (part->state == PART_WRITTEN)
		return jota_fail(
			err, EEXIST,
			"%s: the %s of this update was already written by image '%s'; name each role once.",
			what, jota_role_name(role), part->name);
	if (part->state == PART_KEPT)
		return jota_fail(
			err, EEXIST,
			"%s: the %s was already kept from the running slot; write it or keep it, not both.",
			what, jota_role_name(role));
	return 0;
}

static int check_name(const struct jota_session *s, const char *name, struct jota_err *err)
{
	if (!name[0])
		return jota_fail(err, EINVAL,
				 "an image of this update has no name; give each one a filename.");
	for (size_t i = 0; i < JOTA_ROLE_COUNT; i++) {
		if (s->part[i].name && strcmp(s->part[i].name, name) == 0)
			return jota_fail(err, EEXIST,
					 "image '%s' comes twice in this update, as %s and again.",
					 name, jota_role_name((enum jota_role)i));
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

static int open_image(struct jota_session *s, enum jota_role role, const char *name,
		      uint64_t image_bytes, const struct jota_change *change, size_t change_count,
		      struct jota_err *err)
{
	struct jota_target target;
	char what[160];
	int rc;

	(void)snprintf(what, sizeof(what), "image '%.100s'", name);
	rc = jota_session_check_turn(s, role, what, err);
	if (rc < 0)
		return rc;
	rc = check_name(s, name, err);
	if (rc < 0)
		return rc;
	if (image_bytes == 0)
		return jota_fail(err, EINVAL, "%s has 0 bytes.", what);
	if (s->phase == SESSION_NEW)
		rc = begin(s, role, what, image_bytes, change, change_count, &target, err);
	else
		rc = next_target(s, role, what, image_bytes, &target, err);
	if (rc < 0)
		return rc;
	return jota_writer_open(&s->io, &target, image_bytes, &s->writer, err);
}

int jota_session_image(struct jota_session *s, enum jota_role role, const char *name,
		       uint64_t image_bytes, const struct jota_change *change, size_t change_count,
		       struct jota_writer **ret_writer, struct jota_err *err)
{
	CLEANUP_FREE char *own_name = strdup(name);
	int rc;

	if (own_name)
		rc = open_image(s, role, name, image_bytes, change, change_count, err);
	else
		rc = jota_fail(err, ENOMEM, "image '%.100s'", name);
	if (rc < 0)
		return jota_session_begun(s) ? jota_session_die(s, rc) : rc;
	s->part[role].state = PART_WRITING;
	s->part[role].name = take_ptr(&own_name);
	*ret_writer = s->writer;
	return 0;
}

/** Role whose image is being written, or NULL. */
static struct session_part *current_part(struct jota_session *s)
{
	for (size_t i = 0; i < JOTA_ROLE_COUNT; i++) {
		if (s->part[i].state == PART_WRITING)
			return &s->part[i];
	}
	return NULL;
}

int jota_session_image_done(struct jota_session *s, jota_progress_fn progress, void *progress_ctx,
			    struct jota_write_report *ret_report, struct jota_err *err)
{
	struct session_part *part = current_part(s);
	struct jota_write_report report;
	int rc;

	rc = jota_session_check_alive(s, err);
	if (rc < 0)
		return rc;
	if (!part)
		return jota_fail(err, EPROTO, "no image is being written.");
	rc = jota_writer_finish(s->writer, progress, progress_ctx, &report, err);
	if (rc < 0) {
		(void)jota_wrap(err, "image '%.100s': ", part->name);
		return jota_session_die(s, rc);
	}
	jota_writer_free(take_ptr(&s->writer));
	part->state = PART_WRITTEN;
	if (ret_report)
		*ret_report = report;
	return 0;
}
