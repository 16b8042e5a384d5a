/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What stands in the two copies of the U-Boot environment, read without the library under test. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "support/tree_env.h"

#define ENV_COPY_BYTES TREE_ENV_SIZE_BYTES
#define ENV_BYTES (2u * ENV_COPY_BYTES)

struct env_view {
	bool valid[2];
	uint8_t serial[2];
	uint64_t variables[2]; /* digest of all variables but jota_boot_id, in any order */
	uint64_t meaning[2]; /* the same, any bootcount from 5 on counting as one: far beyond the limit */
	int chosen;	     /* the copy that firmware takes, -1: none */
	/* Of the chosen copy; '\0' and 0 when a variable is absent. */
	char boot_slot, slot_ok[2], ustate;
	bool on_trial, has_target;
	unsigned bootcount, bootlimit;
	char boot_id[40];
};

/**
 * Number (contents.h) of an environment area. A copy whose checksum fails is a copy whose checksum fails: nobody looks
 * at its bytes, so all of them become the same, in `area` too.
 */
uint32_t env_intern(uint8_t area[ENV_BYTES]);
/** The same, quicker when a copy is as in `like`. */
uint32_t env_intern_like(uint8_t area[ENV_BYTES], uint32_t like);
/** The view of a number that env_intern() gave; kept, never freed. */
const struct env_view *env_view_of(uint32_t number);
