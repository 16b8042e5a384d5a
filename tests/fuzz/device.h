/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * One device as a directory for the whole run, below TMPDIR, which the runner puts on a tmpfs.
 * Its running slot is A. Removed when the process ends in an orderly way.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/io.h"

#define FUZZ_FILES_MAX 4u

/**
 * Let files of the device hold the input: path[0] what stands before its first NUL byte, path[1] what
 * follows up to the second, ..., the last one all the rest. Every call names the same files: they
 * stay open, so that an input costs truncations and writes. Returns the device, as the library's seam.
 */
const struct jota_io *fuzz_device_fill(const char *const *path, size_t count, const uint8_t *data,
				       size_t len_bytes);
