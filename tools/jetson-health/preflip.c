/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * jetson-health preflip: may the slot just written be booted? The update hook starts this and reads, from all that is printed, lines that
 * begin with "warning: " and the last one, "verdict: pass" or "verdict: refuse: <sentence>". Without such an end it
 * refuses, whatever the exit status: a program that died has no opinion. After a pass, what works now is remembered (baseline.c).
 */
#include "health_tool.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "health/kind.h"
#include "health/plan.h"
#include "health/preflip.h"

static int refuse(const char *sentence, int code)
{
	(void)printf("verdict: refuse: %s\n", sentence);
	return code;
}

/* The last act before the flip: only an update that goes on needs to know what worked before it. */
static int pass(const struct jota_io *io)
{
	struct jota_err err = { 0 };
	bool required = false;
	int r = baseline_take(io, &required, &err);

	if (r < 0) {
		(void)jota_wrap(&err, "what works before the update is not kept, so no check in "
				      "baseline mode will count after it: ");
		jota_make_printable(err.msg);
		if (required)
			return refuse(err.msg, EXIT_UNWELL);
		(void)printf("warning: %s\n", err.msg);
	}
	(void)printf("verdict: pass\n");
	return EXIT_WELL;
}

static void say_result(const struct jota_result *r)
{
	if (r->severity == JOTA_WARNING && jota_status_is_bad(r->status))
		(void)printf("warning: check '%s' before the flip: %s: %s\n", r->name,
			     jota_reason_word(r->reason), r->message);
}

static int conclude(const struct jota_io *io, const struct jota_report *report, const char *slot)
{
	const struct jota_result *culprit = jota_report_culprit(report);

	for (size_t i = 0; i < report->count; i++)
		say_result(&report->result[i]);
	if (!culprit)
		return pass(io);
	(void)printf("verdict: refuse: check '%s' of new slot %s: %s: %s\n", culprit->name, slot,
		     jota_reason_word(culprit->reason),
		     culprit->message[0] ? culprit->message : jota_reason_meaning(culprit->reason));
	return EXIT_UNWELL;
}

static int run_plan(const struct jota_io *io, const struct options *options,
		    const struct jota_plan *plan, struct jota_report *report, struct jota_err *err)
{
	const struct jota_health_context context = {
		.phase = JOTA_PHASE_PREFLIP,
		.slot = options->slot,
		.target_device = options->target_device,
		.target_kernel = options->kernel_device,
		.update_dir = options->update_dir,
		.anchor = options->anchor,
	};
	struct jota_err lost = { 0 };
	int r = jota_health_run(io, plan, &context, NULL, report, err);

	if (r < 0)
		return r;
	show_report(report, stdout);
	/* A report that cannot be kept is no reason to refuse an update. */
	if (jota_report_save(io, plan->data_dir, jota_phase_name(JOTA_PHASE_PREFLIP), report,
			     &lost) < 0)
		(void)printf("warning: the report is not kept: %s\n", lost.msg);
	return 0;
}

int verb_preflip(const struct jota_io *io, const struct options *options, const char *argument,
		 struct jota_err *err)
{
	CLEANUP_FREE struct jota_report *report = calloc(1, sizeof(*report));
	struct jota_plan plan = { 0 };
	int r;

	(void)argument;
	/* The hook waits for us; when its thread is gone nobody wants to know. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!report)
		return refuse("out of memory", EXIT_UNREADABLE);
	r = jota_preflip_plan(io, &plan, err);
	if (r == 0)
		r = run_plan(io, options, &plan, report, err);
	jota_plan_done(&plan);
	if (r < 0) {
		jota_make_printable(err->msg);
		r = refuse(err->msg, EXIT_UNREADABLE);
		/* Said once. */
		*err = (struct jota_err){ 0 };
		return r;
	}
	return conclude(io, report, options->slot);
}
