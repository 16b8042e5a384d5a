/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Walks everything that power cuts can make of one scenario.
 *
 * A state is the durable contents of the disk, and what runs on it: nothing (the power is off) or the system of a slot.
 * From each state one act leads on (scenario_next()): the boot by the model of U-Boot, the update, the confirmation ...
 * The act runs once and its writes and syncs are noted; every cut in it, with every fate of the unsynced data, gives
 * further states in which the power is off. So recovery is cut as the first attempt was, again and again, up to a
 * number of cuts on one way. A state that was seen before is not entered again: what follows from it is known.
 *
 * Asked at every cut: judge.h. Asked at every state: does the model boot a complete slot, the expected one; does the
 * library read the state; does the next act succeed and store what it promises; is a transition that is repeated kept
 * without a write; are starts of an unconfirmed slot bounded; does the way without further cuts reach the goal, and
 * does a whole update, boot and confirmation then succeed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "powercut/board.h"
#include "powercut/crash.h"
#include "powercut/scenario.h"

#define EXPLORE_CUTS_ANY 255u

struct explore_options {
	struct crash_options first;  /* of the cuts in the first attempt */
	struct crash_options nested; /* of the cuts in what follows a cut */
	unsigned update_cuts;	     /* on one way, where whole updates are repeated */
	bool pairs;		     /* after the first cut every other verb is tried, too */
	bool stop_at_first;	     /* violation */
	const struct mutant *mutant; /* NULL: the real thing */
};

struct explore_tally {
	uint64_t points;	     /* cuts times fates */
	uint64_t states;	     /* different ones, entered once */
	uint64_t acts;		     /* that ran: boots, updates, transitions */
	uint64_t old_slot, new_slot; /* which slot the first boot after a cut came to */
	uint32_t violations;
	unsigned cuts;	 /* the most on one way */
	unsigned starts; /* the most of an unconfirmed slot */
	double seconds;
};

/** Print violations as they are found. */
struct explore_tally explore_scenario(struct board *b, const struct scenario *s,
				      const struct explore_options *options);
