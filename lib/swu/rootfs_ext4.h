/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* An ext4 image that grows entry by entry; inner to the root filesystem. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct jota_err;
struct jota_ext4;
struct jota_ext4_file;

/** What every kind of entry has. Times other than that of the content are the same one. */
struct jota_ext4_meta {
	uint32_t uid, gid;
	mode_t mode; /* type and permissions */
	int64_t mtime_s;
	uint32_t mtime_ns;
};

/** Open the empty file system that mke2fs made. now_s: the time of everything unsaid. */
int jota_ext4_open(const char *path, int64_t now_s, struct jota_ext4 **ret, struct jota_err *err);
/** Write back what is not yet there, and free. NULL is fine. */
int jota_ext4_close(struct jota_ext4 *fs, struct jota_err *err);

/**
 * Paths below are relative to the root, without "." and "..", "" is the root itself; folders on the way
 * that are missing are made. -EEXIST: it is there (a folder for a folder is no error); -ENOTDIR;
 * -ENOSPC: no block or inode left; -EIO. *ret_ino names it further.
 */
int jota_ext4_add_folder(struct jota_ext4 *fs, const char *path, const struct jota_ext4_meta *meta,
			 uint32_t *ret_ino, struct jota_err *err);
int jota_ext4_add_symlink(struct jota_ext4 *fs, const char *path, const char *target,
			  const struct jota_ext4_meta *meta, uint32_t *ret_ino,
			  struct jota_err *err);
/** Device node, pipe or socket, by the type in meta. */
int jota_ext4_add_node(struct jota_ext4 *fs, const char *path, unsigned dev_major,
		       unsigned dev_minor, const struct jota_ext4_meta *meta, uint32_t *ret_ino,
		       struct jota_err *err);
/** A further name for what is there. -ENOENT: nothing is. */
int jota_ext4_add_link(struct jota_ext4 *fs, const char *path, const char *target,
		       struct jota_err *err);
/** An extended attribute with its full name, "security.capability". */
int jota_ext4_set_attribute(struct jota_ext4 *fs, uint32_t ino, const char *name, const void *value,
			    size_t len_bytes, struct jota_err *err);

/**
 * A plain file: content of size_bytes follows by write, at rising offsets; gaps are holes. dense: there
 * will be none, so all blocks can be taken at once.
 */
int jota_ext4_add_file(struct jota_ext4 *fs, const char *path, uint64_t size_bytes, bool dense,
		       const struct jota_ext4_meta *meta, struct jota_ext4_file **ret,
		       uint32_t *ret_ino, struct jota_err *err);
int jota_ext4_write(struct jota_ext4_file *file, uint64_t offset_bytes, const void *data,
		    size_t len_bytes, struct jota_err *err);
/** Set the size and close, also after a failure; the metadata is settled here. */
int jota_ext4_end_file(struct jota_ext4_file *file, struct jota_err *err);
