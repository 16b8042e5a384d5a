/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "health/extlinux.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "health/newroot.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define TEXT_BYTES_MAX 65536u
#define BLANKS " \t\r"

/* A line: its keyword, and the value behind it without blanks at its ends. */
struct line {
	unsigned number;
	const char *word, *value;
	size_t word_len, value_len;
};

/* False at the end. Comments and empty lines are passed over. */
static bool next_line(const char **at, struct line *ret)
{
	while (**at != '\0') {
		const char *begin = *at;
		size_t len = strcspn(begin, "\n");

		*at += len + (begin[len] == '\n');
		ret->number++;
		while (len > 0 && strchr(BLANKS, begin[len - 1]))
			len--;
		ret->word = begin + strspn(begin, BLANKS);
		if (ret->word >= begin + len || *ret->word == '#')
			continue;
		ret->word_len = strcspn(ret->word, BLANKS "\n");
		ret->value = ret->word + ret->word_len;
		ret->value += strspn(ret->value, BLANKS);
		ret->value_len = ret->value < begin + len ? (size_t)(begin + len - ret->value) : 0;
		return true;
	}
	return false;
}

static bool is_word(const struct line *line, const char *word)
{
	return line->word_len == strlen(word) && strncasecmp(line->word, word, line->word_len) == 0;
}

static bool is_label(const struct line *line, const char *label)
{
	return is_word(line, "LABEL") && line->value_len == strlen(label) &&
	       strncmp(line->value, label, line->value_len) == 0;
}

static int take(const struct line *line, char *buf, size_t buf_bytes, struct jota_err *err)
{
	if (line->value_len == 0 || line->value_len >= buf_bytes)
		return jota_fail(err, EINVAL,
				 "line %u: the value of %.*s has %zu bytes, expected 1 to %zu.",
				 line->number, (int)(line->word_len < 16 ? line->word_len : 16),
				 line->word, line->value_len, buf_bytes - 1);
	memcpy(buf, line->value, line->value_len);
	buf[line->value_len] = '\0';
	return 0;
}

/* Which entry boots, and that there is exactly one of that name. */
static int find_label(const char *text, struct jota_extlinux *ret, struct jota_err *err)
{
	struct line line = { 0 };
	char first[JOTA_EXTLINUX_LABEL_BYTES] = "";
	unsigned count = 0;
	int r = 0;

	for (const char *at = text; r == 0 && next_line(&at, &line);)
		if (is_word(&line, "DEFAULT"))
			r = take(&line, ret->label, sizeof(ret->label), err);
		else if (is_word(&line, "LABEL") && first[0] == '\0')
			r = take(&line, first, sizeof(first), err);
		else if (is_word(&line, "INCLUDE"))
			r = jota_fail(err, EOPNOTSUPP,
				      "line %u: it includes another file, which is not read here.",
				      line.number);
	if (r < 0)
		return r;
	if (first[0] == '\0')
		return jota_fail(err, EINVAL, "it has no LABEL, so nothing to boot.");
	if (ret->label[0] == '\0')
		memcpy(ret->label, first, sizeof(first));
	line.number = 0;
	for (const char *at = text; next_line(&at, &line);)
		count += is_label(&line, ret->label);
	if (count == 1)
		return 0;
	return jota_fail(err, EINVAL, "%u entries have the label '%s' that boots, expected 1.",
			 count, ret->label);
}

static int take_path(const struct line *line, char path[PATH_MAX], struct jota_err *err)
{
	int r = take(line, path, PATH_MAX, err);

	if (r == 0 && path[0] != '/')
		r = jota_fail(err, EINVAL, "line %u: '%.120s' is no absolute path.", line->number,
			      path);
	return r;
}

static int take_field(const struct line *line, struct jota_extlinux *ret, struct jota_err *err)
{
	/* U-Boot knows both names. */
	if (is_word(line, "LINUX") || is_word(line, "KERNEL"))
		return take_path(line, ret->kernel, err);
	if (is_word(line, "INITRD"))
		return take_path(line, ret->initrd, err);
	if (is_word(line, "FDT") || is_word(line, "DEVICETREE"))
		return take_path(line, ret->fdt, err);
	/* An empty one is fine. */
	if (is_word(line, "APPEND") && line->value_len > 0)
		return take(line, ret->append, sizeof(ret->append), err);
	return 0;
}

int jota_extlinux_parse(const char *text, struct jota_extlinux *ret, struct jota_err *err)
{
	struct line line = { 0 };
	bool inside = false;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = find_label(text, ret, err);
	for (const char *at = text; r == 0 && next_line(&at, &line);) {
		if (is_word(&line, "LABEL"))
			inside = is_label(&line, ret->label);
		else if (inside)
			r = take_field(&line, ret, err);
	}
	if (r == 0 && ret->kernel[0] == '\0')
		r = jota_fail(err, EINVAL, "entry '%s' has no LINUX line.", ret->label);
	return r;
}

int jota_extlinux_read(const struct jota_newroot *root, struct jota_extlinux *ret,
		       struct jota_err *err)
{
	CLEANUP_FREE char *text = NULL;
	int r = jota_newroot_text(root, JOTA_EXTLINUX_PATH, TEXT_BYTES_MAX, &text, err);

	if (r < 0)
		return r == -ENOTDIR ? -ENOENT : r;
	r = jota_extlinux_parse(text, ret, err);
	return r < 0 ? jota_wrap(err, "'" JOTA_EXTLINUX_PATH "' of the new root: ") : 0;
}
