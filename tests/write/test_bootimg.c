/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "write/bootimg.h"

#include "base/bytes.h"
#include "base/err.h"
#include "support/bootimg_make.h"
#include "support/run.h"
#include "support/scratch_part.h"

#include <check.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SMALL ((struct bootimg_spec){ .kernel_bytes = 5000, .ramdisk_bytes = 3000 })

static struct jota_err err;
static struct jota_bootimg hdr;

static void setup(void)
{
	err = (struct jota_err){ 0 };
	memset(&hdr, 0, sizeof(hdr));
}

/* The prefix is a copy of just its size, so that a sanitizer sees every byte read beyond it. */
static int parse(const uint8_t *image, size_t have_bytes, uint64_t image_bytes)
{
	size_t len = have_bytes < JOTA_BOOTIMG_PREFIX_BYTES ? have_bytes :
							      JOTA_BOOTIMG_PREFIX_BYTES;
	uint8_t *prefix = malloc(len ? len : 1);
	int r;

	if (!prefix)
		ck_abort_msg("malloc");
	memcpy(prefix, image, len);
	r = jota_bootimg_parse(prefix, len, image_bytes, &hdr, &err);
	free(prefix);
	return r;
}

static uint8_t *grow(uint8_t *image, size_t len)
{
	uint8_t *larger = realloc(image, len);

	ck_assert_ptr_nonnull(larger);
	return larger;
}

static int check_id(const uint8_t *image, size_t len, size_t piece)
{
	struct jota_bootimg_check *c = NULL;
	int r = jota_bootimg_check_open(&hdr, &c, &err);

	if (r < 0)
		return r;
	for (size_t at = 0; at < len; at += piece)
		jota_bootimg_check_feed(c, image + at, len - at < piece ? len - at : piece);
	r = jota_bootimg_check_finish(c, &err);
	jota_bootimg_check_free(c);
	return r;
}

static const struct bootimg_spec good[] = {
	{ .kernel_bytes = 64 },
	{ .kernel_bytes = 2048, .ramdisk_bytes = 2048, .second_bytes = 2048 },
	{ .kernel_bytes = 70001, .ramdisk_bytes = 1, .second_bytes = 4097, .page_bytes = 4096 },
	{ .kernel_bytes = 20000, .ramdisk_bytes = 9, .page_bytes = 16384, .feed_dt = true },
	{ .kernel_bytes = 5000, .second_bytes = 10, .no_id = true },
	{ .version = 1, .kernel_bytes = 5000, .ramdisk_bytes = 3000 },
	{ .version = 1, .kernel_bytes = 5000, .recovery_dtbo_bytes = 3000, .page_bytes = 8192 },
	{ .version = 1, .kernel_bytes = 5000, .recovery_dtbo_bytes = 300, .feed_dt = true },
	{ .version = 2, .kernel_bytes = 5000, .ramdisk_bytes = 3000, .dtb_bytes = 1000 },
	{ .version = 2,
	  .kernel_bytes = 5000,
	  .ramdisk_bytes = 3000,
	  .second_bytes = 1,
	  .recovery_dtbo_bytes = 2,
	  .dtb_bytes = 1000,
	  .page_bytes = 4096,
	  .feed_dt = true },
};
#define GOOD ((int)(sizeof(good) / sizeof(good[0])))

START_TEST(image_of_version_0_to_2_is_accepted_with_its_id_in_pieces_of_any_size)
{
	static const size_t piece[] = { 1, 7, 2048, 16368, 1u << 20 };
	size_t len;
	uint8_t *image = bootimg_make(&good[_i], &len);

	ck_assert_msg(parse(image, len, len) == 0, "%s", err.msg);
	ck_assert_uint_eq(hdr.header_version, good[_i].version);
	ck_assert_uint_eq(hdr.total_bytes, len);
	ck_assert_uint_eq(hdr.kernel_size_bytes, good[_i].kernel_bytes);
	ck_assert_uint_eq(hdr.ramdisk_size_bytes, good[_i].ramdisk_bytes);
	ck_assert_uint_eq(hdr.second_size_bytes, good[_i].second_bytes);
	ck_assert_uint_eq(hdr.recovery_dtbo_size_bytes, good[_i].recovery_dtbo_bytes);
	ck_assert_uint_eq(hdr.dtb_size_bytes, good[_i].dtb_bytes);
	for (size_t i = 0; i < sizeof(piece) / sizeof(piece[0]); i++)
		ck_assert_msg(check_id(image, len, piece[i]) == 0, "%s", err.msg);
	free(image);
}
END_TEST

START_TEST(one_flipped_bit_in_any_part_or_in_the_id_is_found)
{
	const struct bootimg_spec spec = { .version = 2,
					   .kernel_bytes = 5000,
					   .ramdisk_bytes = 3000,
					   .second_bytes = 100,
					   .recovery_dtbo_bytes = 200,
					   .dtb_bytes = 300 };
	/* First and last byte of each part (pages of 2048), of the SHA-1 and of what follows it. */
	static const size_t at[] = { 2048,  7047,  8192,  11191, 12288, 12387, 14336,
				     14535, 16384, 16683, 576,	 595,	596,   607 };
	size_t len;
	uint8_t *image = bootimg_make(&spec, &len);

	image[at[_i]] ^= (uint8_t)(1 << (_i % 8));
	ck_assert_msg(parse(image, len, len) == 0, "%s", err.msg);
	ck_assert_int_eq(check_id(image, len, 4096), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.msg, "id"));
	free(image);
}
END_TEST

START_TEST(flipped_bit_in_the_padding_is_no_difference)
{
	size_t len;
	uint8_t *image = bootimg_make(&SMALL, &len);

	image[2048 + 5000] ^= 1;
	image[len - 1] ^= 1;
	ck_assert_int_eq(parse(image, len, len), 0);
	ck_assert_int_eq(check_id(image, len, 4096), 0);
	free(image);
}
END_TEST

START_TEST(image_that_ends_inside_a_part_is_found_even_without_an_id)
{
	struct bootimg_spec spec = SMALL;
	size_t len;
	uint8_t *image;

	spec.no_id = true;
	image = bootimg_make(&spec, &len);
	ck_assert_int_eq(parse(image, len, len), 0);
	ck_assert_int_eq(check_id(image, 8192 + 3000, 1000), 0);
	ck_assert_int_eq(check_id(image, 8192 + 2999, 1000), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.msg, "ramdisk"));
	ck_assert_int_eq(check_id(image, 100, 1000), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.msg, "kernel"));
	ck_assert_int_eq(check_id(image, 0, 1000), -EBADMSG);
	free(image);
}
END_TEST

START_TEST(bytes_behind_the_image_are_allowed_and_not_part_of_the_id)
{
	size_t len;
	uint8_t *image = bootimg_make(&SMALL, &len);

	image = grow(image, len + 4096);
	memset(image + len, 0x30, 4096);
	ck_assert_int_eq(parse(image, len + 4096, len + 4096), 0);
	ck_assert_uint_eq(hdr.total_bytes, len);
	ck_assert_int_eq(check_id(image, len + 4096, 3000), 0);
	free(image);
}
END_TEST

START_TEST(image_shorter_than_its_parts_is_refused)
{
	size_t len;
	uint8_t *image = bootimg_make(&SMALL, &len);

	ck_assert_int_eq(parse(image, len - 1, len - 1), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.msg, "ramdisk"));
	ck_assert_int_eq(parse(image, 4096, 4096), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.msg, "kernel"));
	for (size_t n = 0; n < len; n++)
		if (parse(image, n, n) != -EBADMSG)
			ck_abort_msg("%zu bytes are taken for an image", n);
	free(image);
}
END_TEST

START_TEST(prefix_shorter_than_promised_is_refused)
{
	size_t len;
	uint8_t *image = bootimg_make(&SMALL, &len);

	ck_assert_int_eq(parse(image, len - 1, len), -EINVAL);
	ck_assert_int_eq(parse(image, len, 1u << 20), -EINVAL);
	free(image);
}
END_TEST

/* A field of SMALL (or of the same as version 2) with a value, and what the refusal must name. */
static const struct {
	size_t at;
	uint32_t value;
	uint32_t version;
	int expected;
	const char *names;
} bad_fields[] = {
	{ 0, 0, 0, -EBADMSG, "ANDROID!" },
	{ 4, 0x3f44494f, 0, -EBADMSG, "ANDROID!" },
	{ 36, 0, 0, -EBADMSG, "page_size is 0," },
	{ 36, 1, 0, -EBADMSG, "page_size is 1," },
	{ 36, 1024, 0, -EBADMSG, "page_size is 1024," },
	{ 36, 3000, 0, -EBADMSG, "page_size is 3000," },
	{ 36, 32768, 0, -EBADMSG, "page_size is 32768," },
	{ 36, 0x80000000, 0, -EBADMSG, "page_size is 2147483648," },
	{ 36, 0xffffffff, 0, -EBADMSG, "page_size is 4294967295," },
	{ 40, 3, 0, -ENOTSUP, "header version 3," },
	{ 40, 4, 0, -ENOTSUP, "header version 4," },
	{ 40, 5, 0, -ENOTSUP, "header version 5," },
	{ 40, 0xffffffff, 0, -ENOTSUP, "version 0" },
	{ 8, 0, 0, -EBADMSG, "kernel_size is 0" },
	{ 8, 0xffffffff, 0, -EBADMSG, "kernel of 4294967295" },
	{ 16, 0xffffffff, 0, -EBADMSG, "ramdisk of 4294967295" },
	{ 24, 0xffffffff, 0, -EBADMSG, "second of 4294967295" },
	{ 1632, 0xffffffff, 2, -EBADMSG, "recovery_dtbo of 4294967295" },
	{ 1648, 0xffffffff, 2, -EBADMSG, "dtb of 4294967295" },
	{ 24, 1, 0, -EBADMSG, "second of 1 " },
	{ 1644, 1648, 2, -EBADMSG, "header_size is 1648, expected 1660" },
	{ 1644, 0, 1, -EBADMSG, "header_size is 0, expected 1648" },
	{ 2048 + 56, 0, 0, -EBADMSG, "no arm64 kernel" },
	{ 8, 59, 0, -EBADMSG, "no arm64 kernel" },
};
#define BAD_FIELDS ((int)(sizeof(bad_fields) / sizeof(bad_fields[0])))

START_TEST(bad_field_is_refused_by_name_with_what_was_found)
{
	struct bootimg_spec spec = SMALL;
	size_t len;
	uint8_t *image;

	spec.version = bad_fields[_i].version;
	image = bootimg_make(&spec, &len);
	put_le32(image + bad_fields[_i].at, bad_fields[_i].value);
	ck_assert_int_eq(parse(image, len, len), bad_fields[_i].expected);
	ck_assert_msg(strstr(err.msg, bad_fields[_i].names) != NULL, "%s", err.msg);
	free(image);
}
END_TEST

/* What follows a shorter header within its page means nothing. */
START_TEST(fields_of_later_header_versions_are_not_read)
{
	struct bootimg_spec spec = SMALL;
	size_t len;
	uint8_t *image;

	spec.version = (uint32_t)_i;
	image = bootimg_make(&spec, &len);
	memset(image + (_i == 0 ? 1632 : 1648), 0xff, 100);
	ck_assert_msg(parse(image, len, len) == 0, "%s", err.msg);
	ck_assert_uint_eq(hdr.recovery_dtbo_size_bytes, 0);
	ck_assert_uint_eq(hdr.dtb_size_bytes, 0);
	ck_assert_int_eq(check_id(image, len, 4096), 0);
	free(image);
}
END_TEST

START_TEST(all_sizes_at_their_largest_do_not_wrap_around)
{
	struct bootimg_spec spec = SMALL;
	static const size_t at[] = { 8, 16, 24, 1632, 1648 };
	const uint64_t padded = UINT64_C(1) << 32;
	size_t len;
	uint8_t *image;

	spec.version = 2;
	image = bootimg_make(&spec, &len);
	for (size_t i = 0; i < 5; i++)
		put_le32(image + at[i], 0xffffffff);
	image = grow(image, JOTA_BOOTIMG_PREFIX_BYTES);
	ck_assert_int_eq(parse(image, JOTA_BOOTIMG_PREFIX_BYTES, 5 * padded + 2047), -EBADMSG);
	ck_assert_int_eq(parse(image, JOTA_BOOTIMG_PREFIX_BYTES, 5 * padded + 2048), 0);
	ck_assert_uint_eq(hdr.total_bytes, 5 * padded + 2048);
	free(image);
}
END_TEST

START_TEST(compressed_kernel_is_accepted)
{
	static const uint8_t start[][4] = { { 0x1f, 0x8b, 8, 0 },
					    { 0x04, 0x22, 0x4d, 0x18 },
					    { 0x02, 0x21, 0x4c, 0x18 } };
	size_t len;
	uint8_t *image = bootimg_make(&SMALL, &len);

	memset(image + 2048 + 56, 0, 4);
	memcpy(image + 2048, start[_i], 4);
	ck_assert_int_eq(parse(image, len, len), 0);
	/* Nearly the same is nothing. */
	image[2048 + 1] ^= 1;
	ck_assert_int_eq(parse(image, len, len), -EBADMSG);
	free(image);
}
END_TEST

START_TEST(command_line_is_joined_from_both_fields)
{
	static const size_t lengths[] = { 0, 1, 511, 512, 513, 1535, 1536 };
	struct bootimg_spec spec = SMALL;
	char cmdline[1537];
	size_t len;
	uint8_t *image;

	memset(cmdline, 'x', sizeof(cmdline));
	cmdline[lengths[_i]] = '\0';
	spec.cmdline = cmdline;
	image = bootimg_make(&spec, &len);
	ck_assert_int_eq(parse(image, len, len), 0);
	ck_assert_str_eq(hdr.cmdline, cmdline);
	free(image);
}
END_TEST

/* Values that stand at the borders of what fields mean. */
static uint32_t odd_value(uint32_t *state)
{
	static const uint32_t odd[] = { 0,	    1,		2,	   3,	   4,
					2047,	    2048,	4096,	   16384,  16385,
					1648,	    1660,	0x7fff,	   0xffff, 0x7fffffff,
					0x80000000, 0xfffff800, 0xffffffff };

	return odd[next_random(state) % (sizeof(odd) / sizeof(odd[0]))];
}

static void mutate(uint8_t *image, size_t header_bytes, uint32_t *state)
{
	static const size_t fields[] = { 8, 16, 24, 36, 40, 1632, 1636, 1640, 1644, 1648 };
	uint32_t count = 1 + next_random(state) % 4;

	while (count-- > 0) {
		if (next_random(state) % 2)
			put_le32(image + fields[next_random(state) % 10], odd_value(state));
		else
			image[next_random(state) % header_bytes] = (uint8_t)next_random(state);
	}
}

START_TEST(mutated_headers_are_refused_or_describe_an_image_that_fits)
{
	uint32_t state = 20260101;
	unsigned accepted = 0, refused = 0;

	for (int round = 0; round < 10000; round++) {
		size_t len, cut;
		uint8_t *image = bootimg_make(&good[round % GOOD], &len);

		mutate(image, 2048 + 64, &state);
		cut = next_random(&state) % 8 == 0 ? next_random(&state) % len : len;
		if (parse(image, cut, cut) != 0) {
			refused++;
		} else {
			accepted++;
			if (hdr.total_bytes > cut || hdr.kernel_size_bytes == 0)
				ck_abort_msg("round %d: %" PRIu64 " of %zu bytes", round,
					     hdr.total_bytes, cut);
			(void)check_id(image, cut, 1 + next_random(&state) % 5000);
		}
		free(image);
	}
	ck_assert_uint_gt(accepted, 500);
	ck_assert_uint_gt(refused, 500);
}
END_TEST

static Suite *bootimg_suite(void)
{
	Suite *s = suite_create("bootimg");
	TCase *tc = tcase_create("images");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(
		tc, image_of_version_0_to_2_is_accepted_with_its_id_in_pieces_of_any_size, 0, GOOD);
	tcase_add_loop_test(tc, one_flipped_bit_in_any_part_or_in_the_id_is_found, 0, 14);
	tcase_add_test(tc, flipped_bit_in_the_padding_is_no_difference);
	tcase_add_test(tc, image_that_ends_inside_a_part_is_found_even_without_an_id);
	tcase_add_test(tc, bytes_behind_the_image_are_allowed_and_not_part_of_the_id);
	tcase_add_test(tc, image_shorter_than_its_parts_is_refused);
	tcase_add_test(tc, prefix_shorter_than_promised_is_refused);
	tcase_add_loop_test(tc, bad_field_is_refused_by_name_with_what_was_found, 0, BAD_FIELDS);
	tcase_add_loop_test(tc, fields_of_later_header_versions_are_not_read, 0, 2);
	tcase_add_test(tc, all_sizes_at_their_largest_do_not_wrap_around);
	tcase_add_loop_test(tc, compressed_kernel_is_accepted, 0, 3);
	tcase_add_loop_test(tc, command_line_is_joined_from_both_fields, 0, 7);
	tcase_add_test(tc, mutated_headers_are_refused_or_describe_an_image_that_fits);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return run_suite(bootimg_suite());
}
