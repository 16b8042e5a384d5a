/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What the kinds that look into the new slot share. */
#pragma once

#include <stddef.h>

#include "health/kind.h"
#include "health/newroot.h"

struct jota_err;

/**
 * The new root file system. NULL with a finding when it cannot be opened: damaged is a failure of each check; one that cannot be
 * looked into is the failure of new-filesystem alone, the other checks pass with reason not-looked-at.
 */
struct jota_newroot *jota_new_open(const struct jota_check_run *run, struct jota_finding *ret);

/** The root of the running system, NULL with a finding. */
struct jota_newroot *jota_new_open_running(const struct jota_check_run *run,
					   struct jota_finding *ret);

/** Passed, because nothing asks for what cannot be told. */
void jota_new_not_looked_at(struct jota_finding *ret, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** Is a unit enabled in that tree, by a link in one of its folders of wants, requires or upholds? 1, 0, -errno. */
int jota_new_unit_enabled(const struct jota_newroot *root, const char *unit, struct jota_err *err);

/** VALUE of the line KEY=VALUE of a file as os-release(5), without its quotes. -ENOENT, -ENAMETOOLONG. Pure. */
int jota_new_value(const char *text, const char *key, char *buf, size_t buf_bytes);
