/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * What a power cut may leave, made from a log of writes and syncs.
 *
 * Model: a write may reach the medium at any time until the sync that follows it, or never, each sector of 512 bytes
 * by itself; a sector is never torn, and a sync that returned keeps its word. A cut comes before the first operation
 * and after each one. Unsynced data is then kept, dropped, or torn; when several files have some, each file is also
 * kept and dropped alone. Torn means for the environment: every subset of the sectors that differ (their number is
 * limited by env_sectors; beyond it, each prefix and each suffix, and unless it is 0 each sector alone and all but each). For a partition:
 * prefixes and suffixes of the last write, its ends, and seeded random subsets of everything that is not synced.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "powercut/board.h"

struct crash_options {
	uint64_t seed;
	unsigned tears;	      /* of partitions, from the start of the list in crash.c */
	unsigned env_sectors; /* up to this many differing sectors every subset is made */
};

#define CRASH_BEFORE_ANY UINT32_MAX

/** One cut. */
struct crash_point {
	uint32_t operation;	  /* the last one before the cut, CRASH_BEFORE_ANY */
	bool is_last;		  /* what ran had reported that it was done */
	const struct world *kept; /* what the world would be if nothing were lost */
	char fate[32];
};

typedef void (*crash_visit)(void *ctx, const struct world *w, const struct crash_point *point);

/**
 * Call visit for each cut and fate, in the order of the operations, and not for the same world twice at one
 * operation. base: before the first operation. Returns the number of cuts times fates.
 */
uint64_t crash_visit_all(const struct world *base, const struct disk_log *log,
			 const struct crash_options *options, crash_visit visit, void *ctx);

/** The world after all of it with nothing lost. */
struct world crash_replay(const struct world *base, const struct disk_log *log);
