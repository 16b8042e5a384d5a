/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "base/bytes.h"

#include "support/run.h"

START_TEST(little_endian_is_read_byte_by_byte)
{
	static const uint8_t bytes[] = { 0xff, 0x01, 0x02, 0x83, 0x04, 0x05, 0x06, 0x07, 0x88 };

	/* From an odd address, with the top bit set: neither alignment nor sign may matter. */
	ck_assert_uint_eq(get_le16(bytes + 2), 0x8302);
	ck_assert_uint_eq(get_le32(bytes + 1), 0x04830201u);
	ck_assert_uint_eq(get_le64(bytes + 1), 0x8807060504830201u);
}
END_TEST

START_TEST(put_is_read_back_by_get)
{
	uint8_t bytes[6] = { 0 };

	put_le32(bytes + 1, 0xfedcba98u);
	ck_assert_uint_eq(bytes[0], 0);
	ck_assert_uint_eq(bytes[1], 0x98);
	ck_assert_uint_eq(bytes[4], 0xfe);
	ck_assert_uint_eq(bytes[5], 0);
	ck_assert_uint_eq(get_le32(bytes + 1), 0xfedcba98u);
}
END_TEST

START_TEST(crc32_gives_the_published_check_value)
{
	ck_assert_uint_eq(jota_crc32("123456789", 9), 0xcbf43926u);
	ck_assert_uint_eq(jota_crc32("", 0), 0);
	ck_assert_uint_eq(jota_crc32(NULL, 0), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bytes");
	TCase *tcase = tcase_create("bytes");

	tcase_add_test(tcase, little_endian_is_read_byte_by_byte);
	tcase_add_test(tcase, put_is_read_back_by_get);
	tcase_add_test(tcase, crc32_gives_the_published_check_value);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
