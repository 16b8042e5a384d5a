/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Reports as files: whole or absent, never half believed. */
#include "health/health_test.h"

#include "base/bytes.h"

#include <stdlib.h>

#define DIR "/data/swupdate-jetson"
#define FILE_PATH DIR "/health-postboot"

static struct jota_report wrote, got;

static void setup(void)
{
	health_setup();
	make_dir("/data", 0755);
	memset(&wrote, 0, sizeof(wrote));
	wrote.phase = JOTA_PHASE_POSTBOOT;
	wrote.time_s = 1767225600;
	wrote.duration_ms = 31022;
	(void)snprintf(wrote.slot, sizeof(wrote.slot), "B");
	(void)snprintf(wrote.boot_id, sizeof(wrote.boot_id), "11111111-2222-3333-4444-555555555555");
	(void)snprintf(wrote.action, sizeof(wrote.action), "rollback");
	wrote.count = JOTA_CHECKS_MAX;
	for (size_t i = 0; i < wrote.count; i++) {
		struct jota_result *r = &wrote.result[i];

		(void)snprintf(r->name, sizeof(r->name), "check-%zu", i);
		(void)snprintf(r->kind, sizeof(r->kind), "http");
		r->severity = i % 2 ? JOTA_WARNING : JOTA_CRITICAL;
		r->status = (enum jota_status)(i % JOTA_STATUS_COUNT);
		r->reason = (enum jota_reason)(i % JOTA_WHY_COUNT);
		r->attempts = (uint32_t)i;
		r->duration_ms = UINT32_MAX;
		memset(r->message, 'm', i % 2 ? sizeof(r->message) - 1 : 0);
	}
}

static int save(void)
{
	struct jota_err err = { 0 };
	int r = jota_report_save(&scratch.io, DIR, "postboot", &wrote, &err);

	ck_assert_msg(r == 0 || err.msg[0] != '\0', "no words");
	return r;
}

static int load(void)
{
	struct jota_err err = { 0 };
	int r = jota_report_load(&scratch.io, DIR, "postboot", &got, &err);

	ck_assert_msg(r != -EBADMSG || strstr(err.msg, "is damaged"), "%s", err.msg);
	return r;
}

START_TEST(what_was_saved_is_loaded)
{
	size_t before = open_files();

	ck_assert_int_eq(load(), -ENOENT);
	ck_assert_int_eq(save(), 0);
	ck_assert_int_eq(load(), 0);
	ck_assert_int_eq(memcmp(&wrote, &got, sizeof(got)), 0);
	wrote.count = 0;
	wrote.healthy = true;
	memset(wrote.result, 0, sizeof(wrote.result));
	ck_assert_int_eq(save(), 0);
	ck_assert_int_eq(load(), 0);
	ck_assert_int_eq(memcmp(&wrote, &got, sizeof(got)), 0);
	ck_assert_uint_eq(open_files(), before);
}
END_TEST

START_TEST(any_flipped_bit_and_any_cut_makes_it_absent)
{
	char *text = NULL;
	size_t bytes = 0;

	wrote.count = 3;
	ck_assert_int_eq(save(), 0);
	ck_assert_int_eq(jota_io_read_file(&scratch.io, FILE_PATH, 65536, &text, &bytes, NULL), 0);
	for (size_t i = 0; i < bytes; i++) {
		text[i] ^= 1;
		scratch_write(&scratch, FILE_PATH, text, bytes);
		text[i] ^= 1;
		ck_assert_msg(load() == -EBADMSG, "bit %zu of '%s'", i, text);
		scratch_write(&scratch, FILE_PATH, text, i);
		ck_assert_msg(load() == -EBADMSG, "cut at %zu", i);
	}
	free(text);
}
END_TEST

START_TEST(a_report_that_lies_about_itself_is_refused)
{
	static const char *const bodies[] = {
		"",
		"jetson-health 2\n",
		"jetson-health 1\nphase never\nslot B\nboot_id -\ntime 1\nduration_ms 1\nverdict healthy\naction -\n",
		"jetson-health 1\nphase postboot\nslot ABCDEFGHIJKL\nboot_id -\ntime 1\nduration_ms 1\nverdict healthy\naction -\n",
		"jetson-health 1\nphase postboot\nslot B\nboot_id -\ntime -1\nduration_ms 1\nverdict healthy\naction -\n",
		"jetson-health 1\nphase postboot\nslot B\nboot_id -\ntime 1\nduration_ms 1\nverdict fine\naction -\n",
		"jetson-health 1\nphase postboot\nslot B\nboot_id -\ntime 1\nduration_ms 1\nverdict healthy\naction -\ncheck\ta\tb\n",
		"jetson-health 1\nphase postboot\nslot B\nboot_id -\ntime 1\nduration_ms 1\nverdict healthy\naction -\ncheck\ta\tb\tcritical\tpass\tno-such-reason\t1\t1\tm\n",
	};
	char text[1024];

	make_dir(DIR, 0755);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		/* The CRC is right: what is wrong is what it says. */
		uint32_t crc = jota_crc32(bodies[i], strlen(bodies[i]));
		int n = snprintf(text, sizeof(text), "%scrc32 %08x\n", bodies[i], crc);

		scratch_write(&scratch, FILE_PATH, text, (size_t)n);
		ck_assert_msg(load() == -EBADMSG, "%s", bodies[i]);
	}
}
END_TEST

/* The seam's failing operations stand for a full or broken disk. */
static int fail_after;

static ssize_t failing_pwrite(void *ctx, int fd, const void *data, size_t len_bytes,
			      uint64_t offset_bytes)
{
	(void)ctx;
	if (fail_after-- <= 0) {
		errno = ENOSPC;
		return -1;
	}
	return pwrite(fd, data, len_bytes, (off_t)offset_bytes);
}

static int failing_fsync(void *ctx, int fd)
{
	(void)ctx;
	if (fail_after-- <= 0) {
		errno = EIO;
		return -1;
	}
	return fsync(fd);
}

START_TEST(a_failing_save_is_told_and_leaves_the_old_report)
{
	static const struct jota_io_ops failing = { .pwrite = failing_pwrite,
						    .fsync = failing_fsync };
	const struct jota_io_ops *good = scratch.io.ops;
	char full[PATH_MAX];
	int n;

	ck_assert_int_eq(save(), 0);
	scratch.io.ops = &failing;
	wrote.time_s++;
	for (n = 0; n < 10; n++) {
		fail_after = n;
		if (save() == 0)
			break;
		ck_assert_int_eq(load(), 0);
		/* After the rename only the directory's sync can fail. */
		ck_assert(got.time_s == wrote.time_s - (n < 2));
		scratch_path(&scratch, FILE_PATH ".new", full);
		ck_assert_int_eq(access(full, F_OK), -1);
	}
	ck_assert_int_eq(n, 3); /* write, sync of the file, sync of the directory */
	scratch.io.ops = good;
}
END_TEST

START_TEST(a_directory_that_cannot_be_made_is_told)
{
	struct jota_err err = { 0 };

	ck_assert_int_eq(jota_report_save(&scratch.io, "/no/such", "postboot", &wrote, &err),
			 -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "/no/such"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report");
	TCase *tcase = tcase_create("report");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, health_teardown);
	tcase_add_test(tcase, what_was_saved_is_loaded);
	tcase_add_test(tcase, any_flipped_bit_and_any_cut_makes_it_absent);
	tcase_add_test(tcase, a_report_that_lies_about_itself_is_refused);
	tcase_add_test(tcase, a_failing_save_is_told_and_leaves_the_old_report);
	tcase_add_test(tcase, a_directory_that_cannot_be_made_is_told);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
