/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/mounts.h"

#include "base/err.h"
#include "base/number.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 32
#define FIELDS_BEFORE_TAGS 6

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* In place: the decoded text is never longer. */
static void unescape(char *field)
{
	char *to = field;

	for (const char *from = field; *from != '\0'; to++) {
		if (from[0] == '\\' && is_octal(from[1]) && is_octal(from[2]) && is_octal(from[3])) {
			int code = (from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0');

			*to = (char)(unsigned char)(code & 0xff);
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

static size_t split_line(char *line, char *field[FIELDS_MAX])
{
	size_t count = 0;

	while (*line != '\0' && count < FIELDS_MAX) {
		field[count++] = line;
		line += strcspn(line, " ");
		if (*line == ' ')
			*line++ = '\0';
	}
	return count;
}

static int parse_numbers(char *text, struct jota_mount *m)
{
	char *colon = strchr(text, ':');
	uint64_t major, minor;

	if (!colon)
		return -EINVAL;
	*colon = '\0';
	if (jota_parse_u64("major", text, 0, UINT32_MAX, &major, NULL) < 0 ||
	    jota_parse_u64("minor", colon + 1, 0, UINT32_MAX, &minor, NULL) < 0)
		return -EINVAL;
	m->major = (uint32_t)major;
	m->minor = (uint32_t)minor;
	return 0;
}

static int parse_line(char *line, struct jota_mount *ret)
{
	char *field[FIELDS_MAX];
	size_t count = split_line(line, field);
	size_t dash = FIELDS_BEFORE_TAGS;

	while (dash < count && strcmp(field[dash], "-") != 0)
		dash++;
	if (dash + 3 >= count || parse_numbers(field[2], ret) < 0)
		return -EINVAL;
	unescape(field[4]);
	for (size_t i = dash + 1; i <= dash + 3; i++)
		unescape(field[i]);
	ret->point = field[4];
	ret->type = field[dash + 1];
	ret->source = field[dash + 2];
	ret->super_options = field[dash + 3];
	return 0;
}

int jota_mounts_parse(char *text, struct jota_mounts *ret, struct jota_err *err)
{
	size_t lines = 1;
	char *next;

	for (const char *p = text; *p != '\0'; p++)
		lines += *p == '\n';
	*ret = (struct jota_mounts){ .text = text };
	ret->mount = calloc(lines, sizeof(*ret->mount));
	if (!ret->mount) {
		jota_mounts_done(ret);
		return jota_fail(err, ENOMEM, "read the mounts");
	}
	for (char *line = text; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (parse_line(line, &ret->mount[ret->count]) == 0)
			ret->count++;
	}
	return 0;
}

void jota_mounts_done(struct jota_mounts *mounts)
{
	free(mounts->mount);
	free(mounts->text);
	*mounts = (struct jota_mounts){ 0 };
}

/* Length of the mount point when it is path or a directory above it, else 0. */
static size_t match_point(const char *point, const char *path)
{
	size_t len = strlen(point);

	if (len == 0 || strncmp(point, path, len) != 0)
		return 0;
	if (point[len - 1] == '/' || path[len] == '/' || path[len] == '\0')
		return len;
	return 0;
}

const struct jota_mount *jota_mounts_holding(const struct jota_mounts *mounts, const char *path)
{
	const struct jota_mount *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; i < mounts->count; i++) {
		size_t len = match_point(mounts->mount[i].point, path);

		if (len > 0 && len >= best_len) {
			best_len = len;
			best = &mounts->mount[i];
		}
	}
	return best;
}

/* First layer of the next lowerdir= or lowerdir+= option at or behind `options`; NULL: none. */
static const char *find_lower_option(const char *options)
{
	static const char *const key[] = { "lowerdir=", "lowerdir+=" };

	while (*options != '\0') {
		for (size_t i = 0; i < sizeof(key) / sizeof(key[0]); i++)
			if (strncmp(options, key[i], strlen(key[i])) == 0)
				return options + strlen(key[i]);
		for (; *options != '\0' && *options != ','; options++)
			if (options[0] == '\\' && options[1] != '\0')
				options++;
		if (*options == ',')
			options++;
	}
	return NULL;
}

/* Overlayfs has its own escapes below those of mountinfo: a backslash before ':' , ',' or itself. */
static int copy_layer(const char **from, char *buf, size_t buf_bytes)
{
	size_t len = 0;

	for (; **from != '\0' && **from != ':' && **from != ','; (*from)++) {
		if (**from == '\\' && (*from)[1] != '\0')
			(*from)++;
		if (len + 1 >= buf_bytes)
			return -ENAMETOOLONG;
		buf[len++] = **from;
	}
	buf[len] = '\0';
	return len > 0;
}

int jota_mount_next_lower(const struct jota_mount *mount, const char **cursor, char *buf,
			  size_t buf_bytes)
{
	const char *at = *cursor ? *cursor : find_lower_option(mount->super_options);
	int r = 0;

	while (at && r == 0) {
		r = copy_layer(&at, buf, buf_bytes);
		if (*at == ':')
			at++;
		else
			at = *at == ',' ? find_lower_option(at + 1) : NULL;
	}
	/* An end of text marks "no more"; NULL would start again. */
	*cursor = at ? at : "";
	return r;
}
