/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* One entry of the list of checks: what all checks have in common. */
#include "health/plan_parse.h"

#include "base/err.h"
#include "health/kind.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DEADLINE_MIN_MS 100u
#define DEADLINE_MAX_MS 3600000u
#define INTERVAL_DEFAULT_MS 2000u
#define INTERVAL_MAX_MS 600000u
#define RETRIES_MAX 1000

static unsigned line_of(const config_setting_t *setting)
{
	return config_setting_source_line(setting);
}

static int take_name(const struct jota_plan_place *at, struct jota_check *check,
		     const config_setting_t *setting, struct jota_err *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	int r = jota_plan_text(at, setting, check->name, sizeof(check->name), err);

	if (r == 0 && (check->name[strspn(check->name, letters)] != '\0' || check->name[0] == '-'))
		r = jota_plan_fail(at, line_of(setting), err,
				   "name '%s' may have letters, digits, '.', '_' and '-' only, and "
				   "must not start with '-'",
				   check->name);
	return r;
}

static int take_kind(const struct jota_plan_place *at, struct jota_check *check,
		     const config_setting_t *setting, struct jota_err *err)
{
	char text[JOTA_HEALTH_WORD_BYTES], known[320] = "";
	size_t used = 0;
	int r = jota_plan_text(at, setting, text, sizeof(text), err);

	if (r < 0)
		return r;
	check->kind = jota_kind_find(text);
	if (check->kind)
		return 0;
	for (size_t i = 0; jota_kind_at(i); i++) {
		int n = snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
				 jota_kind_at(i)->name);

		used = n > 0 && used + (size_t)n < sizeof(known) ? used + (size_t)n : used;
	}
	return jota_plan_fail_unknown(at, line_of(setting), err,
				      "kind '%s' is not known, there are: %s", text, known);
}

static int take_phase(const struct jota_plan_place *at, struct jota_check *check,
		      const config_setting_t *setting, struct jota_err *err)
{
	int count = config_setting_is_aggregate(setting) ? config_setting_length(setting) : 1;

	check->phases = 0;
	for (int i = 0; i < count; i++) {
		const config_setting_t *entry =
			config_setting_is_aggregate(setting) ?
				config_setting_get_elem(setting, (unsigned)i) :
				setting;
		const char *text = config_setting_type(entry) == CONFIG_TYPE_STRING ?
					   config_setting_get_string(entry) :
					   "";
		enum jota_phase phase;

		if (jota_phase_parse(text, &phase) < 0 || phase == JOTA_PHASE_BASELINE)
			return jota_plan_fail_unknown(
				at, line_of(setting), err,
				"phase '%.40s' is not known, expected \"preflip\", \"postboot\" "
				"or a list of both",
				text);
		check->phases |= 1u << phase;
	}
	if (!check->phases)
		return jota_plan_fail(at, line_of(setting), err, "phase is an empty list");
	return 0;
}

static int take_severity(const struct jota_plan_place *at, struct jota_check *check,
			 const config_setting_t *setting, struct jota_err *err)
{
	char text[JOTA_HEALTH_WORD_BYTES];
	int r = jota_plan_text(at, setting, text, sizeof(text), err);

	if (r == 0 && jota_severity_parse(text, &check->severity) < 0)
		r = jota_plan_fail(at, line_of(setting), err,
				   "severity is '%s', expected \"critical\" or \"warning\"", text);
	return r;
}

static int take_deadline(const struct jota_plan_place *at, struct jota_check *check,
			 const config_setting_t *setting, struct jota_err *err)
{
	return jota_plan_seconds(at, setting, DEADLINE_MIN_MS, DEADLINE_MAX_MS, &check->deadline_ms,
				 err);
}

static int take_retries(const struct jota_plan_place *at, struct jota_check *check,
			const config_setting_t *setting, struct jota_err *err)
{
	int64_t number = 0;
	int r = jota_plan_number(at, setting, 0, RETRIES_MAX, &number, err);

	check->retries = (uint32_t)number;
	return r;
}

static int take_interval(const struct jota_plan_place *at, struct jota_check *check,
			 const config_setting_t *setting, struct jota_err *err)
{
	return jota_plan_seconds(at, setting, 0, INTERVAL_MAX_MS, &check->interval_ms, err);
}

static int take_baseline(const struct jota_plan_place *at, struct jota_check *check,
			 const config_setting_t *setting, struct jota_err *err)
{
	return jota_plan_bool(at, setting, &check->baseline, err);
}

static int take_once(const struct jota_plan_place *at, struct jota_check *check,
		     const config_setting_t *setting, struct jota_err *err)
{
	return jota_plan_bool(at, setting, &check->once, err);
}

static const struct {
	const char *name;
	int (*take)(const struct jota_plan_place *at, struct jota_check *check,
		    const config_setting_t *setting, struct jota_err *err);
} common[] = {
	{ "name", take_name },		 { "kind", take_kind },
	{ "phase", take_phase },	 { "severity", take_severity },
	{ "deadline_s", take_deadline }, { "retries", take_retries },
	{ "interval_s", take_interval }, { "baseline", take_baseline },
	{ "once", take_once },
};
#define COMMON_COUNT (sizeof(common) / sizeof(common[0]))

static int take_setting(const struct jota_plan_place *at, struct jota_check *check,
			const config_setting_t *setting, struct jota_err *err)
{
	for (size_t i = 0; i < COMMON_COUNT; i++)
		if (strcmp(common[i].name, config_setting_name(setting)) == 0)
			/* Name and kind were taken before all others. */
			return i < 2 ? 0 : common[i].take(at, check, setting, err);
	return jota_plan_field(at, check, setting, err);
}

static int take_identity(struct jota_plan_place *at, struct jota_check *check,
			 const config_setting_t *entry, struct jota_err *err)
{
	for (size_t i = 0; i < 2; i++) {
		const config_setting_t *setting = config_setting_get_member(entry, common[i].name);
		int r;

		if (!setting)
			return jota_plan_fail(at, check->line, err, "field '%s' is missing",
					      common[i].name);
		r = common[i].take(at, check, setting, err);
		if (r < 0)
			return r;
		at->check = check->name;
	}
	return 0;
}

static int check_phases(const struct jota_plan_place *at, const struct jota_check *check,
			struct jota_err *err)
{
	if (check->phases & ~check->kind->phases)
		return jota_plan_fail(
			at, check->line, err, "kind '%s' cannot run in phase preflip: %s",
			check->kind->name, "what it looks at belongs to a booted system");
	if (check->baseline && !(check->phases & (1u << JOTA_PHASE_POSTBOOT)))
		return jota_plan_fail(
			at, check->line, err,
			"baseline is for phase postboot, this check does not run there");
	return 0;
}

int jota_plan_check(const char *file, const config_setting_t *entry, struct jota_check *ret,
		    struct jota_err *err)
{
	struct jota_plan_place at = { .file = file };
	int r;

	*ret = (struct jota_check){ .phases = 1u << JOTA_PHASE_POSTBOOT,
				    .interval_ms = INTERVAL_DEFAULT_MS,
				    .line = line_of(entry) };
	if (!config_setting_is_group(entry))
		return jota_plan_fail(&at, ret->line, err,
				      "each entry of checks must be a group: { name = ...; }");
	r = take_identity(&at, ret, entry, err);
	for (int i = 0; r == 0 && i < config_setting_length(entry); i++)
		r = take_setting(&at, ret, config_setting_get_elem(entry, (unsigned)i), err);
	if (r == 0)
		r = jota_plan_settle_fields(&at, ret, err);
	if (r == 0)
		r = check_phases(&at, ret, err);
	return r;
}
