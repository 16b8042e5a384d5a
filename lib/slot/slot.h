/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The words of the slot model: slots, roles, conditions, boot state. Data, and its names. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum jota_slot { JOTA_SLOT_A, JOTA_SLOT_B };
#define JOTA_SLOT_COUNT 2

enum jota_role { JOTA_ROLE_KERNEL, JOTA_ROLE_BOOTLOADER, JOTA_ROLE_ROOTFS };
#define JOTA_ROLE_COUNT 3

/** What a slot holds. READY exists only inside a session: no storage of a device expresses it. */
enum jota_condition {
	JOTA_EMPTY, /* being written, or bad: firmware must not boot it */
	JOTA_READY, /* written and verified in this session */
	JOTA_TRIAL, /* boots, counted, until confirmed */
	JOTA_GOOD,  /* confirmed */
};

/** SWUpdate's persistent update state, as the digits it stores (its state.h). */
enum jota_ustate {
	JOTA_USTATE_NONE = 0, /* nothing stored */
	JOTA_USTATE_OK = '0',
	JOTA_USTATE_INSTALLED = '1',
	JOTA_USTATE_TESTING = '2', /* confirmed, waiting to be reported */
	JOTA_USTATE_FAILED = '3',
	JOTA_USTATE_IN_PROGRESS = '7',
};

#define JOTA_REASON_BYTES 96

/** What we must remember about one update across reboots, beside the boot choice itself. */
struct jota_record {
	bool has_target;
	enum jota_slot target; /* slot of the last flip, valid if has_target */
	enum jota_ustate ustate;
	/*
	 * kernel boot_id at the flip, "" when none: the same one means the reboot is still
	 * pending
	 */
	char boot_id[37];
	/*
	 * why the last trial was given up, "health:<check>:<reason>" or "firmware:-:<reason>"; "" when
	 * none was. Kept until the next update begins or is confirmed: it tells, it decides nothing.
	 */
	char reason[JOTA_REASON_BYTES];
};

/** What the boot chain will do, in one shape for every storage format. */
struct jota_boot_state {
	/*
	 * nothing of ours is stored: next and slot[] carry no meaning, policy assumes the
	 * running slot good
	 */
	bool factory;
	enum jota_slot next; /* slot firmware tries next */
	enum jota_condition slot[JOTA_SLOT_COUNT];
	uint32_t boots_counted; /* boots of the slot on trial since the flip; 0 when none is */
	uint32_t boot_limit;	/* counted boots that a trial may take; 0: storage names none */
	struct jota_record record;
};

/** 'A' or 'B' as text; static storage. */
const char *jota_slot_name(enum jota_slot slot);
/** "kernel", "bootloader", "rootfs"; static storage. */
const char *jota_role_name(enum jota_role role);
/** "empty", "ready", "trial", "good"; static storage. */
const char *jota_condition_name(enum jota_condition condition);

/** First field in which two states differ, as text; NULL when they are the same. */
const char *jota_boot_state_difference(const struct jota_boot_state *a,
				       const struct jota_boot_state *b);

/** The slot that is not this one. */
enum jota_slot jota_slot_other(enum jota_slot slot);
/** "A"/"B" (either case) to a slot; -EINVAL. */
int jota_slot_parse(const char *text, enum jota_slot *ret_slot);
/** Role by its name; -EINVAL. */
int jota_role_parse(const char *text, enum jota_role *ret_role);
