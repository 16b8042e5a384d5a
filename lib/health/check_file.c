/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "health/kind.h"
#include "health/version.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX 65536u

enum { PATH, KEY, EQUALS, MATCHES, MIN_VERSION, MAX_VERSION };
static const struct jota_field fields[] = {
	[PATH] = { .name = "path", .type = JOTA_FIELD_PATH, .required = true, .about = "the file" },
	[KEY] = { .name = "key",
		  .type = JOTA_FIELD_TEXT,
		  .about = "look at the value of the line KEY=VALUE, as in os-release" },
	[EQUALS] = { .name = "equals", .type = JOTA_FIELD_TEXT, .about = "the content, exactly" },
	[MATCHES] = { .name = "matches",
		      .type = JOTA_FIELD_REGEX,
		      .about = "extended regular expression for the content" },
	[MIN_VERSION] = { .name = "min_version",
			  .type = JOTA_FIELD_TEXT,
			  .about = "the content is a version, and at least this" },
	[MAX_VERSION] = { .name = "max_version",
			  .type = JOTA_FIELD_TEXT,
			  .about = "the content is a version, and at most this" },
};

static const char *conflict(const struct jota_check *check)
{
	int order;

	for (size_t i = MIN_VERSION; i <= MAX_VERSION; i++)
		if (check->value[i].set &&
		    jota_version_compare(check->value[i].text, "0", &order) < 0)
			return "min_version and max_version must begin with a number, as 1.2.3";
	if (check->value[MIN_VERSION].set && check->value[MAX_VERSION].set &&
	    jota_version_compare(check->value[MIN_VERSION].text, check->value[MAX_VERSION].text,
				 &order) == 0 &&
	    order > 0)
		return "min_version is above max_version";
	return NULL;
}

/* Not what a pipe or a device would give: reading that may never end. */
static int open_regular(const struct jota_check_run *run, const char *path, struct jota_finding *ret)
{
	struct jota_err err = { 0 };
	struct stat st;
	CLEANUP_FD int fd = jota_io_open(run->io, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &err);

	if (fd < 0) {
		jota_found(ret, JOTA_FAIL, fd == -ENOENT ? JOTA_WHY_MISSING : JOTA_WHY_OPEN,
			   "'%.120s': %s", path, strerror(-fd));
		return -1;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		jota_found(ret, JOTA_FAIL, JOTA_WHY_WRONG_TYPE, "'%.120s' is no regular file", path);
		return -1;
	}
	return take_fd(&fd);
}

/* VALUE of KEY=VALUE without its quotes, in place; NULL: no such line. */
static char *find_key(char *text, const char *key)
{
	size_t len = strlen(key);

	for (char *line = text; line; line = strchr(line, '\n')) {
		char *value, *end;

		line += *line == '\n';
		if (strncmp(line, key, len) != 0 || line[len] != '=')
			continue;
		value = line + len + 1;
		value[strcspn(value, "\r\n")] = '\0';
		end = value + strlen(value);
		if (end - value >= 2 && (*value == '"' || *value == '\'') && end[-1] == *value) {
			end[-1] = '\0';
			value++;
		}
		return value;
	}
	return NULL;
}

static bool matches(const char *pattern, const char *text)
{
	regex_t compiled;
	bool found;

	if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE) != 0)
		return false;
	found = regexec(&compiled, text, 0, NULL, 0) == 0;
	regfree(&compiled);
	return found;
}

static bool version_holds(const struct jota_value *value, const char *text, struct jota_finding *ret)
{
	const char *low = value[MIN_VERSION].text, *high = value[MAX_VERSION].text;
	int order = 0;

	if (jota_version_compare(text, "0", &order) < 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_NO_VERSION, "'%.100s' has '%.60s'",
			   value[PATH].text, text);
	else if (low && jota_version_compare(text, low, &order) == 0 && order < 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_TOO_OLD,
			   "'%.80s' has '%.60s', expected at least %.60s", value[PATH].text, text,
			   low);
	else if (high && jota_version_compare(text, high, &order) == 0 && order > 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_TOO_NEW,
			   "'%.80s' has '%.60s', expected at most %.60s", value[PATH].text, text,
			   high);
	else
		return true;
	return false;
}

static void judge(const struct jota_value *value, const char *text, struct jota_finding *ret)
{
	const char *path = value[PATH].text;

	if (value[EQUALS].set && strcmp(text, value[EQUALS].text) != 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_CONTENT,
			   "'%.80s' has '%.60s', expected '%.60s'", path, text, value[EQUALS].text);
	else if (value[MATCHES].set && !matches(value[MATCHES].text, text))
		jota_found(ret, JOTA_FAIL, JOTA_WHY_CONTENT,
			   "'%.80s' has '%.60s', expected a match of '%.60s'", path, text,
			   value[MATCHES].text);
	else if ((!value[MIN_VERSION].set && !value[MAX_VERSION].set) ||
		 version_holds(value, text, ret))
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "'%.100s' has '%.60s'", path, text);
}

static void run_file(const struct jota_check_run *run, struct jota_finding *ret)
{
	const struct jota_value *value = run->check->value;
	const char *path = value[PATH].text;
	CLEANUP_FREE char *text = NULL;
	struct jota_err err = { 0 };
	CLEANUP_FD int fd = -1;
	size_t bytes = 0;
	char *content;

	fd = open_regular(run, path, ret);
	if (fd < 0)
		return;
	/* Opened once more by path: if it vanished or changed meanwhile, the read says so, and the deadline bounds it. */
	if (jota_io_read_file(run->io, path, FILE_BYTES_MAX, &text, &bytes, &err) < 0) {
		jota_found(ret, JOTA_FAIL, err.errnum == EFBIG ? JOTA_WHY_TOO_LARGE : JOTA_WHY_OPEN,
			   "%s", err.msg);
		return;
	}
	content = value[KEY].set ? find_key(text, value[KEY].text) : text;
	if (!content) {
		jota_found(ret, JOTA_FAIL, JOTA_WHY_CONTENT, "'%.100s' has no line '%.60s='", path,
			   value[KEY].text);
		return;
	}
	/* What ends a file or line is no part of its content. */
	for (size_t len = strlen(content); len > 0 && strchr(" \t\r\n", content[len - 1]); len--)
		content[len - 1] = '\0';
	judge(value, content, ret);
}

const struct jota_check_kind jota_kind_file = {
	.name = "file",
	.about = "a file is there and has the expected content",
	.phases = JOTA_PHASES_ALL,
	.field = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.conflict = conflict,
	.run = run_file,
};
