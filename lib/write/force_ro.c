/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "write/force_ro.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ATTRIBUTE_MAX 4096u /* sysfs gives no more */

static int attribute_path(const char *device_path, char *buf, size_t buf_bytes, struct jota_err *err)
{
	const char *slash = strrchr(device_path, '/');
	int n = snprintf(buf, buf_bytes, "/sys/block/%s/force_ro", slash ? slash + 1 : device_path);

	if (n < 0 || (size_t)n >= buf_bytes)
		return jota_fail(err, ENAMETOOLONG, "force_ro of '%s'", device_path);
	return 0;
}

/* '0' or '1', or 0: there is no such attribute. */
static int read_value(const struct jota_io *io, const char *path, char *ret_value,
		      struct jota_err *err)
{
	CLEANUP_FREE char *text = NULL;
	struct jota_err own = { 0 };
	size_t len = 0;
	int r;

	*ret_value = '\0';
	r = jota_io_read_file(io, path, ATTRIBUTE_MAX, &text, &len, &own);
	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		if (err)
			*err = own;
		return r;
	}
	if (len < 1 || len > 2 || (text[0] != '0' && text[0] != '1') ||
	    (len == 2 && text[1] != '\n'))
		return jota_fail(err, EBADMSG,
				 "'%s' holds '%.32s', expected 0 or 1: whether the device is write "
				 "protected is not known, and it is not written.",
				 path, text);
	*ret_value = text[0];
	return 0;
}

/* Not through the seam: what it changes does not survive a power cut. */
static int write_value(const struct jota_io *io, const char *path, char value, struct jota_err *err)
{
	CLEANUP_FD int fd = jota_io_open(io, path, O_WRONLY | O_NOCTTY, 0, err);
	ssize_t n;

	if (fd < 0)
		return fd;
	do {
		n = write(fd, &value, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1)
		return jota_fail(err, n < 0 ? errno : EIO, "write %c to '%s'", value, path);
	return 0;
}

static int change_value(const struct jota_io *io, const char *path, char value, struct jota_err *err)
{
	char now;
	int r;

	r = write_value(io, path, value, err);
	if (r < 0)
		return r;
	r = read_value(io, path, &now, err);
	if (r < 0)
		return r;
	if (now != value)
		return jota_fail(err, EROFS, "'%s' does not become %c: the device refuses it.",
				 path, value);
	return 0;
}

int jota_force_ro_read(const struct jota_io *io, const char *device_path, struct jota_err *err)
{
	char path[PATH_MAX], value = '\0';
	int r = attribute_path(device_path, path, sizeof(path), err);

	if (r == 0)
		r = read_value(io, path, &value, err);
	return r < 0 ? r : value == '1';
}

int jota_force_ro_lift(const struct jota_io *io, const char *device_path, bool *lifted,
		       struct jota_err *err)
{
	char path[PATH_MAX];
	int r;

	if (*lifted)
		return 0;
	r = jota_force_ro_read(io, device_path, err);
	if (r <= 0)
		return r;
	r = attribute_path(device_path, path, sizeof(path), err);
	if (r < 0)
		return r;
	r = change_value(io, path, '0', err);
	if (r < 0) {
		(void)write_value(io, path, '1', NULL);
		return jota_wrap(err,
				 "the write protection of '%s' cannot be lifted: ", device_path);
	}
	*lifted = true;
	return 0;
}

int jota_force_ro_restore(const struct jota_io *io, const char *device_path, bool *lifted,
			  struct jota_err *err)
{
	char path[PATH_MAX];
	int r;

	if (!*lifted)
		return 0;
	r = attribute_path(device_path, path, sizeof(path), err);
	if (r == 0)
		r = change_value(io, path, '1', err);
	if (r < 0)
		return jota_wrap(err,
				 "'%s' stays writable until the next boot, because its write "
				 "protection cannot be restored: ",
				 device_path);
	*lifted = false;
	return 0;
}
