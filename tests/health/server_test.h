/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* A server of a test's own, in a process that is no child of the test: a run must leave none. */
#pragma once

#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t server_pid; /* 0: none runs */
static unsigned port;

/** Let serve(listener, what) run until server_stop(); it never returns. The listener is the server's alone then. */
static inline void server_start(int listener, void (*serve)(int listener, const void *what),
				const void *what)
{
	int pipe_fd[2];
	pid_t middle;

	ck_assert_int_eq(listen(listener, 5), 0);
	ck_assert_int_eq(pipe(pipe_fd), 0);
	middle = fork();
	if (middle == 0) {
		pid_t pid = fork();

		if (pid == 0) {
			(void)signal(SIGPIPE, SIG_IGN);
			serve(listener, what);
		}
		(void)!write(pipe_fd[1], &pid, sizeof(pid));
		_exit(0);
	}
	ck_assert_int_eq(read(pipe_fd[0], &server_pid, sizeof(server_pid)), sizeof(server_pid));
	(void)close(pipe_fd[0]);
	(void)close(pipe_fd[1]);
	(void)waitpid(middle, NULL, 0);
	(void)close(listener);
}

static inline void server_stop(void)
{
	if (server_pid > 0)
		(void)kill(server_pid, SIGKILL);
	server_pid = 0;
}

/** A socket on a port of ours, which is `port` then; nobody listens there yet, and nobody else can. */
static inline int take_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	port = ntohs(address.sin_port);
	return fd;
}
