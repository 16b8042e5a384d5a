/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The inside of explore.c, shared with explore_states.c, which keeps the states. */
#pragma once

#include "powercut/contents.h"
#include "powercut/explore.h"
#include "powercut/judge.h"

#define OFF (-1)
#define NONE UINT32_MAX
#define PAIR_CUTS 2u

/*
 * With pairs: before and after the first cut every verb is tried wherever the device is up, and cut, too; then the
 * device goes on as it should, with no more than PAIR_CUTS cuts on the whole way.
 */
enum phase { NATURAL, STRAYED };

struct node {
	struct world world;
	int8_t running; /* slot or OFF */
	uint8_t phase, cuts;
	uint8_t starts; /* of the slot on trial, since it is */
	bool was_cut;	/* it was made by a power cut */
	bool is_done;
	uint32_t parent, next; /* next: where it goes without a cut */
	char how[64];
};

struct explorer {
	struct board *board;
	const struct scenario *scenario;
	const struct explore_options *options;
	struct explore_tally tally;
	struct node *node;
	uint32_t node_room;
	struct keyset seen;
	uint32_t *queue[2]; /* of this number of cuts, and of one more */
	uint32_t queue_count[2], queue_room[2];
	struct disk_log log;
	unsigned cuts_max;
	/* The act whose cuts are being looked at. */
	struct judge judge;
	uint32_t from;
	enum phase phase; /* of what it leads to */
};

/** Print it, with the way that led to state `number`. */
void explore_violation(struct explorer *e, uint32_t number, const char *what, const char *why);
/** Number of a state; when it is new it is queued. */
uint32_t explore_enter(struct explorer *e, const struct node *n);
/** Next state to go on from, those with fewer cuts first; false when there is none. */
bool explore_next(struct explorer *e, uint32_t *ret_number);
void explore_done(struct explorer *e);
