/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "health/new_boot.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "health/new_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const jota_new_boot_words[] = { "auto", "partition", "root", "both", NULL };

static void find_source(const struct jota_check_run *run, const char *word,
			struct jota_kernel_source *ret)
{
	if (strcmp(word, "auto") == 0) {
		jota_kernel_source_find(run->io, ret);
		return;
	}
	ret->place = strcmp(word, "partition") == 0 ? JOTA_KERNEL_PARTITION :
		     strcmp(word, "root") == 0	    ? JOTA_KERNEL_ROOT :
						      JOTA_KERNEL_UNDECIDED;
	(void)snprintf(ret->why, sizeof(ret->why), "check '%s' says '%s'", run->check->name, word);
}

/* False: with a finding. */
static bool find_partition(struct jota_new_boot *boot, struct jota_finding *ret)
{
	const char *node = boot->run->context->target_kernel;
	struct jota_err err = { 0 };

	if (!node || jota_io_path(boot->run->io, node, boot->partition, PATH_MAX, &err) == 0)
		return true;
	jota_found(ret, JOTA_ERROR, JOTA_WHY_INTERNAL, "%s", err.msg);
	return false;
}

/* False: with a finding. */
static bool open_entry(struct jota_new_boot *boot, struct jota_finding *ret)
{
	struct jota_err err = { 0 };
	int r;

	boot->root = jota_new_open(boot->run, ret);
	if (!boot->root)
		return false;
	r = jota_extlinux_read(boot->root, &boot->entry, &err);
	boot->has_entry = r == 0;
	if (r == 0 || r == -ENOENT)
		return true;
	if (r == -EOPNOTSUPP)
		jota_new_not_looked_at(ret, "%s", err.msg);
	else
		jota_found(ret, JOTA_FAIL, JOTA_WHY_KERNEL_UNKNOWN, "%s", err.msg);
	return false;
}

static void look_at_partition(const struct jota_new_boot *boot,
			      const struct jota_new_boot_look *look, struct jota_finding *ret)
{
	if (boot->partition[0] != '\0')
		look->partition(boot, ret);
	else
		jota_new_not_looked_at(ret, "nobody says where the new boot image is");
}

/* extlinux.conf of the root; L4TLauncher falls back to the boot image when there is none. */
static void look_at_root(struct jota_new_boot *boot, const struct jota_new_boot_look *look,
			 struct jota_finding *ret)
{
	if (!open_entry(boot, ret))
		return;
	if (boot->has_entry)
		look->root(boot, ret);
	else if (boot->partition[0] != '\0')
		look->partition(boot, ret);
	else
		jota_found(ret, JOTA_FAIL, JOTA_WHY_MISSING,
			   "the new root has no '" JOTA_EXTLINUX_PATH
			   "', which this board boots (%s)",
			   boot->source.why);
}

/* Nobody can tell which one boots, so both must hold; what cannot be looked at says nothing. */
static void look_at_both(struct jota_new_boot *boot, const struct jota_new_boot_look *look,
			 struct jota_finding *ret)
{
	struct jota_finding first;
	char text[JOTA_HEALTH_MESSAGE_BYTES];

	look_at_partition(boot, look, ret);
	first = *ret;
	if (ret->status == JOTA_PASS && open_entry(boot, ret) && boot->has_entry)
		look->root(boot, ret);
	if (ret->status == JOTA_PASS && (!boot->has_entry || ret->reason != JOTA_WHY_OK))
		*ret = first;
	if (ret->reason == JOTA_WHY_NOT_LOOKED_AT)
		return;
	memcpy(text, ret->message, sizeof(text));
	jota_found(ret, ret->status, ret->reason, "%.180s; what boots is not known (%s)%s", text,
		   boot->source.why, boot->has_entry ? ", so both must do" : "");
}

void jota_new_boot_look_at(const struct jota_check_run *run, const char *word,
			   const struct jota_new_boot_look *look, struct jota_finding *ret)
{
	CLEANUP_FREE struct jota_new_boot *boot = calloc(1, sizeof(*boot));

	if (!boot) {
		jota_found(ret, JOTA_ERROR, JOTA_WHY_INTERNAL, "out of memory");
		return;
	}
	boot->run = run;
	find_source(run, word, &boot->source);
	if (find_partition(boot, ret))
		switch (boot->source.place) {
		case JOTA_KERNEL_PARTITION:
			look_at_partition(boot, look, ret);
			break;
		case JOTA_KERNEL_ROOT:
			look_at_root(boot, look, ret);
			break;
		case JOTA_KERNEL_UNDECIDED:
			look_at_both(boot, look, ret);
			break;
		}
	jota_newroot_free(boot->root);
}
