/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What a build says: a bar on a terminal, lines elsewhere, JSON for programs. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct jota_build_report;
struct jota_err;
struct jota_recipe;
struct json_object;

struct build_show {
	bool json, quiet, terminal;
	bool line_open; /* the bar stands in it */
	char last[256]; /* name of the file last shown */
	unsigned last_percent;
	struct json_object *warnings; /* for the summary */
};

void build_show_start(struct build_show *s, bool json, bool quiet);
void build_show_done(struct build_show *s);
/** Takes the bar away, so that other lines can follow. */
void build_show_end(struct build_show *s);
void build_show_warning(struct build_show *s, const char *sentence);
/** jota_payload_progress_fn; ctx is the struct build_show. */
void build_show_progress(void *ctx, const char *name, uint64_t done_bytes, uint64_t total_bytes);
/** The summary on standard output. -EIO when it cannot be written. */
int build_show_report(struct build_show *s, const char *out, const struct jota_recipe *recipe,
		      const struct jota_build_report *report, struct jota_err *err);
