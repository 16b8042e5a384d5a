/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The seam between this library and the machine: one root prefix for every path, and two
 * replaceable
 * operations, the ones that change what survives a power cut. Tests replace them to count and to
 * cut.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct jota_err;

/**
 * The operations that make bytes durable. Same contract as pwrite(2) and fsync(2): -1 and errno.
 */
struct jota_io_ops {
	ssize_t (*pwrite)(void *ctx, int fd, const void *data, size_t len_bytes,
			  uint64_t offset_bytes);
	int (*fsync)(void *ctx, int fd);
};

struct jota_io {
	const struct jota_io_ops *ops; /* never NULL */
	void *ctx;		       /* handed to ops */
	/* prefix of every path: "/" or an absolute directory without trailing slash */
	char root[256];
};

/**
 * Production seam. root: the prefix, NULL for the environment variable JOTA_ROOT, else "/".
 * -EINVAL for a relative prefix, -ENAMETOOLONG.
 */
int jota_io_init(struct jota_io *io, const char *root, struct jota_err *err);

/** True when the prefix is "/": only block devices are targets then. */
bool jota_io_is_real_root(const struct jota_io *io);

/**
 * Prefix `path` (absolute, without ".." components) into buf. -EINVAL, -ENAMETOOLONG.
 */
int jota_io_path(const struct jota_io *io, const char *path, char *buf, size_t buf_bytes,
		 struct jota_err *err);

/** Open a prefixed path, O_CLOEXEC added. Returns the descriptor (caller closes) or -errno. */
int jota_io_open(const struct jota_io *io, const char *path, int flags, mode_t mode,
		 struct jota_err *err);

/**
 * Read a whole small file (prefixed path). *ret_text is heap, NUL-terminated after
 * *ret_len_bytes bytes, caller frees;
 * ret_len_bytes may be NULL. -EFBIG when it is larger than max_bytes; works for files of procfs
 * and sysfs.
 */
int jota_io_read_file(const struct jota_io *io, const char *path, size_t max_bytes, char **ret_text,
		      size_t *ret_len_bytes, struct jota_err *err);

/**
 * Read exactly len bytes; EINTR and short reads are handled. -ENODATA at end of file. what:
 * object's name for the message.
 */
int jota_io_pread_all(int fd, void *data, size_t len_bytes, uint64_t offset_bytes, const char *what,
		      struct jota_err *err);

/** Write exactly len bytes through the seam. A write of 0 bytes is -EIO. */
int jota_io_pwrite_all(const struct jota_io *io, int fd, const void *data, size_t len_bytes,
		       uint64_t offset_bytes, const char *what, struct jota_err *err);

/** fsync through the seam. */
int jota_io_sync(const struct jota_io *io, int fd, const char *what, struct jota_err *err);

/** Make a directory (prefixed path) unless it is there; its parent must be. */
int jota_io_make_dir(const struct jota_io *io, const char *path, struct jota_err *err);

/** Make durable which names a directory (prefixed path) holds. */
int jota_io_sync_dir(const struct jota_io *io, const char *path, struct jota_err *err);

/**
 * Replace a file (prefixed path) as a whole, durably: after a power cut it is the old one or the new
 * one. Its directory is made if absent. Mode 0644. A ".new" beside it that an earlier cut left is
 * replaced. On an error the old file stays, but for a failed sync of the directory.
 */
int jota_io_replace_file(const struct jota_io *io, const char *path, const char *text, size_t bytes,
			 struct jota_err *err);

/**
 * Take an exclusive advisory lock on a file (created, with its one parent directory, if absent);
 * does not wait.
 * holder: written into the file with the pid. Returns a descriptor for jota_io_unlock(),
 * or -EBUSY with the holder's text in the message, or -errno.
 * wait_ms: how long to retry while somebody holds it (0: at once).
 */
int jota_io_lock(const struct jota_io *io, const char *path, const char *holder, unsigned wait_ms,
		 struct jota_err *err);

/** Release a lock and close its descriptor, even if a child forked meanwhile has it open too. */
void jota_io_unlock(int fd);
