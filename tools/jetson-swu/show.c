/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "show.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "slot/layout.h"
#include "verbs.h"

static const char cut_mark[] = "...";

const char *show_escaped(const char *text, char *buf, size_t buf_bytes)
{
	size_t used = 0;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		size_t room = buf_bytes - used;

		if (room < sizeof("\\xNN") + sizeof(cut_mark)) {
			memcpy(buf + used, cut_mark, sizeof(cut_mark));
			return buf;
		}
		if (c == '\\') {
			buf[used++] = '\\';
			buf[used++] = '\\';
		} else if (c >= 0x20 && c < 0x7f) {
			buf[used++] = (char)c;
		} else {
			used += (size_t)snprintf(buf + used, room, "\\x%02x", c);
		}
	}
	buf[used] = '\0';
	return buf;
}

const char *show_size(uint64_t bytes, char buf[32])
{
	static const char *const unit[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		(void)snprintf(buf, 32, "%" PRIu64 " B", bytes);
		return buf;
	}
	while (value >= 1024 && i + 1 < sizeof(unit) / sizeof(unit[0])) {
		value /= 1024;
		i++;
	}
	(void)snprintf(buf, 32, "%.1f %s", value, unit[i]);
	return buf;
}

void show_error(const char *fmt, ...)
{
	char text[JOTA_ERR_MSG_BYTES + 256];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	(void)fprintf(stderr, "jetson-swu: %s\n", ESCAPED(text));
}

int show_bad_option(const char *verb, int option, char **argv)
{
	show_error("%s: %s '%s'; try 'jetson-swu %s --help'", verb,
		   option == ':' ? "no value for" : "unknown option", argv[optind - 1], verb);
	return EXIT_USAGE;
}

void show_findings(const struct jota_swu_findings *f, FILE *out)
{
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < f->count; i++) {
			const struct jota_swu_finding *is = &f->finding[i];

			if (is->fatal != (pass == 0))
				continue;
			(void)fprintf(out, "%s: %s: ", is->fatal ? "error" : "warning", is->code);
			if (is->line)
				(void)fprintf(out, "line %u: ", is->line);
			(void)fprintf(out, "%s\n", is->text);
		}
	}
}

json_object *json_text(const char *text)
{
	size_t room = text ? 4 * strlen(text) + 16 : 0;
	char *buf = text ? malloc(room) : NULL;
	json_object *made = buf ? json_object_new_string(show_escaped(text, buf, room)) : NULL;

	free(buf);
	return made;
}

json_object *json_u64(uint64_t value)
{
	return json_object_new_uint64(value);
}

json_object *json_findings(const struct jota_swu_findings *f)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < f->count; i++) {
		const struct jota_swu_finding *is = &f->finding[i];
		json_object *one = json_object_new_object();

		json_object_object_add(one, "level", json_text(is->fatal ? "error" : "warning"));
		json_object_object_add(one, "code", json_text(is->code));
		json_object_object_add(one, "line", is->line ? json_u64(is->line) : NULL);
		json_object_object_add(one, "text", json_text(is->text));
		json_object_array_add(list, one);
	}
	return list;
}

int json_show(json_object *root)
{
	const char *text = json_object_to_json_string_ext(
		root,
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (text)
		(void)puts(text);
	else
		show_error("no memory for the report");
	json_object_put(root);
	return text ? EXIT_GOOD : EXIT_UNREADABLE;
}

bool find_layout(const char *name, const struct jota_layout **ret)
{
	char known[128];

	*ret = name ? jota_layout_find(name) : NULL;
	if (!name || *ret)
		return true;
	jota_layout_names(known, sizeof(known));
	show_error("layout '%s' is not known, there are: %s", name, known);
	return false;
}
