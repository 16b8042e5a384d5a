/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The kernel that the board will boot from the new slot: does it find its modules, does its command line leave the slot open? It is the one in
 * the boot image or the one that extlinux.conf of the new root names; where nobody can tell which, both must do.
 */
#include "health/new_check.h"

#include "base/err.h"
#include "health/new_boot.h"
#include "health/new_kernel.h"
#include "write/bootimg.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { KERNEL, ALLOW };
#define KERNEL_FIELD                                                                               \
	{                                                                                          \
		.name = "kernel", .type = JOTA_FIELD_WORD, .fallback = "auto",                     \
		.choices = jota_new_boot_words,                                                    \
		.about = "what boots: auto (as the firmware is set up), the boot image of the "    \
			 "kernel partition, what extlinux.conf of the root names, or both",        \
	}
static const struct jota_field modules_fields[] = { [KERNEL] = KERNEL_FIELD };
static const struct jota_field command_line_fields[] = {
	[KERNEL] = KERNEL_FIELD,
	[ALLOW] = { .name = "allow",
		    .type = JOTA_FIELD_LIST,
		    .about = "words that are allowed although they fix a slot, exactly as they are" },
};

/* The kernel's release is known, or why it is not. */
static bool is_told(int r, const struct jota_err *err, struct jota_finding *ret)
{
	if (r == -EOPNOTSUPP)
		jota_new_not_looked_at(ret, "%s", err->msg);
	else if (r < 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_KERNEL_UNKNOWN, "%s", err->msg);
	return r == 0;
}

static void judge_modules(const struct jota_newroot *root, const char *which, const char *release,
			  struct jota_finding *ret)
{
	struct jota_newroot_node node;
	struct jota_err err = { 0 };
	char path[PATH_MAX];
	int r;

	(void)snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", release);
	r = jota_newroot_stat(root, path, true, &node, &err);
	if (r == 0 && S_ISREG(node.mode))
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "kernel %s%s has its modules", release,
			   which);
	else if (r == 0 || r == -ENOENT || r == -ENOTDIR)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_MODULES_DIFFER,
			   "the new kernel%s is %s, the new root has no '%s'", which, release, path);
	else
		jota_found(ret, JOTA_FAIL, JOTA_WHY_FILESYSTEM, "%s", err.msg);
}

static void modules_of_partition(const struct jota_new_boot *boot, struct jota_finding *ret)
{
	struct jota_newroot *root = NULL;
	char release[JOTA_KERNEL_RELEASE_BYTES];
	struct jota_err err = { 0 };

	if (is_told(jota_new_kernel_release(boot->partition, release, &err), &err, ret))
		root = jota_new_open(boot->run, ret);
	if (root)
		judge_modules(root, "", release, ret);
	jota_newroot_free(root);
}

/* False: with a finding. Without them the boot loader would take something else, or nothing. */
static bool has_files(const struct jota_new_boot *boot, struct jota_finding *ret)
{
	const char *const path[] = { boot->entry.initrd, boot->entry.fdt };

	for (size_t i = 0; i < sizeof(path) / sizeof(path[0]); i++) {
		struct jota_newroot_node node;
		struct jota_err err = { 0 };

		if (path[i][0] == '\0' ||
		    (jota_newroot_stat(boot->root, path[i], true, &node, &err) == 0 &&
		     S_ISREG(node.mode)))
			continue;
		jota_found(ret, JOTA_FAIL, JOTA_WHY_MISSING,
			   "entry '%s' of extlinux.conf names '%.100s', which is no file of the new "
			   "root",
			   boot->entry.label, path[i]);
		return false;
	}
	return true;
}

static void modules_of_root(const struct jota_new_boot *boot, struct jota_finding *ret)
{
	char release[JOTA_KERNEL_RELEASE_BYTES], which[128];
	struct jota_err err = { 0 };
	int r = jota_new_root_kernel_release(boot->root, boot->entry.kernel, release, &err);

	if (r < 0)
		(void)jota_wrap(&err, "entry '%s' of extlinux.conf: ", boot->entry.label);
	(void)snprintf(which, sizeof(which), " '%.100s'", boot->entry.kernel);
	if (is_told(r, &err, ret) && has_files(boot, ret))
		judge_modules(boot->root, which, release, ret);
}

static void run_modules(const struct jota_check_run *run, struct jota_finding *ret)
{
	static const struct jota_new_boot_look look = { modules_of_partition, modules_of_root };

	jota_new_boot_look_at(run, run->check->value[KERNEL].text, &look, ret);
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

static void judge_command_line(const struct jota_check *check, const char *where, const char *text,
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
		jota_found(ret, JOTA_FAIL, JOTA_WHY_FIXED_ROOT, "the command line in %s %s: '%s'",
			   where, count > 1 ? "is ambiguous" : "fixes one slot", found);
}

static void line_of_partition(const struct jota_new_boot *boot, struct jota_finding *ret)
{
	struct jota_bootimg header = { 0 };
	struct jota_err err = { 0 };

	if (jota_new_kernel_header(boot->partition, &header, &err) == 0)
		judge_command_line(boot->run->check, "the new boot image", header.cmdline, ret);
	else
		jota_found(ret, JOTA_FAIL, JOTA_WHY_KERNEL_UNKNOWN, "%s", err.msg);
}

static void line_of_root(const struct jota_new_boot *boot, struct jota_finding *ret)
{
	judge_command_line(boot->run->check, "extlinux.conf of the new root", boot->entry.append,
			   ret);
}

static void run_command_line(const struct jota_check_run *run, struct jota_finding *ret)
{
	static const struct jota_new_boot_look look = { line_of_partition, line_of_root };

	jota_new_boot_look_at(run, run->check->value[KERNEL].text, &look, ret);
}

const struct jota_check_kind jota_kind_new_modules = {
	.name = "new-modules",
	.about = "the new root has the modules of the kernel that boots with it",
	.phases = 1u << JOTA_PHASE_PREFLIP,
	.field = modules_fields,
	.field_count = sizeof(modules_fields) / sizeof(modules_fields[0]),
	.run = run_modules,
};

const struct jota_check_kind jota_kind_new_command_line = {
	.name = "new-command-line",
	.about = "the command line of the new kernel fixes neither root nor slot",
	.phases = 1u << JOTA_PHASE_PREFLIP,
	.field = command_line_fields,
	.field_count = sizeof(command_line_fields) / sizeof(command_line_fields[0]),
	.run = run_command_line,
};
