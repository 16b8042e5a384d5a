/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Every boot state there is, for tests that ask something of all of them, and the verbs as a table.
 * Nothing in here knows what the policy should answer.
 */
#pragma once

#include "base/err.h"
#include "slot/policy.h"

#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define TRIES 4u
#define BOOT_ID "11111111-2222-3333-4444-555555555555"
#define OTHER_BOOT_ID "99999999-8888-7777-6666-555555555555"

struct given {
	struct jota_boot_state state;
	enum jota_slot running;
	enum jota_slot other;
};

static const enum jota_ustate ustates[] = {
	JOTA_USTATE_NONE,    JOTA_USTATE_OK,	 JOTA_USTATE_INSTALLED,
	JOTA_USTATE_TESTING, JOTA_USTATE_FAILED, JOTA_USTATE_IN_PROGRESS,
};
#define USTATE_COUNT 6u
#define CONDITION_COUNT 4u /* EMPTY, READY, TRIAL, GOOD */
/*
 * factory, next, two conditions, running, target (none, A, B), ustate, counted boots (0, 2),
 * limit (0, 3), boot_id
 */
#define GIVEN_COUNT                                                                                \
	(2u * 2u * CONDITION_COUNT * CONDITION_COUNT * 2u * 3u * USTATE_COUNT * 2u * 2u * 2u)

/* The next digit of a number in mixed base. */
static inline size_t take_digit(size_t *i, size_t base)
{
	size_t digit = *i % base;

	*i /= base;
	return digit;
}

/** The i-th of GIVEN_COUNT states; no two are the same. */
static inline struct given given_at(size_t i)
{
	struct given g = { 0 };
	size_t target;

	g.state.factory = take_digit(&i, 2) == 1;
	g.state.next = (enum jota_slot)take_digit(&i, 2);
	g.state.slot[JOTA_SLOT_A] = (enum jota_condition)take_digit(&i, CONDITION_COUNT);
	g.state.slot[JOTA_SLOT_B] = (enum jota_condition)take_digit(&i, CONDITION_COUNT);
	g.running = (enum jota_slot)take_digit(&i, 2);
	g.other = g.running == JOTA_SLOT_A ? JOTA_SLOT_B : JOTA_SLOT_A;
	target = take_digit(&i, 3);
	g.state.record.has_target = target > 0;
	g.state.record.target = target == 2 ? JOTA_SLOT_B : JOTA_SLOT_A;
	g.state.record.ustate = ustates[take_digit(&i, USTATE_COUNT)];
	g.state.boots_counted = take_digit(&i, 2) ? 2 : 0;
	g.state.boot_limit = take_digit(&i, 2) ? 3 : 0;
	if (take_digit(&i, 2))
		memcpy(g.state.record.boot_id, BOOT_ID, sizeof(BOOT_ID));
	ck_assert_uint_eq(i, 0);
	return g;
}

/** The state in a line, for a failing test. */
static inline const char *given_text(const struct given *g, char *buf, size_t buf_bytes)
{
	const struct jota_boot_state *s = &g->state;

	(void)snprintf(buf, buf_bytes,
		       "%srunning %s next %s A %s B %s target %s ustate %d counted %u limit %u",
		       s->factory ? "factory " : "", jota_slot_name(g->running),
		       jota_slot_name(s->next), jota_condition_name(s->slot[JOTA_SLOT_A]),
		       jota_condition_name(s->slot[JOTA_SLOT_B]),
		       s->record.has_target ? jota_slot_name(s->record.target) : "-",
		       (int)s->record.ustate, s->boots_counted, s->boot_limit);
	return buf;
}

static inline bool states_equal(const struct jota_boot_state *a, const struct jota_boot_state *b)
{
	return a->factory == b->factory && a->next == b->next && a->slot[0] == b->slot[0] &&
	       a->slot[1] == b->slot[1] && a->boots_counted == b->boots_counted &&
	       a->boot_limit == b->boot_limit && a->record.has_target == b->record.has_target &&
	       (!a->record.has_target || a->record.target == b->record.target) &&
	       a->record.ustate == b->record.ustate &&
	       strcmp(a->record.boot_id, b->record.boot_id) == 0 &&
	       strcmp(a->record.reason, b->record.reason) == 0;
}

typedef int (*verb_fn)(const struct given *g, struct jota_boot_state *ret_new, struct jota_err *err);

static inline int verb_begin(const struct given *g, struct jota_boot_state *ret_new,
			     struct jota_err *err)
{
	enum jota_slot target = g->running;
	int r = jota_policy_begin(&g->state, g->running, ret_new, &target, err);

	ck_assert_int_eq(target, r >= 0 ? g->other : g->running);
	return r;
}

static inline int verb_flip(const struct given *g, struct jota_boot_state *ret_new,
			    struct jota_err *err)
{
	return jota_policy_flip(&g->state, g->running, g->other, TRIES, BOOT_ID, ret_new, err);
}

static inline int verb_confirm(const struct given *g, struct jota_boot_state *ret_new,
			       struct jota_err *err)
{
	return jota_policy_confirm(&g->state, g->running, ret_new, err);
}

static inline int verb_rollback(const struct given *g, struct jota_boot_state *ret_new,
				struct jota_err *err)
{
	return jota_policy_rollback(&g->state, g->running, ret_new, err);
}

static inline int verb_conclude(const struct given *g, struct jota_boot_state *ret_new,
				struct jota_err *err)
{
	return jota_policy_conclude(&g->state, g->running, OTHER_BOOT_ID, ret_new, err);
}

static inline int verb_cancel(const struct given *g, struct jota_boot_state *ret_new,
			      struct jota_err *err)
{
	return jota_policy_cancel(&g->state, g->running, ret_new, err);
}

static inline int verb_switch_other(const struct given *g, struct jota_boot_state *ret_new,
				    struct jota_err *err)
{
	return jota_policy_switch(&g->state, g->running, g->other, TRIES, BOOT_ID, ret_new, err);
}

static inline int verb_switch_running(const struct given *g, struct jota_boot_state *ret_new,
				      struct jota_err *err)
{
	return jota_policy_switch(&g->state, g->running, g->running, TRIES, BOOT_ID, ret_new, err);
}

static inline int verb_acknowledge(const struct given *g, struct jota_boot_state *ret_new,
				   struct jota_err *err)
{
	return jota_policy_acknowledge(&g->state, g->running, ret_new, err);
}

enum {
	BEGIN,
	FLIP,
	CONFIRM,
	ROLLBACK,
	CONCLUDE,
	CANCEL,
	SWITCH_OTHER,
	SWITCH_RUNNING,
	ACKNOWLEDGE,
	VERB_COUNT
};

static const struct {
	const char *name;
	verb_fn apply;
} verbs[VERB_COUNT] = {
	[BEGIN] = { "begin", verb_begin },
	[FLIP] = { "flip", verb_flip },
	[CONFIRM] = { "confirm", verb_confirm },
	[ROLLBACK] = { "rollback", verb_rollback },
	[CONCLUDE] = { "conclude", verb_conclude },
	[CANCEL] = { "cancel", verb_cancel },
	[SWITCH_OTHER] = { "switch to the other", verb_switch_other },
	[SWITCH_RUNNING] = { "switch to the running", verb_switch_running },
	[ACKNOWLEDGE] = { "acknowledge", verb_acknowledge },
};
