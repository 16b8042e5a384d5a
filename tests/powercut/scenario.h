/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What runs while the power goes, how the device goes on after each boot, and the defects that must be found. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "powercut/board.h"
#include "powercut/disk.h"
#include "slot/policy.h"

#define SCENARIO_VARIABLES_MAX 8

/** What happens next on a device. */
enum act {
	ACT_UPDATE,
	ACT_CONFIRM,
	ACT_ROLLBACK,
	ACT_CANCEL,
	ACT_SWITCH_A,
	ACT_SWITCH_B,
	ACT_ACKNOWLEDGE,
	ACT_BOOT, /* by the model of U-Boot; from a running system: a reboot */
	ACT_DONE, /* nothing, the goal is reached */
};
#define ACT_VERBS ACT_BOOT /* those before it run on the device and may be tried in any situation */

enum goal {
	GOAL_INSTALL,  /* the release is installed in the slot that did not run, and confirmed */
	GOAL_CONFIRM,  /* the slot on trial is confirmed, or was given up by the boot chain */
	GOAL_ROLLBACK, /* no trial is left, this slot is given up */
	GOAL_CANCEL,   /* the flip is taken back; when it boots all the same it is rolled back */
	GOAL_SWITCH,   /* the other slot runs and is confirmed, or was given up by the boot chain */
	GOAL_REPORTED, /* ustate is 0 */
	GOAL_GIVEN_UP, /* nobody ever confirms: the boot chain ends the trial */
};

struct scenario {
	const char *name;
	const char *text;
	bool is_off;		/* begins with a power-on; else `running` runs */
	enum jota_slot running; /* the slot that counts as the old one */
	const char *variable[SCENARIO_VARIABLES_MAX]; /* "name=value", NULL-terminated; none: factory */
	unsigned char serial;			      /* of the environment; 0: 1 */
	bool exact_serial; /* states that differ in the serials alone are different states */
	bool keep[JOTA_ROLE_COUNT];
	bool backwards;	       /* images in the order rootfs, bootloader, kernel */
	unsigned rootfs_parts; /* the rootfs comes in so many; 0: whole */
	enum goal goal;
	bool updates_at_once; /* although a flip waits for its reboot */
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

const char *act_name(enum act act);
/** What a device does next that has just come to `situation` and is after `goal`. */
enum act scenario_next(const struct scenario *s, const struct board *b, const struct world *w,
		       enum jota_slot running, const struct jota_boot_state *state);
/** 0, or JOTA_KEEP and JOTA_CHANGE for single transitions, or -errno. ACT_BOOT and ACT_DONE are not for this. */
int scenario_run(const struct scenario *s, struct board *b, enum act act, struct jota_err *err);

struct mutant {
	const char *name;
	const char *text;
	struct disk_defect defect;
	/** Instead of the update; NULL: the real one. */
	int (*update)(struct board *b, const struct scenario *s, struct jota_err *err);
};

extern const struct mutant mutants[];
extern const size_t mutant_count;
