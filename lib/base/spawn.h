/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Run a program from inside a threaded host that is not ours.
 *
 * posix_spawn and nothing between it and the program: a fork of a threaded process may not do more. No shell; the environment is PATH
 * and LC_ALL; /dev/null as input, one pipe as output, nothing else open; a process group of its own, signals as for a new
 * program. Whoever else in the host waits for every child may take the exit status from us: what a program has to
 * say, it must print.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct jota_err;

#define JOTA_SPAWN_TAIL_BYTES 4096
#define JOTA_SPAWN_OUTPUT_MAX ((size_t)1024 * 1024)

/** How it ended. */
struct jota_spawned {
	bool timed_out, too_much; /* ended by us: at the deadline, after too much output */
	bool stuck;		  /* killed, and still there: the kernel cannot end it */
	bool status_known;
	int status;			  /* as of waitpid() */
	char tail[JOTA_SPAWN_TAIL_BYTES]; /* the end of its output, NUL-terminated; may have any bytes else */
};

/**
 * Only start argv (argv[0]: the full path), with output_fd as its output. The caller reaps *ret_pid, which leads its own process
 * group. 0 or a positive errno value.
 */
int jota_spawn_start(char *const *argv, int output_fd, pid_t *ret_pid);

/**
 * Run argv (argv[0]: the full path) until it ends, at most deadline_ms: then SIGTERM to its group, half a second later SIGKILL.
 * The same after JOTA_SPAWN_OUTPUT_MAX bytes of output. What is left of its group when it ends is killed. Blocks; waits for this
 * one process only, and reaps it. 0: *ret is filled, however it ended; -errno: it could not be started.
 */
int jota_spawn_run(char *const *argv, uint32_t deadline_ms, struct jota_spawned *ret,
		   struct jota_err *err);
