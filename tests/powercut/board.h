/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* A board on plain files: a tree with two complete slots, a release to install, and the model of U-Boot. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "models/uboot_model.h"
#include "slot/config.h"
#include "slot/slot.h"
#include "support/tree.h"

#define BOARD_WHY_BYTES 400

/** A partition, with what it held when the board was made. */
struct board_part {
	char path[PATH_MAX];
	uint8_t *before;
	size_t size_bytes;
};

/** The image of one role that the updates bring. */
struct board_image {
	const char *name;
	uint8_t *data; /* padded with zeros to whole 4096 bytes */
	size_t size_bytes;
};

struct board {
	struct tree tree;
	struct jota_config config;
	struct model_machine machine;
	struct board_part part[JOTA_SLOT_COUNT][JOTA_ROLE_COUNT];
	struct board_image image[JOTA_ROLE_COUNT];
	uint8_t *env; /* both copies as the scenario prepared them */
	enum jota_slot running;
};

/** Build it below $TMPDIR, /dev/shm or /tmp. Ends the program when that fails. */
void board_make(struct board *b);
void board_remove(struct board *b);

/** Factory environment, old contents, `running` runs; then set variables ("name=value"), then remember it all. */
void board_prepare(struct board *b, enum jota_slot running, const char *const *assignment,
		   size_t count);
/** Back to what was prepared. */
void board_restore(struct board *b);

/** Power on until a kernel runs; then the tree is what that system sees. Returns false with a reason. */
bool board_boot(struct board *b, enum jota_slot *ret_slot, char why[BOARD_WHY_BYTES]);

/** The stored state, as the library reads it. */
bool board_load(const struct board *b, struct jota_boot_state *ret, char why[BOARD_WHY_BYTES]);

/** A whole update with the board's images; the roles in `keep` are copied instead. 0 or -errno. */
int board_update(struct board *b, const bool keep[JOTA_ROLE_COUNT], struct jota_err *err);

/** The slot holds what it held when the board was made. */
bool board_slot_is_old(const struct board *b, enum jota_slot slot, char why[BOARD_WHY_BYTES]);
/** The slot holds the release, or for a kept role the other slot's contents, and the model could boot it. */
bool board_slot_is_new(const struct board *b, enum jota_slot slot, const bool keep[JOTA_ROLE_COUNT],
		       char why[BOARD_WHY_BYTES]);
/**
 * Is what an interrupted writer left in the slot one of the things that it may leave? Old, erased and new contents
 * in the order that the writer promises, and as long as the slot is neither old nor new, U-Boot is told not to
 * boot it.
 */
bool board_target_is_sound(const struct board *b, enum jota_slot slot,
			   const bool keep[JOTA_ROLE_COUNT], char why[BOARD_WHY_BYTES]);
