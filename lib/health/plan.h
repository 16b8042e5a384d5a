/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What to check: health.conf, read and checked. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "health/health.h"

struct jota_check_kind;
struct jota_err;
struct jota_io;

#define JOTA_FIELDS_MAX 12

/** One field of a kind as configured, or its default. */
struct jota_value {
	bool set;	/* configured, or has a default */
	int64_t number; /* NUMBER; BOOL: 0 or 1 */
	char *text;	/* TEXT, PATH, WORD, REGEX; heap */
	char **list;	/* LIST: NULL-terminated; heap, each entry too */
};

struct jota_check {
	char name[JOTA_CHECK_NAME_BYTES];
	const struct jota_check_kind *kind;
	unsigned phases; /* bits: 1u << JOTA_PHASE_... */
	enum jota_severity severity;
	uint32_t deadline_ms;			  /* of one attempt */
	uint32_t retries;			  /* attempts after the first */
	uint32_t interval_ms;			  /* between attempts */
	bool baseline;				  /* counts only if it passed before the update */
	bool once;				  /* not again after the stability window */
	unsigned line;				  /* where in the file it stands */
	struct jota_value value[JOTA_FIELDS_MAX]; /* as kind->field[] */
};

struct jota_plan {
	uint32_t deadline_ms;	/* of a whole run */
	uint32_t stability_ms;	/* 0: no window */
	bool baseline_required; /* no update without a baseline */
	char data_dir[PATH_MAX];
	struct jota_check *check; /* heap */
	size_t count;
};

/**
 * Read and check the plan (prefixed path, JOTA_HEALTH_CONF). Errors name file and line. -ENOENT no file; -EPERM file or directory
 * not owned by root (under a root prefix: nor by us), or writable by others; -ENOTSUP a kind, a field or a key that this version does
 * not know; -EINVAL everything else that is wrong with it, also a plan without a critical check after the reboot, which would
 * confirm every image. jota_plan_done() frees.
 */
int jota_plan_read(const struct jota_io *io, const char *path, struct jota_plan *ret,
		   struct jota_err *err);
/** The same from text, for what is not a file yet. what: how messages call it. Pure. */
int jota_plan_parse(const char *what, const char *text, struct jota_plan *ret, struct jota_err *err);
void jota_plan_done(struct jota_plan *plan);
/** Check by name; NULL. */
const struct jota_check *jota_plan_find(const struct jota_plan *plan, const char *name);
