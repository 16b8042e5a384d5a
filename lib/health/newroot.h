/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The tree of a root file system that does not run: that of the slot just written, or any directory.
 *
 * ext2, ext3 and ext4 are read by libext2fs, so the kernel never mounts what may have been made to attack it, and no root is needed.
 * What libext2fs does not know (squashfs, erofs, ...) the kernel must read: read-only, nosuid, nodev, noexec, as a mount that is
 * attached nowhere, so that no other process ever sees it. Paths are resolved inside the tree in all cases: a symbolic link
 * or ".." leads to its root at most.
 *
 * Everything here is hostile: sizes, counts and depths have limits, a failure is a sentence. It may still be slow on a tree made to
 * be slow: call it from a process with a deadline.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct jota_err;
struct jota_newroot;

/** What a path is. */
struct jota_newroot_node {
	mode_t mode; /* type and permissions */
	uint32_t uid;
	uint64_t size_bytes;
};

/**
 * Open the file system on a partition, in a file, or the directory (full path, no prefix). Nothing is written.
 * -EUCLEAN it is damaged or reaches beyond the partition; -EOPNOTSUPP it cannot be looked into, the sentence says what is missing;
 * -errno of open.
 */
int jota_newroot_open(const char *path, struct jota_newroot **ret, struct jota_err *err);
/** NULL is fine. */
void jota_newroot_free(struct jota_newroot *root);

/** "ext4", "squashfs", "directory"; static storage. */
const char *jota_newroot_type(const struct jota_newroot *root);
/** 0, or -EUCLEAN with what the file system says about itself: errors, not unmounted, a journal that waits. */
int jota_newroot_condition(const struct jota_newroot *root, struct jota_err *err);

/** follow: the last name too if it is a symbolic link. -ENOENT, -ENOTDIR, -ELOOP (links or depth), -EUCLEAN. */
int jota_newroot_stat(const struct jota_newroot *root, const char *path, bool follow,
		      struct jota_newroot_node *ret, struct jota_err *err);
/** Target of a symbolic link; one that does not fit is -ENAMETOOLONG, something else -EINVAL. */
int jota_newroot_link(const struct jota_newroot *root, const char *path, char *buf,
		      size_t buf_bytes, struct jota_err *err);
/** Up to len_bytes of a regular file from an offset on, *ret_bytes: how many there were. -EINVAL for anything else. */
int jota_newroot_read(const struct jota_newroot *root, const char *path, uint64_t offset_bytes,
		      void *buf, size_t len_bytes, size_t *ret_bytes, struct jota_err *err);
/** A whole small text file, NUL-terminated, heap. -EFBIG; -EINVAL: it has a NUL byte. */
int jota_newroot_text(const struct jota_newroot *root, const char *path, size_t max_bytes,
		      char **ret, struct jota_err *err);
/**
 * Call fn with each name of a directory but "." and "..", until it returns something else than 0, which is returned.
 * At most 65536 names, then -E2BIG.
 */
int jota_newroot_each(const struct jota_newroot *root, const char *path,
		      int (*fn)(void *ctx, const char *name), void *ctx, struct jota_err *err);
