/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Opening, direct I/O and closing. This program's own open and close stand in front of libc's:
 * whether a file system takes O_DIRECT, and whether a close fails, is up to the machine otherwise.
 */
/* Fortified open is an inline function and would stand in the way; O_DIRECT is Linux's own. */
#undef _FORTIFY_SOURCE
#define _GNU_SOURCE

#include "write/device.h"

#include "base/err.h"
#include "support/recorder.h"
#include "support/run.h"
#include "support/scratch_part.h"
#include "write/writer.h"

#include <check.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MIB (1u << 20)
#define CAPACITY_BYTES (4 * MIB)
#define IMAGE_BYTES (3 * MIB + 100)

/* Only the code under test meets these; zero: as the system does it. */
static struct {
	bool armed;
	bool open_refuses_direct;
	unsigned writable_opens; /* with O_RDWR */
	int close_errno;	 /* of a descriptor opened for writing: closed, and failed */
} faults;

static struct recorder rec;
static struct scratch_part part;
static struct jota_err err;
static uint8_t *image;

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	if (flags & O_CREAT) {
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	if (faults.armed && (flags & O_DIRECT) && faults.open_refuses_direct) {
		errno = EINVAL;
		return -1;
	}
	if (faults.armed && (flags & O_ACCMODE) == O_RDWR)
		faults.writable_opens++;
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int close(int fd)
{
	bool fails = faults.armed && faults.close_errno &&
		     (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
	int r = (int)syscall(SYS_close, fd);

	if (!fails)
		return r;
	errno = faults.close_errno;
	faults.close_errno = 0;
	return -1;
}

static void setup(void)
{
	scratch_part_make(&part, CAPACITY_BYTES);
	recorder_init(&rec, part.root);
	image = make_image(IMAGE_BYTES, 31);
	err = (struct jota_err){ 0 };
	memset(&faults, 0, sizeof(faults));
	faults.armed = true;
}

static void teardown(void)
{
	faults.armed = false;
	free(image);
	scratch_part_remove(&part);
}

static int write_image(struct jota_writer **ret)
{
	struct jota_write_report report;
	int r;

	r = jota_writer_open(&rec.io, &part.target, IMAGE_BYTES, ret, &err);
	if (r == 0)
		r = jota_writer_push(*ret, image, IMAGE_BYTES, &err);
	if (r == 0)
		r = jota_writer_finish(*ret, NULL, NULL, &report, &err);
	return r;
}

static void assert_image_written(void)
{
	struct jota_writer *w = NULL;
	uint8_t *now;

	ck_assert_msg(write_image(&w) == 0, "%s", err.msg);
	jota_writer_free(w);
	now = scratch_part_read(&part);
	ck_assert(memcmp(now, image, IMAGE_BYTES) == 0);
	free(now);
	ck_assert_str_eq(err.msg, "");
}

static bool is_any_write_direct(void)
{
	for (size_t i = 0; i < rec.count; i++)
		if (!rec.op[i].is_sync && !rec.op[i].failed && rec.op[i].is_direct)
			return true;
	return false;
}

static bool is_every_write_direct(void)
{
	for (size_t i = 0; i < rec.count; i++)
		if (!rec.op[i].is_sync && !rec.op[i].is_direct)
			return false;
	return true;
}

/* Whether this machine's scratch directory can do it at all, asked without the code under test. */
static bool can_scratch_do_direct(void)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, part.file, O_RDWR | O_DIRECT | O_CLOEXEC);
	void *block = aligned_alloc(4096, 4096);
	bool can;

	ck_assert_ptr_nonnull(block);
	can = fd >= 0 && pread(fd, block, 4096, 0) == 4096 && pwrite(fd, block, 4096, 0) == 4096;
	free(block);
	if (fd >= 0)
		(void)syscall(SYS_close, fd);
	return can;
}

START_TEST(every_write_is_direct_where_the_file_system_takes_it)
{
	bool can = can_scratch_do_direct();

	assert_image_written();
	ck_assert_int_eq(is_every_write_direct(), can);
}
END_TEST

START_TEST(image_is_written_where_open_refuses_direct)
{
	faults.open_refuses_direct = true;
	assert_image_written();
	ck_assert(!is_any_write_direct());
}
END_TEST

START_TEST(image_is_written_where_a_write_refuses_direct)
{
	/* The erase, the first block of the body, and the release of the first block. */
	static const size_t numbers[] = { 0, 2, 6 };

	if (!can_scratch_do_direct())
		faults.open_refuses_direct = true;
	recorder_fail(&rec, numbers[_i], 1, RECORDER_ERRNO, EINVAL);
	if (faults.open_refuses_direct) {
		struct jota_writer *w = NULL;

		/* Not a word about direct I/O then: the refusal is a failure. */
		ck_assert_int_eq(write_image(&w), -EINVAL);
		jota_writer_free(w);
		return;
	}
	assert_image_written();
	for (size_t i = 0; i < rec.count; i++)
		ck_assert_int_eq(rec.op[i].is_direct, i <= numbers[_i]);
}
END_TEST

START_TEST(I4_bit_lost_is_found_without_direct_too)
{
	struct jota_writer *w = NULL;
	struct jota_write_report report;

	faults.open_refuses_direct = true;
	ck_assert_int_eq(jota_writer_open(&rec.io, &part.target, IMAGE_BYTES, &w, &err), 0);
	ck_assert_int_eq(jota_writer_push(w, image, IMAGE_BYTES, &err), 0);
	scratch_part_flip(&part, 2 * MIB + 1);
	ck_assert_int_eq(jota_writer_finish(w, NULL, NULL, &report, &err), -EBADMSG);
	jota_writer_free(w);
	ck_assert(scratch_part_is_zero(&part, 0, MIB));
}
END_TEST

START_TEST(failing_close_counts_and_the_first_block_is_zero_again)
{
	struct jota_writer *w = NULL;
	struct jota_write_report report;

	ck_assert_int_eq(jota_writer_open(&rec.io, &part.target, IMAGE_BYTES, &w, &err), 0);
	ck_assert_int_eq(jota_writer_push(w, image, IMAGE_BYTES, &err), 0);
	faults.close_errno = EIO;
	ck_assert_int_eq(jota_writer_finish(w, NULL, NULL, &report, &err), -EIO);
	ck_assert_int_eq(faults.close_errno, 0);
	ck_assert_ptr_nonnull(strstr(err.msg, "close '/part'"));
	ck_assert_ptr_null(strstr(err.msg, "may still start"));
	ck_assert_uint_eq(faults.writable_opens, 2);
	ck_assert(scratch_part_is_zero(&part, 0, MIB));
	jota_writer_free(w);
	ck_assert(scratch_part_is_zero(&part, 0, MIB));
}
END_TEST

START_TEST(missing_node_is_refused)
{
	struct jota_target none = part.target;
	struct jota_writer *w = NULL;

	strncpy(none.path, "/none", sizeof(none.path) - 1);
	ck_assert_int_eq(jota_writer_open(&rec.io, &none, IMAGE_BYTES, &w, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "/none"));
}
END_TEST

START_TEST(geometry_of_a_file_is_its_size_in_blocks_of_4096)
{
	struct jota_geometry g;
	int fd = open(part.file, O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(jota_geometry_read(fd, part.file, &g, &err), 0);
	ck_assert(!g.is_block && !g.read_only);
	ck_assert_uint_eq(g.capacity_bytes, CAPACITY_BYTES);
	ck_assert_uint_eq(g.block_bytes, 4096);
	(void)close(fd);
}
END_TEST

START_TEST(geometry_of_a_directory_a_pipe_and_a_character_device_is_refused)
{
	int ends[2], fds[3];
	struct jota_geometry g;

	ck_assert_int_eq(pipe(ends), 0);
	fds[0] = open(part.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fds[1] = ends[0];
	fds[2] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(jota_geometry_read(fds[i], "it", &g, &err), -ENOTBLK);
		(void)close(fds[i]);
	}
	(void)close(ends[1]);
}
END_TEST

static Suite *device_suite(void)
{
	Suite *s = suite_create("device");
	TCase *tc = tcase_create("files");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, every_write_is_direct_where_the_file_system_takes_it);
	tcase_add_test(tc, image_is_written_where_open_refuses_direct);
	tcase_add_loop_test(tc, image_is_written_where_a_write_refuses_direct, 0, 3);
	tcase_add_test(tc, I4_bit_lost_is_found_without_direct_too);
	tcase_add_test(tc, failing_close_counts_and_the_first_block_is_zero_again);
	tcase_add_test(tc, missing_node_is_refused);
	tcase_add_test(tc, geometry_of_a_file_is_its_size_in_blocks_of_4096);
	tcase_add_test(tc, geometry_of_a_directory_a_pipe_and_a_character_device_is_refused);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return run_suite(device_suite());
}
