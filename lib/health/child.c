/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE
#include "health/child.h"

#include "health/child_start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS 10
#define MERCY_MS 500u

/* Keeps the last bytes: what a program says before it gives up is worth more than how it began. */
static void keep_tail(struct jota_child_end *end, const char *data, size_t bytes, size_t *len)
{
	const size_t room = sizeof(end->tail) - 1;

	end->seen_bytes += bytes;
	if (bytes >= room) {
		memcpy(end->tail, data + (bytes - room), room);
		*len = room;
	} else {
		size_t drop = *len + bytes > room ? *len + bytes - room : 0;

		memmove(end->tail, end->tail + drop, *len - drop);
		memcpy(end->tail + (*len - drop), data, bytes);
		*len = *len - drop + bytes;
	}
	end->tail[*len] = '\0';
}

/* What is there now, at most so many rounds: a program that prints without end must not keep us from its deadline. */
static void drain(int fd, struct jota_child_end *end, size_t *len)
{
	char data[16384];

	for (int round = 0; round < 64; round++) {
		ssize_t n = read(fd, data, sizeof(data));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		keep_tail(end, data, (size_t)n, len);
	}
}

/* Ends the group by and by; true once it has to be over. */
static void end_group(pid_t pid, uint64_t deadline_ms, struct jota_child_end *end)
{
	if (jota_left_ms(deadline_ms) > 0)
		return;
	if (!end->timed_out) {
		end->timed_out = true;
		(void)kill(-pid, SIGTERM);
	} else if (jota_left_ms(deadline_ms + MERCY_MS) == 0) {
		(void)kill(-pid, SIGKILL);
	}
}

static void collect(pid_t pid, int fd, uint64_t deadline_ms, struct jota_child_end *end)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	size_t len = 0;

	for (;;) {
		pid_t got = waitpid(pid, &end->status, WNOHANG);

		drain(fd, end, &len);
		if (got == pid || (got < 0 && errno != EINTR))
			break;
		end_group(pid, deadline_ms, end);
		/* At the end of its output poll() would return at once, for ever. */
		if (poll(&ready, 1, TICK_MS) > 0 && !(ready.revents & POLLIN))
			(void)poll(NULL, 0, TICK_MS);
	}
}

int jota_child_run(const struct jota_check_run *run, const struct jota_child *child,
		   struct jota_child_end *ret, struct jota_finding *why)
{
	int pipe_fd[2];
	pid_t pid;

	memset(ret, 0, sizeof(*ret));
	if (pipe2(pipe_fd, O_CLOEXEC) < 0) {
		jota_found(why, JOTA_ERROR, JOTA_WHY_INTERNAL, "make a pipe: %s", strerror(errno));
		return -EMFILE;
	}
	(void)fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK);
	pid = jota_child_start(run, child, pipe_fd[1], why);
	(void)close(pipe_fd[1]);
	if (pid > 0)
		collect(pid, pipe_fd[0], run->deadline_ms, ret);
	(void)close(pipe_fd[0]);
	return pid < 0 ? (int)pid : 0;
}

void jota_child_last_line(const char *output, char *buf, size_t buf_bytes)
{
	size_t end = strlen(output), start, len;

	while (end > 0 && strchr(" \t\r\n", output[end - 1]))
		end--;
	for (start = end; start > 0 && output[start - 1] != '\n'; start--)
		;
	len = end - start < buf_bytes - 1 ? end - start : buf_bytes - 1;
	memcpy(buf, output + start, len);
	buf[len] = '\0';
	jota_make_printable(buf);
}
