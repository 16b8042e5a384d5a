/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* One bounded HTTP request, for the checks that need one. The only file that sees libcurl is http_get.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "health/kind.h"

struct jota_http_request {
	const char *url;
	const char *ca_file;	 /* full path; NULL: those of the system */
	const char *certificate; /* full path of a client certificate in PEM, NULL none */
	const char *key;	 /* its key, NULL: in the certificate's file */
	const char *proxy;	 /* NULL: none, whatever the environment says */
	size_t max_bytes;	 /* of the body */
};

struct jota_http_answer {
	long status;
	char *body; /* heap, NUL-terminated after body_bytes, which may contain NULs */
	size_t body_bytes;
};

/** True for a URL of the schemes that are spoken here: http and https. */
bool jota_http_is_url(const char *url);

/**
 * GET, no redirect followed, TLS verified, ended at run->deadline_ms. 0: *ret is filled, the caller frees body;
 * -EIO: *why says why not. Only for a check's own process.
 */
int jota_http_get(const struct jota_check_run *run, const struct jota_http_request *request,
		  struct jota_http_answer *ret, struct jota_finding *why);
