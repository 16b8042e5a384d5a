/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Requests to the device's own address on its update server. The only file of this tool that sees libcurl is hawkbit_http.c. */
#pragma once

struct jota_suricatta;
struct hawkbit_http;
struct jota_err;

/** timeout_ms: for each request. The server's settings must outlive it. -ENOMEM. *ret: hawkbit_http_free(). */
int hawkbit_http_open(const struct jota_suricatta *server, unsigned timeout_ms,
		      struct hawkbit_http **ret, struct jota_err *err);
void hawkbit_http_free(struct hawkbit_http *http);

/**
 * path: behind the device's address, "" or "/configData". What the server answers is not kept, and ends the request when it has no
 * end. 0 with the status of an answer; -EAGAIN: there was none.
 */
int hawkbit_http_put(struct hawkbit_http *http, const char *path, const char *json,
		     long *ret_status, struct jota_err *err);
int hawkbit_http_get(struct hawkbit_http *http, const char *path, long *ret_status,
		     struct jota_err *err);
