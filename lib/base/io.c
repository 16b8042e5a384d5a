/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "base/io.h"

#include "base/cleanup.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP_BYTES 4096u

static ssize_t real_pwrite(void *ctx, int fd, const void *data, size_t len_bytes,
			   uint64_t offset_bytes)
{
	(void)ctx;
	if (offset_bytes > INT64_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	return pwrite(fd, data, len_bytes, (off_t)offset_bytes);
}

static int real_fsync(void *ctx, int fd)
{
	(void)ctx;
	return fsync(fd);
}

static const struct jota_io_ops real_ops = {
	.pwrite = real_pwrite,
	.fsync = real_fsync,
};

int jota_io_init(struct jota_io *io, const char *root, struct jota_err *err)
{
	const char *source = root ? "" : " (variable JOTA_ROOT)";
	size_t len;

	if (!root)
		root = getenv("JOTA_ROOT");
	if (!root || root[0] == '\0')
		root = "/";
	if (root[0] != '/')
		return jota_fail(err, EINVAL,
				 "root prefix '%s'%s is relative: give an absolute directory.",
				 root, source);

	len = strlen(root);
	while (len > 1 && root[len - 1] == '/')
		len--;
	if (len >= sizeof(io->root))
		return jota_fail(err, ENAMETOOLONG,
				 "root prefix '%.60s...'%s has %zu characters, at most %zu fit.",
				 root, source, len, sizeof(io->root) - 1);

	*io = (struct jota_io){ .ops = &real_ops };
	memcpy(io->root, root, len);
	return 0;
}

bool jota_io_is_real_root(const struct jota_io *io)
{
	return strcmp(io->root, "/") == 0;
}

static bool has_parent_component(const char *path)
{
	for (const char *p = strstr(path, "/.."); p; p = strstr(p + 1, "/.."))
		if (p[3] == '/' || p[3] == '\0')
			return true;
	return false;
}

int jota_io_path(const struct jota_io *io, const char *path, char *buf, size_t buf_bytes,
		 struct jota_err *err)
{
	int n;

	if (path[0] != '/' || has_parent_component(path))
		return jota_fail(err, EINVAL,
				 "path '%s' must be absolute and without '..' components.", path);

	n = snprintf(buf, buf_bytes, "%s%s", jota_io_is_real_root(io) ? "" : io->root, path);
	if (n < 0 || (size_t)n >= buf_bytes)
		return jota_fail(err, ENAMETOOLONG, "path '%s' under '%s'", path, io->root);
	return 0;
}

int jota_io_open(const struct jota_io *io, const char *path, int flags, mode_t mode,
		 struct jota_err *err)
{
	char full[PATH_MAX];
	int r, fd;

	r = jota_io_path(io, path, full, sizeof(full), err);
	if (r < 0)
		return r;
	do {
		fd = open(full, flags | O_CLOEXEC, mode);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return jota_fail(err, errno, "open '%s'", full);
	return fd;
}

/* 1: buf holds `len` bytes and there is more, 0: end of file reached, -errno. */
static int read_some(int fd, char *buf, size_t room_bytes, size_t *len_bytes)
{
	ssize_t n;

	do {
		n = read(fd, buf + *len_bytes, room_bytes);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*len_bytes += (size_t)n;
	return n > 0;
}

int jota_io_read_file(const struct jota_io *io, const char *path, size_t max_bytes, char **ret_text,
		      size_t *ret_len_bytes, struct jota_err *err)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FD int fd = -1;
	size_t len = 0, room = 0;
	int r;

	fd = jota_io_open(io, path, O_RDONLY | O_NOCTTY, 0, err);
	if (fd < 0)
		return fd;

	/* The size that stat tells is 0 in procfs and sysfs: only reading finds the end. */
	do {
		if (room - len < 2) {
			char *bigger;

			if (__builtin_add_overflow(room, room ? room : READ_STEP_BYTES, &room))
				return jota_fail(err, EFBIG, "read '%s'", path);
			bigger = realloc(text, room);
			if (!bigger)
				return jota_fail(err, ENOMEM, "read '%s'", path);
			text = bigger;
		}
		r = read_some(fd, text, room - len - 1, &len);
		if (r < 0)
			return jota_fail(err, -r, "read '%s'", path);
		if (len > max_bytes)
			return jota_fail(err, EFBIG,
					 "file '%s' is too large: at most %zu bytes are read.",
					 path, max_bytes);
	} while (r > 0);

	text[len] = '\0';
	*ret_text = take_ptr(&text);
	if (ret_len_bytes)
		*ret_len_bytes = len;
	return 0;
}

int jota_io_pread_all(int fd, void *data, size_t len_bytes, uint64_t offset_bytes, const char *what,
		      struct jota_err *err)
{
	uint8_t *to = data;
	uint64_t end_bytes;
	size_t done = 0;

	if (__builtin_add_overflow(offset_bytes, len_bytes, &end_bytes) || end_bytes > INT64_MAX)
		return jota_fail(err, EOVERFLOW, "read %zu bytes of '%s' at %" PRIu64, len_bytes,
				 what, offset_bytes);
	while (done < len_bytes) {
		ssize_t n = pread(fd, to + done, len_bytes - done, (off_t)(offset_bytes + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return jota_fail(err, errno, "read '%s' at %" PRIu64, what,
					 offset_bytes + done);
		if (n == 0)
			return jota_fail(err, ENODATA,
					 "'%s' ends at %" PRIu64
					 ", expected %zu bytes from %" PRIu64 " on.",
					 what, offset_bytes + done, len_bytes, offset_bytes);
		done += (size_t)n;
	}
	return 0;
}

int jota_io_pwrite_all(const struct jota_io *io, int fd, const void *data, size_t len_bytes,
		       uint64_t offset_bytes, const char *what, struct jota_err *err)
{
	const uint8_t *from = data;
	uint64_t end_bytes;
	size_t done = 0;

	if (__builtin_add_overflow(offset_bytes, len_bytes, &end_bytes) || end_bytes > INT64_MAX)
		return jota_fail(err, EOVERFLOW, "write %zu bytes of '%s' at %" PRIu64, len_bytes,
				 what, offset_bytes);
	while (done < len_bytes) {
		ssize_t n = io->ops->pwrite(io->ctx, fd, from + done, len_bytes - done,
					    offset_bytes + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return jota_fail(err, errno, "write '%s' at %" PRIu64, what,
					 offset_bytes + done);
		if (n == 0)
			return jota_fail(err, EIO,
					 "write '%s' at %" PRIu64 ": the device took no byte.",
					 what, offset_bytes + done);
		done += (size_t)n;
	}
	return 0;
}

int jota_io_sync(const struct jota_io *io, int fd, const char *what, struct jota_err *err)
{
	int r;

	do {
		r = io->ops->fsync(io->ctx, fd);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return jota_fail(err, errno, "sync '%s'", what);
	return 0;
}

int jota_io_make_dir(const struct jota_io *io, const char *path, struct jota_err *err)
{
	char full[PATH_MAX];
	int r = jota_io_path(io, path, full, sizeof(full), err);

	if (r == 0 && mkdir(full, 0755) < 0 && errno != EEXIST)
		r = jota_fail(err, errno, "make '%s'", full);
	return r;
}

int jota_io_sync_dir(const struct jota_io *io, const char *path, struct jota_err *err)
{
	CLEANUP_FD int fd = jota_io_open(io, path, O_RDONLY | O_DIRECTORY, 0, err);

	return fd < 0 ? fd : jota_io_sync(io, fd, path, err);
}

static int write_fresh(const struct jota_io *io, const char *path, const char *text, size_t bytes,
		       struct jota_err *err)
{
	/* O_EXCL: what somebody else puts there meanwhile is not followed. */
	int fd = jota_io_open(io, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644, err);
	int r;

	if (fd < 0)
		return fd;
	r = jota_io_pwrite_all(io, fd, text, bytes, 0, path, err);
	if (r == 0)
		r = jota_io_sync(io, fd, path, err);
	if (close(fd) < 0 && r == 0)
		r = jota_fail(err, errno, "close '%s'", path);
	return r;
}

int jota_io_replace_file(const struct jota_io *io, const char *path, const char *text, size_t bytes,
			 struct jota_err *err)
{
	char dir[PATH_MAX], fresh[PATH_MAX], full[PATH_MAX], fresh_full[PATH_MAX];
	int n = snprintf(fresh, sizeof(fresh), "%s.new", path);
	int r = n < 0 || n >= PATH_MAX ? jota_fail(err, ENAMETOOLONG, "'%.80s...'", path) : 0;

	if (r == 0)
		r = jota_io_path(io, path, full, sizeof(full), err);
	if (r == 0)
		r = jota_io_path(io, fresh, fresh_full, sizeof(fresh_full), err);
	if (r < 0)
		return r;
	(void)snprintf(dir, sizeof(dir), "%s", path);
	/* A file of the root directory needs its slash. */
	strrchr(dir, '/')[strrchr(dir, '/') == dir] = '\0';
	r = jota_io_make_dir(io, dir, err);
	if (r < 0)
		return r;
	(void)unlink(fresh_full);
	r = write_fresh(io, fresh, text, bytes, err);
	if (r == 0 && rename(fresh_full, full) < 0)
		r = jota_fail(err, errno, "rename '%s'", fresh_full);
	if (r < 0)
		(void)unlink(fresh_full);
	return r < 0 ? r : jota_io_sync_dir(io, dir, err);
}
