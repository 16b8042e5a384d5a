// SPDX-License-Identifier: LGPL-2.1-or-later
// SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
//
// The U-Boot model itself: its environment and its interpreter of the script language.
#include "test_fixture.h"

/* ---- the environment ---- */

static const struct {
	uint8_t flags0;
	uint8_t flags1;
	char want;
} serials[] = {
	{ 1, 0, '0' },	 { 0, 1, '1' },	    { 5, 5, '0' },   { 255, 0, '1' },
	{ 0, 255, '0' }, { 254, 255, '1' }, { 255, 1, '0' }, { 128, 127, '0' },
};

START_TEST(newer_copy_wins_and_serial_wraps)
{
	SET("mark=1"); /* into copy 1 */
	SET("mark=0"); /* into copy 0 */
	write_at(in_dir("disk"), COPY0 + 4, &serials[_i].flags0, 1);
	write_at(in_dir("disk"), COPY1 + 4, &serials[_i].flags1, 1);
	expect_var("mark", serials[_i].want == '0' ? "0" : "1");
}
END_TEST

START_TEST(one_bad_copy_leaves_the_other)
{
	SET("mark=1");
	break_copy(COPY1);
	expect_var("mark", NULL);
	SET("mark=again");
	break_copy(COPY0);
	expect_var("mark", "again");
}
END_TEST

START_TEST(a_copy_beyond_the_end_of_the_file_is_bad)
{
	SET("mark=1");
	ck_assert_int_eq(truncate(in_dir("disk"), COPY1 + 100), 0);
	expect_var("mark", NULL);
	expect_boot('A');
}
END_TEST

START_TEST(flags_are_not_covered_by_the_checksum_but_data_is)
{
	char value[8];

	write_at(in_dir("disk"), COPY0 + 4, "\x30", 1);
	write_at(in_dir("disk"), COPY1 + 4, "\x20", 1);
	expect_var("bootlimit", "3");
	write_at(in_dir("disk"), COPY0 + 0x1ffff, "x", 1);
	write_at(in_dir("disk"), COPY1 + 0x1ffff, "x", 1);
	ck_assert_int_eq(model_env_get(&machine, "bootlimit", value, sizeof(value)), -ENODATA);
}
END_TEST

START_TEST(store_writes_one_copy_and_raises_the_serial)
{
	uint8_t before[0x20000];
	uint8_t after[0x20000];
	int fd = open(in_dir("disk"), O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(pread(fd, before, sizeof(before), COPY0), sizeof(before));
	SET("a=1", "b=2", "bootlimit=");
	ck_assert_int_eq(pread(fd, after, sizeof(after), COPY0), sizeof(after));
	ck_assert_int_eq(memcmp(before, after, sizeof(after)), 0);
	ck_assert_int_eq(pread(fd, after, sizeof(after), COPY1), sizeof(after));
	ck_assert_int_eq(after[4], 2);
	ck_assert_int_eq(close(fd), 0);
	expect_var("b", "2");
	expect_var("bootlimit", NULL);
}
END_TEST

/* ---- the interpreter ---- */

/* What U-Boot 2023.01 itself prints and returns for these, seen on its serial console. */
static const struct {
	const char *text;
	int rc;
	const char *echo;
} hush[] = {
	{ "if test a = b; then echo no; fi", 1, "" },
	{ "if test a = a; then test a = b; fi", 1, "" },
	{ "test a = b && echo no", 1, "" },
	{ "test a = a || echo no", 0, "" },
	{ "test a = b || echo yes", 0, "yes\n" },
	{ "test a = b && echo no && echo no; echo after", 0, "after\n" },
	{ "if test a = a; then test a = b && echo no; echo in; else echo no; fi", 0, "in\n" },
	{ "if test a = b || test a = a; then echo or; fi", 0, "or\n" },
	{ "if test a = a && test b = c; then echo no; else echo else; fi", 0, "else\n" },
	{ "if test a = b; then echo 1; elif test a = a; then echo 2; else echo 3; fi", 0, "2\n" },
	{ "if test a = b; then echo 1; elif test a = c; then echo 2; fi", 1, "" },
	{ "if test a = a; then test a = b; elif test a = a; then echo no; fi", 1, "" },
	{ "if test a = b; test a = a; then echo last; fi", 0, "last\n" },
	{ "if if test a = a; then test a = b; fi; then echo no; else echo e; fi", 0, "e\n" },
	{ "run nosuch", 1, "## Error: \"nosuch\" not defined\n" },
	{ "setenv nosuch", 0, "" },
	{ "test \"${nosuch}\" = \"\"", 0, "" },
	{ "test -z \"${nosuch}\"", 0, "" },
	{ "test -n \"${nosuch}\"", 1, "" },
	{ "test \"${sp}\" = \"a b\"", 0, "" },
	{ "echo ${sp} ${nosuch} x", 0, "a b x\n" },
	{ "echo \"${dol}\"", 0, "x${sp}y\n" },
	{ "echo \"${semi}\" ${semi}", 0, "a;echo injected a;echo injected\n" },
	{ "setexpr h 0xa0000000 + 28; echo ${h}", 0, "a0000028\n" },
	{ "setenv q 1; if test \"${q}\" = 1; then setenv q 2; echo ${q}; fi", 0, "2\n" },
};

START_TEST(interpreter_agrees_with_what_u_boot_did)
{
	char assignment[512];
	char want[512];

	(void)snprintf(assignment, sizeof(assignment), "t=%s", hush[_i].text);
	SET(assignment, "sp=a b", "dol=x${sp}y", "semi=a;echo injected",
	    "bootcmd=echo begin; if run t; then echo rc 0; else echo rc 1; fi; reset");
	ck_assert_int_eq(boot_outcome(), MODEL_RESET);
	(void)snprintf(want, sizeof(want), "begin\n%src %d\nRESET", hush[_i].echo, hush[_i].rc);
	ck_assert_msg(strstr(console, want) != NULL, "want '%s' in:\n%s", want, console);
}
END_TEST

static const char *const refused[] = {
	"frobnicate",
	"if test a = b; then frobnicate; fi",
	"test a = b && echo no || echo or",
	"echo a | echo b",
	"echo a & echo b",
	"echo 'a'",
	"echo $a",
	"echo a$",
	"echo ${a:-b}",
	"echo a\\b",
	"echo \"open",
	"echo a\"b\"",
	"x=1",
	"${cmd}",
	"if test a = a; then echo x",
	"if test a = a; echo x; fi",
	"then echo x",
	"for i in a b; do echo x; done",
	"echo a;; echo b",
	"test a = a &&",
	"test a -gt b",
	"test ! a = b",
	"test -n a -a -n b",
	"setexpr x 1 * 2",
	"itest.l *0xa0000000 == 0",
	"mmc erase 0 1",
	"mmc read 0xa0000000 0 1",
	"echo \"${quote}\"",
	"run loop",
	"setenv loop x y",
};

START_TEST(interpreter_refuses_loudly_what_it_does_not_know)
{
	char assignment[512];
	struct model_result r;

	(void)snprintf(assignment, sizeof(assignment), "bootcmd=%s; reset", refused[_i]);
	SET(assignment, "quote=it's", "cmd=echo", "loop=run loop");
	model_boot(&machine, &r);
	ck_assert_msg(r.outcome == MODEL_ERROR, "'%s' gave %s: %s", refused[_i],
		      model_outcome_name(r.outcome), r.why);
	ck_assert_str_ne(r.why, "");
}
END_TEST

/* ---- what surrounds it ---- */

START_TEST(environment_that_does_not_fit_is_not_written)
{
	static char big[0x1fffb + 1];
	const char *const too_big[] = { big };

	memset(big, 'x', sizeof(big) - 1);
	memcpy(big, "big=", 4);
	SET("mark=1");
	ck_assert_int_eq(model_env_set(&machine, too_big, 1), -ENOSPC);
	expect_var("mark", "1");
	SET("back=a\\b");
	SET("mark=2");
	expect_var("back", "a\\b");
}
END_TEST

START_TEST(the_last_root_on_the_command_line_counts)
{
	struct model_bootimg_spec spec = kernel_spec(7);
	struct model_result r;

	spec.cmdline = "root=PARTLABEL=B_APP";
	ck_assert_int_eq(model_bootimg_write(in_dir("A_kernel"), &spec), 0);
	model_boot(&machine, &r);
	ck_assert_int_eq(r.outcome, MODEL_BOOTED);
	ck_assert_str_eq(r.kernel_part, "A_kernel");
	ck_assert_str_eq(r.root_part, "B_APP");
}
END_TEST

START_TEST(a_script_that_boots_stale_memory_is_an_error)
{
	machine.parts[0].size_bytes = KERNEL_PART_BYTES;
	ck_assert_int_eq(truncate(in_dir("A_kernel"), 4096), 0);
	SET("bootcmd=mmc dev 0; part start mmc 0 A_kernel at; part size mmc 0 A_kernel n; "
	    "mmc read 0xa0000000 ${at} ${n}; bootm 0xa0000000 -; reset");
	ck_assert_int_eq(boot_outcome(), MODEL_ERROR);
}
END_TEST

START_TEST(complete_slot_needs_kernel_and_root)
{
	char why[128] = "";
	char before[41];
	char after[41];

	ck_assert_int_eq(model_slot_complete(&machine, 'B', why, sizeof(why)), 1);
	ck_assert_int_eq(model_part_digest(&machine, "B_kernel", 0, before), 0);
	write_at(in_dir("B_kernel"), 9000, "damage", 6);
	ck_assert_int_eq(model_part_digest(&machine, "B_kernel", 0, after), 0);
	ck_assert_str_ne(before, after);
	ck_assert_int_eq(model_slot_complete(&machine, 'B', why, sizeof(why)), 0);
	ck_assert_int_eq(model_slot_complete(&machine, 'A', why, sizeof(why)), 1);
	write_at(in_dir("A_APP"), 1024 + 56, "\0\0", 2);
	ck_assert_int_eq(model_slot_complete(&machine, 'A', why, sizeof(why)), 0);
	ck_assert_str_ne(why, "");
	ck_assert_int_eq(model_slot_complete(&machine, 'C', why, sizeof(why)), -ENOENT);
	ck_assert_int_eq(model_part_digest(&machine, "B_APP", 1 << 20, after), -ERANGE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("uboot_model");
	TCase *tc = tcase_create("environment");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, newer_copy_wins_and_serial_wraps, 0, COUNT(serials));
	tcase_add_test(tc, one_bad_copy_leaves_the_other);
	tcase_add_test(tc, a_copy_beyond_the_end_of_the_file_is_bad);
	tcase_add_test(tc, flags_are_not_covered_by_the_checksum_but_data_is);
	tcase_add_test(tc, store_writes_one_copy_and_raises_the_serial);
	tcase_add_test(tc, environment_that_does_not_fit_is_not_written);
	tcase_add_test(tc, the_last_root_on_the_command_line_counts);
	tcase_add_test(tc, a_script_that_boots_stale_memory_is_an_error);
	tcase_add_test(tc, complete_slot_needs_kernel_and_root);
	suite_add_tcase(suite, tc);
	tc = tcase_create("interpreter");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, interpreter_agrees_with_what_u_boot_did, 0, COUNT(hush));
	tcase_add_loop_test(tc, interpreter_refuses_loudly_what_it_does_not_know, 0, COUNT(refused));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
