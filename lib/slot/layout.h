/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Which partitions the boards have: one table row per board family. Adding a family changes
 * data, not code.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "slot/slot.h"

/** What makes the boot chain use a role's partition of the new slot. */
enum jota_selected_by {
	JOTA_SELECTED_BY_NONE, /* nothing: writing it would be a lie */
	/* a boot stage that follows the slot variable of the U-Boot environment */
	JOTA_SELECTED_BY_ENV,
	JOTA_SELECTED_BY_CHAIN, /* firmware flips it with the slot */
};

/** Which disk holds a role's partitions. */
enum jota_disk {
	JOTA_DISK_ROOT, /* the disk of the running root file system */
	JOTA_DISK_ENV,	/* the disk that fw_env.config names */
};

struct jota_layout_role {
	/* GPT partition names; NULL: the family has no such A/B partition */
	const char *label[JOTA_SLOT_COUNT];
	bool required; /* a slot without it is not complete */
	enum jota_selected_by selected_by;
	enum jota_disk disk;
};

struct jota_layout {
	const char *name;   /* as in swupdate-jetson.conf */
	const char *boards; /* for people */
	/* boot-state backends this family can use, the default first; NULL-terminated */
	const char *backends[3];
	struct jota_layout_role role[JOTA_ROLE_COUNT];
};

/** Layout by name; NULL when unknown. Static storage. */
const struct jota_layout *jota_layout_find(const char *name);
/** i-th layout, NULL past the end. */
const struct jota_layout *jota_layout_at(size_t i);
/** "mission, t186, ..." into buf, for messages. */
void jota_layout_names(char *buf, size_t buf_bytes);
