/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The digest by which an update server knows a file. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "support/run.h"
#include "swu/file_hash.h"

/* More than one chunk, and no multiple of it. */
#define MANY (300u * 1024u + 7u)

static FILE *file;

static void make_file(void)
{
	file = tmpfile();
	ck_assert_ptr_nonnull(file);
}

static void drop_file(void)
{
	(void)fclose(file);
}

static void put(const void *data, size_t len)
{
	ck_assert_uint_eq(fwrite(data, 1, len, file), len);
	ck_assert_int_eq(fflush(file), 0);
}

static void check_hash(uint64_t size, const char *want)
{
	uint8_t sha256[JOTA_FILE_SHA256_BYTES];
	char hex[2 * sizeof(sha256) + 1];
	struct jota_err err = { 0 };

	ck_assert_int_eq(jota_swu_file_hash(fileno(file), "f", size, NULL, sha256, &err), 0);
	for (size_t i = 0; i < sizeof(sha256); i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", sha256[i]);
	ck_assert_str_eq(hex, want);
}

/* Expected values: sha256sum. */
START_TEST(known_contents_have_their_known_digest)
{
	check_hash(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	put("abc", 3);
	check_hash(3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	check_hash(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
END_TEST

START_TEST(contents_of_several_chunks_are_hashed_whole)
{
	char *data = calloc(1, MANY);

	ck_assert_ptr_nonnull(data);
	memset(data, 'x', MANY);
	put(data, MANY);
	free(data);
	check_hash(MANY, "ba79853a1c2088f804ef61c05766f258332bcd669ef6dfb079048f3ecc06d5e5");
}
END_TEST

START_TEST(a_file_that_is_shorter_is_refused)
{
	uint8_t sha256[JOTA_FILE_SHA256_BYTES];
	struct jota_err err = { 0 };

	put("abc", 3);
	ck_assert_int_eq(jota_swu_file_hash(fileno(file), "f", 4, NULL, sha256, &err), -ENODATA);
	ck_assert_ptr_nonnull(strstr(err.msg, "'f'"));
}
END_TEST

START_TEST(an_interruption_ends_it)
{
	uint8_t sha256[JOTA_FILE_SHA256_BYTES];
	struct jota_err err = { 0 };
	atomic_bool cancel = true;

	put("abc", 3);
	ck_assert_int_eq(jota_swu_file_hash(fileno(file), "f", 3, &cancel, sha256, &err),
			 -ECANCELED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("swu/file_hash");
	TCase *hash = tcase_create("hash");

	tcase_add_checked_fixture(hash, make_file, drop_file);
	tcase_add_test(hash, known_contents_have_their_known_digest);
	tcase_add_test(hash, contents_of_several_chunks_are_hashed_whole);
	tcase_add_test(hash, a_file_that_is_shorter_is_refused);
	tcase_add_test(hash, an_interruption_ends_it);
	suite_add_tcase(suite, hash);
	return run_suite(suite);
}
