/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Policy: which boot state follows which, and what is refused. Pure: no I/O, no clock.
 * Every verb classifies the state into one situation and looks the answer up in one table
 * (policy.c), so that a reviewer reads the table instead of branches.
 */
#pragma once

#include "slot/slot.h"

struct jota_err;

/** What the running slot and the stored state mean together. */
enum jota_situation {
	JOTA_FACTORY,  /* nothing stored yet: running slot taken as good, the other as empty */
	JOTA_STEADY,   /* running slot good and next */
	JOTA_PENDING,  /* the other slot is next, on trial: flipped, reboot outstanding */
	JOTA_ON_TRIAL, /* running slot is next and on trial */
	/* running slot good, but the other, not on trial, is next: firmware passed it over */
	JOTA_DIVERTED,
	/* running slot given up, the other good and next: rolled back, reboot outstanding */
	JOTA_LEAVING,
	JOTA_BROKEN, /* anything else: contradictory, nothing is changed */
};
#define JOTA_SITUATION_COUNT 7

/** Classify. Total: every state gets exactly one situation. */
enum jota_situation jota_policy_situation(const struct jota_boot_state *cur, enum jota_slot running);
/** "steady", "flip pending", ...; static storage. */
const char *jota_situation_name(enum jota_situation situation);
/**
 * The state as meant: in factory state next=running, running GOOD, other EMPTY; otherwise a
 * copy.
 */
struct jota_boot_state jota_policy_settle(const struct jota_boot_state *cur, enum jota_slot running);

/** Verbs return JOTA_CHANGE with *ret_new to store, JOTA_KEEP when nothing is to be stored
 * (idempotence; *ret_new = settled cur),
 *  or -EBUSY/-EPERM/-EINVAL with a sentence; *ret_new is written only on success. */
enum { JOTA_KEEP = 0, JOTA_CHANGE = 1 };

/**
 * First store of an update: the slot that does not run becomes the target and EMPTY,
 * next=running, no trial, record cleared,
 * ustate IN_PROGRESS. Undoes a pending flip. -EBUSY while the running slot is on trial or being
 * left, -EINVAL when broken.
 */
int jota_policy_begin(const struct jota_boot_state *cur, enum jota_slot running,
		      struct jota_boot_state *ret_new, enum jota_slot *ret_target,
		      struct jota_err *err);

/**
 * Flip: target (EMPTY in storage, complete by the session's word) becomes next, on trial for
 * `tries` counted boots; record gets target, boot_id and
 * ustate INSTALLED. cur must be what begin stored: steady with the target EMPTY, else -EINVAL.
 * tries 1..10.
 */
int jota_policy_flip(const struct jota_boot_state *cur, enum jota_slot running,
		     enum jota_slot target, unsigned tries, const char *boot_id,
		     struct jota_boot_state *ret_new, struct jota_err *err);

/**
 * Confirm the running slot: trial over, GOOD. If it is the record's target, ustate INSTALLED
 * becomes TESTING in the same state; also where the running slot is GOOD already.
 */
int jota_policy_confirm(const struct jota_boot_state *cur, enum jota_slot running,
			struct jota_boot_state *ret_new, struct jota_err *err);

/**
 * Give up the running trial slot: other slot (must be GOOD) next, running EMPTY, ustate
 * INSTALLED becomes FAILED (if it is the record's target). Repeating it while leaving keeps.
 */
int jota_policy_rollback(const struct jota_boot_state *cur, enum jota_slot running,
			 struct jota_boot_state *ret_new, struct jota_err *err);

/**
 * The old slot runs again although the last update was flipped to and booted, and nobody has said so yet: ustate INSTALLED becomes
 * FAILED. Keeps everywhere else, above all with the boot_id of the flip: then no reboot has happened since.
 */
int jota_policy_conclude(const struct jota_boot_state *cur, enum jota_slot running,
			 const char *boot_id, struct jota_boot_state *ret_new, struct jota_err *err);

/**
 * Take back a pending flip: next=running, the other EMPTY (never booted, so not good), record
 * cleared, ustate OK. Keeps when none is pending.
 */
int jota_policy_cancel(const struct jota_boot_state *cur, enum jota_slot running,
		       struct jota_boot_state *ret_new, struct jota_err *err);

/**
 * Choose a slot by hand. To the other: it must be GOOD; it becomes next and goes on trial
 * (bounded) - from a running trial slot it is a rollback.
 * To the running one: cancels. -EPERM when the slot is not complete.
 */
int jota_policy_switch(const struct jota_boot_state *cur, enum jota_slot running, enum jota_slot to,
		       unsigned tries, const char *boot_id, struct jota_boot_state *ret_new,
		       struct jota_err *err);

/**
 * SWUpdate says that its state is dealt with (ustate 0: the outcome was reported, or an update
 * was cancelled on the server). A pending flip is taken back as by cancel, because the cancelled
 * image must not boot; a pending switch stays. -EBUSY on trial: there is no outcome yet.
 * Otherwise ustate becomes OK and the record's target is cleared; keeps when that is so already.
 */
int jota_policy_acknowledge(const struct jota_boot_state *cur, enum jota_slot running,
			    struct jota_boot_state *ret_new, struct jota_err *err);
