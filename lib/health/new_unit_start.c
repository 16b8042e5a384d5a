/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Could a unit of the new root start: its settings, its programs, and those of its conditions that an image decides? */
#include "health/new_unit.h"

#include "base/err.h"
#include "health/kind.h"
#include "health/new_program.h"
#include "health/newroot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_absent(int r)
{
	return r == -ENOENT || r == -ENOTDIR;
}

/* The program of a command line; false: only systemd can tell. */
static bool find_program(const char *command, char program[PATH_MAX])
{
	const char *begin = command + strspn(command, " \t-@:+!|\"'");
	size_t len = strcspn(begin, " \t\"'");

	if (len == 0 || len >= PATH_MAX || strcspn(begin, "%$\\") < len)
		return false;
	memcpy(program, begin, len);
	program[len] = '\0';
	return true;
}

/* systemd goes on when that command fails. */
static bool may_fail(const char *command)
{
	return memchr(command, '-', strspn(command, "-@:+!|")) != NULL;
}

static int check_program(const struct jota_newroot *root, const char *program, struct jota_err *err)
{
	static const char *const places[] = { "/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
					      "/usr/bin",	 "/sbin",	   "/bin" };
	char path[PATH_MAX];
	int r = -ENOENT;

	if (program[0] == '/')
		return jota_new_program_check(root, program, err);
	for (size_t i = 0; is_absent(r) && i < sizeof(places) / sizeof(places[0]); i++) {
		int n = snprintf(path, sizeof(path), "%s/%s", places[i], program);

		if (n > 0 && (size_t)n < sizeof(path))
			r = jota_new_program_check(root, path, err);
	}
	return r;
}

/* A drop-in is worth naming, the unit's own file is known. */
static const char *where(const struct jota_new_unit *u, const char *from, char text[160])
{
	int n = strcmp(from, u->path) == 0 ? 0 : snprintf(text, 160, " (%.150s)", from);

	if (n <= 0)
		text[0] = '\0';
	return text;
}

/* False: with a finding. */
static bool commands_hold(const struct jota_newroot *root, const char *unit,
			  const struct jota_new_unit *u, enum jota_unit_list list,
			  struct jota_finding *ret)
{
	for (size_t i = 0; i < u->list[list].count; i++) {
		const struct jota_unit_value *value = &u->list[list].value[i];
		char program[PATH_MAX], text[160];
		struct jota_err err = { 0 };

		/* The main program is needed, whatever systemd makes of its end. */
		if ((list != JOTA_UNIT_START && may_fail(value->text)) ||
		    !find_program(value->text, program) || check_program(root, program, &err) == 0)
			continue;
		jota_found(ret, JOTA_FAIL, JOTA_WHY_NEW_PROGRAM, "unit '%s' cannot start%s: %s",
			   unit, where(u, value->from, text), err.msg);
		return false;
	}
	return true;
}

/* False: with a finding. Where systemd would refuse to load a service; see service_verify() of its source. */
static bool settings_hold(const char *unit, const struct jota_new_unit *u, struct jota_finding *ret)
{
	size_t types = u->list[JOTA_UNIT_TYPE].count, starts = u->list[JOTA_UNIT_START].count;
	const char *type = types ? u->list[JOTA_UNIT_TYPE].value[types - 1].text : "simple";
	char text[160];

	if (strcmp(strrchr(unit, '.'), ".service") != 0)
		return true;
	if (starts == 0 && u->list[JOTA_UNIT_END].count == 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_UNIT_SETTINGS,
			   "unit '%s' has no ExecStart=, with its %zu drop-ins", unit,
			   u->file_count);
	else if (starts > 1 && strcmp(type, "oneshot") != 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_UNIT_SETTINGS,
			   "unit '%s' has %zu lines of ExecStart=, only Type=oneshot may have more "
			   "than one; a drop-in that replaces it needs an empty ExecStart= "
			   "first%s",
			   unit, starts,
			   where(u, u->list[JOTA_UNIT_START].value[starts - 1].from, text));
	else
		return true;
	return false;
}

/* What an image decides: other folders are mounted, or filled when the slot runs. */
static bool is_of_image(const char *path)
{
	static const char *const places[] = { "/usr/",	"/etc/", "/bin/",
					      "/sbin/", "/lib/", "/lib64/" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strncmp(path, places[i], strlen(places[i])) == 0)
			return !strchr(path, '%');
	return false;
}

/* 1 it holds, 0 it does not, -1 that cannot be told from an image. */
static int condition_holds(const struct jota_newroot *root, const struct jota_unit_value *value)
{
	const char *path = value->text + strspn(value->text, "|! \t");
	bool inverted = memchr(value->text, '!', (size_t)(path - value->text)) != NULL;
	struct jota_newroot_node node;
	struct jota_err err = { 0 };
	int r;

	if ((strcmp(value->key, "ConditionPathExists") != 0 &&
	     strcmp(value->key, "AssertPathExists") != 0) ||
	    !is_of_image(path))
		return -1;
	r = jota_newroot_stat(root, path, true, &node, &err);
	if (r < 0 && !is_absent(r))
		return -1;
	return (r == 0) != inverted;
}

/* False: with a finding. All without "|" must hold, and one of those with it. */
static bool conditions_hold(const struct jota_newroot *root, const char *unit,
			    const struct jota_new_unit *u, enum jota_unit_list list,
			    struct jota_finding *ret)
{
	const struct jota_unit_value *culprit = NULL;
	bool one_may_hold = false;
	char text[160];

	for (size_t i = 0; i < u->list[list].count; i++) {
		const struct jota_unit_value *value = &u->list[list].value[i];
		bool triggers = value->text[0] == '|';
		int holds = condition_holds(root, value);

		one_may_hold |= triggers && holds != 0;
		if (holds == 0 && (!culprit || !triggers))
			culprit = value;
	}
	if (!culprit || (culprit->text[0] == '|' && one_may_hold))
		return true;
	jota_found(ret, JOTA_FAIL, JOTA_WHY_UNIT_CONDITION,
		   "unit '%s' will not start: %s=%.80s does not hold in the new root%s", unit,
		   culprit->key, culprit->text, where(u, culprit->from, text));
	return false;
}

bool jota_new_unit_starts(const struct jota_newroot *root, const char *name,
			  const struct jota_new_unit *unit, struct jota_finding *ret)
{
	return settings_hold(name, unit, ret) &&
	       commands_hold(root, name, unit, JOTA_UNIT_START, ret) &&
	       commands_hold(root, name, unit, JOTA_UNIT_START_PRE, ret) &&
	       conditions_hold(root, name, unit, JOTA_UNIT_CONDITION, ret) &&
	       conditions_hold(root, name, unit, JOTA_UNIT_ASSERT, ret);
}
