/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * A disk that can lose its power. It stands below every writer of this process: write(), pwrite() and fsync() of
 * this program take the place of the C library's, also for libubootenv, so nothing that reaches the files of one
 * folder goes past it.
 *
 * Model: a write may reach the medium at any time until the sync that follows it, or never, each sector of 512
 * bytes by itself. The old contents of every sector that is not synced are remembered; when the power goes they are
 * kept, put back, or put back for a random half of the sectors. A sector is never torn.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum disk_loss { DISK_KEEPS, DISK_DROPS, DISK_TEARS };
#define DISK_LOSS_COUNT 3

#define DISK_OPERATIONS_MAX 512
#define DISK_NEVER UINT32_MAX
/* Exit status of a process whose power is gone. */
#define DISK_EXIT_CUT 77

/** What happened, in memory that outlives the process. */
struct disk_trace {
	uint32_t operations;
	char operation[DISK_OPERATIONS_MAX][64]; /* "write mmcblk0p2 at 0, 1048576 bytes" */
};

/** A defect: operations that claim success and do nothing. Either member may be NULL. */
struct disk_defect {
	bool (*drops_write)(const struct disk_trace *trace, const char *file, const void *data,
			    size_t len_bytes, uint64_t offset_bytes);
	/** nth: syncs of this file so far. */
	bool (*drops_sync)(const struct disk_trace *trace, const char *file, unsigned nth);
};

struct disk_plan {
	const char *folder; /* absolute; its files are the disk */
	uint32_t cut_at; /* number of the operation, from 0, at which the power goes; DISK_NEVER */
	enum disk_loss loss; /* what becomes of unsynced sectors */
	uint64_t seed;	     /* of DISK_TEARS */
	const struct disk_defect *defect;
	struct disk_trace *trace;
};

/** From now on operations are counted. Once per process. */
void disk_watch(const struct disk_plan *plan);
/** The power goes now. */
void disk_cut(void) __attribute__((noreturn));

const char *disk_loss_name(enum disk_loss loss);
