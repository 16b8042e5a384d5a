/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What the board will boot from the new slot: the boot image, what extlinux.conf of the new root names, or nobody can tell. */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "health/extlinux.h"
#include "health/kind.h"
#include "write/kernel_source.h"

struct jota_newroot;

struct jota_new_boot {
	const struct jota_check_run *run;
	struct jota_kernel_source source;
	char partition[PATH_MAX]; /* full path of the boot image; "": there is none */
	struct jota_newroot *root;
	bool has_entry;
	struct jota_extlinux entry;
};

/** What a check asks of each. root() is called with root open and the entry read. */
struct jota_new_boot_look {
	void (*partition)(const struct jota_new_boot *boot, struct jota_finding *ret);
	void (*root)(const struct jota_new_boot *boot, struct jota_finding *ret);
};

/** Words of a check's field that says what boots; "auto": jota_kernel_source_find(). */
extern const char *const jota_new_boot_words[];

/**
 * Look at what boots; where that cannot be told, at both, and either can fail. word: one of jota_new_boot_words. Where the board
 * boots from the root, the boot image counts only if the new root has no extlinux.conf.
 */
void jota_new_boot_look_at(const struct jota_check_run *run, const char *word,
			   const struct jota_new_boot_look *look, struct jota_finding *ret);
