/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "health/http_get.h"

#include <curl/curl.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_BYTES_MAX 65536u

struct transfer {
	char *body;
	size_t bytes, max_bytes;
	size_t header_bytes;
	bool too_large, no_memory, headers_endless;
	bool begun; /* all that failed before is our own fault */
};

bool jota_http_is_url(const char *url)
{
	const char *host = strncmp(url, "http://", 7) == 0  ? url + 7 :
			   strncmp(url, "https://", 8) == 0 ? url + 8 :
							      NULL;

	return host && host[0] != '\0' && host[0] != '/';
}

static size_t take_body(char *data, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	size_t bytes = size * count; /* libcurl promises that size is 1 */
	char *bigger;

	if (bytes > t->max_bytes - t->bytes) {
		t->too_large = true;
		return 0;
	}
	bigger = realloc(t->body, t->bytes + bytes + 1);
	if (!bigger) {
		t->no_memory = true;
		return 0;
	}
	t->body = bigger;
	memcpy(t->body + t->bytes, data, bytes);
	t->bytes += bytes;
	t->body[t->bytes] = '\0';
	return bytes;
}

/* libcurl keeps every header: a server that never ends them would fill the memory. */
static size_t count_header(char *data, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;

	(void)data;
	t->header_bytes += size * count;
	t->headers_endless = t->header_bytes > HEADERS_BYTES_MAX;
	return t->headers_endless ? 0 : size * count;
}

/* What is NULL stays as libcurl has it. */
static CURLcode set_texts(CURL *curl, const struct jota_http_request *request)
{
	const struct {
		CURLoption option;
		const char *text;
	} texts[] = {
		{ CURLOPT_URL, request->url },
		{ CURLOPT_PROTOCOLS_STR, "http,https" },
		{ CURLOPT_PROXY, request->proxy ? request->proxy : "" },
		{ CURLOPT_USERAGENT, "jetson-health" },
		{ CURLOPT_CAINFO, request->ca_file },
		{ CURLOPT_SSLCERT, request->certificate },
		{ CURLOPT_SSLKEY, request->key },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CURLcode r = texts[i].text ?
				     curl_easy_setopt(curl, texts[i].option, texts[i].text) :
				     CURLE_OK;

		if (r != CURLE_OK)
			return r;
	}
	return CURLE_OK;
}

static CURLcode set_bounds(CURL *curl, const struct jota_check_run *run)
{
	long left_ms = (long)jota_left_ms(run->deadline_ms);
	CURLcode r = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);

	if (r == CURLE_OK)
		r = curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, left_ms > 0 ? left_ms : 1L);
	return r;
}

static CURLcode set_sinks(CURL *curl, struct transfer *t)
{
	CURLcode r = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);

	if (r == CURLE_OK)
		r = curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
	if (r == CURLE_OK)
		r = curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, count_header);
	if (r == CURLE_OK)
		r = curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
	return r;
}

static CURLcode set_up(CURL *curl, const struct jota_check_run *run,
		       const struct jota_http_request *request, struct transfer *t)
{
	CURLcode r = set_texts(curl, request);

	if (r == CURLE_OK)
		r = set_bounds(curl, run);
	if (r == CURLE_OK)
		r = set_sinks(curl, t);
	return r;
}

static enum jota_reason reason_of(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return JOTA_WHY_NO_ADDRESS;
	case CURLE_COULDNT_CONNECT:
		return JOTA_WHY_CONNECT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return JOTA_WHY_TLS;
	default:
		return JOTA_WHY_BAD_ANSWER;
	}
}

static int explain(const struct jota_check_run *run, const struct jota_http_request *request,
		   const struct transfer *t, CURLcode code, struct jota_finding *why)
{
	if (code == CURLE_OK)
		return 0;
	if (t->too_large)
		jota_found(why, JOTA_FAIL, JOTA_WHY_TOO_LARGE, "'%.120s': more than %zu bytes",
			   request->url, t->max_bytes);
	else if (t->headers_endless)
		jota_found(why, JOTA_FAIL, JOTA_WHY_BAD_ANSWER,
			   "'%.120s': more than %u bytes of headers", request->url,
			   HEADERS_BYTES_MAX);
	else if (t->no_memory || !t->begun)
		jota_found(why, JOTA_ERROR, JOTA_WHY_INTERNAL,
			   "'%.120s': the request cannot be made: %s", request->url,
			   curl_easy_strerror(code));
	else if (code == CURLE_OPERATION_TIMEDOUT)
		jota_found(why, JOTA_TIMEOUT, JOTA_WHY_DEADLINE,
			   "'%.120s' after %g s, %zu bytes of body", request->url,
			   run->check->deadline_ms / 1000.0, t->bytes);
	else if (code == CURLE_OUT_OF_MEMORY)
		/* So libcurl calls a header line that is longer than it takes. */
		jota_found(why, JOTA_FAIL, JOTA_WHY_BAD_ANSWER,
			   "'%.120s': a header line without an end, or no memory", request->url);
	else
		jota_found(why, JOTA_FAIL, reason_of(code), "'%.120s': %s", request->url,
			   curl_easy_strerror(code));
	return -EIO;
}

static CURLcode perform(const struct jota_check_run *run, const struct jota_http_request *request,
			struct transfer *t, long *ret_status)
{
	CURLcode code = CURLE_OUT_OF_MEMORY;
	CURL *curl;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return code;
	curl = curl_easy_init();
	if (curl) {
		code = set_up(curl, run, request, t);
		t->begun = code == CURLE_OK;
		if (t->begun)
			code = curl_easy_perform(curl);
		if (code == CURLE_OK)
			code = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
	}
	curl_easy_cleanup(curl);
	curl_global_cleanup();
	return code;
}

int jota_http_get(const struct jota_check_run *run, const struct jota_http_request *request,
		  struct jota_http_answer *ret, struct jota_finding *why)
{
	struct transfer t = { .max_bytes = request->max_bytes, .body = calloc(1, 1) };
	long status = 0;
	CURLcode code = t.body ? perform(run, request, &t, &status) : CURLE_OUT_OF_MEMORY;
	int r = explain(run, request, &t, code, why);

	if (r < 0) {
		free(t.body);
		return r;
	}
	*ret = (struct jota_http_answer){ .status = status, .body = t.body, .body_bytes = t.bytes };
	return 0;
}
