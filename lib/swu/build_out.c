/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE /* renameat2, asprintf */
#include "swu/build_out.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int refuse_existing(const char *path, bool force, struct jota_err *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : jota_fail(err, errno, "look at '%s'", path);
	if (!S_ISREG(st.st_mode))
		return jota_fail(err, EEXIST, "'%s' is there and is no plain file.", path);
	if (!force)
		return jota_fail(err, EEXIST, "'%s' exists; name another output or give --force.",
				 path);
	return 0;
}

int jota_out_open(const struct jota_io *io, const char *path, bool force, struct jota_out *ret,
		  struct jota_err *err)
{
	int rc = refuse_existing(path, force, err);

	if (rc < 0)
		return rc;
	ret->io = io;
	ret->path = path;
	ret->fd = -1;
	if (asprintf(&ret->partial, "%s.partial", path) < 0) {
		ret->partial = NULL;
		return jota_fail(err, ENOMEM, "write '%s'", path);
	}
	ret->fd = open(ret->partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (ret->fd >= 0)
		return 0;
	if (errno == EEXIST)
		rc = jota_fail(err, EEXIST,
			       "'%s' is there: another run is at work, or one was killed; then "
			       "remove it.",
			       ret->partial);
	else
		rc = jota_fail(err, errno, "write '%s'", ret->partial);
	free(ret->partial);
	ret->partial = NULL;
	return rc;
}

/* The name is durable once its folder is. */
static int sync_folder(const struct jota_out *out, struct jota_err *err)
{
	const char *slash = strrchr(out->path, '/');
	size_t len = slash ? (size_t)(slash - out->path) + 1 : 0;
	CLEANUP_FREE char *folder = len > 0 ? strndup(out->path, len) : strdup(".");
	CLEANUP_FD int fd = -1;

	if (!folder)
		return jota_fail(err, ENOMEM, "write '%s'", out->path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return jota_fail(err, errno, "open '%s'", folder);
	return jota_io_sync(out->io, fd, folder, err);
}

static int rename_partial(const struct jota_out *out, bool force, struct jota_err *err)
{
	if (renameat2(AT_FDCWD, out->partial, AT_FDCWD, out->path, force ? 0 : RENAME_NOREPLACE) ==
	    0)
		return 0;
	if (errno == EEXIST)
		return jota_fail(err, EEXIST, "'%s' appeared meanwhile; it is not replaced.",
				 out->path);
	/* Not every file system has RENAME_NOREPLACE. */
	if (errno == EINVAL && refuse_existing(out->path, force, err) == 0 &&
	    rename(out->partial, out->path) == 0)
		return 0;
	return jota_fail(err, errno, "rename '%s' to '%s'", out->partial, out->path);
}

int jota_out_finish(struct jota_out *out, bool force, struct jota_err *err)
{
	int rc = jota_io_sync(out->io, out->fd, out->partial, err);

	if (rc == 0 && close(take_fd(&out->fd)) < 0)
		rc = jota_fail(err, errno, "close '%s'", out->partial);
	if (rc == 0)
		rc = rename_partial(out, force, err);
	if (rc < 0)
		return rc;
	free(out->partial);
	out->partial = NULL;
	return sync_folder(out, err);
}

void jota_out_done(struct jota_out *out)
{
	if (out->fd >= 0)
		(void)close(out->fd);
	if (out->partial)
		(void)unlink(out->partial);
	free(out->partial);
	memset(out, 0, sizeof(*out));
	out->fd = -1;
}
