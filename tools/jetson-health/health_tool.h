/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What the verbs of jetson-health share. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "health/health.h"

struct boot;
struct jota_err;
struct jota_io;
struct jota_plan;
struct json_object;

enum {
	EXIT_WELL = 0,	      /* healthy, or nothing to do */
	EXIT_UNWELL = 1,      /* a critical check failed, the slot stays */
	EXIT_USAGE = 2,	      /* wrong usage */
	EXIT_UNREADABLE = 3,  /* configuration or boot state cannot be read */
	EXIT_ROLLED_BACK = 4, /* the other slot boots next: reboot now */
	EXIT_NOT_STORED = 5,  /* decided, but it could not be stored */
};

/** Where reports lie when the configuration does not say. */
#define DATA_DIR_DEFAULT "/data/swupdate-jetson"
/** The report that led to a rollback is kept under this name, until the next rollback. */
#define REPORT_FAILED "failed"

#define TELL_SETTINGS_MAX 8u
#define TELL_WAIT_S_MAX 3600u
#define TELL_WAIT_S_DEFAULT 30u

/* verb attributes */
struct tell_options {
	bool to_server, to_swupdate;
	unsigned wait_s;
	const char *setting[TELL_SETTINGS_MAX]; /* "name=value", before what swupdate.cfg has */
	size_t setting_count;
};

struct options {
	const char *root; /* NULL: JOTA_ROOT, else "/" */
	bool json, apply, defer_confirm;
	enum jota_phase phase;
	const char *slot;				 /* preflip; NULL not given */
	const char *target_device;			 /* preflip; NULL not given */
	const char *kernel_device, *update_dir, *anchor; /* verb preflip; NULL not given */
	struct tell_options tell;
};

int verb_run(const struct jota_io *io, const struct options *options, const char *argument,
	     struct jota_err *err);
int verb_status(const struct jota_io *io, const struct options *options, const char *argument,
		struct jota_err *err);
int verb_explain(const struct jota_io *io, const struct options *options, const char *argument,
		 struct jota_err *err);
int verb_check_config(const struct jota_io *io, const struct options *options, const char *argument,
		      struct jota_err *err);

int verb_confirm(const struct jota_io *io, const struct options *options, const char *argument,
		 struct jota_err *err);
int verb_rollback(const struct jota_io *io, const struct options *options, const char *argument,
		  struct jota_err *err);
int verb_on_trial(const struct jota_io *io, const struct options *options, const char *argument,
		  struct jota_err *err);

int verb_attributes(const struct jota_io *io, const struct options *options, const char *argument,
		    struct jota_err *err);

int verb_preflip(const struct jota_io *io, const struct options *options, const char *argument,
		 struct jota_err *err);

/**
 * Remember what works now, for the checks in baseline mode. What was remembered for an earlier update is forgotten first, whatever
 * comes then. Prints lines "warning: ...". 0, also when nothing asks for a baseline; -errno with a sentence.
 * *ret_required: an update without a baseline is not wanted.
 */
int baseline_take(const struct jota_io *io, bool *ret_required, struct jota_err *err);
/** Forget it. -errno. */
int baseline_forget(const struct jota_io *io, const char *data_dir, struct jota_err *err);

void show_report(const struct jota_report *report, FILE *out);
/** New object; NULL when out of memory. */
struct json_object *json_report(const struct jota_report *report);
/** Print and free. NULL counts as out of memory: -ENOMEM. */
int json_print(struct json_object *object, struct jota_err *err);
