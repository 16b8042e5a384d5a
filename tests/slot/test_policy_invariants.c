/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The invariants of the slot model, asked of every verb in every state. */
#include "slot/states.h"

#include "support/run.h"

#include <errno.h>

/** One verb in one state, and what came of it. */
struct step {
	struct given given;
	struct jota_boot_state before; /* settled: as meant */
	struct jota_boot_state after;  /* valid if result >= 0 */
	struct jota_err err;
	int verb;
	int result;
};

typedef bool (*promise_fn)(const struct step *step);

static const struct jota_boot_state untouched = { .boot_limit = 4711 };

/* Fails with state and verb in the message. Returns how often the verb did something, so that a
 * promise about nothing is noticed. */
static unsigned ask_all(int first_verb, int last_verb, const char *promise, promise_fn holds)
{
	unsigned changes = 0;
	char text[256];

	for (size_t i = 0; i < GIVEN_COUNT; i++) {
		for (int verb = first_verb; verb <= last_verb; verb++) {
			struct step step = { .given = given_at(i),
					     .after = untouched,
					     .verb = verb };

			step.before = jota_policy_settle(&step.given.state, step.given.running);
			step.result = verbs[verb].apply(&step.given, &step.after, &step.err);
			changes += step.result == JOTA_CHANGE;
			if (!holds(&step))
				ck_abort_msg("%s: broken by %s (returned %d) in: %s", promise,
					     verbs[verb].name, step.result,
					     given_text(&step.given, text, sizeof(text)));
		}
	}
	return changes;
}

#define ASK(first, last, promise) ck_assert_uint_gt(ask_all(first, last, #promise, promise), 0)
#define ASK_EVERY_VERB(promise) ASK(0, VERB_COUNT - 1, promise)

static enum jota_condition mine(const struct jota_boot_state *state, const struct step *step)
{
	return state->slot[step->given.running];
}

static enum jota_condition others(const struct jota_boot_state *state, const struct step *step)
{
	return state->slot[step->given.other];
}

static bool running_keeps_good(const struct step *step)
{
	if (step->result < 0 || mine(&step->before, step) != JOTA_GOOD)
		return true;
	return mine(&step->after, step) == JOTA_GOOD || others(&step->after, step) == JOTA_GOOD;
}

START_TEST(i1_running_slot_never_loses_good_unless_the_other_is_good)
{
	ASK_EVERY_VERB(running_keeps_good);
}
END_TEST

static bool running_goes_only_to_a_good_other(const struct step *step)
{
	if (step->result < 0 || mine(&step->after, step) == mine(&step->before, step))
		return true;
	return mine(&step->after, step) == JOTA_GOOD || others(&step->before, step) == JOTA_GOOD;
}

START_TEST(i1_running_slot_is_never_marked_bad_unless_the_other_is_good)
{
	ASK_EVERY_VERB(running_goes_only_to_a_good_other);
}
END_TEST

static bool begin_leaves_running_alone(const struct step *step)
{
	return step->result < 0 || (mine(&step->after, step) == mine(&step->before, step) &&
				    step->after.next == step->given.running);
}

START_TEST(i1_begin_never_marks_the_running_slot_and_boots_it_next)
{
	ASK(BEGIN, BEGIN, begin_leaves_running_alone);
}
END_TEST

static bool begin_empties_target(const struct step *step)
{
	return step->result < 0 ||
	       (others(&step->after, step) == JOTA_EMPTY && !step->after.factory &&
		step->after.boots_counted == 0 && !step->after.record.has_target &&
		step->after.record.boot_id[0] == '\0' &&
		step->after.record.ustate == JOTA_USTATE_IN_PROGRESS);
}

START_TEST(i3_begin_makes_the_target_unbootable_and_forgets_the_last_update)
{
	ASK(BEGIN, BEGIN, begin_empties_target);
}
END_TEST

static bool begin_stores_in_factory_state(const struct step *step)
{
	return !step->given.state.factory || step->result == JOTA_CHANGE;
}

START_TEST(i3_begin_stores_even_if_the_factory_state_means_the_same)
{
	ASK(BEGIN, BEGIN, begin_stores_in_factory_state);
}
END_TEST

static bool other_is_trial_next(const struct jota_boot_state *state, const struct step *step)
{
	return state->next == step->given.other && others(state, step) == JOTA_TRIAL;
}

static bool trial_comes_from_flip_or_switch(const struct step *step)
{
	if (step->result < 0 || !other_is_trial_next(&step->after, step) ||
	    other_is_trial_next(&step->before, step))
		return true;
	return step->verb == FLIP || step->verb == SWITCH_OTHER;
}

START_TEST(i5_only_flip_and_switch_put_the_other_slot_on_trial)
{
	ASK_EVERY_VERB(trial_comes_from_flip_or_switch);
}
END_TEST

static bool unproven_slot_boots_next_only_by_flip(const struct step *step)
{
	if (step->result != JOTA_CHANGE || step->after.next != step->given.other ||
	    step->before.next == step->given.other)
		return true;
	return step->verb == FLIP || others(&step->before, step) == JOTA_GOOD;
}

START_TEST(i5_only_the_flip_makes_a_slot_next_that_was_not_good)
{
	ASK_EVERY_VERB(unproven_slot_boots_next_only_by_flip);
}
END_TEST

static bool second_time_keeps(const struct step *step)
{
	struct given again = step->given;
	struct jota_boot_state after = untouched;
	struct jota_err err = { 0 };

	if (step->result < 0)
		return true;
	/* What is kept is not stored. */
	if (step->result == JOTA_CHANGE)
		again.state = step->after;
	return verbs[step->verb].apply(&again, &after, &err) == JOTA_KEEP &&
	       states_equal(&after, &step->after);
}

START_TEST(i6_begin_repeated_keeps)
{
	ASK(BEGIN, BEGIN, second_time_keeps);
}
END_TEST

START_TEST(i6_confirm_repeated_keeps)
{
	ASK(CONFIRM, CONFIRM, second_time_keeps);
}
END_TEST

START_TEST(i6_rollback_repeated_keeps)
{
	ASK(ROLLBACK, ROLLBACK, second_time_keeps);
}
END_TEST

START_TEST(i6_cancel_repeated_keeps)
{
	ASK(CANCEL, CANCEL, second_time_keeps);
}
END_TEST

START_TEST(i6_acknowledge_repeated_keeps)
{
	ASK(ACKNOWLEDGE, ACKNOWLEDGE, second_time_keeps);
}
END_TEST

START_TEST(i6_switch_repeated_keeps)
{
	ASK(SWITCH_OTHER, SWITCH_OTHER, second_time_keeps);
	ASK(SWITCH_RUNNING, SWITCH_RUNNING, second_time_keeps);
}
END_TEST

/* Complete and bootable: good, or on trial and next (running, or verified and flipped to). */
static bool has_complete_slot(const struct jota_boot_state *state)
{
	return state->slot[0] == JOTA_GOOD || state->slot[1] == JOTA_GOOD ||
	       state->slot[state->next] == JOTA_TRIAL;
}

static bool complete_slot_remains(const struct step *step)
{
	bool had_good = step->before.slot[0] == JOTA_GOOD || step->before.slot[1] == JOTA_GOOD;
	bool has_good = step->after.slot[0] == JOTA_GOOD || step->after.slot[1] == JOTA_GOOD;

	return step->result < 0 || (has_complete_slot(&step->after) && (has_good || !had_good));
}

START_TEST(i7_a_complete_bootable_slot_always_remains)
{
	ASK_EVERY_VERB(complete_slot_remains);
}
END_TEST

static bool no_empty_slot_becomes_next(const struct step *step)
{
	enum jota_slot next = step->after.next;

	if (step->result < 0 || step->after.slot[next] != JOTA_EMPTY)
		return true;
	/* Firmware passed it over before and does so again: begin and switch repair that. */
	return next == step->before.next && step->before.slot[next] == JOTA_EMPTY;
}

START_TEST(i7_no_store_makes_an_empty_slot_next)
{
	ASK_EVERY_VERB(no_empty_slot_becomes_next);
}
END_TEST

static bool new_trial_is_bounded(const struct step *step)
{
	if (step->result < 0 || !other_is_trial_next(&step->after, step) ||
	    other_is_trial_next(&step->before, step))
		return true;
	return step->after.boot_limit == TRIES && step->after.boots_counted == 0;
}

START_TEST(i8_every_new_trial_starts_at_zero_with_its_limit)
{
	ASK_EVERY_VERB(new_trial_is_bounded);
}
END_TEST

START_TEST(i8_no_trial_without_1_to_10_boots)
{
	struct given g = { .running = JOTA_SLOT_A, .other = JOTA_SLOT_B };
	struct jota_boot_state after = untouched;
	struct jota_err err = { 0 };
	static const unsigned wrong[] = { 0, 11, 255, 0xffffffffu };

	g.state.slot[JOTA_SLOT_A] = JOTA_GOOD;
	for (unsigned tries = 1; tries <= 10; tries++) {
		g.state.slot[JOTA_SLOT_B] = JOTA_EMPTY;
		ck_assert_int_eq(jota_policy_flip(&g.state, JOTA_SLOT_A, JOTA_SLOT_B, tries, "",
						  &after, &err),
				 JOTA_CHANGE);
		ck_assert_uint_eq(after.boot_limit, tries);
		g.state.slot[JOTA_SLOT_B] = JOTA_GOOD;
		ck_assert_int_eq(jota_policy_switch(&g.state, JOTA_SLOT_A, JOTA_SLOT_B, tries, "",
						    &after, &err),
				 JOTA_CHANGE);
		ck_assert_uint_eq(after.boot_limit, tries);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_int_eq(jota_policy_switch(&g.state, JOTA_SLOT_A, JOTA_SLOT_B, wrong[i],
						    "", &after, &err),
				 -EINVAL);
		g.state.slot[JOTA_SLOT_B] = JOTA_EMPTY;
		ck_assert_int_eq(jota_policy_flip(&g.state, JOTA_SLOT_A, JOTA_SLOT_B, wrong[i], "",
						  &after, &err),
				 -EINVAL);
		g.state.slot[JOTA_SLOT_B] = JOTA_GOOD;
	}
}
END_TEST

static bool limit_changes_only_with_a_new_trial(const struct step *step)
{
	return step->result < 0 || step->after.boot_limit == step->before.boot_limit ||
	       other_is_trial_next(&step->after, step);
}

START_TEST(i8_limit_is_otherwise_kept)
{
	ASK_EVERY_VERB(limit_changes_only_with_a_new_trial);
}
END_TEST

static bool count_restarts_with_every_change_of_trial(const struct step *step)
{
	if (step->result != JOTA_CHANGE ||
	    ((step->before.slot[0] == JOTA_TRIAL) == (step->after.slot[0] == JOTA_TRIAL) &&
	     (step->before.slot[1] == JOTA_TRIAL) == (step->after.slot[1] == JOTA_TRIAL)))
		return true;
	return step->after.boots_counted == 0;
}

START_TEST(i8_count_restarts_with_every_change_of_trial)
{
	ASK_EVERY_VERB(count_restarts_with_every_change_of_trial);
}
END_TEST

static bool trial_slot_starts_no_trial(const struct step *step)
{
	if (step->given.state.factory || mine(&step->given.state, step) != JOTA_TRIAL)
		return true;
	if (step->verb == BEGIN || step->verb == FLIP)
		return step->result < 0;
	return step->result < 0 || others(&step->after, step) != JOTA_TRIAL;
}

START_TEST(no_trial_is_started_from_a_slot_on_trial)
{
	ASK_EVERY_VERB(trial_slot_starts_no_trial);
}
END_TEST

static bool refusal_leaves_no_trace(const struct step *step)
{
	size_t len = strlen(step->err.msg);

	if (step->result >= 0)
		return step->err.errnum == 0;
	return states_equal(&step->after, &untouched) && step->err.errnum == -step->result &&
	       (step->result == -EBUSY || step->result == -EPERM || step->result == -EINVAL) &&
	       len > 20 && len + 4 < JOTA_ERR_MSG_BYTES && step->err.msg[len - 1] == '.';
}

START_TEST(refusal_is_a_sentence_and_writes_nothing)
{
	ASK_EVERY_VERB(refusal_leaves_no_trace);
}
END_TEST

static bool keep_is_the_settled_state(const struct step *step)
{
	return step->result != JOTA_KEEP || states_equal(&step->after, &step->before);
}

static bool change_is_a_change(const struct step *step)
{
	return step->result != JOTA_CHANGE || !states_equal(&step->after, &step->given.state);
}

START_TEST(keep_means_equal_and_change_means_different)
{
	ASK_EVERY_VERB(keep_is_the_settled_state);
	ASK_EVERY_VERB(change_is_a_change);
}
END_TEST

static bool result_is_never_broken_nor_ready(const struct step *step)
{
	return step->result < 0 ||
	       (!step->after.factory && step->after.slot[0] != JOTA_READY &&
		step->after.slot[1] != JOTA_READY &&
		jota_policy_situation(&step->after, step->given.running) != JOTA_BROKEN);
}

START_TEST(no_verb_leads_into_a_broken_state)
{
	ASK_EVERY_VERB(result_is_never_broken_nor_ready);
}
END_TEST

static bool outcome_is_the_target_s(const struct step *step)
{
	enum jota_ustate was = step->before.record.ustate, is = step->after.record.ustate;

	if (step->result < 0 || was == is || (is != JOTA_USTATE_TESTING && is != JOTA_USTATE_FAILED))
		return true;
	if (was != JOTA_USTATE_INSTALLED || !step->before.record.has_target)
		return false;
	/* From the old slot only a failure can be told, of a slot that may not be booted any more. */
	if (step->verb == CONCLUDE)
		return is == JOTA_USTATE_FAILED &&
		       step->before.record.target == step->given.other &&
		       others(&step->before, step) == JOTA_EMPTY;
	return step->before.record.target == step->given.running;
}

START_TEST(success_and_failure_are_told_only_of_the_updated_slot)
{
	ASK_EVERY_VERB(outcome_is_the_target_s);
}
END_TEST

static bool target_comes_from_flip_only(const struct step *step)
{
	return step->result < 0 || !step->after.record.has_target || step->verb == FLIP ||
	       (step->before.record.has_target &&
		step->before.record.target == step->after.record.target);
}

START_TEST(only_the_flip_records_a_target)
{
	ASK_EVERY_VERB(target_comes_from_flip_only);
}
END_TEST

static TCase *invariant_tests(void)
{
	TCase *tcase = tcase_create("invariants");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, i1_running_slot_never_loses_good_unless_the_other_is_good);
	tcase_add_test(tcase, i1_running_slot_is_never_marked_bad_unless_the_other_is_good);
	tcase_add_test(tcase, i1_begin_never_marks_the_running_slot_and_boots_it_next);
	tcase_add_test(tcase, i3_begin_makes_the_target_unbootable_and_forgets_the_last_update);
	tcase_add_test(tcase, i3_begin_stores_even_if_the_factory_state_means_the_same);
	tcase_add_test(tcase, i5_only_flip_and_switch_put_the_other_slot_on_trial);
	tcase_add_test(tcase, i5_only_the_flip_makes_a_slot_next_that_was_not_good);
	tcase_add_test(tcase, i6_begin_repeated_keeps);
	tcase_add_test(tcase, i6_confirm_repeated_keeps);
	tcase_add_test(tcase, i6_rollback_repeated_keeps);
	tcase_add_test(tcase, i6_cancel_repeated_keeps);
	tcase_add_test(tcase, i6_acknowledge_repeated_keeps);
	tcase_add_test(tcase, i6_switch_repeated_keeps);
	tcase_add_test(tcase, i7_a_complete_bootable_slot_always_remains);
	tcase_add_test(tcase, i7_no_store_makes_an_empty_slot_next);
	tcase_add_test(tcase, i8_every_new_trial_starts_at_zero_with_its_limit);
	tcase_add_test(tcase, i8_no_trial_without_1_to_10_boots);
	tcase_add_test(tcase, i8_limit_is_otherwise_kept);
	tcase_add_test(tcase, i8_count_restarts_with_every_change_of_trial);
	tcase_add_test(tcase, no_trial_is_started_from_a_slot_on_trial);
	return tcase;
}

static TCase *manner_tests(void)
{
	TCase *tcase = tcase_create("manners");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, refusal_is_a_sentence_and_writes_nothing);
	tcase_add_test(tcase, keep_means_equal_and_change_means_different);
	tcase_add_test(tcase, no_verb_leads_into_a_broken_state);
	tcase_add_test(tcase, success_and_failure_are_told_only_of_the_updated_slot);
	tcase_add_test(tcase, only_the_flip_records_a_target);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("policy invariants");

	suite_add_tcase(suite, invariant_tests());
	suite_add_tcase(suite, manner_tests());
	return run_suite(suite);
}
