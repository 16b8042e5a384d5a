/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The lock files of the seam. What is written into them is for people and survives nothing. */
#include "base/io.h"

#include "base/cleanup.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RETRY_STEP_MS 20u

static int make_parent(const struct jota_io *io, const char *path, struct jota_err *err)
{
	char full[PATH_MAX];
	char *slash;
	int r;

	r = jota_io_path(io, path, full, sizeof(full), err);
	if (r < 0)
		return r;
	slash = strrchr(full, '/');
	if (!slash || slash == full)
		return 0;
	*slash = '\0';
	if (mkdir(full, 0755) < 0 && errno != EEXIST)
		return jota_fail(err, errno, "make the directory '%s' for a lock file", full);
	return 0;
}

static uint64_t now_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* 0, -EWOULDBLOCK when somebody else still holds it after wait_ms, or -errno. */
static int lock_within(int fd, unsigned wait_ms)
{
	const struct timespec step = { .tv_nsec = RETRY_STEP_MS * 1000000L };
	uint64_t deadline_ms = now_ms() + wait_ms;

	for (;;) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (errno == EWOULDBLOCK && now_ms() >= deadline_ms)
			return -EWOULDBLOCK;
		(void)nanosleep(&step, NULL);
	}
}

static int fail_busy(int fd, const char *path, struct jota_err *err)
{
	char text[96];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return jota_fail(err, EBUSY, "'%s' is held by '%s': try again when that has ended.", path,
			 text[0] != '\0' ? text : "another process");
}

static int write_holder(int fd, const char *holder, const char *path, struct jota_err *err)
{
	char text[96];
	int len = snprintf(text, sizeof(text), "%s pid %ld\n", holder, (long)getpid());

	if (len < 0 || (size_t)len >= sizeof(text))
		return jota_fail(err, EINVAL, "the name of the holder of '%s' is too long.", path);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)len, 0) != len)
		return jota_fail(err, errno, "write the holder into '%s'", path);
	return 0;
}

int jota_io_lock(const struct jota_io *io, const char *path, const char *holder, unsigned wait_ms,
		 struct jota_err *err)
{
	CLEANUP_FD int fd = -1;
	int r;

	r = make_parent(io, path, err);
	if (r < 0)
		return r;
	/* O_NOFOLLOW: in a directory that others can write, a link must not lead elsewhere. */
	fd = jota_io_open(io, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NOCTTY, 0644, err);
	if (fd < 0)
		return fd;
	r = lock_within(fd, wait_ms);
	if (r == -EWOULDBLOCK)
		return fail_busy(fd, path, err);
	if (r < 0)
		return jota_fail(err, -r, "lock '%s'", path);
	r = write_holder(fd, holder, path, err);
	if (r < 0) {
		jota_io_unlock(take_fd(&fd));
		return r;
	}
	return take_fd(&fd);
}

/* A close alone releases nothing while a fork has the descriptor too, as swupdate's helpers may. */
void jota_io_unlock(int fd)
{
	(void)flock(fd, LOCK_UN);
	(void)close(fd);
}
