/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Reports as files: lines of words, one line per result with tabs between its words, the last line a CRC-32 over all before it.
 *
 *   jetson-health 1
 *   phase postboot
 *   slot B
 *   boot_id 6f1c...
 *   time 1767225600
 *   duration_ms 31022
 *   verdict healthy|unhealthy
 *   action rollback
 *   check<TAB>NAME<TAB>KIND<TAB>SEVERITY<TAB>STATUS<TAB>REASON<TAB>ATTEMPTS<TAB>DURATION_MS<TAB>MESSAGE
 *   crc32 89abcdef
 */
#define _GNU_SOURCE
#include "health/health.h"

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REPORT_BYTES_MAX 65536u
#define MAGIC "jetson-health 1"
#define NONE "-"

static int report_path(const char *dir, const char *name, char path[PATH_MAX], struct jota_err *err)
{
	int n = snprintf(path, PATH_MAX, "%s/health-%s", dir, name);

	if (n < 0 || n >= PATH_MAX)
		return jota_fail(err, ENAMETOOLONG, "path of the report '%s'", name);
	return 0;
}

static const char *or_none(const char *text)
{
	return text[0] != '\0' ? text : NONE;
}

static void print_report(const struct jota_report *r, FILE *out)
{
	(void)fprintf(out,
		      MAGIC "\nphase %s\nslot %s\nboot_id %s\ntime %" PRId64
			    "\nduration_ms %" PRIu32 "\nverdict %s\naction %s\n",
		      jota_phase_name(r->phase), or_none(r->slot), or_none(r->boot_id), r->time_s,
		      r->duration_ms, r->healthy ? "healthy" : "unhealthy", or_none(r->action));
	for (size_t i = 0; i < r->count; i++) {
		const struct jota_result *c = &r->result[i];

		(void)fprintf(out, "check\t%s\t%s\t%s\t%s\t%s\t%" PRIu32 "\t%" PRIu32 "\t%s\n",
			      c->name, c->kind, jota_severity_name(c->severity),
			      jota_status_name(c->status), jota_reason_word(c->reason), c->attempts,
			      c->duration_ms, c->message);
	}
}

static int format_report(const struct jota_report *report, char **ret_text, size_t *ret_bytes,
			 struct jota_err *err)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);
	bool failed;

	if (!out)
		return jota_fail(err, ENOMEM, "keep the report");
	print_report(report, out);
	if (fflush(out) == 0)
		(void)fprintf(out, "crc32 %08" PRIx32 "\n", jota_crc32(text, bytes));
	failed = ferror(out) != 0;
	if (fclose(out) != 0 || failed) {
		free(text);
		return jota_fail(err, ENOMEM, "keep the report");
	}
	*ret_text = text;
	*ret_bytes = bytes;
	return 0;
}

int jota_report_save(const struct jota_io *io, const char *dir, const char *name,
		     const struct jota_report *report, struct jota_err *err)
{
	CLEANUP_FREE char *text = NULL;
	char path[PATH_MAX];
	size_t bytes = 0;
	int r = report_path(dir, name, path, err);

	if (r == 0)
		r = format_report(report, &text, &bytes, err);
	return r < 0 ? r : jota_io_replace_file(io, path, text, bytes, err);
}

struct cursor {
	char *at;
	unsigned line;
};

/* The next line without its end, NULL at the end of the text. */
static char *next_line(struct cursor *c)
{
	char *line = c->at, *end = line ? strchr(line, '\n') : NULL;

	if (!end)
		return NULL;
	*end = '\0';
	c->at = end + 1;
	c->line++;
	return line;
}

static int take_text(const char *text, char *buf, size_t buf_bytes)
{
	size_t len = strlen(text);

	if (len >= buf_bytes)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return -EINVAL;
	memcpy(buf, text, len + 1);
	return 0;
}

static int take_optional(const char *text, char *buf, size_t buf_bytes)
{
	return take_text(strcmp(text, NONE) == 0 ? "" : text, buf, buf_bytes);
}

static int take_u32(const char *text, uint32_t *ret)
{
	uint64_t value = 0;
	int r = jota_parse_u64("number", text, 0, UINT32_MAX, &value, NULL);

	*ret = (uint32_t)value;
	return r;
}

/* "key value" with this key: the value. */
static const char *value_of(struct cursor *c, const char *key)
{
	const char *line = next_line(c);
	size_t len = strlen(key);

	return line && strncmp(line, key, len) == 0 && line[len] == ' ' ? line + len + 1 : "";
}

static int take_head(struct cursor *c, struct jota_report *ret)
{
	const char *line = next_line(c), *verdict;
	uint64_t time_s = 0;

	if (!line || strcmp(line, MAGIC) != 0)
		return -EINVAL;
	if (jota_phase_parse(value_of(c, "phase"), &ret->phase) < 0 ||
	    take_optional(value_of(c, "slot"), ret->slot, sizeof(ret->slot)) < 0 ||
	    take_optional(value_of(c, "boot_id"), ret->boot_id, sizeof(ret->boot_id)) < 0 ||
	    jota_parse_u64("time", value_of(c, "time"), 0, INT64_MAX, &time_s, NULL) < 0 ||
	    take_u32(value_of(c, "duration_ms"), &ret->duration_ms) < 0)
		return -EINVAL;
	ret->time_s = (int64_t)time_s;
	verdict = value_of(c, "verdict");
	ret->healthy = strcmp(verdict, "healthy") == 0;
	if (!ret->healthy && strcmp(verdict, "unhealthy") != 0)
		return -EINVAL;
	return take_optional(value_of(c, "action"), ret->action, sizeof(ret->action));
}

#define WORDS 9
static int take_result(char *line, struct jota_result *ret)
{
	char *word[WORDS];

	for (size_t i = 0; i < WORDS; i++) {
		word[i] = line;
		line = i + 1 < WORDS ? strchr(line, '\t') : NULL;
		if (line)
			*line++ = '\0';
		else if (i + 1 < WORDS)
			return -EINVAL;
	}
	if (strcmp(word[0], "check") != 0 || take_text(word[1], ret->name, sizeof(ret->name)) < 0 ||
	    take_text(word[2], ret->kind, sizeof(ret->kind)) < 0 ||
	    jota_severity_parse(word[3], &ret->severity) < 0 ||
	    jota_status_parse(word[4], &ret->status) < 0 ||
	    jota_reason_parse(word[5], &ret->reason) < 0 || take_u32(word[6], &ret->attempts) < 0 ||
	    take_u32(word[7], &ret->duration_ms) < 0)
		return -EINVAL;
	return take_text(word[8], ret->message, sizeof(ret->message));
}

/* The CRC line is the last one, and what it covers is everything before it. It is cut off. */
static int check_crc(char *text, size_t bytes)
{
	static const char key[] = "crc32 ";
	const size_t line_bytes = sizeof(key) - 1 + 8 + 1;
	char want[16];
	char *line;

	if (bytes < line_bytes || strlen(text) != bytes)
		return -EINVAL;
	line = text + bytes - line_bytes;
	(void)snprintf(want, sizeof(want), "%s%08" PRIx32 "\n", key,
		       jota_crc32(text, bytes - line_bytes));
	if (strcmp(line, want) != 0)
		return -EINVAL;
	*line = '\0';
	return 0;
}

int jota_report_load(const struct jota_io *io, const char *dir, const char *name,
		     struct jota_report *ret, struct jota_err *err)
{
	CLEANUP_FREE char *text = NULL;
	struct cursor c = { 0 };
	char path[PATH_MAX];
	size_t bytes = 0;
	char *line;
	int r;

	r = report_path(dir, name, path, err);
	if (r == 0)
		r = jota_io_read_file(io, path, REPORT_BYTES_MAX, &text, &bytes, err);
	if (r < 0)
		return r;
	memset(ret, 0, sizeof(*ret));
	r = check_crc(text, bytes);
	c.at = text;
	if (r == 0)
		r = take_head(&c, ret);
	while (r == 0 && (line = next_line(&c)) != NULL) {
		if (ret->count == JOTA_CHECKS_MAX)
			r = -EINVAL;
		else
			r = take_result(line, &ret->result[ret->count++]);
	}
	if (r == 0)
		return 0;
	memset(ret, 0, sizeof(*ret));
	return jota_fail(err, EBADMSG, "'%s' is damaged (line %u): it counts as absent.", path,
			 c.line);
}
