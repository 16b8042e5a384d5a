/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * A kind of check: its fields and the function that does it. A new kind is one such struct and one row in kinds.c.
 * The function runs in a process of its own, with nothing open but its result: it may leak, block and crash.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "health/health.h"
#include "health/plan.h"

#define JOTA_TOKEN_BYTES 96

enum jota_field_type {
	JOTA_FIELD_TEXT,
	JOTA_FIELD_PATH,   /* absolute, without ".." */
	JOTA_FIELD_WORD,   /* one of choices */
	JOTA_FIELD_REGEX,  /* POSIX extended; compiled once when the plan is read */
	JOTA_FIELD_NUMBER, /* min..max */
	JOTA_FIELD_BOOL,
	JOTA_FIELD_LIST, /* of texts, 1..32 */
};

struct jota_field {
	const char *name;
	enum jota_field_type type;
	bool required;
	int64_t min, max;	    /* NUMBER */
	const char *fallback;	    /* texts; NULL: none */
	bool has_number;	    /* number is a default */
	int64_t number;		    /* NUMBER and BOOL: default */
	const char *const *choices; /* WORD: NULL-terminated */
	const char *about;	    /* for `jetson-health explain` */
};

/** What a check function gets to know. */
struct jota_check_run {
	const struct jota_io *io;
	const struct jota_check *check;
	const struct jota_health_context *context;
	const char *token;    /* what the first round left behind, NULL in the first round */
	uint64_t deadline_ms; /* on jota_now_ms()'s clock; the process is killed soon after */
};

/** What a check function found. */
struct jota_finding {
	enum jota_status status;
	enum jota_reason reason;
	char message[JOTA_HEALTH_MESSAGE_BYTES];
	char token[JOTA_TOKEN_BYTES]; /* for the second round, "" none */
};

struct jota_check_kind {
	const char *name;
	const char *about;
	unsigned phases; /* in which it makes sense; bits: 1u << JOTA_PHASE_... */
	const struct jota_field *field;
	size_t field_count; /* at most JOTA_FIELDS_MAX */
	/* what the table cannot say: fields that need one another. 0 or a sentence without its end. NULL: nothing */
	const char *(*conflict)(const struct jota_check *check);
	void (*run)(const struct jota_check_run *run, struct jota_finding *ret);
};

#define JOTA_PHASES_ALL ((1u << JOTA_PHASE_COUNT) - 1)

/** Kind by name; NULL. */
const struct jota_check_kind *jota_kind_find(const char *name);
/** i-th kind, NULL past the end. */
const struct jota_check_kind *jota_kind_at(size_t i);

/** Fill a finding. The text is cut to fit and made printable. */
void jota_found(struct jota_finding *ret, enum jota_status status, enum jota_reason reason,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/** Replace what a terminal could take for a command; blanks at both ends go. In place. */
void jota_make_printable(char *text);

/** Milliseconds of a clock that never steps. */
uint64_t jota_now_ms(void);
/** Milliseconds until a time on that clock, 0 when it has passed. */
uint32_t jota_left_ms(uint64_t deadline_ms);

extern const struct jota_check_kind jota_kind_systemd_unit, jota_kind_command, jota_kind_http,
	jota_kind_tcp, jota_kind_mount, jota_kind_space, jota_kind_device, jota_kind_file,
	jota_kind_esrt, jota_kind_kernel_modules, jota_kind_update_path, jota_kind_update_server,
	jota_kind_new_filesystem, jota_kind_new_init, jota_kind_new_release, jota_kind_new_modules,
	jota_kind_new_command_line, jota_kind_new_units, jota_kind_new_anchor, jota_kind_new_health;
