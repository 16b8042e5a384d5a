/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "base/err.h"

#include "support/run.h"

#include <errno.h>
#include <string.h>

START_TEST(fail_returns_negative_errno_and_appends_reason)
{
	struct jota_err err = { 0 };

	ck_assert_int_eq(jota_fail(&err, ENOENT, "open '%s'", "/x"), -ENOENT);
	ck_assert_int_eq(err.errnum, ENOENT);
	ck_assert_str_eq(err.msg, "open '/x': No such file or directory");
}
END_TEST

START_TEST(fail_leaves_a_whole_sentence_alone)
{
	struct jota_err err = { 0 };

	ck_assert_int_eq(jota_fail(&err, EPERM, "slot %s runs.", "A"), -EPERM);
	ck_assert_str_eq(err.msg, "slot A runs.");
}
END_TEST

START_TEST(fail_judges_the_format_not_the_text)
{
	struct jota_err err = { 0 };

	jota_fail(&err, EIO, "read %s", "file.");
	ck_assert_str_eq(err.msg, "read file.: Input/output error");
}
END_TEST

START_TEST(fail_works_without_an_error_object)
{
	ck_assert_int_eq(jota_fail(NULL, EIO, "nobody listens"), -EIO);
	ck_assert_int_lt(jota_wrap(NULL, "nobody listens"), 0);
}
END_TEST

START_TEST(fail_never_returns_success)
{
	struct jota_err err = { 0 };

	ck_assert_int_lt(jota_fail(&err, 0, "no errno"), 0);
	ck_assert_int_lt(jota_fail(NULL, 0, "no errno"), 0);
	ck_assert_int_gt(err.errnum, 0);
}
END_TEST

START_TEST(wrap_puts_prefix_before_and_keeps_errno)
{
	struct jota_err err = { 0 };

	jota_fail(&err, EBUSY, "lock '%s'", "/l");
	ck_assert_int_eq(jota_wrap(&err, "%s backend: ", "uboot"), -EBUSY);
	ck_assert_str_eq(err.msg, "uboot backend: lock '/l': Device or resource busy");
}
END_TEST

START_TEST(too_long_message_is_marked_as_cut)
{
	struct jota_err err = { 0 };
	char text[2 * JOTA_ERR_MSG_BYTES];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(jota_fail(&err, EIO, "%s", text), -EIO);
	ck_assert_uint_eq(strlen(err.msg), JOTA_ERR_MSG_BYTES - 1);
	ck_assert_str_eq(err.msg + JOTA_ERR_MSG_BYTES - 4, "...");

	jota_fail(&err, EIO, "%.*s", JOTA_ERR_MSG_BYTES - 3, text);
	ck_assert_str_eq(err.msg + JOTA_ERR_MSG_BYTES - 4, "...");
	jota_fail(&err, EIO, "short.");
	jota_wrap(&err, "%s", text);
	ck_assert_str_eq(err.msg + JOTA_ERR_MSG_BYTES - 4, "...");
}
END_TEST

START_TEST(control_characters_do_not_reach_the_terminal)
{
	struct jota_err err = { 0 };

	jota_fail(&err, EINVAL, "name '%s'.", "a\x1b[2J\nb\x7f");
	ck_assert_str_eq(err.msg, "name 'a?[2J?b?'.");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("err");
	TCase *tcase = tcase_create("err");

	tcase_add_test(tcase, fail_returns_negative_errno_and_appends_reason);
	tcase_add_test(tcase, fail_leaves_a_whole_sentence_alone);
	tcase_add_test(tcase, fail_judges_the_format_not_the_text);
	tcase_add_test(tcase, fail_works_without_an_error_object);
	tcase_add_test(tcase, fail_never_returns_success);
	tcase_add_test(tcase, wrap_puts_prefix_before_and_keeps_errno);
	tcase_add_test(tcase, too_long_message_is_marked_as_cut);
	tcase_add_test(tcase, control_characters_do_not_reach_the_terminal);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
