/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* A program run from within somebody else's process leaves nothing behind, and cannot hold it up. */
#include "base/err.h"
#include "base/spawn.h"
#include "support/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct jota_spawned ended;
static struct jota_err err;

static int run(const char *script, uint32_t deadline_ms)
{
	char shell[] = "/bin/sh", c[] = "-c", *argv[] = { shell, c, (char *)script, NULL };

	memset(&err, 0, sizeof(err));
	return jota_spawn_run(argv, deadline_ms, &ended, &err);
}

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void no_child_is_left(void)
{
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

START_TEST(output_and_status_come_back)
{
	ck_assert_int_eq(run("echo out; echo err >&2; exit 7", 10000), 0);
	ck_assert_str_eq(ended.tail, "out\nerr\n");
	ck_assert(ended.status_known && WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == 7);
	ck_assert(!ended.timed_out && !ended.too_much && !ended.stuck);
	no_child_is_left();
}
END_TEST

START_TEST(what_does_not_exist_is_an_error)
{
	char none[] = "/nowhere/program", *argv[] = { none, NULL };

	ck_assert_int_eq(jota_spawn_run(argv, 1000, &ended, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "'/nowhere/program'"));
	no_child_is_left();
}
END_TEST

START_TEST(a_program_that_hangs_is_ended_in_time)
{
	double began = seconds();

	ck_assert_int_eq(run("trap '' TERM; echo here; while :; do sleep 60; done", 300), 0);
	ck_assert(ended.timed_out && !ended.stuck);
	ck_assert_str_eq(ended.tail, "here\n");
	ck_assert(WIFSIGNALED(ended.status) && WTERMSIG(ended.status) == SIGKILL);
	ck_assert(seconds() - began < 20);
	no_child_is_left();
}
END_TEST

START_TEST(a_program_that_prints_for_ever_is_ended)
{
	ck_assert_int_eq(
		run("while :; do echo 0123456789012345678901234567890123456789; done", 60000), 0);
	ck_assert(ended.too_much && !ended.timed_out);
	ck_assert_uint_eq(strlen(ended.tail), sizeof(ended.tail) - 1);
	no_child_is_left();
}
END_TEST

START_TEST(the_end_of_much_output_is_kept)
{
	ck_assert_int_eq(
		run("i=0; while [ $i -lt 3000 ]; do echo line-$i; i=$((i+1)); done; echo end",
		    60000),
		0);
	ck_assert(!ended.too_much);
	ck_assert_str_eq(ended.tail + strlen(ended.tail) - 4, "end\n");
}
END_TEST

START_TEST(nobody_waits_for_what_it_leaves_behind)
{
	double began = seconds();

	ck_assert_int_eq(run("sleep 60 & echo started", 30000), 0);
	ck_assert(!ended.timed_out);
	ck_assert(seconds() - began < 20);
}
END_TEST

START_TEST(a_program_gets_nothing_of_its_host)
{
	int fd = open("/dev/null", O_RDONLY);
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t all;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(setenv("LD_PRELOAD_MARK", "x", 1), 0);
	ck_assert_int_eq(sigaction(SIGPIPE, &ignore, NULL), 0);
	(void)sigfillset(&all);
	ck_assert_int_eq(sigprocmask(SIG_SETMASK, &all, NULL), 0);
	ck_assert_int_eq(
		run("env; ls /proc/$$/fd; exec grep -E 'SigBlk|SigIgn' /proc/self/status", 10000),
		0);
	(void)close(fd);
	ck_assert_ptr_null(strstr(ended.tail, "MARK"));
	ck_assert_ptr_nonnull(strstr(ended.tail, "PATH=/usr/sbin:/usr/bin:/sbin:/bin"));
	ck_assert_ptr_nonnull(strstr(ended.tail, "SigBlk:\t0000000000000000"));
	/* 32 and 33 are glibc's own; it lets a new program ignore them. */
	ck_assert(strstr(ended.tail, "SigIgn:\t0000000180000000") ||
		  strstr(ended.tail, "SigIgn:\t0000000000000000"));
	ck_assert_ptr_null(strstr(ended.tail, "\n4\n"));
}
END_TEST

START_TEST(a_host_that_reaps_everybody_costs_the_status_only)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	ck_assert_int_eq(sigaction(SIGCHLD, &ignore, NULL), 0);
	ck_assert_int_eq(run("echo said", 10000), 0);
	ck_assert_str_eq(ended.tail, "said\n");
	ck_assert(!ended.status_known);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/spawn");
	TCase *tc = tcase_create("spawn");

	tcase_set_timeout(tc, 90);
	tcase_add_test(tc, output_and_status_come_back);
	tcase_add_test(tc, what_does_not_exist_is_an_error);
	tcase_add_test(tc, a_program_that_hangs_is_ended_in_time);
	tcase_add_test(tc, a_program_that_prints_for_ever_is_ended);
	tcase_add_test(tc, the_end_of_much_output_is_kept);
	tcase_add_test(tc, nobody_waits_for_what_it_leaves_behind);
	tcase_add_test(tc, a_program_gets_nothing_of_its_host);
	tcase_add_test(tc, a_host_that_reaps_everybody_costs_the_status_only);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
