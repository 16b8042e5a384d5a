/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "write/target.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "slot/blockdev.h"
#include "slot/config.h"
#include "slot/evidence.h"
#include "slot/fw_env.h"
#include "slot/layout.h"
#include "write/device.h"
#include "write/force_ro.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One question, with everything that its answer is looked up in. */
struct search {
	const struct jota_io *io;
	const struct jota_config *config;
	const struct jota_blockdevs *devs;
	const struct jota_evidence *evidence;
	enum jota_role role;
	enum jota_slot slot;
	const struct jota_layout_role *row;
	const char *label;
	char disk[64];
};

/* What was found. */
struct find {
	const struct jota_partition *partition;
	struct jota_geometry geometry;
	struct jota_target target;
};

static int start_search(struct search *s, struct jota_err *err)
{
	const struct jota_layout *layout = s->config->layout;

	s->row = &layout->role[s->role];
	s->label = s->row->label[s->slot];
	if (!s->label)
		return jota_fail(
			err, ENODEV,
			"layout '%s' (%s) has no %s partition for slot %s: leave this image "
			"out, or correct 'layout' in " JOTA_CONFIG_PATH ".",
			layout->name, layout->boards, jota_role_name(s->role),
			jota_slot_name(s->slot));
	return 0;
}

static int find_root_disk(struct search *s, struct jota_err *err)
{
	const char *configured = s->config->root_disk, *found = s->evidence->root_disk;

	if (configured[0] && found[0] && strcmp(configured, found) != 0)
		return jota_fail(
			err, ENODEV,
			"which disk has the %s slots is contradictory: root_disk in " JOTA_CONFIG_PATH
			" says '%s', but the running root is on '%s'; "
			"correct or remove root_disk.",
			jota_role_name(s->role), configured, found);
	if (!configured[0] && !found[0])
		return jota_fail(err, ENODEV,
				 "the disk of %s slot %s (label '%s') is unknown: the running root "
				 "leads to no disk; set root_disk in " JOTA_CONFIG_PATH ".",
				 jota_role_name(s->role), jota_slot_name(s->slot), s->label);
	(void)snprintf(s->disk, sizeof(s->disk), "%s", configured[0] ? configured : found);
	return 0;
}

/* By kernel name; a link such as /dev/disk/by-path/... by the device number it leads to. */
static int find_by_node(struct search *s, const char *node, const struct jota_partition **ret,
			struct jota_err *err)
{
	const char *prefix = "/dev/";
	CLEANUP_FD int fd = -1;
	struct jota_geometry g;
	int r;

	*ret = NULL;
	if (strncmp(node, prefix, strlen(prefix)) == 0)
		*ret = jota_blockdevs_find(s->devs, node + strlen(prefix));
	if (*ret)
		return 0;
	fd = jota_io_open(s->io, node, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0, err);
	if (fd < 0)
		return fd;
	r = jota_geometry_read(fd, node, &g, err);
	if (r < 0)
		return r;
	for (size_t i = 0; g.is_block && i < s->devs->count; i++)
		if (s->devs->partition[i].major == g.major && s->devs->partition[i].minor == g.minor)
			*ret = &s->devs->partition[i];
	return 0;
}

static int find_env_disk(struct search *s, struct jota_err *err)
{
	const struct jota_partition *device;
	struct jota_fw_env env;
	int r;

	r = jota_fw_env_read(s->io, s->config->env_config, &env, err);
	if (r < 0)
		return r;
	r = find_by_node(s, env.copy[0].device, &device, err);
	if (r < 0)
		return r;
	if (!device)
		return jota_fail(err, ENODEV,
				 "the disk of %s slot %s (label '%s') is unknown: the environment "
				 "device '%s' in '%s' is no block device that the kernel knows.",
				 jota_role_name(s->role), jota_slot_name(s->slot), s->label,
				 env.copy[0].device, s->config->env_config);
	(void)snprintf(s->disk, sizeof(s->disk), "%s", device->disk);
	return 0;
}

static int find_disk(struct search *s, struct jota_err *err)
{
	int r = 0;

	switch (s->row->disk) {
	case JOTA_DISK_ROOT:
		r = find_root_disk(s, err);
		break;
	case JOTA_DISK_ENV:
		r = find_env_disk(s, err);
		break;
	}
	if (r == 0 && !jota_blockdevs_find(s->devs, s->disk))
		return jota_fail(
			err, ENODEV, "the disk '%s' of %s slot %s (label '%s') does not exist.",
			s->disk, jota_role_name(s->role), jota_slot_name(s->slot), s->label);
	return r;
}

/* A refusal that says which partition is meant, what is wrong with it, and what to do. */
#define refuse(err, errnum, s, fmt, ...)                                                           \
	jota_fail(err, errnum, "%s slot %s (label '%s' on disk '%s') " fmt ".",                    \
		  jota_role_name((s)->role), jota_slot_name((s)->slot), (s)->label, (s)->disk,     \
		  __VA_ARGS__)

static int find_label(const struct search *s, const struct jota_partition **ret,
		      struct jota_err *err)
{
	const struct jota_partition *found = NULL;

	for (size_t i = 0; i < s->devs->count; i++) {
		const struct jota_partition *p = &s->devs->partition[i];

		if (!p->is_partition || strcmp(p->disk, s->disk) != 0 ||
		    strcmp(p->label, s->label) != 0)
			continue;
		if (found)
			return refuse(
				err, ENOTUNIQ, s,
				"is ambiguous: '%s' and '%s' both carry that label; rename one",
				found->name, p->name);
		found = p;
	}
	if (!found)
		return refuse(err, ENODEV, s,
			      "does not exist: no partition there has that label; check the "
			      "partition table and 'layout' ('%s') in " JOTA_CONFIG_PATH,
			      s->config->layout->name);
	*ret = found;
	return 0;
}

static int check_node(const struct search *s, const struct find *f, struct jota_err *err)
{
	const struct jota_geometry *g = &f->geometry;

	if (!g->is_block && jota_io_is_real_root(s->io))
		return refuse(err, ENOTBLK, s,
			      "is a regular file at '%s': only block devices are written",
			      f->target.path);
	if (g->is_block && (g->major != f->partition->major || g->minor != f->partition->minor))
		return refuse(err, ENXIO, s,
			      "is device %" PRIu32 ":%" PRIu32 ", but the node '%s' is %" PRIu32
			      ":%" PRIu32 ": restart udev or remove the stale node",
			      f->partition->major, f->partition->minor, f->target.path, g->major,
			      g->minor);
	return 0;
}

static int read_node(const struct search *s, struct find *f, struct jota_err *err)
{
	CLEANUP_FD int fd = -1;
	int r;

	fd = jota_io_open(s->io, f->target.path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0, err);
	if (fd == -ENOENT)
		return refuse(err, ENODEV, s, "has no node '%s'; see that /dev is complete",
			      f->target.path);
	if (fd < 0)
		return fd;
	r = jota_geometry_read(fd, f->target.path, &f->geometry, err);
	if (r == -ENOTBLK)
		return refuse(err, ENOTBLK, s, "is at '%s', which is no block device",
			      f->target.path);
	if (r < 0)
		return r;
	return check_node(s, f, err);
}

static int locate(struct search *s, struct find *f, struct jota_err *err)
{
	int r;

	r = find_disk(s, err);
	if (r < 0)
		return r;
	r = find_label(s, &f->partition, err);
	if (r < 0)
		return r;
	f->target = (struct jota_target){ .role = s->role, .slot = s->slot };
	(void)snprintf(f->target.label, sizeof(f->target.label), "%s", s->label);
	(void)snprintf(f->target.path, sizeof(f->target.path), "/dev/%s", f->partition->name);
	r = read_node(s, f, err);
	if (r < 0)
		return r;
	f->target.capacity_bytes = f->geometry.capacity_bytes;
	f->target.block_bytes = f->geometry.block_bytes;
	return 0;
}

/* What forbids writing the slot, whatever partition it turns out to be. */
static int check_slot(const struct search *s, struct jota_err *err)
{
	if (s->row->selected_by == JOTA_SELECTED_BY_NONE)
		return jota_fail(err, EPERM,
				 "nothing on layout '%s' selects the %s partition '%s' of slot %s: "
				 "writing it would change nothing that boots; leave this image out.",
				 s->config->layout->name, jota_role_name(s->role), s->label,
				 jota_slot_name(s->slot));
	if (!s->evidence->known)
		return jota_fail(err, EPERM,
				 "%s slot %s (label '%s') is not written, because it is not known "
				 "which slot runs.",
				 jota_role_name(s->role), jota_slot_name(s->slot), s->label);
	if (s->evidence->running == s->slot)
		return jota_fail(err, EPERM,
				 "%s slot %s (label '%s') is the running one and is not written.",
				 jota_role_name(s->role), jota_slot_name(s->slot), s->label);
	return 0;
}

/* The protection of an eMMC boot area is lifted while it is written; any other one is somebody's will. */
static int check_protection(const struct search *s, const struct find *f, struct jota_err *err)
{
	int r = jota_force_ro_read(s->io, f->target.path, err);

	if (r < 0)
		return jota_wrap(err,
				 "%s slot %s (label '%s' on disk '%s'): ", jota_role_name(s->role),
				 jota_slot_name(s->slot), s->label, s->disk);
	if (r == 0 && f->geometry.read_only)
		return refuse(err, EROFS, s,
			      "is '%s', which is write protected; lift it (blockdev --setrw)",
			      f->partition->name);
	return 0;
}

/* A mount in another namespace is in no list we can read, but the kernel knows it. */
static int check_unclaimed(const struct search *s, const struct find *f, struct jota_err *err)
{
	CLEANUP_FD int fd = -1;

	if (!f->geometry.is_block)
		return 0;
	fd = jota_io_open(s->io, f->target.path, O_RDONLY | O_EXCL | O_NOCTTY | O_NONBLOCK, 0, err);
	if (fd == -EBUSY)
		return refuse(err, EBUSY, s,
			      "is '%s', which something else has claimed (mounted in another "
			      "namespace?); unmount it first",
			      f->partition->name);
	return fd < 0 ? fd : 0;
}

/* What forbids writing the partition. */
static int check_unused(const struct search *s, const struct find *f, struct jota_err *err)
{
	const struct jota_partition *p = f->partition;
	int r;

	if (strcmp(s->devs->root_name, p->name) == 0)
		return refuse(err, EBUSY, s,
			      "is '%s', which the running root file system is on; check the labels "
			      "of the partitions",
			      p->name);
	if (p->mounted)
		return refuse(err, EBUSY, s, "is '%s', which is mounted; unmount it first", p->name);
	if (p->held)
		return refuse(err, EBUSY, s,
			      "is '%s', which another block device stands on; remove that first",
			      p->name);
	r = check_unclaimed(s, f, err);
	return r < 0 ? r : check_protection(s, f, err);
}

static int find_target(struct search *s, bool to_write, struct jota_target *ret,
		       struct jota_err *err)
{
	struct find f = { 0 };
	int r;

	r = start_search(s, err);
	if (!r && to_write)
		r = check_slot(s, err);
	if (!r)
		r = locate(s, &f, err);
	if (!r && to_write)
		r = check_unused(s, &f, err);
	if (r < 0)
		return r;
	*ret = f.target;
	return 0;
}

int jota_target_resolve(const struct jota_io *io, const struct jota_config *config,
			const struct jota_blockdevs *devs, const struct jota_evidence *evidence,
			enum jota_role role, enum jota_slot slot, struct jota_target *ret,
			struct jota_err *err)
{
	struct search s = { io, config, devs, evidence, role, slot, NULL, NULL, "" };

	return find_target(&s, true, ret, err);
}

int jota_target_locate(const struct jota_io *io, const struct jota_config *config,
		       const struct jota_blockdevs *devs, const struct jota_evidence *evidence,
		       enum jota_role role, enum jota_slot slot, struct jota_target *ret,
		       struct jota_err *err)
{
	struct search s = { io, config, devs, evidence, role, slot, NULL, NULL, "" };

	return find_target(&s, false, ret, err);
}
