/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The two ways to read a tree. Part of newroot. */
#pragma once

#include "health/newroot.h"

#define JOTA_NEWROOT_NAMES_MAX 65536u

/** Contracts as in newroot.h; read refuses what is no regular file. */
struct jota_newroot_ops {
	int (*stat)(const struct jota_newroot *root, const char *path, bool follow,
		    struct jota_newroot_node *ret, struct jota_err *err);
	int (*link)(const struct jota_newroot *root, const char *path, char *buf, size_t buf_bytes,
		    struct jota_err *err);
	int (*read)(const struct jota_newroot *root, const char *path, uint64_t offset_bytes,
		    void *buf, size_t len_bytes, size_t *ret_bytes, struct jota_err *err);
	int (*each)(const struct jota_newroot *root, const char *path,
		    int (*fn)(void *ctx, const char *name), void *ctx, struct jota_err *err);
	void (*close)(struct jota_newroot *root);
};

struct jota_newroot {
	const struct jota_newroot_ops *ops;
	const char *type;
	void *ext;	   /* ext2_filsys */
	int dir_fd;	   /* the other way; -1 */
	char trouble[120]; /* what the file system says about itself, "" nothing */
};

/** Fill what is opened by libext2fs. size_bytes: of the partition. */
int jota_newroot_open_ext(struct jota_newroot *root, const char *path, int fd, uint64_t size_bytes,
			  struct jota_err *err);
/** Fill from a directory. fd is taken over. */
void jota_newroot_open_dir(struct jota_newroot *root, int fd);
/** Fill from a block device that the kernel reads. -EOPNOTSUPP. */
int jota_newroot_open_mount(struct jota_newroot *root, const char *path, const char *type,
			    struct jota_err *err);
