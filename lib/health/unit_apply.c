/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The text of a unit file, as systemd.syntax(7) has it. */
#include "health/new_unit.h"

#include "base/err.h"

#include <errno.h>
#include <string.h>

#define BLANKS " \t\r"

static const struct {
	const char *section, *key;
	bool is_prefix;	   /* of the key */
	bool keeps_others; /* an empty value takes back only those of the same key */
	enum jota_unit_list list;
} known[] = {
	{ "[Service]", "ExecStart", false, true, JOTA_UNIT_START },
	{ "[Service]", "ExecStartPre", false, true, JOTA_UNIT_START_PRE },
	{ "[Service]", "ExecCondition", false, true, JOTA_UNIT_START_PRE },
	{ "[Service]", "ExecStop", false, true, JOTA_UNIT_END },
	{ "[Unit]", "SuccessAction", false, true, JOTA_UNIT_END },
	{ "[Service]", "Type", false, true, JOTA_UNIT_TYPE },
	{ "[Unit]", "Condition", true, false, JOTA_UNIT_CONDITION },
	{ "[Unit]", "Assert", true, false, JOTA_UNIT_ASSERT },
};

static bool is_comment(const char *line)
{
	line += strspn(line, BLANKS);
	return *line == '#' || *line == ';';
}

/* A line that ends in a backslash goes on in the next one, comments in between left out. In place. */
static void join_lines(char *text)
{
	bool goes_on = false;

	for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		if (is_comment(line)) {
			if (goes_on)
				memset(line, ' ', (size_t)(end - line) + 1);
			continue;
		}
		goes_on = end > line && end[-1] == '\\';
		if (goes_on)
			end[-1] = end[0] = ' ';
	}
}

/* Cuts blanks at both ends; returns the begin. */
static char *trim(char *text)
{
	size_t len;

	text += strspn(text, BLANKS);
	len = strlen(text);
	while (len > 0 && strchr(BLANKS, text[len - 1]))
		text[--len] = '\0';
	return text;
}

static void take_back(struct jota_new_unit *unit, size_t row)
{
	size_t kept = 0;

	for (size_t i = 0; i < unit->list[known[row].list].count; i++) {
		struct jota_unit_value *value = unit->list[known[row].list].value;

		if (known[row].keeps_others && strcmp(value[i].key, known[row].key) != 0)
			value[kept++] = value[i];
	}
	unit->list[known[row].list].count = kept;
}

static int take(struct jota_new_unit *unit, const char *from, const char *section, const char *key,
		const char *text, struct jota_err *err)
{
	for (size_t row = 0; row < sizeof(known) / sizeof(known[0]); row++) {
		size_t len = strlen(known[row].key);
		enum jota_unit_list list = known[row].list;

		if (strcmp(section, known[row].section) != 0 ||
		    strncmp(key, known[row].key, len) != 0 ||
		    (!known[row].is_prefix && key[len] != '\0'))
			continue;
		if (text[0] == '\0') {
			take_back(unit, row);
			return 0;
		}
		if (unit->list[list].count == JOTA_UNIT_VALUES_MAX)
			return jota_fail(err, E2BIG, "it has more than %u lines of %s.",
					 JOTA_UNIT_VALUES_MAX, known[row].key);
		unit->list[list].value[unit->list[list].count++] =
			(struct jota_unit_value){ .key = key, .text = text, .from = from };
		return 0;
	}
	return 0;
}

int jota_unit_apply(struct jota_new_unit *unit, const char *from, char *text, struct jota_err *err)
{
	const char *section = "";
	int r = 0;

	join_lines(text);
	for (char *next, *line = text; r == 0 && line; line = next) {
		char *value;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line = trim(line);
		if (*line == '[')
			section = line;
		if (strchr("[#;", *line)) /* an empty line too */
			continue;
		value = strchr(line, '=');
		if (!value)
			continue;
		*value++ = '\0';
		r = take(unit, from, section, trim(line), trim(value), err);
	}
	return r;
}
