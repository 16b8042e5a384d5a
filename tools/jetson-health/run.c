/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * jetson-health run: check, keep the report, and with --apply make of it what the boot needs.
 *
 *  this boot                      healthy         unhealthy
 *  flip waits for its reboot      nothing is checked or changed
 *  given up, reboot outstanding   nothing is checked; exit status 4
 *  on trial                       confirm         reason into the record, roll back; exit status 4
 *  good, the firmware went back   first the reason and ustate 3 into the record, then as good
 *  good                           confirm again   exit status 1: a good slot is never left because of a check
 *
 * With --defer-confirm, "confirm" is a note in /run for `jetson-health confirm`, which comes after boot-complete.target.
 * A configuration that is refused is a failure of the trial: an image that cannot be judged is not confirmed.
 */
#include "boot.h"
#include "health_tool.h"
#include "outcome.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "health/plan.h"
#include "update/session.h"

#define FALLBACK_REASON "firmware:-:"
#define CONFIGURATION_REASON "health:-:"

/* One run: all it knows, and what it says at the end. */
struct job {
	const struct jota_io *io;
	const struct options *options;
	struct boot boot;
	struct jota_plan plan;
	struct jota_report *report;
	char line[JOTA_ERR_MSG_BYTES]; /* what was made of it, for people */
};

static void __attribute__((format(printf, 2, 3))) say(struct job *job, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(job->line, sizeof(job->line), fmt, args);
	va_end(args);
}

static void warn(const struct jota_err *err)
{
	(void)fprintf(stderr, "jetson-health: %s\n", err->msg);
}

static void set_action(struct job *job, const char *action)
{
	(void)snprintf(job->report->action, sizeof(job->report->action), "%s", action);
}

/* A report that cannot be kept is no reason to give up an image: the disk may be full of something else. */
static void keep_report(const struct job *job, const char *name)
{
	struct jota_err err = { 0 };

	if (jota_report_save(job->io, job->plan.data_dir, name, job->report, &err) < 0) {
		(void)jota_wrap(&err, "warning, the report is not kept: ");
		warn(&err);
	}
}

static int show(const struct job *job, struct jota_err *err)
{
	if (job->options->json)
		return json_print(json_report(job->report), err);
	show_report(job->report, stdout);
	if (job->line[0] != '\0')
		(void)printf("%s\n", job->line);
	return 0;
}

static int roll_back(struct job *job, const char *reason, struct jota_err *err)
{
	struct jota_boot_state state;
	int r;

	outcome_keep_evidence(job->io, &job->boot, reason);
	r = jota_transition_give_up(job->io, &job->boot.config, JOTA_DO_ROLLBACK, reason, &state,
				    err);
	if (r == -EPERM) {
		/* There is no other slot: a sick system is better than none. */
		set_action(job, "no-way-back");
		(void)jota_wrap(err, "unhealthy (%s), but not rolled back: ", reason);
		return EXIT_UNWELL;
	}
	if (r < 0) {
		set_action(job, "not-stored");
		(void)jota_wrap(err, "unhealthy (%s), but the rollback is not stored: ", reason);
		return EXIT_NOT_STORED;
	}
	outcome_note_end(job->io, &job->boot, "rolled-back", reason);
	say(job, "rolled back (%s): slot %s boots next, reboot now", reason,
	    jota_slot_name(state.next));
	return EXIT_ROLLED_BACK;
}

/* Others may have a say before boot-complete.target: the confirmation comes after it. */
static int defer_confirm(struct job *job, struct jota_err *err)
{
	if (outcome_mark_healthy(job->io, &job->boot, err) < 0) {
		set_action(job, "not-stored");
		(void)jota_wrap(err, "healthy, but 'jetson-health confirm' could not be told: ");
		return EXIT_NOT_STORED;
	}
	say(job, "slot %s is healthy, 'jetson-health confirm' may follow",
	    jota_slot_name(job->boot.running));
	return EXIT_WELL;
}

static int confirm(struct job *job, struct jota_err *err)
{
	struct jota_err failed = { 0 };
	int r;

	if (job->options->defer_confirm)
		return defer_confirm(job, err);
	r = outcome_confirm(job->io, &job->boot, err);
	if (r < 0) {
		set_action(job, "not-stored");
		(void)jota_wrap(err, "healthy, but the confirmation is not stored: ");
		return EXIT_NOT_STORED;
	}
	say(job, "slot %s is good%s", jota_slot_name(job->boot.running),
	    r == JOTA_KEEP ? " (nothing changed)" : ", its trial is over");
	/* Confirmed is confirmed: what a script makes of it is told, and tried again at the next boot. */
	if (after_confirm_run(job->io, &job->boot, job->boot.situation == JOTA_ON_TRIAL, &failed) <
	    0) {
		(void)jota_wrap(&failed, "warning, " CONFIRM_DIR ": ");
		warn(&failed);
	}
	return EXIT_WELL;
}

static void judge_reason(const struct jota_report *report, char reason[JOTA_REASON_BYTES])
{
	const struct jota_result *culprit = jota_report_culprit(report);

	(void)snprintf(reason, JOTA_REASON_BYTES, "health:%.47s:%.31s",
		       culprit ? culprit->name : "-",
		       culprit ? jota_reason_word(culprit->reason) : "-");
}

/* The report goes first: should the power fail between it and the store, the next boot checks again. */
static int apply_postboot(struct job *job, struct jota_err *err)
{
	bool on_trial = job->boot.situation == JOTA_ON_TRIAL;
	bool healthy = job->report->healthy;
	char reason[JOTA_REASON_BYTES];
	int code;

	if (!healthy && !on_trial) {
		set_action(job, "none");
		keep_report(job, "postboot");
		say(job, "slot %s is good and stays, although it is unhealthy",
		    jota_slot_name(job->boot.running));
		return EXIT_UNWELL;
	}
	set_action(job, !healthy		    ? "rollback" :
			job->options->defer_confirm ? "defer-confirm" :
						      "confirm");
	keep_report(job, "postboot");
	if (healthy) {
		code = confirm(job, err);
	} else {
		keep_report(job, REPORT_FAILED);
		judge_reason(job->report, reason);
		code = roll_back(job, reason, err);
	}
	/* What was meant did not come about: the report must not claim it. */
	if (code != EXIT_WELL && code != EXIT_ROLLED_BACK)
		keep_report(job, "postboot");
	return code;
}

static int run_checks(struct job *job, struct jota_err *err)
{
	const struct options *options = job->options;
	const struct jota_health_context context = {
		.phase = options->phase,
		.slot = options->slot ? options->slot : boot_slot(&job->boot),
		.target_device = options->target_device,
		.boot_id = job->boot.boot_id,
	};
	CLEANUP_FREE struct jota_report *baseline = calloc(1, sizeof(*baseline));
	struct jota_err lost = { 0 };
	int r;

	if (!baseline)
		return jota_fail(err, ENOMEM, "run the health checks");
	r = jota_report_load(job->io, job->plan.data_dir, jota_phase_name(JOTA_PHASE_BASELINE),
			     baseline, &lost);
	if (r < 0 && r != -ENOENT && options->phase == JOTA_PHASE_POSTBOOT)
		warn(&lost);
	return jota_health_run(job->io, &job->plan, &context, r == 0 ? baseline : NULL, job->report,
			       err);
}

static int judge(struct job *job, struct jota_err *err)
{
	const char *phase = jota_phase_name(job->options->phase);

	/* Should this run fail, what worked before another update must not count for the next one. */
	if (job->options->phase == JOTA_PHASE_BASELINE &&
	    baseline_forget(job->io, job->plan.data_dir, err) < 0)
		return EXIT_NOT_STORED;
	if (run_checks(job, err) < 0)
		return EXIT_UNREADABLE;
	if (job->options->apply)
		return apply_postboot(job, err);
	if (job->options->phase == JOTA_PHASE_BASELINE) {
		/* What does not work now is what the baseline is there to remember. */
		if (jota_report_save(job->io, job->plan.data_dir, phase, job->report, err) < 0)
			return EXIT_NOT_STORED;
		say(job, "kept as what works before the update");
		return EXIT_WELL;
	}
	keep_report(job, phase);
	say(job, job->report->healthy ? "healthy" : "unhealthy");
	return job->report->healthy ? EXIT_WELL : EXIT_UNWELL;
}

/* Returns an exit status when the run ends here, -1: go on. */
static int prepare_apply(struct job *job, struct jota_err *err)
{
	char reason[JOTA_REASON_BYTES];

	outcome_unmark_healthy(job->io);
	if (job->boot.reboot_pending) {
		set_action(job, "reboot-pending");
		say(job, "the last change waits for its reboot: nothing is checked");
		return EXIT_WELL;
	}
	if (job->boot.situation == JOTA_LEAVING) {
		set_action(job, "reboot-needed");
		say(job, "slot %s was given up: reboot now", jota_slot_name(job->boot.running));
		return EXIT_ROLLED_BACK;
	}
	outcome_note_missed_end(job->io, &job->boot);
	outcome_note_boot(job->io, &job->boot);
	if (!boot_fell_back(&job->boot))
		return -1;
	(void)snprintf(reason, sizeof(reason), FALLBACK_REASON "%s",
		       jota_reason_word(JOTA_WHY_FIRMWARE_FALLBACK));
	if (jota_transition_give_up(job->io, &job->boot.config, JOTA_DO_CONCLUDE, reason, NULL,
				    err) < 0) {
		(void)jota_wrap(err, "the end of the last trial is not stored: ");
		return EXIT_NOT_STORED;
	}
	outcome_note_fallback(job->io, &job->boot, reason);
	(void)fprintf(stderr, "jetson-health: the last update failed, slot %s runs again (%s)\n",
		      jota_slot_name(job->boot.running), reason);
	return -1;
}

/* What there is to say when no check was run. */
static int show_without_checks(const struct job *job, int code, struct jota_err *err)
{
	if (job->options->json)
		return json_print(json_report(job->report), err) < 0 ? EXIT_UNREADABLE : code;
	(void)printf("%s\n", job->line);
	return code;
}

/* The image brought checks that nobody can run. */
static int judge_without_plan(struct job *job, struct jota_err *err)
{
	struct jota_err failed = { 0 };
	char reason[JOTA_REASON_BYTES];
	int code;

	if (!job->options->apply || job->boot.situation != JOTA_ON_TRIAL)
		return EXIT_UNREADABLE;
	(void)snprintf(reason, sizeof(reason), CONFIGURATION_REASON "%s",
		       jota_reason_word(JOTA_WHY_CONFIGURATION));
	code = roll_back(job, reason, &failed);
	if (code == EXIT_ROLLED_BACK) {
		set_action(job, "rollback");
		return show_without_checks(job, code, err);
	}
	warn(err);
	*err = failed;
	return code;
}

static int do_run(struct job *job, struct jota_err *err)
{
	struct jota_err unknown = { 0 };
	int r = boot_read(job->io, &job->boot, &unknown), code = -1;

	job->report->phase = job->options->phase;
	if (boot_slot(&job->boot))
		(void)snprintf(job->report->slot, sizeof(job->report->slot), "%s",
			       boot_slot(&job->boot));
	if (job->options->apply) {
		if (r < 0) {
			*err = unknown;
			return EXIT_UNREADABLE;
		}
		code = prepare_apply(job, err);
		if (code == EXIT_NOT_STORED)
			return code;
		if (code >= 0)
			return show_without_checks(job, code, err);
	}
	r = jota_plan_read(job->io, JOTA_HEALTH_CONF, &job->plan, err);
	if (r < 0)
		return judge_without_plan(job, err);
	code = judge(job, err);
	if (code != EXIT_UNREADABLE && show(job, err) < 0)
		code = EXIT_UNREADABLE;
	jota_plan_done(&job->plan);
	return code;
}

int verb_run(const struct jota_io *io, const struct options *options, const char *argument,
	     struct jota_err *err)
{
	CLEANUP_FREE struct jota_report *report = calloc(1, sizeof(*report));
	struct job job = { .io = io, .options = options, .report = report };

	(void)argument;
	if (!report) {
		(void)jota_fail(err, ENOMEM, "run the health checks");
		return EXIT_UNREADABLE;
	}
	return do_run(&job, err);
}
