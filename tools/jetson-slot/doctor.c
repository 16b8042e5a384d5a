/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "doctor.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "base/number.h"
#include "report.h"

#define SCHEMA 1
#define HEALTH_CONF "/etc/swupdate-jetson/health.conf"
#define PANIC_MAX_S 300u
#define SETTING_BYTES_MAX 64

/* A kernel setting that must not be 0, with what its being 0 means. */
static const struct {
	const char *name, *path, *zero, *advice;
	enum finding_status status;
} settings[] = {
	{ "kernel.panic", "/proc/sys/kernel/panic", "a kernel that panics stays so for ever",
	  "set 'kernel.panic = 10' in /etc/sysctl.d/, or panic=10 on the kernel's command line",
	  FINDING_BAD },
	{ "kernel.panic_on_oops", "/proc/sys/kernel/panic_on_oops",
	  "a kernel with a fault in a driver goes on without it",
	  "set 'kernel.panic_on_oops = 1' in /etc/sysctl.d/", FINDING_WARNING },
	{ "kernel.hung_task_panic", "/proc/sys/kernel/hung_task_panic",
	  "a task that hangs in the kernel is only logged",
	  "set 'kernel.hung_task_panic = 1' in /etc/sysctl.d/", FINDING_WARNING },
	{ "kernel.hung_task_timeout_secs", "/proc/sys/kernel/hung_task_timeout_secs",
	  "tasks that hang in the kernel are not looked for",
	  "set 'kernel.hung_task_timeout_secs = 120' in /etc/sysctl.d/", FINDING_WARNING },
	{ "kernel.watchdog", "/proc/sys/kernel/watchdog", "processors that hang are not looked for",
	  "set 'kernel.watchdog = 1' in /etc/sysctl.d/", FINDING_WARNING },
	{ "kernel.softlockup_panic", "/proc/sys/kernel/softlockup_panic",
	  "a processor that hangs in the kernel is only logged",
	  "set 'kernel.softlockup_panic = 1' in /etc/sysctl.d/", FINDING_WARNING },
};
#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

static const char *const status_words[] = { "ok", "warning", "bad" };

void doctor_add(struct doctor *d, enum finding_status status, const char *name, const char *advice,
		const char *fmt, ...)
{
	struct finding *f = &d->finding[d->count];
	char text[FINDING_TEXT_BYTES];
	va_list args;

	if (d->count == FINDINGS_MAX)
		return;
	d->count++;
	f->status = status;
	f->advice = status == FINDING_OK ? "" : advice;
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	va_start(args, fmt);
	if (vsnprintf(text, sizeof(text), fmt, args) < 0)
		text[0] = '\0';
	va_end(args);
	report_clean(text, f->found, sizeof(f->found));
}

/* -1 stands for "at once" and is as good as any number of seconds. */
static void judge_setting(struct doctor *d, size_t i, const char *text)
{
	bool negative = text[0] == '-';
	uint64_t value = 0;

	if (jota_parse_u64(settings[i].name, text + negative, 0, UINT32_MAX, &value, NULL) < 0)
		doctor_add(d, settings[i].status, settings[i].name, settings[i].advice,
			   "'%.20s' is no number", text);
	else if (value == 0)
		doctor_add(d, settings[i].status, settings[i].name, settings[i].advice, "0: %s",
			   settings[i].zero);
	else if (i == 0 && !negative && value > PANIC_MAX_S)
		doctor_add(d, FINDING_WARNING, settings[i].name, settings[i].advice,
			   "%s: a kernel that panics waits so many seconds", text);
	else
		doctor_add(d, FINDING_OK, settings[i].name, "", "%s", text);
}

static void look_at_kernel(const struct jota_io *io, struct doctor *d)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		CLEANUP_FREE char *text = NULL;

		if (jota_io_read_file(io, settings[i].path, SETTING_BYTES_MAX, &text, NULL, NULL) <
		    0) {
			doctor_add(d, settings[i].status, settings[i].name,
				   "a kernel for the field has CONFIG_DETECT_HUNG_TASK and "
				   "CONFIG_SOFTLOCKUP_DETECTOR",
				   "%s cannot be read: this kernel does not have it",
				   settings[i].path);
			continue;
		}
		text[strcspn(text, "\n")] = '\0';
		judge_setting(d, i, text);
	}
}

static void look_at_boot_state(const struct jota_io *io, struct doctor *d)
{
	static const char *const advice = "see 'jetson-slot info' and the runbook";
	struct jota_err err = { 0 };
	struct report report;

	if (report_gather(io, &report, &err) < 0) {
		doctor_add(d, FINDING_BAD, "boot state", advice, "%s", err.msg);
		return;
	}
	for (size_t i = 0; i < report.problems.count; i++)
		doctor_add(d,
			   report.problems.problem[i].blocks_update ? FINDING_BAD : FINDING_WARNING,
			   "boot state", advice, "%s", report.problems.problem[i].text);
	if (report.problems.count == 0 && report.has_state)
		doctor_add(d, FINDING_OK, "boot state", "", "slot %s runs, %s",
			   jota_slot_name(report.evidence.running),
			   jota_situation_name(report.situation));
}

static void look_at_checks(const struct jota_io *io, struct doctor *d)
{
	CLEANUP_FREE char *text = NULL;
	struct jota_err err = { 0 };

	if (jota_io_read_file(io, HEALTH_CONF, 256u * 1024u, &text, NULL, &err) < 0)
		doctor_add(d, FINDING_BAD, "health checks",
			   "write one; examples are in share/doc/swupdate-jetson/examples", "%s",
			   err.msg);
	else
		doctor_add(d, FINDING_OK, "health checks", "",
			   HEALTH_CONF " is there; 'jetson-health check-config' reads it");
}

static void show_text(const struct jota_io *io, const struct doctor *d, FILE *out)
{
	if (!jota_io_is_real_root(io))
		(void)fprintf(
			out,
			"All paths are below '%s' (JOTA_ROOT or --root): kernel settings there are "
			"files of that folder, not those of the kernel that runs.\n",
			io->root);
	for (size_t i = 0; i < d->count; i++) {
		const struct finding *f = &d->finding[i];

		(void)fprintf(out, "%-7s  %-29s  %s\n", status_words[f->status], f->name, f->found);
		if (f->advice[0] != '\0')
			(void)fprintf(out, "%-7s  %-29s  -> %s\n", "", "", f->advice);
	}
}

static bool put(struct json_object *o, const char *key, struct json_object *value)
{
	if (o && value && json_object_object_add(o, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

static bool put_finding(struct json_object *array, const struct finding *f)
{
	struct json_object *o = json_object_new_object();
	bool well = put(o, "name", json_object_new_string(f->name)) &&
		    put(o, "status", json_object_new_string(status_words[f->status])) &&
		    put(o, "found", json_object_new_string(f->found)) &&
		    put(o, "advice", json_object_new_string(f->advice));

	if (well && array && json_object_array_add(array, o) == 0)
		return true;
	json_object_put(o);
	return false;
}

static int show_json(const struct doctor *d, size_t bad, FILE *out, struct jota_err *err)
{
	struct json_object *o = json_object_new_object(), *array = json_object_new_array();
	bool well = put(o, "schema", json_object_new_int(SCHEMA)) &&
		    put(o, "well", json_object_new_boolean(bad == 0));
	const char *text = NULL;

	for (size_t i = 0; well && i < d->count; i++)
		well = put_finding(array, &d->finding[i]);
	/* The array belongs to the object from here on, whatever comes. */
	well = put(o, "findings", array) && well;
	if (well)
		text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY);
	if (text)
		(void)fprintf(out, "%s\n", text);
	json_object_put(o);
	return text ? 0 : jota_fail(err, ENOMEM, "print the report");
}

int doctor_show(const struct jota_io *io, bool json, FILE *out, size_t *ret_bad,
		struct jota_err *err)
{
	struct doctor d = { .count = 0 };
	size_t bad = 0;

	look_at_boot_state(io, &d);
	look_at_kernel(io, &d);
	doctor_look_at_systemd(io, &d);
	look_at_checks(io, &d);
	for (size_t i = 0; i < d.count; i++)
		bad += d.finding[i].status == FINDING_BAD;
	*ret_bad = bad;
	if (json)
		return show_json(&d, bad, out, err);
	show_text(io, &d, out);
	return 0;
}
