/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * A device as a directory: proc, sys, dev, etc and run of a board in one of the known layouts, with regular
 * files as partitions. Everything the library reads goes through the root prefix, so this is all it sees.
 */
#pragma once

#include <limits.h>
#include <stdint.h>

#include "base/io.h"
#include "slot/slot.h"

struct tree {
	char root[PATH_MAX]; /* made by mkdtemp under $TMPDIR or /tmp */
	struct jota_io io;   /* production seam on that root */
};

struct tree_options {
	const char *layout; /* "mission" (default when NULL), "t234", ... */
	enum jota_slot running;
	uint64_t kernel_bytes, bootloader_bytes,
		rootfs_bytes; /* partition sizes; 0: 8 MiB, 1 MiB, 16 MiB (sparse) */
	bool no_env;	      /* leave both environment copies zero (invalid) */
};

/** Build it: mmcblk0 (env at 0x700000/0x720000, size 0x20000) with partitions A_kernel.. in sysfs (uevent PARTNAME, start, size, holders), dev/mmcblk0pN
 *  files, proc/cmdline "... root=PARTLABEL=A_APP jota.slot=A", proc/self/mountinfo with the rootfs partition at /, boot_id, etc/fw_env.config, etc/swupdate-jetson.conf, run/.
 *  The environment starts in factory state: altbootcmd, bootcmd, bootlimit=3 present, no state variables. Aborts the test on failure. */
void tree_make(struct tree *t, const struct tree_options *options);
/** Remove it all. */
void tree_remove(struct tree *t);

/** Which slot runs from now on: rewrites cmdline and mountinfo, gives a new boot_id, removes the reboot-pending marker (as a reboot would). */
void tree_reboot_into(struct tree *t, enum jota_slot running);
/** Replace a file's text below the root; parent directories are made. */
void tree_write_file(struct tree *t, const char *path, const char *text);
/** Set one environment variable (value NULL deletes) as fw_setenv would: own encoder, writes the copy not in use. */
void tree_env_set(struct tree *t, const char *name, const char *value);
/** Current value, "" when absent; heap, caller frees. */
char *tree_env_get(struct tree *t, const char *name);
/** Overwrite one copy (0 or 1) of the environment with garbage so that its CRC fails. */
void tree_env_spoil(struct tree *t, int copy);
/** Serial (flags byte) of each copy; a store raises one of them: lets tests count stores. */
void tree_env_flags(struct tree *t, uint8_t ret_flags[2]);
/** Path (with root) of the file that stands for a partition label; heap, caller frees. */
char *tree_partition_path(struct tree *t, const char *label);
/** Fill a partition file's first bytes with a seeded pattern; size 0: whole partition. */
void tree_partition_fill(struct tree *t, const char *label, uint32_t seed, uint64_t bytes);
