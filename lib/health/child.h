/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Run a program for a check: no shell, few rights, bounded output, ended at the deadline. Only for a check's own process. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "health/kind.h"

#define JOTA_CHILD_OUTPUT_BYTES 4096

struct jota_child {
	char *const *argv; /* argv[0]: absolute path, looked up below the root prefix; NULL-terminated */
	const char *user;    /* NULL: as we are */
	char *const *groups; /* further groups of that user, NULL-terminated; may be NULL */
	const char *tmp_dir; /* full path, for TMPDIR; NULL: not set */
	const char *hide_dir; /* full path; with root, an empty directory is there for the program; NULL: none */
	bool no_network; /* with root, the program sees no network */
};

/** How it ended. */
struct jota_child_end {
	int status;			    /* as waitpid() gives it */
	bool timed_out;			    /* ended by us at the deadline */
	size_t seen_bytes;		    /* of output, most of it thrown away */
	char tail[JOTA_CHILD_OUTPUT_BYTES]; /* the end of its output, NUL-terminated */
};

/**
 * Start it, collect its output until it ends or run->deadline_ms comes: then SIGTERM to its process group, half a second later
 * SIGKILL. What the program leaves behind when it ends is ended by the warden (probe.c).
 * 0: *ret is filled; -errno: it could not be run, and *why says so as a finding.
 */
int jota_child_run(const struct jota_check_run *run, const struct jota_child *child,
		   struct jota_child_end *ret, struct jota_finding *why);

/** The last line of an output that is not blank, made printable, into buf. */
void jota_child_last_line(const char *output, char *buf, size_t buf_bytes);
