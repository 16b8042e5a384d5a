/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE /* asprintf */
#include "swu/recipe_keys.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/number.h"
#include "swu/recipe.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 32
#define TEXT_BYTES_MAX 4096

int jota_key_fail(const struct jota_key_reader *reader, unsigned line, struct jota_err *err,
		  const char *fmt, ...)
{
	char text[JOTA_ERR_MSG_BYTES];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (line == 0)
		return jota_fail(err, EINVAL, "%s: %s.", reader->path, text);
	return jota_fail(err, EINVAL, "%s line %u: %s.", reader->path, line, text);
}

int jota_key_text(const struct jota_key_reader *reader, const config_setting_t *setting, char **ret,
		  struct jota_err *err)
{
	unsigned line = config_setting_source_line(setting);
	const char *name = config_setting_name(setting);
	const char *text = config_setting_get_string(setting);

	if (!name)
		name = "an entry of the list";
	if (config_setting_type(setting) != CONFIG_TYPE_STRING)
		return jota_key_fail(reader, line, err, "%s must be a text in quotes", name);
	if (text[0] == '\0')
		return jota_key_fail(reader, line, err, "%s is empty", name);
	if (strlen(text) > TEXT_BYTES_MAX)
		return jota_key_fail(reader, line, err, "%s is longer than %d bytes", name,
				     TEXT_BYTES_MAX);
	*ret = strdup(text);
	return *ret ? 0 : jota_fail(err, ENOMEM, "%s", reader->path);
}

static int take_path(const struct jota_key_reader *reader, const config_setting_t *setting,
		     char **ret, struct jota_err *err)
{
	CLEANUP_FREE char *text = NULL;
	int r = jota_key_text(reader, setting, &text, err);

	if (r < 0 || !text)
		return r;
	if (text[0] == '/' || reader->folder[0] == '\0' || strncmp(text, "pkcs11:", 7) == 0) {
		*ret = take_ptr(&text);
		return 0;
	}
	if (asprintf(ret, "%s%s", reader->folder, text) < 0)
		return jota_fail(err, ENOMEM, "%s", reader->path);
	return 0;
}

static int take_uint(const struct jota_key_reader *reader, const config_setting_t *setting,
		     const struct jota_key *key, unsigned *ret, struct jota_err *err)
{
	unsigned line = config_setting_source_line(setting);
	long long value;

	if (config_setting_type(setting) != CONFIG_TYPE_INT &&
	    config_setting_type(setting) != CONFIG_TYPE_INT64)
		return jota_key_fail(reader, line, err, "%s must be a whole number", key->name);
	value = config_setting_get_int64(setting);
	if (value < (long long)key->min || value > (long long)key->max)
		return jota_key_fail(reader, line, err, "%s is %lld, expected %u to %u", key->name,
				     value, key->min, key->max);
	*ret = (unsigned)value;
	return 0;
}

/* "2 GiB", "512 MiB", "1048576". */
static int parse_bytes(const char *text, uint64_t *ret)
{
	static const struct {
		const char *name;
		unsigned shift;
	} units[] = { { "", 0 }, { "KiB", 10 }, { "MiB", 20 }, { "GiB", 30 }, { "TiB", 40 } };
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits + strspn(text + digits, " ");
	char number[24];
	uint64_t value;

	if (digits == 0 || digits >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, digits);
	number[digits] = '\0';
	if (jota_parse_u64("size", number, 1, INT64_MAX, &value, NULL) < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].name) != 0)
			continue;
		if (value > (uint64_t)INT64_MAX >> units[i].shift)
			return -EINVAL;
		*ret = value << units[i].shift;
		return 0;
	}
	return -EINVAL;
}

static int take_bytes(const struct jota_key_reader *reader, const config_setting_t *setting,
		      uint64_t *ret, struct jota_err *err)
{
	const char *name = config_setting_name(setting);
	unsigned line = config_setting_source_line(setting);
	int type = config_setting_type(setting);
	long long value;

	if (type == CONFIG_TYPE_STRING) {
		const char *text = config_setting_get_string(setting);

		if (parse_bytes(text, ret) == 0)
			return 0;
		return jota_key_fail(reader, line, err,
				     "%s '%.40s' is not a size, expected for example \"2 GiB\"",
				     name, text);
	}
	value = type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64 ?
			config_setting_get_int64(setting) :
			0;
	if (value <= 0)
		return jota_key_fail(reader, line, err,
				     "%s must be a number of bytes or a text like \"2 GiB\"", name);
	*ret = (uint64_t)value;
	return 0;
}

static int take_words(const struct jota_key_reader *reader, const config_setting_t *setting,
		      struct jota_strings *ret, struct jota_err *err)
{
	unsigned line = config_setting_source_line(setting);
	const char *name = config_setting_name(setting);
	bool one = config_setting_type(setting) == CONFIG_TYPE_STRING;
	int count = one ? 1 : config_setting_length(setting);

	if (!one && !config_setting_is_array(setting) && !config_setting_is_list(setting))
		return jota_key_fail(reader, line, err, "%s must be a list of texts", name);
	if (count == 0 || count > WORDS_MAX)
		return jota_key_fail(reader, line, err, "%s has %d entries, expected 1 to %d", name,
				     count, WORDS_MAX);
	ret->item = calloc((size_t)count, sizeof(*ret->item));
	if (!ret->item)
		return jota_fail(err, ENOMEM, "%s", reader->path);
	ret->count = (size_t)count;
	for (int i = 0; i < count; i++) {
		int r = jota_key_text(reader,
				      one ? setting : config_setting_get_elem(setting, (unsigned)i),
				      &ret->item[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int take_one(const struct jota_key_reader *reader, const config_setting_t *setting,
		    const struct jota_key *key, void *object, struct jota_err *err)
{
	void *at = (char *)object + key->offset_bytes;

	switch (key->type) {
	case JOTA_KEY_TEXT:
		return jota_key_text(reader, setting, at, err);
	case JOTA_KEY_PATH:
		return take_path(reader, setting, at, err);
	case JOTA_KEY_BOOL:
		if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
			return jota_key_fail(reader, config_setting_source_line(setting), err,
					     "%s must be true or false", key->name);
		*(bool *)at = config_setting_get_bool(setting) == CONFIG_TRUE;
		return 0;
	case JOTA_KEY_UINT:
		return take_uint(reader, setting, key, at, err);
	case JOTA_KEY_BYTES:
		return take_bytes(reader, setting, at, err);
	case JOTA_KEY_WORDS:
		return take_words(reader, setting, at, err);
	case JOTA_KEY_CALL:
		return key->take(reader, setting, object, err);
	}
	return jota_fail(err, EINVAL, "%s: key %s", reader->path, key->name);
}

static int fail_unknown(const struct jota_key_reader *reader, const config_setting_t *setting,
			const struct jota_key *keys, size_t key_count, struct jota_err *err)
{
	char known[200] = "";
	size_t used = 0;

	for (size_t i = 0; i < key_count && used < sizeof(known); i++) {
		int n = snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
				 keys[i].name);

		used += n < 0 ? 0 : (size_t)n;
	}
	return jota_key_fail(reader, config_setting_source_line(setting), err,
			     "key '%.60s' is not known here, there are: %s",
			     config_setting_name(setting), known);
}

int jota_keys_take(const struct jota_key_reader *reader, const config_setting_t *group,
		   const struct jota_key *keys, size_t key_count, void *object, struct jota_err *err)
{
	int count = config_setting_length(group);

	if (!config_setting_is_group(group))
		return jota_key_fail(reader, config_setting_source_line(group), err,
				     "expected a group of keys in { } here");
	for (int i = 0; i < count; i++) {
		const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(setting);
		size_t k = 0;
		int r;

		while (k < key_count && strcmp(keys[k].name, name) != 0)
			k++;
		if (k == key_count)
			return fail_unknown(reader, setting, keys, key_count, err);
		r = take_one(reader, setting, &keys[k], object, err);
		if (r < 0)
			return r;
	}
	return 0;
}
