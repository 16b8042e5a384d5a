/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* fw_env.config: where the two copies of the U-Boot environment are. */
#pragma once

#include <limits.h>
#include <stdint.h>

struct jota_err;
struct jota_io;

struct jota_fw_env_copy {
	char device[PATH_MAX]; /* as written in the file, not prefixed */
	uint64_t offset_bytes;
};

struct jota_fw_env {
	struct jota_fw_env_copy copy[2];
	uint64_t size_bytes; /* of each copy, header included */
};

/**
 * Parse the text of fw_env.config in its classic form: two lines "<device> <offset> <size>
 * [sector size [sectors]]", '#' comments.
 * name: file name for messages, which carry the line number. -EINVAL: one line only (not
 * redundant: refused, a store would not be atomic), more than
 * two, different sizes, bad numbers, negative offsets, size below 4 KiB or above 1 MiB, copies
 * that overlap on one device, the YAML form (said so).
 */
int jota_fw_env_parse(const char *name, const char *text, struct jota_fw_env *ret,
		      struct jota_err *err);

/** Read and parse a prefixed path. */
int jota_fw_env_read(const struct jota_io *io, const char *path, struct jota_fw_env *ret,
		     struct jota_err *err);
