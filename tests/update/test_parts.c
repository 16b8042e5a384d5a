/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* An image that comes in parts is one image: all of them, in order, or none. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/tree_env.h"
#include "support/update.h"

#define KIB 1024u
#define MIB (1024u * KIB)
#define ROOTFS (&u.image[JOTA_ROLE_ROOTFS])

static struct update u;

/* 2.5 MiB in three; the border in the middle of the writer's blocks is the harder one. */
static const struct image_part part[] = {
	{ "p1", 1, 0, MIB },
	{ "p2", 2, MIB, MIB + 512 * KIB - 7 },
	{ "p3", 3, 2 * MIB + 512 * KIB - 7, 7 },
};
#define PARTS 3

static void setup(void)
{
	update_setup(&u);
}

static void teardown(void)
{
	update_teardown(&u);
}

static int write_part(const struct image_part *p)
{
	return update_write_part(u.session, ROOTFS, p, &u.err);
}

static void write_first_parts(size_t count)
{
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(write_part(&part[i]), JOTA_PARTS_TO_COME);
}

/* Dead, and what the target's partition started with is gone. */
static void ck_erased(void)
{
	ck_assert(update_is_dead(&u));
	ck_assert(tree_partition_is_zero(&u.tree, "B_APP", MIB));
}

static int arm(size_t parts)
{
	const char *const name[] = { "boot.img", "u-boot.bin", "p1", "p2", "p3" };

	return jota_session_arm(u.session, name, 2 + parts, &u.err);
}

START_TEST(parts_make_the_image_and_the_last_one_releases_it)
{
	unsigned serial = tree_env_serial(&u.tree);
	bool missing;

	write_first_parts(2);
	ck_assert(tree_partition_is_zero(&u.tree, "B_APP", MIB));
	ck_assert(jota_session_begun(u.session));
	ck_ok(write_part(&part[2]));
	ck_assert(tree_partition_holds(&u.tree, "B_APP", ROOTFS));
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err));
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_BOOTLOADER], &u.err));
	ck_ok(arm(PARTS));
	ck_ok(jota_session_flip(u.session, NULL, 0, &missing, &u.err));
	ck_assert_uint_eq(tree_env_serial(&u.tree), serial + 2);
	ck_assert(tree_env_is(&u.tree, "boot_slot", "B"));
}
END_TEST

START_TEST(one_part_can_be_the_whole_image)
{
	const struct image_part only = { "p1", 1, 0, ROOTFS->size_bytes };

	ck_ok(write_part(&only));
	ck_assert(tree_partition_holds(&u.tree, "B_APP", ROOTFS));
}
END_TEST

START_TEST(report_and_verification_are_of_the_whole_image)
{
	struct jota_write_report report = { 0 };
	struct jota_piece last = { JOTA_ROLE_ROOTFS, "p3", 7, { 3, part[2].offset_bytes, 0 } };
	struct jota_writer *w;

	last.part.total_bytes = ROOTFS->size_bytes;
	write_first_parts(2);
	ck_ok(jota_session_image(u.session, &last, NULL, 0, &w, &u.err));
	ck_ok(jota_writer_push(w, ROOTFS->data + part[2].offset_bytes, 7, &u.err));
	ck_ok(jota_session_image_done(u.session, NULL, NULL, &report, &u.err));
	ck_assert_uint_eq(report.image_bytes, ROOTFS->size_bytes);
	ck_assert_uint_eq(report.verified_bytes, ROOTFS->size_bytes);
}
END_TEST

/* After `before` parts comes this one, and the words say why not. */
struct wrong {
	size_t before;
	struct image_part part;
	uint64_t total_bytes; /* 0: the right one */
	int errnum;
	const char *words;
};

static const struct wrong wrongs[] = {
	{ 0, { "p2", 2, MIB, MIB }, 0, EPROTO, "comes before part 1" },
	{ 0, { "p1", 1, MIB, MIB }, 0, EINVAL, "expected 0" },
	{ 0, { "p1", 1, 0, 0 }, 0, EINVAL, "0 bytes" },
	{ 0, { "p1", 1, 0, 3 * MIB }, 0, EINVAL, "more than total" },
	{ 0, { "p1", 1, 0, 4096 }, 1u << 30, EFBIG, "the image that begins with part 1" },
	{ 1, { "p2", 2, MIB + 4096, 4096 }, 0, EPROTO, "begins at offset 1052672, expected 1048576" },
	{ 1, { "p2", 2, MIB - 4096, 4096 }, 0, EPROTO, "gap or overlap" },
	{ 1, { "p3", 3, MIB, MIB }, 0, EPROTO, "comes where part 2 must" },
	{ 1, { "p1 again", 1, 0, MIB }, 0, EPROTO, "comes where part 2 must" },
	{ 1, { "p1", 2, MIB, MIB }, 0, EEXIST, "'p1' comes twice" },
	{ 1, { "p2", 2, MIB, MIB }, 3 * MIB, EPROTO, "says total 3145728" },
	{ 1, { "p2", 2, MIB, 2 * MIB }, 0, EINVAL, "more than total" },
	{ 1, { "p2", 2, MIB, UINT64_MAX }, 0, EINVAL, "more than total" },
	{ 2, { "p1 again", 1, 0, MIB }, 0, EPROTO, "comes where part 3 must" },
	{ 3, { "p4", 4, 0, MIB }, 0, EEXIST, "already written by image 'p1'" },
	{ 3, { "p1 again", 1, 0, MIB }, 0, EEXIST, "already written by image 'p1'" },
};

START_TEST(wrong_part_ends_the_update_before_its_first_byte)
{
	const struct wrong *w = &wrongs[_i];
	const struct jota_piece piece = {
		JOTA_ROLE_ROOTFS,
		w->part.name,
		w->part.bytes,
		{ w->part.number, w->part.offset_bytes,
		  w->total_bytes ? w->total_bytes : ROOTFS->size_bytes },
	};
	struct jota_writer *writer;

	write_first_parts(w->before < 2 ? w->before : 2);
	if (w->before == 3)
		ck_ok(write_part(&part[2]));
	ck_refused(jota_session_image(u.session, &piece, NULL, 0, &writer, &u.err), w->errnum,
		   w->words);
	ck_assert(!jota_session_begun(u.session));
	if (w->before == 0)
		return;
	ck_assert(update_is_dead(&u));
	if (w->before < 3)
		ck_assert(tree_partition_is_zero(&u.tree, "B_APP", MIB));
}
END_TEST

START_TEST(nothing_but_the_next_part_comes_between_two_parts)
{
	write_first_parts(1);
	ck_refused(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err), EPROTO,
		   "image 'boot.img' begins where part 2 of the rootfs must come");
	ck_erased();
	update_reopen(&u);
	write_first_parts(2);
	ck_refused(update_write(u.session, ROOTFS, &u.err), EPROTO, "where part 3 of the rootfs");
	ck_erased();
	update_reopen(&u);
	write_first_parts(1);
	ck_refused(jota_session_keep(u.session, JOTA_ROLE_KERNEL, NULL, NULL, &u.err), EPROTO,
		   "where part 2 of the rootfs");
	ck_erased();
	update_reopen(&u);
	write_first_parts(1);
	ck_refused(jota_session_image_done(u.session, NULL, NULL, NULL, &u.err), EPROTO,
		   "no image is being written");
}
END_TEST

START_TEST(parts_after_a_whole_image_are_refused)
{
	ck_ok(update_write(u.session, ROOTFS, &u.err));
	ck_refused(write_part(&part[0]), EEXIST, "already written by image 'rootfs.ext4'");
	ck_assert(update_is_dead(&u));
}
END_TEST

START_TEST(hook_before_the_last_part_is_refused)
{
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err));
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_BOOTLOADER], &u.err));
	write_first_parts(2);
	ck_refused(arm(2), EPROTO, "the hook comes where part 3 of the rootfs must come");
	ck_erased();
}
END_TEST

START_TEST(every_part_must_be_in_the_signed_list)
{
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err));
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_BOOTLOADER], &u.err));
	write_first_parts(2);
	ck_ok(write_part(&part[2]));
	ck_refused(arm(2), EPROTO, "image 'p3' was written but the signed list does not name it");
	ck_assert(update_is_dead(&u));
}
END_TEST

START_TEST(part_that_ends_early_or_late_ends_the_update)
{
	const struct jota_piece second = {
		JOTA_ROLE_ROOTFS, "p2", part[1].bytes, { 2, MIB, ROOTFS->size_bytes }
	};
	struct jota_writer *w;

	write_first_parts(1);
	ck_ok(jota_session_image(u.session, &second, NULL, 0, &w, &u.err));
	ck_ok(jota_writer_push(w, ROOTFS->data + MIB, part[1].bytes - 1, &u.err));
	ck_refused(jota_session_image_done(u.session, NULL, NULL, NULL, &u.err), ENODATA,
		   "part 2 of the rootfs ('p2')");
	ck_erased();
	update_reopen(&u);
	write_first_parts(1);
	ck_ok(jota_session_image(u.session, &second, NULL, 0, &w, &u.err));
	ck_refused(jota_writer_push(w, ROOTFS->data + MIB, part[1].bytes + 1, &u.err), EFBIG,
		   "a part of the image");
	jota_session_abort(u.session);
	ck_erased();
}
END_TEST

START_TEST(update_that_stops_between_parts_leaves_nothing_behind)
{
	unsigned before = open_descriptors();
	bool missing;

	for (size_t i = 0; i < 2; i++) {
		write_first_parts(i + 1);
		ck_assert_uint_gt(open_descriptors(), before);
		update_reopen(&u);
		ck_assert_uint_eq(open_descriptors(), before);
		ck_erased();
	}
	ck_ok(update_write_all(&u));
	ck_ok(update_arm(u.session, u.image, JOTA_ROLE_COUNT, &u.err));
	ck_ok(jota_session_flip(u.session, NULL, 0, &missing, &u.err));
	ck_assert(tree_partition_holds(&u.tree, "B_APP", ROOTFS));
}
END_TEST

START_TEST(at_most_so_many_parts)
{
	struct image_part next = { NULL, 1, 0, 512 };
	char name[JOTA_PARTS_MAX + 1][8];

	for (unsigned i = 0; i < JOTA_PARTS_MAX; i++) {
		(void)snprintf(name[i], sizeof(name[i]), "p%u", i);
		next.name = name[i];
		next.number = i + 1;
		next.offset_bytes = 512u * i;
		ck_assert_int_eq(write_part(&next), JOTA_PARTS_TO_COME);
	}
	next.name = "one more";
	next.number++;
	next.offset_bytes += 512;
	ck_refused(write_part(&next), E2BIG, "at most 64 parts");
	ck_erased();
}
END_TEST

START_TEST(part_properties_are_parsed_or_refused)
{
	static const struct {
		const char *number, *offset, *total;
		int result;
		const char *words;
	} row[] = {
		{ NULL, NULL, NULL, 0, "" },
		{ "1", "0", "1", 1, "" },
		{ "2", "1073741824", "1073741825", 1, "" },
		{ "64", "9223372035781033984", "9223372036854775807", 1, "" },
		{ "1", NULL, "1", -EINVAL, "offset is missing" },
		{ NULL, "0", "1", -EINVAL, "part is missing" },
		{ "1", "0", NULL, -EINVAL, "total is missing" },
		{ "0", "0", "1", -ERANGE, "part" },
		{ "65", "1073741824", "1073741825", -ERANGE, "part" },
		{ "-1", "0", "1", -EINVAL, "part" },
		{ "1", "0", "0", -ERANGE, "total" },
		{ "2", "1073741823", "2147483648", -EINVAL, "multiple of 1 GiB" },
		{ "2", "1073741824", "1073741824", -EINVAL, "not below total" },
		{ "2", "1073741824", "9223372036854775808", -ERANGE, "total" },
		{ "2", "18446744073709551616", "1", -ERANGE, "offset" },
		{ "2", "0", "1", -EINVAL, "begins at 0" },
		{ "1", "1073741824", "1073741825", -EINVAL, "begins at 0" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct jota_part got = { 9, 9, 9 };
		struct jota_err err = { 0 };

		ck_assert_int_eq(
			jota_part_parse(row[i].number, row[i].offset, row[i].total, &got, &err),
			row[i].result);
		ck_assert_msg(strstr(err.msg, row[i].words), "row %zu says '%s'", i, err.msg);
		ck_assert_uint_eq(got.number, row[i].result < 0 ? 9 :
					      row[i].number	? strtoul(row[i].number, NULL, 10) :
								  0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("update/parts");
	TCase *tcase = tcase_create("parts");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, parts_make_the_image_and_the_last_one_releases_it);
	tcase_add_test(tcase, one_part_can_be_the_whole_image);
	tcase_add_test(tcase, report_and_verification_are_of_the_whole_image);
	tcase_add_loop_test(tcase, wrong_part_ends_the_update_before_its_first_byte, 0,
			    (int)(sizeof(wrongs) / sizeof(wrongs[0])));
	tcase_add_test(tcase, nothing_but_the_next_part_comes_between_two_parts);
	tcase_add_test(tcase, parts_after_a_whole_image_are_refused);
	tcase_add_test(tcase, hook_before_the_last_part_is_refused);
	tcase_add_test(tcase, every_part_must_be_in_the_signed_list);
	tcase_add_test(tcase, part_that_ends_early_or_late_ends_the_update);
	tcase_add_test(tcase, update_that_stops_between_parts_leaves_nothing_behind);
	tcase_add_test(tcase, at_most_so_many_parts);
	tcase_add_test(tcase, part_properties_are_parsed_or_refused);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
