/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * An opened partition for the writer: direct I/O where the device takes it, and reads that come
 * from the device and not from the page cache.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/io.h"

struct jota_err;
struct jota_target;

/** Alignment of every buffer handed to write and read: enough for any device's direct I/O. */
#define JOTA_DEVICE_ALIGN_BYTES 4096u

struct jota_device {
	struct jota_io io;
	char path[PATH_MAX]; /* not prefixed, for messages */
	int fd;		     /* -1: closed */
	uint32_t block_bytes;
	bool direct; /* O_DIRECT is on; falls to false when the device refuses it, never rises */
	bool force_ro_lifted; /* close has to restore it */
};

/** What an open descriptor says about its block device or regular file. */
struct jota_geometry {
	bool is_block;
	bool read_only;	       /* a block device that takes no writes */
	uint32_t major, minor; /* valid if is_block */
	uint64_t capacity_bytes;
	uint32_t block_bytes; /* logical block; 4096 for a regular file */
};

/**
 * Ask fd. -ENOTBLK neither block device nor regular file; -EINVAL the logical block is no power of
 * two from 512 bytes to 1 MiB.
 */
int jota_geometry_read(int fd, const char *path, struct jota_geometry *ret, struct jota_err *err);

/**
 * Open for writing: O_EXCL on a block device, O_DIRECT unless refused; force_ro is lifted before.
 * Writes nothing to the device. d: zero-initialised, or closed.
 * -EBUSY in use by a mount or another block device; -ESTALE no longer what the target described;
 * -EROFS write protected; errors of jota_force_ro_lift().
 * d is closed (fd -1) after a failure, and force_ro is as it was.
 */
int jota_device_open(struct jota_device *d, const struct jota_io *io,
		     const struct jota_target *target, struct jota_err *err);

/** Write all of it. A length or offset of no whole blocks ends direct I/O for good. */
int jota_device_write(struct jota_device *d, const void *data, size_t len_bytes,
		      uint64_t offset_bytes, struct jota_err *err);

/** Make durable all that was written, and let go of what the page cache holds of it. */
int jota_device_sync(struct jota_device *d, struct jota_err *err);

/** Read what the device holds. True only for what jota_device_sync() has made durable before. */
int jota_device_read(struct jota_device *d, void *data, size_t len_bytes, uint64_t offset_bytes,
		     struct jota_err *err);

/**
 * Close, restore force_ro, and tell whether either failed. Closed afterwards in any case; again:
 * no-op, or another try to restore.
 */
int jota_device_close(struct jota_device *d, struct jota_err *err);
