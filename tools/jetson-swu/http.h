/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Requests to the management interface of an update server: JSON in both directions, certificates
 * always checked, no redirect followed, an answer bounded. One request at a time, nothing repeated.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>

struct jota_err;
struct http;

struct http_options {
	const char *url; /* of the server, without a path below /rest */
	const char *user, *password;
	const char *ca_file; /* authorities beside the machine's own; NULL: the machine's own */
	unsigned timeout_s;  /* without a byte moving */
	bool allow_http;     /* credentials in the clear, also to another machine */
	const atomic_bool *cancel;
};

/** A file on its way; told now and then how far it is. */
struct http_upload {
	int fd;
	uint64_t size_bytes;
	const char *name; /* as the server calls it */
	void (*progress)(void *ctx, uint64_t done_bytes, uint64_t total_bytes);
	void *progress_ctx;
};

/**
 * http_free() in any case. -EINVAL: the address is none, has a user or a query in it, or would send
 * the password in the clear; -ENOMEM.
 */
int http_open(const struct http_options *options, struct http **ret, struct jota_err *err);
void http_free(struct http *h);

/**
 * GET of path (from "/rest" on), *ret is the JSON of the answer, the caller puts it. -EAGAIN: it may
 * work later (nobody answers, too busy, broken off); -EACCES user or password wrong, -EPERM not
 * allowed, -ENOENT 404, -EEXIST 409, -EFBIG 413, -EBADMSG an answer that makes no sense,
 * -EKEYREJECTED a certificate that is not trusted, -ECANCELED, -EPROTO other refusals.
 */
int http_get(struct http *h, const char *path, json_object **ret, struct jota_err *err);
/** POST of body (NULL: none), which stays the caller's; *ret may become NULL: an empty answer. */
int http_post(struct http *h, const char *path, json_object *body, json_object **ret,
	      struct jota_err *err);
/** POST of a file as a form, as a browser would send it. */
int http_post_file(struct http *h, const char *path, struct http_upload *upload, json_object **ret,
		   struct jota_err *err);

/** text as part of a query, in heap; NULL without memory. */
char *http_escape(struct http *h, const char *text);
