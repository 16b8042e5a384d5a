/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What libubootenv does not do well must not reach the device. */
/* memmem and RTLD_NEXT are extensions of GNU. */
#define _GNU_SOURCE

#include "base/cleanup.h"
#include "slot/uboot_disk.h"
#include "support/run.h"

#include <dlfcn.h>
#include <errno.h>
#include <libuboot.h>
#include <malloc.h>
#include <stdio.h>

#define SECRET 0x5a
#define BLOCK_BYTES (TREE_ENV_SIZE_BYTES + 8)

static struct uboot_disk d;
static const char
	*intruder; /* variable that another program sets before libubootenv has the environment */

int libuboot_open(struct uboot_ctx *ctx)
{
	int (*next)(struct uboot_ctx *) = NULL;

	*(void **)&next = dlsym(RTLD_NEXT, "libuboot_open");
	ck_assert(next != NULL);
	if (intruder)
		tree_env_set(&d.tree, intruder, "1");
	return next(ctx);
}

static void setup(void)
{
	disk_make(&d);
	intruder = NULL;
}

static void teardown(void)
{
	disk_remove(&d);
}

START_TEST(what_libubootenv_would_damage_is_refused)
{
	struct jota_boot_state cur = disk_load(&d), want = step_from(&cur, STEP_BEGIN);

	tree_env_set(&d.tree, ".flags", "ethaddr:mc");
	CLEANUP_FREE uint8_t *before = disk_bytes(&d);

	ck_assert_int_eq(disk_store(&d, &cur, &want), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(d.err.msg, ".flags"));
	CLEANUP_FREE uint8_t *after = disk_bytes(&d);

	ck_assert_int_eq(memcmp(before, after, BOTH_COPIES_BYTES), 0);
	tree_env_set(&d.tree, ".flags", NULL);
	ck_assert_int_eq(truncate(d.path, 0x80000000ll + 0x40000), 0);
	tree_write_file(&d.tree, "/etc/fw_env.config",
			"/dev/mmcblk0 0x700000 0x20000\n/dev/mmcblk0 0x80000000 0x20000\n");
	cur = disk_load(&d);
	ck_assert_int_eq(disk_store(&d, &cur, &want), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(d.err.msg, "2 GiB"));
}
END_TEST

START_TEST(nothing_of_the_heap_is_stored_behind_the_variables)
{
	/* Called through a variable, else the compiler drops what is written to memory about to be freed. */
	static void *(*volatile fill)(void *, int, size_t) = memset;
	uint8_t trace[32];
	struct jota_boot_state cur = disk_load(&d), want = step_from(&cur, STEP_BEGIN);
	char *block[16], *between[16];

	/*
	 * The process kept secrets in blocks of just the size that libubootenv will ask for, and gave them back; what
	 * lies between keeps them apart. With sanitizers malloc never hands such a block out again soon.
	 */
	(void)mallopt(M_MMAP_THRESHOLD, 1 << 24);
	for (size_t i = 0; i < 16; i++) {
		block[i] = malloc(BLOCK_BYTES);
		between[i] = malloc(BLOCK_BYTES / 2);
		ck_assert(block[i] && between[i]);
		(void)fill(block[i], SECRET, BLOCK_BYTES);
	}
	for (size_t i = 0; i < 16; i++)
		free(block[i]);
	ck_assert_msg(disk_store(&d, &cur, &want) == 0, "%s", d.err.msg);
	CLEANUP_FREE uint8_t *after = disk_bytes(&d);

	memset(trace, SECRET, sizeof(trace));
	ck_assert_ptr_null(memmem(after, BOTH_COPIES_BYTES, trace, sizeof(trace)));
	for (size_t i = 0; i < 16; i++)
		free(between[i]);
}
END_TEST

START_TEST(a_path_that_libubootenv_would_cut_is_refused)
{
	struct jota_boot_state cur = disk_load(&d), want = step_from(&cur, STEP_BEGIN);
	char name[250], text[PATH_MAX * 2];

	/* It keeps 255 characters of the name, and would open what these name. */
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	(void)snprintf(text, sizeof(text), "%s/dev/%s", d.tree.root, name);
	ck_assert_int_eq(rename(d.path, text), 0);
	(void)snprintf(text, sizeof(text), "/dev/%s 0x700000 0x20000\n/dev/%s 0x720000 0x20000\n",
		       name, name);
	tree_write_file(&d.tree, "/etc/fw_env.config", text);
	cur = disk_load(&d);
	ck_assert_int_eq(disk_store(&d, &cur, &want), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(d.err.msg, "255"));
}
END_TEST

START_TEST(a_change_between_our_look_and_that_of_libubootenv_is_found)
{
	struct jota_boot_state cur = disk_load(&d), want = step_from(&cur, STEP_BEGIN);
	uint8_t before[2], after[2];

	/* A new variable, and another value of an old one. */
	intruder = _i == 0 ? "stranger" : "bootlimit";
	tree_env_flags(&d.tree, before);
	ck_assert_int_eq(disk_store(&d, &cur, &want), -ESTALE);
	tree_env_flags(&d.tree, after);
	ck_assert_int_eq(after[0] + after[1], before[0] + before[1] + 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("uboot_port");
	TCase *tc = tcase_create("limits of libubootenv");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_libubootenv_would_damage_is_refused);
	tcase_add_test(tc, nothing_of_the_heap_is_stored_behind_the_variables);
	tcase_add_test(tc, a_path_that_libubootenv_would_cut_is_refused);
	tcase_add_loop_test(tc, a_change_between_our_look_and_that_of_libubootenv_is_found, 0, 2);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
