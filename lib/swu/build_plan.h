/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What goes into the .swu, with every input open; inner to the build. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "swu/build.h"

struct jota_err;

/**
 * One input and what it becomes. A content that is split has several of these in a row, with rising
 * in_offset_bytes; for now each input has one.
 */
struct jota_plan_input {
	int fd;
	char *path;
	uint64_t in_offset_bytes, in_bytes;
	bool is_boot_image;
	int level;
};

struct jota_plan {
	const struct jota_build *build;
	/* file[i] is made from input[i] */
	struct jota_emit_file file[JOTA_BUILD_FILES_MAX];
	struct jota_plan_input input[JOTA_BUILD_FILES_MAX];
	size_t count;
	uint8_t aes_key[JOTA_AES_KEY_BYTES];
	bool has_aes_key;
	char *own_text; /* of the user's own sw-description */
};

/**
 * Open and look at every input, make root filesystems out of tars, choose IVs, read the AES key. Errors
 * name file and reason. jota_plan_done() is due after a failure as well.
 */
int jota_plan_make(const struct jota_build *build, struct jota_plan *ret, struct jota_err *err);
void jota_plan_done(struct jota_plan *plan);
/** sw-description for the digests that the files have now; heap. */
int jota_plan_describe(const struct jota_plan *plan, char **ret_text, struct jota_err *err);
