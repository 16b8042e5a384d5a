/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The writer on real block devices: loop devices over scratch files, which only root can make. For
 * anybody else the program names what was not run and ends with 77.
 */
/* unshare is an extension of Linux. */
#define _GNU_SOURCE

#include "write/writer.h"

#include "base/err.h"
#include "slot/blockdev.h"
#include "slot/config.h"
#include "slot/evidence.h"
#include "slot/layout.h"
#include "support/recorder.h"
#include "support/run.h"
#include "support/scratch_part.h"
#include "support/tree.h"
#include "write/device.h"

#include <linux/loop.h>

#include <check.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1u << 20)
#define CAPACITY_BYTES (8 * MIB)
#define NOT_RUN 77

extern char **environ;

static struct recorder rec;
static struct scratch_part part;
static struct jota_target loop; /* the same bytes as part, seen through a loop device */
static struct jota_err err;
static int loop_fd = -1;

static int get_free_loop(void)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);

	ck_assert_msg(number >= 0, "/dev/loop-control: %s", strerror(errno));
	(void)close(control);
	return number;
}

/* Another program may take the device between the question and the answer: ask again then. */
static void attach_with(uint32_t block_bytes, uint32_t flags)
{
	struct loop_config config = { .block_size = block_bytes };
	int backing = open(part.file, O_RDWR | O_CLOEXEC), r = -1;

	ck_assert_int_ge(backing, 0);
	config.fd = (uint32_t)backing;
	/* The kernel detaches it with the last descriptor, even when a test dies. */
	config.info.lo_flags = LO_FLAGS_AUTOCLEAR | flags;
	for (int try = 0; try < 20 && r < 0; try++) {
		(void)snprintf(loop.path, sizeof(loop.path), "/dev/loop%d", get_free_loop());
		loop_fd = open(loop.path, O_RDWR | O_CLOEXEC);
		ck_assert_msg(loop_fd >= 0, "%s: %s", loop.path, strerror(errno));
		r = ioctl(loop_fd, LOOP_CONFIGURE, &config);
		if (r < 0)
			(void)close(loop_fd);
	}
	ck_assert_msg(r == 0, "LOOP_CONFIGURE: %s", strerror(errno));
	(void)close(backing);
	loop.block_bytes = block_bytes;
	loop.capacity_bytes = CAPACITY_BYTES;
}

static void attach(uint32_t block_bytes)
{
	attach_with(block_bytes, 0);
}

static void detach(void)
{
	if (loop_fd < 0)
		return;
	(void)close(loop_fd);
	loop_fd = -1;
}

static void setup(void)
{
	scratch_part_make(&part, CAPACITY_BYTES);
	loop = part.target;
	recorder_init(&rec, "/");
	err = (struct jota_err){ 0 };
}

static void teardown(void)
{
	detach();
	scratch_part_remove(&part);
}

/* A loop device stays write protected until it is attached without that. */
static void lift_protection(void)
{
	detach();
	attach(512);
	detach();
}

static int write_image(const uint8_t *image, size_t len)
{
	struct jota_write_report report;
	struct jota_writer *w = NULL;
	int r = jota_writer_open(&rec.io, &loop, len, &w, &err);

	for (size_t at = 0; r == 0 && at < len; at += 16368)
		r = jota_writer_push(w, image + at, len - at < 16368 ? len - at : 16368, &err);
	if (r == 0)
		r = jota_writer_finish(w, NULL, NULL, &report, &err);
	jota_writer_free(w);
	return r;
}

static const size_t image_sizes[] = { 1, 513, 4095, MIB, MIB + 1, 3 * MIB + 700, CAPACITY_BYTES };
#define IMAGE_SIZES ((int)(sizeof(image_sizes) / sizeof(image_sizes[0])))

START_TEST(image_is_written_direct_in_whole_blocks_of_512_or_4096)
{
	uint32_t block = _i % 2 ? 4096 : 512;
	size_t len = image_sizes[_i / 2], padded = (len + block - 1) / block * block;
	uint8_t *image = make_image(len, 41), *now;

	attach(block);
	ck_assert_msg(write_image(image, len) == 0, "%s", err.msg);
	detach();
	now = scratch_part_read(&part);
	ck_assert(memcmp(now, image, len) == 0);
	ck_assert(scratch_part_is_zero(&part, len, padded));
	ck_assert(scratch_part_is_old(&part, padded, CAPACITY_BYTES));
	for (size_t i = 0; i < rec.count; i++)
		if (!rec.op[i].is_sync)
			ck_assert(rec.op[i].is_direct && rec.op[i].len_bytes % block == 0);
	free(now);
	free(image);
}
END_TEST

START_TEST(image_one_byte_larger_than_the_device_is_refused_with_nothing_touched)
{
	struct jota_writer *w = NULL;

	attach(512);
	ck_assert_int_eq(jota_writer_open(&rec.io, &loop, CAPACITY_BYTES + 1, &w, &err), -EFBIG);
	detach();
	ck_assert_uint_eq(rec.count, 0);
	ck_assert(scratch_part_is_old(&part, 0, CAPACITY_BYTES));
}
END_TEST

/* The loop reads the file that the flip changed: what a worn flash does. */
START_TEST(I4_bit_lost_below_the_device_is_found_and_the_first_block_is_zero)
{
	uint8_t *image = make_image(CAPACITY_BYTES, 42);
	struct jota_write_report report;
	struct jota_writer *w = NULL;

	attach(512);
	ck_assert_int_eq(jota_writer_open(&rec.io, &loop, CAPACITY_BYTES, &w, &err), 0);
	ck_assert_int_eq(jota_writer_push(w, image, CAPACITY_BYTES, &err), 0);
	scratch_part_flip(&part, 5 * MIB + 3);
	ck_assert_int_eq(jota_writer_finish(w, NULL, NULL, &report, &err), -EBADMSG);
	ck_assert_msg(strstr(err.msg, "from offset 5242880 on") != NULL, "%s", err.msg);
	jota_writer_free(w);
	detach();
	ck_assert(scratch_part_is_zero(&part, 0, MIB));
	free(image);
}
END_TEST

static void flip_below(void *ctx, size_t number, const struct record *op)
{
	const size_t *body_sync = ctx;

	(void)op;
	if (number == *body_sync)
		scratch_part_flip(&part, 2 * MIB + 3);
}

/* The page cache of the device still has the right bytes: a read-back from there would be content. */
START_TEST(I4_bit_lost_below_the_page_cache_is_found_too)
{
	uint8_t *image = make_image(3 * MIB, 43);
	/* Refused erase, erase, sync, two blocks, sync. */
	size_t body_sync = 5;

	attach(4096);
	recorder_fail(&rec, 0, 1, RECORDER_ERRNO, EINVAL);
	rec.after = flip_below;
	rec.after_ctx = &body_sync;
	ck_assert_int_eq(write_image(image, 3 * MIB), -EBADMSG);
	ck_assert(rec.op[body_sync].is_sync && !rec.op[body_sync].is_direct);
	ck_assert_msg(strstr(err.msg, "from offset 2097152 on") != NULL, "%s", err.msg);
	detach();
	ck_assert(scratch_part_is_zero(&part, 0, MIB));
	free(image);
}
END_TEST

static void run_program(const char *const *argv)
{
	int status = -1, r;
	pid_t pid;

	r = posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ);
	ck_assert_msg(r == 0, "%s: %s", argv[0], strerror(r));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0, "%s ended with %d", argv[0], status);
}

START_TEST(mounted_device_is_refused_with_nothing_touched)
{
	const char *const mkfs[] = { "mke2fs", "-q", "-F", loop.path, "4096", NULL };
	struct jota_writer *w = NULL;
	uint8_t *before, *now;
	char dir[160];

	/* A mount namespace of its own: a test that fails halfway leaves no mount behind. */
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL), 0);
	attach(512);
	run_program(mkfs);
	(void)snprintf(dir, sizeof(dir), "%s/mnt", part.root);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	ck_assert_int_eq(mount(loop.path, dir, "ext4", MS_RDONLY, NULL), 0);
	before = scratch_part_read(&part);
	ck_assert_int_eq(jota_writer_open(&rec.io, &loop, MIB, &w, &err), -EBUSY);
	ck_assert_int_eq(umount(dir), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert_ptr_nonnull(strstr(err.msg, "in use"));
	ck_assert_ptr_nonnull(strstr(err.msg, loop.path));
	ck_assert_uint_eq(rec.count, 0);
	now = scratch_part_read(&part);
	ck_assert(memcmp(before, now, CAPACITY_BYTES) == 0);
	free(before);
	free(now);
}
END_TEST

START_TEST(device_is_held_exclusively_while_the_writer_is_open)
{
	struct jota_writer *w = NULL, *second = NULL;

	attach(512);
	ck_assert_int_eq(jota_writer_open(&rec.io, &loop, MIB, &w, &err), 0);
	ck_assert_int_eq(jota_writer_open(&rec.io, &loop, MIB, &second, &err), -EBUSY);
	jota_writer_free(w);
	ck_assert_int_eq(jota_writer_open(&rec.io, &loop, MIB, &second, &err), 0);
	jota_writer_free(second);
}
END_TEST

START_TEST(geometry_is_what_the_kernel_says)
{
	struct jota_geometry g;

	attach(4096);
	ck_assert_int_eq(jota_geometry_read(loop_fd, loop.path, &g, &err), 0);
	ck_assert(g.is_block && !g.read_only);
	ck_assert_uint_eq(g.capacity_bytes, CAPACITY_BYTES);
	ck_assert_uint_eq(g.block_bytes, 4096);
	ck_assert_uint_eq(g.major, 7);
	detach();
	attach_with(512, LO_FLAGS_READ_ONLY);
	ck_assert_int_eq(jota_geometry_read(loop_fd, loop.path, &g, &err), 0);
	ck_assert(g.read_only);
	ck_assert_uint_eq(g.block_bytes, 512);
	lift_protection();
}
END_TEST

/* A tree whose kernel partition of slot B is the loop device, as real as a target gets. */
struct board {
	struct tree tree;
	struct jota_config config;
	struct jota_blockdevs devs;
	struct jota_evidence evidence;
	struct jota_partition *kernel;
	char *node;
};

static void board_make(struct board *b)
{
	tree_make(&b->tree, NULL);
	ck_assert_int_eq(jota_config_read(&b->tree.io, &b->config, &err), 0);
	ck_assert_int_eq(jota_blockdevs_read(&b->tree.io, &b->devs, &err), 0);
	ck_assert_int_eq(
		jota_evidence_read(&b->tree.io, b->config.layout, &b->devs, &b->evidence, &err), 0);
	for (size_t i = 0; i < b->devs.count; i++)
		if (strcmp(b->devs.partition[i].label, "B_kernel") == 0)
			b->kernel = &b->devs.partition[i];
	ck_assert_ptr_nonnull(b->kernel);
	b->node = tree_partition_path(&b->tree, "B_kernel");
}

static void board_remove(struct board *b)
{
	free(b->node);
	jota_blockdevs_done(&b->devs);
	tree_remove(&b->tree);
}

static void board_use_loop(struct board *b)
{
	ck_assert_int_eq(unlink(b->node), 0);
	ck_assert_int_eq(symlink(loop.path, b->node), 0);
}

/* sysfs says the same. */
static void board_believe_loop(struct board *b)
{
	struct stat st;

	ck_assert_int_eq(fstat(loop_fd, &st), 0);
	b->kernel->major = major(st.st_rdev);
	b->kernel->minor = minor(st.st_rdev);
}

static int board_resolve(struct board *b, struct jota_target *ret)
{
	return jota_target_resolve(&b->tree.io, &b->config, &b->devs, &b->evidence,
				   JOTA_ROLE_KERNEL, JOTA_SLOT_B, ret, &err);
}

START_TEST(target_is_the_device_that_sysfs_means_and_no_other)
{
	struct board b = { 0 };
	struct jota_target found;

	board_make(&b);
	attach(4096);
	board_use_loop(&b);
	ck_assert_int_eq(board_resolve(&b, &found), -ENXIO);
	ck_assert_ptr_nonnull(strstr(err.msg, "is device 179:"));
	board_believe_loop(&b);
	ck_assert_msg(board_resolve(&b, &found) == 0, "%s", err.msg);
	ck_assert_uint_eq(found.capacity_bytes, CAPACITY_BYTES);
	ck_assert_uint_eq(found.block_bytes, 4096);
	board_remove(&b);
}
END_TEST

START_TEST(write_protected_target_is_refused)
{
	struct board b = { 0 };
	struct jota_target found;

	board_make(&b);
	attach_with(512, LO_FLAGS_READ_ONLY);
	board_use_loop(&b);
	board_believe_loop(&b);
	ck_assert_int_eq(board_resolve(&b, &found), -EROFS);
	ck_assert_ptr_nonnull(strstr(err.msg, "write protected"));
	lift_protection();
	board_remove(&b);
}
END_TEST

/* The attribute is a fake, the protection is the kernel's own. */
START_TEST(target_that_stays_protected_when_a_fake_force_ro_is_lifted_is_refused)
{
	struct jota_writer *w = NULL;
	struct jota_target found;
	struct board b = { 0 };
	char path[128], *text;

	board_make(&b);
	attach_with(512, LO_FLAGS_READ_ONLY);
	board_use_loop(&b);
	board_believe_loop(&b);
	(void)snprintf(path, sizeof(path), "/sys/block/%.64s/force_ro", b.kernel->name);
	tree_write_file(&b.tree, path, "1\n");
	ck_assert_msg(board_resolve(&b, &found) == 0, "%s", err.msg);
	ck_assert_int_eq(jota_writer_open(&b.tree.io, &found, MIB, &w, &err), -EROFS);
	ck_assert_ptr_nonnull(strstr(err.msg, "although its force_ro was lifted"));
	ck_assert_int_eq(jota_io_read_file(&b.tree.io, path, 16, &text, NULL, &err), 0);
	ck_assert_str_eq(text, "1\n");
	free(text);
	lift_protection();
	board_remove(&b);
}
END_TEST

static Suite *loop_suite(void)
{
	Suite *s = suite_create("writer on block devices");
	TCase *tc = tcase_create("loop devices");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, image_is_written_direct_in_whole_blocks_of_512_or_4096, 0,
			    2 * IMAGE_SIZES);
	tcase_add_test(tc, image_one_byte_larger_than_the_device_is_refused_with_nothing_touched);
	tcase_add_test(tc, I4_bit_lost_below_the_device_is_found_and_the_first_block_is_zero);
	tcase_add_test(tc, I4_bit_lost_below_the_page_cache_is_found_too);
	tcase_add_test(tc, mounted_device_is_refused_with_nothing_touched);
	tcase_add_test(tc, device_is_held_exclusively_while_the_writer_is_open);
	tcase_add_test(tc, geometry_is_what_the_kernel_says);
	tcase_add_test(tc, target_is_the_device_that_sysfs_means_and_no_other);
	tcase_add_test(tc, write_protected_target_is_refused);
	tcase_add_test(tc, target_that_stays_protected_when_a_fake_force_ro_is_lifted_is_refused);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	if (geteuid() != 0) {
		(void)printf("NOT RUN: write/test_writer_loop: needs root\n");
		return NOT_RUN;
	}
	return run_suite(loop_suite());
}
