/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Preflight: what is wrong with a board is named, with what to do, and nothing is written. */
#include "base/bytes.h"
#include "base/cleanup.h"
#include "slot/blockdev.h"
#include "slot/env_codec.h"
#include "slot/extra_block.h"
#include "slot/uboot_disk.h"
#include "support/run.h"

#include <errno.h>
#include <stdio.h>

static struct uboot_disk d;
static struct jota_problems problems;

static void setup(void)
{
	disk_make(&d);
	memset(&problems, 0, sizeof(problems));
}

static void teardown(void)
{
	disk_remove(&d);
}

static void check_board(void)
{
	struct jota_blockdevs devs = { 0 };

	memset(&problems, 0, sizeof(problems));
	ck_assert_msg(jota_blockdevs_read(&d.tree.io, &devs, &d.err) == 0, "%s", d.err.msg);
	jota_backend_check(d.b, &devs, &problems);
	jota_blockdevs_done(&devs);
}

static void expect_only(const char *part)
{
	check_board();
	for (size_t i = 0; i < problems.count; i++) {
		ck_assert_msg(strstr(problems.problem[i].text, part) != NULL, "'%s' is not in '%s'",
			      part, problems.problem[i].text);
		ck_assert(problems.problem[i].blocks_update);
	}
	ck_assert_uint_gt(problems.count, 0);
}

START_TEST(a_good_board_has_no_problem)
{
	uint8_t *before = disk_bytes(&d), *after;

	check_board();
	ck_assert_msg(problems.count == 0, "%s", problems.problem[0].text);
	(void)disk_walk(&d, STEP_CONFIRM);
	check_board();
	ck_assert_msg(problems.count == 0, "%s", problems.problem[0].text);
	disk_put_bytes(&d, before);
	check_board();
	after = disk_bytes(&d);
	ck_assert_int_eq(memcmp(before, after, BOTH_COPIES_BYTES), 0);
	free(before);
	free(after);
}
END_TEST

START_TEST(a_missing_or_unusable_variable_is_named)
{
	static const struct {
		const char *name, *value;
	} bad[] = { { "altbootcmd", NULL }, { "altbootcmd", "" }, { "bootlimit", NULL },
		    { "bootlimit", "0" },   { "bootlimit", "x" }, { "boot_slot", "Z" },
		    { "bootcount", "1x" },  { ".flags", "x:sr" } };

	tree_env_set(&d.tree, bad[_i].name, bad[_i].value);
	expect_only(bad[_i].name);
	ck_assert_uint_eq(problems.count, 1);
}
END_TEST

static void set_env_config(const char *device, unsigned first, unsigned second)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "%s 0x%x 0x20000\n%s 0x%x 0x20000\n", device, first,
		       device, second);
	tree_write_file(&d.tree, "/etc/fw_env.config", text);
}

static bool mentions(const char *part)
{
	for (size_t i = 0; i < problems.count; i++)
		if (strstr(problems.problem[i].text, part) && problems.problem[i].blocks_update)
			return true;
	return false;
}

START_TEST(an_environment_inside_a_partition_is_named)
{
	/* The first copy touches the end of the gap, the second reaches into A_kernel by one byte. */
	set_env_config("/dev/mmcblk0", 0xfe0000, 0xfe0000 + 0x20000);
	check_board();
	ck_assert(mentions("mmcblk0p1 'A_kernel'"));
	ck_assert(!mentions("0xfe0000 to"));
	set_env_config("/dev/mmcblk0", 0xfa0000, 0xfe0001);
	check_board();
	ck_assert(mentions("mmcblk0p1 'A_kernel'"));
	set_env_config("/dev/mmcblk0", 0xfa0000, 0xfe0000);
	check_board();
	ck_assert(!mentions("A_kernel"));
}
END_TEST

START_TEST(an_environment_over_the_partition_table_is_named)
{
	set_env_config("/dev/mmcblk0", 0x4000, 0x40000);
	check_board();
	ck_assert(mentions("partition table"));
	/* The tree's disk ends at 16 + 2 * (8 + 1 + 16) + 1 MiB. */
	set_env_config("/dev/mmcblk0", 0x40000, (67u << 20) - 0x20000);
	check_board();
	ck_assert(mentions("partition table"));
}
END_TEST

START_TEST(an_environment_in_a_mounted_partition_or_beyond_its_end_is_named)
{
	set_env_config("/dev/mmcblk0p5", 0, 0x20000);
	check_board();
	ck_assert(mentions("mounted"));
	set_env_config("/dev/mmcblk0p3", 0, 0x20000);
	check_board();
	ck_assert(!mentions("mounted") && !mentions("ends at"));
	set_env_config("/dev/mmcblk0p3", 0, 0xf0000);
	check_board();
	ck_assert(mentions("copy 1"));
}
END_TEST

START_TEST(partitions_of_another_disk_do_not_overlap)
{
	add_extra(&d.tree, "pci/nvme0n1", "nvme0n1", 259, 0, NULL, 0, 1000000);
	add_extra(&d.tree, "pci/nvme0n1/nvme0n1p1", "nvme0n1p1", 259, 1, "data", 2048, 900000);
	check_board();
	ck_assert_uint_eq(problems.count, 0);
}
END_TEST

START_TEST(a_configuration_that_cannot_be_used_is_named)
{
	static const char *const text[] = { "", "/dev/mmcblk0 0x700000 0x20000\n",
					    "/dev/mtd0 0x0 0x20000\n/dev/mtd1 0x0 0x20000\n" };

	tree_write_file(&d.tree, "/etc/fw_env.config", text[_i]);
	expect_only(_i < 2 ? "fw_env.config" : "mtd0");
}
END_TEST

/* Both copies valid by their CRC: `count` variables, then a last entry. */
static void put_hostile_env(unsigned count, const char *last)
{
	CLEANUP_FREE uint8_t *bytes = calloc(1, BOTH_COPIES_BYTES);
	size_t at = JOTA_ENV_HEADER_BYTES;

	ck_assert_ptr_nonnull(bytes);
	for (unsigned i = 0; i < count; i++)
		at += (size_t)snprintf((char *)bytes + at, 16, "v%x=1", i) + 1;
	memcpy(bytes + at, last, strlen(last));
	put_le32(bytes, jota_crc32(bytes + JOTA_ENV_HEADER_BYTES,
				   TREE_ENV_SIZE_BYTES - JOTA_ENV_HEADER_BYTES));
	memcpy(bytes + TREE_ENV_SIZE_BYTES, bytes, TREE_ENV_SIZE_BYTES);
	disk_put_bytes(&d, bytes);
}

START_TEST(a_hostile_environment_is_refused_and_nothing_is_stored)
{
	const struct jota_boot_state none = { .factory = true };
	struct jota_boot_state state;
	char *value = NULL;

	put_hostile_env(_i == 0 ? 4097 : 2, _i == 0 ? "x=1" : "no sign");
	CLEANUP_FREE uint8_t *before = disk_bytes(&d);

	ck_assert_int_eq(jota_backend_load(d.b, &state, &d.err), -EBADMSG);
	ck_assert_msg(strstr(d.err.msg, _i == 0 ? "4098 variables" : "'no sign'"), "%s", d.err.msg);
	ck_assert_int_eq(jota_backend_get(d.b, "x", &value, &d.err), -EBADMSG);
	ck_assert_int_eq(disk_store(&d, &none, &none), -EBADMSG);
	CLEANUP_FREE uint8_t *after = disk_bytes(&d);

	ck_assert_int_eq(memcmp(before, after, BOTH_COPIES_BYTES), 0);
}
END_TEST

START_TEST(more_problems_than_fit_are_announced)
{
	char text[400];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < JOTA_PROBLEMS_MAX; i++)
		jota_problem_add(&problems, false, "%d%s", i, text);
	ck_assert_uint_eq(problems.count, JOTA_PROBLEMS_MAX);
	ck_assert_str_eq(problems.problem[0].text + JOTA_PROBLEM_BYTES - 7, "xxx...");
	ck_assert(!problems.problem[JOTA_PROBLEMS_MAX - 1].blocks_update);
	jota_problem_add(&problems, true, "one more");
	ck_assert_uint_eq(problems.count, JOTA_PROBLEMS_MAX);
	ck_assert_ptr_nonnull(strstr(problems.problem[JOTA_PROBLEMS_MAX - 1].text, "more problems"));
	ck_assert(problems.problem[JOTA_PROBLEMS_MAX - 1].blocks_update);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("backend_uboot_check");
	TCase *tc = tcase_create("preflight");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_good_board_has_no_problem);
	tcase_add_loop_test(tc, a_missing_or_unusable_variable_is_named, 0, 8);
	tcase_add_test(tc, an_environment_inside_a_partition_is_named);
	tcase_add_test(tc, an_environment_over_the_partition_table_is_named);
	tcase_add_test(tc, an_environment_in_a_mounted_partition_or_beyond_its_end_is_named);
	tcase_add_test(tc, partitions_of_another_disk_do_not_overlap);
	tcase_add_loop_test(tc, a_configuration_that_cannot_be_used_is_named, 0, 3);
	tcase_add_loop_test(tc, a_hostile_environment_is_refused_and_nothing_is_stored, 0, 2);
	tcase_add_test(tc, more_problems_than_fit_are_announced);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
