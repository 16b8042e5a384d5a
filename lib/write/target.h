/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* From (role, slot) to one exact block device, or a refusal. */
#pragma once

#include <limits.h>
#include <stdint.h>

#include "slot/slot.h"

struct jota_blockdevs;
struct jota_config;
struct jota_err;
struct jota_evidence;
struct jota_io;

struct jota_target {
	enum jota_role role;
	enum jota_slot slot;
	char label[128];
	char path[PATH_MAX]; /* not prefixed: "/dev/mmcblk0p4" */
	uint64_t capacity_bytes;
	uint32_t block_bytes; /* logical block, unit of direct I/O; 4096 for a regular file */
};

/**
 * Find and check the partition that an update writes. Opens it read-only for its size, writes
 * nothing. Refusals name role, slot and label, and the disk once it is found:
 * -EPERM     the slot is the running one, the running slot is not known, nothing selects the role
 * -ENODEV    the layout has no such partition; the disk is unknown, absent or contradictory
 *            (root_disk against the disk of the running root); no such label; no node in /dev
 * -ENOTUNIQ  the label stands twice on the disk
 * -EBUSY     mounted, held by another block device, or the device under the running root
 * -ENOTBLK   no block device (a regular file is accepted only under a prefix other than "/")
 * -ENXIO     the node in /dev is another device than the one in sysfs
 * -EROFS     write protected, otherwise than by a force_ro, which the writer lifts
 * -EBADMSG   force_ro holds something strange
 * Errors of fw_env.config and of open pass through.
 */
int jota_target_resolve(const struct jota_io *io, const struct jota_config *config,
			const struct jota_blockdevs *devs, const struct jota_evidence *evidence,
			enum jota_role role, enum jota_slot slot, struct jota_target *ret,
			struct jota_err *err);

/**
 * Same search without the refusals that protect a running, mounted, unselected or write protected
 * slot: for reading (keep, info).
 */
int jota_target_locate(const struct jota_io *io, const struct jota_config *config,
		       const struct jota_blockdevs *devs, const struct jota_evidence *evidence,
		       enum jota_role role, enum jota_slot slot, struct jota_target *ret,
		       struct jota_err *err);
