/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* O_DIRECT is an extension of Linux. */
#define _GNU_SOURCE

#include "slot/uboot_copies.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Offset, length and address of a direct read; no block device of ours has larger blocks. */
#define DIRECT_ALIGNMENT 4096u
/* libubootenv searches a list for each variable: more than this is no environment but an attack. */
#define VARIABLES_MAX 4096u

static void judge(struct jota_uboot_copies *copies)
{
	size_t len = (size_t)copies->where.size_bytes;

	for (int i = 0; i < JOTA_ENV_COPIES; i++)
		copies->valid[i] = jota_env_copy_valid(copies->bytes[i], len);
	copies->chosen = jota_env_choose(copies->valid[0], copies->bytes[0][4], copies->valid[1],
					 copies->bytes[1][4]);
}

static int fail_unreadable(const struct jota_uboot_copies *copies, int i, struct jota_err *err)
{
	(void)jota_wrap(err,
			"copy %d of the U-Boot environment ('%s' at 0x%" PRIx64
			") cannot be read, without it nothing may be stored: ",
			i, copies->where.copy[i].device, copies->where.copy[i].offset_bytes);
	if (err)
		err->errnum = EIO;
	return -EIO;
}

static int read_copy(const struct jota_io *io, struct jota_uboot_copies *copies, int i,
		     struct jota_err *err)
{
	const struct jota_fw_env_copy *where = &copies->where.copy[i];
	size_t len = (size_t)copies->where.size_bytes;
	CLEANUP_FD int fd = -1;

	if (strncmp(where->device, "/dev/mtd", 8) == 0 || strncmp(where->device, "/dev/ubi", 8) == 0)
		return jota_fail(err, ENOTSUP,
				 "'%s' is raw flash: only an environment on a block device is "
				 "supported.",
				 where->device);
	copies->bytes[i] = malloc(len);
	if (!copies->bytes[i])
		return jota_fail(err, ENOMEM, "read the U-Boot environment");
	fd = jota_io_open(io, where->device, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0, err);
	if (fd < 0 || jota_io_pread_all(fd, copies->bytes[i], len, where->offset_bytes,
					where->device, err) < 0)
		return fail_unreadable(copies, i, err);
	return 0;
}

int jota_uboot_copies_read(const struct jota_io *io, const char *path,
			   struct jota_uboot_copies *ret, struct jota_err *err)
{
	struct jota_uboot_copies copies = { 0 };
	int r = jota_fw_env_read(io, path, &copies.where, err);

	for (int i = 0; r == 0 && i < JOTA_ENV_COPIES; i++)
		r = read_copy(io, &copies, i, err);
	if (r < 0) {
		jota_uboot_copies_done(&copies);
		return r;
	}
	judge(&copies);
	*ret = copies;
	return 0;
}

void jota_uboot_copies_done(struct jota_uboot_copies *copies)
{
	for (int i = 0; i < JOTA_ENV_COPIES; i++) {
		free(copies->bytes[i]);
		copies->bytes[i] = NULL;
	}
}

int jota_uboot_copies_decode(const struct jota_uboot_copies *copies, struct jota_env *ret_env,
			     struct jota_err *err)
{
	const struct jota_fw_env_copy *copy = copies->where.copy;
	int r;

	if (copies->chosen < 0)
		return jota_fail(
			err, ENODATA,
			"neither copy of the U-Boot environment is valid ('%s' at 0x%" PRIx64
			", '%s' at 0x%" PRIx64
			"); nobody writes a default behind your back: check fw_env.config, "
			"then 'join-env.sh jetson-ab.env > env.txt && fw_setenv -f env.txt "
			"bootlimit 3' (files of boot/uboot).",
			copy[0].device, copy[0].offset_bytes, copy[1].device, copy[1].offset_bytes);
	r = jota_env_decode(copies->bytes[copies->chosen], (size_t)copies->where.size_bytes,
			    ret_env, err);
	if (r < 0)
		return jota_wrap(err, "copy %d of the U-Boot environment: ", copies->chosen);
	if (ret_env->count > VARIABLES_MAX) {
		size_t count = ret_env->count;

		jota_env_done(ret_env);
		return jota_fail(err, EBADMSG,
				 "the U-Boot environment has %zu variables, at most %u are "
				 "accepted.",
				 count, VARIABLES_MAX);
	}
	return 0;
}

/* -EINVAL or -ENODATA: this device or this place cannot be read directly. */
static int read_direct(const struct jota_io *io, const struct jota_fw_env_copy *where,
		       uint8_t *bytes, size_t len, struct jota_err *err)
{
	uint64_t start = where->offset_bytes / DIRECT_ALIGNMENT * DIRECT_ALIGNMENT;
	size_t before = (size_t)(where->offset_bytes - start);
	size_t window = (before + len + DIRECT_ALIGNMENT - 1) / DIRECT_ALIGNMENT * DIRECT_ALIGNMENT;
	CLEANUP_FREE uint8_t *aligned = aligned_alloc(DIRECT_ALIGNMENT, window);
	CLEANUP_FD int fd = -1;
	int r;

	if (!aligned)
		return jota_fail(err, ENOMEM, "read back '%s'", where->device);
	fd = jota_io_open(io, where->device, O_RDONLY | O_DIRECT | O_NOCTTY, 0, err);
	if (fd < 0)
		return fd;
	r = jota_io_pread_all(fd, aligned, window, start, where->device, err);
	if (r == 0)
		memcpy(bytes, aligned + before, len);
	return r;
}

static int read_uncached(const struct jota_io *io, const struct jota_fw_env_copy *where, int device,
			 uint8_t *bytes, size_t len, struct jota_err *err)
{
	int r = jota_io_sync(io, device, where->device, err);

	if (r < 0)
		return r;
	r = read_direct(io, where, bytes, len, err);
	if (r != -EINVAL && r != -ENODATA)
		return r;
	/* The next best: everything is clean after the sync, so the kernel can drop it. */
	(void)posix_fadvise(device, 0, 0, POSIX_FADV_DONTNEED);
	return jota_io_pread_all(device, bytes, len, where->offset_bytes, where->device, err);
}

int jota_uboot_copies_read_back(const struct jota_io *io, const int device[JOTA_ENV_COPIES],
				struct jota_uboot_copies *copies, struct jota_err *err)
{
	for (int i = 0; i < JOTA_ENV_COPIES; i++) {
		int r = read_uncached(io, &copies->where.copy[i], device[i], copies->bytes[i],
				      (size_t)copies->where.size_bytes, err);

		if (r < 0)
			return r;
	}
	judge(copies);
	return 0;
}
