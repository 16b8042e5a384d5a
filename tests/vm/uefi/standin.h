/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What the files of the stand-in have of each other. */
#pragma once

#include <stdbool.h>

#include "efi.h"

struct standin {
	void *image;
	struct efi_system_table *system;
};

/** Print a text, ASCII; no format. */
void standin_say(const struct standin *s, const char *text);
void standin_say_number(const struct standin *s, const char *before, unsigned number,
			const char *after);

/** Reset as the firmware does: memory is lost, registers are kept. Does not return. */
void standin_reset(const struct standin *s) __attribute__((noreturn));

/** Decide by the variables, keep chain and register; the slot to boot, -1: recovery. May reset. */
int standin_choose(const struct standin *s);

/** Kernel and initramfs of the slot's partition, with its root file system. Returns only when it cannot. */
void standin_boot(const struct standin *s, unsigned slot);

/** Whole disk with a partition of that name. */
struct standin_partition {
	struct efi_block_io *disk;
	uint64_t first_lba, blocks;
};
bool standin_find_partition(const struct standin *s, const char *name,
			    struct standin_partition *ret);
