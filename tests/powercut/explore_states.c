/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "powercut/explore_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "powercut/envview.h"
#include "support/tree_env.h"

#define SHOWN_MAX 5
#define WAY_MAX 12
#define SERIALS_MAX 6u

void explore_violation(struct explorer *e, uint32_t number, const char *what, const char *why)
{
	const char *way[WAY_MAX];
	unsigned count = 0;

	if (e->tally.violations++ >= SHOWN_MAX) {
		if (e->tally.violations == SHOWN_MAX + 1)
			(void)printf("  %s: more violations follow\n", e->scenario->name);
		return;
	}
	for (uint32_t i = number; i != NONE && count < WAY_MAX; i = e->node[i].parent)
		way[count++] = e->node[i].how;
	(void)printf("  %s%s:", e->options->mutant ? "planted defect, " : "", e->scenario->name);
	while (count-- > 0)
		(void)printf(" %s;", way[count]);
	(void)printf(" %s: %s\n", what, why);
	(void)fflush(stdout);
}

static void enqueue(struct explorer *e, int which, uint32_t number)
{
	if (e->queue_count[which] == e->queue_room[which]) {
		e->queue_room[which] = e->queue_room[which] ? 2 * e->queue_room[which] : 1024;
		e->queue[which] = reallocarray(e->queue[which], e->queue_room[which],
					       sizeof(*e->queue[which]));
		if (!e->queue[which])
			tree_die("memory for states");
	}
	e->queue[which][e->queue_count[which]++] = number;
}

/* How far a serial got; where the wrap is long past, all the same. */
static unsigned serial_since(const struct explorer *e, uint8_t serial)
{
	uint8_t since = (uint8_t)(serial - e->scenario->serial + 1);

	return since > SERIALS_MAX ? SERIALS_MAX : since;
}

/* What makes a state: two with the same key have the same future. */
static uint32_t number_of(struct explorer *e, const struct node *n)
{
	const struct env_view *v = env_view_of(n->world.content[BOARD_ENV_FILE]);
	bool exact = e->scenario->exact_serial;
	uint64_t key[BOARD_FILES + 8] = { 0 };
	unsigned used = 0;

	/* Serials only ever grow, so how far they got makes no difference but where they wrap. */
	for (int i = 0; i < 2; i++) {
		key[used++] = v->valid[i] ? v->meaning[i] : 0;
		key[used++] = v->valid[i] ? 1u + (exact ? serial_since(e, v->serial[i]) : 0u) : 0;
	}
	key[used++] = (uint64_t)(v->chosen + 1);
	key[used++] = (uint64_t)(n->running + 1);
	key[used++] = n->phase * 256u + n->starts;
	for (int i = BOARD_ENV_FILE + 1; i < BOARD_FILES; i++)
		key[used++] = n->world.content[i];
	return keyset_number(&e->seen, key, sizeof(key));
}

/* Returns the state's number; it is entered when it is new. */
uint32_t explore_enter(struct explorer *e, const struct node *n)
{
	uint32_t count = e->seen.count, number = number_of(e, n);

	if (number < count)
		return number;
	if (number >= e->node_room) {
		e->node_room = e->node_room ? 2 * e->node_room : 1024;
		e->node = reallocarray(e->node, e->node_room, sizeof(*e->node));
		if (!e->node)
			tree_die("memory for states");
	}
	e->node[number] = *n;
	e->node[number].next = NONE;
	e->tally.cuts = n->cuts > e->tally.cuts ? n->cuts : e->tally.cuts;
	enqueue(e, n->was_cut, number);
	return number;
}

/* The states of one more cut become the ones to go on from. */
static void swap_queues(struct explorer *e)
{
	uint32_t *empty = e->queue[0], room = e->queue_room[0];

	e->queue[0] = e->queue[1];
	e->queue_count[0] = e->queue_count[1];
	e->queue_room[0] = e->queue_room[1];
	e->queue[1] = empty;
	e->queue_count[1] = 0;
	e->queue_room[1] = room;
}

bool explore_next(struct explorer *e, uint32_t *ret_number)
{
	if (e->queue_count[0] == 0)
		swap_queues(e);
	if (e->queue_count[0] == 0)
		return false;
	*ret_number = e->queue[0][--e->queue_count[0]];
	return true;
}

void explore_done(struct explorer *e)
{
	keyset_done(&e->seen);
	disk_log_done(&e->log);
	free(e->node);
	free(e->queue[0]);
	free(e->queue[1]);
}
