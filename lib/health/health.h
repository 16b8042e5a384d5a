/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Is this system well? One plan, read from health.conf, run in a phase.
 *
 * Each check runs in a process of its own below a second one, the warden, which ends it at its deadline with everything that it
 * started: a mount that never answers or a program that forks away costs its own deadline and nothing more. Checks run one after
 * the other, because a board that has just booted is busy, and because a result must not depend on what runs beside it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "health/reason.h"

struct jota_err;
struct jota_io;
struct jota_plan;

#define JOTA_HEALTH_CONF "/etc/swupdate-jetson/health.conf"
#define JOTA_CHECKS_MAX 64
#define JOTA_CHECK_NAME_BYTES 48
#define JOTA_HEALTH_MESSAGE_BYTES 256
#define JOTA_HEALTH_WORD_BYTES 32

enum jota_phase {
	JOTA_PHASE_PREFLIP,  /* before the flip: the running system, and the slot just written */
	JOTA_PHASE_POSTBOOT, /* after a reboot */
	JOTA_PHASE_BASELINE, /* before an update: what works now must work afterwards */
};
#define JOTA_PHASE_COUNT 3

enum jota_severity { JOTA_CRITICAL, JOTA_WARNING };

enum jota_status {
	JOTA_PASS,
	JOTA_FAIL,
	JOTA_TIMEOUT,
	JOTA_ERROR,   /* the check itself could not be done; counts as a failure */
	JOTA_SKIPPED, /* baseline mode: it did not pass before the update either */
};
#define JOTA_STATUS_COUNT 5

/** Where and for what a run happens. Strings belong to the caller; NULL: not known. */
struct jota_health_context {
	enum jota_phase phase;
	const char *slot; /* slot that is judged: running, or in phase preflip the one written */
	const char *target_device; /* preflip: node of the new root file system, for the checks that read it */
	const char *boot_id;
	const char *target_kernel; /* preflip: node with the new boot image */
	const char *update_dir; /* preflip: where sw-description and its signature lie; not prefixed */
	const char *anchor; /* preflip: certificates that swupdate was started with; a path in either slot */
};

/** What became of one check. Owns its texts, so that stored results need no plan. */
struct jota_result {
	char name[JOTA_CHECK_NAME_BYTES];
	char kind[JOTA_HEALTH_WORD_BYTES];
	enum jota_severity severity;
	enum jota_status status;
	enum jota_reason reason;
	uint32_t attempts;
	uint32_t duration_ms;
	char message[JOTA_HEALTH_MESSAGE_BYTES]; /* one printable line */
};

struct jota_report {
	enum jota_phase phase;
	char slot[8];	  /* "A", "B", "" */
	char boot_id[37]; /* "" when not known */
	int64_t time_s;	  /* of the end, as the clock says: a board without a clock says 1970 */
	uint32_t duration_ms;
	bool healthy; /* no critical check failed, timed out or could not be done */
	char action[JOTA_HEALTH_WORD_BYTES]; /* what the caller made of it; "" nothing yet */
	struct jota_result result[JOTA_CHECKS_MAX];
	size_t count;
};

/**
 * Run the checks of a phase and fill *ret. In phase postboot, once all passed, the plan's stability window is waited for and
 * those that passed are run again: a service that restarted meanwhile, or a check that fails now, is a failure.
 * baseline: report of an earlier run in phase baseline; NULL: none, then checks in baseline mode cannot fail.
 * The plan's overall deadline is kept, come what may. Blocks. -ENOMEM; a check that cannot be started is a result, no error.
 *
 * Changes no signal handler, waits for its own children only, keeps no state. It forks without exec: call it from a process with
 * one thread. A threaded host runs `jetson-health run` instead, which gives it no libcurl and no libsystemd either.
 */
int jota_health_run(const struct jota_io *io, const struct jota_plan *plan,
		    const struct jota_health_context *context, const struct jota_report *baseline,
		    struct jota_report *ret, struct jota_err *err);

/** First critical result that counts as a failure, NULL: healthy. */
const struct jota_result *jota_report_culprit(const struct jota_report *report);
/** Result by the name of its check; NULL. */
const struct jota_result *jota_report_find(const struct jota_report *report, const char *name);
/** True for fail, timeout and error. */
bool jota_status_is_bad(enum jota_status status);

/** "postboot", ...; static storage. */
const char *jota_phase_name(enum jota_phase phase);
int jota_phase_parse(const char *text, enum jota_phase *ret);
/** "pass", ...; static storage. */
const char *jota_status_name(enum jota_status status);
int jota_status_parse(const char *text, enum jota_status *ret);
const char *jota_severity_name(enum jota_severity severity);
int jota_severity_parse(const char *text, enum jota_severity *ret);

/**
 * Keep a report as <dir>/health-<name> (prefixed path; the directory is made if absent): a new file, made durable, renamed.
 * A power cut leaves the old report or the new one. -errno.
 */
int jota_report_save(const struct jota_io *io, const char *dir, const char *name,
		     const struct jota_report *report, struct jota_err *err);
/** -ENOENT none; -EBADMSG damaged: a sentence says where. */
int jota_report_load(const struct jota_io *io, const char *dir, const char *name,
		     struct jota_report *ret, struct jota_err *err);
