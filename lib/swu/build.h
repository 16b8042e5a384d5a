/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * A recipe becomes a .swu. Everything that can be refused is refused before the first byte is written;
 * then each payload is read once and goes straight to its place in the output, behind the room that
 * sw-description and its signature will take.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "swu/emit.h"
#include "swu/payload.h"
#include "swu/recipe.h"
#include "swu/sign.h"

struct jota_err;
struct jota_io;

/** sw-description, its signature and the trailer's neighbours beside these. */
#define JOTA_BUILD_FILES_MAX 96u

struct jota_build {
	const struct jota_recipe *recipe;
	const struct jota_io *io; /* writes and syncs go through it; its root is not used */
	const char *out_path;
	bool force;	  /* an output that is there is replaced */
	unsigned workers; /* 0: one per processor */
	/* SOURCE_DATE_EPOCH: times in the archive, in CMS and in an ext4 that is made; negative: none */
	int64_t epoch_s;
	struct jota_sign_talk talk;
	jota_payload_progress_fn progress;
	void *progress_ctx;
};

struct jota_build_report {
	uint64_t out_bytes;
	char signature[320]; /* for people */
	struct jota_emit_file file[JOTA_BUILD_FILES_MAX];
	size_t file_count;
};

/**
 * Build it. The output appears under its name when it is whole and on the disk; before, it is
 * OUT.partial, which is removed on failure. -EEXIST: the output is there and force is not set, or
 * another run is at work; -EINVAL: what a device would refuse, with the first reason; further errnos
 * from recipe, sign and payload. jota_build_report_done() frees.
 */
int jota_build_run(const struct jota_build *b, struct jota_build_report *ret, struct jota_err *err);
void jota_build_report_done(struct jota_build_report *r);
