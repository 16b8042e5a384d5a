/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Programs as checks: what they may do, what they get, and that nothing of them is left. */
#include "health/health_test.h"

#include <fcntl.h>
#include <stdlib.h>

#define COMMAND(path) "kind = \"command\"; argv = [ \"" path "\" ];"

START_TEST(success_passes_with_the_last_words)
{
	script("/bin/ok", "echo first; echo '  last words  '; echo");
	ck_pass(COMMAND("/bin/ok"), "last words");
	ck_assert_str_eq(report.result[0].message, "last words");
	ck_assert(report.healthy);
}
END_TEST

START_TEST(failure_tells_status_and_last_words)
{
	script("/bin/no", "echo all well so far; echo 'no GPU' >&2; exit 3");
	ck_fail(COMMAND("/bin/no"), JOTA_WHY_EXIT_STATUS, "exit status 3: no GPU");
	ck_assert(!report.healthy);
	ck_assert_ptr_eq(jota_report_culprit(&report), &report.result[0]);
}
END_TEST

START_TEST(a_signal_is_told)
{
	script("/bin/dies", "kill -SEGV $$");
	ck_fail(COMMAND("/bin/dies"), JOTA_WHY_SIGNALLED, "signal 11");
}
END_TEST

START_TEST(arguments_are_no_shell)
{
	script("/bin/args",
	       "[ \"$#\" = 2 ] && [ \"$1\" = 'a b' ] && [ \"$2\" = '$(exit 1); false' ]");
	ck_pass("kind = \"command\"; argv = [ \"/bin/args\", \"a b\", \"$(exit 1); false\" ];", "");
}
END_TEST

START_TEST(a_program_that_is_missing_or_not_executable_is_told)
{
	scratch_text(&scratch, "/bin/plain", "#!/bin/sh\n");
	ck_fail(COMMAND("/bin/none"), JOTA_WHY_NO_PROGRAM, "/bin/none");
	ck_fail(COMMAND("/bin/plain"), JOTA_WHY_NO_PROGRAM, "/bin/plain");
	ck_fail(COMMAND("/bin"), JOTA_WHY_NO_PROGRAM, "/bin");
}
END_TEST

START_TEST(a_program_that_the_kernel_refuses_is_an_error)
{
	char full[PATH_MAX];

	scratch_text(&scratch, "/bin/garbage",
		     "\x7f"
		     "ELF nonsense");
	scratch_path(&scratch, "/bin/garbage", full);
	ck_assert_int_eq(chmod(full, 0755), 0);
	ck_result(COMMAND("/bin/garbage"), JOTA_ERROR, JOTA_WHY_NO_PROGRAM, "cannot be started");
	ck_assert(!report.healthy);
}
END_TEST

START_TEST(a_program_that_others_may_write_is_not_run)
{
	char full[PATH_MAX];

	script("/bin/open", "exit 0");
	scratch_path(&scratch, "/bin/open", full);
	ck_assert_int_eq(chmod(full, 0775), 0);
	ck_result(COMMAND("/bin/open"), JOTA_ERROR, JOTA_WHY_UNSAFE_PROGRAM, "0775");
}
END_TEST

START_TEST(an_unknown_user_is_an_error)
{
	script("/bin/ok", "exit 0");
	ck_result("kind = \"command\"; argv = [ \"/bin/ok\" ]; user = \"no-such-user\";",
		  JOTA_ERROR, JOTA_WHY_NO_USER, "no-such-user");
}
END_TEST

START_TEST(root_runs_programs_as_nobody_with_no_new_rights)
{
	script("/bin/who", "[ \"$(id -un)\" = nobody ] && [ \"$(id -G)\" = \"$(id -g)\" ] && "
			   "grep -q 'NoNewPrivs:.1' /proc/self/status");
	script("/bin/root", "[ \"$(id -u)\" = 0 ]");
	if (geteuid() != 0)
		return; /* without root there is nobody else to become */
	ck_pass(COMMAND("/bin/who"), "");
	ck_pass("kind = \"command\"; argv = [ \"/bin/root\" ]; user = \"root\";", "");
}
END_TEST

START_TEST(neither_environment_nor_files_of_the_caller_are_passed_on)
{
	int fd = open("/dev/null", O_RDONLY);

	ck_assert_int_eq(dup2(fd, 77), 77);
	ck_assert_int_eq(setenv("JOTA_SECRET", "x", 1), 0);
	script("/bin/env",
	       "[ -z \"$JOTA_SECRET\" ] && [ \"$PATH\" = /usr/sbin:/usr/bin:/sbin:/bin ] && "
	       "[ \"$JOTA_PHASE\" = postboot ] && [ \"$PWD\" = / ] && "
	       "[ ! -e /proc/self/fd/77 ] && [ ! -e /proc/$$/fd/77 ] && ! read -r line");
	ck_pass(COMMAND("/bin/env"), "");
	(void)close(77);
	ck_assert_int_eq(unsetenv("JOTA_SECRET"), 0);
	(void)close(fd);
}
END_TEST

START_TEST(preflip_programs_are_told_slot_and_device)
{
	const struct jota_health_context context = { .phase = JOTA_PHASE_PREFLIP,
						     .slot = "B",
						     .target_device = "/dev/mmcblk0p6" };
	struct jota_plan plan;

	script("/bin/new", "[ \"$JOTA_PHASE $JOTA_SLOT $JOTA_TARGET_DEVICE\" = 'preflip B "
			   "/dev/mmcblk0p6' ]");
	script("/bin/never", "exit 1");
	plan_from("",
		  "{ name = \"new\"; phase = \"preflip\"; " COMMAND(
			  "/bin/new") " },"
				      "{ name = \"later\"; " COMMAND("/bin/never") " }",
		  &plan);
	run_plan(&plan, &context, NULL);
	jota_plan_done(&plan);
	ck_assert_uint_eq(report.count, 1);
	ck_assert_str_eq(report.result[0].name, "new");
	ck_assert(report.healthy);
	ck_assert_str_eq(report.slot, "B");
}
END_TEST

START_TEST(output_without_end_is_bounded_and_ended)
{
	script("/bin/gigabyte", "head -c 1073741824 /dev/zero | tr '\\0' x; echo; echo done");
	script("/bin/endless", "exec yes");
	ck_pass(COMMAND("/bin/gigabyte") " deadline_s = 60;", "done");
	ck_result(COMMAND("/bin/endless") " deadline_s = 2.0;", JOTA_TIMEOUT, JOTA_WHY_DEADLINE,
		  "y");
}
END_TEST

START_TEST(control_characters_do_not_get_into_the_message)
{
	script("/bin/escape", "printf '\\033[2Jcleared\\377\\n'; exit 1");
	ck_fail(COMMAND("/bin/escape"), JOTA_WHY_EXIT_STATUS, "?[2Jcleared?");
}
END_TEST

START_TEST(a_program_that_ignores_sigterm_is_killed)
{
	uint64_t began_ms = jota_now_ms();

	script("/bin/deaf", "trap '' TERM; echo $$ > \"${0%/bin/deaf}/tmp/pid\"; echo deaf; "
			    "while :; do sleep 60; done");
	make_dir("/tmp", 01777);
	ck_result(COMMAND("/bin/deaf") " deadline_s = 3.0;", JOTA_TIMEOUT, JOTA_WHY_DEADLINE,
		  "deaf");
	ck_assert_uint_lt(jota_now_ms() - began_ms, LATE_MS);
	ck_assert(is_gone("/tmp/pid"));
}
END_TEST

START_TEST(a_program_that_minds_sigterm_may_say_why)
{
	script("/bin/polite", "trap 'echo waited for the camera; exit 1' TERM; sleep 60 & wait");
	ck_result(COMMAND("/bin/polite") " deadline_s = 3.0;", JOTA_TIMEOUT, JOTA_WHY_DEADLINE,
		  "waited for the camera");
}
END_TEST

START_TEST(what_forks_away_is_ended_too)
{
	make_dir("/tmp", 01777);
	script("/bin/daemon", "top=${0%/bin/daemon}; "
			      "setsid sh -c 'trap \"\" TERM HUP; echo $$ > '$top'/tmp/pid; "
			      "exec sleep 60' & "
			      "while [ ! -s $top/tmp/pid ]; do sleep 0.01; done");
	ck_pass(COMMAND("/bin/daemon"), "left behind");
	ck_assert(is_gone("/tmp/pid"));
}
END_TEST

START_TEST(what_forks_away_from_a_timeout_is_ended_too)
{
	make_dir("/tmp", 01777);
	script("/bin/daemon",
	       "top=${0%/bin/daemon}; "
	       "setsid sh -c '(setsid sh -c \"echo \\$\\$ > '$top'/tmp/pid; exec sleep 60\") &' "
	       "& while :; do sleep 60; done");
	ck_result(COMMAND("/bin/daemon") " deadline_s = 3.0;", JOTA_TIMEOUT, JOTA_WHY_DEADLINE, "");
	ck_assert(is_gone("/tmp/pid"));
}
END_TEST

START_TEST(a_chain_of_forks_is_caught)
{
	make_dir("/tmp", 01777);
	/* Renamed, because a hop may be ended between making its file and writing into it. */
	script("/bin/hop", "top=${0%/bin/hop}; n=${1:-0}; echo $$ > $top/tmp/$$; "
			   "mv $top/tmp/$$ $top/tmp/pid; "
			   "[ $n -gt 2000 ] || { setsid \"$0\" $((n + 1)) & exit 0; }");
	(void)run_one(COMMAND("/bin/hop"));
	ck_assert(is_gone("/tmp/pid"));
}
END_TEST

START_TEST(a_program_that_vanishes_while_it_runs_changes_nothing)
{
	script("/bin/self", "rm -f \"$0\" 2>/dev/null; exit 0");
	ck_pass(COMMAND("/bin/self"), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("command");
	TCase *tcase = tcase_create("command");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, health_setup, health_teardown);
	tcase_add_test(tcase, success_passes_with_the_last_words);
	tcase_add_test(tcase, failure_tells_status_and_last_words);
	tcase_add_test(tcase, a_signal_is_told);
	tcase_add_test(tcase, arguments_are_no_shell);
	tcase_add_test(tcase, a_program_that_is_missing_or_not_executable_is_told);
	tcase_add_test(tcase, a_program_that_the_kernel_refuses_is_an_error);
	tcase_add_test(tcase, a_program_that_others_may_write_is_not_run);
	tcase_add_test(tcase, an_unknown_user_is_an_error);
	tcase_add_test(tcase, root_runs_programs_as_nobody_with_no_new_rights);
	tcase_add_test(tcase, neither_environment_nor_files_of_the_caller_are_passed_on);
	tcase_add_test(tcase, preflip_programs_are_told_slot_and_device);
	tcase_add_test(tcase, output_without_end_is_bounded_and_ended);
	tcase_add_test(tcase, control_characters_do_not_get_into_the_message);
	tcase_add_test(tcase, a_program_that_ignores_sigterm_is_killed);
	tcase_add_test(tcase, a_program_that_minds_sigterm_may_say_why);
	tcase_add_test(tcase, what_forks_away_is_ended_too);
	tcase_add_test(tcase, what_forks_away_from_a_timeout_is_ended_too);
	tcase_add_test(tcase, a_chain_of_forks_is_caught);
	tcase_add_test(tcase, a_program_that_vanishes_while_it_runs_changes_nothing);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
