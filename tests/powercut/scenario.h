/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What runs while the power goes, and the defects that the checks must find. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "powercut/board.h"
#include "powercut/disk.h"

#define SCENARIO_VARIABLES_MAX 8

struct scenario {
	const char *name;
	const char *text;
	enum jota_slot running;
	const char *variable[SCENARIO_VARIABLES_MAX]; /* "name=value", NULL-terminated; none: factory */
	bool keep[JOTA_ROLE_COUNT];
	bool writes_slot; /* an update */
	bool by_firmware; /* the model of U-Boot writes, not the library */
	/** Returns 0 or -errno. */
	int (*act)(struct board *b, const struct scenario *s, struct jota_err *err);
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

struct mutant {
	const char *name;
	const char *text;
	struct disk_defect defect;
	/** Instead of the scenario's own; NULL: that one. */
	int (*act)(struct board *b, const struct scenario *s, struct jota_err *err);
};

extern const struct mutant mutants[];
extern const size_t mutant_count;
