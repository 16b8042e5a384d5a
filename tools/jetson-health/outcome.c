/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "outcome.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "blackbox.h"
#include "boot.h"
#include "health/reason.h"
#include "update/session.h"

#define FIRMWARE_REASON "firmware:-:"
#define SEEN_MARKER "/run/swupdate-jetson/boot-seen"
#define EVIDENCE_MARKER "/run/swupdate-jetson/evidence-kept"
#define MARKER_BYTES_MAX 64u

static void warn(struct jota_err *err, const char *what)
{
	(void)jota_wrap(err, "warning, %s: ", what);
	(void)fprintf(stderr, "jetson-health: %s\n", err->msg);
}

/* False: it is warned about. */
static bool add(const struct jota_io *io, const struct jota_event *event)
{
	struct jota_err err = { 0 };
	char dir[PATH_MAX];

	jota_history_dir(io, dir, sizeof(dir));
	if (jota_history_add(io, dir, event, &err) == 0)
		return true;
	warn(&err, "the history is not kept");
	return false;
}

void outcome_note(const struct jota_io *io, const struct boot *boot, const char *what,
		  const char *detail)
{
	const struct jota_event event = {
		.what = what, .slot = boot_slot(boot), .boot_id = boot->boot_id, .detail = detail
	};

	(void)add(io, &event);
}

void outcome_note_end(const struct jota_io *io, const struct boot *boot, const char *what,
		      const char *reason)
{
	const struct jota_event event = { .what = what,
					  .slot = boot_slot(boot),
					  .boot_id = boot->boot_id,
					  .detail = reason,
					  .flip = boot->state.record.boot_id };

	(void)add(io, &event);
}

static bool is_marked(const struct jota_io *io, const char *path, const char *boot_id)
{
	CLEANUP_FREE char *text = NULL;

	return boot_id[0] != '\0' &&
	       jota_io_read_file(io, path, MARKER_BYTES_MAX, &text, NULL, NULL) == 0 &&
	       strcmp(text, boot_id) == 0;
}

void outcome_note_boot(const struct jota_io *io, const struct boot *boot)
{
	if (is_marked(io, SEEN_MARKER, boot->boot_id))
		return;
	outcome_note(io, boot, "boot", jota_situation_name(boot->situation));
	(void)jota_io_replace_file(io, SEEN_MARKER, boot->boot_id, strlen(boot->boot_id), NULL);
}

static void keep(const struct jota_io *io, const struct failure *failure)
{
	struct jota_err err = { 0 };
	char dir[PATH_MAX];

	jota_history_dir(io, dir, sizeof(dir));
	if (blackbox_take(io, dir, failure, &err) < 0)
		warn(&err, "the evidence of the failed trial is not kept");
}

void outcome_keep_evidence(const struct jota_io *io, const struct boot *boot, const char *reason)
{
	const struct failure failure = { .slot = boot_slot(boot),
					 .boot_id = boot->boot_id,
					 .reason = reason,
					 .this_boot = true };

	if (boot->situation != JOTA_ON_TRIAL ||
	    boot->state.slot[jota_slot_other(boot->running)] != JOTA_GOOD ||
	    is_marked(io, EVIDENCE_MARKER, boot->boot_id))
		return;
	keep(io, &failure);
	/* A rollback that is tried again must not push older failures out. */
	(void)jota_io_replace_file(io, EVIDENCE_MARKER, boot->boot_id, strlen(boot->boot_id), NULL);
}

void outcome_note_fallback(const struct jota_io *io, const struct boot *boot, const char *reason)
{
	char boot_id[37], dir[PATH_MAX];
	const struct failure failure = { .slot = jota_slot_name(boot->state.record.target),
					 .boot_id = boot_id,
					 .reason = reason };

	jota_history_dir(io, dir, sizeof(dir));
	blackbox_last_boot(io, dir, failure.slot, boot_id);
	keep(io, &failure);
	outcome_note_end(io, boot, "fallback", reason);
}

static bool is_fallback(const char *reason)
{
	size_t len = strlen(FIRMWARE_REASON);

	return strncmp(reason, FIRMWARE_REASON, len) == 0 &&
	       strcmp(reason + len, jota_reason_word(JOTA_WHY_FIRMWARE_FALLBACK)) == 0;
}

void outcome_note_missed_end(const struct jota_io *io, const struct boot *boot)
{
	const struct jota_record *record = &boot->state.record;
	enum jota_slot other = jota_slot_other(boot->running);
	bool fell_back = is_fallback(record->reason);
	const struct jota_event event = { .what = fell_back ? "fallback" : "rolled-back",
					  .slot = jota_slot_name(fell_back ? boot->running : other),
					  .boot_id = record->boot_id,
					  .detail = record->reason,
					  .flip = record->boot_id };
	const struct failure failure = { .slot = jota_slot_name(other),
					 .boot_id = "",
					 .reason = record->reason };
	char dir[PATH_MAX];

	if (boot->situation != JOTA_STEADY || boot->state.slot[other] != JOTA_EMPTY ||
	    record->reason[0] == '\0' || record->boot_id[0] == '\0')
		return;
	jota_history_dir(io, dir, sizeof(dir));
	/* A history that cannot be read is left alone: better an entry missing than one at each boot. */
	if (jota_history_has_end(io, dir, record->boot_id, NULL) == 0 && add(io, &event))
		keep(io, &failure);
}

int outcome_confirm(const struct jota_io *io, const struct boot *boot, struct jota_err *err)
{
	bool was_trial = boot->situation == JOTA_ON_TRIAL;
	int r;

	if (was_trial)
		after_confirm_due(io, boot);
	r = jota_transition_apply(io, &boot->config, JOTA_DO_CONFIRM, NULL, 0, NULL, err);
	if (r >= 0)
		(void)jota_io_replace_file(io, JOTA_CONFIRMED, "", 0, NULL);
	if (r == JOTA_CHANGE && was_trial)
		outcome_note(io, boot, "confirmed", NULL);
	return r;
}

int outcome_mark_healthy(const struct jota_io *io, const struct boot *boot, struct jota_err *err)
{
	if (boot->boot_id[0] == '\0')
		return jota_fail(err, ENODATA, "the boot has no boot_id to remember it by.");
	return jota_io_replace_file(io, HEALTHY_MARKER, boot->boot_id, strlen(boot->boot_id), err);
}

void outcome_unmark_healthy(const struct jota_io *io)
{
	char path[PATH_MAX];

	if (jota_io_path(io, HEALTHY_MARKER, path, sizeof(path), NULL) == 0)
		(void)unlink(path);
}

bool outcome_is_marked_healthy(const struct jota_io *io, const struct boot *boot)
{
	return is_marked(io, HEALTHY_MARKER, boot->boot_id);
}
