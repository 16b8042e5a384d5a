/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/blockdev.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "base/number.h"
#include "slot/blockdev_root.h"
#include "slot/mounts.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR_BYTES 512u /* sysfs counts in these, whatever the device's own sector is */
#define SYSFS_TEXT_MAX 4096u
#define MOUNTINFO_MAX (4u << 20)
#define DEVICES_MAX 4096u

static int format_path(char *buf, size_t buf_bytes, const char *name, const char *leaf,
		       struct jota_err *err)
{
	int n = snprintf(buf, buf_bytes, "/sys/class/block/%s%s%s", name, *leaf ? "/" : "", leaf);

	if (n < 0 || (size_t)n >= buf_bytes)
		return jota_fail(err, ENAMETOOLONG, "path of block device '%s'", name);
	return 0;
}

static int read_attribute(const struct jota_io *io, const char *name, const char *leaf,
			  char **ret_text, struct jota_err *err)
{
	char path[PATH_MAX];
	size_t len = 0;
	int r = format_path(path, sizeof(path), name, leaf, err);

	if (r == 0)
		r = jota_io_read_file(io, path, SYSFS_TEXT_MAX, ret_text, &len, err);
	if (r < 0)
		return r;
	while (len > 0 && (*ret_text)[len - 1] == '\n')
		(*ret_text)[--len] = '\0';
	return 0;
}

static int read_sectors(const struct jota_io *io, const char *name, const char *leaf,
			uint64_t *ret_bytes, struct jota_err *err)
{
	CLEANUP_FREE char *text = NULL;
	uint64_t sectors = 0;
	int r = read_attribute(io, name, leaf, &text, err);

	if (r == 0)
		r = jota_parse_u64(leaf, text, 0, UINT64_MAX / SECTOR_BYTES, &sectors, err);
	if (r < 0)
		return jota_wrap(err, "block device '%s': ", name);
	*ret_bytes = sectors * SECTOR_BYTES;
	return 0;
}

/* Value of KEY= in a uevent, cut out of the text; NULL: no such line. */
static const char *find_key(const char *text, const char *key, size_t *ret_len)
{
	size_t key_len = strlen(key);

	for (const char *line = text; line && *line != '\0';) {
		if (strncmp(line, key, key_len) == 0) {
			*ret_len = strcspn(line + key_len, "\n");
			return line + key_len;
		}
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return NULL;
}

static int parse_device_number(const char *text, const char *key, uint32_t *ret)
{
	char digits[16];
	size_t len = 0;
	const char *at = find_key(text, key, &len);
	uint64_t value;

	if (!at || len >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, at, len);
	digits[len] = '\0';
	if (jota_parse_u64(key, digits, 0, UINT32_MAX, &value, NULL) < 0)
		return -EINVAL;
	*ret = (uint32_t)value;
	return 0;
}

static int parse_uevent(const char *text, struct jota_partition *p, struct jota_err *err)
{
	size_t len = 0;
	const char *at;

	if (parse_device_number(text, "MAJOR=", &p->major) < 0 ||
	    parse_device_number(text, "MINOR=", &p->minor) < 0)
		return jota_fail(err, EBADMSG, "block device '%s': no device number in its uevent.",
				 p->name);
	at = find_key(text, "DEVTYPE=", &len);
	p->is_partition = at && len == strlen("partition") && !strncmp(at, "partition", len);
	at = find_key(text, "PARTNAME=", &len);
	if (at && len < sizeof(p->label)) {
		memcpy(p->label, at, len);
		p->label[len] = '\0';
	}
	return 0;
}

/* A partition's directory lies in that of its disk; the link in /sys/class/block leads there. */
static int find_disk(const struct jota_io *io, struct jota_partition *p, struct jota_err *err)
{
	char path[PATH_MAX], full[PATH_MAX], link[PATH_MAX];
	char *slash, *disk;
	ssize_t n;
	int r;

	if (!p->is_partition) {
		memcpy(p->disk, p->name, sizeof(p->disk));
		return 0;
	}
	r = format_path(path, sizeof(path), p->name, "", err);
	if (r == 0)
		r = jota_io_path(io, path, full, sizeof(full), err);
	if (r < 0)
		return r;
	n = readlink(full, link, sizeof(link) - 1);
	if (n < 0)
		return jota_fail(err, errno, "read the link '%s'", full);
	link[n] = '\0';
	slash = strrchr(link, '/');
	if (slash)
		*slash = '\0';
	disk = slash ? strrchr(link, '/') : NULL;
	if (!disk || strlen(disk + 1) >= sizeof(p->disk))
		return jota_fail(err, EBADMSG, "link '%s' does not name the partition's disk.",
				 full);
	memcpy(p->disk, disk + 1, strlen(disk + 1) + 1);
	return 0;
}

static bool has_holder(const struct jota_io *io, const char *name)
{
	char only[64];

	return jota_blockdev_list_one(io, name, "holders", only, sizeof(only)) > 0;
}

static int read_device(const struct jota_io *io, const char *name, struct jota_partition *p,
		       struct jota_err *err)
{
	CLEANUP_FREE char *uevent = NULL;
	int r;

	*p = (struct jota_partition){ 0 };
	if (strlen(name) >= sizeof(p->name))
		return jota_fail(err, ENOENT, "block device with the overlong name '%s'", name);
	memcpy(p->name, name, strlen(name) + 1);
	r = read_attribute(io, name, "uevent", &uevent, err);
	if (r == 0)
		r = parse_uevent(uevent, p, err);
	if (r == 0)
		r = find_disk(io, p, err);
	if (r == 0)
		r = read_sectors(io, name, "size", &p->size_bytes, err);
	if (r == 0 && p->is_partition)
		r = read_sectors(io, name, "start", &p->start_bytes, err);
	if (r == 0)
		p->held = has_holder(io, name);
	return r;
}

static int append_device(struct jota_blockdevs *devs, const struct jota_partition *p,
			 struct jota_err *err)
{
	struct jota_partition *bigger;

	if (devs->count >= DEVICES_MAX)
		return jota_fail(err, E2BIG, "more than %u block devices.", DEVICES_MAX);
	bigger = reallocarray(devs->partition, devs->count + 1, sizeof(*bigger));
	if (!bigger)
		return jota_fail(err, ENOMEM, "list the block devices");
	bigger[devs->count++] = *p;
	devs->partition = bigger;
	return 0;
}

static int read_devices(const struct jota_io *io, struct jota_blockdevs *devs, DIR *dir,
			struct jota_err *err)
{
	const struct dirent *entry;
	struct jota_partition p;
	int r = 0;

	for (errno = 0; r == 0 && (entry = readdir(dir)); errno = 0) {
		if (entry->d_name[0] == '.')
			continue;
		r = read_device(io, entry->d_name, &p, err);
		/* Unplugged between readdir and here. */
		if (r == -ENOENT || r == -ENODEV || r == -ENXIO) {
			r = 0;
			continue;
		}
		if (r == 0)
			r = append_device(devs, &p, err);
	}
	if (r == 0 && errno != 0)
		return jota_fail(err, errno, "list the block devices");
	return r;
}

static int read_class(const struct jota_io *io, struct jota_blockdevs *devs, struct jota_err *err)
{
	char full[PATH_MAX];
	DIR *dir;
	int r = jota_io_path(io, "/sys/class/block", full, sizeof(full), err);

	if (r < 0)
		return r;
	dir = opendir(full);
	if (!dir)
		return jota_fail(err, errno, "open '%s'", full);
	r = read_devices(io, devs, dir, err);
	(void)closedir(dir);
	return r;
}

static void mark_mounted(struct jota_blockdevs *devs, const struct jota_mounts *mounts)
{
	for (size_t i = 0; i < devs->count; i++) {
		struct jota_partition *p = &devs->partition[i];

		for (size_t k = 0; k < mounts->count && !p->mounted; k++)
			p->mounted = jota_blockdev_of_mount(devs, &mounts->mount[k]) == p;
		/* Under an overlay the base may be mounted where this namespace does not see it. */
		if (devs->root_name[0] != '\0' && strcmp(p->name, devs->root_name) == 0)
			p->mounted = true;
	}
}

int jota_blockdevs_read(const struct jota_io *io, struct jota_blockdevs *ret, struct jota_err *err)
{
	struct jota_mounts mounts = { 0 };
	struct jota_blockdevs devs = { 0 };
	char *text = NULL;
	int r;

	r = read_class(io, &devs, err);
	if (r == 0)
		r = jota_io_read_file(io, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, NULL, err);
	if (r == 0)
		r = jota_mounts_parse(text, &mounts, err);
	if (r < 0) {
		jota_blockdevs_done(&devs);
		return r;
	}
	jota_blockdev_find_root(io, &devs, &mounts, devs.root_name, sizeof(devs.root_name));
	mark_mounted(&devs, &mounts);
	jota_mounts_done(&mounts);
	*ret = devs;
	return 0;
}

void jota_blockdevs_done(struct jota_blockdevs *devs)
{
	free(devs->partition);
	*devs = (struct jota_blockdevs){ 0 };
}

const struct jota_partition *jota_blockdevs_find(const struct jota_blockdevs *devs, const char *name)
{
	for (size_t i = 0; i < devs->count; i++)
		if (strcmp(devs->partition[i].name, name) == 0)
			return &devs->partition[i];
	return NULL;
}
