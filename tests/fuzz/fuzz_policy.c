/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Policy and its mapping to U-Boot variables: from any state that storage can hold, verbs and boots
 * in any order. Input: 4 bytes for the state, then one byte per step. Beside the state stands what the
 * slots really hold: begin spoils one, flip says that it is complete. What boots must be complete.
 */
#include "fuzz/fuzz.h"

#include "slot/policy.h"
#include "slot/uboot_state.h"

#define BOOT_ID "01234567-89ab-cdef-0123-456789abcdef"
#define STEPS_MAX 64u
enum { BEGIN, FLIP, CONFIRM, ROLLBACK, CANCEL, SWITCH, STAY, ACKNOWLEDGE, BOOT, STEP_COUNT };

struct walk {
	struct jota_boot_state state;
	struct jota_env env;
	enum jota_slot running;
	bool complete[JOTA_SLOT_COUNT];
};

static bool boots(const struct jota_boot_state *state)
{
	return state->factory || state->slot[0] != JOTA_EMPTY || state->slot[1] != JOTA_EMPTY;
}

/* Through the variables and back; false: storage cannot hold it. */
static bool store(struct walk *w, const struct jota_boot_state *want)
{
	struct jota_env meant = { 0 };
	struct jota_err err = { 0 };
	int r = jota_uboot_plan(&w->env, &w->state, want, NULL, 0, &meant, &err);

	fuzz_check_result(r, &err);
	if (r < 0)
		return false;
	jota_env_done(&w->env);
	w->env = meant;
	PROMISE(jota_uboot_state_read(&w->env, &w->state, NULL) == 0);
	PROMISE(jota_boot_state_difference(&w->state, want) == NULL);
	return true;
}

static bool start_walk(struct walk *w, const uint8_t byte[4])
{
	static const char ustate[] = { 0, '0', '1', '2', '3', '7' };
	static const enum jota_condition storable[] = { JOTA_EMPTY, JOTA_TRIAL, JOTA_GOOD };
	struct jota_boot_state want = { .factory = byte[0] & 2u, .next = (byte[0] & 4u) != 0 };

	w->running = byte[0] & 1u;
	want.boot_limit = byte[2] % 5;
	want.record.ustate = (enum jota_ustate)ustate[byte[3] / 4 % 6];
	if (!want.factory) {
		want.slot[0] = storable[byte[1] % 3];
		want.slot[1] = storable[byte[1] / 3 % 3];
		want.boots_counted = want.slot[want.next] == JOTA_TRIAL ? byte[2] / 5 % 5 : 0;
		want.record.has_target = byte[3] & 1u;
		want.record.target = (byte[3] & 2u) != 0;
	}
	for (int i = 0; i < JOTA_SLOT_COUNT; i++)
		w->complete[i] = (enum jota_slot)i == w->running || want.slot[i] != JOTA_EMPTY;
	w->state.factory = true;
	return store(w, &want);
}

static int apply(struct walk *w, uint8_t step, struct jota_boot_state *ret, struct jota_err *err)
{
	const struct jota_boot_state *cur = &w->state;
	enum jota_slot me = w->running, other = jota_slot_other(me), target;
	unsigned tries = step / 16;

	switch (step % STEP_COUNT) {
	case BEGIN:
		return jota_policy_begin(cur, me, ret, &target, err);
	case FLIP:
		return jota_policy_flip(cur, me, other, tries, BOOT_ID, ret, err);
	case CONFIRM:
		return jota_policy_confirm(cur, me, ret, err);
	case ROLLBACK:
		return jota_policy_rollback(cur, me, ret, err);
	case CANCEL:
		return jota_policy_cancel(cur, me, ret, err);
	case SWITCH:
		return jota_policy_switch(cur, me, other, tries, BOOT_ID, ret, err);
	case STAY:
		return jota_policy_switch(cur, me, me, tries, NULL, ret, err);
	default:
		return jota_policy_acknowledge(cur, me, ret, err);
	}
}

/* As the boot script: counts a trial, gives it up beyond its limit, passes over an empty slot. */
static void boot(struct walk *w)
{
	struct jota_boot_state want = w->state;

	if (want.factory || !boots(&want))
		return;
	if (want.slot[want.next] == JOTA_TRIAL && ++want.boots_counted > want.boot_limit &&
	    want.boot_limit > 0 && want.slot[jota_slot_other(want.next)] == JOTA_GOOD) {
		want.slot[want.next] = JOTA_EMPTY;
		want.next = jota_slot_other(want.next);
		want.boots_counted = 0;
	}
	PROMISE(store(w, &want));
	w->running = want.slot[want.next] == JOTA_EMPTY ? jota_slot_other(want.next) : want.next;
	PROMISE(w->complete[w->running]);
}

static void take_step(struct walk *w, uint8_t step)
{
	struct jota_boot_state want, before = jota_policy_settle(&w->state, w->running);
	struct jota_err err = { 0 };
	int r = apply(w, step, &want, &err);

	fuzz_check_result(r, &err);
	if (r != JOTA_CHANGE)
		return;
	PROMISE(boots(&want) || !boots(&before));
	PROMISE(jota_policy_situation(&want, w->running) != JOTA_BROKEN);
	PROMISE(want.slot[want.next] != JOTA_EMPTY || want.next == before.next);
	PROMISE(store(w, &want));
	if (step % STEP_COUNT == BEGIN || step % STEP_COUNT == FLIP)
		w->complete[jota_slot_other(w->running)] = step % STEP_COUNT == FLIP;
	PROMISE(w->complete[w->running]);
	fuzz_plant(jota_policy_situation(&want, w->running) == JOTA_LEAVING &&
			   want.record.ustate == JOTA_USTATE_FAILED && want.boot_limit == 9,
		   want.record.boot_id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	struct walk w = { 0 };

	if (len_bytes < 4)
		return 0;
	if (!start_walk(&w, data))
		len_bytes = 0;
	for (size_t i = 4; i < len_bytes && i < STEPS_MAX; i++) {
		if (data[i] % STEP_COUNT == BOOT)
			boot(&w);
		else
			take_step(&w, data[i]);
	}
	jota_env_done(&w.env);
	return 0;
}
