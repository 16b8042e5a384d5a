/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE /* pipe2 */
#include "swu/sign_key.h"

#include "base/cleanup.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#define SIGNATURE_BYTES_MAX 16384u
#define POLL_MS 100
#define EXIT_NOT_FOUND 127

/* The program while it runs: its ends of two pipes are ours. */
struct child {
	const char *name;
	pid_t pid;
	int to_fd, from_fd;
	time_t until;
	const atomic_bool *cancel;
};

static time_t now_s(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* A group of its own, so that what it starts ends with it; default signals, whatever ours are. */
static int spawn(const struct jota_recipe_signer *r, int in_fd, int out_fd, pid_t *ret_pid)
{
	char *argv[33] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	if (r->command.count == 0)
		return EINVAL;
	for (size_t i = 0; i < r->command.count && i + 1 < sizeof(argv) / sizeof(argv[0]); i++)
		argv[i] = r->command.item[i];
	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawnattr_init(&attr);
	rc = posix_spawn_file_actions_adddup2(&actions, in_fd, STDIN_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	(void)posix_spawnattr_setpgroup(&attr, 0);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setsigdefault(&attr, &all);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	if (rc == 0)
		rc = posix_spawnp(ret_pid, argv[0], &actions, &attr, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attr);
	return rc;
}

static int start(struct child *c, const struct jota_recipe_signer *r, struct jota_err *err)
{
	int in[2], out[2];
	int rc;

	if (pipe2(in, O_CLOEXEC) < 0)
		return jota_fail(err, errno, "start '%s'", c->name);
	if (pipe2(out, O_CLOEXEC) < 0) {
		rc = jota_fail(err, errno, "start '%s'", c->name);
		(void)close(in[0]);
		(void)close(in[1]);
		return rc;
	}
	rc = spawn(r, in[0], out[1], &c->pid);
	(void)close(in[0]);
	(void)close(out[1]);
	c->to_fd = in[1];
	c->from_fd = out[0];
	/* A child that reads slowly must not hold us. */
	(void)fcntl(c->to_fd, F_SETFL, O_NONBLOCK);
	(void)fcntl(c->from_fd, F_SETFL, O_NONBLOCK);
	c->until = now_s() + (time_t)r->timeout_s;
	return rc ? jota_fail(err, rc, "start the signer '%s'", c->name) : 0;
}

static int check_patience(const struct child *c, unsigned timeout_s, struct jota_err *err)
{
	if (c->cancel && atomic_load(c->cancel))
		return jota_fail(err, ECANCELED, "interrupted while '%s' signed.", c->name);
	if (now_s() >= c->until)
		return jota_fail(err, ETIMEDOUT, "the signer '%s' gave nothing in %u s.", c->name,
				 timeout_s);
	return 0;
}

/* SIGPIPE cannot come: it is ignored or blocked by whoever calls, and EPIPE means it read enough. */
static void feed(struct child *c, const uint8_t *data, size_t len_bytes, size_t *sent)
{
	ssize_t n = write(c->to_fd, data + *sent, len_bytes - *sent);

	if (n > 0)
		*sent += (size_t)n;
	if (*sent == len_bytes || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		(void)close(c->to_fd);
		c->to_fd = -1;
	}
}

static int talk(struct child *c, const struct jota_recipe_signer *r, const uint8_t *data,
		size_t len_bytes, uint8_t *sig, size_t *ret_bytes, struct jota_err *err)
{
	size_t sent = 0;
	int rc = 0;

	*ret_bytes = 0;
	while (rc == 0) {
		struct pollfd fds[2] = { { .fd = c->from_fd, .events = POLLIN },
					 { .fd = c->to_fd, .events = POLLOUT } };
		ssize_t n;

		(void)poll(fds, 2, POLL_MS);
		if (c->to_fd >= 0 && fds[1].revents)
			feed(c, data, len_bytes, &sent);
		n = read(c->from_fd, sig + *ret_bytes, SIGNATURE_BYTES_MAX - *ret_bytes);
		if (n == 0)
			return 0;
		if (n > 0)
			*ret_bytes += (size_t)n;
		if (*ret_bytes == SIGNATURE_BYTES_MAX)
			rc = jota_fail(err, EBADMSG, "'%s' writes more than a signature.", c->name);
		else
			rc = check_patience(c, r->timeout_s, err);
	}
	return rc;
}

/* It has closed its output; wait for its end as long as it may take. */
static int reap(struct child *c, const struct jota_recipe_signer *r, struct jota_err *err)
{
	int status = 0, rc = 0;
	pid_t got;

	while ((got = waitpid(c->pid, &status, WNOHANG)) == 0 && rc == 0) {
		(void)poll(NULL, 0, 10);
		rc = check_patience(c, r->timeout_s, err);
	}
	if (got != c->pid) {
		(void)kill(-c->pid, SIGKILL);
		(void)waitpid(c->pid, &status, 0);
		return rc < 0 ? rc : jota_fail(err, ECHILD, "wait for '%s'", c->name);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	/* Where posix_spawn() cannot tell, it ends the child with this number; so do shells. */
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NOT_FOUND)
		return jota_fail(err, ENOENT, "start the signer '%s' (exit code %d)", c->name,
				 EXIT_NOT_FOUND);
	if (WIFEXITED(status))
		return jota_fail(err, EIO, "the signer '%s' ended with exit code %d.", c->name,
				 WEXITSTATUS(status));
	return jota_fail(err, EIO, "the signer '%s' was ended by signal %d.", c->name,
			 WTERMSIG(status));
}

int jota_sign_command(const struct jota_recipe_signer *recipe, const atomic_bool *cancel,
		      const uint8_t *data, size_t len_bytes, uint8_t **ret_sig,
		      size_t *ret_sig_bytes, struct jota_err *err)
{
	struct child c = {
		.name = recipe->command.item[0], .to_fd = -1, .from_fd = -1, .cancel = cancel
	};
	CLEANUP_FREE uint8_t *sig = malloc(SIGNATURE_BYTES_MAX);
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	size_t used = 0;
	int rc, ended;

	if (!sig)
		return jota_fail(err, ENOMEM, "sign");
	(void)sigaction(SIGPIPE, &ignore, &before);
	rc = start(&c, recipe, err);
	if (rc == 0) {
		rc = talk(&c, recipe, data, len_bytes, sig, &used, err);
		if (rc < 0)
			(void)kill(-c.pid, SIGKILL);
		ended = reap(&c, recipe, rc < 0 ? NULL : err);
		rc = rc < 0 ? rc : ended;
	}
	if (c.to_fd >= 0)
		(void)close(c.to_fd);
	if (c.from_fd >= 0)
		(void)close(c.from_fd);
	(void)sigaction(SIGPIPE, &before, NULL);
	if (rc == 0 && used == 0)
		rc = jota_fail(err, EBADMSG, "the signer '%s' wrote nothing.", c.name);
	if (rc < 0)
		return rc;
	*ret_sig = take_ptr(&sig);
	*ret_sig_bytes = used;
	return 0;
}
