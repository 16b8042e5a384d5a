/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* For programs. jetson-slot(8) describes the members; a change of their meaning raises SCHEMA. */
#include <errno.h>
#include <json-c/json.h>

#include "report.h"
#include "slot/layout.h"

#define SCHEMA 1

/** One failed allocation spoils the whole document: checked once, at the end. */
struct writer {
	bool failed;
};

static void put(struct writer *w, struct json_object *object, const char *key,
		struct json_object *value, bool is_null)
{
	if (!object || (!value && !is_null) || json_object_object_add(object, key, value) < 0) {
		json_object_put(value);
		w->failed = true;
	}
}

static void put_bool(struct writer *w, struct json_object *object, const char *key, bool value)
{
	put(w, object, key, json_object_new_boolean(value), false);
}

/** NULL becomes JSON's null. */
static void put_text(struct writer *w, struct json_object *object, const char *key,
		     const char *value)
{
	char text[JOTA_ERR_MSG_BYTES];

	if (!value) {
		put(w, object, key, NULL, true);
		return;
	}
	report_clean(value, text, sizeof(text));
	put(w, object, key, json_object_new_string(text), false);
}

/** A new object at the end of an array. */
static struct json_object *append(struct writer *w, struct json_object *array)
{
	struct json_object *item = json_object_new_object();

	if (!array || !item || json_object_array_add(array, item) < 0) {
		json_object_put(item);
		w->failed = true;
		return NULL;
	}
	return item;
}

static struct json_object *make_evidence(struct writer *w, const struct jota_evidence *evidence)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < JOTA_WITNESS_COUNT; i++) {
		const struct jota_witness *witness = &evidence->witness[i];
		struct json_object *item;

		if (!witness->source)
			continue;
		item = append(w, array);
		put_text(w, item, "source", witness->source);
		put_text(w, item, "slot", witness->speaks ? jota_slot_name(witness->says) : NULL);
		put_text(w, item, "detail", witness->detail);
	}
	return array;
}

static struct json_object *make_slots(struct writer *w, const struct report *r)
{
	struct json_object *array = json_object_new_array();

	for (int i = 0; i < JOTA_SLOT_COUNT; i++) {
		struct slot_view v = report_slot(r, (enum jota_slot)i);
		struct json_object *item = append(w, array);
		bool no_tries = !v.has_tries;

		put_text(w, item, "slot", jota_slot_name((enum jota_slot)i));
		put_bool(w, item, "running", v.running);
		put_text(w, item, "state", v.condition);
		put_bool(w, item, "bootable", v.bootable);
		put_bool(w, item, "successful", v.successful);
		put(w, item, "tries_left",
		    no_tries ? NULL : json_object_new_int64((int64_t)v.tries_left), no_tries);
		put_bool(w, item, "pending", v.pending);
	}
	return array;
}

static struct json_object *make_update(struct writer *w, const struct report *r)
{
	const struct jota_record *record = &r->state.record;
	struct json_object *update = json_object_new_object();

	put_text(w, update, "target", record->has_target ? jota_slot_name(record->target) : NULL);
	put_text(w, update, "state", report_ustate_name(record->ustate));
	put_text(w, update, "boot_id", record->boot_id[0] ? record->boot_id : NULL);
	put_bool(w, update, "rebooted_since", !r->reboot_pending);
	put_text(w, update, "reason", record->reason[0] ? record->reason : NULL);
	return update;
}

static struct json_object *make_problems(struct writer *w, const struct jota_problems *problems)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < problems->count; i++) {
		struct json_object *item = append(w, array);

		put_bool(w, item, "blocks_update", problems->problem[i].blocks_update);
		put_text(w, item, "text", problems->problem[i].text);
	}
	return array;
}

static void fill_document(struct writer *w, struct json_object *doc, const struct report *r)
{
	bool known = r->evidence.known, has_state = r->has_state;

	put(w, doc, "schema", json_object_new_int(SCHEMA), false);
	put_text(w, doc, "layout", r->config.layout->name);
	put_text(w, doc, "backend", r->config.backend);
	put_text(w, doc, "running", known ? jota_slot_name(r->evidence.running) : NULL);
	put(w, doc, "evidence", make_evidence(w, &r->evidence), false);
	put_text(w, doc, "situation", has_state ? jota_situation_name(r->situation) : NULL);
	put_text(w, doc, "next", has_state ? jota_slot_name(r->state.next) : NULL);
	put(w, doc, "slots", has_state ? make_slots(w, r) : NULL, !has_state);
	put(w, doc, "update", has_state ? make_update(w, r) : NULL, !has_state);
	put(w, doc, "problems", make_problems(w, &r->problems), false);
}

int report_show_json(const struct report *r, FILE *out, struct jota_err *err)
{
	struct json_object *doc = json_object_new_object();
	struct writer w = { .failed = false };
	const char *text = NULL;
	int rc = 0;

	fill_document(&w, doc, r);
	if (!w.failed)
		text = json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY |
								   JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text)
		(void)fprintf(out, "%s\n", text);
	else
		rc = jota_fail(err, ENOMEM, "make the JSON report");
	json_object_put(doc);
	return rc;
}
