/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * A unit of the new root as systemd would load it: the file that comes first in the search path, then its drop-ins. Rules of
 * systemd.unit(5): of drop-ins with the same name the one counts that comes first in
 *
 *   for each folder of the search path:  <unit>.d, then <prefix->.d for each dash of its name, the longest first
 *   for each folder of the search path:  <type>.d
 *
 * and those that count are applied in the order of their names, wherever they lie. /run is empty when a slot boots, and what generators
 * will write there is not known. Drop-ins of a unit's other names (aliases, templates) are not looked for.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct jota_err;
struct jota_finding;
struct jota_newroot;

#define JOTA_UNIT_FILES_MAX 64u
#define JOTA_UNIT_VALUES_MAX 32u

/** What is looked at of a unit. */
enum jota_unit_list {
	JOTA_UNIT_START,     /* ExecStart= */
	JOTA_UNIT_START_PRE, /* ExecCondition= and ExecStartPre= */
	JOTA_UNIT_END, /* ExecStop= and SuccessAction=: with one of these a service needs no ExecStart= */
	JOTA_UNIT_TYPE,	     /* the last one counts */
	JOTA_UNIT_CONDITION, /* Condition...= of any kind */
	JOTA_UNIT_ASSERT,
};
#define JOTA_UNIT_LIST_COUNT 6

struct jota_unit_value {
	const char *key;  /* "ConditionPathExists" */
	const char *text; /* never empty */
	const char *from; /* path of the file that says so */
};

struct jota_new_unit {
	char path[PATH_MAX]; /* of the unit's own file */
	char *text;	     /* heap */
	bool masked; /* by a link to /dev/null, or an empty file; then nothing below is filled */
	struct {
		char *path, *text; /* of a drop-in; heap */
	} file[JOTA_UNIT_FILES_MAX];
	size_t file_count;
	struct {
		struct jota_unit_value value[JOTA_UNIT_VALUES_MAX];
		size_t count;
	} list[JOTA_UNIT_LIST_COUNT];
};

/** Folders of the search path, the first first; NULL-terminated. */
extern const char *const jota_unit_dirs[];

/**
 * Find and read it. -ENOENT no such unit; -E2BIG more drop-ins or values than fit; errors of jota_newroot_text(). *ret must be zero before;
 * jota_new_unit_done() frees, also after a failure.
 */
int jota_new_unit_read(const struct jota_newroot *root, const char *unit, struct jota_new_unit *ret,
		       struct jota_err *err);
void jota_new_unit_done(struct jota_new_unit *unit);

/**
 * Would systemd load and start it? Its settings, its programs, and conditions on paths that the image alone decides (/usr, /etc, /bin,
 * /sbin, /lib: nothing that is mounted or made when the slot runs). False: with a finding, which names the drop-in to blame.
 */
bool jota_new_unit_starts(const struct jota_newroot *root, const char *name,
			  const struct jota_new_unit *unit, struct jota_finding *ret);

/**
 * Apply one file's text, which is cut into pieces and must live as long as the unit. from: its path. An empty value takes back what was
 * set before it, as systemd has it: ExecStart= all of that name, a Condition...= all conditions. -E2BIG. Pure.
 */
int jota_unit_apply(struct jota_new_unit *unit, const char *from, char *text, struct jota_err *err);
