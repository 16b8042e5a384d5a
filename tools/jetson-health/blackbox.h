/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Evidence of a trial that failed, kept on data for whoever asks afterwards: bounded in time, in number and in bytes. */
#pragma once

#include <stdbool.h>

struct jota_err;
struct jota_io;

#define BLACKBOX_COUNT_MAX 5u
#define BLACKBOX_FILE_BYTES_MAX 65536u
#define BLACKBOX_JOURNAL_BYTES_MAX 262144u
#define BLACKBOX_PSTORE_MAX 8u
#define BLACKBOX_JOURNAL_MS 5000u

struct failure {
	const char *slot;    /* that failed */
	const char *boot_id; /* of the failed boot, "" not known */
	const char *reason;
	bool this_boot; /* it is the one that runs */
};

/**
 * Keep about, health report, journal and pstore of a failure as <dir>/failures/<n>, and remove the oldest ones. What cannot be had
 * is left out: a failure with less evidence is still one. Blocks for BLACKBOX_JOURNAL_MS at most, plus the disk. -errno.
 */
int blackbox_take(const struct jota_io *io, const char *dir, const struct failure *failure,
		  struct jota_err *err);

/** The boot of that slot that the history saw last, "" when it saw none. buf: 37 bytes. */
void blackbox_last_boot(const struct jota_io *io, const char *dir, const char *slot, char *buf);
