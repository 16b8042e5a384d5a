/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "base/number.h"

#include "base/err.h"
#include "support/run.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *text;
	uint64_t value;
} numbers[] = {
	{ "0", 0 },
	{ "3", 3 },
	{ "010", 10 },
	{ "0x20000", 0x20000 },
	{ "0XfF", 255 },
	{ "18446744073709551615", UINT64_MAX },
	{ "0xffffffffffffffff", UINT64_MAX },
};

static const char *const not_numbers[] = {
	"",    "0x",  "-1",  "+1",    " 1", "1 ",   "1k",   "0x1g",
	"1\n", "1.0", "abc", "0b101", "--", "0x-1", "0x 1", "99999999999999999999999x",
};

static const char *const too_large[] = {
	"18446744073709551616",
	"99999999999999999999999999",
	"0x10000000000000000",
};

START_TEST(number_is_read_whole)
{
	uint64_t value = 7;

	ck_assert_int_eq(jota_parse_u64("n", numbers[_i].text, 0, UINT64_MAX, &value, NULL), 0);
	ck_assert_uint_eq(value, numbers[_i].value);
}
END_TEST

START_TEST(what_is_no_number_is_refused)
{
	struct jota_err err = { 0 };
	uint64_t value = 7;

	ck_assert_int_eq(jota_parse_u64("n", not_numbers[_i], 0, UINT64_MAX, &value, &err), -EINVAL);
	ck_assert_uint_eq(value, 7);
	ck_assert_int_eq(err.errnum, EINVAL);
}
END_TEST

START_TEST(what_64_bits_do_not_hold_is_out_of_range)
{
	uint64_t value = 7;

	ck_assert_int_eq(jota_parse_u64("n", too_large[_i], 0, UINT64_MAX, &value, NULL), -ERANGE);
	ck_assert_uint_eq(value, 7);
}
END_TEST

START_TEST(range_includes_its_ends)
{
	uint64_t value;

	ck_assert_int_eq(jota_parse_u64("n", "1", 1, 10, &value, NULL), 0);
	ck_assert_int_eq(jota_parse_u64("n", "10", 1, 10, &value, NULL), 0);
	ck_assert_int_eq(jota_parse_u64("n", "0", 1, 10, &value, NULL), -ERANGE);
	ck_assert_int_eq(jota_parse_u64("n", "11", 1, 10, &value, NULL), -ERANGE);
}
END_TEST

START_TEST(message_quotes_text_and_range)
{
	struct jota_err err = { 0 };
	uint64_t value;

	jota_parse_u64("bootlimit", "seven", 1, 10, &value, &err);
	ck_assert_str_eq(err.msg, "bootlimit is 'seven', which is not a number: expected 1 to 10.");
	jota_parse_u64("bootlimit", "70", 1, 10, &value, &err);
	ck_assert_str_eq(err.msg, "bootlimit is '70', which is out of range: expected 1 to 10.");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
	Suite *suite = suite_create("number");
	TCase *tcase = tcase_create("number");

	tcase_add_loop_test(tcase, number_is_read_whole, 0, COUNT(numbers));
	tcase_add_loop_test(tcase, what_is_no_number_is_refused, 0, COUNT(not_numbers));
	tcase_add_loop_test(tcase, what_64_bits_do_not_hold_is_out_of_range, 0, COUNT(too_large));
	tcase_add_test(tcase, range_includes_its_ends);
	tcase_add_test(tcase, message_quotes_text_and_range);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
