/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The file is read as somebody else's: a line that is no event is counted, never shown. */
#include "history.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "report.h"
#include "update/history.h"

#define SCHEMA 1
#define WORD_BYTES 224
#define DEPTH_MAX 4

struct history {
	struct json_object *events; /* array of what was understood */
	size_t damaged;
};

static const char *const members[] = { "event", "slot", "boot_id", "detail" };
#define MEMBER_COUNT (sizeof(members) / sizeof(members[0]))

static bool put(struct json_object *o, const char *key, struct json_object *value)
{
	if (o && value && json_object_object_add(o, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

/* A new object with the members that an event has, cleaned; NULL: it is no event. */
static struct json_object *take_event(struct json_object *from)
{
	struct json_object *value, *event;
	char text[WORD_BYTES];
	bool well;

	if (!json_object_is_type(from, json_type_object) ||
	    !json_object_object_get_ex(from, "time", &value) ||
	    !json_object_is_type(value, json_type_int))
		return NULL;
	event = json_object_new_object();
	well = put(event, "time", json_object_new_int64(json_object_get_int64(value)));
	for (size_t i = 0; well && i < MEMBER_COUNT; i++) {
		well = json_object_object_get_ex(from, members[i], &value) &&
		       json_object_is_type(value, json_type_string);
		if (!well)
			break;
		report_clean(json_object_get_string(value), text, sizeof(text));
		well = put(event, members[i], json_object_new_string(text));
	}
	if (well)
		return event;
	json_object_put(event);
	return NULL;
}

static struct json_object *parse_line(const char *line, size_t bytes)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *parsed = NULL, *event = NULL;

	if (!tokener)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	if (bytes > 0 && bytes < 2 * JOTA_HISTORY_LINE_MAX)
		parsed = json_tokener_parse_ex(tokener, line, (int)bytes);
	if (parsed)
		event = take_event(parsed);
	json_object_put(parsed);
	json_tokener_free(tokener);
	return event;
}

static void read_lines(struct history *h, const char *text, size_t bytes)
{
	while (bytes > 0) {
		const char *end = memchr(text, '\n', bytes);
		size_t len = end ? (size_t)(end - text) : bytes;
		struct json_object *event = end ? parse_line(text, len) : NULL;

		/* Without its end a line was torn by a power cut. */
		if (!event)
			h->damaged++;
		else if (json_object_array_add(h->events, event) < 0)
			json_object_put(event);
		text += end ? len + 1 : len;
		bytes -= end ? len + 1 : len;
	}
}

static int read_history(const struct jota_io *io, struct history *h, struct jota_err *err)
{
	static const char *const files[] = { JOTA_HISTORY_OLD_FILE, JOTA_HISTORY_FILE };
	char dir[PATH_MAX - 16], path[PATH_MAX];

	jota_history_dir(io, dir, sizeof(dir));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		CLEANUP_FREE char *text = NULL;
		size_t bytes = 0;
		int r;

		(void)snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		r = jota_io_read_file(io, path, 2 * JOTA_HISTORY_BYTES_MAX, &text, &bytes, err);
		if (r < 0 && r != -ENOENT)
			return r;
		if (r == 0)
			read_lines(h, text, bytes);
	}
	return 0;
}

static const char *word(struct json_object *event, const char *name)
{
	struct json_object *value = NULL;

	return json_object_object_get_ex(event, name, &value) ? json_object_get_string(value) : "";
}

static void show_event(struct json_object *event, FILE *out)
{
	struct json_object *value = NULL;
	char when[32] = "?";
	struct tm parts;
	time_t time_s = 0;

	if (json_object_object_get_ex(event, "time", &value))
		time_s = (time_t)json_object_get_int64(value);
	if (gmtime_r(&time_s, &parts))
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &parts);
	(void)fprintf(out, "%s  %-2s %-14s %.8s  %s\n", when, word(event, "slot"),
		      word(event, "event"), word(event, "boot_id"), word(event, "detail"));
}

static int show_json(struct history *h, FILE *out, struct jota_err *err)
{
	struct json_object *doc = json_object_new_object();
	const char *text = NULL;

	if (put(doc, "schema", json_object_new_int(SCHEMA)) &&
	    put(doc, "damaged_lines", json_object_new_int64((int64_t)h->damaged)) &&
	    put(doc, "events", json_object_get(h->events)))
		text = json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY |
								   JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text)
		(void)fprintf(out, "%s\n", text);
	json_object_put(doc);
	return text ? 0 : jota_fail(err, ENOMEM, "make the JSON report");
}

int history_show(const struct jota_io *io, bool json, FILE *out, struct jota_err *err)
{
	struct history h = { .events = json_object_new_array() };
	size_t count;
	int r;

	if (!h.events)
		return jota_fail(err, ENOMEM, "read the history");
	r = read_history(io, &h, err);
	count = json_object_array_length(h.events);
	if (r == 0 && json)
		r = show_json(&h, out, err);
	for (size_t i = 0; r == 0 && !json && i < count; i++)
		show_event(json_object_array_get_idx(h.events, i), out);
	if (r == 0 && !json && count == 0)
		(void)fprintf(out, "nothing has been noted yet\n");
	if (r == 0 && !json && h.damaged)
		(void)fprintf(out, "%zu damaged line%s left out\n", h.damaged,
			      h.damaged > 1 ? "s" : "");
	json_object_put(h.events);
	return r;
}
