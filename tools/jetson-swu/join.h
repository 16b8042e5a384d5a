/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The root filesystem of a .swu as one file: decrypted, decompressed, its parts behind each other. */
#pragma once

struct jota_err;
struct swu_file;

/**
 * Write it to a new file. path: of the .swu, for messages; key: file as for swupdate -K, NULL: none.
 * -ENOENT: there is no root filesystem in it; -EBADMSG: parts that make no image, or a damaged one;
 * -EEXIST: out is there. On failure there is no file.
 */
int join_rootfs(const struct swu_file *swu, const char *path, const char *key, const char *out,
		struct jota_err *err);
