/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "powercut/scenario.h"

#include <errno.h>
#include <string.h>

const char *act_name(enum act act)
{
	static const char *const names[] = { "update",	    "confirm",	"rollback",
					     "cancel",	    "switch A", "switch B",
					     "acknowledge", "boot",	"done" };

	return names[act];
}

/* Not on trial, nothing pending: where the device stays. */
static enum act next_at_rest(const struct scenario *s, const struct board *b, const struct world *w,
			     enum jota_slot running, const struct jota_boot_state *state)
{
	enum jota_slot target = jota_slot_other(s->running);
	bool other_good = state->slot[jota_slot_other(running)] == JOTA_GOOD;

	switch (s->goal) {
	case GOAL_INSTALL:
		return running == target && board_slot_new(b, w, target, s->keep) ? ACT_DONE :
										    ACT_UPDATE;
	case GOAL_SWITCH:
		if (running == target || !other_good)
			return ACT_DONE;
		return target == JOTA_SLOT_A ? ACT_SWITCH_A : ACT_SWITCH_B;
	case GOAL_REPORTED:
		return state->record.ustate == JOTA_USTATE_OK ? ACT_DONE : ACT_ACKNOWLEDGE;
	case GOAL_CONFIRM:
	case GOAL_ROLLBACK:
	case GOAL_CANCEL:
	case GOAL_GIVEN_UP:
		break;
	}
	return ACT_DONE;
}

static enum act next_on_trial(const struct scenario *s)
{
	switch (s->goal) {
	case GOAL_INSTALL:
	case GOAL_CONFIRM:
	case GOAL_SWITCH:
	case GOAL_REPORTED:
		return ACT_CONFIRM;
	case GOAL_ROLLBACK:
	case GOAL_CANCEL:
		return ACT_ROLLBACK;
	case GOAL_GIVEN_UP:
		break;
	}
	return ACT_BOOT;
}

enum act scenario_next(const struct scenario *s, const struct board *b, const struct world *w,
		       enum jota_slot running, const struct jota_boot_state *state)
{
	switch (jota_policy_situation(state, running)) {
	case JOTA_ON_TRIAL:
		return next_on_trial(s);
	case JOTA_PENDING:
		return s->goal == GOAL_CANCEL ? ACT_CANCEL : ACT_BOOT;
	case JOTA_LEAVING:
		return ACT_BOOT;
	case JOTA_FACTORY:
	case JOTA_STEADY:
	case JOTA_DIVERTED:
	case JOTA_BROKEN: /* whatever comes next says so */
		break;
	}
	return next_at_rest(s, b, w, running, state);
}

static int run_update(const struct scenario *s, struct board *b, struct jota_err *err)
{
	static const enum jota_role order[2][JOTA_ROLE_COUNT] = {
		{ JOTA_ROLE_KERNEL, JOTA_ROLE_BOOTLOADER, JOTA_ROLE_ROOTFS },
		{ JOTA_ROLE_ROOTFS, JOTA_ROLE_BOOTLOADER, JOTA_ROLE_KERNEL },
	};
	static const bool keep_none[JOTA_ROLE_COUNT];

	return board_update(b, b->running == s->running ? s->keep : keep_none, order[s->backwards],
			    s->rootfs_parts, err);
}

int scenario_run(const struct scenario *s, struct board *b, enum act act, struct jota_err *err)
{
	static const enum jota_transition what[] = {
		[ACT_CONFIRM] = JOTA_DO_CONFIRM,   [ACT_ROLLBACK] = JOTA_DO_ROLLBACK,
		[ACT_CANCEL] = JOTA_DO_CANCEL,	   [ACT_SWITCH_A] = JOTA_DO_SWITCH_A,
		[ACT_SWITCH_B] = JOTA_DO_SWITCH_B, [ACT_ACKNOWLEDGE] = JOTA_DO_ACKNOWLEDGE,
	};

	if (act == ACT_UPDATE)
		return run_update(s, b, err);
	return jota_transition_apply(&b->tree.io, &b->config, what[act], NULL, 0, NULL, err);
}

/* clang-format off */
#define BOTH_GOOD(next) "boot_slot=" next, "slotA_ok=1", "slotB_ok=1", "upgrade_available=0", "bootcount=0"
#define FLIPPED_TO_B(count) \
	"boot_slot=B", "slotA_ok=1", "slotB_ok=1", "upgrade_available=1", "bootcount=" count, \
	"update_target=B", "ustate=1"
/* clang-format on */

const struct scenario scenarios[] = {
	{
		.name = "update",
		.text = "three images from A into B, which was good",
		.running = JOTA_SLOT_A,
		.variable = { BOTH_GOOD("A") },
		.goal = GOAL_INSTALL,
	},
	{
		.name = "first",
		.text = "the first update ever, from A into B",
		.running = JOTA_SLOT_A,
		.goal = GOAL_INSTALL,
	},
	{
		.name = "keep",
		.text = "two images from B into A, the kernel kept",
		.running = JOTA_SLOT_B,
		.variable = { BOTH_GOOD("B") },
		.keep = { [JOTA_ROLE_KERNEL] = true },
		.goal = GOAL_INSTALL,
	},
	{
		.name = "order",
		.text = "from B into A, rootfs first, kernel last",
		.running = JOTA_SLOT_B,
		.variable = { BOTH_GOOD("B") },
		.backwards = true,
		.goal = GOAL_INSTALL,
	},
	{
		.name = "parts",
		.text = "from A into B, rootfs first and in three parts",
		.running = JOTA_SLOT_A,
		.variable = { BOTH_GOOD("A") },
		.backwards = true,
		.rootfs_parts = 3,
		.goal = GOAL_INSTALL,
	},
	{
		.name = "again",
		.text = "an update while a flip waits for its reboot",
		.running = JOTA_SLOT_A,
		.variable = { FLIPPED_TO_B("0") },
		.goal = GOAL_INSTALL,
		.updates_at_once = true,
	},
	{
		.name = "confirm",
		.text = "the first boot of B, and its trial ends well",
		.is_off = true,
		.running = JOTA_SLOT_A,
		.variable = { FLIPPED_TO_B("0") },
		.goal = GOAL_CONFIRM,
	},
	{
		.name = "rollback",
		.text = "the trial of B is given up",
		.is_off = true,
		.running = JOTA_SLOT_A,
		.variable = { FLIPPED_TO_B("0") },
		.goal = GOAL_ROLLBACK,
	},
	{
		.name = "cancel",
		.text = "a flip is taken back before the reboot",
		.running = JOTA_SLOT_A,
		.variable = { FLIPPED_TO_B("0") },
		.goal = GOAL_CANCEL,
	},
	{
		.name = "switch",
		.text = "to the other slot, by hand",
		.running = JOTA_SLOT_B,
		.variable = { BOTH_GOOD("B") },
		.goal = GOAL_SWITCH,
	},
	{
		.name = "wrap",
		.text = "the same, while the serials go from 255 to 0",
		.running = JOTA_SLOT_B,
		.variable = { BOTH_GOOD("B") },
		.serial = 253,
		.exact_serial = true,
		.goal = GOAL_SWITCH,
	},
	{
		.name = "acknowledge",
		.text = "the outcome was reported",
		.running = JOTA_SLOT_B,
		.variable = { BOTH_GOOD("B"), "update_target=B", "ustate=2" },
		.goal = GOAL_REPORTED,
	},
	{
		.name = "never",
		.text = "B is never confirmed: counted boots, then the fall-back",
		.is_off = true,
		.running = JOTA_SLOT_A,
		.variable = { FLIPPED_TO_B("0") },
		.goal = GOAL_GIVEN_UP,
	},
};
const size_t scenario_count = sizeof(scenarios) / sizeof(scenarios[0]);
