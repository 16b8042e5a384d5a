/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What `jetson-slot info` knows: gathered once, shown as a table or as JSON. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "slot/backend.h"
#include "slot/config.h"
#include "slot/evidence.h"
#include "slot/policy.h"
#include "slot/slot.h"

struct jota_io;

struct report {
	struct jota_config config;
	struct jota_evidence evidence;
	bool has_state; /* state and situation are valid: stored state readable, running slot known */
	struct jota_boot_state state; /* settled */
	enum jota_situation situation;
	bool reboot_pending; /* no reboot since the last flip */
	struct jota_problems problems;
	struct jota_err error; /* first reason why the report is not whole; errnum 0: it is */
};

/** What a slot is worth, in the words of A/B tools. */
struct slot_view {
	const char *condition;
	bool running, next;
	bool bootable, successful;
	bool pending;	/* next, but another one runs */
	bool has_tries; /* counted boots apply to it */
	unsigned tries_left;
};

/** Read everything, write nothing. Fails only without a usable configuration; all else ends in `error`. */
int report_gather(const struct jota_io *io, struct report *ret, struct jota_err *err);

/** Valid if has_state. */
struct slot_view report_slot(const struct report *r, enum jota_slot slot);

/** Word for an update state: "none", "ok", "installed", ... */
const char *report_ustate_name(enum jota_ustate ustate);

/** Copy text that came from the device, with everything but printable ASCII replaced. */
void report_clean(const char *text, char *buf, size_t buf_bytes);

void report_show_table(const struct report *r, FILE *out);
/** -ENOMEM. */
int report_show_json(const struct report *r, FILE *out, struct jota_err *err);
