/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/efivar.h"

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"

#include <linux/fs.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX (JOTA_EFI_ATTRIBUTES_BYTES + JOTA_EFI_VALUE_BYTES_MAX)
/* O_NONBLOCK: a FIFO in the place of a variable must not hold us up. */
#define OPEN_FLAGS (O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

static int make_path(const struct jota_efivar *var, char path[PATH_MAX], struct jota_err *err)
{
	int n = snprintf(path, PATH_MAX, JOTA_EFIVARS "/%s-%s", var->name, var->guid);

	if (n < 0 || n >= PATH_MAX)
		return jota_fail(err, ENAMETOOLONG, "UEFI variable '%.40s'", var->name);
	return 0;
}

/* A descriptor, -ENOENT without a message, or -errno with one. */
static int open_var(const struct jota_io *io, const struct jota_efivar *var, int flags,
		    struct jota_err *err)
{
	struct jota_err failed = { 0 };
	char path[PATH_MAX];
	struct stat st;
	CLEANUP_FD int fd = -1;
	int r = make_path(var, path, err);

	if (r < 0)
		return r;
	fd = jota_io_open(io, path, flags | OPEN_FLAGS, 0, &failed);
	if (fd == -ENOENT)
		return fd;
	if (fd == -ELOOP || fd == -EISDIR || fd == -ENXIO ||
	    (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))))
		return jota_fail(err, EBADMSG,
				 "UEFI variable '%s' is no regular file in " JOTA_EFIVARS
				 ": is efivarfs mounted there?",
				 var->name);
	if (fd < 0)
		return jota_fail(err, -fd, "UEFI variable '%s': %s.", var->name, failed.msg);
	return take_fd(&fd);
}

/* Whole file into buf; more than fits shows by a length above the limit. */
static int read_file(int fd, const struct jota_efivar *var, uint8_t buf[FILE_BYTES_MAX + 1],
		     size_t *ret_bytes, struct jota_err *err)
{
	size_t len = 0;

	while (len <= FILE_BYTES_MAX) {
		ssize_t n = pread(fd, buf + len, FILE_BYTES_MAX + 1 - len, (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return jota_fail(err, errno, "read UEFI variable '%s'", var->name);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_bytes = len;
	return 0;
}

static int check_file(const struct jota_efivar *var, const uint8_t *file, size_t len,
		      size_t value_bytes_max, struct jota_err *err)
{
	uint32_t attributes;

	if (len <= JOTA_EFI_ATTRIBUTES_BYTES)
		return jota_fail(err, EBADMSG,
				 "UEFI variable '%s' has %zu bytes, expected %u of attributes and a "
				 "value: it was cut short.",
				 var->name, len, JOTA_EFI_ATTRIBUTES_BYTES);
	if (len - JOTA_EFI_ATTRIBUTES_BYTES > value_bytes_max)
		return jota_fail(err, EBADMSG,
				 "the value of UEFI variable '%s' is longer than %zu bytes: the "
				 "firmware writes it otherwise than this version knows.",
				 var->name, value_bytes_max);
	attributes = get_le32(file);
	if (var->attributes && attributes != var->attributes)
		return jota_fail(err, EBADMSG,
				 "UEFI variable '%s' has attributes 0x%x, expected 0x%x: somebody "
				 "else made it; delete it.",
				 var->name, attributes, var->attributes);
	return 0;
}

int jota_efivar_read(const struct jota_io *io, const struct jota_efivar *var, void *buf,
		     size_t buf_bytes, size_t *ret_bytes, struct jota_err *err)
{
	uint8_t file[FILE_BYTES_MAX + 1];
	CLEANUP_FD int fd = open_var(io, var, O_RDONLY, err);
	size_t len = 0;
	int r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = read_file(fd, var, file, &len, err);
	if (r < 0)
		return r;
	if (len == 0)
		return 0;
	r = check_file(var, file, len, buf_bytes, err);
	if (r < 0)
		return r;
	*ret_bytes = len - JOTA_EFI_ATTRIBUTES_BYTES;
	memcpy(buf, file + JOTA_EFI_ATTRIBUTES_BYTES, *ret_bytes);
	return 1;
}

int jota_efivar_read_u32(const struct jota_io *io, const struct jota_efivar *var,
			 uint32_t *ret_value, struct jota_err *err)
{
	uint8_t bytes[4];
	size_t len = 0;
	int r = jota_efivar_read(io, var, bytes, sizeof(bytes), &len, err);

	if (r <= 0)
		return r;
	if (len != sizeof(bytes))
		return jota_fail(err, EBADMSG,
				 "the value of UEFI variable '%s' has %zu bytes, expected 4: it was "
				 "cut short.",
				 var->name, len);
	*ret_value = get_le32(bytes);
	return 1;
}

/* Returns the flags as they were when they are to be set again, 0: there is nothing to do, -errno. */
static int unlock_var(int fd, const struct jota_efivar *var, struct jota_err *err)
{
	/* The request's size says long, the kernel's code says int. */
	int word[2] = { 0 }, flags;

	/* Not every file system has flags, and then it has no immutable files either. */
	if (ioctl(fd, FS_IOC_GETFLAGS, word) < 0 || !(word[0] & FS_IMMUTABLE_FL))
		return 0;
	flags = word[0];
	word[0] &= ~FS_IMMUTABLE_FL;
	if (ioctl(fd, FS_IOC_SETFLAGS, word) < 0)
		return jota_fail(err, errno,
				 "UEFI variable '%s' is immutable and stays so (root with "
				 "CAP_LINUX_IMMUTABLE may change it)",
				 var->name);
	return flags;
}

static int lock_var(int fd, const struct jota_efivar *var, int flags, struct jota_err *err)
{
	const int word[2] = { flags, 0 };

	if (flags > 0 && ioctl(fd, FS_IOC_SETFLAGS, word) < 0)
		return jota_fail(err, errno, "make UEFI variable '%s' immutable again", var->name);
	return 0;
}

/* Never in pieces: what is missing of a short write cannot be sent after. */
static int write_once(const struct jota_io *io, int fd, const struct jota_efivar *var,
		      const uint8_t *file, size_t len, struct jota_err *err)
{
	ssize_t n;

	do {
		n = io->ops->pwrite(io->ctx, fd, file, len, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return jota_fail(err, errno,
				 "UEFI variable '%s': kernel or firmware rejected the write",
				 var->name);
	if ((size_t)n != len)
		return jota_fail(err, EIO,
				 "UEFI variable '%s': %zd of %zu bytes were taken, the variable is "
				 "no longer what it was.",
				 var->name, n, len);
	return 0;
}

/* efivarfs shows what was written; a common file system in its place keeps the end of what was longer. */
static void cut_tail(int fd, size_t len)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size > (off_t)len)
		(void)!ftruncate(fd, (off_t)len);
}

static int overwrite(const struct jota_io *io, int locked_fd, const struct jota_efivar *var,
		     const uint8_t *file, size_t len, struct jota_err *err)
{
	int flags = unlock_var(locked_fd, var, err), relocked, r;
	CLEANUP_FD int fd = -1;

	if (flags < 0)
		return flags;
	fd = open_var(io, var, O_WRONLY, err);
	if (fd == -ENOENT)
		r = jota_fail(err, ENOENT, "UEFI variable '%s' vanished", var->name);
	else
		r = fd < 0 ? fd : write_once(io, fd, var, file, len, err);
	if (r == 0)
		cut_tail(fd, len);
	relocked = lock_var(locked_fd, var, flags, r == 0 ? err : NULL);
	return r < 0 ? r : relocked;
}

static int remove_file(const struct jota_io *io, const struct jota_efivar *var, struct jota_err *err)
{
	char path[PATH_MAX], full[PATH_MAX];
	int r = make_path(var, path, err);

	if (r == 0)
		r = jota_io_path(io, path, full, sizeof(full), err);
	if (r == 0 && unlink(full) < 0 && errno != ENOENT)
		r = jota_fail(err, errno, "delete UEFI variable '%s'", var->name);
	return r;
}

static int create(const struct jota_io *io, const struct jota_efivar *var, const uint8_t *file,
		  size_t len, struct jota_err *err)
{
	struct jota_err failed = { 0 };
	char path[PATH_MAX];
	CLEANUP_FD int fd = -1;
	int r = make_path(var, path, err);

	if (r < 0)
		return r;
	fd = jota_io_open(io, path, O_WRONLY | O_CREAT | O_EXCL | OPEN_FLAGS, 0644, &failed);
	if (fd < 0)
		return jota_fail(err, -fd, "create UEFI variable '%s': %s.", var->name, failed.msg);
	r = write_once(io, fd, var, file, len, err);
	/* Until the next mount the file would look like a variable. */
	if (r < 0)
		(void)remove_file(io, var, NULL);
	return r;
}

static int check_written(const struct jota_io *io, const struct jota_efivar *var, const void *value,
			 size_t value_bytes, struct jota_err *err)
{
	uint8_t found[JOTA_EFI_VALUE_BYTES_MAX];
	size_t len = 0;
	int r = jota_efivar_read(io, var, found, sizeof(found), &len, err);

	if (r < 0)
		return r;
	if (r == 0 || len != value_bytes || memcmp(found, value, len) != 0)
		return jota_fail(err, EBADMSG,
				 "UEFI variable '%s' was written, but reads back %s: the firmware "
				 "did not keep it.",
				 var->name, r == 0 ? "as absent" : "differently");
	return 0;
}

int jota_efivar_write(const struct jota_io *io, const struct jota_efivar *var, const void *value,
		      size_t value_bytes, struct jota_err *err)
{
	uint8_t file[FILE_BYTES_MAX];
	CLEANUP_FD int fd = -1;
	int r;

	if (value_bytes > JOTA_EFI_VALUE_BYTES_MAX)
		return jota_fail(err, EFBIG, "UEFI variable '%s'", var->name);
	put_le32(file, var->attributes);
	memcpy(file + JOTA_EFI_ATTRIBUTES_BYTES, value, value_bytes);
	fd = open_var(io, var, O_RDONLY, err);
	if (fd < 0 && fd != -ENOENT)
		return fd;
	r = fd == -ENOENT ?
		    create(io, var, file, JOTA_EFI_ATTRIBUTES_BYTES + value_bytes, err) :
		    overwrite(io, fd, var, file, JOTA_EFI_ATTRIBUTES_BYTES + value_bytes, err);
	return r < 0 ? r : check_written(io, var, value, value_bytes, err);
}

int jota_efivar_write_u32(const struct jota_io *io, const struct jota_efivar *var, uint32_t value,
			  struct jota_err *err)
{
	uint8_t bytes[4];

	put_le32(bytes, value);
	return jota_efivar_write(io, var, bytes, sizeof(bytes), err);
}

int jota_efivar_delete(const struct jota_io *io, const struct jota_efivar *var, struct jota_err *err)
{
	CLEANUP_FD int fd = open_var(io, var, O_RDONLY, err);
	int flags, r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	flags = unlock_var(fd, var, err);
	if (flags < 0)
		return flags;
	r = remove_file(io, var, err);
	if (r < 0)
		(void)lock_var(fd, var, flags, NULL);
	return r;
}
