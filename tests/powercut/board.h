/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* A board on plain files: a tree with two slots, a release to install, and the model of U-Boot. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "models/uboot_model.h"
#include "powercut/disk.h"
#include "slot/config.h"
#include "slot/slot.h"
#include "support/tree.h"
#include "update/session.h"

#define BOARD_WHY_BYTES 400
#define BOARD_ENV_FILE 0
#define BOARD_FILES (1 + JOTA_SLOT_COUNT * JOTA_ROLE_COUNT)

/** Everything durable: for each file of the disk the number of its contents (contents.h). */
struct world {
	uint32_t content[BOARD_FILES];
};

struct board_file {
	char path[PATH_MAX];
	uint64_t offset_bytes; /* of what belongs to the update */
	size_t size_bytes;
	uint32_t now; /* contents that stand there */
};

/** The image of one role that the updates bring. */
struct board_image {
	const char *name;
	uint8_t *data; /* padded with zeros to whole 4096 bytes */
	size_t size_bytes, padded_bytes;
};

struct board {
	struct tree tree;
	struct jota_config config;
	struct model_machine machine;
	struct board_file file[BOARD_FILES];
	struct board_image image[JOTA_ROLE_COUNT];
	uint32_t old[JOTA_SLOT_COUNT][JOTA_ROLE_COUNT]; /* contents before any update */
	uint32_t new[JOTA_SLOT_COUNT][JOTA_ROLE_COUNT]; /* and with the release */
	enum jota_slot running;				/* what the tree shows */
};

static inline int board_file_of(enum jota_slot slot, int role)
{
	return 1 + (int)slot * JOTA_ROLE_COUNT + role;
}

/** Build it below $TMPDIR, /dev/shm or /tmp. Ends the program when that fails. */
void board_make(struct board *b);
void board_remove(struct board *b);

/** Old contents in both slots, the factory environment with variables set ("name=value"), serials from `serial` on. */
struct world board_factory(struct board *b, const char *const *assignment, size_t count,
			   uint8_t serial);
/** The tree becomes this world, seen by a system that was just started from `running`. */
void board_load(struct board *b, const struct world *w, enum jota_slot running);
/** The same, and nothing runs yet. */
void board_load_off(struct board *b, const struct world *w);
/** What was written to the files since is this world now; nothing has to be loaded for it. */
void board_adopt(struct board *b, const struct world *w);

/** Power on until a kernel runs. Returns false with a reason. */
bool board_boot(struct board *b, enum jota_slot *ret_slot, char why[BOARD_WHY_BYTES]);
/** The stored state, as the library reads it. */
int board_state(const struct board *b, struct jota_boot_state *ret, struct jota_err *err);

/** A whole update with the board's images in this order; the roles in `keep` are copied instead. 0 or -errno. */
int board_update(struct board *b, const bool keep[JOTA_ROLE_COUNT],
		 const enum jota_role order[JOTA_ROLE_COUNT], unsigned rootfs_parts,
		 struct jota_err *err);

/** The slot is bootable: all old, all new, or new with the roles in `keep` as the other slot has or had them. */
bool board_slot_complete(const struct board *b, const struct world *w, enum jota_slot slot,
			 const bool keep[JOTA_ROLE_COUNT]);
/** All new, or new with kept roles. */
bool board_slot_new(const struct board *b, const struct world *w, enum jota_slot slot,
		    const bool keep[JOTA_ROLE_COUNT]);
