/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE
#include "health/child_start.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define GROUPS_MAX 34u
#define FILE_BYTES_MAX (64u << 20)
#define OPEN_FILES_MAX 256u
#define PROCESSES_MAX 512u

struct identity {
	bool change;
	uid_t uid;
	gid_t gid;
	gid_t group[GROUPS_MAX];
	size_t group_count;
};

int jota_child_program(const struct jota_check_run *run, const char *path, char *full,
		       size_t full_bytes, struct jota_finding *why)
{
	struct jota_err err = { 0 };
	struct stat st;

	if (jota_io_path(run->io, path, full, full_bytes, &err) < 0) {
		jota_found(why, JOTA_ERROR, JOTA_WHY_NO_PROGRAM, "%s", err.msg);
		return -EINVAL;
	}
	if (stat(full, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 0111)) {
		jota_found(why, JOTA_FAIL, JOTA_WHY_NO_PROGRAM,
			   "'%s' does not exist or is not executable", path);
		return -ENOENT;
	}
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) ||
	    (st.st_uid != 0 && (jota_io_is_real_root(run->io) || st.st_uid != geteuid()))) {
		jota_found(why, JOTA_ERROR, JOTA_WHY_UNSAFE_PROGRAM,
			   "'%s' belongs to user %u with mode %04o", path, (unsigned)st.st_uid,
			   (unsigned)(st.st_mode & 07777));
		return -EPERM;
	}
	return 0;
}

static int fail_user(struct jota_finding *why, const char *what, const char *name)
{
	jota_found(why, JOTA_ERROR, JOTA_WHY_NO_USER, "%s '%.60s' %s", what, name,
		   geteuid() == 0 ? "does not exist" : "needs root to change to");
	return -EPERM;
}

/* Resolved before the fork: what reads the user database should not run between fork and exec. */
static int resolve(const struct jota_child *child, struct identity *ret, struct jota_finding *why)
{
	const struct passwd *user;

	*ret = (struct identity){ .change = false };
	if (!child->user)
		return 0;
	/* A check's process has one thread. */
	/* cppcheck-suppress getpwnamCalled */
	user = getpwnam(child->user);
	if (user && user->pw_uid == geteuid())
		return 0;
	if (!user || geteuid() != 0)
		return fail_user(why, "user", child->user);
	ret->change = true;
	ret->uid = user->pw_uid;
	ret->gid = user->pw_gid;
	ret->group[ret->group_count++] = user->pw_gid;
	for (size_t i = 0; child->groups && child->groups[i]; i++) {
		/* cppcheck-suppress getgrnamCalled */
		const struct group *group = getgrnam(child->groups[i]);

		if (!group || ret->group_count == GROUPS_MAX)
			return fail_user(why, "group", child->groups[i]);
		ret->group[ret->group_count++] = group->gr_gid;
	}
	return 0;
}

static int become(const struct identity *who)
{
	if (!who->change)
		return 0;
	if (setgroups(who->group_count, who->group) < 0 ||
	    setresgid(who->gid, who->gid, who->gid) < 0 ||
	    setresuid(who->uid, who->uid, who->uid) < 0)
		return -1;
	/* Only after the change: the limit counts the processes of the user. */
	return setrlimit(RLIMIT_NPROC, &(struct rlimit){ PROCESSES_MAX, PROCESSES_MAX });
}

static int limit(void)
{
	if (setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) < 0 ||
	    setrlimit(RLIMIT_FSIZE, &(struct rlimit){ FILE_BYTES_MAX, FILE_BYTES_MAX }) < 0 ||
	    setrlimit(RLIMIT_NOFILE, &(struct rlimit){ OPEN_FILES_MAX, OPEN_FILES_MAX }) < 0)
		return -1;
	return 0;
}

#define ENVIRONMENT_COUNT 8
struct environment {
	char phase[48], slot[32], device[PATH_MAX], tmp_dir[PATH_MAX];
	char *list[ENVIRONMENT_COUNT];
};

static void make_environment(const struct jota_check_run *run, const struct jota_child *child,
			     struct environment *env)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C",
		    home[] = "HOME=/";
	const struct jota_health_context *context = run->context;
	size_t n = 0;

	env->list[n++] = path;
	env->list[n++] = locale;
	env->list[n++] = home;
	(void)snprintf(env->phase, sizeof(env->phase), "JOTA_PHASE=%s",
		       jota_phase_name(context->phase));
	env->list[n++] = env->phase;
	if (context->slot) {
		(void)snprintf(env->slot, sizeof(env->slot), "JOTA_SLOT=%.8s", context->slot);
		env->list[n++] = env->slot;
	}
	if (context->target_device) {
		(void)snprintf(env->device, sizeof(env->device), "JOTA_TARGET_DEVICE=%s",
			       context->target_device);
		env->list[n++] = env->device;
	}
	if (child->tmp_dir) {
		(void)snprintf(env->tmp_dir, sizeof(env->tmp_dir), "TMPDIR=%.4000s", child->tmp_dir);
		env->list[n++] = env->tmp_dir;
	}
	env->list[n] = NULL;
}

/* Without root there is nothing to set apart, and nothing that the program could get at either. */
static int set_apart(const struct jota_child *child)
{
	if (geteuid() != 0 || (!child->hide_dir && !child->no_network))
		return 0;
	if (child->no_network && unshare(CLONE_NEWNET) < 0)
		return -1;
	if (!child->hide_dir)
		return 0;
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	if (mount("none", child->hide_dir, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "size=1m,mode=0700") < 0 &&
	    errno != ENOENT)
		return -1;
	return 0;
}

static void __attribute__((noreturn))
execute(const char *full, const struct jota_child *child, char *const *env,
	const struct identity *who, int output_fd, int error_fd)
{
	int null = open("/dev/null", O_RDONLY);
	int failed;

	(void)umask(077);
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(output_fd, STDOUT_FILENO) >= 0 &&
	    dup2(output_fd, STDERR_FILENO) >= 0 && setsid() >= 0 && chdir("/") == 0 &&
	    limit() == 0 && set_apart(child) == 0 && become(who) == 0 &&
	    (!who->change || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) &&
	    prctl(PR_SET_PDEATHSIG, SIGKILL) == 0) { /* last: a change of user clears it */
		if (null > STDERR_FILENO)
			(void)close(null);
		(void)execve(full, child->argv, env);
	}
	failed = errno;
	/* Says nothing if the reader is gone, and then nobody cares. */
	if (write(error_fd, &failed, sizeof(failed)) < 0)
		_exit(126);
	_exit(127);
}

/* The pipe closes with the exec, or brings the errno of what went wrong before it. */
static int exec_result(int fd)
{
	int failed = 0;
	ssize_t n;

	do {
		n = read(fd, &failed, sizeof(failed));
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(failed) ? failed : 0;
}

pid_t jota_child_start(const struct jota_check_run *run, const struct jota_child *child,
		       int output_fd, struct jota_finding *why)
{
	char full[PATH_MAX];
	struct environment env = { 0 };
	struct identity who;
	int pipe_fd[2], failed;
	pid_t pid;
	int r;

	r = jota_child_program(run, child->argv[0], full, sizeof(full), why);
	if (r == 0)
		r = resolve(child, &who, why);
	if (r < 0)
		return r;
	make_environment(run, child, &env);
	pid = -1;
	if (pipe2(pipe_fd, O_CLOEXEC) == 0) {
		pid = fork();
		if (pid == 0)
			execute(full, child, env.list, &who, output_fd, pipe_fd[1]);
		failed = pid < 0 ? errno : 0;
		(void)close(pipe_fd[1]);
		if (pid > 0)
			failed = exec_result(pipe_fd[0]);
		(void)close(pipe_fd[0]);
	} else {
		failed = errno;
	}
	if (failed == 0)
		return pid;
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	jota_found(why, JOTA_ERROR, JOTA_WHY_NO_PROGRAM, "'%s' cannot be started: %s",
		   child->argv[0], strerror(failed));
	return -failed;
}
