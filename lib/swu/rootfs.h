/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * A root filesystem given as a tar becomes an ext4 image: the same tar gives the same bytes, and nobody
 * needs to be root. mke2fs makes the empty file system; entries then go from libarchive straight into
 * it through libext2fs, so owners, modes, device nodes, hard links and extended attributes are those of
 * the archive and never touch the machine's own files.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct jota_err;

struct jota_rootfs {
	const char *tar_path; /* plain, or packed with gzip, zstd, xz, bzip2 */
	int image_fd;	      /* empty file, read and write; it is made image_bytes long */
	uint64_t image_bytes; /* multiple of 4096 */
	const char *label;    /* NULL: none */
	/* everything that the archive does not say has this time; also in the superblock */
	int64_t epoch_s;
	const atomic_bool *cancel;
};

/**
 * Make it, and have e2fsck look at the result. -EINVAL: not a tar, or an entry that no root filesystem
 * may have ("..", an entry below a symbolic link or a file, a hard link to nothing); -ENOSPC: it does
 * not fit; -ENOENT: mke2fs or e2fsck is missing.
 */
int jota_rootfs_make(const struct jota_rootfs *r, struct jota_err *err);
/** Does the name look like a tar that this can read: .tar, .tar.gz, .tgz, .tar.zst, .tar.xz, .tar.bz2? */
bool jota_rootfs_is_tar(const char *path);
