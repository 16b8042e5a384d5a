/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* One change of the boot state outside an update. */
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "slot/config.h"
#include "slot/policy.h"
#include "update/survey.h"
#include "update/session.h"

/** What the session lock tells others about us. */
static const char *const transition_holder[] = {
	[JOTA_DO_CONFIRM] = "a confirmation of the running slot",
	[JOTA_DO_ROLLBACK] = "a rollback",
	[JOTA_DO_CANCEL] = "a cancellation",
	[JOTA_DO_SWITCH_A] = "a switch to slot A",
	[JOTA_DO_SWITCH_B] = "a switch to slot B",
	[JOTA_DO_ACKNOWLEDGE] = "SWUpdate's acknowledgement",
	[JOTA_DO_CONCLUDE] = "the record of a trial's end",
};

static int decide(const struct jota_survey *d, enum jota_transition what,
		  struct jota_boot_state *ret_new, struct jota_err *err)
{
	const struct jota_boot_state *cur = &d->state;
	enum jota_slot running = d->evidence.running;
	unsigned tries = d->config->boot_tries;

	switch (what) {
	case JOTA_DO_CONFIRM:
		return jota_policy_confirm(cur, running, ret_new, err);
	case JOTA_DO_ROLLBACK:
		return jota_policy_rollback(cur, running, ret_new, err);
	case JOTA_DO_CANCEL:
		return jota_policy_cancel(cur, running, ret_new, err);
	case JOTA_DO_SWITCH_A:
		return jota_policy_switch(cur, running, JOTA_SLOT_A, tries, d->boot_id, ret_new,
					  err);
	case JOTA_DO_SWITCH_B:
		return jota_policy_switch(cur, running, JOTA_SLOT_B, tries, d->boot_id, ret_new,
					  err);
	case JOTA_DO_ACKNOWLEDGE:
		return jota_policy_acknowledge(cur, running, ret_new, err);
	case JOTA_DO_CONCLUDE:
		return jota_policy_conclude(cur, running, d->boot_id, ret_new, err);
	}
	return jota_fail(err, EINVAL, "unknown transition %d.", (int)what);
}

/** The marker says "a reboot is outstanding", so it follows from the state; best effort, the state is what counts. */
static void follow_with_marker(const struct jota_survey *d, enum jota_transition what,
			       const struct jota_boot_state *new_state)
{
	if (new_state->next == d->evidence.running)
		(void)jota_marker_clear(d->io, NULL);
	else if (what == JOTA_DO_ROLLBACK || what == JOTA_DO_SWITCH_A || what == JOTA_DO_SWITCH_B)
		(void)jota_marker_set(d->io, new_state->next, NULL);
}

/* What comes along with a transition. */
struct extra {
	const struct jota_change *change;
	size_t change_count;
	const char *reason; /* NULL: none */
};

static int apply(struct jota_survey *d, enum jota_transition what, const struct extra *extra,
		 struct jota_boot_state *ret_new, struct jota_err *err)
{
	struct jota_boot_state new_state;
	int verdict, rc;

	verdict = decide(d, what, &new_state, err);
	if (verdict < 0)
		return verdict;
	/* A trial may only begin where the boot chain can end it. */
	if (verdict == JOTA_CHANGE && new_state.next != d->evidence.running &&
	    new_state.slot[new_state.next] == JOTA_TRIAL) {
		rc = jota_survey_preflight(d, err);
		if (rc < 0)
			return rc;
	}
	if (verdict == JOTA_CHANGE && extra->reason)
		(void)snprintf(new_state.record.reason, sizeof(new_state.record.reason), "%s",
			       extra->reason);
	rc = jota_survey_store(d, verdict, &new_state, extra->change, extra->change_count, err);
	if (rc < 0)
		return rc;
	follow_with_marker(d, what, &new_state);
	*ret_new = new_state;
	return verdict;
}

static int survey_and_apply(const struct jota_io *io, const struct jota_config *config,
			    enum jota_transition what, const struct extra *extra,
			    struct jota_boot_state *ret_new, struct jota_err *err)
{
	struct jota_boot_state new_state;
	struct jota_survey survey;
	int rc;

	if ((size_t)what >= sizeof(transition_holder) / sizeof(transition_holder[0]))
		return jota_fail(err, EINVAL, "unknown transition %d.", (int)what);
	rc = jota_survey_init(&survey, io, config, transition_holder[what], err);
	if (rc < 0)
		return rc;
	rc = apply(&survey, what, extra, &new_state, err);
	jota_survey_done(&survey);
	if (rc >= 0 && ret_new)
		*ret_new = new_state;
	return rc;
}

int jota_transition_apply(const struct jota_io *io, const struct jota_config *config,
			  enum jota_transition what, const struct jota_change *change,
			  size_t change_count, struct jota_boot_state *ret_new, struct jota_err *err)
{
	const struct extra extra = { .change = change, .change_count = change_count };

	return survey_and_apply(io, config, what, &extra, ret_new, err);
}

int jota_transition_give_up(const struct jota_io *io, const struct jota_config *config,
			    enum jota_transition what, const char *reason,
			    struct jota_boot_state *ret_new, struct jota_err *err)
{
	const struct extra extra = { .reason = reason };

	if (what != JOTA_DO_ROLLBACK && what != JOTA_DO_CONCLUDE)
		return jota_fail(err, EINVAL, "transition %d takes no reason.", (int)what);
	return survey_and_apply(io, config, what, &extra, ret_new, err);
}
