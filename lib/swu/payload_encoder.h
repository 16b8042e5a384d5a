/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The compressors behind one face; inner to the payload. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "swu/recipe.h"

struct jota_err;
struct jota_encoder;

/** Bytes that are still to be taken, and room that is still to be filled. */
struct jota_encoder_io {
	const uint8_t *in;
	size_t in_bytes;
	uint8_t *out;
	size_t out_bytes;
};

/**
 * level 0: the default. workers: threads, at least 1; their number changes no byte of the output, and
 * fewer are used where memory would grow beyond the bound. in_bytes: of the whole input.
 * -EINVAL, -ENOMEM.
 */
int jota_encoder_open(enum jota_compression method, int level, unsigned workers, uint64_t in_bytes,
		      struct jota_encoder **ret, struct jota_err *err);
/**
 * Take input and make output; both move on. finish: no more input comes after this. 1: all is out;
 * 0: call again with input or room; negative: failed.
 */
int jota_encoder_step(struct jota_encoder *e, struct jota_encoder_io *io, bool finish,
		      struct jota_err *err);
void jota_encoder_free(struct jota_encoder *e);
