/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE
#include "health/descendants.h"

#include "base/cleanup.h"
#include "health/kind.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STEP_MS 5
#define PROCESSES_MAX 65536u

struct process {
	pid_t pid, parent;
	bool below;
};

struct processes {
	struct process *at;
	size_t count, room;
};

/* "PID (NAME) STATE PPID ...": the name may hold anything, the last parenthesis ends it. */
static pid_t parent_of(int proc_fd, const char *pid)
{
	CLEANUP_FD int fd = -1;
	char path[32], text[512], *end;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%.15s/stat", pid);
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	end = strrchr(text, ')');
	if (!end || strlen(end) < 5)
		return -1;
	return (pid_t)strtol(end + 4, NULL, 10);
}

static void add(struct processes *all, pid_t pid, pid_t parent)
{
	if (all->count == all->room) {
		size_t room = all->room ? all->room * 2 : 256;
		struct process *bigger = reallocarray(all->at, room, sizeof(*bigger));

		if (!bigger || room > PROCESSES_MAX) {
			free(bigger ? bigger : all->at);
			*all = (struct processes){ 0 };
			return;
		}
		all->at = bigger;
		all->room = room;
	}
	all->at[all->count++] = (struct process){ .pid = pid, .parent = parent };
}

/* The machine's own /proc: processes have no root prefix. */
static void list(struct processes *all)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc)) != NULL) {
		pid_t parent;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		parent = parent_of(dirfd(proc), entry->d_name);
		if (parent > 0)
			add(all, (pid_t)strtol(entry->d_name, NULL, 10), parent);
	}
	if (proc)
		(void)closedir(proc);
}

/* Marks until nothing new is found: a child may be listed before its parent. */
static void mark(struct processes *all, pid_t self)
{
	bool found = true;

	while (found) {
		found = false;
		for (size_t i = 0; i < all->count; i++) {
			struct process *p = &all->at[i];
			bool below = p->parent == self;

			for (size_t k = 0; !p->below && !below && k < all->count; k++)
				below = all->at[k].below && all->at[k].pid == p->parent;
			if (below && !p->below) {
				p->below = true;
				found = true;
			}
		}
	}
}

static void kill_all(void)
{
	struct processes all = { 0 };

	list(&all);
	mark(&all, getpid());
	for (size_t i = 0; i < all.count; i++)
		if (all.at[i].below)
			(void)kill(all.at[i].pid, SIGKILL);
	free(all.at);
}

struct jota_ended jota_descendants_end(int spare, uint64_t deadline_ms)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000L };
	struct jota_ended ended = { 0 };

	for (;;) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0 && errno == ECHILD)
			return ended;
		if (pid > 0) {
			ended.count += pid != spare;
			continue;
		}
		if (jota_left_ms(deadline_ms) == 0)
			break;
		kill_all();
		(void)nanosleep(&step, NULL);
	}
	ended.survivors = true;
	return ended;
}
