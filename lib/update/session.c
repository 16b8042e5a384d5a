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
		for (size_t k = 0; k < s->role[i].name_count; k++)
			free(s->role[i].name[k]);
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

int jota_session_locate(const struct jota_session *s, enum jota_role role, struct jota_target *ret,
			struct jota_err *err)
{
	if (!jota_session_begun(s))
		return jota_fail(err, EPROTO, "no slot is being written.");
	return jota_target_locate(&s->io, &s->config, &s->survey.devs, &s->survey.evidence, role,
				  s->target, ret, err);
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

struct session_role *jota_session_unfinished(struct jota_session *s)
{
	for (size_t i = 0; i < JOTA_ROLE_COUNT; i++) {
		if (s->role[i].state == ROLE_WRITING || s->role[i].state == ROLE_BETWEEN)
			return &s->role[i];
	}
	return NULL;
}

int jota_session_check_finished(struct jota_session *s, const char *what, struct jota_err *err)
{
	const struct session_role *r = jota_session_unfinished(s);

	if (!r)
		return 0;
	if (r->state == ROLE_WRITING)
		return jota_fail(err, EPROTO, "%s before image '%.100s' has ended.", what,
				 r->name[r->name_count - 1]);
	return jota_fail(err, EPROTO,
			 "%s where part %zu of the %s must come, which begins at byte %" PRIu64
			 " of %" PRIu64 "; '%.60s' was the last.",
			 what, r->name_count + 1, jota_role_name((enum jota_role)(r - s->role)),
			 r->end_bytes, r->total_bytes, r->name[r->name_count - 1]);
}

int jota_session_check_turn(struct jota_session *s, enum jota_role role, const char *what,
			    struct jota_err *err)
{
	const struct session_role *r = &s->role[role];
	char begins[240];
	int rc = jota_session_check_alive(s, err);

	if (rc < 0)
		return rc;
	if (s->phase == SESSION_ARMED)
		return jota_fail(
			err, EPROTO,
			"%s comes after the update was armed; images come before the hook.", what);
	(void)snprintf(begins, sizeof(begins), "%s begins", what);
	rc = jota_session_check_finished(s, begins, err);
	if (rc < 0)
		return rc;
	if (r->state == ROLE_WRITTEN)
		return jota_fail(
			err, EEXIST,
			"%s: the %s of this update was already written by image '%s'; name each role once.",
			what, jota_role_name(role), r->name[0]);
	if (r->state == ROLE_KEPT)
		return jota_fail(
			err, EEXIST,
			"%s: the %s was already kept from the running slot; write it or keep it, not both.",
			what, jota_role_name(role));
	return 0;
}
