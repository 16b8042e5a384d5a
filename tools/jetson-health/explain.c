/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* jetson-health explain: what failed last, in sentences; or a check, a kind, a reason by its name. */
#include "boot.h"
#include "health_tool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "health/kind.h"
#include "health/plan.h"

static void explain_reason(enum jota_reason reason)
{
	(void)printf("%s\n  %s\n  %s\n", jota_reason_word(reason), jota_reason_meaning(reason),
		     jota_reason_advice(reason));
}

static void explain_result(const char *when, const struct jota_result *r)
{
	(void)printf("%s: check '%s' (%s, %s): %s after %g s, %" PRIu32 " attempts\n", when,
		     r->name, r->kind, jota_severity_name(r->severity), jota_status_name(r->status),
		     r->duration_ms / 1000.0, r->attempts);
	if (r->message[0] != '\0')
		(void)printf("  %s\n", r->message);
	(void)printf("  %s: %s\n  %s\n", jota_reason_word(r->reason),
		     jota_reason_meaning(r->reason), jota_reason_advice(r->reason));
}

/* "health:app:http-status", as the record keeps it: read from storage, so it may be anything. */
static void explain_record(const char *text)
{
	const char *word = strrchr(text, ':');
	enum jota_reason reason;

	(void)printf("The last trial was given up: %s\n", text);
	if (word && jota_reason_parse(word + 1, &reason) == 0)
		(void)printf("  %s\n  %s\n", jota_reason_meaning(reason),
			     jota_reason_advice(reason));
}

static void explain_failures(const char *when, const struct jota_report *report)
{
	for (size_t i = 0; i < report->count; i++)
		if (report->result[i].status != JOTA_PASS)
			explain_result(when, &report->result[i]);
}

static void explain_last(const struct jota_io *io, const struct boot *boot, const char *data_dir,
			 struct jota_report *report)
{
	bool given_up = boot->has_state && boot->state.record.reason[0] != '\0';

	if (given_up)
		explain_record(boot->state.record.reason);
	if (given_up && strncmp(boot->state.record.reason, "health:", 7) == 0 &&
	    jota_report_load(io, data_dir, REPORT_FAILED, report, NULL) == 0)
		explain_failures("in that trial", report);
	if (jota_report_load(io, data_dir, "postboot", report, NULL) < 0) {
		(void)printf("No check has been run after a reboot yet.\n");
		return;
	}
	(void)printf("The last run after a reboot%s%s was %s.\n", report->slot[0] ? " of slot " : "",
		     report->slot, report->healthy ? "healthy" : "unhealthy");
	explain_failures("in that run", report);
}

static void explain_kind(const struct jota_check_kind *kind)
{
	(void)printf("kind %s: %s\n", kind->name, kind->about);
	for (size_t i = 0; i < kind->field_count; i++)
		(void)printf("  %-18s %s%s\n", kind->field[i].name,
			     kind->field[i].required ? "(needed) " : "", kind->field[i].about);
}

static void show_value(const struct jota_field *field, const struct jota_value *value)
{
	(void)printf("  %-18s ", field->name);
	if (field->type == JOTA_FIELD_LIST)
		for (size_t i = 0; value->list && value->list[i]; i++)
			(void)printf("%s%s", i ? " " : "", value->list[i]);
	else if (field->type == JOTA_FIELD_NUMBER)
		(void)printf("%" PRId64, value->number);
	else if (field->type == JOTA_FIELD_BOOL)
		(void)printf("%s", value->number ? "true" : "false");
	else
		(void)printf("%s", value->text ? value->text : "");
	(void)printf("\n");
}

static void explain_check(const struct jota_io *io, const struct jota_plan *plan,
			  const struct jota_check *check, struct jota_report *report)
{
	static const char *const names[] = { "postboot", REPORT_FAILED, "baseline", "preflip" };

	(void)printf("check %s: %s\n", check->name, check->kind->about);
	(void)printf("  kind %s, %s, deadline %g s, %" PRIu32 " retries after %g s%s%s\n",
		     check->kind->name, jota_severity_name(check->severity),
		     check->deadline_ms / 1000.0, check->retries, check->interval_ms / 1000.0,
		     check->baseline ? ", counts only if it passed before the update" : "",
		     check->once ? ", not repeated after the stability window" : "");
	for (size_t i = 0; i < check->kind->field_count; i++)
		if (check->value[i].set)
			show_value(&check->kind->field[i], &check->value[i]);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct jota_result *result;

		if (jota_report_load(io, plan->data_dir, names[i], report, NULL) < 0)
			continue;
		result = jota_report_find(report, check->name);
		if (result)
			explain_result(names[i], result);
	}
}

/* 0: explained. */
static int explain_name(const struct jota_io *io, const struct jota_plan *plan, const char *name,
			struct jota_report *report)
{
	const struct jota_check *check = plan ? jota_plan_find(plan, name) : NULL;
	const struct jota_check_kind *kind = jota_kind_find(name);
	enum jota_reason reason;

	if (check)
		explain_check(io, plan, check, report);
	else if (kind)
		explain_kind(kind);
	else if (jota_reason_parse(name, &reason) == 0)
		explain_reason(reason);
	else
		return -ENOENT;
	return 0;
}

int verb_explain(const struct jota_io *io, const struct options *options, const char *argument,
		 struct jota_err *err)
{
	CLEANUP_FREE struct jota_report *report = calloc(1, sizeof(*report));
	struct jota_plan plan = { .count = 0 };
	struct jota_err refused = { 0 };
	struct boot boot;
	int r, code = EXIT_WELL;

	(void)options;
	if (!report) {
		(void)jota_fail(err, ENOMEM, "read the reports");
		return EXIT_UNREADABLE;
	}
	r = jota_plan_read(io, JOTA_HEALTH_CONF, &plan, &refused);
	if (!argument) {
		(void)boot_read(io, &boot, NULL);
		explain_last(io, &boot, r < 0 ? DATA_DIR_DEFAULT : plan.data_dir, report);
		if (r < 0)
			(void)printf("The configuration of the checks is refused: %s\n",
				     refused.msg);
	} else if (explain_name(io, r < 0 ? NULL : &plan, argument, report) < 0) {
		(void)jota_fail(err, ENOENT,
				"'%.80s' is no check of " JOTA_HEALTH_CONF
				", no kind of check and no reason.",
				argument);
		code = EXIT_USAGE;
	}
	jota_plan_done(&plan);
	return code;
}
