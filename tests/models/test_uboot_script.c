// SPDX-License-Identifier: LGPL-2.1-or-later
// SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
//
// The boot script of boot/uboot/, interpreted by the U-Boot model.
#include "test_fixture.h"

/* ---- factory and default environment ---- */

START_TEST(fingerprint_belongs_to_the_text)
{
	ck_assert_int_eq(run_join_env("--check"), 0);
}
END_TEST

START_TEST(factory_state_boots_a_and_stores_nothing)
{
	struct model_result r = expect_boot('A');

	ck_assert_uint_eq(r.env_saves, 0);
	ck_assert_uint_eq(r.bootcount, 0);
	ck_assert_ptr_nonnull(strstr(r.cmdline, "root=PARTLABEL=A_APP rootwait jota.slot=A quiet"));
	expect_var("boot_slot", NULL);
	expect_var("bootcount", NULL);
}
END_TEST

/* _i: 0 environment stored, 1 both copies lost */
START_TEST(without_a_choice_the_slot_with_a_valid_image_boots)
{
	if (_i == 1) {
		break_copy(COPY0);
		break_copy(COPY1);
	}
	ck_assert_int_eq(expect_boot('A').used_default_env, _i == 1);
	erase_kernel("A_kernel");
	expect_boot('B');
	make_slot("C_kernel", "C_APP", 3); /* not for the script to find */
	ck_assert_int_eq(rename(in_dir("C_kernel"), in_dir("A_kernel")), 0);
	ck_assert_int_eq(unlink(in_dir("C_APP")), 0);
	erase_kernel("B_kernel");
	expect_boot('A');
	erase_kernel("A_kernel");
	ck_assert_int_eq(boot_outcome(), MODEL_RESET);
}
END_TEST

START_TEST(default_environment_is_never_stored_by_a_boot)
{
	char value[8];

	break_copy(COPY0);
	break_copy(COPY1);
	ck_assert_uint_eq(expect_boot('A').env_saves, 0);
	ck_assert_int_eq(model_env_get(&machine, "bootlimit", value, sizeof(value)), -ENODATA);
}
END_TEST

START_TEST(script_text_comes_from_the_stored_environment)
{
	SET("jota_args=marked");
	ck_assert_ptr_nonnull(strstr(expect_boot('A').cmdline, "marked root="));
	SET("bootcmd=echo nothing else");
	ck_assert_int_eq(boot_outcome(), MODEL_PROMPT);
}
END_TEST

/* ---- the choice ---- */

static const struct {
	const char *set[5];
	char want;
} choices[] = {
	{ { "boot_slot=A", "slotA_ok=1", "slotB_ok=1" }, 'A' },
	{ { "boot_slot=B", "slotA_ok=1", "slotB_ok=1" }, 'B' },
	{ { "boot_slot=B" }, 'B' },
	{ { "boot_slot=A", "slotA_ok=0", "slotB_ok=1" }, 'B' },
	{ { "boot_slot=B", "slotA_ok=1", "slotB_ok=0" }, 'A' },
	{ { "boot_slot=B", "slotB_ok=0" }, 'A' },
	{ { "slotA_ok=0" }, 'B' },
	{ { "slotB_ok=0" }, 'A' },
	{ { "boot_slot=C", "slotA_ok=1", "slotB_ok=1" }, 'A' },
	{ { "boot_slot=C", "slotA_ok=0", "slotB_ok=1" }, 'B' },
	{ { "boot_slot=b" }, 'A' },
	{ { "boot_slot=B A" }, 'A' },
	{ { "boot_slot==" }, 'A' },
	{ { "boot_slot=-n" }, 'A' },
	{ { "boot_slot=B", "slotA_ok=0", "slotB_ok=0" }, 'B' },
	{ { "boot_slot=A", "slotA_ok=0", "slotB_ok=0" }, 'A' },
};

START_TEST(slot_choice_follows_boot_slot_and_the_marks)
{
	size_t count = 0;

	while (choices[_i].set[count] != NULL)
		count++;
	ck_assert_int_eq(model_env_set(&machine, choices[_i].set, count), 0);
	ck_assert_uint_eq(expect_boot(choices[_i].want).env_saves, 0);
}
END_TEST

START_TEST(unreadable_slot_falls_back_in_ram_to_a_good_one_only)
{
	SET("boot_slot=A", "slotA_ok=1", "slotB_ok=1");
	erase_kernel("A_kernel");
	ck_assert_uint_eq(expect_boot('B').env_saves, 0);
	expect_var("boot_slot", "A");
	SET("slotB_ok=0");
	ck_assert_int_eq(boot_outcome(), MODEL_RESET);
	SET("slotB_ok=");
	ck_assert_int_eq(boot_outcome(), MODEL_RESET);
	SET("slotB_ok=1");
	ck_assert_int_eq(truncate(in_dir("A_kernel"), 0), 0);
	expect_boot('B');
}
END_TEST

START_TEST(factory_fallback_honours_a_bad_mark)
{
	SET("slotB_ok=0");
	erase_kernel("A_kernel");
	ck_assert_int_eq(boot_outcome(), MODEL_RESET);
}
END_TEST

START_TEST(memory_that_was_not_read_is_not_booted)
{
	SET("boot_slot=A", "slotA_ok=1", "slotB_ok=1");
	machine.parts[0].size_bytes = KERNEL_PART_BYTES;
	ck_assert_int_eq(truncate(in_dir("A_kernel"), 4096), 0); /* the rest is unreadable */
	expect_boot('B');
}
END_TEST

START_TEST(image_without_magic_is_not_booted)
{
	write_at(in_dir("A_kernel"), 0, "ANDROID?", 8);
	expect_boot('B');
}
END_TEST

START_TEST(image_of_a_header_version_that_u_boot_misreads_is_not_booted)
{
	write_at(in_dir("A_kernel"), 40, "\x03", 1);
	expect_boot('B');
	write_at(in_dir("A_kernel"), 40, "\x02", 1);
	write_at(in_dir("A_kernel"), 8, "\0\0\0\0", 4);
	expect_boot('B');
}
END_TEST

START_TEST(image_without_ramdisk_boots)
{
	struct model_bootimg_spec spec = kernel_spec(9);

	spec.ramdisk_size_bytes = 0;
	ck_assert_int_eq(model_bootimg_write(in_dir("A_kernel"), &spec), 0);
	expect_boot('A');
}
END_TEST

/* ---- the trial ---- */

START_TEST(three_tries_then_the_old_slot_for_good)
{
	SET(TRIAL_OF_B);
	for (unsigned long n = 1; n <= 3; n++) {
		struct model_result r = expect_boot('B');

		ck_assert_uint_eq(r.bootcount, n);
		ck_assert_uint_eq(r.env_saves, 1);
		ck_assert(!r.used_altbootcmd);
	}
	struct model_result r = expect_boot('A');
	ck_assert(r.used_altbootcmd);
	ck_assert_uint_eq(r.env_saves, 2); /* the count, and the fallback in one */
	expect_var("boot_slot", "A");
	expect_var("slotA_ok", "1");
	expect_var("slotB_ok", "0");
	expect_var("upgrade_available", "0");
	expect_var("bootcount", "0");
	expect_var("update_target", "B");
	expect_var("ustate", "1");
	ck_assert_uint_eq(expect_boot('A').env_saves, 0);
}
END_TEST

START_TEST(fallback_leaves_no_working_variables_behind)
{
	static const char *const names[] = { "jota_slot",   "jota_spare", "jota_label", "jota_lba",
					     "jota_blocks", "jota_at",	  "jota_root",	"bootargs" };

	SET(TRIAL_OF_B, "bootcount=3");
	expect_boot('A');
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		expect_var(names[i], NULL);
}
END_TEST

START_TEST(trial_of_a_falls_back_to_b)
{
	SET("boot_slot=A", "slotA_ok=1", "slotB_ok=1", "upgrade_available=1", "bootcount=3");
	expect_boot('B');
	expect_var("boot_slot", "B");
	expect_var("slotA_ok", "0");
	expect_var("slotB_ok", "1");
}
END_TEST

START_TEST(confirmed_slot_is_not_counted)
{
	SET(TRIAL_OF_B);
	expect_boot('B');
	SET("upgrade_available=0", "bootcount=0");
	for (int i = 0; i < 6; i++)
		ck_assert_uint_eq(expect_boot('B').env_saves, 0);
	expect_var("bootcount", "0");
}
END_TEST

START_TEST(trial_slot_that_cannot_be_read_resets_until_the_fallback)
{
	struct model_result r;

	SET(TRIAL_OF_B);
	erase_kernel("B_kernel");
	model_boot_until_up(&machine, 10, &r);
	ck_assert_int_eq(r.outcome, MODEL_BOOTED);
	ck_assert_int_eq(r.slot, 'A');
	ck_assert_uint_eq(r.resets, 3);
	ck_assert_uint_eq(r.env_saves, 5);
}
END_TEST

START_TEST(damaged_kernel_behind_a_good_header_resets_until_the_fallback)
{
	struct model_result r;

	SET(TRIAL_OF_B);
	write_at(in_dir("B_kernel"), 9000, "damage", 6);
	model_boot_until_up(&machine, 10, &r);
	ck_assert_int_eq(r.outcome, MODEL_BOOTED);
	ck_assert_int_eq(r.slot, 'A');
	ck_assert_uint_eq(r.resets, 3);
}
END_TEST

START_TEST(one_bad_copy_does_not_disturb_a_trial)
{
	SET(TRIAL_OF_B);
	break_copy(COPY0); /* the older one */
	for (int i = 0; i < 3; i++)
		expect_boot('B');
	expect_boot('A');
}
END_TEST

START_TEST(fallback_to_a_slot_that_is_marked_bad_does_not_happen)
{
	SET(TRIAL_OF_B, "slotA_ok=0", "bootcount=3");
	for (unsigned long n = 4; n < 7; n++)
		ck_assert_uint_eq(expect_boot('B').bootcount, n);
	expect_var("slotB_ok", "1");
	expect_var("upgrade_available", "1");
}
END_TEST

START_TEST(fallback_to_a_slot_that_cannot_be_read_does_not_happen)
{
	SET(TRIAL_OF_B, "bootcount=3");
	erase_kernel("A_kernel");
	expect_boot('B');
	expect_var("boot_slot", "B");
	expect_var("slotB_ok", "1");
	expect_var("bootcount", "4");
}
END_TEST

START_TEST(without_bootlimit_or_altbootcmd_the_trial_has_no_end)
{
	SET(TRIAL_OF_B, "bootlimit=");
	for (int i = 0; i < 5; i++)
		expect_boot('B');
	SET("bootlimit=3", "altbootcmd=");
	ck_assert_int_eq(boot_outcome(), MODEL_PROMPT);
}
END_TEST

/* ---- failing and cut writes ---- */

static int writes_until_failure;
static int failure_errno;
static size_t torn_bytes;

static ssize_t failing_pwrite(void *user, int fd, const void *data, size_t len_bytes, off_t at)
{
	(void)user;
	if (writes_until_failure-- > 0)
		return pwrite(fd, data, len_bytes, at);
	if (torn_bytes > 0)
		ck_assert_int_eq(pwrite(fd, data, torn_bytes, at), (ssize_t)torn_bytes);
	errno = failure_errno;
	return -1;
}

START_TEST(save_that_fails_does_not_keep_the_device_from_falling_back)
{
	SET(TRIAL_OF_B, "bootcount=3");
	machine.io.pwrite = failing_pwrite;
	failure_errno = EIO;
	torn_bytes = 0;
	writes_until_failure = 1; /* the count is stored, the fallback is not */
	ck_assert_uint_eq(expect_boot('A').env_saves, 1);
	writes_until_failure = 1000;
	expect_var("boot_slot", "B");
	expect_var("slotB_ok", "1");
	ck_assert_uint_eq(expect_boot('A').env_saves, 2);
	expect_var("boot_slot", "A");
}
END_TEST

/* _i: which of the two writes of the fallback is cut; each one untouched and torn. */
START_TEST(power_cut_in_a_save_loses_nothing)
{
	SET(TRIAL_OF_B, "bootcount=3");
	machine.io.pwrite = failing_pwrite;
	failure_errno = ECANCELED;
	torn_bytes = _i % 2 == 0 ? 0 : 3000;
	writes_until_failure = _i / 2;
	ck_assert_int_eq(boot_outcome(), MODEL_POWER_CUT);
	writes_until_failure = 1000;
	/* A count that was lost means one more try, once. */
	struct model_result r;
	model_boot(&machine, &r);
	ck_assert_int_eq(r.outcome, MODEL_BOOTED);
	ck_assert_int_eq(r.slot, 'A');
	expect_var("boot_slot", "A");
	expect_var("slotB_ok", "0");
}
END_TEST

START_TEST(root_partition_that_does_not_exist_ends_in_reset)
{
	SET("jota_root_A=nowhere");
	ck_assert_int_eq(boot_outcome(), MODEL_RESET);
}
END_TEST

START_TEST(another_layout_changes_variables_only)
{
	ck_assert_int_eq(model_machine_add_part(&machine, "kernel_b", in_dir("B_kernel")), 0);
	ck_assert_int_eq(model_machine_add_part(&machine, "APP_b", in_dir("B_APP")), 0);
	SET("jota_kernel_B=kernel_b", "jota_root_B=APP_b", "boot_slot=B");
	struct model_result r;
	model_boot(&machine, &r);
	ck_assert_int_eq(r.outcome, MODEL_BOOTED);
	ck_assert_str_eq(r.kernel_part, "kernel_b");
	ck_assert_str_eq(r.root_part, "APP_b");
}
END_TEST

static void add_choice_tests(TCase *tc)
{
	tcase_add_test(tc, fingerprint_belongs_to_the_text);
	tcase_add_test(tc, factory_state_boots_a_and_stores_nothing);
	tcase_add_loop_test(tc, without_a_choice_the_slot_with_a_valid_image_boots, 0, 2);
	tcase_add_test(tc, default_environment_is_never_stored_by_a_boot);
	tcase_add_test(tc, script_text_comes_from_the_stored_environment);
	tcase_add_loop_test(tc, slot_choice_follows_boot_slot_and_the_marks, 0, COUNT(choices));
	tcase_add_test(tc, unreadable_slot_falls_back_in_ram_to_a_good_one_only);
	tcase_add_test(tc, factory_fallback_honours_a_bad_mark);
	tcase_add_test(tc, memory_that_was_not_read_is_not_booted);
	tcase_add_test(tc, image_without_magic_is_not_booted);
	tcase_add_test(tc, image_of_a_header_version_that_u_boot_misreads_is_not_booted);
	tcase_add_test(tc, image_without_ramdisk_boots);
	tcase_add_test(tc, root_partition_that_does_not_exist_ends_in_reset);
	tcase_add_test(tc, another_layout_changes_variables_only);
}

static void add_trial_tests(TCase *tc)
{
	tcase_add_test(tc, three_tries_then_the_old_slot_for_good);
	tcase_add_test(tc, fallback_leaves_no_working_variables_behind);
	tcase_add_test(tc, trial_of_a_falls_back_to_b);
	tcase_add_test(tc, confirmed_slot_is_not_counted);
	tcase_add_test(tc, trial_slot_that_cannot_be_read_resets_until_the_fallback);
	tcase_add_test(tc, damaged_kernel_behind_a_good_header_resets_until_the_fallback);
	tcase_add_test(tc, one_bad_copy_does_not_disturb_a_trial);
	tcase_add_test(tc, fallback_to_a_slot_that_is_marked_bad_does_not_happen);
	tcase_add_test(tc, fallback_to_a_slot_that_cannot_be_read_does_not_happen);
	tcase_add_test(tc, without_bootlimit_or_altbootcmd_the_trial_has_no_end);
	tcase_add_test(tc, save_that_fails_does_not_keep_the_device_from_falling_back);
	tcase_add_loop_test(tc, power_cut_in_a_save_loses_nothing, 0, 4);
}

int main(void)
{
	Suite *suite = suite_create("uboot_script");
	TCase *choice = tcase_create("choice");
	TCase *trial = tcase_create("trial");

	tcase_add_checked_fixture(choice, setup, teardown);
	tcase_add_checked_fixture(trial, setup, teardown);
	add_choice_tests(choice);
	add_trial_tests(trial);
	suite_add_tcase(suite, choice);
	suite_add_tcase(suite, trial);
	return run_suite(suite);
}
