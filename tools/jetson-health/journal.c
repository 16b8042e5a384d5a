/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE
#include "journal.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/spawn.h"
#include "health/kind.h"

#define JOURNALCTL "/usr/bin/journalctl"
#define TICK_MS 20

static int start(char *program, const char *boot_id, int fd, pid_t *ret_pid)
{
	const char *argv[] = { program,	    "-q", "--no-pager", "-o",
			       "short-iso", "-n", "500",	boot_id ? "-b" : "--boot",
			       boot_id,	    NULL };

	return jota_spawn_start((char *const *)argv, fd, ret_pid);
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
