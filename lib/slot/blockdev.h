/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Partitions and mounts as the kernel tells them (sysfs, /proc/self/mountinfo), through the root
 * prefix.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jota_err;
struct jota_io;

struct jota_partition {
	char name[64]; /* kernel name, "mmcblk0p3"; its node is /dev/<name> */
	/* kernel name of the disk it is on, "mmcblk0"; for a whole disk its own name */
	char disk[64];
	char label[128]; /* GPT partition name, "" when none */
	uint32_t major, minor;
	uint64_t start_bytes, size_bytes; /* within the disk */
	bool is_partition;
	/*
	 * mounted somewhere in this mount namespace, or used as the base of an overlay mount's
	 * file system
	 */
	bool mounted;
	bool held; /* another block device (dm, md) stands on it */
};

struct jota_blockdevs {
	struct jota_partition *partition;
	size_t count;
	/*
	 * kernel name of the block device under "/", found through overlay (lowerdir), dm
	 * (slaves), loop (backing file); "" when not found
	 */
	char root_name[64];
};

/**
 * Read all block devices and what "/" stands on. -ENOMEM, -EIO...; a device that vanishes
 * meanwhile is left out. jota_blockdevs_done() frees.
 */
int jota_blockdevs_read(const struct jota_io *io, struct jota_blockdevs *ret, struct jota_err *err);
void jota_blockdevs_done(struct jota_blockdevs *devs);
/** By kernel name; NULL. */
const struct jota_partition *jota_blockdevs_find(const struct jota_blockdevs *devs,
						 const char *name);
