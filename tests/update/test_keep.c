/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* keep: what an update does not bring comes from the running slot. */
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

static void note_progress(void *ctx, uint64_t done_bytes, uint64_t total_bytes)
{
	uint64_t *last_bytes = ctx;

	ck_assert_uint_ge(done_bytes, *last_bytes);
	ck_assert_uint_eq(total_bytes, 2048 * KIB);
	*last_bytes = done_bytes;
}

START_TEST(keep_copies_the_running_partition_byte_for_byte)
{
	uint64_t seen_bytes = 0;
	bool missing;

	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_ROOTFS], &u.err));
	ck_ok(jota_session_keep(u.session, JOTA_ROLE_KERNEL, note_progress, &seen_bytes, &u.err));
	ck_assert_uint_eq(seen_bytes, 2048 * KIB);
	ck_ok(jota_session_keep(u.session, JOTA_ROLE_BOOTLOADER, NULL, NULL, &u.err));
	ck_assert(tree_partitions_equal(&u.tree, "A_kernel", "B_kernel"));
	ck_assert(tree_partitions_equal(&u.tree, "A_bootloader", "B_bootloader"));
	ck_ok(jota_session_arm(u.session, (const char *const[]){ "rootfs.ext4" }, 1, &u.err));
	ck_ok(jota_session_flip(u.session, NULL, 0, &missing, &u.err));
}
END_TEST

START_TEST(keep_before_the_first_image_is_refused)
{
	ck_refused(jota_session_keep(u.session, JOTA_ROLE_KERNEL, NULL, NULL, &u.err), EPROTO,
		   "kernel");
	ck_assert(!jota_session_begun(u.session));
	ck_ok(update_write_all(&u));
	ck_ok(update_flip(&u));
}
END_TEST

START_TEST(keep_of_a_written_role_kills_the_update)
{
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err));
	ck_refused(jota_session_keep(u.session, JOTA_ROLE_KERNEL, NULL, NULL, &u.err), EEXIST,
		   "boot.img");
	ck_assert(update_is_dead(&u));
	update_reopen(&u);
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_ROOTFS], &u.err));
	ck_ok(jota_session_keep(u.session, JOTA_ROLE_KERNEL, NULL, NULL, &u.err));
	ck_refused(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err), EEXIST, "kept");
	ck_assert(update_is_dead(&u));
}
END_TEST

START_TEST(keep_of_the_mounted_root_is_refused)
{
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err));
	ck_refused(jota_session_keep(u.session, JOTA_ROLE_ROOTFS, NULL, NULL, &u.err), EBUSY,
		   "A_APP");
	ck_assert(update_is_dead(&u));
}
END_TEST

START_TEST(keep_into_a_smaller_partition_is_refused)
{
	char *path = tree_partition_path(&u.tree, "B_kernel");

	ck_assert_int_eq(truncate(path, 1024 * KIB), 0);
	free(path);
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_ROOTFS], &u.err));
	ck_refused(jota_session_keep(u.session, JOTA_ROLE_KERNEL, NULL, NULL, &u.err), EFBIG,
		   "B_kernel");
	ck_assert(update_is_dead(&u));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("update/keep");
	TCase *tcase = tcase_create("keep");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, keep_copies_the_running_partition_byte_for_byte);
	tcase_add_test(tcase, keep_before_the_first_image_is_refused);
	tcase_add_test(tcase, keep_of_a_written_role_kills_the_update);
	tcase_add_test(tcase, keep_of_the_mounted_root_is_refused);
	tcase_add_test(tcase, keep_into_a_smaller_partition_is_refused);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
