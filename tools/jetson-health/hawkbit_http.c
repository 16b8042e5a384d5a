/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE /* asprintf */
#include "hawkbit_http.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "health/suricatta.h"

#define ANSWER_BYTES_MAX 65536u

struct hawkbit_http {
	CURL *curl;
	const struct jota_suricatta *server;
	struct curl_slist *headers;
	char *base; /* address of the device */
	char error[CURL_ERROR_SIZE];
	size_t answer_bytes;
};

static size_t drop(char *data, size_t size, size_t count, void *ctx)
{
	struct hawkbit_http *http = ctx;

	(void)data;
	http->answer_bytes += size * count;
	return http->answer_bytes > ANSWER_BYTES_MAX ? 0 : size * count;
}

static char *make_base(CURL *curl, const struct jota_suricatta *server)
{
	int len = (int)strlen(server->url);
	char *tenant = curl_easy_escape(curl, server->tenant, 0);
	char *id = curl_easy_escape(curl, server->id, 0);
	char *base = NULL;

	while (len > 0 && server->url[len - 1] == '/')
		len--;
	if (!tenant || !id ||
	    asprintf(&base, "%.*s/%s/controller/v1/%s", len, server->url, tenant, id) < 0)
		base = NULL;
	curl_free(tenant);
	curl_free(id);
	return base;
}

static int add_header(struct hawkbit_http *http, const char *name, const char *value)
{
	CLEANUP_FREE char *line = NULL;
	struct curl_slist *longer;

	if (asprintf(&line, "%s%s", name, value) < 0) {
		line = NULL;
		return -ENOMEM;
	}
	longer = curl_slist_append(http->headers, line);
	if (!longer)
		return -ENOMEM;
	http->headers = longer;
	return 0;
}

static int set_headers(struct hawkbit_http *http)
{
	const struct jota_suricatta *server = http->server;
	int r = add_header(http, "Content-Type: ", "application/json");

	if (r == 0)
		r = add_header(http, "Accept: ", "application/hal+json, application/json");
	if (r == 0 && server->targettoken)
		r = add_header(http, "Authorization: TargetToken ", server->targettoken);
	if (r == 0 && server->gatewaytoken)
		r = add_header(http, "Authorization: GatewayToken ", server->gatewaytoken);
	return r;
}

static int set_up(struct hawkbit_http *http, unsigned timeout_ms)
{
	const struct jota_suricatta *server = http->server;
	CURL *c = http->curl;
	bool ok = true;

#define SET(option, value) (ok = ok && curl_easy_setopt(c, option, value) == CURLE_OK)
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	SET(CURLOPT_ERRORBUFFER, http->error);
	SET(CURLOPT_WRITEFUNCTION, drop);
	SET(CURLOPT_WRITEDATA, http);
	SET(CURLOPT_HEADERFUNCTION, drop);
	SET(CURLOPT_HEADERDATA, http);
	SET(CURLOPT_HTTPHEADER, http->headers);
	if (server->cafile)
		SET(CURLOPT_CAINFO, server->cafile);
	if (server->sslcert)
		SET(CURLOPT_SSLCERT, server->sslcert);
	if (server->sslkey)
		SET(CURLOPT_SSLKEY, server->sslkey);
	/* As suricatta: without one configured none, whatever the environment says. */
	SET(CURLOPT_PROXY, server->proxy ? server->proxy : "");
#undef SET
	return ok ? 0 : -ENOMEM;
}

int hawkbit_http_open(const struct jota_suricatta *server, unsigned timeout_ms,
		      struct hawkbit_http **ret, struct jota_err *err)
{
	struct hawkbit_http *http = calloc(1, sizeof(*http));

	*ret = http;
	if (!http || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return jota_fail(err, ENOMEM, "prepare the connection");
	http->server = server;
	http->curl = curl_easy_init();
	http->base = http->curl ? make_base(http->curl, server) : NULL;
	if (!http->base || set_headers(http) < 0 || set_up(http, timeout_ms) < 0)
		return jota_fail(err, ENOMEM, "prepare the connection");
	return 0;
}

void hawkbit_http_free(struct hawkbit_http *http)
{
	if (!http)
		return;
	curl_easy_cleanup(http->curl);
	curl_slist_free_all(http->headers);
	free(http->base);
	free(http);
	curl_global_cleanup();
}

static int perform(struct hawkbit_http *http, const char *path, long *ret_status,
		   struct jota_err *err)
{
	CLEANUP_FREE char *url = NULL;
	CURLcode code = CURLE_OUT_OF_MEMORY;

	if (asprintf(&url, "%s%s", http->base, path) < 0) {
		url = NULL;
		return jota_fail(err, ENOMEM, "ask the server");
	}
	http->error[0] = '\0';
	http->answer_bytes = 0;
	if (curl_easy_setopt(http->curl, CURLOPT_URL, url) == CURLE_OK)
		code = curl_easy_perform(http->curl);
	if (code == CURLE_OK)
		code = curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, ret_status);
	if (code == CURLE_OK)
		return 0;
	return jota_fail(err, EAGAIN, "'%.120s' does not answer: %s", http->server->url,
			 http->error[0] ? http->error : curl_easy_strerror(code));
}

int hawkbit_http_put(struct hawkbit_http *http, const char *path, const char *json,
		     long *ret_status, struct jota_err *err)
{
	if (curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, json) != CURLE_OK ||
	    curl_easy_setopt(http->curl, CURLOPT_CUSTOMREQUEST, "PUT") != CURLE_OK)
		return jota_fail(err, ENOMEM, "ask the server");
	return perform(http, path, ret_status, err);
}

int hawkbit_http_get(struct hawkbit_http *http, const char *path, long *ret_status,
		     struct jota_err *err)
{
	if (curl_easy_setopt(http->curl, CURLOPT_CUSTOMREQUEST, NULL) != CURLE_OK ||
	    curl_easy_setopt(http->curl, CURLOPT_HTTPGET, 1L) != CURLE_OK)
		return jota_fail(err, ENOMEM, "ask the server");
	return perform(http, path, ret_status, err);
}
