/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What an answer of an update server means. */
#pragma once

#include <stddef.h>

#include <json-c/json.h>

struct http_upload;
struct jota_err;

struct http_reply {
	const char *base, *user;	  /* whom was asked, as whom */
	const struct http_upload *upload; /* what was sent; NULL: no file */
	long status;
	const char *text; /* NUL-terminated; NULL: empty */
	size_t text_bytes;
};

/** 0 with the JSON, or NULL for an empty answer; otherwise as http_get() says. */
int http_reply_judge(const struct http_reply *reply, json_object **ret, struct jota_err *err);
