/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Preloaded into swupdate: counts its writes and syncs of files below INTERRUPT_BELOW and notes each
 * in the file INTERRUPT_LOG. Before number INTERRUPT_AT (from 1 on) the signal INTERRUPT_SIGNAL
 * strikes, and whoever was about to write waits for the end.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int count;

static int number_of(const char *name)
{
	const char *text = getenv(name);

	return text ? (int)strtol(text, NULL, 10) : 0;
}

static void note(const char *operation, const char *name)
{
	const char *path = getenv("INTERRUPT_LOG");
	char line[300];
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	int n = snprintf(line, sizeof(line), "%s %s\n", operation, name);
	long written;

	if (fd < 0 || n <= 0)
		return;
	/* Not through write(), which is ours. */
	written = syscall(SYS_write, fd, line, (size_t)n);
	(void)written;
	(void)close(fd);
}

static void operation(const char *what, int fd)
{
	const char *below = getenv("INTERRUPT_BELOW");
	char link[64], path[PATH_MAX];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = below ? readlink(link, path, sizeof(path) - 1) : -1;
	if (n < 0)
		return;
	path[n] = '\0';
	if (strncmp(path, below, strlen(below)) != 0)
		return;
	note(what, path + strlen(below));
	if (atomic_fetch_add(&count, 1) + 1 != number_of("INTERRUPT_AT"))
		return;
	(void)kill(getpid(), number_of("INTERRUPT_SIGNAL"));
	for (;;)
		(void)pause();
}

ssize_t write(int fd, const void *data, size_t len_bytes)
{
	ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");

	operation("write", fd);
	return real(fd, data, len_bytes);
}

ssize_t pwrite(int fd, const void *data, size_t len_bytes, off_t at)
{
	ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");

	operation("write", fd);
	return real(fd, data, len_bytes, at);
}

int fsync(int fd)
{
	int (*real)(int) = dlsym(RTLD_NEXT, "fsync");

	operation("sync", fd);
	return real(fd);
}
