/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Would a trial that hangs, panics or forgets to confirm end by itself? What this system's settings say about it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct jota_err;
struct jota_io;

#define FINDINGS_MAX 64
#define FINDING_WORD_BYTES 64
#define FINDING_TEXT_BYTES 320

enum finding_status {
	FINDING_OK,
	FINDING_WARNING,
	FINDING_BAD, /* a trial might stay for ever, or an update could not be made */
};

struct finding {
	enum finding_status status;
	char name[FINDING_WORD_BYTES];
	char found[FINDING_TEXT_BYTES];
	const char *advice; /* static; "" for FINDING_OK */
};

struct doctor {
	struct finding finding[FINDINGS_MAX];
	size_t count;
};

/** Append one. advice has static storage and is kept only if the status is not FINDING_OK. */
void doctor_add(struct doctor *d, enum finding_status status, const char *name, const char *advice,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/** What systemd is configured to do: watchdog, units, emergency mode on trial (doctor_systemd.c). */
void doctor_look_at_systemd(const struct jota_io *io, struct doctor *d);

/** Look at everything, write nothing, print. *ret_bad: how many findings are FINDING_BAD. -ENOMEM. */
int doctor_show(const struct jota_io *io, bool json, FILE *out, size_t *ret_bad,
		struct jota_err *err);
