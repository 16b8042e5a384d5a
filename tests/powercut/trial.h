/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* One scenario, cut at every operation. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "powercut/board.h"
#include "powercut/disk.h"
#include "powercut/scenario.h"

/** What a child tells its parent. */
struct trial_report {
	struct disk_trace trace;
	struct jota_err err;
};

struct trial_tally {
	uint32_t operations, cuts, same_slot, other_slot, violations;
};

/** How often and how hard. */
struct trial_options {
	uint64_t seed;	    /* of the torn sectors */
	uint64_t tears;	    /* random patterns per operation */
	bool stop_at_first; /* the first operation with a violation is enough */
};

/** Run it and print violations. report: memory shared with child processes. mutant: NULL for the real thing. */
struct trial_tally trial_run(struct board *b, const struct scenario *s, const struct mutant *mutant,
			     const struct trial_options *options, struct trial_report *report);
