/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The decision table, checked against a second one, and the ways users go through it. */
#include "slot/states.h"

#include "support/run.h"

#include <errno.h>

static const enum jota_situation situations[2][CONDITION_COUNT][CONDITION_COUNT] = {
	/* [next is the other][running slot][other slot] */
	[0] = {
		[JOTA_EMPTY] = { JOTA_BROKEN, JOTA_BROKEN, JOTA_BROKEN, JOTA_BROKEN },
		[JOTA_READY] = { JOTA_BROKEN, JOTA_BROKEN, JOTA_BROKEN, JOTA_BROKEN },
		[JOTA_TRIAL] = { JOTA_ON_TRIAL, JOTA_BROKEN, JOTA_BROKEN, JOTA_ON_TRIAL },
		[JOTA_GOOD] = { JOTA_STEADY, JOTA_BROKEN, JOTA_BROKEN, JOTA_STEADY },
	},
	[1] = {
		[JOTA_EMPTY] = { JOTA_BROKEN, JOTA_BROKEN, JOTA_BROKEN, JOTA_LEAVING },
		[JOTA_READY] = { JOTA_BROKEN, JOTA_BROKEN, JOTA_BROKEN, JOTA_BROKEN },
		[JOTA_TRIAL] = { JOTA_BROKEN, JOTA_BROKEN, JOTA_BROKEN, JOTA_BROKEN },
		[JOTA_GOOD] = { JOTA_DIVERTED, JOTA_BROKEN, JOTA_PENDING, JOTA_DIVERTED },
	},
};

START_TEST(every_state_has_the_situation_of_the_table)
{
	unsigned seen[JOTA_SITUATION_COUNT] = { 0 };

	for (size_t i = 0; i < GIVEN_COUNT; i++) {
		struct given g = given_at(i);
		enum jota_situation want =
			situations[g.state.next == g.other][g.state.slot[g.running]]
				  [g.state.slot[g.other]];
		enum jota_situation got = jota_policy_situation(&g.state, g.running);

		ck_assert_int_eq(got, g.state.factory ? JOTA_FACTORY : want);
		seen[got]++;
	}
	for (size_t i = 0; i < JOTA_SITUATION_COUNT; i++)
		ck_assert_uint_gt(seen[i], 0);
}
END_TEST

START_TEST(every_situation_has_a_name_of_its_own)
{
	for (int i = 0; i < JOTA_SITUATION_COUNT; i++)
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(jota_situation_name((enum jota_situation)i),
					 jota_situation_name((enum jota_situation)k));
}
END_TEST

/*
 * What a cell answers: 0 it succeeds, an errno it refuses, IF_GOOD it succeeds if the other slot is
 * good, else EPERM.
 */
#define IF_GOOD (-1)
/* Flip asks for an empty target too, which its own test does. */
/* clang-format off */
static const int expected[VERB_COUNT][JOTA_SITUATION_COUNT] = {
	/*                  factory  steady  pending on trial  diverted leaving broken */
	[BEGIN] =          { 0,      0,       0,     EBUSY,    0,       EBUSY,  EINVAL },
	[CONFIRM] =        { 0,      0,       0,     0,        0,       EPERM,  EINVAL },
	[ROLLBACK] =       { EPERM,  EPERM,   EPERM, IF_GOOD,  EPERM,   0,      EINVAL },
	[CONCLUDE] =       { 0,      0,       0,     0,        0,       0,      EINVAL },
	[CANCEL] =         { 0,      0,       0,     EPERM,    0,       EPERM,  EINVAL },
	[SWITCH_OTHER] =   { EPERM,  IF_GOOD, 0,     IF_GOOD,  IF_GOOD, 0,      EINVAL },
	[SWITCH_RUNNING] = { 0,      0,       0,     0,        0,       EPERM,  EINVAL },
	[ACKNOWLEDGE] =    { 0,      0,       0,     EBUSY,    0,       0,      EINVAL },
};
/* clang-format on */

START_TEST(every_verb_answers_every_situation_as_decided)
{
	char text[256];

	for (size_t i = 0; i < GIVEN_COUNT; i++) {
		struct given g = given_at(i);
		enum jota_situation situation = jota_policy_situation(&g.state, g.running);
		int want = expected[_i][situation];
		struct jota_boot_state after;
		struct jota_err err = { 0 };
		int r;

		if (want == IF_GOOD)
			want = g.state.slot[g.other] == JOTA_GOOD ? 0 : EPERM;
		r = verbs[_i].apply(&g, &after, &err);
		if ((r >= 0 ? 0 : -r) != want)
			ck_abort_msg("%s returned %d, expected %d in: %s", verbs[_i].name, r, -want,
				     given_text(&g, text, sizeof(text)));
	}
}
END_TEST

START_TEST(flip_takes_only_what_begin_stored)
{
	for (size_t i = 0; i < GIVEN_COUNT; i++) {
		struct given g = given_at(i);
		bool begun = jota_policy_situation(&g.state, g.running) == JOTA_STEADY &&
			     g.state.slot[g.other] == JOTA_EMPTY;
		struct jota_boot_state after;
		struct jota_err err = { 0 };

		ck_assert_int_eq(verb_flip(&g, &after, &err), begun ? JOTA_CHANGE : -EINVAL);
		ck_assert_int_eq(jota_policy_flip(&g.state, g.running, g.running, TRIES, BOOT_ID,
						  &after, &err),
				 -EINVAL);
		ck_assert_ptr_nonnull(strstr(err.msg, " runs, it cannot be the target"));
	}
}
END_TEST

/* A device on its way: each step must answer as said. */
static struct given device_at_factory(enum jota_slot running)
{
	struct given g = { .running = running, .other = jota_slot_other(running) };

	g.state.factory = true;
	return g;
}

static void go(struct given *g, int verb, int want)
{
	struct jota_boot_state after;
	struct jota_err err = { 0 };
	int r = verbs[verb].apply(g, &after, &err);

	ck_assert_msg(r == want, "%s returned %d, expected %d: %s", verbs[verb].name, r, want,
		      err.msg);
	if (r == JOTA_CHANGE)
		g->state = after;
}

static void reboot_into(struct given *g, enum jota_slot running)
{
	g->running = running;
	g->other = jota_slot_other(running);
}

/* As boot/uboot/ does after too many boots: one store, the slot on trial marked bad. */
static void firmware_falls_back(struct given *g)
{
	g->state.slot[g->state.next] = JOTA_EMPTY;
	g->state.next = jota_slot_other(g->state.next);
	g->state.boots_counted = 0;
	reboot_into(g, g->state.next);
}

static const enum jota_slot first_slot[] = { JOTA_SLOT_A, JOTA_SLOT_B };

static struct given updated_device(enum jota_slot first)
{
	struct given g = device_at_factory(first);

	go(&g, BEGIN, JOTA_CHANGE);
	go(&g, FLIP, JOTA_CHANGE);
	reboot_into(&g, jota_slot_other(first));
	return g;
}

START_TEST(good_update_ends_steady_and_reports_success)
{
	struct given g = updated_device(first_slot[_i]);

	ck_assert_int_eq(jota_policy_situation(&g.state, g.running), JOTA_ON_TRIAL);
	ck_assert_int_eq(g.state.record.ustate, JOTA_USTATE_INSTALLED);
	ck_assert_int_eq(g.state.record.target, g.running);
	ck_assert_str_eq(g.state.record.boot_id, BOOT_ID);
	go(&g, CONFIRM, JOTA_CHANGE);
	ck_assert_int_eq(jota_policy_situation(&g.state, g.running), JOTA_STEADY);
	ck_assert_int_eq(g.state.slot[g.running], JOTA_GOOD);
	ck_assert_int_eq(g.state.slot[g.other], JOTA_GOOD);
	ck_assert_int_eq(g.state.record.ustate, JOTA_USTATE_TESTING);
	go(&g, CONFIRM, JOTA_KEEP);
	go(&g, BEGIN, JOTA_CHANGE);
}
END_TEST

START_TEST(given_up_update_reports_failure_and_goes_back)
{
	struct given g = updated_device(first_slot[_i]);

	go(&g, ROLLBACK, JOTA_CHANGE);
	ck_assert_int_eq(g.state.next, first_slot[_i]);
	ck_assert_int_eq(g.state.slot[g.running], JOTA_EMPTY);
	ck_assert_int_eq(g.state.record.ustate, JOTA_USTATE_FAILED);
	go(&g, BEGIN, -EBUSY);
	go(&g, CONFIRM, -EPERM);
	reboot_into(&g, first_slot[_i]);
	ck_assert_int_eq(jota_policy_situation(&g.state, g.running), JOTA_STEADY);
	go(&g, CONFIRM, JOTA_KEEP);
	ck_assert_int_eq(g.state.record.ustate, JOTA_USTATE_FAILED);
}
END_TEST

START_TEST(fallen_back_update_is_not_reported_as_success)
{
	struct given g = updated_device(first_slot[_i]);

	firmware_falls_back(&g);
	ck_assert_int_eq(g.running, first_slot[_i]);
	go(&g, CONFIRM, JOTA_KEEP);
	ck_assert_int_eq(g.state.record.ustate, JOTA_USTATE_INSTALLED);
	ck_assert_int_eq(g.state.record.target, g.other);
	go(&g, SWITCH_OTHER, -EPERM);
	go(&g, BEGIN, JOTA_CHANGE);
}
END_TEST

START_TEST(fallen_back_update_is_concluded_as_a_failure_once)
{
	struct given g = updated_device(first_slot[_i]);
	struct given same_boot;
	struct jota_boot_state after;

	go(&g, CONCLUDE, JOTA_KEEP); /* its slot runs */
	firmware_falls_back(&g);
	same_boot = g;
	memcpy(same_boot.state.record.boot_id, OTHER_BOOT_ID, sizeof(OTHER_BOOT_ID));
	go(&same_boot, CONCLUDE, JOTA_KEEP); /* no boot since the flip */
	ck_assert_int_eq(jota_policy_conclude(&g.state, g.running, NULL, &after, NULL), JOTA_KEEP);
	go(&g, CONCLUDE, JOTA_CHANGE);
	ck_assert_int_eq(g.state.record.ustate, JOTA_USTATE_FAILED);
	ck_assert_int_eq(g.state.next, g.running);
	ck_assert_int_eq(g.state.slot[g.running], JOTA_GOOD);
	go(&g, CONCLUDE, JOTA_KEEP);
	go(&g, ACKNOWLEDGE, JOTA_CHANGE);
	go(&g, CONCLUDE, JOTA_KEEP);
}
END_TEST

START_TEST(reason_of_a_failure_stays_until_the_next_update)
{
	struct given g = updated_device(first_slot[_i]);

	go(&g, ROLLBACK, JOTA_CHANGE);
	(void)snprintf(g.state.record.reason, sizeof(g.state.record.reason), "health:app:deadline");
	reboot_into(&g, first_slot[_i]);
	go(&g, CONFIRM, JOTA_KEEP);
	go(&g, ACKNOWLEDGE, JOTA_CHANGE);
	ck_assert_str_eq(g.state.record.reason, "health:app:deadline");
	go(&g, BEGIN, JOTA_CHANGE);
	ck_assert_str_eq(g.state.record.reason, "");
	g = updated_device(first_slot[_i]);
	(void)snprintf(g.state.record.reason, sizeof(g.state.record.reason), "health:app:deadline");
	go(&g, CONFIRM, JOTA_CHANGE);
	ck_assert_str_eq(g.state.record.reason, "");
}
END_TEST

START_TEST(cancelled_flip_leaves_the_other_slot_empty)
{
	struct given g = device_at_factory(first_slot[_i]);

	go(&g, BEGIN, JOTA_CHANGE);
	go(&g, FLIP, JOTA_CHANGE);
	go(&g, ROLLBACK, -EPERM);
	go(&g, _i ? CANCEL : SWITCH_RUNNING, JOTA_CHANGE);
	ck_assert_int_eq(g.state.next, g.running);
	ck_assert_int_eq(g.state.slot[g.running], JOTA_GOOD);
	ck_assert_int_eq(g.state.slot[g.other], JOTA_EMPTY);
	ck_assert(!g.state.record.has_target);
	ck_assert_int_eq(g.state.record.ustate, JOTA_USTATE_OK);
	go(&g, CANCEL, JOTA_KEEP);
	go(&g, SWITCH_OTHER, -EPERM);
}
END_TEST

START_TEST(cancelled_switch_leaves_the_other_slot_good)
{
	struct given g = updated_device(first_slot[_i]);

	go(&g, CONFIRM, JOTA_CHANGE);
	go(&g, SWITCH_OTHER, JOTA_CHANGE);
	ck_assert_int_eq(jota_policy_situation(&g.state, g.running), JOTA_PENDING);
	go(&g, SWITCH_OTHER, JOTA_KEEP);
	go(&g, _i ? CANCEL : SWITCH_RUNNING, JOTA_CHANGE);
	ck_assert_int_eq(g.state.slot[g.other], JOTA_GOOD);
	ck_assert_int_eq(g.state.record.ustate, JOTA_USTATE_TESTING);
	go(&g, SWITCH_OTHER, JOTA_CHANGE);
}
END_TEST

START_TEST(cancelled_switch_does_not_trust_a_slot_that_was_tried)
{
	struct given g = updated_device(first_slot[_i]);

	go(&g, CONFIRM, JOTA_CHANGE);
	go(&g, SWITCH_OTHER, JOTA_CHANGE);
	g.state.boots_counted = 1;
	go(&g, CANCEL, JOTA_CHANGE);
	ck_assert_int_eq(g.state.slot[g.other], JOTA_EMPTY);
	ck_assert_int_eq(g.state.slot[g.running], JOTA_GOOD);
}
END_TEST

START_TEST(failed_switch_is_no_failed_update)
{
	struct given g = updated_device(first_slot[_i]);

	go(&g, CONFIRM, JOTA_CHANGE);
	go(&g, SWITCH_OTHER, JOTA_CHANGE);
	ck_assert(!g.state.record.has_target);
	reboot_into(&g, first_slot[_i]);
	go(&g, SWITCH_OTHER, JOTA_CHANGE);
	ck_assert_int_eq(jota_policy_situation(&g.state, g.running), JOTA_LEAVING);
	ck_assert_int_eq(g.state.record.ustate, JOTA_USTATE_TESTING);
	go(&g, SWITCH_RUNNING, -EPERM);
	go(&g, ROLLBACK, JOTA_KEEP);
}
END_TEST

START_TEST(acknowledged_flip_does_not_boot)
{
	struct given g = device_at_factory(first_slot[_i]);

	go(&g, ACKNOWLEDGE, JOTA_KEEP);
	go(&g, BEGIN, JOTA_CHANGE);
	go(&g, FLIP, JOTA_CHANGE);
	go(&g, ACKNOWLEDGE, JOTA_CHANGE);
	ck_assert_int_eq(g.state.next, g.running);
	ck_assert_int_eq(g.state.slot[g.other], JOTA_EMPTY);
	ck_assert_int_eq(g.state.record.ustate, JOTA_USTATE_OK);
	ck_assert(!g.state.record.has_target);
}
END_TEST

START_TEST(acknowledged_outcome_changes_no_slot)
{
	struct given g = updated_device(first_slot[_i]);
	struct jota_boot_state before;

	go(&g, ACKNOWLEDGE, -EBUSY);
	go(&g, CONFIRM, JOTA_CHANGE);
	before = g.state;
	go(&g, ACKNOWLEDGE, JOTA_CHANGE);
	ck_assert_int_eq(g.state.record.ustate, JOTA_USTATE_OK);
	ck_assert(!g.state.record.has_target);
	ck_assert_int_eq(g.state.next, before.next);
	ck_assert_int_eq(g.state.slot[JOTA_SLOT_A], before.slot[JOTA_SLOT_A]);
	ck_assert_int_eq(g.state.slot[JOTA_SLOT_B], before.slot[JOTA_SLOT_B]);
}
END_TEST

START_TEST(acknowledged_switch_stays_pending)
{
	struct given g = updated_device(first_slot[_i]);

	go(&g, CONFIRM, JOTA_CHANGE);
	go(&g, SWITCH_OTHER, JOTA_CHANGE);
	go(&g, ACKNOWLEDGE, JOTA_CHANGE);
	ck_assert_int_eq(jota_policy_situation(&g.state, g.running), JOTA_PENDING);
	ck_assert_int_eq(g.state.record.ustate, JOTA_USTATE_OK);
}
END_TEST

START_TEST(update_over_a_pending_flip_takes_the_flip_back)
{
	struct given g = device_at_factory(first_slot[_i]);

	go(&g, BEGIN, JOTA_CHANGE);
	go(&g, FLIP, JOTA_CHANGE);
	go(&g, BEGIN, JOTA_CHANGE);
	ck_assert_int_eq(g.state.next, g.running);
	ck_assert_int_eq(g.state.slot[g.other], JOTA_EMPTY);
	ck_assert(!g.state.record.has_target);
	go(&g, FLIP, JOTA_CHANGE);
}
END_TEST

START_TEST(trial_without_a_way_back_is_not_given_up)
{
	struct given g = updated_device(first_slot[_i]);

	g.state.slot[g.other] = JOTA_EMPTY;
	go(&g, ROLLBACK, -EPERM);
	go(&g, SWITCH_OTHER, -EPERM);
	go(&g, CONFIRM, JOTA_CHANGE);
}
END_TEST

START_TEST(diverted_device_can_be_repaired)
{
	struct given g = updated_device(first_slot[_i]);

	go(&g, CONFIRM, JOTA_CHANGE);
	reboot_into(&g, first_slot[_i]);
	ck_assert_int_eq(jota_policy_situation(&g.state, g.running), JOTA_DIVERTED);
	go(&g, SWITCH_OTHER, JOTA_KEEP);
	go(&g, SWITCH_RUNNING, JOTA_CHANGE);
	ck_assert_int_eq(jota_policy_situation(&g.state, g.running), JOTA_STEADY);
	ck_assert_int_eq(g.state.slot[g.other], JOTA_GOOD);
}
END_TEST

START_TEST(success_that_was_not_stored_with_the_confirmation_is_stored_later)
{
	struct given g = updated_device(first_slot[_i]);

	g.state.slot[g.running] = JOTA_GOOD;
	go(&g, CONFIRM, JOTA_CHANGE);
	ck_assert_int_eq(g.state.record.ustate, JOTA_USTATE_TESTING);
	go(&g, CONFIRM, JOTA_KEEP);
}
END_TEST

START_TEST(messages_name_the_slot_and_say_what_to_do)
{
	struct given g = updated_device(JOTA_SLOT_A);
	struct jota_boot_state after;
	struct jota_err err = { 0 };

	verb_begin(&g, &after, &err);
	ck_assert_str_eq(err.msg, "running slot B is on trial: confirm it (jetson-slot "
				  "mark-success) or roll back first.");
	g = device_at_factory(JOTA_SLOT_A);
	verb_switch_other(&g, &after, &err);
	ck_assert_str_eq(err.msg, "other slot B has never been written: install an update first.");
	g.state.factory = false;
	verb_begin(&g, &after, &err);
	ck_assert_str_eq(
		err.msg,
		"the stored boot state contradicts itself (slot A runs, A is next, A is empty, "
		"B is empty), nothing was changed: look at 'jetson-slot info' and correct it.");
}
END_TEST

START_TEST(boot_id_that_is_none_is_refused_or_empty)
{
	struct given g = device_at_factory(JOTA_SLOT_A);
	struct jota_boot_state after;
	struct jota_err err = { 0 };

	go(&g, BEGIN, JOTA_CHANGE);
	ck_assert_int_eq(
		jota_policy_flip(&g.state, JOTA_SLOT_A, JOTA_SLOT_B, 3, BOOT_ID "6", &after, &err),
		-EINVAL);
	ck_assert_int_eq(jota_policy_flip(&g.state, JOTA_SLOT_A, JOTA_SLOT_B, 3, NULL, &after, &err),
			 JOTA_CHANGE);
	ck_assert_str_eq(after.record.boot_id, "");
}
END_TEST

static TCase *table_tests(void)
{
	TCase *tcase = tcase_create("table");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, every_state_has_the_situation_of_the_table);
	tcase_add_test(tcase, every_situation_has_a_name_of_its_own);
	tcase_add_loop_test(tcase, every_verb_answers_every_situation_as_decided, BEGIN, FLIP);
	tcase_add_loop_test(tcase, every_verb_answers_every_situation_as_decided, CONFIRM,
			    VERB_COUNT);
	tcase_add_test(tcase, flip_takes_only_what_begin_stored);
	tcase_add_test(tcase, messages_name_the_slot_and_say_what_to_do);
	tcase_add_test(tcase, boot_id_that_is_none_is_refused_or_empty);
	return tcase;
}

/* Each from slot A and from slot B. */
static TCase *way_tests(void)
{
	TCase *tcase = tcase_create("ways");

	tcase_add_loop_test(tcase, good_update_ends_steady_and_reports_success, 0, 2);
	tcase_add_loop_test(tcase, given_up_update_reports_failure_and_goes_back, 0, 2);
	tcase_add_loop_test(tcase, fallen_back_update_is_not_reported_as_success, 0, 2);
	tcase_add_loop_test(tcase, fallen_back_update_is_concluded_as_a_failure_once, 0, 2);
	tcase_add_loop_test(tcase, reason_of_a_failure_stays_until_the_next_update, 0, 2);
	tcase_add_loop_test(tcase, cancelled_flip_leaves_the_other_slot_empty, 0, 2);
	tcase_add_loop_test(tcase, cancelled_switch_leaves_the_other_slot_good, 0, 2);
	tcase_add_loop_test(tcase, cancelled_switch_does_not_trust_a_slot_that_was_tried, 0, 2);
	tcase_add_loop_test(tcase, failed_switch_is_no_failed_update, 0, 2);
	tcase_add_loop_test(tcase, acknowledged_flip_does_not_boot, 0, 2);
	tcase_add_loop_test(tcase, acknowledged_outcome_changes_no_slot, 0, 2);
	tcase_add_loop_test(tcase, acknowledged_switch_stays_pending, 0, 2);
	tcase_add_loop_test(tcase, update_over_a_pending_flip_takes_the_flip_back, 0, 2);
	tcase_add_loop_test(tcase, trial_without_a_way_back_is_not_given_up, 0, 2);
	tcase_add_loop_test(tcase, diverted_device_can_be_repaired, 0, 2);
	tcase_add_loop_test(
		tcase, success_that_was_not_stored_with_the_confirmation_is_stored_later, 0, 2);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("policy");

	suite_add_tcase(suite, table_tests());
	suite_add_tcase(suite, way_tests());
	return run_suite(suite);
}
