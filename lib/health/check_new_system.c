/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The new slot's file system and its init. */
#include "health/new_check.h"

#include "base/err.h"
#include "base/io.h"
#include "health/child.h"
#include "health/new_program.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FS_CHECK };
static const struct jota_field filesystem_fields[] = {
	[FS_CHECK] = { .name = "e2fsck",
		       .type = JOTA_FIELD_BOOL,
		       .has_number = true,
		       .number = 1,
		       .about = "run 'e2fsck -fn' over an ext file system, if it is installed" },
};

enum { INIT_PATH };
static const struct jota_field init_fields[] = {
	[INIT_PATH] = { .name = "path",
			.type = JOTA_FIELD_PATH,
			.fallback = "/sbin/init",
			.about = "what the kernel starts" },
};

/* NULL: not installed. */
static const char *find_e2fsck(const struct jota_io *io)
{
	static const char *const places[] = { "/usr/sbin/e2fsck", "/sbin/e2fsck" };
	char full[PATH_MAX];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (jota_io_path(io, places[i], full, sizeof(full), NULL) == 0 &&
		    access(full, X_OK) == 0)
			return places[i];
	return NULL;
}

static void run_e2fsck(const struct jota_check_run *run, const char *program,
		       struct jota_finding *ret)
{
	char node[PATH_MAX], name[PATH_MAX], line[160], force[] = "-fn";
	char *argv[] = { name, force, node, NULL };
	const struct jota_child child = { .argv = argv };
	struct jota_child_end end;

	(void)snprintf(name, sizeof(name), "%s", program);
	if (jota_io_path(run->io, run->context->target_device, node, sizeof(node), NULL) < 0 ||
	    jota_child_run(run, &child, &end, ret) < 0)
		return;
	if (WIFEXITED(end.status) && WEXITSTATUS(end.status) == 0) {
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "e2fsck finds nothing wrong");
		return;
	}
	jota_child_last_line(end.tail, line, sizeof(line));
	if (end.timed_out)
		jota_found(ret, JOTA_TIMEOUT, JOTA_WHY_DEADLINE, "e2fsck took more than %g s",
			   run->check->deadline_ms / 1000.0);
	else if (WIFEXITED(end.status))
		jota_found(ret, JOTA_FAIL, JOTA_WHY_FILESYSTEM, "e2fsck says %d: %s",
			   WEXITSTATUS(end.status), line);
	else
		jota_found(ret, JOTA_ERROR, JOTA_WHY_SIGNALLED, "e2fsck: signal %d",
			   WTERMSIG(end.status));
}

static void run_filesystem(const struct jota_check_run *run, struct jota_finding *ret)
{
	struct jota_newroot *root = jota_new_open(run, ret);
	struct jota_err err = { 0 };
	const char *program = find_e2fsck(run->io), *type;

	if (!root)
		return;
	type = jota_newroot_type(root);
	if (jota_newroot_condition(root, &err) < 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_FILESYSTEM, "%s", err.msg);
	else if (strcmp(type, "ext4") == 0 && program && run->check->value[FS_CHECK].number)
		run_e2fsck(run, program, ret);
	else
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "%s, its superblock is clean", type);
	jota_newroot_free(root);
}

static void run_init(const struct jota_check_run *run, struct jota_finding *ret)
{
	const char *path = run->check->value[INIT_PATH].text;
	struct jota_newroot *root = jota_new_open(run, ret);
	struct jota_err err = { 0 };

	if (!root)
		return;
	if (jota_new_program_check(root, path, &err) < 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_NEW_PROGRAM, "%s", err.msg);
	else
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "'%.160s' can be started", path);
	jota_newroot_free(root);
}

const struct jota_check_kind jota_kind_new_filesystem = {
	.name = "new-filesystem",
	.about = "the root file system just written is sound",
	.phases = 1u << JOTA_PHASE_PREFLIP,
	.field = filesystem_fields,
	.field_count = sizeof(filesystem_fields) / sizeof(filesystem_fields[0]),
	.run = run_filesystem,
};

const struct jota_check_kind jota_kind_new_init = {
	.name = "new-init",
	.about = "the new root has an init for this machine",
	.phases = 1u << JOTA_PHASE_PREFLIP,
	.field = init_fields,
	.field_count = sizeof(init_fields) / sizeof(init_fields[0]),
	.run = run_init,
};
