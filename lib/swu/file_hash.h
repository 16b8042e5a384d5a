/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The SHA-256 of a whole file, as update servers name what they hold. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define JOTA_FILE_SHA256_BYTES 32

struct jota_err;

/**
 * SHA-256 of the first size_bytes bytes of fd; path is for messages. cancel, when not NULL, is looked
 * at now and then. -ENODATA: the file is shorter; -ECANCELED; -ENOMEM; other errnos: it cannot be read.
 */
int jota_swu_file_hash(int fd, const char *path, uint64_t size_bytes, const atomic_bool *cancel,
		       uint8_t ret_sha256[JOTA_FILE_SHA256_BYTES], struct jota_err *err);
