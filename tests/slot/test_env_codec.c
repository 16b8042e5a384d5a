/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/env_codec.h"

#include "base/bytes.h"
#include "base/err.h"
#include "support/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COPY_BYTES 64u

/* A valid copy around `len` bytes of data, the rest zero. */
static void make_copy(uint8_t copy[COPY_BYTES], uint8_t flags, const char *data, size_t len)
{
	ck_assert_uint_le(len, COPY_BYTES - JOTA_ENV_HEADER_BYTES);
	memset(copy, 0, COPY_BYTES);
	copy[4] = flags;
	memcpy(copy + JOTA_ENV_HEADER_BYTES, data, len);
	put_le32(copy, jota_crc32(copy + JOTA_ENV_HEADER_BYTES, COPY_BYTES - JOTA_ENV_HEADER_BYTES));
}

/* The terminating \0 of a literal is one of its bytes. */
#define DATA(literal) literal, sizeof(literal)

START_TEST(copy_is_valid_by_its_crc_alone)
{
	uint8_t copy[COPY_BYTES];

	make_copy(copy, 7, DATA("a=b\0"));
	ck_assert(jota_env_copy_valid(copy, COPY_BYTES));
	copy[4] = 8;
	ck_assert_msg(jota_env_copy_valid(copy, COPY_BYTES), "the flags byte is not covered");
}
END_TEST

START_TEST(every_flipped_byte_but_the_flags_makes_a_copy_invalid)
{
	uint8_t copy[COPY_BYTES];

	make_copy(copy, 7, DATA("a=b\0"));
	for (size_t i = 0; i < COPY_BYTES; i++) {
		copy[i] ^= 0x40;
		ck_assert_int_eq(jota_env_copy_valid(copy, COPY_BYTES), i == 4);
		copy[i] ^= 0x40;
	}
}
END_TEST

START_TEST(crc_covers_the_whole_copy)
{
	uint8_t copy[COPY_BYTES];

	make_copy(copy, 7, DATA("a=b\0"));
	ck_assert(!jota_env_copy_valid(copy, COPY_BYTES - 1));
	for (size_t len = 0; len < JOTA_ENV_HEADER_BYTES + 2; len++)
		ck_assert(!jota_env_copy_valid(copy, len));
}
END_TEST

START_TEST(erased_copies_are_not_valid)
{
	uint8_t copy[COPY_BYTES];

	memset(copy, 0xff, sizeof(copy));
	ck_assert(!jota_env_copy_valid(copy, COPY_BYTES));
	memset(copy, 0, sizeof(copy));
	ck_assert(!jota_env_copy_valid(copy, COPY_BYTES));
}
END_TEST

static const struct {
	bool valid0;
	uint8_t flags0;
	bool valid1;
	uint8_t flags1;
	int want;
} choices[] = {
	{ false, 9, false, 8, -ENODATA }, { true, 1, false, 200, 0 }, { false, 200, true, 1, 1 },
	{ true, 1, true, 2, 1 },	  { true, 2, true, 1, 0 },    { true, 5, true, 5, 0 },
	{ true, 255, true, 0, 1 },	  { true, 0, true, 255, 0 },  { true, 255, true, 254, 0 },
	{ true, 254, true, 255, 1 },	  { true, 255, true, 1, 0 }, /* no wrap: over one step */
	{ true, 1, true, 255, 1 },	  { true, 254, true, 0, 0 },  { false, 255, true, 0, 1 },
	{ true, 255, false, 0, 0 },
};

START_TEST(newer_valid_copy_is_chosen_as_firmware_does)
{
	ck_assert_int_eq(jota_env_choose(choices[_i].valid0, choices[_i].flags0, choices[_i].valid1,
					 choices[_i].flags1),
			 choices[_i].want);
}
END_TEST

START_TEST(variables_are_decoded_in_their_order)
{
	struct jota_env env = { 0 };
	uint8_t copy[COPY_BYTES];

	make_copy(copy, 1, DATA("b=1\0a=x=y\0empty=\0"));
	ck_assert_int_eq(jota_env_decode(copy, COPY_BYTES, &env, NULL), 0);
	ck_assert_uint_eq(env.count, 3);
	ck_assert_str_eq(env.var[0].name, "b");
	ck_assert_str_eq(env.var[0].value, "1");
	ck_assert_str_eq(env.var[1].name, "a");
	ck_assert_str_eq(env.var[1].value, "x=y");
	ck_assert_str_eq(jota_env_get(&env, "empty"), "");
	ck_assert_ptr_null(jota_env_get(&env, "none"));
	ck_assert_ptr_null(jota_env_get(&env, "emp"));
	jota_env_done(&env);
	ck_assert_uint_eq(env.count, 0);
	jota_env_done(&env);
}
END_TEST

START_TEST(environment_without_variables_is_decoded)
{
	struct jota_env env = { 0 };
	uint8_t copy[COPY_BYTES];

	make_copy(copy, 1, DATA(""));
	ck_assert_int_eq(jota_env_decode(copy, COPY_BYTES, &env, NULL), 0);
	ck_assert_uint_eq(env.count, 0);
	ck_assert_ptr_null(jota_env_get(&env, "a"));
	jota_env_done(&env);
}
END_TEST

START_TEST(padding_after_the_terminator_is_ignored)
{
	struct jota_env env = { 0 };
	uint8_t copy[COPY_BYTES];

	make_copy(copy, 1, DATA("a=1\0\0rubbish without sign\0=\0a=2\0"));
	ck_assert_int_eq(jota_env_decode(copy, COPY_BYTES, &env, NULL), 0);
	ck_assert_uint_eq(env.count, 1);
	jota_env_done(&env);
}
END_TEST

#define HOSTILE(literal, text)                                                                     \
	{                                                                                          \
		literal, sizeof(literal), text                                                     \
	}

static const struct {
	const char *data;
	size_t len;
	const char *says;
} hostile[] = {
	HOSTILE("a=1\0novalue\0b=2\0", "'novalue' at offset 9 has no '='"),
	HOSTILE("=1\0", "has no name"),
	HOSTILE("a=1\0=\0", "has no name"),
	HOSTILE("a=1\0b=2\0a=3\0", "'a' stands twice"),
	HOSTILE("a=1\0a=1\0", "'a' stands twice"),
};

START_TEST(hostile_entry_is_refused_and_named)
{
	struct jota_env env = { 0 };
	struct jota_err err = { 0 };
	uint8_t copy[COPY_BYTES];

	make_copy(copy, 1, hostile[_i].data, hostile[_i].len);
	ck_assert_int_eq(jota_env_decode(copy, COPY_BYTES, &env, &err), -EBADMSG);
	ck_assert_msg(strstr(err.msg, hostile[_i].says) != NULL, "said: %s", err.msg);
	ck_assert_ptr_null(env.var);
}
END_TEST

START_TEST(entries_up_to_the_last_byte_have_no_terminator)
{
	/* On the heap, so that a sanitizer sees a read past the end. */
	uint8_t *copy = malloc(COPY_BYTES);
	struct jota_env env = { 0 };
	struct jota_err err = { 0 };

	memset(copy, 'x', COPY_BYTES);
	copy[JOTA_ENV_HEADER_BYTES + 1] = '=';
	ck_assert_int_eq(jota_env_decode(copy, COPY_BYTES, &env, &err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.msg, "no terminator"));
	copy[COPY_BYTES - 1] = '\0';
	ck_assert_int_eq(jota_env_decode(copy, COPY_BYTES, &env, &err), -EBADMSG);
	copy[COPY_BYTES - 2] = '\0';
	ck_assert_int_eq(jota_env_decode(copy, COPY_BYTES, &env, &err), 0);
	jota_env_done(&env);
	memset(copy, 0xff, COPY_BYTES);
	ck_assert_int_eq(jota_env_decode(copy, COPY_BYTES, &env, &err), -EBADMSG);
	ck_assert_int_eq(jota_env_decode(copy, JOTA_ENV_HEADER_BYTES + 1, &env, &err), -EBADMSG);
	free(copy);
}
END_TEST

START_TEST(tens_of_thousands_of_names_take_no_time)
{
	const size_t len = 0x20000;
	uint8_t *copy = calloc(1, len);
	struct jota_env env = { 0 };
	size_t at = JOTA_ENV_HEADER_BYTES;
	unsigned count = 0;

	for (; at + 16 < len; count++)
		at += (size_t)snprintf((char *)copy + at, 16, "%x=", count) + 1;
	ck_assert_uint_gt(count, 15000);
	ck_assert_int_eq(jota_env_decode(copy, len, &env, NULL), 0);
	ck_assert_uint_eq(env.count, count);
	jota_env_done(&env);
	free(copy);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
	Suite *suite = suite_create("env codec");
	TCase *tcase = tcase_create("env codec");

	tcase_add_test(tcase, copy_is_valid_by_its_crc_alone);
	tcase_add_test(tcase, every_flipped_byte_but_the_flags_makes_a_copy_invalid);
	tcase_add_test(tcase, crc_covers_the_whole_copy);
	tcase_add_test(tcase, erased_copies_are_not_valid);
	tcase_add_loop_test(tcase, newer_valid_copy_is_chosen_as_firmware_does, 0, COUNT(choices));
	tcase_add_test(tcase, variables_are_decoded_in_their_order);
	tcase_add_test(tcase, environment_without_variables_is_decoded);
	tcase_add_test(tcase, padding_after_the_terminator_is_ignored);
	tcase_add_loop_test(tcase, hostile_entry_is_refused_and_named, 0, COUNT(hostile));
	tcase_add_test(tcase, entries_up_to_the_last_byte_have_no_terminator);
	tcase_add_test(tcase, tens_of_thousands_of_names_take_no_time);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
