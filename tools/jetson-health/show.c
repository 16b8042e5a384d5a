/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* A report for people and for programs. jetson-health(1) describes the members; a change of their meaning raises SCHEMA. */
#include "health_tool.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "base/err.h"

#define SCHEMA 1

void show_report(const struct jota_report *report, FILE *out)
{
	const struct jota_result *culprit = jota_report_culprit(report);

	for (size_t i = 0; i < report->count; i++) {
		const struct jota_result *r = &report->result[i];

		(void)fprintf(out, "%-24s %-8s %-8s %6.1f s  %s%s%s\n", r->name,
			      jota_severity_name(r->severity), jota_status_name(r->status),
			      r->duration_ms / 1000.0,
			      r->status == JOTA_PASS ? "" : jota_reason_word(r->reason),
			      r->status == JOTA_PASS || r->message[0] == '\0' ? "" : ": ",
			      r->message);
	}
	(void)fprintf(out, "%s, %zu checks, %.1f s", jota_phase_name(report->phase), report->count,
		      report->duration_ms / 1000.0);
	if (culprit)
		(void)fprintf(out, ", unhealthy: %s (%s)", culprit->name,
			      jota_reason_word(culprit->reason));
	(void)fputc('\n', out);
}

/* Takes over value. */
static bool put(struct json_object *object, const char *key, struct json_object *value)
{
	if (object && value && json_object_object_add(object, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

static bool put_text(struct json_object *object, const char *key, const char *text)
{
	if (text[0] == '\0')
		return json_object_object_add(object, key, NULL) == 0;
	return put(object, key, json_object_new_string(text));
}

static struct json_object *json_result(const struct jota_result *r)
{
	struct json_object *o = json_object_new_object();

	if (o && put_text(o, "name", r->name) && put_text(o, "kind", r->kind) &&
	    put_text(o, "severity", jota_severity_name(r->severity)) &&
	    put_text(o, "status", jota_status_name(r->status)) &&
	    put_text(o, "reason", jota_reason_word(r->reason)) &&
	    put(o, "attempts", json_object_new_int64(r->attempts)) &&
	    put(o, "duration_ms", json_object_new_int64(r->duration_ms)) &&
	    put(o, "message", json_object_new_string(r->message)))
		return o;
	json_object_put(o);
	return NULL;
}

static struct json_object *json_results(const struct jota_report *report)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < report->count; i++) {
		struct json_object *item = json_result(&report->result[i]);

		if (!item || json_object_array_add(array, item) < 0) {
			json_object_put(item);
			json_object_put(array);
			return NULL;
		}
	}
	return array;
}

struct json_object *json_report(const struct jota_report *report)
{
	struct json_object *o = json_object_new_object();

	if (o && put(o, "schema", json_object_new_int(SCHEMA)) &&
	    put_text(o, "phase", jota_phase_name(report->phase)) &&
	    put_text(o, "slot", report->slot) && put_text(o, "boot_id", report->boot_id) &&
	    put(o, "time", json_object_new_int64(report->time_s)) &&
	    put(o, "duration_ms", json_object_new_int64(report->duration_ms)) &&
	    put(o, "healthy", json_object_new_boolean(report->healthy)) &&
	    put_text(o, "action", report->action) && put(o, "checks", json_results(report)))
		return o;
	json_object_put(o);
	return NULL;
}

int json_print(struct json_object *object, struct jota_err *err)
{
	const char *text =
		object ? json_object_to_json_string_ext(
				 object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE) :
			 NULL;
	int r = text ? 0 : jota_fail(err, ENOMEM, "make the JSON report");

	if (text)
		(void)printf("%s\n", text);
	json_object_put(object);
	return r;
}
