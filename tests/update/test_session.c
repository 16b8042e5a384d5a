/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* One update from its first image to its flip, and every way to end in between. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/tree_env.h"
#include "support/update.h"

#define KIB 1024u

static struct update u;

static void setup(void)
{
	update_setup(&u);
}

static void teardown(void)
{
	update_teardown(&u);
}

START_TEST(update_writes_all_images_and_flips)
{
	ck_assert(!jota_session_begun(u.session));
	ck_ok(update_write_all(&u));
	ck_assert(jota_session_begun(u.session));
	ck_ok(update_flip(&u));
	ck_assert(jota_session_flipped(u.session));
	ck_assert(!jota_session_begun(u.session));
	ck_assert(tree_partition_holds(&u.tree, "B_kernel", &u.image[JOTA_ROLE_KERNEL]));
	ck_assert(tree_partition_holds(&u.tree, "B_bootloader", &u.image[JOTA_ROLE_BOOTLOADER]));
	ck_assert(tree_partition_holds(&u.tree, "B_APP", &u.image[JOTA_ROLE_ROOTFS]));
	ck_assert(tree_env_is(&u.tree, "boot_slot", "B"));
	ck_assert(tree_env_is(&u.tree, "upgrade_available", "1"));
	ck_assert(tree_env_is(&u.tree, "bootcount", "0"));
	ck_assert(tree_env_is(&u.tree, "update_target", "B"));
	ck_assert(tree_env_is(&u.tree, "ustate", "1"));
}
END_TEST

START_TEST(update_from_slot_b_goes_to_slot_a)
{
	tree_reboot_into(&u.tree, JOTA_SLOT_B);
	ck_ok(update_write_all(&u));
	ck_assert_int_eq(jota_session_target(u.session), JOTA_SLOT_A);
	ck_ok(update_flip(&u));
	ck_assert(tree_partition_holds(&u.tree, "A_kernel", &u.image[JOTA_ROLE_KERNEL]));
	ck_assert(tree_env_is(&u.tree, "boot_slot", "A"));
}
END_TEST

START_TEST(whole_update_makes_two_stores)
{
	unsigned serial = tree_env_serial(&u.tree);

	ck_ok(update_write_all(&u));
	ck_assert_uint_eq(tree_env_serial(&u.tree), serial + 1);
	ck_ok(update_flip(&u));
	ck_assert_uint_eq(tree_env_serial(&u.tree), serial + 2);
}
END_TEST

START_TEST(reboot_marker_names_the_next_slot)
{
	char *text;

	ck_ok(update_write_all(&u));
	ck_assert(!tree_has(&u.tree, JOTA_REBOOT_PENDING));
	ck_ok(update_flip(&u));
	ck_ok(jota_io_read_file(&u.tree.io, JOTA_REBOOT_PENDING, 16, &text, NULL, &u.err));
	ck_assert_str_eq(text, "B\n");
	free(text);
}
END_TEST

START_TEST(changes_go_into_the_two_stores)
{
	const struct jota_change first = { "recovery_status", "in_progress" },
				 last = { "myvar", "hello" };
	unsigned serial = tree_env_serial(&u.tree);
	struct jota_writer *w;
	bool missing;

	ck_ok(update_announce(u.session, JOTA_ROLE_KERNEL, "boot.img",
			      u.image[JOTA_ROLE_KERNEL].size_bytes, &first, 1, &w, &u.err));
	ck_assert(tree_env_is(&u.tree, "recovery_status", "in_progress"));
	ck_ok(jota_writer_push(w, u.image[JOTA_ROLE_KERNEL].data,
			       u.image[JOTA_ROLE_KERNEL].size_bytes, &u.err));
	ck_ok(jota_session_image_done(u.session, NULL, NULL, NULL, &u.err));
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_BOOTLOADER], &u.err));
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_ROOTFS], &u.err));
	ck_ok(update_arm(u.session, u.image, JOTA_ROLE_COUNT, &u.err));
	ck_assert(tree_env_is(&u.tree, "myvar", ""));
	ck_ok(jota_session_flip(u.session, &last, 1, &missing, &u.err));
	ck_assert(tree_env_is(&u.tree, "myvar", "hello"));
	ck_assert_uint_eq(tree_env_serial(&u.tree), serial + 2);
}
END_TEST

START_TEST(image_given_twice_kills_the_update)
{
	struct image again = u.image[JOTA_ROLE_KERNEL];
	struct image other_role = u.image[JOTA_ROLE_ROOTFS];

	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err));
	again.name = "boot2.img";
	ck_refused(update_write(u.session, &again, &u.err), EEXIST, "boot.img");
	ck_assert(update_is_dead(&u));
	update_reopen(&u);
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err));
	other_role.name = "boot.img";
	ck_refused(update_write(u.session, &other_role, &u.err), EEXIST, "twice");
	ck_assert(update_is_dead(&u));
}
END_TEST

START_TEST(image_that_begins_before_the_other_ended_kills_the_update)
{
	struct jota_writer *w;

	ck_ok(update_announce(u.session, JOTA_ROLE_KERNEL, "boot.img", 4096, NULL, 0, &w, &u.err));
	ck_refused(update_announce(u.session, JOTA_ROLE_ROOTFS, "rootfs.ext4", 4096, NULL, 0, &w,
				   &u.err),
		   EPROTO, "boot.img");
	ck_assert(update_is_dead(&u));
	ck_assert(tree_partition_is_zero(&u.tree, "B_kernel", 4096));
}
END_TEST

START_TEST(later_image_too_large_kills_the_update)
{
	struct jota_writer *w;

	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err));
	ck_refused(update_announce(u.session, JOTA_ROLE_ROOTFS, "rootfs.ext4", 1u << 30, NULL, 0,
				   &w, &u.err),
		   EFBIG, "B_APP");
	ck_assert(update_is_dead(&u));
}
END_TEST

START_TEST(short_image_kills_the_update_and_leaves_no_image)
{
	struct jota_writer *w;

	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err));
	ck_ok(update_announce(u.session, JOTA_ROLE_ROOTFS, "rootfs.ext4", 2048 * KIB, NULL, 0, &w,
			      &u.err));
	ck_ok(jota_writer_push(w, u.image[JOTA_ROLE_ROOTFS].data, 1500 * KIB, &u.err));
	ck_refused(jota_session_image_done(u.session, NULL, NULL, NULL, &u.err), ENODATA,
		   "rootfs.ext4");
	ck_assert(update_is_dead(&u));
	ck_assert(tree_partition_is_zero(&u.tree, "B_APP", 1024 * KIB));
}
END_TEST

START_TEST(dead_session_stays_empty)
{
	unsigned serial;
	bool missing;

	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err));
	ck_refused(update_arm(u.session, u.image, 1, &u.err), EPROTO, "bootloader");
	serial = tree_env_serial(&u.tree);
	ck_refused(update_write(u.session, &u.image[JOTA_ROLE_ROOTFS], &u.err), EPROTO,
		   "failed before");
	ck_refused(jota_session_keep(u.session, JOTA_ROLE_BOOTLOADER, NULL, NULL, &u.err), EPROTO,
		   "failed before");
	ck_refused(jota_session_image_done(u.session, NULL, NULL, NULL, &u.err), EPROTO,
		   "failed before");
	ck_refused(update_arm(u.session, u.image, 1, &u.err), EPROTO, "failed before");
	ck_refused(jota_session_flip(u.session, NULL, 0, &missing, &u.err), EPROTO, "failed before");
	ck_assert(update_is_dead(&u));
	ck_assert_uint_eq(tree_env_serial(&u.tree), serial);
}
END_TEST

START_TEST(abort_in_the_middle_of_an_image_erases_its_start)
{
	struct jota_writer *w;

	ck_ok(update_announce(u.session, JOTA_ROLE_ROOTFS, "rootfs.ext4", 2560 * KIB, NULL, 0, &w,
			      &u.err));
	ck_ok(jota_writer_push(w, u.image[JOTA_ROLE_ROOTFS].data, 2000 * KIB, &u.err));
	jota_session_abort(u.session);
	ck_assert(update_is_dead(&u));
	jota_session_abort(u.session);
	ck_assert(update_is_dead(&u));
	ck_assert(tree_partition_is_zero(&u.tree, "B_APP", 1024 * KIB));
}
END_TEST

START_TEST(abort_of_a_new_session_changes_nothing)
{
	unsigned serial = tree_env_serial(&u.tree);

	jota_session_abort(u.session);
	ck_assert_uint_eq(tree_env_serial(&u.tree), serial);
	ck_ok(update_write_all(&u));
	ck_ok(update_flip(&u));
	jota_session_abort(u.session);
	ck_assert(jota_session_flipped(u.session));
	ck_assert(tree_env_is(&u.tree, "boot_slot", "B"));
	ck_assert(tree_has(&u.tree, JOTA_REBOOT_PENDING));
	jota_session_free(NULL);
}
END_TEST

START_TEST(nothing_can_follow_the_flip)
{
	bool missing;

	ck_ok(update_write_all(&u));
	ck_ok(update_flip(&u));
	ck_refused(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err), EPROTO,
		   "slot B boots next");
	ck_refused(update_arm(u.session, u.image, 3, &u.err), EPROTO, "slot B boots next");
	ck_refused(jota_session_flip(u.session, NULL, 0, &missing, &u.err), EPROTO,
		   "slot B boots next");
	ck_assert(tree_env_is(&u.tree, "boot_slot", "B"));
}
END_TEST

START_TEST(flip_is_refused_unless_armed)
{
	bool missing;

	ck_refused(jota_session_flip(u.session, NULL, 0, &missing, &u.err), EPROTO, "not armed");
	ck_ok(update_write_all(&u));
	ck_refused(jota_session_flip(u.session, NULL, 0, &missing, &u.err), EPROTO, "not armed");
	ck_assert(tree_env_is(&u.tree, "boot_slot", "A"));
}
END_TEST

START_TEST(image_after_arming_kills_the_update)
{
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err));
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_ROOTFS], &u.err));
	ck_ok(jota_session_keep(u.session, JOTA_ROLE_BOOTLOADER, NULL, NULL, &u.err));
	u.image[JOTA_ROLE_BOOTLOADER].name = "rootfs.ext4";
	ck_ok(jota_session_arm(u.session, (const char *const[]){ "boot.img", "rootfs.ext4" }, 2,
			       &u.err));
	ck_refused(jota_session_keep(u.session, JOTA_ROLE_BOOTLOADER, NULL, NULL, &u.err), EPROTO,
		   "armed");
	ck_assert(update_is_dead(&u));
}
END_TEST

START_TEST(signed_list_must_equal_what_was_written)
{
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err));
	ck_refused(update_arm(u.session, u.image, 2, &u.err), EPROTO,
		   "image 'u-boot.bin' of this update was not written");
	ck_assert(update_is_dead(&u));
	update_reopen(&u);
	ck_ok(update_write_all(&u));
	ck_refused(update_arm(u.session, u.image, 2, &u.err), EPROTO,
		   "image 'rootfs.ext4' was written but the signed list does not name it");
	ck_assert(update_is_dead(&u));
}
END_TEST

START_TEST(arming_without_images_is_refused)
{
	ck_refused(update_arm(u.session, u.image, 1, &u.err), EPROTO,
		   "'boot.img' of this update was not");
	ck_refused(update_arm(u.session, u.image, 0, &u.err), EPROTO, "no image");
	ck_refused(jota_session_image_done(u.session, NULL, NULL, NULL, &u.err), EPROTO, "no image");
}
END_TEST

START_TEST(image_of_a_failed_session_does_not_count_for_the_next)
{
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err));
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_ROOTFS], &u.err));
	update_reopen(&u);
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_BOOTLOADER], &u.err));
	ck_refused(update_arm(u.session, u.image, 3, &u.err), EPROTO,
		   "'boot.img' of this update was not");
}
END_TEST

START_TEST(second_update_before_the_reboot_takes_the_flip_back_first)
{
	ck_ok(update_write_all(&u));
	ck_ok(update_flip(&u));
	update_reopen(&u);
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err));
	ck_assert(tree_env_is(&u.tree, "boot_slot", "A"));
	ck_assert(tree_env_is(&u.tree, "upgrade_available", "0"));
	ck_assert(tree_env_is(&u.tree, "slotB_ok", "0"));
	ck_assert(tree_env_is(&u.tree, "update_target", ""));
	ck_assert(!tree_has(&u.tree, JOTA_REBOOT_PENDING));
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_BOOTLOADER], &u.err));
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_ROOTFS], &u.err));
	ck_ok(update_flip(&u));
	ck_assert(tree_env_is(&u.tree, "boot_slot", "B"));
}
END_TEST

START_TEST(refused_second_update_leaves_the_first_flip_pending)
{
	struct jota_writer *w;

	ck_ok(update_write_all(&u));
	ck_ok(update_flip(&u));
	update_reopen(&u);
	ck_refused(update_announce(u.session, JOTA_ROLE_KERNEL, "boot.img", 1u << 30, NULL, 0, &w,
				   &u.err),
		   EFBIG, "B_kernel");
	ck_assert(tree_env_is(&u.tree, "boot_slot", "B"));
	ck_assert(tree_has(&u.tree, JOTA_REBOOT_PENDING));
}
END_TEST

START_TEST(flip_refuses_a_state_that_somebody_else_stored)
{
	bool missing;

	ck_ok(update_write_all(&u));
	ck_ok(update_arm(u.session, u.image, JOTA_ROLE_COUNT, &u.err));
	tree_env_set(&u.tree, "slotB_ok", "1");
	ck_refused(jota_session_flip(u.session, NULL, 0, &missing, &u.err), ESTALE, "slot B");
	ck_assert(tree_env_is(&u.tree, "boot_slot", "A"));
	ck_assert(!jota_session_flipped(u.session));
	ck_assert(!tree_has(&u.tree, JOTA_REBOOT_PENDING));
}
END_TEST

START_TEST(mount_of_a_later_target_is_noticed)
{
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err));
	tree_write_file(&u.tree, "/proc/self/mountinfo",
			"21 1 179:5 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
			"30 21 179:6 / /mnt rw,relatime shared:2 - ext4 /dev/mmcblk0p6 rw\n");
	ck_refused(update_write(u.session, &u.image[JOTA_ROLE_ROOTFS], &u.err), EBUSY, "B_APP");
	ck_assert(update_is_dead(&u));
}
END_TEST

START_TEST(update_heals_one_bad_copy_of_the_environment)
{
	tree_env_spoil(&u.tree, 1);
	ck_ok(update_write_all(&u));
	ck_ok(update_flip(&u));
	ck_assert(tree_env_is(&u.tree, "boot_slot", "B"));
}
END_TEST

START_TEST(no_descriptor_is_left_behind)
{
	unsigned before = open_descriptors();
	struct jota_writer *w;

	ck_ok(update_write_all(&u));
	ck_ok(update_flip(&u));
	ck_assert_uint_eq(open_descriptors(), before);
	update_reopen(&u);
	ck_ok(update_announce(u.session, JOTA_ROLE_KERNEL, "boot.img", 4096, NULL, 0, &w, &u.err));
	ck_assert_uint_gt(open_descriptors(), before);
	jota_session_abort(u.session);
	ck_assert_uint_eq(open_descriptors(), before);
	update_reopen(&u);
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_ROOTFS], &u.err));
	ck_ok(jota_session_keep(u.session, JOTA_ROLE_KERNEL, NULL, NULL, &u.err));
	ck_assert_int_lt(jota_session_keep(u.session, JOTA_ROLE_KERNEL, NULL, NULL, &u.err), 0);
	ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, update_writes_all_images_and_flips);
	tcase_add_test(tcase, update_from_slot_b_goes_to_slot_a);
	tcase_add_test(tcase, whole_update_makes_two_stores);
	tcase_add_test(tcase, reboot_marker_names_the_next_slot);
	tcase_add_test(tcase, changes_go_into_the_two_stores);
	tcase_add_test(tcase, image_given_twice_kills_the_update);
	tcase_add_test(tcase, image_that_begins_before_the_other_ended_kills_the_update);
	tcase_add_test(tcase, later_image_too_large_kills_the_update);
	tcase_add_test(tcase, short_image_kills_the_update_and_leaves_no_image);
	tcase_add_test(tcase, dead_session_stays_empty);
	tcase_add_test(tcase, abort_in_the_middle_of_an_image_erases_its_start);
	tcase_add_test(tcase, abort_of_a_new_session_changes_nothing);
	tcase_add_test(tcase, nothing_can_follow_the_flip);
	tcase_add_test(tcase, flip_is_refused_unless_armed);
	tcase_add_test(tcase, image_after_arming_kills_the_update);
	tcase_add_test(tcase, signed_list_must_equal_what_was_written);
	tcase_add_test(tcase, arming_without_images_is_refused);
	tcase_add_test(tcase, image_of_a_failed_session_does_not_count_for_the_next);
	tcase_add_test(tcase, second_update_before_the_reboot_takes_the_flip_back_first);
	tcase_add_test(tcase, refused_second_update_leaves_the_first_flip_pending);
	tcase_add_test(tcase, flip_refuses_a_state_that_somebody_else_stored);
	tcase_add_test(tcase, mount_of_a_later_target_is_noticed);
	tcase_add_test(tcase, update_heals_one_bad_copy_of_the_environment);
	tcase_add_test(tcase, no_descriptor_is_left_behind);
}

int main(void)
{
	Suite *suite = suite_create("update/session");
	TCase *tcase = tcase_create("session");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, setup, teardown);
	add_tests(tcase);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
