/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The write protection of eMMC boot areas, on a FAKE: a regular file stands for the boot area and
 * another one for its attribute in sysfs. That shows what we write when and on which paths; what a
 * kernel and an eMMC make of it cannot be shown here. The fake's protection protects nothing, so
 * the tests look at the attribute at each write. A power cut is not acted out: lifting does not
 * survive one, because the kernel protects boot areas at every boot.
 */
/* syscall is an extension. */
#define _GNU_SOURCE

#include "write/force_ro.h"

#include "base/err.h"
#include "slot/blockdev.h"
#include "slot/config.h"
#include "slot/evidence.h"
#include "support/recorder.h"
#include "support/run.h"
#include "support/scratch_part.h"
#include "support/tree.h"
#include "write/target.h"
#include "write/writer.h"

#include <check.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MIB (1u << 20)
#define CAPACITY_BYTES (4 * MIB)
#define IMAGE_BYTES (3 * MIB + 100)
/* erase, sync | blocks 1 to 3, sync | first block, sync */
#define BODY_WRITE 3
#define FIRST_SYNC 7
#define ALL_OPS 8

static struct recorder rec;
static struct scratch_part part;
static struct jota_err err;
static uint8_t *image;
static char attribute[192];
static size_t protected_ops; /* writes and syncs that met a protected fake */
static size_t lost_after;    /* behind this operation the attribute is gone */

/* What becomes of a write(2) of the code under test, which writes nothing but the attribute with it. */
static enum { WRITE_WORKS, WRITE_IS_IGNORED, WRITE_FAILS, FIRST_WRITE_WORKS } write_fault;

static const char *const folders[] = { "/sys", "/sys/block", "/sys/block/part" };

ssize_t write(int fd, const void *data, size_t len_bytes)
{
	if (write_fault == WRITE_IS_IGNORED)
		return (ssize_t)len_bytes;
	if (write_fault == WRITE_FAILS) {
		errno = EPERM;
		return -1;
	}
	if (write_fault == FIRST_WRITE_WORKS)
		write_fault = WRITE_FAILS;
	return syscall(SYS_write, fd, data, len_bytes);
}

static void write_attribute(const char *text)
{
	FILE *file = fopen(attribute, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

/* "" when there is none. */
static const char *read_attribute(void)
{
	static char text[16];
	FILE *file = fopen(attribute, "r");

	text[0] = '\0';
	if (!file)
		return text;
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	(void)fclose(file);
	return text;
}

static void look(void *ctx, size_t number, const struct record *op)
{
	(void)ctx;
	(void)op;
	protected_ops += read_attribute()[0] != '0';
	if (number == lost_after)
		(void)unlink(attribute);
}

static void setup(void)
{
	char path[192];

	scratch_part_make(&part, CAPACITY_BYTES);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", part.root, folders[i]);
		ck_assert_int_eq(mkdir(path, 0700), 0);
	}
	(void)snprintf(attribute, sizeof(attribute), "%s/sys/block/part/force_ro", part.root);
	write_attribute("1\n");
	recorder_init(&rec, part.root);
	rec.after = look;
	protected_ops = 0;
	lost_after = SIZE_MAX;
	image = make_image(IMAGE_BYTES, 41);
	err = (struct jota_err){ 0 };
}

static void teardown(void)
{
	char path[192];

	free(image);
	(void)remove(attribute);
	for (size_t i = sizeof(folders) / sizeof(folders[0]); i > 0; i--) {
		(void)snprintf(path, sizeof(path), "%s%s", part.root, folders[i - 1]);
		ck_assert_int_eq(rmdir(path), 0);
	}
	scratch_part_remove(&part);
}

static int open_writer(struct jota_writer **ret)
{
	*ret = NULL;
	return jota_writer_open(&rec.io, &part.target, IMAGE_BYTES, ret, &err);
}

static int write_image(struct jota_writer **ret)
{
	struct jota_write_report report;
	int r = open_writer(ret);

	if (r == 0)
		r = jota_writer_push(*ret, image, IMAGE_BYTES, &err);
	if (r == 0)
		r = jota_writer_finish(*ret, NULL, NULL, &report, &err);
	return r;
}

static void assert_says(const char *word)
{
	ck_assert_msg(strstr(err.msg, word) != NULL, "'%s' is not in: %s", word, err.msg);
}

START_TEST(fake_is_lifted_before_the_first_write_and_restored_after_finish)
{
	struct jota_writer *w;

	ck_assert_msg(write_image(&w) == 0, "%s", err.msg);
	ck_assert_uint_eq(rec.count, ALL_OPS);
	ck_assert_uint_eq(protected_ops, 0);
	ck_assert_str_eq(read_attribute(), "1\n");
	jota_writer_free(w);
	ck_assert_str_eq(read_attribute(), "1\n");
	ck_assert_str_eq(err.msg, "");
}
END_TEST

START_TEST(fake_is_restored_after_each_failing_operation_before_the_writer_is_freed)
{
	struct jota_writer *w;

	recorder_fail(&rec, (size_t)_i, 1, RECORDER_ERRNO, EIO);
	ck_assert_int_eq(write_image(&w), -EIO);
	ck_assert_uint_eq(protected_ops, 0);
	ck_assert_str_eq(read_attribute(), "1\n");
	jota_writer_free(w);
	ck_assert_str_eq(read_attribute(), "1\n");
	ck_assert(scratch_part_is_zero(&part, 0, MIB));
}
END_TEST

START_TEST(fake_is_restored_when_the_device_fails_for_good)
{
	struct jota_writer *w;

	recorder_fail(&rec, (size_t)_i, SIZE_MAX, RECORDER_ERRNO, EIO);
	ck_assert_int_eq(write_image(&w), -EIO);
	jota_writer_free(w);
	ck_assert_uint_eq(protected_ops, 0);
	ck_assert_str_eq(read_attribute(), "1\n");
}
END_TEST

START_TEST(fake_is_lifted_again_and_restored_when_only_free_can_zero_the_first_block)
{
	struct jota_writer *w;

	/* The sync of the first block and the first try to zero it. */
	recorder_fail(&rec, FIRST_SYNC, 2, RECORDER_ERRNO, EIO);
	ck_assert_int_eq(write_image(&w), -EIO);
	ck_assert_str_eq(read_attribute(), "1\n");
	jota_writer_free(w);
	ck_assert(scratch_part_is_zero(&part, 0, MIB));
	ck_assert_uint_eq(protected_ops, 0);
	ck_assert_str_eq(read_attribute(), "1\n");
}
END_TEST

START_TEST(fake_is_restored_after_an_abort_which_frees_without_finish)
{
	struct jota_writer *w;

	ck_assert_int_eq(open_writer(&w), 0);
	ck_assert_str_eq(read_attribute(), "0\n");
	if (_i > 0)
		ck_assert_int_eq(jota_writer_push(w, image, 2 * MIB, &err), 0);
	jota_writer_free(w);
	ck_assert_str_eq(read_attribute(), "1\n");
	ck_assert_uint_eq(protected_ops, 0);
}
END_TEST

START_TEST(fake_is_restored_when_the_device_is_no_longer_what_was_chosen)
{
	struct jota_writer *w;

	part.target.capacity_bytes += 4096;
	ck_assert_int_eq(open_writer(&w), -ESTALE);
	ck_assert_uint_eq(rec.count, 0);
	ck_assert_str_eq(read_attribute(), "1\n");
}
END_TEST

START_TEST(fake_that_was_not_protected_stays_as_it_was)
{
	struct stat before, after;
	struct jota_writer *w;

	write_attribute("0\n");
	/* Its times tell: it is not even written. */
	ck_assert_int_eq(stat(attribute, &before), 0);
	ck_assert_msg(write_image(&w) == 0, "%s", err.msg);
	jota_writer_free(w);
	ck_assert_int_eq(stat(attribute, &after), 0);
	ck_assert_str_eq(read_attribute(), "0\n");
	ck_assert(before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
		  before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
}
END_TEST

START_TEST(device_without_the_attribute_is_written_and_gets_none)
{
	struct jota_writer *w;

	ck_assert_int_eq(unlink(attribute), 0);
	ck_assert_msg(write_image(&w) == 0, "%s", err.msg);
	jota_writer_free(w);
	ck_assert_str_eq(read_attribute(), "");
	ck_assert_str_eq(err.msg, "");
}
END_TEST

START_TEST(strange_content_of_the_fake_is_refused_before_the_first_byte)
{
	static const char *const strange[] = { "",     "\n",	"2\n",	"01\n",
					       "1 \n", "yes\n", "-1\n", "1\n1" };
	struct jota_writer *w;

	write_attribute(strange[_i]);
	ck_assert_int_eq(open_writer(&w), -EBADMSG);
	assert_says("/sys/block/part/force_ro");
	assert_says("expected 0 or 1");
	ck_assert_uint_eq(rec.count, 0);
	ck_assert_str_eq(read_attribute(), strange[_i]);
	ck_assert(scratch_part_is_old(&part, 0, CAPACITY_BYTES));
}
END_TEST

START_TEST(unreadable_fake_is_refused_before_the_first_byte)
{
	struct jota_writer *w;

	/* A directory: not even root can read it as a file. */
	ck_assert_int_eq(unlink(attribute), 0);
	ck_assert_int_eq(mkdir(attribute, 0700), 0);
	ck_assert_int_eq(open_writer(&w), -EISDIR);
	assert_says("/sys/block/part/force_ro");
	ck_assert_uint_eq(rec.count, 0);
	ck_assert(scratch_part_is_old(&part, 0, CAPACITY_BYTES));
}
END_TEST

START_TEST(fake_that_does_not_take_the_change_is_refused_before_the_first_byte)
{
	struct jota_writer *w;

	write_fault = _i ? WRITE_FAILS : WRITE_IS_IGNORED;
	ck_assert_int_eq(open_writer(&w), _i ? -EPERM : -EROFS);
	write_fault = WRITE_WORKS;
	assert_says("the write protection of '/part' cannot be lifted: ");
	ck_assert_uint_eq(rec.count, 0);
	ck_assert_str_eq(read_attribute(), "1\n");
	ck_assert(scratch_part_is_old(&part, 0, CAPACITY_BYTES));
}
END_TEST

START_TEST(restoring_that_fails_makes_a_good_write_fail_and_is_told)
{
	struct jota_writer *w;

	lost_after = FIRST_SYNC;
	ck_assert_int_eq(write_image(&w), -ENOENT);
	assert_says("'/part' stays writable until the next boot");
	/* What was good is not left looking like an image of a finished update. */
	ck_assert(scratch_part_is_zero(&part, 0, MIB));
	jota_writer_free(w);
}
END_TEST

START_TEST(restoring_that_fails_does_not_hide_the_failure_before_it)
{
	struct jota_writer *w;

	lost_after = BODY_WRITE - 1;
	recorder_fail(&rec, BODY_WRITE, 1, RECORDER_ERRNO, ENOSPC);
	ck_assert_int_eq(write_image(&w), -ENOSPC);
	assert_says("stays writable until the next boot");
	assert_says("write '/part' at 2097152: No space left on device");
	jota_writer_free(w);
}
END_TEST

START_TEST(restoring_that_fails_does_not_hide_why_the_device_was_not_opened)
{
	struct jota_writer *w;

	part.target.capacity_bytes += 4096;
	write_fault = FIRST_WRITE_WORKS;
	ck_assert_int_eq(open_writer(&w), -ESTALE);
	write_fault = WRITE_WORKS;
	assert_says("stays writable until the next boot");
	assert_says("; before that: '/part' now has");
}
END_TEST

START_TEST(restoring_that_failed_is_tried_again_when_the_writer_is_freed)
{
	struct jota_writer *w;

	lost_after = FIRST_SYNC;
	ck_assert_int_eq(write_image(&w), -ENOENT);
	write_attribute("0\n");
	jota_writer_free(w);
	ck_assert_str_eq(read_attribute(), "1\n");
}
END_TEST

/* Resolution: the fake of a device as a directory has no such attribute at first. */
static int resolve_with_attribute(const char *text)
{
	struct jota_evidence evidence;
	struct jota_blockdevs devs;
	struct jota_config config;
	struct jota_target target;
	struct tree tree;
	const char *name;
	char path[128];
	int r;

	tree_make(&tree, &(struct tree_options){ .running = JOTA_SLOT_A });
	ck_assert_int_eq(jota_config_read(&tree.io, &config, &err), 0);
	ck_assert_int_eq(jota_blockdevs_read(&tree.io, &devs, &err), 0);
	ck_assert_int_eq(jota_evidence_read(&tree.io, config.layout, &devs, &evidence, &err), 0);
	ck_assert_int_eq(jota_target_locate(&tree.io, &config, &devs, &evidence, JOTA_ROLE_KERNEL,
					    JOTA_SLOT_B, &target, &err),
			 0);
	name = strrchr(target.path, '/') + 1;
	(void)snprintf(path, sizeof(path), "/sys/block/%.64s/force_ro", name);
	tree_write_file(&tree, path, text);
	r = jota_target_resolve(&tree.io, &config, &devs, &evidence, JOTA_ROLE_KERNEL, JOTA_SLOT_B,
				&target, &err);
	jota_blockdevs_done(&devs);
	tree_remove(&tree);
	return r;
}

START_TEST(target_with_a_fake_attribute_is_chosen_when_it_can_be_lifted)
{
	ck_assert_msg(resolve_with_attribute(_i ? "1\n" : "0\n") == 0, "%s", err.msg);
}
END_TEST

START_TEST(target_with_a_strange_fake_attribute_is_refused_with_role_and_label)
{
	ck_assert_int_eq(resolve_with_attribute("maybe\n"), -EBADMSG);
	assert_says("kernel slot B (label 'B_kernel'");
	assert_says("expected 0 or 1");
}
END_TEST

static Suite *force_ro_suite(void)
{
	Suite *s = suite_create("force_ro (fake sysfs)");
	TCase *tc = tcase_create("fake");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, fake_is_lifted_before_the_first_write_and_restored_after_finish);
	tcase_add_loop_test(
		tc, fake_is_restored_after_each_failing_operation_before_the_writer_is_freed, 0,
		ALL_OPS);
	tcase_add_loop_test(tc, fake_is_restored_when_the_device_fails_for_good, 0, ALL_OPS);
	tcase_add_test(tc,
		       fake_is_lifted_again_and_restored_when_only_free_can_zero_the_first_block);
	tcase_add_loop_test(tc, fake_is_restored_after_an_abort_which_frees_without_finish, 0, 2);
	tcase_add_test(tc, fake_is_restored_when_the_device_is_no_longer_what_was_chosen);
	tcase_add_test(tc, fake_that_was_not_protected_stays_as_it_was);
	tcase_add_test(tc, device_without_the_attribute_is_written_and_gets_none);
	tcase_add_loop_test(tc, strange_content_of_the_fake_is_refused_before_the_first_byte, 0, 8);
	tcase_add_test(tc, unreadable_fake_is_refused_before_the_first_byte);
	tcase_add_loop_test(tc, fake_that_does_not_take_the_change_is_refused_before_the_first_byte,
			    0, 2);
	tcase_add_test(tc, restoring_that_fails_makes_a_good_write_fail_and_is_told);
	tcase_add_test(tc, restoring_that_fails_does_not_hide_the_failure_before_it);
	tcase_add_test(tc, restoring_that_fails_does_not_hide_why_the_device_was_not_opened);
	tcase_add_test(tc, restoring_that_failed_is_tried_again_when_the_writer_is_freed);
	tcase_add_loop_test(tc, target_with_a_fake_attribute_is_chosen_when_it_can_be_lifted, 0, 2);
	tcase_add_test(tc, target_with_a_strange_fake_attribute_is_refused_with_role_and_label);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return run_suite(force_ro_suite());
}
