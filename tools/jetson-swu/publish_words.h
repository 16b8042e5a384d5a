/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The words of jetson-swu publish, and what it says in the end. */
#pragma once

#include "publish.h"
#include "swu/verify.h"

struct publish_words {
	const char *path, *url, *user, *password_file, *password_env, *ca_file;
	const char *name, *module_type, *set_type, *rollout, *filter;
	const char *target[PUBLISH_TARGETS_MAX];
	size_t target_count;
	unsigned groups, retries, timeout_s;
	bool allow_http, json, quiet;
	struct jota_swu_trust trust;
	struct jota_swu_verify_options verify; /* refers to trust */
};

/** -1: go on; otherwise an exit code, after a message. */
int publish_words_parse(int argc, char **argv, struct publish_words *ret);
/** The summary on standard output; an exit code. */
int publish_show(const struct publish_words *w, const struct publish_plan *plan,
		 const struct publish_result *result);
