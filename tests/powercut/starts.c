/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The count is saved before the kernel starts, so each start is counted: never more than bootlimit. A power-on that
 * ends inside that save is the one that is not counted; it has not started the kernel either, and as many of them as
 * one likes change nothing.
 */
#include "powercut/starts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "powercut/contents.h"
#include "powercut/envview.h"
#include "support/tree_env.h"

#define POWER_ONS_MAX 64u
#define LIMIT 3u

enum place { NOWHERE, AFTER_SAVE, SAVE_LOST, SAVE_TORN };

static const struct way {
	const char *text;
	enum place odd, even; /* power-ons, from 1 */
	unsigned ends_after;  /* so many; then the power stays */
	unsigned want_power_ons, want_starts;
} ways[] = {
	{ "each time after the kernel started", NOWHERE, NOWHERE, POWER_ONS_MAX, 4, LIMIT },
	{ "20 times between the save of the count and the kernel", AFTER_SAVE, AFTER_SAVE, 20, 21,
	  0 },
	{ "20 times inside the save, the write lost", SAVE_LOST, SAVE_LOST, 20, 24, LIMIT },
	{ "20 times inside the save, the write torn", SAVE_TORN, SAVE_TORN, 20, 24, LIMIT },
	{ "inside the save, and after the kernel started, in turns", SAVE_TORN, NOWHERE,
	  POWER_ONS_MAX, 8, LIMIT },
	{ "20 times inside the save and right after it, in turns", SAVE_LOST, AFTER_SAVE, 20, 21,
	  0 },
};

struct run {
	struct board *board;
	struct world world;
	struct disk_log log;
	unsigned power_ons, inside, starts;
};

static bool is_over(const struct run *r)
{
	return !env_view_of(r->world.content[BOARD_ENV_FILE])->on_trial;
}

/* Up to the first sync, with it; the whole log when there is none. */
static void cut_after_save(struct disk_log *log)
{
	for (uint32_t i = 0; i < log->count; i++) {
		if (log->operation[i].is_sync) {
			log->count = i + 1;
			return;
		}
	}
}

/* Nothing or the second half of the first write is there. */
static void cut_inside_save(struct disk_log *log, bool torn)
{
	struct disk_operation *op = &log->operation[0];

	if (log->count == 0)
		return;
	log->count = torn;
	op->offset_bytes += op->len_bytes / 2;
	op->data += op->len_bytes / 2;
	op->len_bytes -= op->len_bytes / 2;
	/* The second half of an environment is mostly empty: let something of it be lost as well. */
	if (torn)
		memset((uint8_t *)(uintptr_t)op->data, 0xff, 1);
}

static bool power_on(struct run *r, enum place place, char why[BOARD_WHY_BYTES])
{
	enum jota_slot slot = JOTA_SLOT_A;
	bool up;

	board_load_off(r->board, &r->world);
	disk_watch(&r->log, NULL);
	up = board_boot(r->board, &slot, why);
	disk_unwatch();
	r->power_ons++;
	/* What stands in the files is what an uncut boot would leave. */
	for (int i = 0; i < BOARD_FILES; i++)
		r->board->file[i].now = UINT32_MAX;
	if (!up)
		return false;
	if (place == AFTER_SAVE)
		cut_after_save(&r->log);
	else if (place != NOWHERE)
		cut_inside_save(&r->log, place == SAVE_TORN);
	r->inside += place == SAVE_LOST || place == SAVE_TORN;
	r->starts += place == NOWHERE && slot == JOTA_SLOT_B;
	r->world = crash_replay(&r->world, &r->log);
	return true;
}

static bool run_way(struct run *r, const struct way *way)
{
	char why[BOARD_WHY_BYTES] = "";
	bool fine = true;

	while (fine && !is_over(r) && r->power_ons < POWER_ONS_MAX) {
		enum place place = r->power_ons % 2 == 0 ? way->odd : way->even;

		fine = power_on(r, r->power_ons < way->ends_after ? place : NOWHERE, why);
	}
	fine = fine && is_over(r) && r->starts == way->want_starts &&
	       r->power_ons == way->want_power_ons;
	(void)printf("  %-58s %9u %16u %13u  %s%s\n", way->text, r->power_ons, r->inside, r->starts,
		     fine ? "given up, the old slot boots" : "FAILED ", why);
	return fine;
}

struct explore_tally starts_check(struct board *b)
{
	static const char *const trial[] = { "boot_slot=B", "slotA_ok=1", "slotB_ok=1",
					     "upgrade_available=1", "bootcount=0" };
	struct explore_tally tally = { 0 };

	(void)printf("a slot on trial that is never confirmed, bootlimit %u; the power goes\n"
		     "  %-58s %9s %16s %13s\n",
		     LIMIT, "", "power-ons", "inside the save", "kernel starts");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct run *r = calloc(1, sizeof(*r));

		if (!r)
			tree_die("memory");
		r->board = b;
		r->world = board_factory(b, trial, sizeof(trial) / sizeof(trial[0]), 1);
		tally.violations += !run_way(r, &ways[i]);
		tally.starts = r->starts > tally.starts ? r->starts : tally.starts;
		disk_log_done(&r->log);
		free(r);
	}
	(void)fflush(stdout);
	return tally;
}
