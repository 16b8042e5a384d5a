/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What is asked of a new slot: programs, kernel release, os-release, and which checks are done at all. */
#include "health/new_check.h"
#include "health/new_kernel.h"
#include "health/new_program.h"
#include "health/newroot_test.h"
#include "health/preflip.h"

START_TEST(a_program_must_be_able_to_start_here)
{
	add_elf("/bin/static", HERE, NULL);
	add("/lib/ld.so", "loader", 0755);
	add_elf("/bin/good", HERE, "/lib/ld.so");
	add_elf("/bin/lost", HERE, "/lib/none.so");
	add_elf("/bin/relative", HERE, "lib/ld.so");
	add_elf("/bin/foreign", ELSEWHERE, NULL);
	add("/bin/short", "\177ELF\002\001", 0755);
	add("/bin/empty", "", 0755);
	add("/bin/text", "hello\n", 0755);
	add("/bin/script", "#! \t/bin/good -x\n", 0755);
	add("/bin/script2", "#!/bin/script\n", 0755);
	add("/bin/unnamed", "#!\n", 0755);
	add("/bin/endless", "#!/bin/good", 0755);
	add("/bin/plain", "#!/bin/good\n", 0644);
	open_way(_i);
	ck_assert_int_eq(jota_new_program_check(root, "/bin/static", &err), 0);
	ck_assert_int_eq(jota_new_program_check(root, "/bin/good", &err), 0);
	ck_assert_int_eq(jota_new_program_check(root, "/bin/script", &err), 0);
	says(jota_new_program_check(root, "/bin/lost", &err), -ENOENT,
	     "'/lib/none.so', which is not");
	says(jota_new_program_check(root, "/bin/relative", &err), -ENOEXEC, "names no loader");
	says(jota_new_program_check(root, "/bin/foreign", &err), -ENOEXEC, "this machine is");
	says(jota_new_program_check(root, "/bin/short", &err), -ENOEXEC, "ends within its ELF");
	says(jota_new_program_check(root, "/bin/empty", &err), -ENOEXEC, "is empty");
	says(jota_new_program_check(root, "/bin/text", &err), -ENOEXEC, "neither ELF nor a script");
	says(jota_new_program_check(root, "/bin/script2", &err), -ENOEXEC, "no ELF program");
	says(jota_new_program_check(root, "/bin/unnamed", &err), -ENOEXEC, "neither");
	says(jota_new_program_check(root, "/bin/endless", &err), -ENOEXEC, "neither");
	says(jota_new_program_check(root, "/bin/plain", &err), -EACCES, "mode 0644");
	says(jota_new_program_check(root, "/bin", &err), -ENOEXEC, "no regular file");
}
END_TEST

/* In pieces of every small size: what is cut in the middle is found all the same. */
START_TEST(the_release_is_found_wherever_it_stands)
{
	static const char stream[] = "xLinux version %s (\0Linux version \0Linux version 5 \0"
				     "Linux version 5.10.120-tegra (x) #1\0Linux version 6.1 ";
	static struct jota_banner banner;
	size_t piece = (size_t)_i + 1;
	int found = 0;

	memset(&banner, 0, sizeof(banner));
	for (size_t at = 0; !found && at < sizeof(stream); at += piece) {
		size_t left = sizeof(stream) - at;

		found = jota_banner_feed(&banner, (const uint8_t *)stream + at,
					 left < piece ? left : piece);
	}
	ck_assert_int_eq(found, 1);
	ck_assert_str_eq(banner.release, "5.10.120-tegra");
}
END_TEST

START_TEST(a_release_that_is_too_long_is_none)
{
	static struct jota_banner banner;
	char text[200] = "";

	(void)snprintf(text, sizeof(text), "Linux version %065d (", 1);
	ck_assert_int_eq(jota_banner_feed(&banner, (const uint8_t *)text, sizeof(text)), 0);
	(void)snprintf(text, sizeof(text), "Linux version %064d (", 1);
	ck_assert_int_eq(jota_banner_feed(&banner, (const uint8_t *)text, sizeof(text)), 1);
}
END_TEST

START_TEST(values_of_os_release_lose_their_quotes)
{
	static const char text[] = "# x\nVERSION=9\nVERSION_ID=\"1.2\"\nA='b c'\nE=\nQ=\"\nID=x\r\n";
	char word[6];

	ck_assert_int_eq(jota_new_value(text, "VERSION_ID", word, sizeof(word)), 0);
	ck_assert_str_eq(word, "1.2");
	ck_assert_int_eq(jota_new_value(text, "A", word, sizeof(word)), 0);
	ck_assert_str_eq(word, "b c");
	ck_assert_int_eq(jota_new_value(text, "E", word, sizeof(word)), 0);
	ck_assert_str_eq(word, "");
	ck_assert_int_eq(jota_new_value(text, "Q", word, sizeof(word)), 0);
	ck_assert_str_eq(word, "\"");
	ck_assert_int_eq(jota_new_value(text, "ID", word, sizeof(word)), 0);
	ck_assert_str_eq(word, "x");
	ck_assert_int_eq(jota_new_value(text, "SION", word, sizeof(word)), -ENOENT);
	ck_assert_int_eq(jota_new_value(text, "A", word, 3), -ENAMETOOLONG);
}
END_TEST

static size_t count_checks(const struct jota_plan *plan, const char *kind)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->count; i++)
		count += !kind || strcmp(plan->check[i].kind->name, kind) == 0;
	return count;
}

static void write_conf(const char *checks)
{
	char text[1024];

	make_dir("/etc", 0755);
	make_dir("/etc/swupdate-jetson", 0755);
	(void)snprintf(text, sizeof(text),
		       "checks = ({ name = \"k\"; kind = \"kernel-modules\"; }%s);", checks);
	scratch_text(&scratch, "/etc/swupdate-jetson/health.conf", text);
}

START_TEST(built_in_checks_are_done_unless_their_kind_is_configured)
{
	struct jota_plan plan;

	ck_assert_msg(jota_preflip_plan(&scratch.io, &plan, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(count_checks(&plan, NULL), 8);
	jota_plan_done(&plan);
	write_conf(
		",{ name = \"a\"; kind = \"new-init\"; phase = \"preflip\"; path = \"/init\"; }"
		",{ name = \"b\"; kind = \"new-init\"; phase = \"preflip\"; severity = \"warning\"; }"
		",{ name = \"c\"; kind = \"command\"; phase = \"preflip\"; argv = [ \"/x\" ]; }");
	ck_assert_msg(jota_preflip_plan(&scratch.io, &plan, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(count_checks(&plan, NULL), 10);
	ck_assert_uint_eq(count_checks(&plan, "new-init"), 2);
	ck_assert_uint_eq(count_checks(&plan, "kernel-modules"), 0);
	ck_assert_ptr_null(jota_plan_find(&plan, "new-init"));
	jota_plan_done(&plan);
}
END_TEST

START_TEST(a_configuration_that_is_refused_is_no_empty_one)
{
	struct jota_plan plan;

	write_conf(",{ name = \"a\"; kind = \"new-init\"; }");
	says(jota_preflip_plan(&scratch.io, &plan, &err), -EINVAL, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("health/new_slot");
	TCase *tc = tcase_create("new_slot");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_program_must_be_able_to_start_here, 0, 2);
	tcase_add_loop_test(tc, the_release_is_found_wherever_it_stands, 0, 70);
	tcase_add_test(tc, a_release_that_is_too_long_is_none);
	tcase_add_test(tc, values_of_os_release_lose_their_quotes);
	tcase_add_test(tc, built_in_checks_are_done_unless_their_kind_is_configured);
	tcase_add_test(tc, a_configuration_that_is_refused_is_no_empty_one);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
