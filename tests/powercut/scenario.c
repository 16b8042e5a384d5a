/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "powercut/scenario.h"

#include <errno.h>

#include "update/session.h"

static int act_update(struct board *b, const struct scenario *s, struct jota_err *err)
{
	return board_update(b, s->keep, err);
}

static int apply(struct board *b, enum jota_transition what, struct jota_err *err)
{
	int rc = jota_transition_apply(&b->tree.io, &b->config, what, NULL, 0, NULL, err);

	if (rc == 0)
		return jota_fail(err, EPROTO, "nothing was stored.");
	return rc < 0 ? rc : 0;
}

static int act_confirm(struct board *b, const struct scenario *s, struct jota_err *err)
{
	(void)s;
	return apply(b, JOTA_DO_CONFIRM, err);
}

static int act_rollback(struct board *b, const struct scenario *s, struct jota_err *err)
{
	(void)s;
	return apply(b, JOTA_DO_ROLLBACK, err);
}

static int act_cancel(struct board *b, const struct scenario *s, struct jota_err *err)
{
	(void)s;
	return apply(b, JOTA_DO_CANCEL, err);
}

static int act_switch(struct board *b, const struct scenario *s, struct jota_err *err)
{
	return apply(b, s->running == JOTA_SLOT_A ? JOTA_DO_SWITCH_B : JOTA_DO_SWITCH_A, err);
}

static int act_acknowledge(struct board *b, const struct scenario *s, struct jota_err *err)
{
	(void)s;
	return apply(b, JOTA_DO_ACKNOWLEDGE, err);
}

static int act_boot(struct board *b, const struct scenario *s, struct jota_err *err)
{
	struct model_result result;

	(void)s;
	model_boot_until_up(&b->machine, 4, &result);
	if (result.outcome != MODEL_BOOTED)
		return jota_fail(err, EIO, "%s: %s", model_outcome_name(result.outcome), result.why);
	return 0;
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
		.writes_slot = true,
		.act = act_update,
	},
	{
		.name = "first",
		.text = "the first update ever, from A into B",
		.running = JOTA_SLOT_A,
		.writes_slot = true,
		.act = act_update,
	},
	{
		.name = "keep",
		.text = "two images from B into A, the kernel kept",
		.running = JOTA_SLOT_B,
		.variable = { BOTH_GOOD("B") },
		.keep = { [JOTA_ROLE_KERNEL] = true },
		.writes_slot = true,
		.act = act_update,
	},
	{
		.name = "again",
		.text = "an update while a flip waits for its reboot",
		.running = JOTA_SLOT_A,
		.variable = { FLIPPED_TO_B("0") },
		.writes_slot = true,
		.act = act_update,
	},
	{
		.name = "confirm",
		.text = "the trial of B ends well",
		.running = JOTA_SLOT_B,
		.variable = { FLIPPED_TO_B("1") },
		.act = act_confirm,
	},
	{
		.name = "rollback",
		.text = "the trial of B is given up",
		.running = JOTA_SLOT_B,
		.variable = { FLIPPED_TO_B("1") },
		.act = act_rollback,
	},
	{
		.name = "cancel",
		.text = "a flip is taken back before the reboot",
		.running = JOTA_SLOT_A,
		.variable = { FLIPPED_TO_B("0") },
		.act = act_cancel,
	},
	{
		.name = "switch",
		.text = "to the other slot, by hand",
		.running = JOTA_SLOT_B,
		.variable = { BOTH_GOOD("B") },
		.act = act_switch,
	},
	{
		.name = "acknowledge",
		.text = "the outcome was reported",
		.running = JOTA_SLOT_B,
		.variable = { BOTH_GOOD("B"), "update_target=B", "ustate=2" },
		.act = act_acknowledge,
	},
	{
		.name = "trial-boot",
		.text = "model: U-Boot counts a boot of B",
		.running = JOTA_SLOT_A,
		.variable = { FLIPPED_TO_B("0") },
		.by_firmware = true,
		.act = act_boot,
	},
	{
		.name = "fall-back",
		.text = "model: U-Boot gives B up and stores A",
		.running = JOTA_SLOT_B,
		.variable = { FLIPPED_TO_B("3") },
		.by_firmware = true,
		.act = act_boot,
	},
};
const size_t scenario_count = sizeof(scenarios) / sizeof(scenarios[0]);
