/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * What publishing a .swu makes on a hawkBit server: a software module that holds the file, a
 * distribution set of it, and, if asked for, a rollout or an assignment. Each step looks first and
 * makes what is missing, so that a run that broke off is simply run again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http.h"

struct jota_err;

#define PUBLISH_TARGETS_MAX 64
/** hawkBit has room for as many characters in a name or version. */
#define PUBLISH_NAME_MAX 64

/** What is to be there in the end. */
struct publish_plan {
	const char *name, *version; /* of module and set */
	const char *module_type, *set_type;
	struct http_upload upload;
	char sha256_hex[65];
	const char *rollout, *filter; /* NULL: no rollout */
	unsigned groups;
	const char *target[PUBLISH_TARGETS_MAX];
	size_t target_count;
};

/** What was found or made. */
struct publish_result {
	int64_t module_id, artifact_id, set_id, rollout_id;
	bool module_made, artifact_made, set_made, rollout_made;
	uint64_t assigned, already_assigned;
};

struct publisher {
	struct http *http;
	const struct publish_plan *plan;
	struct publish_result *result;
	unsigned tries; /* of each step, at least 1 */
	const atomic_bool *cancel;
	void (*say)(void *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
	void *say_ctx;
};

/**
 * May this be a name, version, type or file name there? -EINVAL with the reason: what would be a
 * pattern in a search of the server, or could not be typed.
 */
int publish_check_word(const char *what, const char *word, struct jota_err *err);

/**
 * All steps, in their order; -EEXIST: the server has something else under the same name and version
 * (nothing of it is changed), otherwise as http_get() says.
 */
int publish_run(struct publisher *p, struct jota_err *err);
