/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* O_DIRECT is an extension of Linux. */
#define _GNU_SOURCE

#include "write/device.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "write/force_ro.h"
#include "write/target.h"

#include <linux/fs.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define FILE_BLOCK_BYTES 4096u
#define BLOCK_BYTES_MIN 512u
#define BLOCK_BYTES_MAX (1u << 20)

static int read_block_geometry(int fd, const char *path, struct jota_geometry *g,
			       struct jota_err *err)
{
	int block_bytes = 0, read_only = 0;

	if (ioctl(fd, BLKGETSIZE64, &g->capacity_bytes) < 0)
		return jota_fail(err, errno, "size of '%s'", path);
	if (ioctl(fd, BLKSSZGET, &block_bytes) < 0)
		return jota_fail(err, errno, "logical block size of '%s'", path);
	if (ioctl(fd, BLKROGET, &read_only) < 0)
		return jota_fail(err, errno, "write protection of '%s'", path);
	if (block_bytes < (int)BLOCK_BYTES_MIN || block_bytes > (int)BLOCK_BYTES_MAX ||
	    (block_bytes & (block_bytes - 1)) != 0)
		return jota_fail(err, EINVAL,
				 "'%s' has logical blocks of %d bytes, expected a power of two "
				 "from %u to %u.",
				 path, block_bytes, BLOCK_BYTES_MIN, BLOCK_BYTES_MAX);
	g->block_bytes = (uint32_t)block_bytes;
	g->read_only = read_only != 0;
	return 0;
}

int jota_geometry_read(int fd, const char *path, struct jota_geometry *ret, struct jota_err *err)
{
	struct jota_geometry g = { 0 };
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return jota_fail(err, errno, "stat '%s'", path);
	if (S_ISBLK(st.st_mode)) {
		g.is_block = true;
		g.major = major(st.st_rdev);
		g.minor = minor(st.st_rdev);
		r = read_block_geometry(fd, path, &g, err);
		if (r < 0)
			return r;
	} else if (S_ISREG(st.st_mode)) {
		g.capacity_bytes = (uint64_t)st.st_size;
		g.block_bytes = FILE_BLOCK_BYTES;
	} else {
		return jota_fail(err, ENOTBLK, "'%s' is no block device (file mode %07o).", path,
				 (unsigned)st.st_mode);
	}
	*ret = g;
	return 0;
}

/* O_EXCL without O_CREAT has a meaning for block devices only. */
static int exclusive_flag(const struct jota_io *io, const char *path, struct jota_err *err)
{
	char full[PATH_MAX];
	struct stat st;
	int r;

	r = jota_io_path(io, path, full, sizeof(full), err);
	if (r < 0)
		return r;
	if (stat(full, &st) < 0)
		return jota_fail(err, errno, "stat '%s'", full);
	return S_ISBLK(st.st_mode) ? O_EXCL : 0;
}

/* A refusal that was answered by another way is no failure. */
static void forget(struct jota_err *err)
{
	if (err)
		*err = (struct jota_err){ 0 };
}

static int open_for_write(struct jota_device *d, struct jota_err *err)
{
	int flags, fd;

	flags = exclusive_flag(&d->io, d->path, err);
	if (flags < 0)
		return flags;
	flags |= O_RDWR | O_NOCTTY | O_NONBLOCK;
	d->direct = true;
	fd = jota_io_open(&d->io, d->path, flags | O_DIRECT, 0, err);
	if (fd == -EINVAL) {
		forget(err);
		d->direct = false;
		fd = jota_io_open(&d->io, d->path, flags, 0, err);
	}
	if (fd == -EBUSY)
		return jota_fail(err, EBUSY,
				 "'%s' is in use: it is mounted, or another block device stands on "
				 "it; release it first.",
				 d->path);
	return fd;
}

static int check_unchanged(const struct jota_geometry *g, const struct jota_target *target,
			   struct jota_err *err)
{
	if (g->capacity_bytes == target->capacity_bytes && g->block_bytes == target->block_bytes)
		return 0;
	return jota_fail(err, ESTALE,
			 "'%s' now has %" PRIu64 " bytes in blocks of %" PRIu32
			 ", when it was chosen it had %" PRIu64 " in blocks of %" PRIu32
			 ": somebody changes the partitions; start the update again afterwards.",
			 target->path, g->capacity_bytes, g->block_bytes, target->capacity_bytes,
			 target->block_bytes);
}

static int check_writable(const struct jota_device *d, const struct jota_geometry *g,
			  struct jota_err *err)
{
	if (!g->read_only)
		return 0;
	return jota_fail(err, EROFS, "'%s' is write protected%s.", d->path,
			 d->force_ro_lifted ? ", although its force_ro was lifted: the device "
					      "itself is locked" :
					      "");
}

static int open_checked(struct jota_device *d, const struct jota_target *target,
			struct jota_err *err)
{
	CLEANUP_FD int fd = -1;
	struct jota_geometry g;
	int r;

	fd = open_for_write(d, err);
	if (fd < 0)
		return fd;
	r = jota_geometry_read(fd, d->path, &g, err);
	if (r == 0)
		r = check_unchanged(&g, target, err);
	if (r == 0)
		r = check_writable(d, &g, err);
	if (r == 0)
		d->fd = take_fd(&fd);
	return r;
}

/* Only when nothing writes any more. A failure before it is the one that is returned. */
static int restore_force_ro(struct jota_device *d, int before, struct jota_err *err)
{
	struct jota_err own = { 0 };
	int r = jota_force_ro_restore(&d->io, d->path, &d->force_ro_lifted, &own);

	if (r == 0)
		return before;
	if (before < 0) {
		(void)jota_wrap(err, "%.200s; before that: ", own.msg);
		return before;
	}
	if (err)
		*err = own;
	return r;
}

int jota_device_open(struct jota_device *d, const struct jota_io *io,
		     const struct jota_target *target, struct jota_err *err)
{
	int r;

	*d = (struct jota_device){ .io = *io,
				   .fd = -1,
				   .block_bytes = target->block_bytes,
				   .force_ro_lifted = d->force_ro_lifted };
	r = snprintf(d->path, sizeof(d->path), "%s", target->path);
	if (r < 0 || (size_t)r >= sizeof(d->path))
		return jota_fail(err, ENAMETOOLONG, "open '%s'", target->path);
	r = jota_force_ro_lift(&d->io, d->path, &d->force_ro_lifted, err);
	if (r < 0)
		return r;
	r = open_checked(d, target, err);
	return r < 0 ? restore_force_ro(d, r, err) : 0;
}

static int leave_direct(struct jota_device *d, struct jota_err *err)
{
	int flags = fcntl(d->fd, F_GETFL);

	if (flags < 0 || fcntl(d->fd, F_SETFL, flags & ~O_DIRECT) < 0)
		return jota_fail(err, errno, "switch '%s' to buffered writing", d->path);
	d->direct = false;
	return 0;
}

int jota_device_write(struct jota_device *d, const void *data, size_t len_bytes,
		      uint64_t offset_bytes, struct jota_err *err)
{
	bool aligned = len_bytes % d->block_bytes == 0 && offset_bytes % d->block_bytes == 0;
	int r;

	if (d->direct && aligned) {
		r = jota_io_pwrite_all(&d->io, d->fd, data, len_bytes, offset_bytes, d->path, err);
		/* Some file systems take O_DIRECT at open and refuse it at the first write. */
		if (r != -EINVAL)
			return r;
		forget(err);
	}
	if (d->direct) {
		r = leave_direct(d, err);
		if (r < 0)
			return r;
	}
	return jota_io_pwrite_all(&d->io, d->fd, data, len_bytes, offset_bytes, d->path, err);
}

int jota_device_sync(struct jota_device *d, struct jota_err *err)
{
	int r = jota_io_sync(&d->io, d->fd, d->path, err);

	if (r < 0)
		return r;
	/* The whole file: of a range, the kernel keeps the folios that reach beyond it. */
	if (!d->direct) {
		r = posix_fadvise(d->fd, 0, 0, POSIX_FADV_DONTNEED);
		if (r != 0)
			return jota_fail(err, r, "drop the page cache of '%s'", d->path);
	}
	return 0;
}

int jota_device_read(struct jota_device *d, void *data, size_t len_bytes, uint64_t offset_bytes,
		     struct jota_err *err)
{
	return jota_io_pread_all(d->fd, data, len_bytes, offset_bytes, d->path, err);
}

int jota_device_close(struct jota_device *d, struct jota_err *err)
{
	int fd = take_fd(&d->fd), r = 0;

	if (fd >= 0 && close(fd) < 0)
		r = jota_fail(err, errno, "close '%s'", d->path);
	return restore_force_ro(d, r, err);
}
