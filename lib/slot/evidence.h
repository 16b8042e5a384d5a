/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Which slot runs: never assumed, always derived from what speaks; what speaks must agree (I2). */
#pragma once

#include <stdbool.h>

#include "slot/slot.h"

struct jota_blockdevs;
struct jota_err;
struct jota_io;
struct jota_layout;

struct jota_witness {
	/* "root device", "kernel command line (jota.slot)", ...; static storage */
	const char *source;
	bool speaks;
	enum jota_slot says; /* valid if speaks */
	/* what was found: "mmcblk0p5 'A_APP'", "root=PARTLABEL=A_APP"; "" when silent */
	char detail[160];
};
#define JOTA_WITNESS_COUNT 5

/**
 * Witnesses: partition label of the root device; jota.slot= ; root=PARTLABEL= ;
 * boot.slot_suffix= (cboot); UEFI variable BootChainOsCurrent, where the layout has the uefi backend.
 */
struct jota_evidence {
	bool known;		/* at least one speaks and none contradicts */
	enum jota_slot running; /* valid if known */
	struct jota_witness witness[JOTA_WITNESS_COUNT];
	char root_disk[64]; /* kernel name of the disk under the running root, "" unknown */
};

/**
 * Collect. *ret is filled even on -ENOENT (nobody speaks) and -EBADMSG (contradiction, the
 * message names who says what), with known=false.
 * A parameter that appears twice on the command line with different values contradicts itself.
 */
int jota_evidence_read(const struct jota_io *io, const struct jota_layout *layout,
		       const struct jota_blockdevs *devs, struct jota_evidence *ret,
		       struct jota_err *err);
