/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/fw_env.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "base/number.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX 16384u
#define FIELDS_MIN 3u
#define FIELDS_MAX 5u
#define SIZE_BYTES_MIN 4096u
#define SIZE_BYTES_MAX 1048576u
#define COPY_COUNT 2u

static const char classic_form[] = "'<device> <offset> <size>', for example "
				   "'/dev/mmcblk0 0x700000 0x20000'";

/* One line, split in place. */
struct line {
	const char *name; /* of the file */
	unsigned number;
	size_t field_count;
	char *field[FIELDS_MAX + 1];
};

/*
 * Fields of a line; a field that starts with '#' begins a comment. One field too many is kept, so
 * that it is seen.
 */
static void split_line(char *text, struct line *line)
{
	static const char blanks[] = " \t\r";

	line->field_count = 0;
	for (text += strspn(text, blanks); *text != '\0'; text += strspn(text, blanks)) {
		if (*text == '#' || line->field_count > FIELDS_MAX)
			return;
		line->field[line->field_count++] = text;
		text += strcspn(text, blanks);
		if (*text != '\0')
			*text++ = '\0';
	}
}

/*
 * U-Boot's tools read a size without 0x as hexadecimal too and an offset with a leading zero as
 * octal. What looks like one number and is another is refused instead of guessed.
 */
static int parse_number(const struct line *line, const char *what, const char *text, bool needs_hex,
			uint64_t max, uint64_t *ret_value, struct jota_err *err)
{
	/* check_form() saw that many fields. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	char subject[300];

	if (text[0] == '-')
		return jota_fail(
			err, EINVAL,
			"%s line %u: %s '%s' is negative (counted from the end of the device): "
			"give it from the start.",
			line->name, line->number, what, text);
	if ((needs_hex && !hex) || (!hex && text[0] == '0' && text[1] != '\0'))
		return jota_fail(
			err, EINVAL,
			"%s line %u: %s '%s' is not unambiguous, U-Boot's tools do not read it as "
			"decimal: write it as 0x... .",
			line->name, line->number, what, text);
	(void)snprintf(subject, sizeof(subject), "%s line %u: %s", line->name, line->number, what);
	if (jota_parse_u64(subject, text, 0, max, ret_value, err) < 0)
		return jota_fail(err, EINVAL,
				 "%s line %u: %s '%s' is not a number up to %" PRIu64 ".",
				 line->name, line->number, what, text, max);
	return 0;
}

static int check_form(const struct line *line, struct jota_err *err)
{
	const char *first = line->field[0];
	size_t len = strlen(first);

	if (strcmp(first, "-") == 0 || strcmp(first, "---") == 0 || first[len - 1] == ':')
		return jota_fail(
			err, EINVAL,
			"%s line %u: this is the YAML form, which is not supported: write two "
			"lines %s.",
			line->name, line->number, classic_form);
	if (line->field_count < FIELDS_MIN || line->field_count > FIELDS_MAX)
		return jota_fail(
			err, EINVAL,
			"%s line %u has %s fields, expected %s, then at most sector size and "
			"number of sectors.",
			line->name, line->number,
			line->field_count < FIELDS_MIN ? "too few" : "too many", classic_form);
	if (first[0] != '/' || len >= sizeof(((struct jota_fw_env_copy *)NULL)->device))
		return jota_fail(err, EINVAL,
				 "%s line %u: device '%s' is not an absolute path, expected %s.",
				 line->name, line->number, first, classic_form);
	return 0;
}

static int parse_copy(const struct line *line, struct jota_fw_env_copy *ret_copy,
		      uint64_t *ret_size_bytes, struct jota_err *err)
{
	uint64_t ignored;
	int r;

	r = check_form(line, err);
	if (r == 0)
		r = parse_number(line, "offset", line->field[1], false, INT64_MAX - SIZE_BYTES_MAX,
				 &ret_copy->offset_bytes, err);
	if (r == 0)
		r = parse_number(line, "size", line->field[2], true, UINT64_MAX, ret_size_bytes,
				 err);
	/* Flash geometry: means nothing on a disk, but must not hide a typing error. */
	for (size_t i = FIELDS_MIN; r == 0 && i < line->field_count; i++)
		r = parse_number(line, i == FIELDS_MIN ? "sector size" : "number of sectors",
				 line->field[i], false, UINT32_MAX, &ignored, err);
	if (r < 0)
		return r;
	if (*ret_size_bytes < SIZE_BYTES_MIN || *ret_size_bytes > SIZE_BYTES_MAX)
		return jota_fail(err, EINVAL,
				 "%s line %u: size '%s' is out of range: expected 0x%x to 0x%x.",
				 line->name, line->number, line->field[2], SIZE_BYTES_MIN,
				 SIZE_BYTES_MAX);
	(void)snprintf(ret_copy->device, sizeof(ret_copy->device), "%s", line->field[0]);
	return 0;
}

static bool copies_overlap(const struct jota_fw_env *env)
{
	uint64_t a = env->copy[0].offset_bytes;
	uint64_t b = env->copy[1].offset_bytes;

	return strcmp(env->copy[0].device, env->copy[1].device) == 0 && a < b + env->size_bytes &&
	       b < a + env->size_bytes;
}

static int check_copies(const char *name, size_t count, const struct jota_fw_env *env,
			struct jota_err *err)
{
	if (count == 0)
		return jota_fail(err, EINVAL, "%s names no environment: write two lines %s.", name,
				 classic_form);
	if (count == 1)
		return jota_fail(
			err, EINVAL,
			"%s names one copy only: without a second one a power cut during a store "
			"would lose the environment; give both copies of a redundant environment.",
			name);
	if (copies_overlap(env))
		return jota_fail(err, EINVAL,
				 "%s: the copies at 0x%" PRIx64 " and 0x%" PRIx64
				 " of '%s' overlap, each takes 0x%" PRIx64 " bytes.",
				 name, env->copy[0].offset_bytes, env->copy[1].offset_bytes,
				 env->copy[0].device, env->size_bytes);
	return 0;
}

static int add_copy(const struct line *line, size_t count, struct jota_fw_env *env,
		    struct jota_err *err)
{
	uint64_t size_bytes = 0;
	int r;

	if (count == COPY_COUNT)
		return jota_fail(err, EINVAL, "%s line %u: a third copy, expected two lines.",
				 line->name, line->number);
	r = parse_copy(line, &env->copy[count], &size_bytes, err);
	if (r < 0)
		return r;
	if (count > 0 && size_bytes != env->size_bytes)
		return jota_fail(err, EINVAL,
				 "%s line %u: size 0x%" PRIx64
				 " differs from that of the first copy, 0x%" PRIx64
				 ": both must be the same.",
				 line->name, line->number, size_bytes, env->size_bytes);
	env->size_bytes = size_bytes;
	return 0;
}

int jota_fw_env_parse(const char *name, const char *text, struct jota_fw_env *ret,
		      struct jota_err *err)
{
	CLEANUP_FREE char *work = strdup(text);
	struct jota_fw_env env = { 0 };
	struct line line = { .name = name };
	size_t count = 0;
	char *next;
	int r;

	if (!work)
		return jota_fail(err, ENOMEM, "parse %s", name);
	for (char *at = work; at; at = next) {
		next = strchr(at, '\n');
		if (next)
			*next++ = '\0';
		line.number++;
		split_line(at, &line);
		if (line.field_count == 0)
			continue;
		r = add_copy(&line, count, &env, err);
		if (r < 0)
			return r;
		count++;
	}
	r = check_copies(name, count, &env, err);
	if (r < 0)
		return r;
	*ret = env;
	return 0;
}

int jota_fw_env_read(const struct jota_io *io, const char *path, struct jota_fw_env *ret,
		     struct jota_err *err)
{
	CLEANUP_FREE char *text = NULL;
	size_t len_bytes = 0;
	int r;

	r = jota_io_read_file(io, path, FILE_BYTES_MAX, &text, &len_bytes, err);
	if (r == -ENOENT)
		return jota_fail(
			err, ENOENT,
			"there is no %s, which says where the U-Boot environment lies: write "
			"two lines %s, with the numbers of this board's U-Boot, or name the "
			"file as env_config in /etc/swupdate-jetson.conf.",
			path, classic_form);
	if (r < 0)
		return r;
	if (strlen(text) != len_bytes)
		return jota_fail(err, EINVAL, "%s is not a text file: it has a NUL byte at %zu.",
				 path, strlen(text));
	return jota_fw_env_parse(path, text, ret, err);
}
