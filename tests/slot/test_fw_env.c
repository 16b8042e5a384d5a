/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/fw_env.h"

#include "base/err.h"
#include "support/run.h"
#include "support/scratch.h"

#include <errno.h>

#define LINE_0 "/dev/mmcblk0 0x700000 0x20000\n"
#define LINE_1 "/dev/mmcblk0 0x720000 0x20000\n"

static const char *const good[] = {
	LINE_0 LINE_1,
	"/dev/mmcblk0 0x700000 0x20000\n/dev/mmcblk0 0x720000 0x20000",
	"# comment\n\n  \t\n" LINE_0 "#x\n" LINE_1 "\n# end",
	"/dev/mmcblk0\t0x700000\t0x20000\t0x200\t8\r\n/dev/mmcblk0 7471104 0x20000 512 # second\r\n",
};

START_TEST(two_classic_lines_are_read)
{
	struct jota_fw_env env = { 0 };
	struct jota_err err = { 0 };

	ck_assert_msg(jota_fw_env_parse("f", good[_i], &env, &err) == 0, "said: %s", err.msg);
	ck_assert_str_eq(env.copy[0].device, "/dev/mmcblk0");
	ck_assert_str_eq(env.copy[1].device, "/dev/mmcblk0");
	ck_assert_uint_eq(env.copy[0].offset_bytes, 0x700000);
	ck_assert_uint_eq(env.copy[1].offset_bytes, 0x720000);
	ck_assert_uint_eq(env.size_bytes, 0x20000);
}
END_TEST

START_TEST(copies_on_two_devices_may_have_equal_offsets)
{
	struct jota_fw_env env = { 0 };

	ck_assert_int_eq(jota_fw_env_parse("f", "/dev/a 0x0 0x1000\n/dev/b 0 0x1000\n", &env, NULL),
			 0);
	ck_assert_str_eq(env.copy[1].device, "/dev/b");
}
END_TEST

START_TEST(second_copy_may_come_first_on_the_disk)
{
	struct jota_fw_env env = { 0 };

	ck_assert_int_eq(jota_fw_env_parse("f", LINE_1 LINE_0, &env, NULL), 0);
	ck_assert_uint_eq(env.copy[0].offset_bytes, 0x720000);
	ck_assert_uint_eq(env.copy[1].offset_bytes, 0x700000);
}
END_TEST

static const struct {
	const char *text;
	const char *says;
} refused[] = {
	{ "", "names no environment" },
	{ "# nothing\n", "names no environment" },
	{ LINE_0, "one copy only" },
	{ LINE_0 LINE_1 LINE_1, "line 3: a third copy" },
	{ LINE_0 "\n/dev/mmcblk0 0x720000 0x10000\n", "line 3: size 0x10000 differs" },
	{ LINE_0 "/dev/mmcblk0 0x720000\n", "line 2 has too few fields" },
	{ LINE_0 "/dev/mmcblk0 0x720000 0x20000 1 2 3\n", "line 2 has too many fields" },
	{ LINE_0 "/dev/mmcblk0 0x720000 0x20000 1 2 3 4 5 6 7 8 9\n", "too many fields" },
	{ LINE_0 "mmcblk0 0x720000 0x20000\n", "not an absolute path" },
	{ LINE_0 "/dev/mmcblk0 -0x20000 0x20000\n", "'-0x20000' is negative" },
	{ LINE_0 "/dev/mmcblk0 0x72000g 0x20000\n", "offset '0x72000g' is not a number" },
	{ LINE_0 "/dev/mmcblk0 0x720000 0x2000k\n", "size '0x2000k' is not a number" },
	{ LINE_0 "/dev/mmcblk0 0xffffffffffffffff 0x20000\n", "offset '0xffffffffffffffff' is not" },
	{ LINE_0 "/dev/mmcblk0 0x7ffffffffffffff0 0x20000\n", "offset '0x7ffffffffffffff0' is not" },
	{ LINE_0 "/dev/mmcblk0 0x720000 0x1ffffffffffffffff\n", "is not a number" },
	{ LINE_0 "/dev/mmcblk0 0x720000 0x20000 sectors\n", "sector size 'sectors' is not" },
	{ LINE_0 "/dev/mmcblk0 0x720000 131072\n", "size '131072' is not unambiguous" },
	{ LINE_0 "/dev/mmcblk0 0720000 0x20000\n", "offset '0720000' is not unambiguous" },
	{ "/dev/a 0x0 0xfff\n/dev/a 0x10000 0xfff\n", "out of range" },
	{ "/dev/a 0x0 0x100001\n/dev/a 0x200000 0x100001\n", "out of range" },
	{ "/dev/a 0x0 0x0\n/dev/a 0x10000 0x0\n", "out of range" },
	{ LINE_0 LINE_0, "overlap" },
	{ LINE_0 "/dev/mmcblk0 0x71ffff 0x20000\n", "overlap" },
	{ LINE_1 "/dev/mmcblk0 0x700001 0x20000\n", "overlap" },
	{ "uboot:\n  size : 0x20000\n", "line 1: this is the YAML form" },
	{ "---\n", "YAML" },
	{ "- path : /dev/x\n", "YAML" },
};

START_TEST(anything_else_is_refused_with_its_line)
{
	struct jota_fw_env env = { .size_bytes = 4711 };
	struct jota_err err = { 0 };

	ck_assert_int_eq(jota_fw_env_parse("/etc/fw_env.config", refused[_i].text, &env, &err),
			 -EINVAL);
	ck_assert_int_eq(err.errnum, EINVAL);
	ck_assert_msg(strstr(err.msg, refused[_i].says) != NULL, "said: %s", err.msg);
	ck_assert_msg(strncmp(err.msg, "/etc/fw_env.config", 18) == 0, "said: %s", err.msg);
	ck_assert_uint_eq(env.size_bytes, 4711);
}
END_TEST

START_TEST(device_name_that_does_not_fit_is_refused)
{
	static char text[PATH_MAX + 100];
	struct jota_fw_env env;
	struct jota_err err = { 0 };

	memset(text, 'd', PATH_MAX);
	text[0] = '/';
	memcpy(text + PATH_MAX, " 0x0 0x1000\n", 13);
	ck_assert_int_eq(jota_fw_env_parse("f", text, &env, &err), -EINVAL);
}
END_TEST

START_TEST(file_is_read_below_the_prefix)
{
	struct jota_fw_env env = { 0 };
	struct jota_err err = { 0 };
	struct scratch scratch = { 0 };

	scratch_make(&scratch);
	scratch_text(&scratch, "/etc/fw_env.config", LINE_0 LINE_1);
	ck_assert_int_eq(jota_fw_env_read(&scratch.io, "/etc/fw_env.config", &env, &err), 0);
	ck_assert_uint_eq(env.copy[1].offset_bytes, 0x720000);
	scratch_write(&scratch, "/etc/fw_env.config", LINE_0 "\0" LINE_1, sizeof(LINE_0 LINE_1));
	ck_assert_int_eq(jota_fw_env_read(&scratch.io, "/etc/fw_env.config", &env, &err), -EINVAL);
	scratch_drop(&scratch, "/etc/fw_env.config");
	ck_assert_int_eq(jota_fw_env_read(&scratch.io, "/etc/fw_env.config", &env, &err), -ENOENT);
	ck_assert_msg(strstr(err.msg, "there is no /etc/fw_env.config") != NULL &&
			      strstr(err.msg, "write two lines '<device> <offset> <size>'") != NULL,
		      "said: %s", err.msg);
	scratch_remove(&scratch);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
	Suite *suite = suite_create("fw_env");
	TCase *tcase = tcase_create("fw_env");

	tcase_add_loop_test(tcase, two_classic_lines_are_read, 0, COUNT(good));
	tcase_add_test(tcase, copies_on_two_devices_may_have_equal_offsets);
	tcase_add_test(tcase, second_copy_may_come_first_on_the_disk);
	tcase_add_loop_test(tcase, anything_else_is_refused_with_its_line, 0, COUNT(refused));
	tcase_add_test(tcase, device_name_that_does_not_fit_is_refused);
	tcase_add_test(tcase, file_is_read_below_the_prefix);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
