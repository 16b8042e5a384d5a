/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What a boot image says: the release of its kernel, and its command line. What a kernel in a root file system says. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct jota_bootimg;
struct jota_err;
struct jota_newroot;

#define JOTA_KERNEL_RELEASE_BYTES 65 /* as in uname(2) */

/** Header of the boot image on a partition (full path). Errors of open and of jota_bootimg_parse(). */
int jota_new_kernel_header(const char *path, struct jota_bootimg *ret, struct jota_err *err);

/**
 * Release of the kernel in it: the word behind "Linux version ", in an arm64 Image or one packed by gzip; at most 256 MiB are
 * unpacked, with memory that does not grow. -ENOENT there is none; -EOPNOTSUPP a compression that is not read here;
 * -EBADMSG damaged.
 */
int jota_new_kernel_release(const char *path, char ret[JOTA_KERNEL_RELEASE_BYTES],
			    struct jota_err *err);

/**
 * The same of a kernel that is a file of a root file system: an arm64 Image, one packed by gzip, or one that unpacks itself (EFI zboot) with
 * gzip. At most 256 MiB of it are read. -ENOENT: no such file too; -EINVAL no regular file; -EBADMSG no arm64 kernel either.
 */
int jota_new_root_kernel_release(const struct jota_newroot *root, const char *path,
				 char ret[JOTA_KERNEL_RELEASE_BYTES], struct jota_err *err);

/** Searches a stream for the release; feed returns 1 once it is found. Pure. */
struct jota_banner {
	size_t carried;
	char window[8192];
	char release[JOTA_KERNEL_RELEASE_BYTES];
};
int jota_banner_feed(struct jota_banner *banner, const uint8_t *data, size_t len_bytes);
