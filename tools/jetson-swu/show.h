/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What the reading verbs share: words for people, and a .swu opened for looking into. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <json-c/json.h>

#include "swu/container.h"
#include "swu/description.h"
#include "swu/findings.h"

struct jota_err;
struct jota_layout;

/** Exit codes of the reading verbs. REFUSED is also "different". */
enum { EXIT_GOOD = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_UNREADABLE = 3 };

/** Hostile text in printable ASCII: other bytes as \xNN, a backslash doubled. Cut with "...". */
const char *show_escaped(const char *text, char *buf, size_t buf_bytes);
#define SHOW_BYTES 1024
/** Escaped for the time of one call. */
#define ESCAPED(text) show_escaped(text, (char[SHOW_BYTES]){ 0 }, SHOW_BYTES)
/** "1.5 MiB" */
const char *show_size(uint64_t bytes, char buf[32]);
#define SIZE(bytes) show_size(bytes, (char[32]){ 0 })

/** One line on standard error, with the program's name in front. */
void show_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** An unknown option or one without its value, as getopt_long() found it; returns EXIT_USAGE. */
int show_bad_option(const char *verb, int option, char **argv);
/** Errors first, then warnings. */
void show_findings(const struct jota_swu_findings *f, FILE *out);

/** A string, escaped; NULL gives null. */
json_object *json_text(const char *text);
json_object *json_u64(uint64_t value);
json_object *json_findings(const struct jota_swu_findings *f);
/** Print on standard output and release; an exit code. */
int json_show(json_object *root);

/** Layout by name; false after a message. name NULL: any, *ret NULL. */
bool find_layout(const char *name, const struct jota_layout **ret);

/** A .swu that is looked into; nothing of it has been verified. */
struct swu_file {
	int fd;
	uint64_t bytes;
	struct jota_swu_index index;
	bool has_description;
	struct jota_swu_description description;
};
/** Open and read what is needed; swu_close() in any case. want_description: fail without one. */
int swu_open(const char *path, bool want_description, struct swu_file *ret, struct jota_err *err);
void swu_close(struct swu_file *swu);
