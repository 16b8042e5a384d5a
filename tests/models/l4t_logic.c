/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "models/l4t_logic.h"

#define BAD 0xFFu

enum status {
	STATUS_DONE,
	STATUS_BUSY,
	STATUS_NOTHING,
	STATUS_BAD_NEXT = 9,
	STATUS_NOT_BOOTED = 12,
	STATUS_BOOT_NEXT = 14
};

static const char *const slot_status[2] = { "RootfsStatusSlotA", "RootfsStatusSlotB" };

static bool put(const struct l4t_store *s, const char *name, uint32_t value)
{
	return s->put(s->ctx, name, L4T_STORED, value);
}

static bool drop(const struct l4t_store *s, const char *name)
{
	return s->drop(s->ctx, name);
}

/* A new request: take it or say why not. */
static enum l4t_step take_request(struct l4t_registers *r, const struct l4t_store *s, uint32_t next)
{
	uint32_t answer = STATUS_BUSY;

	if (s->has_boot_next(s->ctx))
		answer = STATUS_BOOT_NEXT;
	else if (next > 1)
		answer = STATUS_BAD_NEXT;
	else if (next == r->chain)
		answer = STATUS_NOTHING;
	if (!put(s, "BootChainFwStatus", answer))
		return L4T_NO_POWER;
	if (answer != STATUS_BUSY)
		return drop(s, "BootChainFwNext") ? L4T_GO_ON : L4T_NO_POWER;
	if (!s->set_chain(s->ctx, next))
		return L4T_NO_POWER;
	r->chain = next;
	return L4T_RESET;
}

static enum l4t_step execute_update(struct l4t_registers *r, const struct l4t_store *s)
{
	uint32_t next, status;

	if (!s->get(s->ctx, "BootChainFwNext", &next))
		return L4T_GO_ON;
	if (!s->get(s->ctx, "BootChainFwStatus", &status))
		return take_request(r, s, next);
	if (status == STATUS_BUSY &&
	    !put(s, "BootChainFwStatus", next == r->chain ? STATUS_DONE : STATUS_NOT_BOOTED))
		return L4T_NO_POWER;
	return drop(s, "BootChainFwNext") ? L4T_GO_ON : L4T_NO_POWER;
}

static bool is_bad(const struct l4t_store *s, unsigned slot)
{
	uint32_t value = 0;

	return s->get(s->ctx, slot_status[slot], &value) && value == BAD;
}

static enum l4t_step fail_over(struct l4t_registers *r, const struct l4t_store *s)
{
	unsigned other = 1 - r->chain;

	if (!put(s, slot_status[r->chain], BAD))
		return L4T_NO_POWER;
	if (r->tries[other] == 0)
		return put(s, slot_status[other], BAD) ? L4T_GIVE_UP : L4T_NO_POWER;
	if (!put(s, "BootChainFwNext", other) || !drop(s, "BootChainFwStatus"))
		return L4T_NO_POWER;
	r->has_register = false;
	return L4T_RESET;
}

/* L4TLauncher's look at the slots. */
static enum l4t_step validate(struct l4t_registers *r, const struct l4t_store *s)
{
	uint32_t level = 0;

	r->slot = r->chain;
	if (!s->get(s->ctx, "RootfsRedundancyLevel", &level))
		return L4T_GO_ON; /* it boots the chain without looking */
	for (unsigned i = 0; !r->has_register && i < 2; i++)
		r->tries[i] = is_bad(s, i) ? 0 : L4T_TRIES_MAX;
	r->has_register = true;
	if (is_bad(s, 0) && (is_bad(s, 1) || level == 0)) {
		r->has_register = false;
		return L4T_GIVE_UP;
	}
	r->slot = level == 0 ? 0 : r->chain;
	if (r->tries[r->slot] > 0) {
		r->tries[r->slot]--;
		return L4T_GO_ON;
	}
	if (level == 0)
		return put(s, slot_status[0], BAD) ? L4T_GIVE_UP : L4T_NO_POWER;
	return fail_over(r, s);
}

enum l4t_step l4t_start(struct l4t_registers *r, const struct l4t_store *s)
{
	enum l4t_step step;

	(void)s->put(s->ctx, "BootChainFwCurrent", L4T_VOLATILE, r->chain);
	(void)s->drop(s->ctx, "BootChainOsCurrent");
	step = execute_update(r, s);
	if (step == L4T_GO_ON)
		step = validate(r, s);
	if (step == L4T_GO_ON)
		(void)s->put(s->ctx, "BootChainOsCurrent", L4T_VOLATILE, r->slot);
	return step;
}
