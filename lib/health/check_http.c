/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE
#include "base/io.h"
#include "health/http_get.h"

#include <inttypes.h>
#include <limits.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { URL, STATUS, CONTAINS, MATCHES, CA_FILE, MAX_BYTES };
static const struct jota_field fields[] = {
	[URL] = { .name = "url",
		  .type = JOTA_FIELD_TEXT,
		  .required = true,
		  .about = "http:// or https://" },
	[STATUS] = { .name = "status",
		     .type = JOTA_FIELD_NUMBER,
		     .min = 100,
		     .max = 599,
		     .has_number = true,
		     .number = 200,
		     .about = "expected status" },
	[CONTAINS] = { .name = "contains",
		       .type = JOTA_FIELD_TEXT,
		       .about = "text that the body must contain" },
	[MATCHES] = { .name = "matches",
		      .type = JOTA_FIELD_REGEX,
		      .about = "extended regular expression for the body" },
	[CA_FILE] = { .name = "ca_file",
		      .type = JOTA_FIELD_PATH,
		      .about = "certificates to trust; default those of the system" },
	[MAX_BYTES] = { .name = "max_bytes",
			.type = JOTA_FIELD_NUMBER,
			.min = 1,
			.max = 16 << 20,
			.has_number = true,
			.number = 65536,
			.about = "most that the body may have" },
};

static const char *conflict(const struct jota_check *check)
{
	return jota_http_is_url(check->value[URL].text) ? NULL :
							  "url must begin with http:// or https:// "
							  "and name a host";
}

/* Bounded by its length, not by a NUL that the server put in. */
static bool matches(const char *pattern, const struct jota_http_answer *answer)
{
	regmatch_t range = { .rm_so = 0, .rm_eo = (regoff_t)answer->body_bytes };
	regex_t compiled;
	bool found;

	if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NEWLINE) != 0)
		return false;
	found = regexec(&compiled, answer->body, 1, &range, REG_STARTEND) == 0;
	regfree(&compiled);
	return found;
}

static void judge(const struct jota_value *value, const struct jota_http_answer *answer,
		  struct jota_finding *ret)
{
	const char *url = value[URL].text, *text = value[CONTAINS].text;

	if (answer->status != value[STATUS].number)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_HTTP_STATUS,
			   "'%.100s': status %ld, expected %" PRId64 ": %.60s", url, answer->status,
			   value[STATUS].number, answer->body);
	else if (value[CONTAINS].set &&
		 !memmem(answer->body, answer->body_bytes, text, strlen(text)))
		jota_found(ret, JOTA_FAIL, JOTA_WHY_CONTENT, "'%.100s': no '%.40s' in: %.60s", url,
			   text, answer->body);
	else if (value[MATCHES].set && !matches(value[MATCHES].text, answer))
		jota_found(ret, JOTA_FAIL, JOTA_WHY_CONTENT,
			   "'%.100s': '%.40s' does not match: %.60s", url, value[MATCHES].text,
			   answer->body);
	else
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "'%.100s': status %ld, %zu bytes", url,
			   answer->status, answer->body_bytes);
}

static void run_http(const struct jota_check_run *run, struct jota_finding *ret)
{
	const struct jota_value *value = run->check->value;
	struct jota_http_request request = { .url = value[URL].text,
					     .max_bytes = (size_t)value[MAX_BYTES].number };
	struct jota_http_answer answer;
	char ca_file[PATH_MAX];

	if (value[CA_FILE].set) {
		if (jota_io_path(run->io, value[CA_FILE].text, ca_file, sizeof(ca_file), NULL) < 0)
			return;
		request.ca_file = ca_file;
	}
	if (jota_http_get(run, &request, &answer, ret) < 0)
		return;
	judge(value, &answer, ret);
	free(answer.body);
}

const struct jota_check_kind jota_kind_http = {
	.name = "http",
	.about = "a web server answers as expected",
	.phases = JOTA_PHASES_ALL,
	.field = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.conflict = conflict,
	.run = run_http,
};
