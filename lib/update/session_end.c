/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The end of an update: is what was written what was signed, and the store that makes it boot. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "slot/layout.h"
#include "slot/policy.h"
#include "update/session_state.h"

static bool is_named(const char *const *name, size_t name_count, const char *wanted)
{
	for (size_t i = 0; i < name_count; i++) {
		if (strcmp(name[i], wanted) == 0)
			return true;
	}
	return false;
}

static bool is_written(const struct jota_session *s, const char *name)
{
	for (size_t i = 0; i < JOTA_ROLE_COUNT; i++) {
		const struct session_role *r = &s->role[i];

		if (r->state == ROLE_WRITTEN &&
		    is_named((const char *const *)r->name, r->name_count, name))
			return true;
	}
	return false;
}

/** Both ways: a skipped image would leave a mix of old and new, an unnamed one was never signed for this slot. */
static int check_set(const struct jota_session *s, const char *const *name, size_t name_count,
		     struct jota_err *err)
{
	for (size_t i = 0; i < name_count; i++) {
		if (!is_written(s, name[i]))
			return jota_fail(
				err, EPROTO,
				"image '%.100s' of this update was not written: it is not in "
				"images, or SWUpdate skipped it; the running slot stays "
				"selected.",
				name[i]);
	}
	for (size_t i = 0; i < JOTA_ROLE_COUNT; i++) {
		const struct session_role *r = &s->role[i];

		for (size_t k = 0; r->state == ROLE_WRITTEN && k < r->name_count; k++) {
			if (!is_named(name, name_count, r->name[k]))
				return jota_fail(
					err, EPROTO,
					"image '%.100s' was written but the signed list does not name it: "
					"add it to the property images of 'jetson-postinstall'.",
					r->name[k]);
		}
	}
	return 0;
}

static int check_complete(const struct jota_session *s, struct jota_err *err)
{
	const struct jota_layout *layout = s->config.layout;

	for (size_t i = 0; i < JOTA_ROLE_COUNT; i++) {
		const struct jota_layout_role *row = &layout->role[i];
		const char *role = jota_role_name((enum jota_role)i);
		enum session_role_state state = s->role[i].state;

		if (!row->required || state == ROLE_WRITTEN || state == ROLE_KEPT)
			continue;
		return jota_fail(
			err, EPROTO,
			"slot %s would be incomplete: layout '%s' requires the role %s (partition '%s', now in '%s'), which this update neither wrote nor kept; add the component or keep = \"%s\".",
			jota_slot_name(s->target), layout->name, role, row->label[s->target],
			row->label[jota_slot_other(s->target)], role);
	}
	return 0;
}

static int check_armable(struct jota_session *s, const char *const *name, size_t name_count,
			 struct jota_err *err)
{
	int rc = jota_session_check_alive(s, err);

	if (rc < 0)
		return rc;
	rc = jota_session_check_finished(s, "the hook comes", err);
	if (rc < 0)
		return rc;
	rc = check_set(s, name, name_count, err);
	if (rc < 0)
		return rc;
	if (s->phase == SESSION_NEW)
		return jota_fail(err, EPROTO, "this update wrote no image.");
	return check_complete(s, err);
}

int jota_session_arm(struct jota_session *s, const char *const *name, size_t name_count,
		     struct jota_err *err)
{
	int rc = check_armable(s, name, name_count, err);

	if (rc < 0)
		return jota_session_begun(s) ? jota_session_die(s, rc) : rc;
	s->phase = SESSION_ARMED;
	return 0;
}

static int store_flip(struct jota_session *s, const struct jota_change *change, size_t change_count,
		      struct jota_err *err)
{
	struct jota_survey *d = &s->survey;
	struct jota_boot_state flipped;
	int rc;

	rc = jota_policy_flip(&d->state, d->evidence.running, s->target, s->config.boot_tries,
			      d->boot_id, &flipped, err);
	if (rc < 0)
		return rc;
	rc = jota_survey_store(d, rc, &flipped, change, change_count, err);
	if (rc == -ESTALE)
		return jota_fail(
			err, ESTALE,
			"the boot state was changed by somebody else during this update, slot %s is not activated; find out who stores it and start the update again.",
			jota_slot_name(s->target));
	return rc;
}

int jota_session_flip(struct jota_session *s, const struct jota_change *change, size_t change_count,
		      bool *ret_marker_missing, struct jota_err *err)
{
	int rc = jota_session_check_alive(s, err);

	if (rc < 0)
		return rc;
	if (s->phase != SESSION_ARMED)
		return jota_fail(
			err, EPROTO,
			"the update is not armed; the hook 'jetson-postinstall' must run before it ends.");
	rc = store_flip(s, change, change_count, err);
	if (rc < 0)
		return jota_session_die(s, rc);
	*ret_marker_missing = jota_marker_set(&s->io, s->target, NULL) < 0;
	jota_survey_done(&s->survey);
	s->phase = SESSION_FLIPPED;
	return 0;
}
