/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What goes into the .swu, with every input open; inner to the build. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "swu/build.h"

struct jota_err;
struct jota_swu_description;
struct jota_swu_entry;

/**
 * One input and what it becomes. A content that is split has several of these in a row, with rising
 * in_offset_bytes, each with a descriptor of its own.
 */
struct jota_plan_input {
	int fd;
	struct stat seen; /* when it was planned */
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
 * name file and reason. jota_build_plan_done() is due after a failure as well.
 */
int jota_plan_make(const struct jota_build *build, struct jota_plan *ret, struct jota_err *err);
void jota_build_plan_done(struct jota_plan *plan);
/** sw-description for the digests that the files have now; heap. */
int jota_plan_describe(const struct jota_plan *plan, char **ret_text, struct jota_err *err);

/** A file more, without input; NULL: no room or memory. */
struct jota_emit_file *jota_plan_add(struct jota_plan *plan, const char *name, struct jota_err *err);
/** A file of the plan has this name. */
bool jota_plan_has(const struct jota_plan *plan, const char *name);
/** A fresh IV, if the file is to be encrypted. */
int jota_plan_choose_iv(struct jota_emit_file *file, struct jota_err *err);
/** -EFBIG: stored as it is, and larger than a file of a .swu can be. */
int jota_plan_check_size(const struct jota_emit_file *file, const struct jota_plan_input *in,
			 struct jota_err *err);

/**
 * The last file of the plan, if its content is above the recipe's split, becomes several: each an
 * equal part but the last. "rootfs.ext4.zst" becomes "rootfs.ext4.part01.zst" and so on: in front of
 * what compression and encryption add, so that each part unpacks to a name of its own, and with two
 * digits, so that the names sort. -EFBIG: more parts than are taken; -EINVAL: a name that is there
 * or is none.
 */
int jota_plan_split(struct jota_plan *plan, const struct jota_recipe_component *c,
		    struct jota_err *err);
/**
 * The last file of the plan is what an entry of the user's own description names. If the entry is a
 * part, the file is cut down to it; it ends where the next part of the same group begins. -EINVAL:
 * properties that are no part of this file.
 */
int jota_plan_slice(struct jota_plan *plan, const struct jota_swu_description *d,
		    const struct jota_swu_entry *e, struct jota_err *err);
