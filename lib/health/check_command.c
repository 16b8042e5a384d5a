/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "health/child.h"

#include <sys/wait.h>
#include <unistd.h>

#define NOBODY "nobody"

enum { ARGV, USER, GROUPS };
static const struct jota_field fields[] = {
	[ARGV] = { .name = "argv",
		   .type = JOTA_FIELD_LIST,
		   .required = true,
		   .about = "the program by its absolute path, and its arguments; no shell" },
	[USER] = { .name = "user",
		   .type = JOTA_FIELD_TEXT,
		   .about = "whom it runs as; default nobody, or as jetson-health without root" },
	[GROUPS] = { .name = "groups",
		     .type = JOTA_FIELD_LIST,
		     .about = "further groups, such as video for the GPU; needs user" },
};

static const char *conflict(const struct jota_check *check)
{
	if (check->value[ARGV].list[0][0] != '/')
		return "argv must begin with the absolute path of the program";
	if (check->value[GROUPS].set && !check->value[USER].set)
		return "groups is given, but not the user who is to have them";
	return NULL;
}

static void judge(const struct jota_check_run *run, const struct jota_child_end *end,
		  struct jota_finding *ret)
{
	char said[160];

	jota_child_last_line(end->tail, said, sizeof(said));
	if (end->timed_out)
		jota_found(ret, JOTA_TIMEOUT, JOTA_WHY_DEADLINE, "ended after %g s%s%s",
			   run->check->deadline_ms / 1000.0, said[0] ? ", last words: " : "", said);
	else if (WIFSIGNALED(end->status))
		jota_found(ret, JOTA_FAIL, JOTA_WHY_SIGNALLED, "signal %d%s%s",
			   WTERMSIG(end->status), said[0] ? ": " : "", said);
	else if (WEXITSTATUS(end->status) != 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_EXIT_STATUS, "exit status %d%s%s",
			   WEXITSTATUS(end->status), said[0] ? ": " : "", said);
	else
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "%s", said);
}

static void run_command(const struct jota_check_run *run, struct jota_finding *ret)
{
	const struct jota_value *value = run->check->value;
	const struct jota_child child = {
		.argv = value[ARGV].list,
		.user = value[USER].set ? value[USER].text :
			geteuid() == 0	? NOBODY :
					  NULL,
		.groups = value[GROUPS].list,
	};
	struct jota_child_end end;

	if (jota_child_run(run, &child, &end, ret) == 0)
		judge(run, &end, ret);
}

const struct jota_check_kind jota_kind_command = {
	.name = "command",
	.about = "a program says whether all is well, by its exit status",
	.phases = JOTA_PHASES_ALL,
	.field = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.conflict = conflict,
	.run = run_command,
};
