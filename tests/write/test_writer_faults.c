/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The writer on a device that loses bits, fails, or takes less than it is given. */
#include "write/writer.h"

#include "base/err.h"
#include "support/recorder.h"
#include "support/run.h"
#include "support/scratch_part.h"

#include <check.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1u << 20)
#define CAPACITY_BYTES (6 * MIB)
#define IMAGE_BYTES (3 * MIB + 5000)
#define PADDED_BYTES (3 * MIB + 8192)
/* erase, sync | blocks 1 to 3, sync | first block, sync */
#define ERASE_OPS 2
#define BODY_SYNC 5
#define FIRST_SYNC 7
#define ALL_OPS 8

static struct recorder rec;
static struct scratch_part part;
static struct jota_err err;
static uint8_t *image;

static void setup(void)
{
	scratch_part_make(&part, CAPACITY_BYTES);
	recorder_init(&rec, part.root);
	err = (struct jota_err){ 0 };
	image = make_image(IMAGE_BYTES, 21);
}

static void teardown(void)
{
	free(image);
	scratch_part_remove(&part);
}

/* The whole way; the writer is freed by the caller, so that tests see what finish alone left. */
static int write_image(struct jota_writer **ret)
{
	struct jota_write_report report;
	int r;

	*ret = NULL;
	r = jota_writer_open(&rec.io, &part.target, IMAGE_BYTES, ret, &err);
	for (size_t at = 0; r == 0 && at < IMAGE_BYTES; at += 16368) {
		size_t left = IMAGE_BYTES - at;

		r = jota_writer_push(*ret, image + at, left < 16368 ? left : 16368, &err);
	}
	if (r == 0)
		r = jota_writer_finish(*ret, NULL, NULL, &report, &err);
	return r;
}

struct flip {
	size_t after_number;
	uint64_t offset_bytes;
};

static void flip_after(void *ctx, size_t number, const struct record *op)
{
	const struct flip *flip = ctx;

	(void)op;
	if (number == flip->after_number)
		scratch_part_flip(&part, flip->offset_bytes);
}

static int write_image_with_flip(struct flip *flip)
{
	struct jota_writer *w;
	int r;

	rec.after = flip_after;
	rec.after_ctx = flip;
	r = write_image(&w);
	ck_assert(r == 0 || scratch_part_is_zero(&part, 0, MIB));
	jota_writer_free(w);
	return r;
}

START_TEST(I4_bit_lost_in_the_body_is_found_named_and_the_first_block_is_zero)
{
	static const uint64_t offsets[] = { MIB,	   MIB + 77,	   2 * MIB - 1,
					    2 * MIB + 500, 3 * MIB + 4999, PADDED_BYTES - 1 };
	struct flip flip = { BODY_SYNC, offsets[_i] };
	char where[64];

	ck_assert_int_eq(write_image_with_flip(&flip), -EBADMSG);
	(void)snprintf(where, sizeof(where), "from offset %llu on",
		       (unsigned long long)(offsets[_i] / MIB * MIB));
	ck_assert_msg(strstr(err.msg, where) != NULL, "%s", err.msg);
	ck_assert(scratch_part_is_zero(&part, 0, MIB));
}
END_TEST

START_TEST(I4_first_block_is_not_written_before_the_body_was_verified)
{
	struct flip flip = { BODY_SYNC, 2 * MIB };

	ck_assert_int_eq(write_image_with_flip(&flip), -EBADMSG);
	for (size_t i = 0; i < rec.count; i++)
		ck_assert(rec.op[i].is_sync || rec.op[i].is_zero || rec.op[i].offset_bytes >= MIB);
}
END_TEST

START_TEST(I4_bit_lost_in_the_first_block_is_found_at_its_byte_and_the_block_is_zero_again)
{
	static const uint64_t offsets[] = { 0, 1, 4096, 500000, MIB - 1 };
	struct flip flip = { FIRST_SYNC, offsets[_i] };
	char where[64];

	ck_assert_int_eq(write_image_with_flip(&flip), -EBADMSG);
	(void)snprintf(where, sizeof(where), "at offset %llu it has",
		       (unsigned long long)offsets[_i]);
	ck_assert_msg(strstr(err.msg, where) != NULL, "%s", err.msg);
	ck_assert(scratch_part_is_zero(&part, 0, MIB));
}
END_TEST

START_TEST(erase_that_does_not_stick_is_found_at_open)
{
	struct flip flip = { ERASE_OPS - 1, 512 };

	ck_assert_int_eq(write_image_with_flip(&flip), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.msg, "zeroed"));
	/* erase, sync, and once more the same */
	ck_assert_uint_eq(rec.count, 4);
}
END_TEST

START_TEST(I4_bit_that_changes_behind_the_image_is_none_of_our_business)
{
	struct flip flip = { BODY_SYNC, PADDED_BYTES };
	uint8_t *now;

	ck_assert_int_eq(write_image_with_flip(&flip), 0);
	now = scratch_part_read(&part);
	ck_assert(memcmp(now, image, IMAGE_BYTES) == 0);
	free(now);
}
END_TEST

static const struct {
	enum recorder_fault fault;
	int fault_errno;
	int expected;
} faults[] = {
	{ RECORDER_ERRNO, EIO, -EIO },
	{ RECORDER_ERRNO, ENOSPC, -ENOSPC },
	{ RECORDER_NOTHING, 0, -EIO },
};
#define FAULTS ((int)(sizeof(faults) / sizeof(faults[0])))

START_TEST(count_of_operations_is_what_these_tests_go_through)
{
	struct jota_writer *w;

	ck_assert_int_eq(write_image(&w), 0);
	jota_writer_free(w);
	ck_assert_uint_eq(rec.count, ALL_OPS);
	ck_assert(rec.op[ERASE_OPS - 1].is_sync && rec.op[BODY_SYNC].is_sync);
	ck_assert(rec.op[FIRST_SYNC].is_sync);
}
END_TEST

START_TEST(one_failing_operation_is_reported_and_the_first_block_is_zero)
{
	struct jota_writer *w;

	recorder_fail(&rec, (size_t)(_i / FAULTS), 1, faults[_i % FAULTS].fault,
		      faults[_i % FAULTS].fault_errno);
	ck_assert_int_eq(write_image(&w), faults[_i % FAULTS].expected);
	ck_assert_ptr_nonnull(strstr(err.msg, "/part"));
	ck_assert_ptr_null(strstr(err.msg, "may still start"));
	ck_assert(scratch_part_is_zero(&part, 0, MIB));
	jota_writer_free(w);
	ck_assert(scratch_part_is_zero(&part, 0, MIB));
}
END_TEST

/* While the first block is known to be zero nothing more is at stake: no word about it. */
START_TEST(device_that_fails_for_good_is_reported_together_with_what_it_may_hold)
{
	size_t from = (size_t)(_i / FAULTS);
	bool in_doubt = from < ERASE_OPS || from >= FIRST_SYNC - 1;
	struct jota_writer *w;

	recorder_fail(&rec, from, SIZE_MAX, faults[_i % FAULTS].fault,
		      faults[_i % FAULTS].fault_errno);
	ck_assert_int_eq(write_image(&w), faults[_i % FAULTS].expected);
	ck_assert_msg((strstr(err.msg, "may still start") != NULL) == in_doubt, "%s", err.msg);
	if (!in_doubt)
		ck_assert(scratch_part_is_zero(&part, 0, MIB));
	jota_writer_free(w);
}
END_TEST

START_TEST(free_zeroes_the_first_block_when_finish_could_not)
{
	struct jota_writer *w;

	/* The sync of the first block and the two tries to zero it. */
	recorder_fail(&rec, FIRST_SYNC, 2, RECORDER_ERRNO, EIO);
	ck_assert_int_eq(write_image(&w), -EIO);
	ck_assert_ptr_nonnull(strstr(err.msg, "may still start"));
	ck_assert(!scratch_part_is_zero(&part, 0, MIB));
	jota_writer_free(w);
	ck_assert(scratch_part_is_zero(&part, 0, MIB));
}
END_TEST

START_TEST(writes_that_the_device_takes_in_part_are_completed)
{
	struct jota_writer *w;
	uint8_t *now;

	if (_i < ALL_OPS)
		recorder_fail(&rec, (size_t)_i, 1, RECORDER_SHORT, 0);
	else
		recorder_fail(&rec, 0, SIZE_MAX, RECORDER_SHORT, 0);
	ck_assert_msg(write_image(&w) == 0, "%s", err.msg);
	jota_writer_free(w);
	now = scratch_part_read(&part);
	ck_assert(memcmp(now, image, IMAGE_BYTES) == 0);
	free(now);
}
END_TEST

START_TEST(interrupted_operations_are_repeated)
{
	struct jota_writer *w;

	recorder_fail(&rec, (size_t)_i, 3, RECORDER_ERRNO, EINTR);
	ck_assert_msg(write_image(&w) == 0, "%s", err.msg);
	jota_writer_free(w);
	ck_assert_uint_eq(rec.count, ALL_OPS + 3);
}
END_TEST

START_TEST(failed_push_says_the_same_again_without_touching_the_device)
{
	struct jota_writer *w;
	struct jota_write_report report;
	struct jota_err first;
	size_t count;

	recorder_fail(&rec, 3, 1, RECORDER_ERRNO, EIO);
	ck_assert_int_eq(write_image(&w), -EIO);
	first = err;
	count = rec.count;
	ck_assert_int_eq(jota_writer_push(w, image, 10, &err), -EIO);
	ck_assert_str_eq(err.msg, first.msg);
	ck_assert_int_eq(jota_writer_finish(w, NULL, NULL, &report, &err), -EIO);
	ck_assert_str_eq(err.msg, first.msg);
	jota_writer_free(w);
	ck_assert_uint_eq(rec.count, count);
}
END_TEST

static Suite *faults_suite(void)
{
	Suite *s = suite_create("writer on a bad device");
	TCase *tc = tcase_create("faults");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, I4_bit_lost_in_the_body_is_found_named_and_the_first_block_is_zero,
			    0, 6);
	tcase_add_loop_test(
		tc, I4_bit_lost_in_the_first_block_is_found_at_its_byte_and_the_block_is_zero_again,
		0, 5);
	tcase_add_test(tc, I4_first_block_is_not_written_before_the_body_was_verified);
	tcase_add_test(tc, erase_that_does_not_stick_is_found_at_open);
	tcase_add_test(tc, I4_bit_that_changes_behind_the_image_is_none_of_our_business);
	tcase_add_test(tc, count_of_operations_is_what_these_tests_go_through);
	tcase_add_loop_test(tc, one_failing_operation_is_reported_and_the_first_block_is_zero, 0,
			    ALL_OPS * FAULTS);
	tcase_add_loop_test(tc,
			    device_that_fails_for_good_is_reported_together_with_what_it_may_hold,
			    0, ALL_OPS * FAULTS);
	tcase_add_test(tc, free_zeroes_the_first_block_when_finish_could_not);
	tcase_add_loop_test(tc, writes_that_the_device_takes_in_part_are_completed, 0, ALL_OPS + 1);
	tcase_add_loop_test(tc, interrupted_operations_are_repeated, 0, ALL_OPS);
	tcase_add_test(tc, failed_push_says_the_same_again_without_touching_the_device);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return run_suite(faults_suite());
}
