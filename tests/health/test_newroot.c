/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* A tree that does not run is read from inside only, whoever made it. */
#include "health/new_program.h"
#include "health/newroot_test.h"

#define ENTRY_IS(type, path) ck_assert_int_eq(type_of(path), type)

static int stat_of(const char *path, bool follow, struct jota_newroot_node *ret)
{
	return jota_newroot_stat(root, path, follow, ret, &err);
}

static mode_t type_of(const char *path)
{
	struct jota_newroot_node node;

	ck_assert_msg(stat_of(path, true, &node) == 0, "%s", err.msg);
	return node.mode & S_IFMT;
}

START_TEST(links_lead_to_the_root_of_the_tree_at_most)
{
	struct jota_newroot_node node;
	char text[64];

	add("/usr/lib/a", "abc", 0640);
	add_link("/lib", "usr/lib");
	add_link("/up", "../../../../usr/lib/a");
	add_link("/absolute", "/usr/lib/../lib/a");
	add_link("/passwd", "/etc/passwd");
	add_link("/out", "../../../../../../../etc/passwd");
	open_way(_i);
	ENTRY_IS(S_IFREG, "/lib/a");
	ENTRY_IS(S_IFREG, "/up");
	ENTRY_IS(S_IFREG, "//absolute");
	ENTRY_IS(S_IFDIR, "/lib/../../../..");
	ENTRY_IS(S_IFDIR, "");
	says(stat_of("/passwd", true, &node), -ENOENT, "'/passwd' is not in the new root");
	says(stat_of("/out", true, &node), -ENOENT, "'/out' is not in the new root");
	ck_assert_int_eq(stat_of("/out", false, &node), 0);
	ck_assert(S_ISLNK(node.mode));
	ck_assert_int_eq(jota_newroot_link(root, "/lib", text, sizeof(text), &err), 0);
	ck_assert_str_eq(text, "usr/lib");
	ck_assert_int_eq(jota_newroot_link(root, "/lib", text, 7, &err), -ENAMETOOLONG);
	ck_assert_int_eq(jota_newroot_link(root, "/usr/lib/a", text, sizeof(text), &err), -EINVAL);
	ck_assert_int_eq(stat_of("/lib/a", true, &node), 0);
	ck_assert_uint_eq(node.mode & 07777, 0640);
	ck_assert_uint_eq(node.size_bytes, 3);
}
END_TEST

START_TEST(loops_and_depths_end)
{
	struct jota_newroot_node node;
	char deep[PATH_MAX] = "", name[300];

	add_link("/a", "b");
	add_link("/b", "/a");
	add_link("/self/self", "../self/self/x");
	add("/file", "", 0644);
	open_way(_i);
	says(stat_of("/a", true, &node), -ELOOP, "'/a'");
	says(stat_of("/self/self", true, &node), -ELOOP, "'/self/self'");
	ck_assert_int_eq(stat_of("/file/x", true, &node), -ENOTDIR);
	memset(name, 'n', sizeof(name) - 1);
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(stat_of(name, true, &node), -ENAMETOOLONG);
	memset(deep, '/', sizeof(deep) - 1);
	ENTRY_IS(S_IFDIR, deep);
}
END_TEST

START_TEST(reads_are_bounded)
{
	static const char nul[] = "a\0b";
	char *text = NULL;
	size_t got = 99;
	char buf[8];

	add("/text", "0123456789", 0644);
	add("/empty", "", 0644);
	add_bytes("/nul", nul, 3, 0644);
	open_way(_i);
	ck_assert_int_eq(jota_newroot_text(root, "/text", 10, &text, &err), 0);
	ck_assert_str_eq(text, "0123456789");
	free(text);
	text = NULL;
	says(jota_newroot_text(root, "/text", 9, &text, &err), -EFBIG, "more than 9 bytes");
	says(jota_newroot_text(root, "/nul", 9, &text, &err), -EINVAL, "NUL byte at 1");
	ck_assert_int_eq(jota_newroot_text(root, "/empty", 9, &text, &err), 0);
	ck_assert_str_eq(text, "");
	free(text);
	says(jota_newroot_text(root, "/", 9, &text, &err), -EINVAL, "no regular file");
	ck_assert_int_eq(jota_newroot_read(root, "/text", 8, buf, sizeof(buf), &got, &err), 0);
	ck_assert_uint_eq(got, 2);
	ck_assert_int_eq(jota_newroot_read(root, "/text", 1000, buf, sizeof(buf), &got, &err), 0);
	ck_assert_uint_eq(got, 0);
	ck_assert_int_eq(jota_newroot_read(root, "/text", UINT64_MAX / 4, buf, 8, &got, &err) < 0 ||
				 got == 0,
			 1);
}
END_TEST

static int count_name(void *ctx, const char *name)
{
	unsigned *count = ctx;

	ck_assert(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
	return ++*count == 7 ? 4711 : 0;
}

START_TEST(names_of_a_folder_are_listed_until_it_is_enough)
{
	unsigned count = 0;
	char path[32];

	for (int i = 0; i < 5; i++) {
		(void)snprintf(path, sizeof(path), "/few/%d", i);
		add(path, "", 0644);
	}
	for (int i = 0; i < 300; i++) {
		(void)snprintf(path, sizeof(path), "/many/name-%d", i);
		add(path, "", 0644);
	}
	open_way(_i);
	ck_assert_int_eq(jota_newroot_each(root, "/few", count_name, &count, &err), 0);
	ck_assert_uint_eq(count, 5);
	count = 0;
	ck_assert_int_eq(jota_newroot_each(root, "/many", count_name, &count, &err), 4711);
	ck_assert_int_eq(jota_newroot_each(root, "/none", count_name, &count, &err), -ENOENT);
	ck_assert_int_eq(jota_newroot_each(root, "/few/1", count_name, &count, &err), -ENOTDIR);
}
END_TEST

static const struct {
	long at;
	uint32_t value;
	const char *says;
} superblocks[] = {
	{ 1024 + 4, 0, "" },
	{ 1024 + 4, 0xffffffff, "more than the 2097152 bytes that are there" },
	{ 1024 + 24, 99, "superblock of" },
	{ 1024 + 24, 0xfffffff0, "superblock of" },
	{ 1024 + 32, 0, "superblock of" },
	{ 1024 + 32, 8, "superblock of" },
	{ 1024 + 40, 0, "superblock of" },
	{ 1024 + 40, 0xffffffff, "cannot be opened" },
	{ 1024 + 0, 0xffffffff, "cannot be opened" },
	{ 1024 + 96, 0xffffffff, "" },
	{ 1024 + 56, 0, "holds no file system" },
};
#define SUPERBLOCK_COUNT ((int)(sizeof(superblocks) / sizeof(superblocks[0])))

START_TEST(a_superblock_that_lies_is_refused)
{
	add("/a", "a", 0644);
	pack();
	patch32(superblocks[_i].at, superblocks[_i].value);
	says(jota_newroot_open(image, &root, &err), -EUCLEAN, superblocks[_i].says);
}
END_TEST

START_TEST(what_ends_too_early_is_refused)
{
	add("/a", "a", 0644);
	pack();
	ck_assert_int_eq(truncate(image, IMAGE_BYTES - 4096), 0);
	says(jota_newroot_open(image, &root, &err), -EUCLEAN, "more than the 2093056 bytes");
	ck_assert_int_eq(truncate(image, 2047), 0);
	says(jota_newroot_open(image, &root, &err), -EUCLEAN, "2047 bytes");
	ck_assert_int_eq(truncate(image, 0), 0);
	says(jota_newroot_open(image, &root, &err), -EUCLEAN, "0 bytes");
	ck_assert_int_eq(truncate(image, IMAGE_BYTES), 0);
	says(jota_newroot_open(image, &root, &err), -EUCLEAN, "holds no file system");
	says(jota_newroot_open("/dev/null", &root, &err), -EOPNOTSUPP, "no partition");
	ck_assert_int_eq(jota_newroot_open("/nowhere", &root, &err), -ENOENT);
}
END_TEST

START_TEST(what_the_superblock_says_of_itself_is_told)
{
	pack();
	ck_assert_int_eq(jota_newroot_open(image, &root, &err), 0);
	ck_assert_int_eq(jota_newroot_condition(root, &err), 0);
	jota_newroot_free(root);
	debugfs("feature needs_recovery");
	ck_assert_int_eq(jota_newroot_open(image, &root, &err), 0);
	says(jota_newroot_condition(root, &err), -EUCLEAN, "its journal waits");
	jota_newroot_free(root);
	debugfs("set_super_value state 2");
	ck_assert_int_eq(jota_newroot_open(image, &root, &err), 0);
	says(jota_newroot_condition(root, &err), -EUCLEAN, "it has errors");
}
END_TEST

START_TEST(sizes_that_lie_are_refused_or_bounded)
{
	struct jota_newroot_node node;
	char *text = NULL;
	unsigned count = 0;
	int r;

	add("/etc/os-release", "ID=x\n", 0644);
	add_link("/link", "etc");
	add("/folder/a", "", 0644);
	pack();
	debugfs("set_inode_field /etc/os-release size 0x7fffffffff");
	debugfs("set_inode_field /link size 0x7fffffff");
	debugfs("set_inode_field /folder size 0x7fffff000");
	ck_assert_int_eq(jota_newroot_open(image, &root, &err), 0);
	ck_assert_int_eq(jota_newroot_text(root, "/etc/os-release", 65536, &text, &err), -EFBIG);
	says(stat_of("/link", true, &node), -ENAMETOOLONG, "'/link'");
	r = jota_newroot_each(root, "/folder", count_name, &count, &err);
	ck_assert(r == -EUCLEAN || (r == 0 && count == 1));
}
END_TEST

START_TEST(a_folder_within_itself_ends)
{
	struct jota_newroot_node node;
	char path[400] = "";

	add("/a/file", "", 0644);
	pack();
	debugfs("link /a /a/b");
	ck_assert_int_eq(jota_newroot_open(image, &root, &err), 0);
	for (int i = 0; i < 100; i++)
		(void)snprintf(path + strlen(path), sizeof(path) - strlen(path), i ? "/b" : "/a");
	says(stat_of(path, true, &node), -ELOOP, "more than 64 folders deep");
}
END_TEST

static int walk(void *ctx, const char *name)
{
	const char *folder = ctx;
	struct jota_newroot_node node;
	char path[600], *text = NULL;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (jota_newroot_stat(root, path, true, &node, &err) == 0 && S_ISREG(node.mode) &&
	    jota_newroot_text(root, path, 65536, &text, &err) == 0)
		free(text);
	(void)jota_new_program_check(root, path, &err);
	return 0;
}

/* A fixed generator, so that a failure comes back; _i is its seed. */
START_TEST(damaged_metadata_harms_nobody)
{
	static char places[][16] = { "", "/etc", "/sbin", "/lib", "/deep/er" };
	uint64_t x = UINT64_C(88172645463325252) + (uint64_t)_i * 7919;

	add("/etc/os-release", "ID=x\n", 0644);
	add("/sbin/init", "#!/bin/sh\n", 0755);
	add_link("/lib", "etc");
	add_link("/long", "/0123456789012345678901234567890123456789012345678901234567890123456789");
	add("/deep/er/file", "x", 0644);
	pack();
	for (int round = 0; round < 40; round++) {
		for (int k = 0; k < 24; k++) {
			uint8_t byte;

			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			byte = (uint8_t)(x >> 40);
			patch((long)(k % 4 ? x % 200000 : 1024 + x % 1024), &byte, 1);
		}
		if (jota_newroot_open(image, &root, &err) == 0) {
			for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
				(void)jota_newroot_each(root, places[i], walk, places[i], &err);
			jota_newroot_free(root);
		}
		root = NULL;
		if (round % 8 == 7)
			pack();
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("health/newroot");
	TCase *tc = tcase_create("newroot");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, links_lead_to_the_root_of_the_tree_at_most, 0, 2);
	tcase_add_loop_test(tc, loops_and_depths_end, 0, 2);
	tcase_add_loop_test(tc, reads_are_bounded, 0, 2);
	tcase_add_loop_test(tc, names_of_a_folder_are_listed_until_it_is_enough, 0, 2);
	tcase_add_loop_test(tc, a_superblock_that_lies_is_refused, 0, SUPERBLOCK_COUNT);
	tcase_add_test(tc, what_ends_too_early_is_refused);
	tcase_add_test(tc, what_the_superblock_says_of_itself_is_told);
	tcase_add_test(tc, sizes_that_lie_are_refused_or_bounded);
	tcase_add_test(tc, a_folder_within_itself_ends);
	tcase_add_loop_test(tc, damaged_metadata_harms_nobody, 0, 6);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
