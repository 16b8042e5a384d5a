/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE
#include "base/spawn.h"

#include "base/cleanup.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 10
#define MERCY_MS 500u
#define PATIENCE_MS 3000u /* after SIGKILL */

static uint64_t now_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static int set_attributes(posix_spawnattr_t *attr)
{
	sigset_t all, none;
	int r;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						   POSIX_SPAWN_SETSIGDEF);
	if (r == 0)
		r = posix_spawnattr_setpgroup(attr, 0);
	if (r == 0)
		r = posix_spawnattr_setsigmask(attr, &none);
	return r ? r : posix_spawnattr_setsigdefault(attr, &all);
}

static int set_files(posix_spawn_file_actions_t *files, int output_fd)
{
	int r = posix_spawn_file_actions_adddup2(files, output_fd, STDOUT_FILENO);

	if (r == 0)
		r = posix_spawn_file_actions_adddup2(files, output_fd, STDERR_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	/* Files that other threads of the host open meanwhile are closed too. */
	return r ? r : posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
}

int jota_spawn_start(char *const *argv, int output_fd, pid_t *ret_pid)
{
	static const char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
	char *const env[] = { (char *)path, (char *)locale, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int r = posix_spawn_file_actions_init(&files);

	if (r)
		return r;
	r = posix_spawnattr_init(&attr);
	if (r == 0) {
		r = set_attributes(&attr);
		if (r == 0)
			r = set_files(&files, output_fd);
		if (r == 0)
			r = posix_spawn(ret_pid, argv[0], &files, &attr, argv, env);
		(void)posix_spawnattr_destroy(&attr);
	}
	(void)posix_spawn_file_actions_destroy(&files);
	return r;
}

/* One run, while it lasts. */
struct running {
	pid_t pid;
	int fd;
	uint64_t deadline_ms; /* of the next harder means */
	unsigned means;	      /* 0 none yet, 1 SIGTERM, 2 SIGKILL were sent */
	bool taken;	      /* somebody else has reaped it: the number may be another's by now */
	size_t seen_bytes, tail_bytes;
	struct jota_spawned *ret;
};

static void keep_tail(struct running *run, const char *data, size_t bytes)
{
	char *tail = run->ret->tail;
	const size_t room = sizeof(run->ret->tail) - 1;
	size_t drop;

	if (bytes > room) {
		data += bytes - room;
		bytes = room;
	}
	drop = run->tail_bytes + bytes > room ? run->tail_bytes + bytes - room : 0;
	memmove(tail, tail + drop, run->tail_bytes - drop);
	memcpy(tail + (run->tail_bytes - drop), data, bytes);
	run->tail_bytes = run->tail_bytes - drop + bytes;
	tail[run->tail_bytes] = '\0';
}

/* What is there now, at most so much at a time: the deadline must have its turn. */
static void drain(struct running *run)
{
	char data[4096];

	for (unsigned round = 0; round < 64; round++) {
		ssize_t n = read(run->fd, data, sizeof(data));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		run->seen_bytes += (size_t)n;
		keep_tail(run, data, (size_t)n);
	}
}

/* True once there is no means left. */
static bool press(struct running *run)
{
	bool late = now_ms() >= run->deadline_ms;

	if (run->means == 0 && !late && run->seen_bytes > JOTA_SPAWN_OUTPUT_MAX)
		late = run->ret->too_much = true;
	if (!late)
		return false;
	if (run->means == 2)
		return true;
	if (run->means == 0)
		run->ret->timed_out = !run->ret->too_much;
	(void)kill(-run->pid, run->means == 0 ? SIGTERM : SIGKILL);
	run->deadline_ms = now_ms() + (run->means == 0 ? MERCY_MS : PATIENCE_MS);
	run->means++;
	return false;
}

/* Ended, but not reaped: its number still stands for its group. */
static bool has_ended(struct running *run)
{
	siginfo_t info = { .si_pid = 0 };

	if (waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return run->taken = errno == ECHILD;
	return info.si_pid == run->pid;
}

static void watch(struct running *run)
{
	struct pollfd ready = { .fd = run->fd, .events = POLLIN };
	int status;

	while (!has_ended(run)) {
		drain(run);
		if (press(run)) {
			run->ret->stuck = true;
			return;
		}
		/* At the end of its output poll() would return at once, for ever. */
		if (poll(&ready, 1, TICK_MS) > 0 && !(ready.revents & POLLIN))
			(void)poll(NULL, 0, TICK_MS);
	}
	if (!run->taken)
		(void)kill(-run->pid, SIGKILL);
	drain(run);
	if (!run->taken && waitpid(run->pid, &status, WNOHANG) == run->pid) {
		run->ret->status_known = true;
		run->ret->status = status;
	}
}

int jota_spawn_run(char *const *argv, uint32_t deadline_ms, struct jota_spawned *ret,
		   struct jota_err *err)
{
	struct running run = { .ret = ret, .deadline_ms = now_ms() + deadline_ms };
	int pipe_fd[2], r;

	memset(ret, 0, sizeof(*ret));
	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return jota_fail(err, errno, "start '%s'", argv[0]);
	CLEANUP_FD int read_fd = pipe_fd[0];
	/* Only our end: the other one is shared with a program that expects to block. */
	(void)fcntl(read_fd, F_SETFL, O_NONBLOCK);
	r = jota_spawn_start(argv, pipe_fd[1], &run.pid);
	(void)close(pipe_fd[1]);
	if (r)
		return jota_fail(err, r, "start '%s'", argv[0]);
	run.fd = read_fd;
	watch(&run);
	return 0;
}
