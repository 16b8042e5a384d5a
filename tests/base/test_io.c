/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "base/io.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "support/run.h"
#include "support/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>

static struct scratch scratch;

static void setup(void)
{
	scratch_make(&scratch);
}

static void teardown(void)
{
	scratch_drop(&scratch, "/d/f");
	scratch_drop(&scratch, "/run/lock");
	scratch_remove(&scratch);
}

START_TEST(prefix_comes_from_argument_then_environment_then_root)
{
	struct jota_io io;

	ck_assert_int_eq(setenv("JOTA_ROOT", "/from/environment", 1), 0);
	ck_assert_int_eq(jota_io_init(&io, "/from/argument", NULL), 0);
	ck_assert_str_eq(io.root, "/from/argument");
	ck_assert_int_eq(jota_io_init(&io, NULL, NULL), 0);
	ck_assert_str_eq(io.root, "/from/environment");
	ck_assert(!jota_io_is_real_root(&io));
	ck_assert_int_eq(unsetenv("JOTA_ROOT"), 0);
	ck_assert_int_eq(jota_io_init(&io, NULL, NULL), 0);
	ck_assert_str_eq(io.root, "/");
	ck_assert(jota_io_is_real_root(&io));
}
END_TEST

START_TEST(prefix_loses_trailing_slashes)
{
	struct jota_io io;

	ck_assert_int_eq(jota_io_init(&io, "/a/b///", NULL), 0);
	ck_assert_str_eq(io.root, "/a/b");
	ck_assert_int_eq(jota_io_init(&io, "///", NULL), 0);
	ck_assert(jota_io_is_real_root(&io));
}
END_TEST

START_TEST(relative_or_endless_prefix_is_refused)
{
	struct jota_err err = { 0 };
	char text[400] = "/";
	struct jota_io io;

	ck_assert_int_eq(jota_io_init(&io, "tree", &err), -EINVAL);
	ck_assert_str_eq(err.msg, "root prefix 'tree' is relative: give an absolute directory.");
	memset(text + 1, 'x', sizeof(text) - 2);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(jota_io_init(&io, text, &err), -ENAMETOOLONG);
}
END_TEST

START_TEST(prefix_of_the_environment_is_refused_by_the_variables_name)
{
	struct jota_err err = { 0 };
	struct jota_io io;

	ck_assert_int_eq(setenv("JOTA_ROOT", "tree", 1), 0);
	ck_assert_int_eq(jota_io_init(&io, NULL, &err), -EINVAL);
	ck_assert_int_eq(unsetenv("JOTA_ROOT"), 0);
	ck_assert_msg(strstr(err.msg, "'tree' (variable JOTA_ROOT) is relative") != NULL,
		      "said: %s", err.msg);
}
END_TEST

START_TEST(path_is_put_below_the_prefix)
{
	struct jota_io io;
	char path[32];

	ck_assert_int_eq(jota_io_init(&io, "/t", NULL), 0);
	ck_assert_int_eq(jota_io_path(&io, "/dev/..x/a..", path, sizeof(path), NULL), 0);
	ck_assert_str_eq(path, "/t/dev/..x/a..");
	ck_assert_int_eq(jota_io_init(&io, "/", NULL), 0);
	ck_assert_int_eq(jota_io_path(&io, "/dev/x", path, sizeof(path), NULL), 0);
	ck_assert_str_eq(path, "/dev/x");
	ck_assert_int_eq(jota_io_path(&io, "/dev/xyz", path, 8, NULL), -ENAMETOOLONG);
}
END_TEST

START_TEST(path_never_leaves_the_prefix)
{
	static const char *const paths[] = { "", "dev", "/..", "/../x", "/a/../b", "/a/.." };
	struct jota_err err = { 0 };
	struct jota_io io;
	char path[64];

	ck_assert_int_eq(jota_io_init(&io, "/t", NULL), 0);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		ck_assert_int_eq(jota_io_path(&io, paths[i], path, sizeof(path), &err), -EINVAL);
}
END_TEST

START_TEST(open_sets_close_on_exec_and_names_the_file)
{
	struct jota_err err = { 0 };
	CLEANUP_FD int fd = -1;

	scratch_text(&scratch, "/d/f", "x");
	fd = jota_io_open(&scratch.io, "/d/f", O_RDONLY, 0, &err);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(jota_io_open(&scratch.io, "/d/none", O_RDONLY, 0, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "/d/none"));
}
END_TEST

START_TEST(file_is_read_whole_up_to_the_limit)
{
	static char data[20000];
	struct jota_err err = { 0 };
	size_t sizes[] = { 0, 1, 4095, 4096, 4097, sizeof(data) };

	memset(data, 'q', sizeof(data));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		CLEANUP_FREE char *text = NULL;
		size_t len = 1;

		scratch_write(&scratch, "/d/f", data, sizes[i]);
		ck_assert_int_eq(
			jota_io_read_file(&scratch.io, "/d/f", sizes[i], &text, &len, &err), 0);
		ck_assert_uint_eq(len, sizes[i]);
		ck_assert_uint_eq(strlen(text), sizes[i]);
	}
}
END_TEST

START_TEST(file_over_the_limit_is_refused)
{
	struct jota_err err = { 0 };
	char *text = NULL;

	scratch_text(&scratch, "/d/f", "12345");
	ck_assert_int_eq(jota_io_read_file(&scratch.io, "/d/f", 4, &text, NULL, &err), -EFBIG);
	ck_assert_ptr_null(text);
}
END_TEST

START_TEST(file_of_unknown_size_is_read)
{
	struct jota_io io;
	CLEANUP_FREE char *text = NULL;

	ck_assert_int_eq(jota_io_init(&io, "/", NULL), 0);
	ck_assert_int_eq(jota_io_read_file(&io, "/proc/self/status", 65536, &text, NULL, NULL), 0);
	ck_assert_ptr_nonnull(strstr(text, "Pid:"));
}
END_TEST

START_TEST(short_file_ends_a_read_with_no_data)
{
	struct jota_err err = { 0 };
	CLEANUP_FD int fd = -1;
	char data[8];

	scratch_text(&scratch, "/d/f", "12345");
	fd = jota_io_open(&scratch.io, "/d/f", O_RDONLY, 0, &err);
	ck_assert_int_eq(jota_io_pread_all(fd, data, 4, 1, "f", &err), 0);
	ck_assert_int_eq(memcmp(data, "2345", 4), 0);
	ck_assert_int_eq(jota_io_pread_all(fd, data, 5, 1, "f", &err), -ENODATA);
	ck_assert_ptr_nonnull(strstr(err.msg, "'f' ends at 5"));
	ck_assert_int_eq(jota_io_pread_all(fd, data, 1, UINT64_MAX, "f", &err), -EOVERFLOW);
}
END_TEST

/* A device with moods: takes 3 bytes at a time, is interrupted now and then, may refuse. */
struct moody {
	unsigned calls;
	unsigned interrupts;
	bool takes_nothing;
	int sync_errno;
};

static ssize_t moody_pwrite(void *ctx, int fd, const void *data, size_t len_bytes,
			    uint64_t offset_bytes)
{
	struct moody *moody = ctx;

	moody->calls++;
	if (moody->takes_nothing)
		return 0;
	if (moody->calls % 2 == 0) {
		moody->interrupts++;
		errno = EINTR;
		return -1;
	}
	return pwrite(fd, data, len_bytes < 3 ? len_bytes : 3, (off_t)offset_bytes);
}

static int moody_fsync(void *ctx, int fd)
{
	struct moody *moody = ctx;

	(void)fd;
	if (moody->calls++ == 0) {
		errno = EINTR;
		return -1;
	}
	if (!moody->sync_errno)
		return 0;
	errno = moody->sync_errno;
	return -1;
}

static const struct jota_io_ops moody_ops = { .pwrite = moody_pwrite, .fsync = moody_fsync };

START_TEST(short_and_interrupted_writes_go_on)
{
	struct moody moody = { 0 };
	CLEANUP_FD int fd = -1;
	CLEANUP_FREE char *text = NULL;

	scratch_text(&scratch, "/d/f", "--");
	scratch.io.ops = &moody_ops;
	scratch.io.ctx = &moody;
	fd = jota_io_open(&scratch.io, "/d/f", O_WRONLY, 0, NULL);
	ck_assert_int_eq(jota_io_pwrite_all(&scratch.io, fd, "0123456789", 10, 2, "f", NULL), 0);
	ck_assert_uint_gt(moody.interrupts, 0);
	ck_assert_int_eq(jota_io_read_file(&scratch.io, "/d/f", 100, &text, NULL, NULL), 0);
	ck_assert_str_eq(text, "--0123456789");
}
END_TEST

START_TEST(write_of_no_byte_is_an_error)
{
	struct moody moody = { .takes_nothing = true };
	struct jota_err err = { 0 };

	scratch.io.ops = &moody_ops;
	scratch.io.ctx = &moody;
	ck_assert_int_eq(jota_io_pwrite_all(&scratch.io, 0, "x", 1, 0, "f", &err), -EIO);
	ck_assert_uint_eq(moody.calls, 1);
}
END_TEST

START_TEST(write_past_the_end_of_offsets_is_refused)
{
	struct jota_err err = { 0 };

	ck_assert_int_eq(jota_io_pwrite_all(&scratch.io, 0, "x", 1, INT64_MAX, "f", &err),
			 -EOVERFLOW);
	ck_assert_int_eq(jota_io_pwrite_all(&scratch.io, 0, "x", 1, UINT64_MAX, "f", &err),
			 -EOVERFLOW);
}
END_TEST

START_TEST(sync_error_is_reported)
{
	struct moody moody = { .sync_errno = EIO };
	struct jota_err err = { 0 };

	scratch.io.ops = &moody_ops;
	scratch.io.ctx = &moody;
	ck_assert_int_eq(jota_io_sync(&scratch.io, 0, "the disk", &err), -EIO);
	ck_assert_ptr_nonnull(strstr(err.msg, "the disk"));
	moody.sync_errno = 0;
	ck_assert_int_eq(jota_io_sync(&scratch.io, 0, "the disk", &err), 0);
}
END_TEST

START_TEST(lock_is_exclusive_and_names_its_holder)
{
	struct jota_err err = { 0 };
	CLEANUP_FD int second = -1;
	char want[64];
	int first;

	first = jota_io_lock(&scratch.io, "/run/lock", "jetson-slot", 0, &err);
	ck_assert_int_ge(first, 0);
	ck_assert_int_eq(jota_io_lock(&scratch.io, "/run/lock", "other", 0, &err), -EBUSY);
	(void)snprintf(want, sizeof(want), "'jetson-slot pid %ld'", (long)getpid());
	ck_assert_ptr_nonnull(strstr(err.msg, want));
	ck_assert_int_eq(close(first), 0);
	second = jota_io_lock(&scratch.io, "/run/lock", "b", 0, &err);
	ck_assert_int_ge(second, 0);
}
END_TEST

START_TEST(lock_file_holds_the_last_holder_only)
{
	CLEANUP_FREE char *text = NULL;
	char want[64];
	int fd;

	fd = jota_io_lock(&scratch.io, "/run/lock", "a holder with a long name", 0, NULL);
	ck_assert_int_eq(close(fd), 0);
	fd = jota_io_lock(&scratch.io, "/run/lock", "b", 0, NULL);
	ck_assert_int_eq(jota_io_read_file(&scratch.io, "/run/lock", 200, &text, NULL, NULL), 0);
	(void)snprintf(want, sizeof(want), "b pid %ld\n", (long)getpid());
	ck_assert_str_eq(text, want);
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(lock_waits_for_its_holder)
{
	const struct timespec while_held = { .tv_nsec = 150 * 1000000L };
	struct jota_err err = { 0 };
	int ready[2], fd, status;
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (jota_io_lock(&scratch.io, "/run/lock", "child", 0, NULL) < 0)
			_exit(1);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		(void)nanosleep(&while_held, NULL);
		_exit(0);
	}
	(void)close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	ck_assert_int_eq(jota_io_lock(&scratch.io, "/run/lock", "parent", 0, &err), -EBUSY);
	fd = jota_io_lock(&scratch.io, "/run/lock", "parent", 10000, &err);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(unlock_releases_a_lock_that_a_fork_inherited)
{
	struct jota_err err = { 0 };
	int fd, status;
	pid_t pid;

	fd = jota_io_lock(&scratch.io, "/run/lock", "parent", 0, &err);
	ck_assert_int_ge(fd, 0);
	pid = fork();
	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	jota_io_unlock(fd);
	fd = jota_io_lock(&scratch.io, "/run/lock", "parent again", 0, &err);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_ge(fd, 0);
	jota_io_unlock(fd);
}
END_TEST

START_TEST(lock_does_not_follow_a_link)
{
	struct jota_err err = { 0 };
	char link[PATH_MAX];

	scratch_text(&scratch, "/d/f", "precious");
	scratch_text(&scratch, "/run/lock", "");
	scratch_path(&scratch, "/run/lock", link);
	ck_assert_int_eq(unlink(link), 0);
	ck_assert_int_eq(symlink("../d/f", link), 0);
	ck_assert_int_eq(jota_io_lock(&scratch.io, "/run/lock", "a", 0, &err), -ELOOP);
}
END_TEST

START_TEST(refused_lock_is_not_left_held)
{
	struct jota_err err = { 0 };
	CLEANUP_FD int fd = -1;
	char endless[200];

	memset(endless, 'x', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	ck_assert_int_eq(jota_io_lock(&scratch.io, "/run/lock", endless, 0, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "/run/lock"));
	fd = jota_io_lock(&scratch.io, "/run/lock", "next", 0, &err);
	ck_assert_msg(fd >= 0, "%s", err.msg);
}
END_TEST

START_TEST(lock_whose_place_cannot_be_made_is_refused)
{
	struct jota_err err = { 0 };

	ck_assert_int_eq(jota_io_lock(&scratch.io, "/run/a/lock", "a", 0, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "/run/a'"));
	ck_assert_int_eq(jota_io_lock(&scratch.io, "run/lock", "a", 0, &err), -EINVAL);
	scratch_text(&scratch, "/run/lock", "");
	ck_assert_int_eq(jota_io_lock(&scratch.io, "/run/lock/b", "a", 0, &err), -ENOTDIR);
}
END_TEST

static TCase *path_tests(void)
{
	TCase *tcase = tcase_create("paths");

	tcase_add_test(tcase, prefix_comes_from_argument_then_environment_then_root);
	tcase_add_test(tcase, prefix_loses_trailing_slashes);
	tcase_add_test(tcase, relative_or_endless_prefix_is_refused);
	tcase_add_test(tcase, prefix_of_the_environment_is_refused_by_the_variables_name);
	tcase_add_test(tcase, path_is_put_below_the_prefix);
	tcase_add_test(tcase, path_never_leaves_the_prefix);
	return tcase;
}

static TCase *file_tests(void)
{
	TCase *tcase = tcase_create("files");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, open_sets_close_on_exec_and_names_the_file);
	tcase_add_test(tcase, file_is_read_whole_up_to_the_limit);
	tcase_add_test(tcase, file_over_the_limit_is_refused);
	tcase_add_test(tcase, file_of_unknown_size_is_read);
	tcase_add_test(tcase, short_file_ends_a_read_with_no_data);
	tcase_add_test(tcase, short_and_interrupted_writes_go_on);
	tcase_add_test(tcase, write_of_no_byte_is_an_error);
	tcase_add_test(tcase, write_past_the_end_of_offsets_is_refused);
	tcase_add_test(tcase, sync_error_is_reported);
	return tcase;
}

static TCase *lock_tests(void)
{
	TCase *tcase = tcase_create("locks");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 20);
	tcase_add_test(tcase, lock_is_exclusive_and_names_its_holder);
	tcase_add_test(tcase, lock_file_holds_the_last_holder_only);
	tcase_add_test(tcase, lock_waits_for_its_holder);
	tcase_add_test(tcase, unlock_releases_a_lock_that_a_fork_inherited);
	tcase_add_test(tcase, lock_does_not_follow_a_link);
	tcase_add_test(tcase, refused_lock_is_not_left_held);
	tcase_add_test(tcase, lock_whose_place_cannot_be_made_is_refused);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("io");

	suite_add_tcase(suite, path_tests());
	suite_add_tcase(suite, file_tests());
	suite_add_tcase(suite, lock_tests());
	return run_suite(suite);
}
