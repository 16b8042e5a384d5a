/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "write/writer.h"

#include "base/err.h"
#include "support/recorder.h"
#include "support/run.h"
#include "support/scratch_part.h"

#include <check.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1u << 20)
#define CAPACITY_BYTES (4 * MIB)

static struct recorder rec;
static struct scratch_part part;
static struct jota_err err;

static void start(uint64_t capacity_bytes)
{
	scratch_part_make(&part, capacity_bytes);
	recorder_init(&rec, part.root);
	err = (struct jota_err){ 0 };
}

static void setup(void)
{
	start(CAPACITY_BYTES);
}

static void teardown(void)
{
	scratch_part_remove(&part);
}

static struct jota_writer *open_writer(uint64_t image_bytes)
{
	struct jota_writer *w = NULL;
	int r = jota_writer_open(&rec.io, &part.target, image_bytes, &w, &err);

	ck_assert_msg(r == 0, "open: %s", err.msg);
	return w;
}

static void push(struct jota_writer *w, const uint8_t *data, size_t len)
{
	/* Each passed assertion costs a message to the parent: too much for pieces of one byte. */
	if (jota_writer_push(w, data, len, &err) != 0)
		ck_abort_msg("push: %s", err.msg);
}

/* piece 0: random lengths. */
static void push_in_pieces(struct jota_writer *w, const uint8_t *data, size_t len, size_t piece)
{
	uint32_t state = 99;

	while (len > 0) {
		size_t n = piece ? piece : next_random(&state) % (2 * MIB);

		n = n < len ? n : len;
		push(w, data, n);
		data += n;
		len -= n;
	}
}

static struct jota_write_report finish(struct jota_writer *w)
{
	struct jota_write_report report = { 0 };
	int r = jota_writer_finish(w, NULL, NULL, &report, &err);

	ck_assert_msg(r == 0, "finish: %s", err.msg);
	return report;
}

static void write_image(const uint8_t *image, size_t len, size_t piece)
{
	struct jota_writer *w = open_writer(len);
	struct jota_write_report report;
	uint64_t padded = (len + 4095) / 4096 * 4096;

	if (padded > part.target.capacity_bytes)
		padded = part.target.capacity_bytes;
	push_in_pieces(w, image, len, piece);
	report = finish(w);
	ck_assert_uint_eq(report.image_bytes, len);
	ck_assert_uint_eq(report.written_bytes, padded);
	ck_assert_uint_eq(report.verified_bytes, padded);
	jota_writer_free(w);
}

/* The image, zeros to the end of its last block, behind it what was there before. */
static void assert_holds(const uint8_t *image, size_t len)
{
	uint64_t capacity = part.target.capacity_bytes;
	uint64_t padded = (len + 4095) / 4096 * 4096;
	uint8_t *now = scratch_part_read(&part);

	ck_assert(memcmp(now, image, len) == 0);
	free(now);
	if (padded > capacity)
		padded = capacity;
	ck_assert(scratch_part_is_zero(&part, len, padded));
	ck_assert(scratch_part_is_old(&part, padded, capacity));
}

static const size_t image_sizes[] = {
	1, 4095, 4096, 4097, MIB - 1, MIB, MIB + 1, 2 * MIB - 1, 3 * MIB + MIB / 2, 4 * MIB
};
static const size_t pieces[] = { 1, 16368, 16384, MIB + 1, 4 * MIB, 0 };
#define IMAGE_SIZES ((int)(sizeof(image_sizes) / sizeof(image_sizes[0])))
#define PIECES ((int)(sizeof(pieces) / sizeof(pieces[0])))

START_TEST(image_of_any_size_in_pieces_of_any_size_is_written_and_padded)
{
	size_t len = image_sizes[_i / PIECES];
	uint8_t *image = make_image(len, 1);

	write_image(image, len, pieces[_i % PIECES]);
	assert_holds(image, len);
	free(image);
}
END_TEST

START_TEST(device_gets_whole_aligned_blocks_of_one_mib_whatever_the_pieces)
{
	size_t len = 3 * MIB + 5000;
	uint8_t *image = make_image(len, 2);

	write_image(image, len, pieces[_i]);
	for (size_t i = 0; i < rec.count; i++) {
		const struct record *op = &rec.op[i];

		if (op->is_sync)
			continue;
		ck_assert(op->is_aligned);
		ck_assert_uint_eq(op->offset_bytes % MIB, 0);
		ck_assert(op->len_bytes == MIB || op->offset_bytes == 3 * MIB);
		ck_assert_uint_eq(op->len_bytes % 4096, 0);
	}
	free(image);
}
END_TEST

/* Partitions are whole sectors; a file need not be. */
START_TEST(image_that_fills_a_partition_of_odd_size_is_written)
{
	static const size_t odd[] = { 1, 511, 1000, 5000, MIB + 1, 2 * MIB + 4097, 3 * MIB - 1 };
	size_t len = odd[_i];
	uint8_t *image = make_image(len, 3);

	start(len);
	write_image(image, len, 0);
	assert_holds(image, len);
	for (size_t i = 0; i < rec.count; i++)
		ck_assert(!rec.op[i].is_direct || rec.op[i].len_bytes % 4096 == 0);
	scratch_part_remove(&part);
	free(image);
}
END_TEST

START_TEST(padding_stops_at_the_end_of_a_partition_of_odd_size)
{
	uint8_t *image = make_image(2 * MIB + 100, 4);

	start(2 * MIB + 700);
	write_image(image, 2 * MIB + 100, 0);
	assert_holds(image, 2 * MIB + 100);
	scratch_part_remove(&part);
	free(image);
}
END_TEST

START_TEST(image_one_byte_larger_than_the_partition_is_refused_with_nothing_touched)
{
	struct jota_writer *w = NULL;
	int r = jota_writer_open(&rec.io, &part.target, CAPACITY_BYTES + 1, &w, &err);

	ck_assert_int_eq(r, -EFBIG);
	ck_assert_ptr_null(w);
	ck_assert_ptr_nonnull(strstr(err.msg, "4194305"));
	ck_assert_ptr_nonnull(strstr(err.msg, "4194304"));
	ck_assert_uint_eq(rec.count, 0);
	ck_assert(scratch_part_is_old(&part, 0, CAPACITY_BYTES));
	ck_assert_int_eq(jota_writer_open(&rec.io, &part.target, UINT64_MAX, &w, &err), -EFBIG);
	ck_assert_uint_eq(rec.count, 0);
}
END_TEST

START_TEST(image_without_bytes_is_refused_with_nothing_touched)
{
	struct jota_writer *w = NULL;

	ck_assert_int_eq(jota_writer_open(&rec.io, &part.target, 0, &w, &err), -EINVAL);
	ck_assert_uint_eq(rec.count, 0);
	ck_assert(scratch_part_is_old(&part, 0, CAPACITY_BYTES));
}
END_TEST

START_TEST(device_that_changed_since_it_was_chosen_is_refused_with_nothing_touched)
{
	struct jota_target larger = part.target;
	struct jota_writer *w = NULL;

	larger.capacity_bytes += MIB;
	ck_assert_int_eq(jota_writer_open(&rec.io, &larger, MIB, &w, &err), -ESTALE);
	ck_assert_uint_eq(rec.count, 0);
	ck_assert(scratch_part_is_old(&part, 0, CAPACITY_BYTES));
}
END_TEST

START_TEST(old_first_block_is_gone_after_open_and_only_that)
{
	size_t len = image_sizes[_i];
	uint64_t first = len < MIB ? (len + 4095) / 4096 * 4096 : MIB;
	struct jota_writer *w = open_writer(len);

	ck_assert(scratch_part_is_zero(&part, 0, first));
	ck_assert(scratch_part_is_old(&part, first, CAPACITY_BYTES));
	jota_writer_free(w);
}
END_TEST

START_TEST(I3_nothing_but_zeros_is_written_before_the_erase_is_synced)
{
	size_t len = 3 * MIB + 17;
	uint8_t *image = make_image(len, 5);
	size_t synced_at = 0;

	write_image(image, len, 16384);
	while (synced_at < rec.count && !rec.op[synced_at].is_sync) {
		ck_assert(rec.op[synced_at].is_zero);
		ck_assert_uint_lt(rec.op[synced_at].offset_bytes, MIB);
		synced_at++;
	}
	ck_assert_uint_gt(synced_at, 0);
	ck_assert_uint_lt(synced_at, rec.count);
	free(image);
}
END_TEST

START_TEST(I4_first_block_is_written_after_the_body_is_synced_and_then_synced_itself)
{
	size_t len = 3 * MIB + 17, n;
	uint8_t *image = make_image(len, 6);

	write_image(image, len, 0);
	n = rec.count;
	/* erase, sync, three body blocks, sync, first block, sync */
	ck_assert_uint_eq(n, 8);
	ck_assert(rec.op[n - 1].is_sync);
	ck_assert_uint_eq(rec.op[n - 2].offset_bytes, 0);
	ck_assert(!rec.op[n - 2].is_sync && !rec.op[n - 2].is_zero);
	ck_assert(rec.op[n - 3].is_sync);
	for (size_t i = 2; i < n - 3; i++)
		ck_assert(!rec.op[i].is_sync && rec.op[i].offset_bytes >= MIB);
	free(image);
}
END_TEST

START_TEST(first_block_stays_zero_until_finish)
{
	uint8_t *image = make_image(CAPACITY_BYTES, 7);
	struct jota_writer *w = open_writer(CAPACITY_BYTES);

	push_in_pieces(w, image, CAPACITY_BYTES, 0);
	ck_assert(scratch_part_is_zero(&part, 0, MIB));
	(void)finish(w);
	jota_writer_free(w);
	assert_holds(image, CAPACITY_BYTES);
	free(image);
}
END_TEST

START_TEST(free_without_finish_leaves_the_first_block_zero)
{
	uint8_t *image = make_image(3 * MIB, 8);
	struct jota_writer *w = open_writer(3 * MIB);

	push(w, image, (size_t)_i * MIB);
	jota_writer_free(w);
	ck_assert(scratch_part_is_zero(&part, 0, MIB));
	free(image);
}
END_TEST

START_TEST(surplus_bytes_are_refused_and_every_later_call_says_the_same)
{
	uint8_t *image = make_image(2 * MIB, 9);
	struct jota_writer *w = open_writer(2 * MIB - 10);
	struct jota_write_report report;
	struct jota_err first;

	push(w, image, 2 * MIB - 20);
	ck_assert_int_eq(jota_writer_push(w, image, 13, &err), -EFBIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "2097142"));
	ck_assert_ptr_nonnull(strstr(err.msg, "at least 3 more"));
	first = err;
	ck_assert_int_eq(jota_writer_push(w, image, 10, &err), -EFBIG);
	ck_assert_str_eq(err.msg, first.msg);
	ck_assert_int_eq(jota_writer_finish(w, NULL, NULL, &report, &err), -EFBIG);
	ck_assert_str_eq(err.msg, first.msg);
	jota_writer_free(w);
	ck_assert(scratch_part_is_zero(&part, 0, MIB));
	free(image);
}
END_TEST

/* Calls on a writer of 2 MiB that got `pushed` bytes of a first part of 1 MiB. */
static const struct {
	size_t pushed;
	uint64_t part_bytes; /* of the second part; 0 with done: only the end of the first */
	bool done;
	int result;
	const char *words;
} part_calls[] = {
	{ MIB, 0, true, 0, "" },
	{ MIB, MIB, false, 0, "" },
	{ MIB - 1, 0, true, -ENODATA, "end at 1048576, but ended at 1048575" },
	{ MIB - 1, MIB, false, -ENODATA, "ended at 1048575" },
	{ MIB, MIB + 1, false, -EFBIG, "has 1048576 bytes left" },
	{ MIB, UINT64_MAX, false, -EFBIG, "has 1048576 bytes left" },
	{ MIB, 0, false, -EINVAL, "a part of 0 bytes" },
};

START_TEST(parts_are_taken_whole_or_not_at_all)
{
	uint8_t *image = make_image(2 * MIB, 9);
	struct jota_writer *w = open_writer(2 * MIB);
	int r;

	ck_assert_int_eq(jota_writer_part(w, MIB, &err), 0);
	push(w, image, part_calls[_i].pushed);
	r = part_calls[_i].done ? jota_writer_part_done(w, &err) :
				  jota_writer_part(w, part_calls[_i].part_bytes, &err);
	ck_assert_int_eq(r, part_calls[_i].result);
	ck_assert_msg(strstr(err.msg, part_calls[_i].words), "said: %s", err.msg);
	ck_assert_int_eq(jota_writer_push(w, image, 0, &err), part_calls[_i].result);
	jota_writer_free(w);
	ck_assert(scratch_part_is_zero(&part, 0, MIB));
	free(image);
}
END_TEST

START_TEST(surplus_bytes_of_a_part_are_refused_before_they_are_written)
{
	uint8_t *image = make_image(3 * MIB, 9);
	struct jota_writer *w = open_writer(3 * MIB);

	ck_assert_int_eq(jota_writer_part(w, MIB, &err), 0);
	ck_assert_int_eq(jota_writer_push(w, image, 3 * MIB, &err), -EFBIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "at least 2097152 bytes more"));
	jota_writer_free(w);
	ck_assert(scratch_part_is_zero(&part, 0, MIB));
	ck_assert(scratch_part_is_old(&part, MIB, CAPACITY_BYTES));
	free(image);
}
END_TEST

START_TEST(missing_bytes_are_refused_with_both_numbers)
{
	uint8_t *image = make_image(2 * MIB, 10);
	struct jota_writer *w = open_writer(2 * MIB);
	struct jota_write_report report;

	push(w, image, 2 * MIB - 1);
	ck_assert_int_eq(jota_writer_finish(w, NULL, NULL, &report, &err), -ENODATA);
	ck_assert_ptr_nonnull(strstr(err.msg, "2097152"));
	ck_assert_ptr_nonnull(strstr(err.msg, "2097151"));
	ck_assert_int_eq(jota_writer_push(w, image, 1, &err), -ENODATA);
	jota_writer_free(w);
	ck_assert(scratch_part_is_zero(&part, 0, MIB));
	free(image);
}
END_TEST

START_TEST(push_of_no_bytes_changes_nothing)
{
	uint8_t *image = make_image(MIB + 1, 11);
	struct jota_writer *w = open_writer(MIB + 1);

	push(w, image, 0);
	push(w, image, MIB + 1);
	push(w, image, 0);
	(void)finish(w);
	jota_writer_free(w);
	assert_holds(image, MIB + 1);
	free(image);
}
END_TEST

START_TEST(calls_after_finish_are_refused_and_leave_the_image_alone)
{
	uint8_t *image = make_image(MIB + 1, 12);
	struct jota_writer *w = open_writer(MIB + 1);
	struct jota_write_report report;

	push(w, image, MIB + 1);
	(void)finish(w);
	ck_assert_int_eq(jota_writer_push(w, image, 1, &err), -EPROTO);
	ck_assert_int_eq(jota_writer_finish(w, NULL, NULL, &report, &err), -EPROTO);
	jota_writer_free(w);
	assert_holds(image, MIB + 1);
	free(image);
}
END_TEST

struct progress {
	uint64_t done, total;
	unsigned calls;
};

static void note_progress(void *ctx, uint64_t done_bytes, uint64_t total_bytes)
{
	struct progress *p = ctx;

	ck_assert_uint_ge(done_bytes, p->done);
	ck_assert_uint_le(done_bytes, total_bytes);
	*p = (struct progress){ done_bytes, total_bytes, p->calls + 1 };
}

START_TEST(progress_grows_and_ends_with_everything)
{
	size_t len = 20 * MIB + 1;
	uint8_t *image = make_image(len, 13);
	struct progress progress = { 0 };
	struct jota_write_report report;
	struct jota_writer *w;

	start(32 * MIB);
	w = open_writer(len);
	push(w, image, len);
	ck_assert_int_eq(jota_writer_finish(w, note_progress, &progress, &report, &err), 0);
	ck_assert_uint_eq(progress.done, 20 * MIB + 4096);
	ck_assert_uint_eq(progress.total, progress.done);
	ck_assert_uint_ge(progress.calls, 3);
	jota_writer_free(w);
	scratch_part_remove(&part);
	free(image);
}
END_TEST

START_TEST(free_takes_null)
{
	jota_writer_free(NULL);
}
END_TEST

static Suite *writer_suite(void)
{
	Suite *s = suite_create("writer");
	TCase *tc = tcase_create("on a partition of 4 MiB"), *own = tcase_create("on others");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, image_of_any_size_in_pieces_of_any_size_is_written_and_padded, 0,
			    IMAGE_SIZES * PIECES);
	tcase_add_loop_test(tc, device_gets_whole_aligned_blocks_of_one_mib_whatever_the_pieces, 0,
			    PIECES);
	tcase_add_test(tc, image_one_byte_larger_than_the_partition_is_refused_with_nothing_touched);
	tcase_add_test(tc, image_without_bytes_is_refused_with_nothing_touched);
	tcase_add_test(tc, device_that_changed_since_it_was_chosen_is_refused_with_nothing_touched);
	tcase_add_loop_test(tc, old_first_block_is_gone_after_open_and_only_that, 0, IMAGE_SIZES);
	tcase_add_test(tc, I3_nothing_but_zeros_is_written_before_the_erase_is_synced);
	tcase_add_test(tc,
		       I4_first_block_is_written_after_the_body_is_synced_and_then_synced_itself);
	tcase_add_test(tc, first_block_stays_zero_until_finish);
	tcase_add_loop_test(tc, free_without_finish_leaves_the_first_block_zero, 0, 4);
	tcase_add_test(tc, surplus_bytes_are_refused_and_every_later_call_says_the_same);
	tcase_add_loop_test(tc, parts_are_taken_whole_or_not_at_all, 0,
			    (int)(sizeof(part_calls) / sizeof(part_calls[0])));
	tcase_add_test(tc, surplus_bytes_of_a_part_are_refused_before_they_are_written);
	tcase_add_test(tc, missing_bytes_are_refused_with_both_numbers);
	tcase_add_test(tc, push_of_no_bytes_changes_nothing);
	tcase_add_test(tc, calls_after_finish_are_refused_and_leave_the_image_alone);
	suite_add_tcase(s, tc);

	tcase_set_timeout(own, 60);
	tcase_add_loop_test(own, image_that_fills_a_partition_of_odd_size_is_written, 0, 7);
	tcase_add_test(own, padding_stops_at_the_end_of_a_partition_of_odd_size);
	tcase_add_test(own, progress_grows_and_ends_with_everything);
	tcase_add_test(own, free_takes_null);
	suite_add_tcase(s, own);
	return s;
}

int main(void)
{
	return run_suite(writer_suite());
}
