/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/policy.h"

#include "base/err.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define TRIES_MAX 10u

/* What a verb needs besides the state. */
struct order {
	enum jota_slot running;
	unsigned tries;
	const char *boot_id;
};

enum verb {
	BEGIN,
	CONFIRM,
	ROLLBACK,
	CONCLUDE,
	CANCEL,
	SWITCH_TO_OTHER,
	SWITCH_TO_RUNNING,
	ACKNOWLEDGE
};
#define VERB_COUNT 8

enum subject { RUNNING_SLOT, OTHER_SLOT };

/** One cell of the table: make the next state, keep this one, or say why neither. */
struct answer {
	void (*make)(struct jota_boot_state *state, const struct order *order);
	bool needs_other_good; /* else refused */
	int errnum;	       /* 0: not refused */
	enum subject subject;
	const char *why; /* goes on after "running slot A " or "other slot B " */
};

static void clear_target(struct jota_record *record)
{
	record->has_target = false;
	record->target = JOTA_SLOT_A;
	record->boot_id[0] = '\0';
}

static void set_boot_id(struct jota_record *record, const char *boot_id)
{
	(void)snprintf(record->boot_id, sizeof(record->boot_id), "%s", boot_id ? boot_id : "");
}

/* Only the slot that an update went into can say how that update ended. */
static void report_installed_as(struct jota_boot_state *state, enum jota_slot running,
				enum jota_ustate outcome)
{
	if (state->record.ustate == JOTA_USTATE_INSTALLED && state->record.has_target &&
	    state->record.target == running)
		state->record.ustate = outcome;
}

static void make_begun(struct jota_boot_state *state, const struct order *order)
{
	state->next = order->running;
	state->slot[jota_slot_other(order->running)] = JOTA_EMPTY;
	state->boots_counted = 0;
	clear_target(&state->record);
	state->record.reason[0] = '\0';
	state->record.ustate = JOTA_USTATE_IN_PROGRESS;
}

static void make_confirmed(struct jota_boot_state *state, const struct order *order)
{
	if (state->slot[order->running] == JOTA_TRIAL) {
		state->slot[order->running] = JOTA_GOOD;
		state->boots_counted = 0;
		state->record.reason[0] = '\0';
	}
	report_installed_as(state, order->running, JOTA_USTATE_TESTING);
}

static void make_given_up(struct jota_boot_state *state, const struct order *order)
{
	state->next = jota_slot_other(order->running);
	state->slot[order->running] = JOTA_EMPTY;
	state->boots_counted = 0;
	report_installed_as(state, order->running, JOTA_USTATE_FAILED);
}

/*
 * The slot that the last update went into was booted, does not run, and may not be booted any more: the firmware gave it up. With
 * the boot_id of the flip nothing has been booted since, and this is no outcome.
 */
static void make_concluded(struct jota_boot_state *state, const struct order *order)
{
	const struct jota_record *record = &state->record;

	if (record->ustate == JOTA_USTATE_INSTALLED && record->has_target &&
	    record->target != order->running && state->slot[record->target] == JOTA_EMPTY &&
	    order->boot_id && strcmp(record->boot_id, order->boot_id) != 0)
		state->record.ustate = JOTA_USTATE_FAILED;
}

/*
 * A flip leaves the target in the record, a switch does not. The slot of an untouched switch was
 * good
 * before and is so again; the slot of a flip has never run.
 */
static void make_cancelled(struct jota_boot_state *state, const struct order *order)
{
	enum jota_slot other = jota_slot_other(order->running);
	bool was_update = state->record.has_target;
	bool was_tried = state->boots_counted > 0;

	state->next = order->running;
	state->slot[other] = was_update || was_tried ? JOTA_EMPTY : JOTA_GOOD;
	state->boots_counted = 0;
	clear_target(&state->record);
	if (was_update)
		state->record.ustate = JOTA_USTATE_OK;
}

static void make_trial_of_other(struct jota_boot_state *state, const struct order *order)
{
	enum jota_slot other = jota_slot_other(order->running);

	state->next = other;
	state->slot[other] = JOTA_TRIAL;
	state->boots_counted = 0;
	state->boot_limit = order->tries;
	clear_target(&state->record);
	set_boot_id(&state->record, order->boot_id);
}

static void make_running_next(struct jota_boot_state *state, const struct order *order)
{
	state->next = order->running;
	clear_target(&state->record);
}

/* The outcome was reported, so the record has served; the slots are what they are. */
static void make_acknowledged(struct jota_boot_state *state, const struct order *order)
{
	(void)order;
	clear_target(&state->record);
	state->record.ustate = JOTA_USTATE_OK;
}

/*
 * Reported or cancelled by SWUpdate between flip and reboot: its own update must not boot, a
 * switch by hand may.
 */
static void make_acknowledged_pending(struct jota_boot_state *state, const struct order *order)
{
	if (state->record.has_target)
		make_cancelled(state, order);
	else
		make_acknowledged(state, order);
}

/* clang-format off */
#define DO(function) { .make = (function) }
#define KEEP { .make = NULL }
#define REFUSE(error, who, text) { .errnum = (error), .subject = (who), .why = (text) }
#define DO_IF_OTHER_GOOD(function, who, text) \
	{ .make = (function), .needs_other_good = true, .subject = (who), .why = (text) }
#define KEEP_IF_OTHER_GOOD(who, text) \
	{ .needs_other_good = true, .subject = (who), .why = (text) }

static const char *const situation_names[JOTA_SITUATION_COUNT] = {
	[JOTA_FACTORY] = "factory",   [JOTA_STEADY] = "steady",     [JOTA_PENDING] = "flip pending",
	[JOTA_ON_TRIAL] = "on trial", [JOTA_DIVERTED] = "diverted", [JOTA_LEAVING] = "leaving",
	[JOTA_BROKEN] = "broken",
};

/* The decision table. JOTA_BROKEN has no row: every verb refuses it. */
static const struct answer answers[VERB_COUNT][JOTA_BROKEN] = {
	[BEGIN] = {
		[JOTA_FACTORY] = DO(make_begun),
		[JOTA_STEADY] = DO(make_begun),
		[JOTA_PENDING] = DO(make_begun),
		[JOTA_DIVERTED] = DO(make_begun),
		[JOTA_ON_TRIAL] = REFUSE(EBUSY, RUNNING_SLOT,
			"is on trial: confirm it (jetson-slot mark-success) or roll back first"),
		[JOTA_LEAVING] = REFUSE(EBUSY, RUNNING_SLOT,
			"was given up: reboot into the other slot first"),
	},
	[CONFIRM] = {
		[JOTA_FACTORY] = KEEP,
		[JOTA_ON_TRIAL] = DO(make_confirmed),
		/* Good already: at most an update's outcome is still to be stored. */
		[JOTA_STEADY] = DO(make_confirmed),
		[JOTA_PENDING] = DO(make_confirmed),
		[JOTA_DIVERTED] = DO(make_confirmed),
		[JOTA_LEAVING] = REFUSE(EPERM, RUNNING_SLOT,
			"was given up, it is too late to confirm it: reboot into the other slot"),
	},
	[ROLLBACK] = {
		[JOTA_ON_TRIAL] = DO_IF_OTHER_GOOD(make_given_up, RUNNING_SLOT,
			"is on trial, but the other slot is not complete: there is no way back, "
			"confirm it (jetson-slot mark-success), then install an update"),
		[JOTA_LEAVING] = KEEP,
		[JOTA_FACTORY] = REFUSE(EPERM, RUNNING_SLOT,
			"is not on trial: there is nothing to roll back before the first update"),
		[JOTA_STEADY] = REFUSE(EPERM, RUNNING_SLOT,
			"is not on trial: to go to the other slot use 'jetson-slot switch'"),
		[JOTA_PENDING] = REFUSE(EPERM, RUNNING_SLOT,
			"is not on trial, the other slot is and has not booted yet: "
			"to take that back switch to the running slot (jetson-slot switch)"),
		[JOTA_DIVERTED] = REFUSE(EPERM, RUNNING_SLOT,
			"is not on trial: to keep it switch to it (jetson-slot switch)"),
	},
	[CONCLUDE] = {
		[JOTA_FACTORY] = KEEP,
		[JOTA_STEADY] = DO(make_concluded),
		[JOTA_PENDING] = KEEP,
		[JOTA_DIVERTED] = DO(make_concluded),
		[JOTA_ON_TRIAL] = KEEP,
		[JOTA_LEAVING] = KEEP,
	},
	[CANCEL] = {
		[JOTA_PENDING] = DO(make_cancelled),
		[JOTA_FACTORY] = KEEP,
		[JOTA_STEADY] = KEEP,
		[JOTA_DIVERTED] = KEEP,
		[JOTA_ON_TRIAL] = REFUSE(EPERM, RUNNING_SLOT,
			"is on trial already, it is too late to cancel: "
			"confirm it (jetson-slot mark-success) or roll back"),
		[JOTA_LEAVING] = REFUSE(EPERM, RUNNING_SLOT,
			"was given up, that cannot be cancelled: reboot into the other slot"),
	},
	[SWITCH_TO_OTHER] = {
		[JOTA_STEADY] = DO_IF_OTHER_GOOD(make_trial_of_other, OTHER_SLOT,
			"is not complete: install an update into it first"),
		[JOTA_ON_TRIAL] = DO_IF_OTHER_GOOD(make_given_up, OTHER_SLOT,
			"is not complete: stay and confirm the running slot "
			"(jetson-slot mark-success)"),
		[JOTA_DIVERTED] = KEEP_IF_OTHER_GOOD(OTHER_SLOT,
			"is not complete although it is next: "
			"switch to the running slot (jetson-slot switch) or install an update"),
		[JOTA_PENDING] = KEEP,
		[JOTA_LEAVING] = KEEP,
		[JOTA_FACTORY] = REFUSE(EPERM, OTHER_SLOT,
			"has never been written: install an update first"),
	},
	[SWITCH_TO_RUNNING] = {
		[JOTA_PENDING] = DO(make_cancelled),
		[JOTA_DIVERTED] = DO(make_running_next),
		[JOTA_FACTORY] = KEEP,
		[JOTA_STEADY] = KEEP,
		[JOTA_ON_TRIAL] = KEEP,
		[JOTA_LEAVING] = REFUSE(EPERM, RUNNING_SLOT,
			"was given up and is no longer complete: "
			"reboot into the other slot, then install an update"),
	},
	[ACKNOWLEDGE] = {
		[JOTA_FACTORY] = KEEP,
		[JOTA_STEADY] = DO(make_acknowledged),
		[JOTA_DIVERTED] = DO(make_acknowledged),
		[JOTA_LEAVING] = DO(make_acknowledged),
		[JOTA_PENDING] = DO(make_acknowledged_pending),
		[JOTA_ON_TRIAL] = REFUSE(EBUSY, RUNNING_SLOT,
			"is on trial, so the update has no outcome yet to be reported: "
			"confirm it (jetson-slot mark-success) or roll back first"),
	},
};
/* clang-format on */

enum jota_situation jota_policy_situation(const struct jota_boot_state *cur, enum jota_slot running)
{
	enum jota_condition mine = cur->slot[running];
	enum jota_condition others = cur->slot[jota_slot_other(running)];

	if (cur->factory)
		return JOTA_FACTORY;
	/* No storage can hold it, so whoever says it made it up. */
	if (mine == JOTA_READY || others == JOTA_READY)
		return JOTA_BROKEN;
	if (cur->next == running) {
		if (others == JOTA_TRIAL)
			return JOTA_BROKEN;
		if (mine == JOTA_GOOD)
			return JOTA_STEADY;
		return mine == JOTA_TRIAL ? JOTA_ON_TRIAL : JOTA_BROKEN;
	}
	if (mine == JOTA_GOOD)
		return others == JOTA_TRIAL ? JOTA_PENDING : JOTA_DIVERTED;
	return mine == JOTA_EMPTY && others == JOTA_GOOD ? JOTA_LEAVING : JOTA_BROKEN;
}

const char *jota_situation_name(enum jota_situation situation)
{
	return (size_t)situation < JOTA_SITUATION_COUNT ? situation_names[situation] : "unknown";
}

struct jota_boot_state jota_policy_settle(const struct jota_boot_state *cur, enum jota_slot running)
{
	struct jota_boot_state settled = *cur;

	if (!cur->factory)
		return settled;
	settled.factory = false;
	settled.next = running;
	settled.slot[running] = JOTA_GOOD;
	settled.slot[jota_slot_other(running)] = JOTA_EMPTY;
	settled.boots_counted = 0;
	clear_target(&settled.record);
	return settled;
}

static bool same_record(const struct jota_record *a, const struct jota_record *b)
{
	return a->has_target == b->has_target && (!a->has_target || a->target == b->target) &&
	       a->ustate == b->ustate && strcmp(a->boot_id, b->boot_id) == 0 &&
	       strcmp(a->reason, b->reason) == 0;
}

static bool same_state(const struct jota_boot_state *a, const struct jota_boot_state *b)
{
	return a->factory == b->factory && a->next == b->next &&
	       a->slot[JOTA_SLOT_A] == b->slot[JOTA_SLOT_A] &&
	       a->slot[JOTA_SLOT_B] == b->slot[JOTA_SLOT_B] &&
	       a->boots_counted == b->boots_counted && a->boot_limit == b->boot_limit &&
	       same_record(&a->record, &b->record);
}

static int fail_broken(const struct jota_boot_state *cur, enum jota_slot running,
		       struct jota_err *err)
{
	return jota_fail(
		err, EINVAL,
		"the stored boot state contradicts itself (slot %s runs, %s is next, A is %s, "
		"B is %s), nothing was changed: look at 'jetson-slot info' and correct it.",
		jota_slot_name(running), jota_slot_name(cur->next),
		jota_condition_name(cur->slot[JOTA_SLOT_A]),
		jota_condition_name(cur->slot[JOTA_SLOT_B]));
}

static int fail_answer(const struct answer *answer, enum jota_slot running, struct jota_err *err)
{
	bool about_running = answer->subject == RUNNING_SLOT;

	return jota_fail(err, answer->errnum ? answer->errnum : EPERM, "%s slot %s %s.",
			 about_running ? "running" : "other",
			 jota_slot_name(about_running ? running : jota_slot_other(running)),
			 answer->why);
}

static int decide(enum verb verb, const struct jota_boot_state *cur, const struct order *order,
		  struct jota_boot_state *ret_new, struct jota_err *err)
{
	enum jota_situation situation = jota_policy_situation(cur, order->running);
	struct jota_boot_state settled = jota_policy_settle(cur, order->running);
	struct jota_boot_state made = settled;
	const struct answer *answer;
	bool other_good;

	if (situation == JOTA_BROKEN)
		return fail_broken(cur, order->running, err);
	answer = &answers[verb][situation];
	other_good = settled.slot[jota_slot_other(order->running)] == JOTA_GOOD;
	if (answer->errnum || (answer->needs_other_good && !other_good))
		return fail_answer(answer, order->running, err);
	if (answer->make)
		answer->make(&made, order);
	*ret_new = made;
	if (!answer->make || (!cur->factory && same_state(&settled, &made)))
		return JOTA_KEEP;
	return JOTA_CHANGE;
}

static int check_trial(unsigned tries, const char *boot_id, struct jota_err *err)
{
	if (tries < 1 || tries > TRIES_MAX)
		return jota_fail(err, EINVAL,
				 "a trial of %u boots is asked for, 1 to %u are possible.", tries,
				 TRIES_MAX);
	if (boot_id && strlen(boot_id) >= sizeof(((struct jota_record *)NULL)->boot_id))
		return jota_fail(err, EINVAL, "boot_id '%.40s...' is longer than 36 characters.",
				 boot_id);
	return 0;
}

int jota_policy_begin(const struct jota_boot_state *cur, enum jota_slot running,
		      struct jota_boot_state *ret_new, enum jota_slot *ret_target,
		      struct jota_err *err)
{
	const struct order order = { .running = running };
	int r = decide(BEGIN, cur, &order, ret_new, err);

	if (r >= 0)
		*ret_target = jota_slot_other(running);
	return r;
}

int jota_policy_flip(const struct jota_boot_state *cur, enum jota_slot running,
		     enum jota_slot target, unsigned tries, const char *boot_id,
		     struct jota_boot_state *ret_new, struct jota_err *err)
{
	const struct order order = { .running = running, .tries = tries, .boot_id = boot_id };
	struct jota_boot_state made = *cur;
	enum jota_situation situation = jota_policy_situation(cur, running);
	int r;

	r = check_trial(tries, boot_id, err);
	if (r < 0)
		return r;
	if (target == running)
		return jota_fail(err, EINVAL, "slot %s runs, it cannot be the target of an update.",
				 jota_slot_name(running));
	if (situation != JOTA_STEADY || cur->slot[target] != JOTA_EMPTY)
		return jota_fail(
			err, EINVAL,
			"slot %s cannot be flipped to: no update was begun (state '%s', target "
			"'%s'; expected '%s' and '%s').",
			jota_slot_name(target), jota_situation_name(situation),
			jota_condition_name(cur->slot[target]), jota_situation_name(JOTA_STEADY),
			jota_condition_name(JOTA_EMPTY));

	make_trial_of_other(&made, &order);
	made.record.has_target = true;
	made.record.target = target;
	made.record.ustate = JOTA_USTATE_INSTALLED;
	*ret_new = made;
	return JOTA_CHANGE;
}

int jota_policy_confirm(const struct jota_boot_state *cur, enum jota_slot running,
			struct jota_boot_state *ret_new, struct jota_err *err)
{
	const struct order order = { .running = running };

	return decide(CONFIRM, cur, &order, ret_new, err);
}

int jota_policy_rollback(const struct jota_boot_state *cur, enum jota_slot running,
			 struct jota_boot_state *ret_new, struct jota_err *err)
{
	const struct order order = { .running = running };

	return decide(ROLLBACK, cur, &order, ret_new, err);
}

int jota_policy_conclude(const struct jota_boot_state *cur, enum jota_slot running,
			 const char *boot_id, struct jota_boot_state *ret_new, struct jota_err *err)
{
	const struct order order = { .running = running, .boot_id = boot_id };

	return decide(CONCLUDE, cur, &order, ret_new, err);
}

int jota_policy_cancel(const struct jota_boot_state *cur, enum jota_slot running,
		       struct jota_boot_state *ret_new, struct jota_err *err)
{
	const struct order order = { .running = running };

	return decide(CANCEL, cur, &order, ret_new, err);
}

int jota_policy_switch(const struct jota_boot_state *cur, enum jota_slot running, enum jota_slot to,
		       unsigned tries, const char *boot_id, struct jota_boot_state *ret_new,
		       struct jota_err *err)
{
	const struct order order = { .running = running, .tries = tries, .boot_id = boot_id };
	int r = check_trial(tries, boot_id, err);

	if (r < 0)
		return r;
	return decide(to == running ? SWITCH_TO_RUNNING : SWITCH_TO_OTHER, cur, &order, ret_new,
		      err);
}

int jota_policy_acknowledge(const struct jota_boot_state *cur, enum jota_slot running,
			    struct jota_boot_state *ret_new, struct jota_err *err)
{
	const struct order order = { .running = running };

	return decide(ACKNOWLEDGE, cur, &order, ret_new, err);
}
