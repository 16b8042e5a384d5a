/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What this boot is about: which slot runs, and whether somebody waits for our judgement. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "slot/config.h"
#include "slot/policy.h"

struct jota_io;

struct boot {
	struct jota_config config; /* valid if has_config */
	bool has_config;
	char boot_id[37]; /* of the running kernel; "" when it cannot be read */
	bool has_state;	  /* running, state and situation are valid */
	enum jota_slot running;
	struct jota_boot_state state; /* settled */
	enum jota_situation situation;
	bool reboot_pending; /* the same boot as at the flip: whatever was flipped has not run yet */
};

/** Read it without a lock; writes nothing. -errno with what could be read so far. */
int boot_read(const struct jota_io *io, struct boot *ret, struct jota_err *err);

/** The update's slot was booted and does not run: the firmware went back, and nobody has said so yet. */
bool boot_fell_back(const struct boot *boot);
/** "A", or NULL when not known. */
const char *boot_slot(const struct boot *boot);
