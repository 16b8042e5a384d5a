/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What the files that read health.conf share. */
#pragma once

#include <libconfig.h>
#include <stdbool.h>
#include <stdint.h>

#include "health/plan.h"

struct jota_err;

/** Where a refusal happens: the file, and the check if it is inside one. */
struct jota_plan_place {
	const char *file;
	const char *check; /* NULL: at the top */
};

/** "<file> line <n>: <check>: <sentence>."; returns -EINVAL. The sentence comes without its full stop. */
int jota_plan_fail(const struct jota_plan_place *at, unsigned line, struct jota_err *err,
		   const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/** The same for a word that is not known: -ENOTSUP, because another version of this program may know it. */
int jota_plan_fail_unknown(const struct jota_plan_place *at, unsigned line, struct jota_err *err,
			   const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/** Seconds, whole or with a fraction, as milliseconds. -EINVAL outside the range. */
int jota_plan_seconds(const struct jota_plan_place *at, const config_setting_t *setting,
		      uint32_t min_ms, uint32_t max_ms, uint32_t *ret_ms, struct jota_err *err);
/** Copy of a text that is not empty, printable and fits. -EINVAL. */
int jota_plan_text(const struct jota_plan_place *at, const config_setting_t *setting, char *buf,
		   size_t buf_bytes, struct jota_err *err);
int jota_plan_bool(const struct jota_plan_place *at, const config_setting_t *setting, bool *ret,
		   struct jota_err *err);
int jota_plan_number(const struct jota_plan_place *at, const config_setting_t *setting, int64_t min,
		     int64_t max, int64_t *ret, struct jota_err *err);

/** A setting that is not common to all checks: a field of the kind, or refused with the list of fields. */
int jota_plan_field(const struct jota_plan_place *at, struct jota_check *check,
		    const config_setting_t *setting, struct jota_err *err);
/** Defaults for what was not given; -EINVAL when a required field is missing, or fields contradict one another. */
int jota_plan_settle_fields(const struct jota_plan_place *at, struct jota_check *check,
			    struct jota_err *err);
void jota_plan_free_fields(struct jota_check *check);

/** One entry of the list of checks. */
int jota_plan_check(const char *file, const config_setting_t *entry, struct jota_check *ret,
		    struct jota_err *err);
