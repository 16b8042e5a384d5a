/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* A root with programs and files to check, a plan from text, and proof that a run left nothing behind. */
#pragma once

#include "base/err.h"
#include "health/health.h"
#include "health/kind.h"
#include "health/plan.h"
#include "support/run.h"
#include "support/scratch.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct scratch scratch;
static struct jota_report report; /* of the last run */

static inline void health_setup(void)
{
	scratch_make(&scratch);
	/* Checks run as nobody when the tests run as root. */
	ck_assert_int_eq(chmod(scratch.root, 0755), 0);
}

static inline void remove_tree(const char *path)
{
	char *const argv[] = { "rm", "-rf", (char *)path, NULL };
	pid_t pid = fork();

	if (pid == 0) {
		execv("/bin/rm", argv);
		_exit(127);
	}
	(void)waitpid(pid, NULL, 0);
}

static inline void health_teardown(void)
{
	remove_tree(scratch.root);
}

/** A shell script below the root; it is what a check executes, not what executes the check. */
static inline void script(const char *path, const char *body)
{
	char text[2048], full[PATH_MAX];

	(void)snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", body);
	scratch_text(&scratch, path, text);
	scratch_path(&scratch, path, full);
	ck_assert_int_eq(chmod(full, 0755), 0);
}

static inline void make_dir(const char *path, mode_t mode)
{
	char full[PATH_MAX];

	scratch_path(&scratch, path, full);
	ck_assert_int_eq(mkdir(full, mode), 0);
	ck_assert_int_eq(chmod(full, mode), 0);
}

static inline size_t open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		count++;
	(void)closedir(dir);
	return count;
}

/** No child, living or dead, belongs to this process. */
#define ck_no_children()                                                                           \
	ck_assert_msg(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "a child is left")

/** Far more than anything takes that ends at all: what is asserted is that it ends, on whatever machine. */
#define LATE_MS 30000u

/** Wait until a process that wrote its pid into a file of the root is gone. */
static inline bool is_gone(const char *pid_file)
{
	char full[PATH_MAX];
	long pid = 0;
	FILE *f;

	scratch_path(&scratch, pid_file, full);
	f = fopen(full, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%ld", &pid), 1);
	(void)fclose(f);
	for (unsigned i = 0; i < LATE_MS / 10; i++) {
		if (kill((pid_t)pid, 0) < 0 && errno == ESRCH)
			return true;
		(void)usleep(10000);
	}
	return false;
}

static inline void plan_from(const char *head, const char *checks, struct jota_plan *ret)
{
	struct jota_err err = { 0 };
	char text[8192];

	(void)snprintf(text, sizeof(text), "%s\nchecks = (\n%s\n);\n", head, checks);
	ck_assert_msg(jota_plan_parse("test", text, ret, &err) == 0, "%s in:\n%s", err.msg, text);
}

/** Run a plan; nothing may be left behind, whatever happens in it. */
static inline void run_plan(const struct jota_plan *plan, const struct jota_health_context *context,
			    const struct jota_report *baseline)
{
	size_t before = open_files();
	struct jota_err err = { 0 };

	ck_assert_msg(jota_health_run(&scratch.io, plan, context, baseline, &report, &err) == 0,
		      "%s", err.msg);
	ck_assert_uint_eq(open_files(), before);
	ck_no_children();
}

/** Run one check, given without its name, without a stability window, and return its result. */
static inline const struct jota_result *run_one(const char *check)
{
	static const struct jota_health_context context = { .phase = JOTA_PHASE_POSTBOOT };
	struct jota_plan plan;
	char text[4096];

	(void)snprintf(text, sizeof(text), "{ name = \"it\"; %s }", check);
	plan_from("stability_s = 0;", text, &plan);
	run_plan(&plan, &context, NULL);
	jota_plan_done(&plan);
	ck_assert_uint_eq(report.count, 1);
	return &report.result[0];
}

#define ck_result(check, want_status, want_reason, want_words)                                     \
	do {                                                                                       \
		const struct jota_result *ck_r_ = run_one(check);                                  \
		ck_assert_msg(ck_r_->status == (want_status) && ck_r_->reason == (want_reason) &&  \
				      strstr(ck_r_->message, want_words),                          \
			      "%s: %s %s '%s'", check, jota_status_name(ck_r_->status),            \
			      jota_reason_word(ck_r_->reason), ck_r_->message);                    \
	} while (0)
#define ck_pass(check, words) ck_result(check, JOTA_PASS, JOTA_WHY_OK, words)
#define ck_fail(check, reason, words) ck_result(check, JOTA_FAIL, reason, words)
