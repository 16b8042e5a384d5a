/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Values of health.conf: common shapes, and the fields of a kind by its table. */
#include "health/plan_parse.h"

#include "base/err.h"
#include "health/kind.h"

#include <errno.h>
#include <inttypes.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REGEX_REPEATS_MAX 2u
#define TEXT_CHARS_MAX 1024u
#define LIST_MAX 32

static int fail_at(const struct jota_plan_place *at, unsigned line, int errnum,
		   struct jota_err *err, const char *fmt, va_list args)
{
	char text[JOTA_ERR_MSG_BYTES];

	if (vsnprintf(text, sizeof(text), fmt, args) < 0)
		text[0] = '\0';
	if (at->check && at->check[0] != '\0')
		return jota_fail(err, errnum, "%s line %u: check '%.47s': %s.", at->file, line,
				 at->check, text);
	return jota_fail(err, errnum, "%s line %u: %s.", at->file, line, text);
}

int jota_plan_fail(const struct jota_plan_place *at, unsigned line, struct jota_err *err,
		   const char *fmt, ...)
{
	va_list args;
	int r;

	va_start(args, fmt);
	r = fail_at(at, line, EINVAL, err, fmt, args);
	va_end(args);
	return r;
}

int jota_plan_fail_unknown(const struct jota_plan_place *at, unsigned line, struct jota_err *err,
			   const char *fmt, ...)
{
	va_list args;
	int r;

	va_start(args, fmt);
	r = fail_at(at, line, ENOTSUP, err, fmt, args);
	va_end(args);
	return r;
}

static unsigned line_of(const config_setting_t *setting)
{
	return config_setting_source_line(setting);
}

static bool is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static const char *text_of(const struct jota_plan_place *at, const config_setting_t *setting,
			   const char *name, struct jota_err *err)
{
	const char *text = config_setting_get_string(setting);

	if (config_setting_type(setting) != CONFIG_TYPE_STRING)
		(void)jota_plan_fail(at, line_of(setting), err, "%s must be a text in quotes", name);
	else if (text[0] == '\0')
		(void)jota_plan_fail(at, line_of(setting), err, "%s is empty", name);
	else if (strlen(text) > TEXT_CHARS_MAX || !is_printable(text))
		(void)jota_plan_fail(at, line_of(setting), err,
				     "%s must be printable and of at most %u characters", name,
				     TEXT_CHARS_MAX);
	else
		return text;
	return NULL;
}

int jota_plan_text(const struct jota_plan_place *at, const config_setting_t *setting, char *buf,
		   size_t buf_bytes, struct jota_err *err)
{
	const char *name = config_setting_name(setting);
	const char *text = text_of(at, setting, name, err);
	size_t len = text ? strlen(text) : 0;

	if (!text)
		return -EINVAL;
	if (len >= buf_bytes)
		return jota_plan_fail(at, line_of(setting), err,
				      "%s has %zu characters, at most %zu are possible", name, len,
				      buf_bytes - 1);
	memcpy(buf, text, len + 1);
	return 0;
}

int jota_plan_bool(const struct jota_plan_place *at, const config_setting_t *setting, bool *ret,
		   struct jota_err *err)
{
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
		return jota_plan_fail(at, line_of(setting), err, "%s must be true or false",
				      config_setting_name(setting));
	*ret = config_setting_get_bool(setting) != 0;
	return 0;
}

int jota_plan_number(const struct jota_plan_place *at, const config_setting_t *setting, int64_t min,
		     int64_t max, int64_t *ret, struct jota_err *err)
{
	int type = config_setting_type(setting);
	int64_t number = config_setting_get_int64(setting);

	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
		return jota_plan_fail(at, line_of(setting), err, "%s must be a whole number",
				      config_setting_name(setting));
	if (number < min || number > max)
		return jota_plan_fail(at, line_of(setting), err,
				      "%s is %" PRId64 ", expected %" PRId64 " to %" PRId64,
				      config_setting_name(setting), number, min, max);
	*ret = number;
	return 0;
}

int jota_plan_seconds(const struct jota_plan_place *at, const config_setting_t *setting,
		      uint32_t min_ms, uint32_t max_ms, uint32_t *ret_ms, struct jota_err *err)
{
	int type = config_setting_type(setting);
	const char *name = config_setting_name(setting);
	double seconds;

	if (type == CONFIG_TYPE_FLOAT)
		seconds = config_setting_get_float(setting);
	else if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64)
		seconds = (double)config_setting_get_int64(setting);
	else
		return jota_plan_fail(at, line_of(setting), err, "%s must be a number of seconds",
				      name);
	/* Written so that not-a-number is refused too. */
	if (!(seconds >= min_ms / 1000.0 && seconds <= max_ms / 1000.0))
		return jota_plan_fail(at, line_of(setting), err, "%s is %g, expected %g to %g",
				      name, seconds, min_ms / 1000.0, max_ms / 1000.0);
	*ret_ms = (uint32_t)(seconds * 1000.0 + 0.5);
	return 0;
}

static int take_copy(const char *text, char **ret, struct jota_err *err)
{
	*ret = strdup(text);
	return *ret ? 0 : jota_fail(err, ENOMEM, "read the health checks");
}

static bool is_safe_path(const char *path)
{
	if (path[0] != '/')
		return false;
	for (const char *p = strstr(path, "/.."); p; p = strstr(p + 1, "/.."))
		if (p[3] == '/' || p[3] == '\0')
			return false;
	return true;
}

static int check_word(const struct jota_plan_place *at, unsigned line, const struct jota_field *f,
		      const char *text, struct jota_err *err)
{
	char known[160] = "";
	size_t used = 0;

	for (size_t i = 0; f->choices[i]; i++) {
		int n;

		if (strcmp(f->choices[i], text) == 0)
			return 0;
		n = snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
			     f->choices[i]);
		used = n > 0 && used + (size_t)n < sizeof(known) ? used + (size_t)n : used;
	}
	return jota_plan_fail(at, line, err, "%s is '%.80s', expected one of: %s", f->name, text,
			      known);
}

static int check_regex(const struct jota_plan_place *at, unsigned line, const struct jota_field *f,
		       const char *text, struct jota_err *err)
{
	char why[96];
	regex_t compiled;
	size_t repeats = 0;
	int r;

	/* Nested ones multiply: compiling a{255}{255}{255} takes all memory there is. */
	for (const char *c = text; *c; c++)
		repeats += *c == '{';
	if (repeats > REGEX_REPEATS_MAX)
		return jota_plan_fail(at, line, err,
				      "%s '%.80s' has %zu repeat counts in braces, at most %u are "
				      "possible",
				      f->name, text, repeats, REGEX_REPEATS_MAX);
	r = regcomp(&compiled, text, REG_EXTENDED | REG_NOSUB);
	if (r == 0) {
		regfree(&compiled);
		return 0;
	}
	(void)regerror(r, &compiled, why, sizeof(why));
	return jota_plan_fail(at, line, err, "%s '%.80s' is no regular expression: %s", f->name,
			      text, why);
}

static int take_text(const struct jota_plan_place *at, const struct jota_field *f,
		     const config_setting_t *setting, struct jota_value *value, struct jota_err *err)
{
	const char *text = text_of(at, setting, f->name, err);
	unsigned line = line_of(setting);
	int r = 0;

	if (!text)
		return -EINVAL;
	if (f->type == JOTA_FIELD_PATH && !is_safe_path(text))
		r = jota_plan_fail(at, line, err, "%s '%.80s' is no absolute path without '..'",
				   f->name, text);
	else if (f->type == JOTA_FIELD_WORD)
		r = check_word(at, line, f, text, err);
	else if (f->type == JOTA_FIELD_REGEX)
		r = check_regex(at, line, f, text, err);
	return r < 0 ? r : take_copy(text, &value->text, err);
}

static int take_list(const struct jota_plan_place *at, const struct jota_field *f,
		     const config_setting_t *setting, struct jota_value *value, struct jota_err *err)
{
	int count = config_setting_length(setting);

	if (config_setting_type(setting) != CONFIG_TYPE_ARRAY &&
	    config_setting_type(setting) != CONFIG_TYPE_LIST)
		return jota_plan_fail(at, line_of(setting), err,
				      "%s must be a list of texts: [ \"one\", \"two\" ]", f->name);
	if (count < 1 || count > LIST_MAX)
		return jota_plan_fail(at, line_of(setting), err,
				      "%s has %d entries, expected 1 to %d", f->name, count,
				      LIST_MAX);
	value->list = calloc((size_t)count + 1, sizeof(*value->list));
	if (!value->list)
		return jota_fail(err, ENOMEM, "read the health checks");
	for (int i = 0; i < count; i++) {
		const config_setting_t *entry = config_setting_get_elem(setting, (unsigned)i);
		const char *text = text_of(at, entry, f->name, err);
		int r = text ? take_copy(text, &value->list[i], err) : -EINVAL;

		if (r < 0)
			return r;
	}
	return 0;
}

static int take_value(const struct jota_plan_place *at, const struct jota_field *f,
		      const config_setting_t *setting, struct jota_value *value,
		      struct jota_err *err)
{
	bool flag = false;
	int r;

	switch (f->type) {
	case JOTA_FIELD_TEXT:
	case JOTA_FIELD_PATH:
	case JOTA_FIELD_WORD:
	case JOTA_FIELD_REGEX:
		return take_text(at, f, setting, value, err);
	case JOTA_FIELD_NUMBER:
		return jota_plan_number(at, setting, f->min, f->max, &value->number, err);
	case JOTA_FIELD_BOOL:
		r = jota_plan_bool(at, setting, &flag, err);
		value->number = flag;
		return r;
	case JOTA_FIELD_LIST:
		return take_list(at, f, setting, value, err);
	}
	return -EINVAL;
}

static int fail_unknown(const struct jota_plan_place *at, const struct jota_check_kind *kind,
			const config_setting_t *setting, struct jota_err *err)
{
	char known[200] = "";
	size_t used = 0;

	for (size_t i = 0; i < kind->field_count; i++) {
		int n = snprintf(known + used, sizeof(known) - used, ", %s", kind->field[i].name);

		used = n > 0 && used + (size_t)n < sizeof(known) ? used + (size_t)n : used;
	}
	return jota_plan_fail_unknown(
		at, line_of(setting), err,
		"field '%.40s' is not known, a check of kind '%s' has: name, kind, phase, "
		"severity, deadline_s, retries, interval_s, baseline, once%s",
		config_setting_name(setting), kind->name, known);
}

int jota_plan_field(const struct jota_plan_place *at, struct jota_check *check,
		    const config_setting_t *setting, struct jota_err *err)
{
	const struct jota_check_kind *kind = check->kind;

	for (size_t i = 0; i < kind->field_count; i++) {
		if (strcmp(kind->field[i].name, config_setting_name(setting)) != 0)
			continue;
		check->value[i].set = true;
		return take_value(at, &kind->field[i], setting, &check->value[i], err);
	}
	return fail_unknown(at, kind, setting, err);
}

int jota_plan_settle_fields(const struct jota_plan_place *at, struct jota_check *check,
			    struct jota_err *err)
{
	const struct jota_check_kind *kind = check->kind;
	const char *why;

	for (size_t i = 0; i < kind->field_count; i++) {
		const struct jota_field *f = &kind->field[i];
		struct jota_value *value = &check->value[i];

		if (value->set)
			continue;
		if (f->required)
			return jota_plan_fail(at, check->line, err,
					      "field '%s' is missing, kind '%s' needs it: %s",
					      f->name, kind->name, f->about);
		if (f->has_number) {
			value->number = f->number;
			value->set = true;
		} else if (f->fallback) {
			int r = take_copy(f->fallback, &value->text, err);

			if (r < 0)
				return r;
			value->set = true;
		}
	}
	why = kind->conflict ? kind->conflict(check) : NULL;
	return why ? jota_plan_fail(at, check->line, err, "%s", why) : 0;
}

void jota_plan_free_fields(struct jota_check *check)
{
	for (size_t i = 0; i < JOTA_FIELDS_MAX; i++) {
		struct jota_value *value = &check->value[i];

		for (size_t k = 0; value->list && value->list[k]; k++)
			free(value->list[k]);
		free(value->list);
		free(value->text);
		*value = (struct jota_value){ 0 };
	}
}
