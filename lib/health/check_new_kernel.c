/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The boot image just written: does its kernel find its modules, does its command line leave the slot open? */
#include "health/new_check.h"

#include "base/err.h"
#include "base/io.h"
#include "health/new_kernel.h"
#include "write/bootimg.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { ALLOW };
static const struct jota_field command_line_fields[] = {
	[ALLOW] = { .name = "allow",
		    .type = JOTA_FIELD_LIST,
		    .about = "words that are allowed although they fix a slot, exactly as they are" },
};

/* False: with a finding. */
static bool find_node(const struct jota_check_run *run, char full[PATH_MAX],
		      struct jota_finding *ret)
{
	struct jota_err err = { 0 };

	if (!run->context->target_kernel) {
		jota_new_not_looked_at(ret, "nobody says where the new boot image is");
		return false;
	}
	if (jota_io_path(run->io, run->context->target_kernel, full, PATH_MAX, &err) == 0)
		return true;
	jota_found(ret, JOTA_ERROR, JOTA_WHY_INTERNAL, "%s", err.msg);
	return false;
}

static void judge_modules(const struct jota_newroot *root, const char *release,
			  struct jota_finding *ret)
{
	struct jota_newroot_node node;
	struct jota_err err = { 0 };
	char path[PATH_MAX];
	int r;

	(void)snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", release);
	r = jota_newroot_stat(root, path, true, &node, &err);
	if (r == 0 && S_ISREG(node.mode))
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "kernel %s has its modules", release);
	else if (r == 0 || r == -ENOENT || r == -ENOTDIR)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_MODULES_DIFFER,
			   "the new kernel is %s, the new root has no '%s'", release, path);
	else
		jota_found(ret, JOTA_FAIL, JOTA_WHY_FILESYSTEM, "%s", err.msg);
}

static void run_modules(const struct jota_check_run *run, struct jota_finding *ret)
{
	char full[PATH_MAX], release[JOTA_KERNEL_RELEASE_BYTES];
	struct jota_newroot *root = NULL;
	struct jota_err err = { 0 };
	int r;

	if (!find_node(run, full, ret))
		return;
	r = jota_new_kernel_release(full, release, &err);
	if (r == -EOPNOTSUPP)
		jota_new_not_looked_at(ret, "%s", err.msg);
	else if (r < 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_KERNEL_UNKNOWN, "%s", err.msg);
	else
		root = jota_new_open(run, ret);
	if (root)
		judge_modules(root, release, ret);
	jota_newroot_free(root);
}

static bool fixes_slot(const char *word, size_t len)
{
	static const char *const fixed[] = { "root=", "jota.slot=", "boot.slot_suffix=" };

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (len >= strlen(fixed[i]) && strncmp(word, fixed[i], strlen(fixed[i])) == 0)
			return true;
	return false;
}

static bool is_allowed(const struct jota_check *check, const char *word, size_t len)
{
	char *const *allowed = check->value[ALLOW].list;

	for (; allowed && *allowed; allowed++)
		if (strlen(*allowed) == len && strncmp(*allowed, word, len) == 0)
			return true;
	return false;
}

static void judge_command_line(const struct jota_check *check, const char *text,
			       struct jota_finding *ret)
{
	char found[160] = "";
	size_t used = 0, count = 0;

	for (const char *word = text; *word != '\0';) {
		size_t len = strcspn(word, " \t\n\"");

		if (fixes_slot(word, len) && !is_allowed(check, word, len)) {
			int n = snprintf(found + used, sizeof(found) - used, "%s%.*s",
					 count ? " " : "", len < 80 ? (int)len : 80, word);

			count++;
			used = n > 0 && used + (size_t)n < sizeof(found) ? used + (size_t)n : used;
		}
		word += len;
		word += strspn(word, " \t\n\"");
	}
	if (count == 0)
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK,
			   "it leaves root and slot to the boot loader");
	else
		jota_found(ret, JOTA_FAIL, JOTA_WHY_FIXED_ROOT,
			   "the command line in the new boot image %s: '%s'",
			   count > 1 ? "is ambiguous" : "fixes one slot", found);
}

static void run_command_line(const struct jota_check_run *run, struct jota_finding *ret)
{
	struct jota_bootimg header = { 0 };
	struct jota_err err = { 0 };
	char full[PATH_MAX];

	if (!find_node(run, full, ret))
		return;
	if (jota_new_kernel_header(full, &header, &err) < 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_KERNEL_UNKNOWN, "%s", err.msg);
	else
		judge_command_line(run->check, header.cmdline, ret);
}

const struct jota_check_kind jota_kind_new_modules = {
	.name = "new-modules",
	.about = "the new root has the modules of the new kernel",
	.phases = 1u << JOTA_PHASE_PREFLIP,
	.run = run_modules,
};

const struct jota_check_kind jota_kind_new_command_line = {
	.name = "new-command-line",
	.about = "the new boot image fixes neither root nor slot",
	.phases = 1u << JOTA_PHASE_PREFLIP,
	.field = command_line_fields,
	.field_count = sizeof(command_line_fields) / sizeof(command_line_fields[0]),
	.run = run_command_line,
};
