/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * What became of the updates of this device, one line of JSON for each event, on the data partition. It tells and decides
 * nothing: it may be absent, torn by a power cut or full of somebody else's bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct jota_err;
struct jota_io;

#define JOTA_HISTORY_FILE "history"
#define JOTA_HISTORY_OLD_FILE "history.1"
/** When the file has so much, it becomes the old one: twice that is kept at most. */
#define JOTA_HISTORY_BYTES_MAX 65536u
#define JOTA_HISTORY_LINE_MAX 512u
#define JOTA_FAILURES_DIR "failures"
#define JOTA_DATA_DIR "/data/swupdate-jetson"
/** Exists once a slot was confirmed in this boot: what must not start on an unconfirmed slot waits for it. */
#define JOTA_CONFIRMED "/run/swupdate-jetson/confirmed"

/** Texts may be NULL. What could not stand in a line of JSON is replaced by '?'. */
struct jota_event {
	const char *what; /* "boot", "confirmed", "rolled-back", "fallback", "confirm-script", "switched" */
	const char *slot;
	const char *boot_id;
	const char *detail;
	const char *flip; /* with the end of a trial: boot_id of its flip, which tells one trial from another */
};

/** data_dir of health.conf (not prefixed), JOTA_DATA_DIR when that cannot be read. */
void jota_history_dir(const struct jota_io *io, char *buf, size_t buf_bytes);

/**
 * Append an event, durably; a torn last line is ended first. dir (not prefixed) is made if its parent is there. -errno: whoever calls
 * may warn and goes on.
 */
int jota_history_add(const struct jota_io *io, const char *dir, const struct jota_event *event,
		     struct jota_err *err);

/**
 * Is the end of the trial with that flip noted ("rolled-back" or "fallback")? 1 yes, 0 no, also when there is no history; -errno it cannot be
 * read.
 */
int jota_history_has_end(const struct jota_io *io, const char *dir, const char *flip,
			 struct jota_err *err);
