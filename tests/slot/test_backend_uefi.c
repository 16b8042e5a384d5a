/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The uefi backend against a fake efivarfs: what it reads and stores. What it refuses: test_backend_uefi_check.c; power cuts: test_backend_uefi_cut.c. */
#include "slot/uefi_fake.h"

#include "base/cleanup.h"
#include "slot/uboot_state.h"
#include "support/run.h"

#define A JOTA_SLOT_A
#define B JOTA_SLOT_B

static struct uefi_fake f;

static void setup(void)
{
	fake_make(&f);
}

static void teardown(void)
{
	fake_remove(&f);
}

/* What the firmware does with a request. */
static void reboot_into(enum jota_slot slot)
{
	fake_drop(&f, "BootChainFwNext");
	fake_put(&f, "BootChainFwStatus", 7, 0);
	fake_put(&f, "BootChainFwCurrent", 6, slot);
	fake_put(&f, "BootChainOsCurrent", 6, slot);
}

START_TEST(no_record_is_the_factory_state)
{
	ck_assert(fake_load(&f).factory);
	fake_put(&f, "BootChainFwNext", 7, 1);
	fake_put(&f, "BootChainFwStatus", 7, 3);
	ck_assert(fake_load(&f).factory);
}
END_TEST

START_TEST(begin_marks_the_target_bad_and_removes_what_was_left)
{
	fake_put(&f, "BootChainFwNext", 7, 1);
	fake_put(&f, "BootChainFwStatus", 7, 3);
	fake_begin(&f);
	ck_assert_uint_eq(fake_get(&f, "RootfsStatusSlotB"), 0xFF);
	ck_assert_uint_eq(fake_get(&f, "RootfsStatusSlotA"), 0);
	ck_assert_uint_eq(fake_get(&f, "BootChainFwNext"), ABSENT);
	ck_assert_uint_eq(fake_get(&f, "BootChainFwStatus"), ABSENT);
	fake_expect_state(&f, A, JOTA_GOOD, JOTA_EMPTY, JOTA_USTATE_IN_PROGRESS);
}
END_TEST

START_TEST(flip_asks_the_firmware_for_the_target)
{
	fake_begin(&f);
	fake_put(&f, "BootChainFwStatus", 7, 0);
	fake_flip(&f);
	ck_assert_uint_eq(fake_get(&f, "BootChainFwNext"), 1);
	ck_assert_uint_eq(fake_get(&f, "BootChainFwStatus"), ABSENT);
	ck_assert_uint_eq(fake_get(&f, "RootfsStatusSlotB"), 0);
	fake_expect_state(&f, B, JOTA_GOOD, JOTA_TRIAL, JOTA_USTATE_INSTALLED);
}
END_TEST

START_TEST(a_trial_is_confirmed_and_leaves_no_status)
{
	struct jota_boot_state want, cur;

	fake_begin(&f);
	fake_flip(&f);
	reboot_into(B);
	cur = fake_load(&f);
	ck_assert_int_eq(jota_policy_situation(&cur, B), JOTA_ON_TRIAL);
	ck_assert_int_eq(jota_policy_confirm(&cur, B, &want, &f.err), JOTA_CHANGE);
	fake_store(&f, &want);
	ck_assert_uint_eq(fake_get(&f, "BootChainFwStatus"), ABSENT);
	fake_expect_state(&f, B, JOTA_GOOD, JOTA_GOOD, JOTA_USTATE_TESTING);
}
END_TEST

START_TEST(a_trial_is_rolled_back_and_its_slot_stays_bad)
{
	struct jota_boot_state want, cur;

	fake_begin(&f);
	fake_flip(&f);
	reboot_into(B);
	cur = fake_load(&f);
	ck_assert_int_eq(jota_policy_rollback(&cur, B, &want, &f.err), JOTA_CHANGE);
	fake_store(&f, &want);
	ck_assert_uint_eq(fake_get(&f, "BootChainFwNext"), 0);
	ck_assert_uint_eq(fake_get(&f, "RootfsStatusSlotB"), 0xFF);
	fake_expect_state(&f, A, JOTA_GOOD, JOTA_EMPTY, JOTA_USTATE_FAILED);
	reboot_into(A);
	fake_expect_state(&f, A, JOTA_GOOD, JOTA_EMPTY, JOTA_USTATE_FAILED);
}
END_TEST

START_TEST(a_slot_that_the_firmware_gave_up_is_a_failed_trial)
{
	fake_begin(&f);
	fake_flip(&f);
	reboot_into(B);
	fake_put(&f, "RootfsStatusSlotB", 7, 0xFF);
	reboot_into(A);
	fake_expect_state(&f, A, JOTA_GOOD, JOTA_EMPTY, JOTA_USTATE_INSTALLED);
}
END_TEST

START_TEST(a_good_slot_that_the_firmware_marked_bad_is_empty)
{
	struct jota_boot_state want, cur;

	fake_begin(&f);
	fake_flip(&f);
	reboot_into(B);
	cur = fake_load(&f);
	ck_assert_int_eq(jota_policy_confirm(&cur, B, &want, &f.err), JOTA_CHANGE);
	fake_store(&f, &want);
	fake_put(&f, "RootfsStatusSlotA", 7, 0xFF);
	fake_expect_state(&f, B, JOTA_EMPTY, JOTA_GOOD, JOTA_USTATE_TESTING);
}
END_TEST

START_TEST(a_request_that_the_firmware_refused_is_a_failed_trial)
{
	fake_begin(&f);
	fake_flip(&f);
	fake_drop(&f, "BootChainFwNext");
	fake_put(&f, "BootChainFwStatus", 7, 11);
	fake_expect_state(&f, A, JOTA_GOOD, JOTA_EMPTY, JOTA_USTATE_INSTALLED);
}
END_TEST

START_TEST(a_pending_flip_is_taken_back)
{
	struct jota_boot_state want, cur;

	fake_begin(&f);
	fake_flip(&f);
	cur = fake_load(&f);
	ck_assert_int_eq(jota_policy_cancel(&cur, A, &want, &f.err), JOTA_CHANGE);
	fake_store(&f, &want);
	ck_assert_uint_eq(fake_get(&f, "BootChainFwNext"), ABSENT);
	ck_assert_uint_eq(fake_get(&f, "RootfsStatusSlotB"), 0xFF);
	fake_expect_state(&f, A, JOTA_GOOD, JOTA_EMPTY, JOTA_USTATE_OK);
}
END_TEST

START_TEST(each_boot_of_a_trial_is_counted_once)
{
	fake_begin(&f);
	fake_flip(&f);
	ck_assert(jota_backend_needs_count(f.backend));
	ck_assert_int_eq(jota_backend_count_boot(f.backend, BOOT_ID, &f.err), -EINVAL);
	reboot_into(B);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(jota_backend_count_boot(f.backend, BOOT_ID, &f.err), 0);
	ck_assert_uint_eq(fake_load(&f).boots_counted, 1);
	ck_assert_int_eq(jota_backend_count_boot(f.backend, OTHER_BOOT_ID, &f.err), 0);
	ck_assert_uint_eq(fake_load(&f).boots_counted, 2);
	ck_assert_uint_eq(fake_load(&f).boot_limit, 3);
	ck_assert_int_eq(jota_backend_count_boot(f.backend, "", &f.err), -EINVAL);
}
END_TEST

START_TEST(a_state_that_was_changed_meanwhile_is_not_overwritten)
{
	struct jota_boot_state cur, want;

	fake_begin(&f);
	cur = fake_load(&f);
	want = fake_flipped(&f);
	if (_i == 0)
		fake_put(&f, "RootfsStatusSlotA", 7, 0xFF);
	else
		fake_put(&f, "BootChainFwNext", 7, 1);
	ck_assert_int_eq(jota_backend_store(f.backend, &cur, &want, NULL, 0, &f.err), -ESTALE);
	fake_expect_message(&f, "nothing was written");
	ck_assert_uint_eq(fake_get(&f, "RootfsStatusSlotB"), 0xFF);
}
END_TEST

START_TEST(variables_of_packages_take_effect_with_the_flip)
{
	const struct jota_change change[] = { { "colour", "green" }, { "gone", NULL } };
	const struct jota_change first[] = { { "colour", "red" }, { "gone", "1" } };
	struct jota_boot_state cur = fake_load(&f), want = fake_begun(&f, &cur);
	CLEANUP_FREE char *value = NULL, *gone = NULL, *ustate = NULL;

	ck_assert_int_eq(jota_backend_store(f.backend, &cur, &want, first, 2, &f.err), 0);
	cur = fake_load(&f);
	want = fake_flipped(&f);
	ck_assert_int_eq(jota_backend_store(f.backend, &cur, &want, change, 2, &f.err), 0);
	ck_assert_int_eq(jota_backend_get(f.backend, "colour", &value, &f.err), 0);
	ck_assert_str_eq(value, "green");
	ck_assert_int_eq(jota_backend_get(f.backend, "gone", &gone, &f.err), 0);
	ck_assert_ptr_null(gone);
	ck_assert_int_eq(jota_backend_get(f.backend, "ustate", &ustate, &f.err), 0);
	ck_assert_str_eq(ustate, "1");
}
END_TEST

START_TEST(a_variable_of_a_package_leaves_a_factory_board_one)
{
	const struct jota_change change = { "colour", "red" };
	struct jota_boot_state cur = fake_load(&f);
	CLEANUP_FREE char *value = NULL;

	ck_assert_int_eq(jota_backend_store(f.backend, &cur, &cur, &change, 1, &f.err), 0);
	ck_assert(fake_load(&f).factory);
	ck_assert_int_eq(jota_backend_get(f.backend, "colour", &value, &f.err), 0);
	ck_assert_str_eq(value, "red");
}
END_TEST

/* The longest: a switch after an update, both with a boot_id, and a boot that was counted. */
START_TEST(a_record_without_texts_is_programmed_in_place)
{
	struct jota_uefi_record record = { .has_to = true,
					   .has_counted = true,
					   .counted = UINT32_MAX };
	uint8_t bytes[JOTA_UEFI_RECORD_BYTES];

	memcpy(record.is.state.record.boot_id, BOOT_ID, sizeof(BOOT_ID));
	record.to = record.is;
	ck_assert_int_le(jota_uefi_record_encode(&record, bytes, &f.err),
			 (int)JOTA_UEFI_RECORD_SAFE_BYTES);
}
END_TEST

START_TEST(a_boot_id_that_is_none_is_refused)
{
	struct jota_boot_state cur = fake_load(&f), want = fake_begun(&f, &cur);

	(void)snprintf(want.record.boot_id, sizeof(want.record.boot_id), "no boot_id");
	ck_assert_int_eq(jota_backend_store(f.backend, &cur, &want, NULL, 0, &f.err), -EINVAL);
	fake_expect_message(&f, "no boot_id of a kernel");
}
END_TEST

START_TEST(changes_that_cannot_be_are_refused_before_any_write)
{
	static char long_value[JOTA_UEFI_RECORD_BYTES];
	static const struct {
		struct jota_change change;
		int errnum;
		const char *says;
	} bad[] = {
		{ { "ustate", "2" }, EPERM, "belongs to the boot choice" },
		{ { "jota_boot_id", "x" }, EPERM, "belongs to the boot choice" },
		{ { "a=b", "x" }, EINVAL, "cannot be the name" },
		{ { "", "x" }, EINVAL, "cannot be the name" },
		{ { NULL, "x" }, EINVAL, "cannot be the name" },
		{ { "line", "a\nb" }, EINVAL, "printable" },
		{ { "long", long_value }, ENOSPC, "bootenv" },
	};
	struct jota_boot_state cur = fake_load(&f);

	memset(long_value, 'x', sizeof(long_value) - 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(
			jota_backend_store(f.backend, &cur, &cur, &bad[i].change, 1, &f.err),
			-bad[i].errnum);
		fake_expect_message(&f, bad[i].says);
		ck_assert(fake_load(&f).factory);
	}
}
END_TEST

START_TEST(a_state_that_cannot_be_expressed_is_refused)
{
	struct jota_boot_state cur, want;

	fake_begin(&f);
	cur = want = fake_load(&f);
	want.slot[B] = _i == 0 ? JOTA_READY : JOTA_TRIAL;
	ck_assert_int_eq(jota_backend_store(f.backend, &cur, &want, NULL, 0, &f.err), -EINVAL);
	fake_expect_message(&f, "cannot express");
}
END_TEST

START_TEST(a_held_lock_is_busy_and_names_the_holder)
{
	struct jota_boot_state cur = fake_load(&f);
	int lock =
		jota_io_lock(&f.tree.io, JOTA_RUN_DIR "/efivars.lock", "the other one", 0, &f.err);

	ck_assert_int_ge(lock, 0);
	ck_assert_int_eq(jota_backend_store(f.backend, &cur, &cur, NULL, 0, &f.err), -EBUSY);
	fake_expect_message(&f, "the other one");
	jota_io_unlock(lock);
}
END_TEST

static TCase *load_and_store(void)
{
	TCase *tc = tcase_create("load and store");

	tcase_add_test(tc, no_record_is_the_factory_state);
	tcase_add_test(tc, begin_marks_the_target_bad_and_removes_what_was_left);
	tcase_add_test(tc, flip_asks_the_firmware_for_the_target);
	tcase_add_test(tc, a_trial_is_confirmed_and_leaves_no_status);
	tcase_add_test(tc, a_trial_is_rolled_back_and_its_slot_stays_bad);
	tcase_add_test(tc, a_slot_that_the_firmware_gave_up_is_a_failed_trial);
	tcase_add_test(tc, a_good_slot_that_the_firmware_marked_bad_is_empty);
	tcase_add_test(tc, a_request_that_the_firmware_refused_is_a_failed_trial);
	tcase_add_test(tc, a_pending_flip_is_taken_back);
	tcase_add_test(tc, each_boot_of_a_trial_is_counted_once);
	tcase_add_loop_test(tc, a_state_that_was_changed_meanwhile_is_not_overwritten, 0, 2);
	tcase_add_test(tc, variables_of_packages_take_effect_with_the_flip);
	tcase_add_test(tc, a_variable_of_a_package_leaves_a_factory_board_one);
	tcase_add_test(tc, a_record_without_texts_is_programmed_in_place);
	tcase_add_test(tc, a_boot_id_that_is_none_is_refused);
	tcase_add_test(tc, changes_that_cannot_be_are_refused_before_any_write);
	tcase_add_loop_test(tc, a_state_that_cannot_be_expressed_is_refused, 0, 2);
	tcase_add_test(tc, a_held_lock_is_busy_and_names_the_holder);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("backend_uefi");
	TCase *tc = load_and_store();

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
