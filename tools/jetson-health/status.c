/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* jetson-health status and check-config: what is known, without running a check. */
#include "boot.h"
#include "health_tool.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "health/plan.h"

#define CONFIG_BYTES_MAX (256u * 1024u)

static const char *const report_names[] = { "postboot", REPORT_FAILED, "baseline", "preflip" };
#define REPORT_COUNT (sizeof(report_names) / sizeof(report_names[0]))

/* The directory is the only thing that is asked of the plan here, and it has a default. */
static void find_data_dir(const struct jota_io *io, char *buf, size_t buf_bytes,
			  struct jota_err *err)
{
	struct jota_plan plan;

	(void)snprintf(buf, buf_bytes, "%s", DATA_DIR_DEFAULT);
	if (jota_plan_read(io, JOTA_HEALTH_CONF, &plan, err) < 0)
		return;
	(void)snprintf(buf, buf_bytes, "%s", plan.data_dir);
	jota_plan_done(&plan);
}

static void show_one(const char *name, const struct jota_report *report)
{
	char when[32] = "?";
	struct tm parts;
	time_t time_s = (time_t)report->time_s;

	if (gmtime_r(&time_s, &parts))
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &parts);
	(void)printf("\n%s: %s", name, when);
	if (report->slot[0] != '\0')
		(void)printf(", slot %s", report->slot);
	if (report->action[0] != '\0')
		(void)printf(", action %s", report->action);
	(void)printf("\n");
	show_report(report, stdout);
}

/* Prints what the last trial left in the record. */
static void show_boot(const struct boot *boot)
{
	if (!boot->has_state) {
		(void)printf("running     unknown\n");
		return;
	}
	(void)printf("running     %s\nsituation   %s%s\n", jota_slot_name(boot->running),
		     jota_situation_name(boot->situation),
		     boot->reboot_pending ? ", not rebooted since the last change" : "");
	if (boot->state.record.reason[0] != '\0')
		(void)printf("last trial  given up: %s\n", boot->state.record.reason);
}

static int status_json(const struct jota_io *io, const struct boot *boot, const char *data_dir,
		       struct jota_err *err)
{
	CLEANUP_FREE struct jota_report *report = calloc(1, sizeof(*report));
	struct json_object *doc = json_object_new_object(), *reports = json_object_new_object();
	const char *slot = boot_slot(boot);
	const char *reason = boot->state.record.reason;

	if (!report || !doc || !reports) {
		json_object_put(doc);
		json_object_put(reports);
		return jota_fail(err, ENOMEM, "make the JSON report");
	}
	for (size_t i = 0; i < REPORT_COUNT; i++) {
		bool known = jota_report_load(io, data_dir, report_names[i], report, NULL) == 0;

		(void)json_object_object_add(reports, report_names[i],
					     known ? json_report(report) : NULL);
	}
	(void)json_object_object_add(doc, "schema", json_object_new_int(1));
	(void)json_object_object_add(doc, "running", slot ? json_object_new_string(slot) : NULL);
	(void)json_object_object_add(
		doc, "situation",
		slot ? json_object_new_string(jota_situation_name(boot->situation)) : NULL);
	(void)json_object_object_add(doc, "reason",
				     slot && reason[0] ? json_object_new_string(reason) : NULL);
	(void)json_object_object_add(doc, "reports", reports);
	return json_print(doc, err);
}

int verb_status(const struct jota_io *io, const struct options *options, const char *argument,
		struct jota_err *err)
{
	CLEANUP_FREE struct jota_report *report = calloc(1, sizeof(*report));
	char data_dir[PATH_MAX];
	struct jota_err refused = { 0 };
	struct boot boot;
	int r;

	(void)argument;
	if (!report) {
		(void)jota_fail(err, ENOMEM, "read the reports");
		return EXIT_UNREADABLE;
	}
	find_data_dir(io, data_dir, sizeof(data_dir), &refused);
	r = boot_read(io, &boot, err);
	if (options->json)
		return status_json(io, &boot, data_dir, err) < 0 || r < 0 ? EXIT_UNREADABLE :
									    EXIT_WELL;
	show_boot(&boot);
	if (refused.errnum)
		(void)printf("checks      refused: %s\n", refused.msg);
	for (size_t i = 0; i < REPORT_COUNT; i++) {
		struct jota_err lost = { 0 };
		int loaded = jota_report_load(io, data_dir, report_names[i], report, &lost);

		if (loaded == 0)
			show_one(report_names[i], report);
		else if (loaded != -ENOENT)
			(void)printf("\n%s: %s\n", report_names[i], lost.msg);
	}
	return r < 0 ? EXIT_UNREADABLE : EXIT_WELL;
}

/* A file of an image that is being built: read as it is, whoever owns it. */
static int check_file(const char *file, struct jota_plan *plan, struct jota_err *err)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FREE char *full = realpath(file, NULL);
	struct jota_io io;
	size_t bytes = 0;
	int r;

	if (!full)
		return jota_fail(err, errno, "open '%s'", file);
	r = jota_io_init(&io, "/", err);
	if (r == 0)
		r = jota_io_read_file(&io, full, CONFIG_BYTES_MAX, &text, &bytes, err);
	if (r == 0 && strlen(text) != bytes)
		r = jota_fail(err, EINVAL, "'%s' is not a text file: NUL byte at %zu.", file,
			      strlen(text));
	return r < 0 ? r : jota_plan_parse(file, text, plan, err);
}

int verb_check_config(const struct jota_io *io, const struct options *options, const char *argument,
		      struct jota_err *err)
{
	struct jota_plan plan;
	int r;

	(void)options;
	r = argument ? check_file(argument, &plan, err) :
		       jota_plan_read(io, JOTA_HEALTH_CONF, &plan, err);
	if (r < 0)
		return EXIT_UNREADABLE;
	(void)printf("%s: %zu checks, deadline %g s, stability window %g s\n",
		     argument ? argument : JOTA_HEALTH_CONF, plan.count, plan.deadline_ms / 1000.0,
		     plan.stability_ms / 1000.0);
	jota_plan_done(&plan);
	return EXIT_WELL;
}
