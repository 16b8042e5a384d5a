/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/blockdev_root.h"

#include "base/cleanup.h"
#include "base/io.h"
#include "slot/blockdev.h"
#include "slot/mounts.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Overlay on loop on overlay on verity is four; what is deeper runs in a circle. */
#define DEPTH_MAX 8
/* And what branches this often is no root file system of ours. */
#define STEPS_MAX 1024

/* The answer so far: several ways down are fine as long as they end on the same device. */
struct search {
	const struct jota_io *io;
	const struct jota_blockdevs *devs;
	const struct jota_mounts *mounts;
	const struct jota_partition *found;
	bool ambiguous;
	unsigned steps;
};

static void descend_mount(struct search *s, const struct jota_mount *mount, unsigned depth);

size_t jota_blockdev_list_one(const struct jota_io *io, const char *name, const char *leaf,
			      char *ret_first, size_t first_bytes)
{
	char path[PATH_MAX], full[PATH_MAX];
	const struct dirent *entry;
	size_t count = 0;
	DIR *dir;
	int n = snprintf(path, sizeof(path), "/sys/class/block/%s/%s", name, leaf);

	ret_first[0] = '\0';
	if (n < 0 || (size_t)n >= sizeof(path) ||
	    jota_io_path(io, path, full, sizeof(full), NULL) < 0)
		return 0;
	dir = opendir(full);
	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		if (entry->d_name[0] == '.')
			continue;
		if (count++ == 0 && len < first_bytes)
			memcpy(ret_first, entry->d_name, len + 1);
	}
	(void)closedir(dir);
	return count;
}

const struct jota_partition *jota_blockdev_of_mount(const struct jota_blockdevs *devs,
						    const struct jota_mount *mount)
{
	for (size_t i = 0; i < devs->count; i++)
		if (devs->partition[i].major == mount->major &&
		    devs->partition[i].minor == mount->minor)
			return &devs->partition[i];
	/* Major 0 is a number without a device: btrfs has one per volume, and names its device. */
	if (mount->major == 0 && strncmp(mount->source, "/dev/", 5) == 0)
		return jota_blockdevs_find(devs, mount->source + 5);
	return NULL;
}

static void settle(struct search *s, const struct jota_partition *p)
{
	if (s->found && s->found != p)
		s->ambiguous = true;
	s->found = p;
}

static void descend_path(struct search *s, const char *path, const struct jota_mount *from,
			 unsigned depth)
{
	const struct jota_mount *mount = jota_mounts_holding(s->mounts, path);

	/* Held by itself: the path is one of the initramfs, and no longer visible. */
	if (mount && mount != from)
		descend_mount(s, mount, depth);
}

static void descend_device(struct search *s, const struct jota_partition *p,
			   const struct jota_mount *from, unsigned depth)
{
	CLEANUP_FREE char *backing = NULL;
	char slave[64], path[PATH_MAX];
	size_t slaves;
	int n;

	if (depth > DEPTH_MAX) {
		s->ambiguous = true;
		return;
	}
	slaves = jota_blockdev_list_one(s->io, p->name, "slaves", slave, sizeof(slave));
	if (slaves > 0) {
		const struct jota_partition *below = jota_blockdevs_find(s->devs, slave);

		if (slaves > 1)
			s->ambiguous = true;
		else if (below)
			descend_device(s, below, from, depth + 1);
		return;
	}
	n = snprintf(path, sizeof(path), "/sys/class/block/%s/loop/backing_file", p->name);
	if (n > 0 && (size_t)n < sizeof(path) &&
	    jota_io_read_file(s->io, path, PATH_MAX, &backing, NULL, NULL) == 0) {
		backing[strcspn(backing, "\n")] = '\0';
		descend_path(s, backing, from, depth + 1);
		return;
	}
	settle(s, p);
}

static void descend_mount(struct search *s, const struct jota_mount *mount, unsigned depth)
{
	const struct jota_partition *p;
	const char *cursor = NULL;
	char dir[PATH_MAX];
	int r;

	if (depth > DEPTH_MAX || s->steps++ > STEPS_MAX) {
		s->ambiguous = true;
		return;
	}
	if (strcmp(mount->type, "overlay") == 0) {
		while ((r = jota_mount_next_lower(mount, &cursor, dir, sizeof(dir))) > 0)
			descend_path(s, dir, mount, depth + 1);
		if (r < 0)
			s->ambiguous = true;
		return;
	}
	p = jota_blockdev_of_mount(s->devs, mount);
	if (p)
		descend_device(s, p, mount, depth + 1);
}

void jota_blockdev_find_root(const struct jota_io *io, const struct jota_blockdevs *devs,
			     const struct jota_mounts *mounts, char *ret_name, size_t name_bytes)
{
	struct search s = { .io = io, .devs = devs, .mounts = mounts };
	const struct jota_mount *root = jota_mounts_holding(mounts, "/");

	ret_name[0] = '\0';
	if (root)
		descend_mount(&s, root, 0);
	if (!s.found || s.ambiguous || strlen(s.found->name) >= name_bytes)
		return;
	memcpy(ret_name, s.found->name, strlen(s.found->name) + 1);
}
