/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Would systemd start the units that the new slot needs in order to confirm itself and to be updated again? A unit and its drop-ins count as in
 * new_unit.h; a link in a .wants, .requires or .upholds folder enables.
 */
#include "health/new_check.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "health/new_unit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { UNITS, AS_RUNNING };
static const struct jota_field fields[] = {
	[UNITS] = { .name = "units",
		    .type = JOTA_FIELD_LIST,
		    .required = true,
		    .about = "full names, as swupdate.service" },
	[AS_RUNNING] = { .name = "as_running",
			 .type = JOTA_FIELD_BOOL,
			 .has_number = true,
			 .about = "only those that are enabled in the running system" },
};

static const char *conflict(const struct jota_check *check)
{
	for (size_t i = 0; check->value[UNITS].list && check->value[UNITS].list[i]; i++) {
		const char *unit = check->value[UNITS].list[i];

		if (!strchr(unit, '.') || strchr(unit, '/') || unit[0] == '.' || strlen(unit) > 200)
			return "units must have full names of units, as swupdate.service";
	}
	return NULL;
}

/* Looks for a folder of enabled units with a link of that name. */
struct search {
	const struct jota_newroot *root;
	const char *dir, *unit;
	struct jota_err *err;
};

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), tail = strlen(end);

	return len > tail && strcmp(name + len - tail, end) == 0;
}

static int look_into(void *ctx, const char *name)
{
	const struct search *s = ctx;
	struct jota_newroot_node node;
	char path[PATH_MAX];
	int r, n;

	if (!ends_with(name, ".wants") && !ends_with(name, ".requires") &&
	    !ends_with(name, ".upholds"))
		return 0;
	n = snprintf(path, sizeof(path), "%s/%s/%s", s->dir, name, s->unit);
	if (n < 0 || (size_t)n >= sizeof(path))
		return 0;
	r = jota_newroot_stat(s->root, path, false, &node, s->err);
	return r == 0 ? 1 : r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

static bool is_absent(int r)
{
	return r == -ENOENT || r == -ENOTDIR;
}

int jota_new_unit_enabled(const struct jota_newroot *root, const char *unit, struct jota_err *err)
{
	for (size_t i = 0; jota_unit_dirs[i]; i++) {
		struct search s = {
			.root = root, .dir = jota_unit_dirs[i], .unit = unit, .err = err
		};
		int r = jota_newroot_each(root, s.dir, look_into, &s, err);

		if (r != 0 && !is_absent(r))
			return r;
	}
	return 0;
}

/* False: with a finding. */
static bool is_startable(const struct jota_newroot *root, const char *unit,
			 const struct jota_new_unit *u, struct jota_finding *ret)
{
	struct jota_err err = { 0 };
	int r;

	if (u->masked) {
		jota_found(ret, JOTA_FAIL, JOTA_WHY_UNIT_MASKED, "unit '%s' is masked by '%s'",
			   unit, u->path);
		return false;
	}
	r = jota_new_unit_enabled(root, unit, &err);
	if (r <= 0) {
		jota_found(ret, JOTA_FAIL, r ? JOTA_WHY_FILESYSTEM : JOTA_WHY_UNIT_DISABLED,
			   "unit '%s' %s", unit, r ? err.msg : "is not enabled in the new root");
		return false;
	}
	return jota_new_unit_starts(root, unit, u, ret);
}

/* False: with a finding. */
static bool unit_holds(const struct jota_newroot *root, const char *unit, struct jota_finding *ret)
{
	CLEANUP_FREE struct jota_new_unit *u = calloc(1, sizeof(*u));
	struct jota_err err = { 0 };
	bool holds;
	int r;

	if (!u) {
		jota_found(ret, JOTA_ERROR, JOTA_WHY_INTERNAL, "out of memory");
		return false;
	}
	r = jota_new_unit_read(root, unit, u, &err);
	holds = r == 0 && is_startable(root, unit, u, ret);
	if (r < 0)
		jota_found(ret, JOTA_FAIL,
			   is_absent(r) ? JOTA_WHY_NO_UNIT :
			   r == -E2BIG	? JOTA_WHY_UNIT_SETTINGS :
					  JOTA_WHY_FILESYSTEM,
			   "unit '%s': %s", unit, err.msg);
	jota_new_unit_done(u);
	return holds;
}

static void judge_units(const struct jota_check *check, const struct jota_newroot *root,
			const struct jota_newroot *here, struct jota_finding *ret)
{
	char *const *unit = check->value[UNITS].list;
	struct jota_err err = { 0 };
	size_t looked_at = 0;

	for (; *unit; unit++) {
		/* Who starts them in another way here will go on doing so. */
		if (check->value[AS_RUNNING].number && jota_new_unit_enabled(here, *unit, &err) <= 0)
			continue;
		if (!unit_holds(root, *unit, ret))
			return;
		looked_at++;
	}
	if (looked_at > 0)
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "%zu units are enabled and can start",
			   looked_at);
	else
		jota_new_not_looked_at(ret, "none of them is enabled in the running system");
}

static void run_units(const struct jota_check_run *run, struct jota_finding *ret)
{
	struct jota_newroot *root = jota_new_open(run, ret);
	struct jota_newroot *here = root ? jota_new_open_running(run, ret) : NULL;

	if (root && here)
		judge_units(run->check, root, here, ret);
	jota_newroot_free(here);
	jota_newroot_free(root);
}

const struct jota_check_kind jota_kind_new_units = {
	.name = "new-units",
	.about = "units that the new slot needs are enabled and can start",
	.phases = 1u << JOTA_PHASE_PREFLIP,
	.field = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.conflict = conflict,
	.run = run_units,
};
