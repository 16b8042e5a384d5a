/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Mounted and writable; room left. */
#define _GNU_SOURCE
#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "health/kind.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MOUNTS_PATH "/proc/self/mounts"
#define TEST_BYTES 4096

enum { M_PATH, M_WRITABLE, M_WRITE_TEST, M_TYPE };
static const struct jota_field mount_fields[] = {
	[M_PATH] = { .name = "path",
		     .type = JOTA_FIELD_PATH,
		     .required = true,
		     .about = "mount point" },
	[M_WRITABLE] = { .name = "writable",
			 .type = JOTA_FIELD_BOOL,
			 .has_number = true,
			 .number = 1,
			 .about = "must be mounted for writing" },
	[M_WRITE_TEST] = { .name = "write_test",
			   .type = JOTA_FIELD_BOOL,
			   .has_number = true,
			   .about = "write a file of 4 KiB, make it durable, read it, remove it" },
	[M_TYPE] = { .name = "type",
		     .type = JOTA_FIELD_TEXT,
		     .about = "type of the file system, such as ext4" },
};

enum { S_PATH, S_MIB, S_PERCENT, S_INODES, S_INODES_PERCENT };
static const struct jota_field space_fields[] = {
	[S_PATH] = { .name = "path",
		     .type = JOTA_FIELD_PATH,
		     .required = true,
		     .about = "a path on the file system" },
	[S_MIB] = { .name = "min_mib",
		    .type = JOTA_FIELD_NUMBER,
		    .min = 1,
		    .max = INT32_MAX,
		    .about = "MiB that users may still fill" },
	[S_PERCENT] = { .name = "min_percent",
			.type = JOTA_FIELD_NUMBER,
			.min = 1,
			.max = 100,
			.about = "the same, of the whole" },
	[S_INODES] = { .name = "min_inodes",
		       .type = JOTA_FIELD_NUMBER,
		       .min = 1,
		       .max = INT32_MAX,
		       .about = "files that can still be made" },
	[S_INODES_PERCENT] = { .name = "min_inodes_percent",
			       .type = JOTA_FIELD_NUMBER,
			       .min = 1,
			       .max = 100,
			       .about = "the same, of the whole" },
};

static const char *mount_conflict(const struct jota_check *check)
{
	if (check->value[M_WRITE_TEST].number && !check->value[M_WRITABLE].number)
		return "write_test cannot be done where writable is false";
	return NULL;
}

static const char *space_conflict(const struct jota_check *check)
{
	for (size_t i = S_MIB; i <= S_INODES_PERCENT; i++)
		if (check->value[i].set)
			return NULL;
	return "one of min_mib, min_percent, min_inodes, min_inodes_percent is needed";
}

static bool full_path(const struct jota_check_run *run, const char *path, char full[PATH_MAX],
		      struct jota_finding *ret)
{
	struct jota_err err = { 0 };

	if (jota_io_path(run->io, path, full, PATH_MAX, &err) == 0)
		return true;
	jota_found(ret, JOTA_ERROR, JOTA_WHY_INTERNAL, "%s", err.msg);
	return false;
}

/* The last mount at a point hides those before it. *ret_type is "" when nothing is mounted there. */
static bool look_up(const struct jota_check_run *run, const char *point, char *ret_type,
		    size_t type_bytes, bool *ret_writable, struct jota_finding *ret)
{
	char full[PATH_MAX], line[PATH_MAX];
	struct mntent entry;
	FILE *mounts;

	if (!full_path(run, MOUNTS_PATH, full, ret))
		return false;
	mounts = setmntent(full, "re");
	if (!mounts) {
		jota_found(ret, JOTA_ERROR, JOTA_WHY_INTERNAL, "read '" MOUNTS_PATH "': %s",
			   strerror(errno));
		return false;
	}
	ret_type[0] = '\0';
	while (getmntent_r(mounts, &entry, line, sizeof(line))) {
		if (strcmp(entry.mnt_dir, point) != 0)
			continue;
		(void)snprintf(ret_type, type_bytes, "%s", entry.mnt_type);
		*ret_writable = hasmntopt(&entry, "ro") == NULL;
	}
	(void)endmntent(mounts);
	return true;
}

static int write_and_compare(int fd)
{
	char wrote[TEST_BYTES], got[TEST_BYTES];

	for (size_t i = 0; i < sizeof(wrote); i++)
		wrote[i] = (char)(i * 31 + 7);
	if (pwrite(fd, wrote, sizeof(wrote), 0) != (ssize_t)sizeof(wrote) || fsync(fd) < 0)
		return errno ? errno : ENOSPC;
	(void)posix_fadvise(fd, 0, sizeof(wrote), POSIX_FADV_DONTNEED);
	if (pread(fd, got, sizeof(got), 0) != (ssize_t)sizeof(got) ||
	    memcmp(wrote, got, sizeof(got)) != 0)
		return EIO;
	return 0;
}

/* Without a name where the file system can do that: a cut or a kill then leaves nothing behind. */
static int open_test_file(const char *dir)
{
	char path[PATH_MAX];
	int fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	int n;

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return fd;
	n = snprintf(path, sizeof(path), "%s/.jetson-health-XXXXXX", dir);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path);
	return fd;
}

static bool write_test(const char *path, const char *full, struct jota_finding *ret)
{
	CLEANUP_FD int fd = -1;
	int failed;

	errno = 0;
	fd = open_test_file(full);
	failed = fd < 0 ? errno : write_and_compare(fd);
	if (failed == 0)
		return true;
	jota_found(ret, JOTA_FAIL, JOTA_WHY_WRITE, "'%.120s': %s", path, strerror(failed));
	return false;
}

static void run_mount(const struct jota_check_run *run, struct jota_finding *ret)
{
	const struct jota_value *value = run->check->value;
	const char *path = value[M_PATH].text;
	char full[PATH_MAX], type[64];
	bool writable = false;

	if (!full_path(run, path, full, ret) ||
	    !look_up(run, path, type, sizeof(type), &writable, ret))
		return;
	if (type[0] == '\0') {
		jota_found(ret, JOTA_FAIL, JOTA_WHY_NOT_MOUNTED, "'%.120s'", path);
		return;
	}
	if (value[M_TYPE].set && strcmp(value[M_TYPE].text, type) != 0) {
		jota_found(ret, JOTA_FAIL, JOTA_WHY_WRONG_TYPE, "'%.100s' is %.40s, expected %.40s",
			   path, type, value[M_TYPE].text);
		return;
	}
	if (value[M_WRITABLE].number && !writable) {
		jota_found(ret, JOTA_FAIL, JOTA_WHY_READ_ONLY, "'%.120s'", path);
		return;
	}
	if (value[M_WRITE_TEST].number && !write_test(path, full, ret))
		return;
	jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "'%.120s' is %.40s, %s", path, type,
		   writable ? "writable" : "read-only");
}

static unsigned percent(uint64_t part, uint64_t whole)
{
	/* A file system without a number of its own (inodes of btrfs) has enough. */
	return whole == 0 ? 100 : (unsigned)((double)part * 100.0 / (double)whole);
}

static void judge_space(const struct jota_value *value, const struct statvfs *fs,
			struct jota_finding *ret)
{
	const char *path = value[S_PATH].text;
	uint64_t unit = fs->f_frsize ? fs->f_frsize : fs->f_bsize;
	uint64_t free_mib = (uint64_t)((double)fs->f_bavail * (double)unit / (1 << 20));
	unsigned free_percent = percent(fs->f_bavail, fs->f_blocks);
	unsigned inodes_percent = percent(fs->f_favail, fs->f_files);
	bool has_inodes = fs->f_files > 0;

	if ((value[S_MIB].set && free_mib < (uint64_t)value[S_MIB].number) ||
	    (value[S_PERCENT].set && free_percent < (unsigned)value[S_PERCENT].number))
		jota_found(ret, JOTA_FAIL, JOTA_WHY_SPACE,
			   "'%.100s' has %" PRIu64 " MiB (%u %%) left", path, free_mib,
			   free_percent);
	else if (has_inodes &&
		 ((value[S_INODES].set && fs->f_favail < (uint64_t)value[S_INODES].number) ||
		  (value[S_INODES_PERCENT].set &&
		   inodes_percent < (unsigned)value[S_INODES_PERCENT].number)))
		jota_found(ret, JOTA_FAIL, JOTA_WHY_INODES,
			   "'%.100s' has %" PRIu64 " inodes (%u %%) left", path,
			   (uint64_t)fs->f_favail, inodes_percent);
	else
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "'%.100s' has %" PRIu64 " MiB (%u %%) left",
			   path, free_mib, free_percent);
}

static void run_space(const struct jota_check_run *run, struct jota_finding *ret)
{
	const struct jota_value *value = run->check->value;
	char full[PATH_MAX];
	struct statvfs fs;

	if (!full_path(run, value[S_PATH].text, full, ret))
		return;
	if (statvfs(full, &fs) < 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_MISSING, "'%.120s': %s", value[S_PATH].text,
			   strerror(errno));
	else
		judge_space(value, &fs, ret);
}

const struct jota_check_kind jota_kind_mount = {
	.name = "mount",
	.about = "a file system is mounted, and can be written",
	.phases = JOTA_PHASES_ALL,
	.field = mount_fields,
	.field_count = sizeof(mount_fields) / sizeof(mount_fields[0]),
	.conflict = mount_conflict,
	.run = run_mount,
};

const struct jota_check_kind jota_kind_space = {
	.name = "space",
	.about = "a file system has room left",
	.phases = JOTA_PHASES_ALL,
	.field = space_fields,
	.field_count = sizeof(space_fields) / sizeof(space_fields[0]),
	.conflict = space_conflict,
	.run = run_space,
};
