/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* From a check to a running program. Part of child. */
#pragma once

#include "health/child.h"

/** Refuses, as a finding, what is no program or could be replaced by others. full: the path to execute. */
int jota_child_program(const struct jota_check_run *run, const char *path, char *full,
		       size_t full_bytes, struct jota_finding *why);

/**
 * Fork and execute in a session of its own, with /dev/null as input, output_fd as output and nothing else open.
 * Returns the pid, or -errno with a finding: an exec that fails is told here, not by an exit status.
 */
pid_t jota_child_start(const struct jota_check_run *run, const struct jota_child *child,
		       int output_fd, struct jota_finding *why);
