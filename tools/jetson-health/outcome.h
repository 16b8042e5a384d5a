/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What goes along with the end of a trial: the history, the evidence, the scripts for after the confirmation. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "update/history.h"

struct boot;
struct jota_err;
struct jota_io;

#define CONFIRM_DIR "/etc/swupdate-jetson/confirm.d"
#define CONFIRM_DUE "confirm-due"
#define CONFIRM_SCRIPT_MS 300000u
#define CONFIRM_SCRIPTS_MAX 64
/** Holds the boot_id of a boot whose checks passed: gone with the boot. */
#define HEALTHY_MARKER "/run/swupdate-jetson/healthy"

/** An event of this boot, best effort: a history that cannot be written is warned about. */
void outcome_note(const struct jota_io *io, const struct boot *boot, const char *what,
		  const char *detail);
/** The same of the end of a trial, so that it is found again: "rolled-back" or "fallback". */
void outcome_note_end(const struct jota_io *io, const struct boot *boot, const char *what,
		      const char *reason);
/** Note this boot, once. */
void outcome_note_boot(const struct jota_io *io, const struct boot *boot);
/**
 * On the old slot: the end of the last trial, if the boot state knows of one and the history does not. In emergency mode, or before the data
 * partition is mounted, it could not be noted when it came. Its boot_id is that of the flip, the trial's own is not known.
 */
void outcome_note_missed_end(const struct jota_io *io, const struct boot *boot);
/** Keep the evidence of the trial that is about to be given up. Nothing when there is no slot to go back to. */
void outcome_keep_evidence(const struct jota_io *io, const struct boot *boot, const char *reason);
/** The firmware went back: the evidence that the trial left, and the event. */
void outcome_note_fallback(const struct jota_io *io, const struct boot *boot, const char *reason);

/** Confirm the running slot; before it, what confirm.d has to do is written down. JOTA_KEEP, JOTA_CHANGE or -errno. */
int outcome_confirm(const struct jota_io *io, const struct boot *boot, struct jota_err *err);

/** Remember that the checks of this boot passed, for the confirmation after boot-complete.target. -errno. */
int outcome_mark_healthy(const struct jota_io *io, const struct boot *boot, struct jota_err *err);
void outcome_unmark_healthy(const struct jota_io *io);
bool outcome_is_marked_healthy(const struct jota_io *io, const struct boot *boot);

/** Write down, before the store of the confirmation, that the scripts are due. Best effort. */
void after_confirm_due(const struct jota_io *io, const struct boot *boot);
/**
 * Run the scripts of confirm.d that are due for the running slot, in the order of their names, each until it has ended well
 * once; the first that fails ends the round. fresh: the confirmation was stored just now, so they are due whatever the data
 * partition says. 0, or -errno with a sentence about the script.
 */
int after_confirm_run(const struct jota_io *io, const struct boot *boot, bool fresh,
		      struct jota_err *err);
