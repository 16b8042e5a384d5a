/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/container.h"

#include "base/err.h"
#include "support/archive.h"
#include "support/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct archive archive;
static struct jota_swu_index index_read;
static struct jota_err err;

static void teardown(void)
{
	archive_done(&archive);
	jota_swu_index_done(&index_read);
	err = (struct jota_err){ 0 };
}

static int read_archive(void)
{
	int fd = archive_file(&archive);
	int rc = jota_swu_index_read(fd, "test.swu", &index_read, &err);

	ck_assert_int_eq(close(fd), 0);
	return rc;
}

static void refuses(const char *fragment)
{
	ck_assert_int_eq(read_archive(), -EBADMSG);
	ck_assert_msg(strstr(err.msg, fragment), "expected '%s' in: %s", fragment, err.msg);
	ck_assert_ptr_null(index_read.member);
}

static void begin(void)
{
	archive_member(&archive, JOTA_SWU_DESCRIPTION, "software = {};", 14);
}

START_TEST(members_are_found_with_offset_size_and_checksum)
{
	const struct jota_swu_member *m;

	begin();
	archive_member(&archive, "boot.img", "abcde", 5);
	archive_end(&archive);
	ck_assert_msg(read_archive() == 0, "%s", err.msg);
	ck_assert_uint_eq(index_read.count, 2);
	ck_assert_uint_eq(index_read.end_bytes, archive.len_bytes);
	m = jota_swu_index_find(&index_read, "boot.img");
	ck_assert_ptr_nonnull(m);
	ck_assert_uint_eq(m->size_bytes, 5);
	ck_assert(m->has_check);
	ck_assert_uint_eq(m->check, 'a' + 'b' + 'c' + 'd' + 'e');
	ck_assert_mem_eq(archive.data + m->data_offset_bytes, "abcde", 5);
	ck_assert_ptr_null(jota_swu_index_find(&index_read, "boot"));
}
END_TEST

START_TEST(zeros_of_a_block_may_follow_the_trailer)
{
	uint8_t zeros[512] = { 0 };

	begin();
	archive_end(&archive);
	archive_raw(&archive, zeros, sizeof(zeros));
	ck_assert_int_eq(read_archive(), 0);
	ck_assert_uint_eq(index_read.end_bytes, archive.len_bytes - sizeof(zeros));
}
END_TEST

START_TEST(newc_is_read_without_a_checksum)
{
	begin();
	memcpy(archive.data, "070701", 6);
	archive_end(&archive);
	ck_assert_int_eq(read_archive(), 0);
	ck_assert(!index_read.member[0].has_check);
}
END_TEST

START_TEST(trailing_data_is_refused)
{
	begin();
	archive_end(&archive);
	archive_raw(&archive, "\0\0x", 3);
	refuses("byte 0x78 behind the end");
}
END_TEST

START_TEST(a_long_tail_of_zeros_is_refused)
{
	uint8_t *zeros = calloc(1, JOTA_SWU_TAIL_MAX + 1);

	begin();
	archive_end(&archive);
	archive_raw(&archive, zeros, JOTA_SWU_TAIL_MAX + 1);
	free(zeros);
	refuses("bytes follow the end");
}
END_TEST

START_TEST(a_second_description_is_refused)
{
	begin();
	begin();
	archive_end(&archive);
	refuses("'sw-description' is there twice");
}
END_TEST

START_TEST(a_member_given_twice_is_refused)
{
	begin();
	archive_member(&archive, "a", "1", 1);
	archive_member(&archive, "a", "2", 1);
	archive_end(&archive);
	refuses("'a' is there twice");
}
END_TEST

START_TEST(another_first_member_is_refused)
{
	archive_member(&archive, "boot.img", "1", 1);
	archive_end(&archive);
	refuses("the first member is 'boot.img'");
}
END_TEST

START_TEST(an_empty_archive_and_an_empty_file_are_refused)
{
	refuses("the next header");
	archive_end(&archive);
	refuses("the archive is empty");
}
END_TEST

START_TEST(no_trailer_is_refused)
{
	begin();
	refuses("it was cut off");
}
END_TEST

START_TEST(a_trailer_with_content_is_refused)
{
	begin();
	archive_member(&archive, JOTA_SWU_TRAILER, "evil", 4);
	refuses("has content");
}
END_TEST

START_TEST(more_members_than_allowed_are_refused)
{
	char name[16];

	begin();
	for (int i = 1; i <= JOTA_SWU_MEMBERS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "m%d", i);
		archive_member(&archive, name, "", 0);
	}
	archive_end(&archive);
	refuses("more than 64 members");
}
END_TEST

static const char *const bad_names[] = {
	"../evil", "/etc/passwd", "a/b", "..", ".", "", "a\nb", "a\x7f", "\x1b[2J", "./boot.img",
};

START_TEST(test_cve_class_member_names_that_leave_the_folder)
{
	const char *name = bad_names[_i];

	begin();
	archive_member(&archive, name, "x", 1);
	archive_end(&archive);
	ck_assert_int_eq(read_archive(), -EBADMSG);
	ck_assert_int_eq(err.errnum, EBADMSG);
	ck_assert_int_eq(jota_swu_name_check(name, &err), -EINVAL);
}
END_TEST

START_TEST(test_cve_class_member_names_of_255_and_more)
{
	char name[600];

	memset(name, 'n', sizeof(name));
	name[254] = '\0';
	begin();
	archive_member(&archive, name, "x", 1);
	archive_end(&archive);
	ck_assert_msg(read_archive() == 0, "%s", err.msg);
	archive_done(&archive);
	jota_swu_index_done(&index_read);
	for (size_t len = 255; len < sizeof(name); len += 86) {
		memset(name, 'n', sizeof(name));
		name[len] = '\0';
		begin();
		archive_member(&archive, name, "x", 1);
		archive_end(&archive);
		refuses("gives its name");
		archive_done(&archive);
	}
}
END_TEST

START_TEST(test_cve_class_member_names_with_nul)
{
	begin();
	archive_lie(&archive, "boot\0img", 9, 9, 0, 0, "", 0);
	archive_end(&archive);
	refuses("does not end where its header says");
	archive_done(&archive);
	begin();
	archive_lie(&archive, "boot.img", 8, 8, 0, 0, "", 0);
	archive_end(&archive);
	refuses("does not end where its header says");
}
END_TEST

static const uint32_t name_sizes[] = { 0, 1, 256, 257, 0x7fffffff, 0x80000000, 0xffffffff };

START_TEST(test_cve_class_size_of_a_name)
{
	begin();
	archive_lie(&archive, "a", 2, name_sizes[_i], 0, 0, "", 0);
	archive_end(&archive);
	refuses("gives its name");
}
END_TEST

static const uint32_t sizes[] = { 2,	      0x7ffffffe, 0x7fffffff, 0x80000000,
				  0x80000001, 0xfffffffe, 0xffffffff };

START_TEST(test_cve_class_size_32_bit_that_leaves_the_file)
{
	begin();
	archive_lie(&archive, "boot.img", 9, 9, sizes[_i], 0, "", 0);
	refuses("the data");
}
END_TEST

/* Four members that lie across 2^32: nothing wraps around, the last one is found behind it. */
START_TEST(test_cve_class_offsets_above_4_gib)
{
	char path[] = "/tmp/jota-test-archive-XXXXXX";
	int fd = mkstemp(path);
	off_t at = 0;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(unlink(path), 0);
	begin();
	ck_assert_int_eq(pwrite(fd, archive.data, archive.len_bytes, at),
			 (ssize_t)archive.len_bytes);
	at += (off_t)archive.len_bytes;
	for (int i = 0; i < 2; i++) {
		char name[] = { 'm', (char)('0' + i), '\0' };

		archive_done(&archive);
		archive_lie(&archive, name, 3, 3, UINT32_MAX, 0, "", 0);
		ck_assert_int_eq(pwrite(fd, archive.data, archive.len_bytes, at),
				 (ssize_t)archive.len_bytes);
		at += (off_t)archive.len_bytes + (off_t)UINT32_MAX + 1;
	}
	archive_done(&archive);
	archive_member(&archive, "last", "end", 3);
	archive_end(&archive);
	ck_assert_int_eq(pwrite(fd, archive.data, archive.len_bytes, at),
			 (ssize_t)archive.len_bytes);
	ck_assert_msg(jota_swu_index_read(fd, "t", &index_read, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(index_read.count, 4);
	ck_assert_uint_gt(jota_swu_index_find(&index_read, "last")->data_offset_bytes,
			  UINT64_C(1) << 33);
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

static const char *const bad_digits[] = { "        ", "0000000g", "-0000001",
					  "0x000001", "+0000001", "00000\0001" };

START_TEST(test_cve_class_numbers_that_are_none)
{
	begin();
	archive_member(&archive, "a", "", 0);
	archive_end(&archive);
	/* filesize of the second member */
	memcpy(archive.data + 144 + 6 + 6 * 8, bad_digits[_i], 8);
	refuses("hexadecimal digits");
}
END_TEST

START_TEST(test_cve_class_every_byte_that_is_read_counts)
{
	static const struct {
		size_t from, to;
	} unread[] = {
		/* ino to mtime, and the device numbers: nobody reads them */
		{ 6, 6 + 6 * 8 },
		{ 6 + 7 * 8, 6 + 11 * 8 },
	};
	struct archive whole = { 0 };
	size_t refused = 0, checked = 0;

	archive_member(&whole, JOTA_SWU_DESCRIPTION, "softwar", 7);
	archive_end(&whole);
	for (size_t at = 0; at < whole.len_bytes; at++) {
		size_t in = at < 136 ? at : at - 136;
		bool data = at >= 128 && at < 135;
		bool skip = false;

		for (size_t i = 0; i < 2; i++)
			skip |= in >= unread[i].from && in < unread[i].to;
		if (skip || data || (in >= 102 && in < 110))
			continue;
		archive_done(&archive);
		archive_raw(&archive, whole.data, whole.len_bytes);
		archive.data[at] ^= 0x40;
		checked++;
		refused += read_archive() == -EBADMSG;
		jota_swu_index_done(&index_read);
	}
	archive_done(&whole);
	ck_assert_uint_gt(checked, 70);
	ck_assert_uint_eq(refused, checked);
}
END_TEST

START_TEST(the_writer_makes_what_the_reader_takes)
{
	const char *const names[] = { "sw-description", "a", "ab", "abc", "abcd" };
	uint8_t header[JOTA_SWU_HEADER_MAX];
	size_t len;

	for (size_t i = 0; i < 5; i++) {
		ck_assert_int_eq(
			jota_swu_header_encode(names[i], 3, 'x' * 3, 5, header, &len, &err), 0);
		archive_raw(&archive, header, len);
		archive_raw(&archive, "xxx\0", 3 + jota_swu_padding(3));
	}
	ck_assert_int_eq(jota_swu_header_encode(JOTA_SWU_TRAILER, 0, 0, 5, header, &len, &err), 0);
	archive_raw(&archive, header, len);
	ck_assert_msg(read_archive() == 0, "%s", err.msg);
	ck_assert_uint_eq(index_read.count, 5);
	for (size_t i = 0; i < 5; i++) {
		ck_assert_str_eq(index_read.member[i].name, names[i]);
		ck_assert_uint_eq(index_read.member[i].check, 'x' * 3);
		ck_assert_uint_eq(index_read.member[i].size_bytes, 3);
	}
}
END_TEST

START_TEST(the_writer_refuses_what_the_reader_would)
{
	uint8_t header[JOTA_SWU_HEADER_MAX];
	size_t len = 0;

	for (size_t i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++)
		ck_assert_int_eq(jota_swu_header_encode(bad_names[i], 0, 0, 0, header, &len, &err),
				 -EINVAL);
	ck_assert_int_eq(jota_swu_header_encode(JOTA_SWU_TRAILER, 1, 0, 0, header, &len, &err),
			 -EINVAL);
	ck_assert_int_eq(jota_swu_header_encode("a", UINT64_C(1) << 32, 0, 0, header, &len, &err),
			 -EFBIG);
	ck_assert_int_eq(jota_swu_header_encode("a", UINT32_MAX, 0, 0, header, &len, &err), 0);
}
END_TEST

START_TEST(the_checksum_is_a_sum_modulo_2_to_32)
{
	uint8_t all[4] = { 255, 255, 1, 0 };

	ck_assert_uint_eq(jota_swu_check_add(0, all, 4), 511);
	ck_assert_uint_eq(jota_swu_check_add(UINT32_MAX, all, 4), 510);
	ck_assert_uint_eq(jota_swu_check_add(jota_swu_check_add(0, all, 1), all + 1, 3), 511);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("swu/container");
	TCase *tc = tcase_create("container");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, members_are_found_with_offset_size_and_checksum);
	tcase_add_test(tc, zeros_of_a_block_may_follow_the_trailer);
	tcase_add_test(tc, newc_is_read_without_a_checksum);
	tcase_add_test(tc, trailing_data_is_refused);
	tcase_add_test(tc, a_long_tail_of_zeros_is_refused);
	tcase_add_test(tc, a_second_description_is_refused);
	tcase_add_test(tc, a_member_given_twice_is_refused);
	tcase_add_test(tc, another_first_member_is_refused);
	tcase_add_test(tc, an_empty_archive_and_an_empty_file_are_refused);
	tcase_add_test(tc, no_trailer_is_refused);
	tcase_add_test(tc, a_trailer_with_content_is_refused);
	tcase_add_test(tc, more_members_than_allowed_are_refused);
	tcase_add_loop_test(tc, test_cve_class_member_names_that_leave_the_folder, 0,
			    COUNT(bad_names));
	tcase_add_test(tc, test_cve_class_member_names_of_255_and_more);
	tcase_add_test(tc, test_cve_class_member_names_with_nul);
	tcase_add_loop_test(tc, test_cve_class_size_of_a_name, 0, COUNT(name_sizes));
	tcase_add_loop_test(tc, test_cve_class_size_32_bit_that_leaves_the_file, 0, COUNT(sizes));
	tcase_add_test(tc, test_cve_class_offsets_above_4_gib);
	tcase_add_loop_test(tc, test_cve_class_numbers_that_are_none, 0, COUNT(bad_digits));
	tcase_add_test(tc, test_cve_class_every_byte_that_is_read_counts);
	tcase_add_test(tc, the_writer_makes_what_the_reader_takes);
	tcase_add_test(tc, the_writer_refuses_what_the_reader_would);
	tcase_add_test(tc, the_checksum_is_a_sum_modulo_2_to_32);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
