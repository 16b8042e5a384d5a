/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "health/kind.h"

#define JOURNALCTL "/usr/bin/journalctl"
#define TICK_MS 20

/* A process group of its own, so that all of it can be ended; nothing open but the file. */
static int start(const char *program, const char *boot_id, int fd, pid_t *ret_pid)
{
	static const char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
	const char *argv[] = { "journalctl", "-q", "--no-pager", "-o",
			       "short-iso",  "-n", "500",	 boot_id ? "-b" : "--boot",
			       boot_id,	     NULL };
	char *const env[] = { (char *)path, (char *)locale, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int r = posix_spawn_file_actions_init(&files);

	if (r)
		return r;
	r = posix_spawnattr_init(&attr);
	if (r == 0) {
		(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
		(void)posix_spawnattr_setpgroup(&attr, 0);
		r = posix_spawn_file_actions_adddup2(&files, fd, STDOUT_FILENO);
		if (r == 0)
			r = posix_spawn_file_actions_adddup2(&files, fd, STDERR_FILENO);
		if (r == 0)
			r = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null",
							     O_RDONLY, 0);
		if (r == 0)
			r = posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
		if (r == 0)
			r = posix_spawn(ret_pid, program, &files, &attr, (char *const *)argv, env);
		(void)posix_spawnattr_destroy(&attr);
	}
	(void)posix_spawn_file_actions_destroy(&files);
	return r;
}

static bool has_enough(int fd, size_t max_bytes)
{
	struct stat st;

	return fstat(fd, &st) < 0 || (uint64_t)st.st_size > max_bytes;
}

/* The kernel may be unable to end it: then it is left behind rather than waited for. */
static void end(pid_t pid)
{
	(void)kill(-pid, SIGKILL);
	for (unsigned i = 0; i < 50 && waitpid(pid, NULL, WNOHANG) == 0; i++)
		(void)poll(NULL, 0, TICK_MS);
}

int journal_save(const struct jota_io *io, const char *boot_id, int fd, size_t max_bytes,
		 uint32_t deadline_ms, struct jota_err *err)
{
	uint64_t end_ms = jota_now_ms() + deadline_ms;
	char program[PATH_MAX];
	struct stat st = { 0 };
	pid_t pid = 0;
	int r = jota_io_path(io, JOURNALCTL, program, sizeof(program), err);

	if (r < 0)
		return r;
	r = start(program, boot_id, fd, &pid);
	if (r)
		return jota_fail(err, r, "start '%s'", program);
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (jota_left_ms(end_ms) == 0 || has_enough(fd, max_bytes)) {
			end(pid);
			break;
		}
		(void)poll(NULL, 0, TICK_MS);
	}
	if (has_enough(fd, max_bytes) && ftruncate(fd, (off_t)max_bytes) < 0)
		return jota_fail(err, errno, "cut the journal");
	if (fstat(fd, &st) < 0 || st.st_size == 0)
		return jota_fail(err, ENODATA, "'%s' printed nothing.", program);
	return 0;
}
