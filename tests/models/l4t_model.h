/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The model of l4t_logic.h on files: the variables are those of a directory, with the names and contents of efivarfs. Only writes of stored
 * variables, and the change of the chain, can be cut off from power: the others are gone with it anyway.
 */
#pragma once

#include "models/l4t_logic.h"

enum l4t_outcome { L4T_BOOTED, L4T_RECOVERY, L4T_CUT, L4T_LOOP };

struct l4t_machine {
	char dir[256]; /* of the variables */
	struct l4t_registers reg;
	unsigned slot; /* booted last */
	int cut_after; /* power fails instead of the n-th write from now on; 0: never */
};

/** A board as flashed: chain A, both slots normal, redundancy level 1. */
void l4t_machine_init(struct l4t_machine *m, const char *dir);

/** Start it: after a power cut (cold) or a reset. */
enum l4t_outcome l4t_machine_boot(struct l4t_machine *m, bool cold);

/** What the board's service does with `nvbootctrl verify` at each boot that gets so far. */
void l4t_machine_verify(struct l4t_machine *m);

/** A variable of NVIDIA as the firmware sees it: false when absent. */
bool l4t_machine_get(const struct l4t_machine *m, const char *name, uint32_t *ret);
/** Set it with the attributes; the machine's power is not asked. */
void l4t_machine_set(const struct l4t_machine *m, const char *name, uint32_t attributes,
		     uint32_t value);
void l4t_machine_delete(const struct l4t_machine *m, const char *name);
