/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* A directory, or a mount that is attached nowhere; the kernel resolves, and keeps inside. */
#define _GNU_SOURCE
#include "health/newroot_ops.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_inside(const struct jota_newroot *root, const char *path, uint64_t flags,
		       struct jota_err *err)
{
	struct open_how how = { .flags = flags | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	long fd = syscall(SYS_openat2, root->dir_fd, path[0] ? path : "/", &how, sizeof(how));

	if (fd >= 0)
		return (int)fd;
	if (errno == ENOENT)
		return jota_fail(err, ENOENT, "'%.160s' is not in the new root file system.", path);
	return jota_fail(err, errno, "open '%.160s' of the new root", path);
}

static int dir_stat(const struct jota_newroot *root, const char *path, bool follow,
		    struct jota_newroot_node *ret, struct jota_err *err)
{
	uint64_t nofollow = follow ? 0 : (uint64_t)O_NOFOLLOW;
	CLEANUP_FD int fd = open_inside(root, path, (uint64_t)O_PATH | nofollow, err);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return jota_fail(err, errno, "look at '%.160s' of the new root", path);
	*ret = (struct jota_newroot_node){ .mode = st.st_mode,
					   .uid = st.st_uid,
					   .size_bytes = (uint64_t)st.st_size };
	return 0;
}

static int dir_link(const struct jota_newroot *root, const char *path, char *buf, size_t buf_bytes,
		    struct jota_err *err)
{
	CLEANUP_FD int fd = open_inside(root, path, O_PATH | O_NOFOLLOW, err);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = readlinkat(fd, "", buf, buf_bytes);
	if (n < 0)
		return jota_fail(err, errno == ENOENT ? EINVAL : errno,
				 "'%.160s' of the new root is no symbolic link.", path);
	if ((size_t)n >= buf_bytes)
		return jota_fail(err, ENAMETOOLONG, "the symbolic link '%.160s' of the new root",
				 path);
	buf[n] = '\0';
	return 0;
}

static int dir_read(const struct jota_newroot *root, const char *path, uint64_t offset_bytes,
		    void *buf, size_t len_bytes, size_t *ret_bytes, struct jota_err *err)
{
	CLEANUP_FD int fd = open_inside(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, err);
	size_t done = 0;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return jota_fail(err, EINVAL, "'%.160s' of the new root is no regular file.", path);
	if (offset_bytes > INT64_MAX - len_bytes)
		return jota_fail(err, EFBIG, "read '%.160s' of the new root", path);
	while (done < len_bytes) {
		ssize_t n = pread(fd, (char *)buf + done, len_bytes - done,
				  (off_t)(offset_bytes + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return jota_fail(err, errno, "read '%.160s' of the new root", path);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*ret_bytes = done;
	return 0;
}

static int list_names(DIR *dir, const char *path, int (*fn)(void *ctx, const char *name), void *ctx,
		      struct jota_err *err)
{
	const struct dirent *entry;
	unsigned count = 0;

	for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0) {
		int r;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (++count > JOTA_NEWROOT_NAMES_MAX)
			return jota_fail(err, E2BIG,
					 "'%.160s' of the new root has more than %u names.", path,
					 JOTA_NEWROOT_NAMES_MAX);
		r = fn(ctx, entry->d_name);
		if (r)
			return r;
	}
	return errno ? jota_fail(err, errno, "list '%.160s' of the new root", path) : 0;
}

static int dir_each(const struct jota_newroot *root, const char *path,
		    int (*fn)(void *ctx, const char *name), void *ctx, struct jota_err *err)
{
	CLEANUP_FD int fd = open_inside(root, path, O_RDONLY | O_DIRECTORY, err);
	DIR *dir;
	int r;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir)
		return jota_fail(err, errno, "list '%.160s' of the new root", path);
	(void)take_fd(&fd);
	r = list_names(dir, path, fn, ctx, err);
	(void)closedir(dir);
	return r;
}

static void dir_close(struct jota_newroot *root)
{
	(void)close(root->dir_fd);
}

static const struct jota_newroot_ops dir_ops = {
	.stat = dir_stat, .link = dir_link, .read = dir_read, .each = dir_each, .close = dir_close
};

void jota_newroot_open_dir(struct jota_newroot *root, int fd)
{
	root->dir_fd = fd;
	root->type = "directory";
	root->ops = &dir_ops;
}

/* Never attached to a path: nobody else sees it, and it is gone with the descriptor. */
static int mount_detached(const char *path, const char *type)
{
	CLEANUP_FD int context = fsopen(type, FSOPEN_CLOEXEC);

	if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "source", path, 0) < 0 ||
	    fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	int fd = fsmount(context, FSMOUNT_CLOEXEC,
			 MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				 MOUNT_ATTR_NOEXEC);
	return fd < 0 ? -errno : fd;
}

int jota_newroot_open_mount(struct jota_newroot *root, const char *path, const char *type,
			    struct jota_err *err)
{
	int fd = mount_detached(path, type);

	if (fd < 0)
		return jota_fail(
			err, EOPNOTSUPP,
			"'%s' holds %s, which cannot be looked into: %s (root, a partition, "
			"kernel 5.6 and the driver are needed).",
			path, type, strerror(-fd));
	jota_newroot_open_dir(root, fd);
	root->type = type;
	return 0;
}
