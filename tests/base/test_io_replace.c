/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Files that are replaced as a whole. */
#include "base/io.h"

#include "base/err.h"
#include "support/recorder.h"
#include "support/run.h"
#include "support/scratch.h"

#include <errno.h>

static struct scratch scratch;

static void setup(void)
{
	scratch_make(&scratch);
}

static void teardown(void)
{
	scratch_drop(&scratch, "/d/f");
	scratch_remove(&scratch);
}

static void expect_file(const char *path, const char *want)
{
	char *text = NULL;

	ck_assert_int_eq(jota_io_read_file(&scratch.io, path, 100, &text, NULL, NULL), 0);
	ck_assert_str_eq(text, want);
	free(text);
}

/* Each write and sync before the rename fails once: the old file stays, and nothing lies beside it. */
START_TEST(replaced_file_is_the_old_one_or_the_new_one)
{
	struct recorder recorder;
	char fresh[PATH_MAX];

	scratch_path(&scratch, "/d/f.new", fresh);
	ck_assert_int_eq(jota_io_replace_file(&scratch.io, "/d/f", "old", 3, NULL), 0);
	expect_file("/d/f", "old");
	for (size_t i = 0; i < 2; i++) {
		struct jota_err err = { 0 };

		recorder_init(&recorder, scratch.root);
		recorder_fail(&recorder, i, 1, RECORDER_ERRNO, ENOSPC);
		ck_assert_int_eq(jota_io_replace_file(&recorder.io, "/d/f", "new", 3, &err),
				 -ENOSPC);
		ck_assert_ptr_nonnull(strstr(err.msg, "/d/f.new"));
		expect_file("/d/f", "old");
		ck_assert_int_lt(access(fresh, F_OK), 0);
	}
	recorder_init(&recorder, scratch.root);
	ck_assert_int_eq(jota_io_replace_file(&recorder.io, "/d/f", "new", 3, NULL), 0);
	expect_file("/d/f", "new");
	/* What is written, the file, its directory. */
	ck_assert_uint_eq(recorder.count, 3);
}
END_TEST

START_TEST(what_an_earlier_cut_left_is_replaced_and_not_followed)
{
	char fresh[PATH_MAX], victim[PATH_MAX];

	scratch_text(&scratch, "/d/victim", "theirs");
	scratch_path(&scratch, "/d/f.new", fresh);
	scratch_path(&scratch, "/d/victim", victim);
	ck_assert_int_eq(symlink(victim, fresh), 0);
	ck_assert_int_eq(jota_io_replace_file(&scratch.io, "/d/f", "ours", 4, NULL), 0);
	expect_file("/d/f", "ours");
	expect_file("/d/victim", "theirs");
	ck_assert_int_eq(unlink(victim), 0);
}
END_TEST

START_TEST(file_whose_place_cannot_be_made_is_not_replaced)
{
	struct jota_err err = { 0 };

	ck_assert_int_eq(jota_io_replace_file(&scratch.io, "/no/such/f", "x", 1, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "/no/such"));
	ck_assert_int_eq(jota_io_replace_file(&scratch.io, "relative", "x", 1, &err), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replaced files");
	TCase *tcase = tcase_create("replaced files");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, replaced_file_is_the_old_one_or_the_new_one);
	tcase_add_test(tcase, what_an_earlier_cut_left_is_replaced_and_not_followed);
	tcase_add_test(tcase, file_whose_place_cannot_be_made_is_not_replaced);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
