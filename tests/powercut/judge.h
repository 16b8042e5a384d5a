/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Is what a power cut left one of the things that it may leave? Judged without the library under test. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "powercut/board.h"
#include "powercut/crash.h"
#include "powercut/scenario.h"

#define JUDGE_STORES_MAX 4

/** One act on one world. */
struct judge {
	const struct board *board;
	const struct scenario *scenario;
	enum act act;
	enum jota_slot running; /* not for ACT_BOOT */
	struct world before;
	uint64_t allowed[JUDGE_STORES_MAX + 1]; /* digests of the environment's variables */
	unsigned allowed_count;
	uint64_t final;
};

/** Look at the log as a whole. False, with the reason: it breaks a promise whatever is lost. */
bool judge_begin(struct judge *j, const struct disk_log *log, char why[BOARD_WHY_BYTES]);
/** Look at what one cut left. */
bool judge_point(const struct judge *j, const struct world *w, const struct crash_point *point,
		 char why[BOARD_WHY_BYTES]);

/** One boot of the model: does the slot that came up fit what was stored before? starts: see explore.c. */
bool judge_boot(const struct board *b, const struct scenario *s, const struct world *before,
		const struct world *after, enum jota_slot slot, unsigned *starts,
		char why[BOARD_WHY_BYTES]);
