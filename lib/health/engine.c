/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Phases, attempts, baseline and stability window; a single attempt is probe.c. */
#define _GNU_SOURCE
#include "health/health.h"

#include "base/err.h"
#include "health/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Less than this is no time for a check. */
#define ATTEMPT_MIN_MS 50u

struct engine {
	const struct jota_io *io;
	const struct jota_plan *plan;
	const struct jota_health_context *context;
	const struct jota_report *baseline;
	uint64_t end_ms; /* of the whole run */
	struct jota_report *report;
	char (*token)[JOTA_TOKEN_BYTES]; /* per result, from the first round */
};

static void sleep_ms(uint32_t ms)
{
	struct timespec left = { .tv_sec = ms / 1000u, .tv_nsec = (long)(ms % 1000u) * 1000000L };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* Phase baseline asks what baseline mode needs to know, nothing else. */
static bool takes_part(const struct jota_check *check, enum jota_phase phase)
{
	if (phase == JOTA_PHASE_BASELINE)
		return check->baseline;
	return check->phases & (1u << phase);
}

static void take_over(struct jota_result *result, const struct jota_finding *finding)
{
	result->status = finding->status;
	result->reason = finding->reason;
	memcpy(result->message, finding->message, sizeof(result->message));
}

/*
 * One attempt; false when there is no time left for one. The time that ending a stuck check takes is kept free, so that the
 * deadline of the whole run holds.
 */
static bool attempt(struct engine *e, const struct jota_check *check, const char *token,
		    struct jota_finding *ret)
{
	struct jota_check_run run = {
		.io = e->io, .check = check, .context = e->context, .token = token
	};
	uint32_t left_ms = jota_left_ms(e->end_ms), budget_ms = check->deadline_ms;

	if (left_ms < JOTA_PROBE_EXTRA_MS + ATTEMPT_MIN_MS)
		return false;
	if (budget_ms > left_ms - JOTA_PROBE_EXTRA_MS)
		budget_ms = left_ms - JOTA_PROBE_EXTRA_MS;
	run.deadline_ms = jota_now_ms() + budget_ms;
	jota_probe(&run, ret);
	return true;
}

static void run_check(struct engine *e, const struct jota_check *check, const char *token,
		      uint32_t retries, struct jota_result *result, char *ret_token)
{
	uint64_t began_ms = jota_now_ms();
	struct jota_finding finding = { .status = JOTA_TIMEOUT,
					.reason = JOTA_WHY_OVERALL_DEADLINE };

	for (uint32_t i = 0; i <= retries; i++) {
		if (i > 0) {
			uint32_t left_ms = jota_left_ms(e->end_ms);

			sleep_ms(check->interval_ms < left_ms ? check->interval_ms : left_ms);
		}
		if (!attempt(e, check, token, &finding))
			break;
		result->attempts++;
		if (finding.status == JOTA_PASS)
			break;
	}
	take_over(result, &finding);
	result->duration_ms += (uint32_t)(jota_now_ms() - began_ms);
	if (ret_token)
		memcpy(ret_token, finding.token, JOTA_TOKEN_BYTES);
}

/* Baseline mode: whatever did not work before the update is no reason to give the update up. */
static bool counts(const struct engine *e, const struct jota_check *check)
{
	const struct jota_result *before;

	if (!check->baseline || e->context->phase != JOTA_PHASE_POSTBOOT)
		return true;
	before = e->baseline ? jota_report_find(e->baseline, check->name) : NULL;
	return before && before->status == JOTA_PASS && strcmp(before->kind, check->kind->name) == 0;
}

static void excuse(const struct engine *e, struct jota_result *result)
{
	char said[JOTA_HEALTH_MESSAGE_BYTES];

	memcpy(said, result->message, sizeof(said));
	if (!jota_status_is_bad(result->status))
		return;
	(void)snprintf(result->message, sizeof(result->message), "%s: %.200s",
		       jota_reason_word(result->reason), said);
	result->status = JOTA_SKIPPED;
	result->reason = e->baseline && jota_report_find(e->baseline, result->name) ?
				 JOTA_WHY_NOT_IN_BASELINE :
				 JOTA_WHY_NO_BASELINE;
}

static void run_first(struct engine *e)
{
	struct jota_report *report = e->report;

	for (size_t i = 0; i < e->plan->count && report->count < JOTA_CHECKS_MAX; i++) {
		const struct jota_check *check = &e->plan->check[i];
		struct jota_result *result;
		bool counted;

		if (!takes_part(check, e->context->phase))
			continue;
		result = &report->result[report->count];
		(void)snprintf(result->name, sizeof(result->name), "%s", check->name);
		(void)snprintf(result->kind, sizeof(result->kind), "%s", check->kind->name);
		result->severity = check->severity;
		counted = counts(e, check);
		/* Nobody waits for the server that was not there before either. */
		run_check(e, check, NULL, counted ? check->retries : 0, result,
			  e->token[report->count]);
		if (!counted)
			excuse(e, result);
		report->count++;
	}
}

/* What passed must still pass. Its own sentence says so, because "it worked a minute ago" is the news. */
static void run_again(struct engine *e)
{
	uint32_t left_ms = jota_left_ms(e->end_ms);

	sleep_ms(e->plan->stability_ms < left_ms ? e->plan->stability_ms : left_ms);
	for (size_t i = 0; i < e->report->count; i++) {
		struct jota_result *result = &e->report->result[i];
		const struct jota_check *check = jota_plan_find(e->plan, result->name);
		char said[JOTA_HEALTH_MESSAGE_BYTES];

		if (result->status != JOTA_PASS || !check || check->once)
			continue;
		run_check(e, check, e->token[i], check->retries, result, NULL);
		if (!jota_status_is_bad(result->status))
			continue;
		if (!counts(e, check)) {
			excuse(e, result);
			continue;
		}
		memcpy(said, result->message, sizeof(said));
		(void)snprintf(result->message, sizeof(result->message),
			       "%.200s (passed at first, not after the stability window)", said);
	}
}

const struct jota_result *jota_report_culprit(const struct jota_report *report)
{
	for (size_t i = 0; i < report->count; i++)
		if (report->result[i].severity == JOTA_CRITICAL &&
		    jota_status_is_bad(report->result[i].status))
			return &report->result[i];
	return NULL;
}

const struct jota_result *jota_report_find(const struct jota_report *report, const char *name)
{
	for (size_t i = 0; i < report->count; i++)
		if (strcmp(report->result[i].name, name) == 0)
			return &report->result[i];
	return NULL;
}

int jota_health_run(const struct jota_io *io, const struct jota_plan *plan,
		    const struct jota_health_context *context, const struct jota_report *baseline,
		    struct jota_report *ret, struct jota_err *err)
{
	uint64_t began_ms = jota_now_ms();
	struct engine e = { .io = io,
			    .plan = plan,
			    .context = context,
			    .baseline = baseline,
			    .end_ms = began_ms + plan->deadline_ms,
			    .report = ret };

	e.token = calloc(JOTA_CHECKS_MAX, sizeof(*e.token));
	if (!e.token)
		return jota_fail(err, ENOMEM, "run the health checks");
	memset(ret, 0, sizeof(*ret));
	ret->phase = context->phase;
	(void)snprintf(ret->slot, sizeof(ret->slot), "%s", context->slot ? context->slot : "");
	(void)snprintf(ret->boot_id, sizeof(ret->boot_id), "%s",
		       context->boot_id ? context->boot_id : "");
	run_first(&e);
	if (context->phase == JOTA_PHASE_POSTBOOT && plan->stability_ms > 0 &&
	    !jota_report_culprit(ret))
		run_again(&e);
	free(e.token);
	ret->time_s = (int64_t)time(NULL);
	ret->duration_ms = (uint32_t)(jota_now_ms() - began_ms);
	ret->healthy = !jota_report_culprit(ret);
	return 0;
}
