/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The entries of a tar, on their way into an ext4 image; inner to the root filesystem. */
#pragma once

struct jota_err;
struct jota_ext4;
struct jota_rootfs;

/** All of them. Errors as in jota_rootfs_make(). */
int jota_rootfs_copy_tar(const struct jota_rootfs *r, struct jota_ext4 *fs, struct jota_err *err);
