/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* More block devices in the tree: other disks, device mapper, loop. */
#pragma once

#include "support/tree.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

/** Path below the tree's root, into one buffer of the caller. */
#define ROOTED(buf, t, path) (void)snprintf(buf, sizeof(buf), "%s%s", (t)->root, path)

/** Write a file of sysfs: /sys/devices/<dir>/<leaf>. */
static inline void put_sysfs(struct tree *t, const char *dir, const char *leaf, const char *text)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "/sys/devices/%s/%s", dir, leaf);
	tree_write_file(t, path, text);
}

/** A device at /sys/devices/<dir>; label NULL: a disk. Sizes in sectors. */
static inline void add_extra(struct tree *t, const char *dir, const char *name, unsigned major,
			     unsigned minor, const char *label, unsigned start, unsigned size)
{
	char text[512], full[PATH_MAX * 2];

	(void)snprintf(text, sizeof(text), "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\nDEVTYPE=%s\n%s%s%s",
		       major, minor, name, label ? "partition" : "disk", label ? "PARTNAME=" : "",
		       label ? label : "", label ? "\n" : "");
	put_sysfs(t, dir, "uevent", text);
	(void)snprintf(text, sizeof(text), "%u\n", size);
	put_sysfs(t, dir, "size", text);
	if (label) {
		(void)snprintf(text, sizeof(text), "%u\n", start);
		put_sysfs(t, dir, "start", text);
	}
	(void)snprintf(text, sizeof(text), "../../devices/%s", dir);
	(void)snprintf(full, sizeof(full), "%s/sys/class/block/%s", t->root, name);
	ck_assert_int_eq(symlink(text, full), 0);
}
