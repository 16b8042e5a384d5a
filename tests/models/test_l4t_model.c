/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The model of the firmware does what is known of the firmware. */
#include "models/l4t_model.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COLD true
#define WARM false

static struct l4t_machine m;
static char dir[64];

static void setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/l4t-model.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	l4t_machine_init(&m, dir);
}

static void teardown(void)
{
	static const char *const names[] = { "RootfsStatusSlotA",     "RootfsStatusSlotB",
					     "RootfsRedundancyLevel", "RootfsRetryCountMax",
					     "BootChainFwCurrent",    "BootChainOsCurrent",
					     "BootChainFwNext",	      "BootChainFwStatus" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		l4t_machine_delete(&m, names[i]);
	(void)rmdir(dir);
}

static void expect(enum l4t_outcome outcome, bool cold, unsigned slot)
{
	ck_assert_int_eq(l4t_machine_boot(&m, cold), outcome);
	if (outcome == L4T_BOOTED)
		ck_assert_uint_eq(m.slot, slot);
}

static uint32_t value_of(const char *name)
{
	uint32_t value = 0xdead;

	(void)l4t_machine_get(&m, name, &value);
	return value;
}

START_TEST(a_flashed_board_boots_slot_a)
{
	expect(L4T_BOOTED, COLD, 0);
	ck_assert_uint_eq(value_of("BootChainFwCurrent"), 0);
	ck_assert_uint_eq(value_of("BootChainOsCurrent"), 0);
}
END_TEST

START_TEST(a_request_flips_once_and_leaves_its_status)
{
	l4t_machine_set(&m, "BootChainFwNext", 7, 1);
	expect(L4T_BOOTED, WARM, 1);
	ck_assert_uint_eq(value_of("BootChainFwStatus"), 0);
	ck_assert_uint_eq(value_of("BootChainFwNext"), 0xdead);
	expect(L4T_BOOTED, COLD, 1);
}
END_TEST

START_TEST(a_status_that_was_left_makes_a_request_void)
{
	l4t_machine_set(&m, "BootChainFwStatus", 7, 0);
	l4t_machine_set(&m, "BootChainFwNext", 7, 1);
	expect(L4T_BOOTED, WARM, 0);
	ck_assert_uint_eq(value_of("BootChainFwNext"), 0xdead);
}
END_TEST

START_TEST(three_resets_without_verify_end_in_the_other_slot)
{
	l4t_machine_set(&m, "BootChainFwNext", 7, 1);
	for (int i = 0; i < 3; i++)
		expect(L4T_BOOTED, i == 0 ? COLD : WARM, 1);
	expect(L4T_BOOTED, WARM, 0);
	ck_assert_uint_eq(value_of("RootfsStatusSlotB"), 0xFF);
	ck_assert_uint_eq(value_of("RootfsStatusSlotA"), 0);
}
END_TEST

START_TEST(a_power_cut_and_a_verify_refill_the_tries)
{
	for (int i = 0; i < 12; i++)
		expect(L4T_BOOTED, COLD, 0);
	for (int i = 0; i < 12; i++) {
		expect(L4T_BOOTED, WARM, 0);
		l4t_machine_verify(&m);
	}
}
END_TEST

START_TEST(both_slots_bad_is_recovery)
{
	l4t_machine_set(&m, "RootfsStatusSlotA", 7, 0xFF);
	l4t_machine_set(&m, "RootfsStatusSlotB", 7, 0xFF);
	expect(L4T_RECOVERY, COLD, 0);
}
END_TEST

START_TEST(without_redundancy_slot_a_boots_whatever_the_chain)
{
	l4t_machine_set(&m, "RootfsRedundancyLevel", 6, 0);
	l4t_machine_set(&m, "BootChainFwNext", 7, 1);
	expect(L4T_BOOTED, COLD, 0);
	ck_assert_uint_eq(value_of("BootChainFwCurrent"), 1);
}
END_TEST

/* Cut between its note that it began and the change of the chain, the firmware drops the request (status 12). */
START_TEST(a_cut_anywhere_in_a_flip_ends_in_one_of_the_slots)
{
	static const unsigned slot[] = { 1, 0, 1, 1 };

	m.cut_after = _i;
	l4t_machine_set(&m, "BootChainFwNext", 7, 1);
	ck_assert_int_eq(l4t_machine_boot(&m, WARM), L4T_CUT);
	m.cut_after = 0;
	expect(L4T_BOOTED, COLD, slot[_i - 1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("l4t_model");
	TCase *tc = tcase_create("boot");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_flashed_board_boots_slot_a);
	tcase_add_test(tc, a_request_flips_once_and_leaves_its_status);
	tcase_add_test(tc, a_status_that_was_left_makes_a_request_void);
	tcase_add_test(tc, three_resets_without_verify_end_in_the_other_slot);
	tcase_add_test(tc, a_power_cut_and_a_verify_refill_the_tries);
	tcase_add_test(tc, both_slots_bad_is_recovery);
	tcase_add_test(tc, without_redundancy_slot_a_boots_whatever_the_chain);
	tcase_add_loop_test(tc, a_cut_anywhere_in_a_flip_ends_in_one_of_the_slots, 1, 5);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
