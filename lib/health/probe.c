/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * caller ── warden ── worker ── what the check starts
 *
 * The worker does the check and writes one finding into a pipe. The warden waits for it until a little after the deadline, for a
 * check may have better words for its own timeout; then it ends everything below itself, and hands on what it knows. It is the
 * subreaper of all that, so that a program which forks away and changes session comes back to it. The caller waits for
 * the warden alone, and not for ever.
 */
#define _GNU_SOURCE
#include "health/probe.h"

#include "health/descendants.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* After the deadline: the warden acts, has ended everything, the caller gives up on the warden and kills it. */
#define WARDEN_ACTS_MS 1000u
#define WARDEN_ENDS_MS 2500u
#define CALLER_ACTS_MS 2750u
#define RESULT_FD 3

static uint64_t plus_ms(uint64_t time_ms, uint64_t more_ms)
{
	uint64_t sum;

	return __builtin_add_overflow(time_ms, more_ms, &sum) ? UINT64_MAX : sum;
}

/* A child gets the state of a new program, whatever the host did with its own signals. */
static void reset_signals(void)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int signal = 1; signal < NSIG; signal++)
		(void)sigaction(signal, &plain, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* False: the parent is gone already. */
static bool die_with(pid_t parent)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

/* Nothing of the host's stays open, so a check cannot hold its files, locks and sockets. */
static bool keep_only(int fd)
{
	/* First, in case the host had closed its standard streams and fd is one of them. */
	int kept = fcntl(fd, F_DUPFD_CLOEXEC, RESULT_FD);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (kept < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0)
		return false;
	if (kept != RESULT_FD && dup3(kept, RESULT_FD, O_CLOEXEC) < 0)
		return false;
	closefrom(RESULT_FD + 1);
	return true;
}

/* A finding is smaller than PIPE_BUF: it arrives whole or not at all. */
static void send_finding(int fd, const struct jota_finding *finding)
{
	ssize_t n;

	do {
		n = write(fd, finding, sizeof(*finding));
	} while (n < 0 && errno == EINTR);
}

static bool is_text(const char *text, size_t bytes)
{
	return memchr(text, '\0', bytes) != NULL;
}

/* Comes from a process that may have been taken over by what it checked. */
static bool is_finding(const struct jota_finding *f)
{
	if ((unsigned)f->status >= JOTA_STATUS_COUNT || f->status == JOTA_SKIPPED ||
	    (unsigned)f->reason >= JOTA_WHY_COUNT)
		return false;
	return is_text(f->message, sizeof(f->message)) && is_text(f->token, sizeof(f->token));
}

enum received { FINDING, NOTHING, TOO_LATE };

static enum received receive(int fd, uint64_t deadline_ms, struct jota_finding *ret)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	struct jota_finding got;
	ssize_t n;
	int r;

	do {
		r = poll(&ready, 1, (int)jota_left_ms(deadline_ms));
	} while (r < 0 && errno == EINTR);
	if (r == 0)
		return TOO_LATE;
	do {
		n = r < 0 ? -1 : read(fd, &got, sizeof(got));
	} while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(got) || !is_finding(&got))
		return NOTHING;
	jota_make_printable(got.message);
	jota_make_printable(got.token);
	*ret = got;
	return FINDING;
}

static void __attribute__((noreturn))
work(const struct jota_check_run *run, pid_t warden, int result_fd)
{
	struct jota_finding finding = { .status = JOTA_ERROR, .reason = JOTA_WHY_INTERNAL };

	if (die_with(warden) && keep_only(result_fd)) {
		run->check->kind->run(run, &finding);
		send_finding(RESULT_FD, &finding);
	}
	_exit(0);
}

static void say_stuck(const struct jota_check_run *run, struct jota_finding *ret)
{
	jota_found(ret, JOTA_TIMEOUT, JOTA_WHY_DEADLINE, "no result after %g s",
		   run->check->deadline_ms / 1000.0);
}

/* The worker's own words come first; what was left behind is added to them. */
static void watch(const struct jota_check_run *run, int fd, pid_t worker, struct jota_finding *ret)
{
	uint64_t acts_ms = plus_ms(run->deadline_ms, WARDEN_ACTS_MS);
	enum received received = receive(fd, acts_ms, ret);
	struct jota_ended ended;

	if (received == NOTHING)
		jota_found(ret, JOTA_ERROR, JOTA_WHY_CRASHED,
			   "the check's process ended without a result");
	else if (received == TOO_LATE)
		say_stuck(run, ret);
	ended = jota_descendants_end(worker,
				     plus_ms(jota_now_ms(), WARDEN_ENDS_MS - WARDEN_ACTS_MS));
	if (ended.survivors && received == TOO_LATE)
		jota_found(ret, JOTA_TIMEOUT, JOTA_WHY_UNKILLABLE,
			   "no result after %g s, and the kernel cannot end it",
			   run->check->deadline_ms / 1000.0);
	else if (ended.count > 0 && received == FINDING) {
		struct jota_finding said = *ret;

		jota_found(ret, said.status, said.reason, "%s%s(left behind and ended: %zu)",
			   said.message, said.message[0] ? " " : "", ended.count);
	}
}

static void __attribute__((noreturn))
guard(const struct jota_check_run *run, pid_t caller, int result_fd)
{
	struct jota_finding finding = { .status = JOTA_ERROR, .reason = JOTA_WHY_INTERNAL };
	pid_t self = getpid(), worker;
	int pipe_fd[2];

	reset_signals();
	if (!die_with(caller) || !keep_only(result_fd))
		_exit(1);
	(void)setsid();
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (pipe2(pipe_fd, O_CLOEXEC) < 0 || (worker = fork()) < 0) {
		jota_found(&finding, JOTA_ERROR, JOTA_WHY_INTERNAL, "start the check: %s",
			   strerror(errno));
		send_finding(RESULT_FD, &finding);
		_exit(1);
	}
	if (worker == 0)
		work(run, self, pipe_fd[1]);
	/* Else the end of the worker would not end the pipe. */
	(void)close(pipe_fd[1]);
	watch(run, pipe_fd[0], worker, &finding);
	send_finding(RESULT_FD, &finding);
	_exit(0);
}

/* By its pid alone, with or without a host that ignores SIGCHLD or waits for everybody: then there is none to wait for. */
static void reap(pid_t pid, uint64_t deadline_ms)
{
	const struct timespec step = { .tv_nsec = 2000000L };
	pid_t got;

	while ((got = waitpid(pid, NULL, WNOHANG)) == 0 || (got < 0 && errno == EINTR)) {
		if (jota_left_ms(deadline_ms) == 0)
			return;
		(void)nanosleep(&step, NULL);
	}
}

void jota_probe(const struct jota_check_run *run, struct jota_finding *ret)
{
	uint64_t acts_ms = plus_ms(run->deadline_ms, CALLER_ACTS_MS);
	pid_t caller = getpid(), warden;
	enum received received;
	int pipe_fd[2];

	memset(ret, 0, sizeof(*ret));
	if (pipe2(pipe_fd, O_CLOEXEC) < 0) {
		jota_found(ret, JOTA_ERROR, JOTA_WHY_INTERNAL, "make a pipe: %s", strerror(errno));
		return;
	}
	warden = fork();
	if (warden == 0)
		guard(run, caller, pipe_fd[1]);
	(void)close(pipe_fd[1]);
	if (warden < 0) {
		jota_found(ret, JOTA_ERROR, JOTA_WHY_INTERNAL, "fork: %s", strerror(errno));
		(void)close(pipe_fd[0]);
		return;
	}
	received = receive(pipe_fd[0], acts_ms, ret);
	(void)close(pipe_fd[0]);
	if (received == NOTHING)
		jota_found(ret, JOTA_ERROR, JOTA_WHY_CRASHED,
			   "the process that watches the check ended without a result");
	else if (received == TOO_LATE)
		say_stuck(run, ret);
	if (received != FINDING)
		(void)kill(warden, SIGKILL);
	reap(warden, plus_ms(run->deadline_ms, JOTA_PROBE_EXTRA_MS));
}
