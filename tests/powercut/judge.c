/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "powercut/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "powercut/contents.h"
#include "powercut/envview.h"
#include "powercut/sectors.h"
#include "slot/layout.h"
#include "support/tree_env.h"

/* How many stores of the environment an act may make. */
static unsigned stores_max(enum act act)
{
	switch (act) {
	case ACT_UPDATE: /* not bootable; the flip */
	case ACT_BOOT:	 /* the count; the fall-back */
		return 2;
	case ACT_CONFIRM:
	case ACT_ROLLBACK:
	case ACT_CANCEL:
	case ACT_SWITCH_A:
	case ACT_SWITCH_B:
	case ACT_ACKNOWLEDGE:
		return 1;
	case ACT_DONE:
		break;
	}
	return 0;
}

static bool fail(char why[BOARD_WHY_BYTES], const char *text)
{
	(void)snprintf(why, BOARD_WHY_BYTES, "%s", text);
	return false;
}

static uint64_t variables_of(uint32_t env)
{
	const struct env_view *v = env_view_of(env);

	return v->chosen < 0 ? 0 : v->variables[v->chosen];
}

static bool touches_copy(const struct disk_operation *op, int copy)
{
	uint64_t start = (uint64_t)copy * ENV_COPY_BYTES, end = start + ENV_COPY_BYTES;

	return op->offset_bytes < end && op->offset_bytes + op->len_bytes > start;
}

static bool note_store(struct judge *j, uint32_t env, char why[BOARD_WHY_BYTES])
{
	if (j->allowed_count > stores_max(j->act)) {
		(void)snprintf(why, BOARD_WHY_BYTES,
			       "stores the environment more than %u times (I5)", stores_max(j->act));
		return false;
	}
	j->allowed[j->allowed_count++] = variables_of(env);
	return true;
}

bool judge_begin(struct judge *j, const struct disk_log *log, char why[BOARD_WHY_BYTES])
{
	struct world kept = j->before;

	j->allowed[0] = variables_of(kept.content[BOARD_ENV_FILE]);
	j->allowed_count = 1;
	for (uint32_t i = 0; i < log->count; i++) {
		const struct disk_operation *op = &log->operation[i];
		/* A store begins at the start of its copy, even when the one before it was not synced. */
		bool begins = op->offset_bytes % ENV_COPY_BYTES == 0;
		struct disk_log one = { .count = 1 };

		if (op->file != BOARD_ENV_FILE || op->is_sync)
			continue;
		if (begins && touches_copy(op, env_view_of(kept.content[BOARD_ENV_FILE])->chosen))
			return fail(why, "writes the copy of the environment that is in use (I5)");
		one.operation[0] = *op;
		kept = crash_replay(&kept, &one);
		if (begins && !note_store(j, kept.content[BOARD_ENV_FILE], why))
			return false;
		j->allowed[j->allowed_count - 1] = variables_of(kept.content[BOARD_ENV_FILE]);
	}
	j->final = variables_of(kept.content[BOARD_ENV_FILE]);
	return true;
}

static bool check_environment(const struct judge *j, const struct world *w, bool is_last,
			      char why[BOARD_WHY_BYTES])
{
	const struct env_view *v = env_view_of(w->content[BOARD_ENV_FILE]);

	if (v->chosen < 0)
		return fail(why, "both copies of the environment are lost");
	if (is_last && v->variables[v->chosen] != j->final)
		return fail(why, "it was done, but what it stored can still be lost (I5)");
	for (unsigned i = 0; i < j->allowed_count; i++) {
		if (v->variables[v->chosen] == j->allowed[i])
			return true;
	}
	return fail(why, "the stored state is neither the one before nor one that was stored (I5)");
}

/* U-Boot is told not to boot the slot. */
static bool is_marked_empty(const struct world *w, enum jota_slot slot)
{
	const struct env_view *v = env_view_of(w->content[BOARD_ENV_FILE]);

	return v->slot_ok[slot] == '0' && v->boot_slot == jota_slot_name(jota_slot_other(slot))[0];
}

/* Returns what is wrong with the role's partition of the slot being written, or NULL. */
static const char *find_fault(const struct judge *j, const struct world *w, enum jota_slot target,
			      int role)
{
	const struct board *b = j->board;
	bool kept = j->running == j->scenario->running && j->scenario->keep[role];
	int file = board_file_of(target, role);
	const struct sectors_question question = {
		.before = j->before.content[file],
		.now = w->content[file],
		.wanted = kept ? j->before.content[board_file_of(j->running, role)] :
				 b->new[target][role],
		.wanted_bytes = kept ? b->file[file].size_bytes : b->image[role].padded_bytes,
	};

	return question.before == question.now ? NULL : sectors_find_fault(&question);
}

static bool check_target(const struct judge *j, const struct world *w, char why[BOARD_WHY_BYTES])
{
	enum jota_slot target = jota_slot_other(j->running);

	for (int role = 0; role < JOTA_ROLE_COUNT; role++) {
		const char *fault = find_fault(j, w, target, role);

		if (!fault)
			continue;
		(void)snprintf(why, BOARD_WHY_BYTES, "%s %s",
			       j->board->config.layout->role[role].label[target], fault);
		return false;
	}
	return true;
}

static bool check_slots(const struct judge *j, const struct world *w, char why[BOARD_WHY_BYTES])
{
	for (int slot = 0; slot < JOTA_SLOT_COUNT; slot++) {
		bool is_target = j->act == ACT_UPDATE && slot != (int)j->running;
		bool complete =
			board_slot_complete(j->board, w, (enum jota_slot)slot, j->scenario->keep);

		for (int role = 0; !is_target && role < JOTA_ROLE_COUNT; role++) {
			int file = board_file_of((enum jota_slot)slot, role);

			if (w->content[file] == j->before.content[file])
				continue;
			(void)snprintf(why, BOARD_WHY_BYTES, "%s was changed (I1)",
				       j->board->config.layout->role[role].label[slot]);
			return false;
		}
		if (!complete && !is_marked_empty(w, (enum jota_slot)slot)) {
			(void)snprintf(why, BOARD_WHY_BYTES,
				       "slot %s is half written and not marked empty (I3)",
				       jota_slot_name((enum jota_slot)slot));
			return false;
		}
		if (is_target && !check_target(j, w, why))
			return false;
	}
	return true;
}

bool judge_point(const struct judge *j, const struct world *w, const struct crash_point *point,
		 char why[BOARD_WHY_BYTES])
{
	return check_slots(j, w, why) && check_environment(j, w, point->is_last, why);
}

static enum jota_slot expected_slot(const struct env_view *v, enum jota_slot slot)
{
	enum jota_slot next = v->boot_slot == 'B' ? JOTA_SLOT_B : JOTA_SLOT_A;
	enum jota_slot other = jota_slot_other(next);

	if (!v->boot_slot)
		return slot;
	if (v->on_trial && v->bootcount + 1 > v->bootlimit && v->slot_ok[other] == '1')
		return other;
	return v->slot_ok[next] == '0' ? other : next;
}

bool judge_boot(const struct board *b, const struct scenario *s, const struct world *before,
		const struct world *after, enum jota_slot slot, unsigned *starts,
		char why[BOARD_WHY_BYTES])
{
	const struct env_view *was = env_view_of(before->content[BOARD_ENV_FILE]);
	const struct env_view *is = env_view_of(after->content[BOARD_ENV_FILE]);
	enum jota_slot expected = expected_slot(was, slot);

	if (slot != expected) {
		(void)snprintf(why, BOARD_WHY_BYTES, "slot %s booted, expected %s",
			       jota_slot_name(slot), jota_slot_name(expected));
		return false;
	}
	if (!board_slot_complete(b, after, slot, s->keep)) {
		(void)snprintf(why, BOARD_WHY_BYTES, "slot %s booted and is not complete (I7)",
			       jota_slot_name(slot));
		return false;
	}
	if (!is->on_trial || is->boot_slot != jota_slot_name(slot)[0]) {
		*starts = 0;
		return true;
	}
	(*starts)++;
	if (*starts > is->bootcount || *starts > is->bootlimit || is->bootlimit == 0) {
		(void)snprintf(why, BOARD_WHY_BYTES,
			       "start %u of an unconfirmed slot, %u counted, at most %u (I8)",
			       *starts, is->bootcount, is->bootlimit);
		return false;
	}
	return true;
}
