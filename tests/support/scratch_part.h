/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* One regular file that stands for a partition, in a directory of its own, full of an old image. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "write/target.h"

struct scratch_part {
	char root[128]; /* made by mkdtemp under $TMPDIR or /tmp; the prefix for the seam */
	char file[160]; /* root + target.path */
	struct jota_target target;
};

/** Make it; every byte of the old image differs from 0. Aborts the test on failure. */
void scratch_part_make(struct scratch_part *p, uint64_t capacity_bytes);
void scratch_part_remove(struct scratch_part *p);

/** Whole contents; heap, caller frees. */
uint8_t *scratch_part_read(const struct scratch_part *p);
/** Flip the lowest bit of one byte through a descriptor of its own. */
void scratch_part_flip(const struct scratch_part *p, uint64_t offset_bytes);
/** The bytes from..to-1 are all zero. */
bool scratch_part_is_zero(const struct scratch_part *p, uint64_t from_bytes, uint64_t to_bytes);
/** The bytes from..to-1 are those of the old image. */
bool scratch_part_is_old(const struct scratch_part *p, uint64_t from_bytes, uint64_t to_bytes);

/** Seeded bytes that are never 0; heap, caller frees. */
uint8_t *make_image(uint64_t len_bytes, uint32_t seed);
/** Next number of a small generator; state must not be 0. */
uint32_t next_random(uint32_t *state);
