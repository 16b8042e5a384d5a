/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The black box of the last trial that failed. A kernel's last words may hold anything: what is shown is cut and cleaned. */
#include "history.h"

#include <dirent.h>
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "base/number.h"
#include "report.h"
#include "update/history.h"

#define NUMBER_MAX 999999u
#define FILES_MAX 16
#define FILE_BYTES_MAX ((size_t)1024 * 1024)
#define SHOWN_BYTES_MAX 4096u
#define LINE_BYTES 512

struct failure {
	unsigned number;
	char path[PATH_MAX]; /* not prefixed */
};

static int find_failure(const struct jota_io *io, struct failure *ret, struct jota_err *err)
{
	char dir[PATH_MAX - 64], path[PATH_MAX - 32], full[PATH_MAX];
	const struct dirent *entry;
	uint64_t number;
	DIR *open_dir;
	int r;

	jota_history_dir(io, dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/" JOTA_FAILURES_DIR, dir);
	r = jota_io_path(io, path, full, sizeof(full), err);
	if (r < 0)
		return r;
	ret->number = 0;
	open_dir = opendir(full);
	if (!open_dir && errno != ENOENT)
		return jota_fail(err, errno, "read '%s'", full);
	while (open_dir && (entry = readdir(open_dir)))
		if (jota_parse_u64("number", entry->d_name, 1, NUMBER_MAX, &number, NULL) == 0 &&
		    number > ret->number)
			ret->number = (unsigned)number;
	if (open_dir)
		(void)closedir(open_dir);
	if (!ret->number)
		return jota_fail(err, ENOENT, "no failure is kept in '%s'.", path);
	(void)snprintf(ret->path, sizeof(ret->path), "%s/%u", path, ret->number);
	return 0;
}

static int is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strlen(entry->d_name) < 200;
}

/* The end of a text: what was said last tells most. It begins with a whole line. */
static const char *tail_of(const char *text, size_t bytes)
{
	const char *from, *line;

	if (bytes <= SHOWN_BYTES_MAX)
		return text;
	from = text + bytes - SHOWN_BYTES_MAX;
	line = strchr(from, '\n');
	return line ? line + 1 : from;
}

static void show_lines(const char *text, FILE *out)
{
	char raw[LINE_BYTES], line[LINE_BYTES];

	while (*text) {
		size_t len = strcspn(text, "\n");
		size_t kept = len < sizeof(raw) - 1 ? len : sizeof(raw) - 1;

		memcpy(raw, text, kept);
		raw[kept] = '\0';
		for (size_t i = 0; i < kept; i++)
			if (raw[i] == '\t')
				raw[i] = ' ';
		report_clean(raw, line, sizeof(line));
		(void)fprintf(out, "  %s\n", line);
		text += len + (text[len] == '\n');
	}
}

static void show_file(const char *name, const char *text, size_t bytes, FILE *out)
{
	const char *tail = tail_of(text, bytes);
	char clean[256];

	report_clean(name, clean, sizeof(clean));
	(void)fprintf(out, "\n%s (%zu bytes%s)\n", clean, bytes, tail == text ? "" : ", its end");
	show_lines(tail, out);
}

static bool put(struct json_object *o, const char *key, struct json_object *value)
{
	if (o && value && json_object_object_add(o, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

static bool put_file(struct json_object *files, const char *name, const char *text, size_t bytes)
{
	struct json_object *item = json_object_new_object();
	const char *tail = tail_of(text, bytes);
	char clean[256], *copy = strdup(tail);
	bool well;

	report_clean(name, clean, sizeof(clean));
	for (char *at = copy; at && *at; at++)
		if (*at != '\n' && (*at < ' ' || *at > '~'))
			*at = *at == '\t' ? ' ' : '?';
	well = copy && put(item, "name", json_object_new_string(clean)) &&
	       put(item, "bytes", json_object_new_int64((int64_t)bytes)) &&
	       put(item, "tail", json_object_new_string(copy)) &&
	       json_object_array_add(files, item) == 0;
	if (!well)
		json_object_put(item);
	free(copy);
	return well;
}

/* files: NULL for people. */
static int show_files(const struct jota_io *io, const struct failure *failure,
		      struct json_object *files, FILE *out, struct jota_err *err)
{
	char full[PATH_MAX], path[PATH_MAX];
	struct dirent **list = NULL;
	int r = jota_io_path(io, failure->path, full, sizeof(full), err), count;

	if (r < 0)
		return r;
	count = scandir(full, &list, is_shown, alphasort);
	if (count < 0)
		return jota_fail(err, errno, "read '%s'", full);
	for (int i = 0; i < count; i++) {
		CLEANUP_FREE char *text = NULL;
		size_t bytes = 0;
		int n = snprintf(path, sizeof(path), "%s/%s", failure->path, list[i]->d_name);

		if (r == 0 && i < FILES_MAX && n > 0 && (size_t)n < sizeof(path) &&
		    jota_io_read_file(io, path, FILE_BYTES_MAX, &text, &bytes, NULL) == 0) {
			/* A NUL ends what is shown as text. */
			bytes = strlen(text);
			if (!files)
				show_file(list[i]->d_name, text, bytes, out);
			else if (!put_file(files, list[i]->d_name, text, bytes))
				r = jota_fail(err, ENOMEM, "make the JSON report");
		}
		free(list[i]);
	}
	free(list);
	return r;
}

static int show_json(const struct jota_io *io, const struct failure *failure, FILE *out,
		     struct jota_err *err)
{
	struct json_object *doc = json_object_new_object(), *files = json_object_new_array();
	const char *text = NULL;
	int r = files ? show_files(io, failure, files, out, err) :
			jota_fail(err, ENOMEM, "make the JSON report");

	if (r == 0 && put(doc, "schema", json_object_new_int(1)) &&
	    put(doc, "number", json_object_new_int((int)failure->number)) &&
	    put(doc, "path", json_object_new_string(failure->path)) &&
	    put(doc, "files", json_object_get(files)))
		text = json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY |
								   JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text)
		(void)fprintf(out, "%s\n", text);
	else if (r == 0)
		r = jota_fail(err, ENOMEM, "make the JSON report");
	json_object_put(files);
	json_object_put(doc);
	return r;
}

int failure_show(const struct jota_io *io, bool json, FILE *out, struct jota_err *err)
{
	struct failure failure;
	int r = find_failure(io, &failure, err);

	if (r < 0)
		return r;
	if (json)
		return show_json(io, &failure, out, err);
	(void)fprintf(out, "failure %u, all of it in %s\n", failure.number, failure.path);
	return show_files(io, &failure, NULL, out, err);
}
