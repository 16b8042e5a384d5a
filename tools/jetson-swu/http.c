/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE /* asprintf */
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "http_status.h"

#define REPLY_BYTES_MAX (4u * 1024u * 1024u)
#define CONNECT_TIMEOUT_S_MAX 30u
#define UPLOAD_BUFFER_BYTES (512L * 1024L)

struct http {
	CURL *curl;
	const struct http_options *options;
	char *base; /* address without a slash at its end */
	struct curl_slist *json_headers, *plain_headers;
	char error[CURL_ERROR_SIZE];
	char *reply;
	size_t reply_bytes;
	bool reply_too_large;
	struct http_upload *upload;
	uint64_t upload_at_bytes;
};

static size_t take_reply(char *data, size_t unit, size_t count, void *ctx)
{
	struct http *h = ctx;
	size_t len_bytes = unit * count;
	char *more;

	if (len_bytes > REPLY_BYTES_MAX - h->reply_bytes) {
		h->reply_too_large = true;
		return 0;
	}
	more = realloc(h->reply, h->reply_bytes + len_bytes + 1);
	if (!more)
		return 0;
	memcpy(more + h->reply_bytes, data, len_bytes);
	h->reply = more;
	h->reply_bytes += len_bytes;
	h->reply[h->reply_bytes] = '\0';
	return len_bytes;
}

static int look_around(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
		       curl_off_t up)
{
	struct http *h = ctx;

	(void)down_total;
	(void)down;
	(void)up_total;
	(void)up;
	if (h->upload && h->upload->progress)
		h->upload->progress(h->upload->progress_ctx, h->upload_at_bytes,
				    h->upload->size_bytes);
	return h->options->cancel && atomic_load(h->options->cancel);
}

/* A loopback address, as such and not as the beginning of some other machine's name. */
static bool is_here(const char *host)
{
	struct in_addr address;

	if (inet_pton(AF_INET, host, &address) == 1)
		return (ntohl(address.s_addr) >> IN_CLASSA_NSHIFT) == IN_LOOPBACKNET;
	return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

static int check_parts(const struct http_options *o, CURLU *url, struct jota_err *err)
{
	static const CURLUPart none[] = { CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY,
					  CURLUPART_FRAGMENT };
	char *scheme = NULL, *host = NULL, *part = NULL;
	int rc = 0;

	/* Not quoted: there may be a password in it. */
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]) && !part; i++)
		(void)curl_url_get(url, none[i], &part, 0);
	if (part)
		rc = jota_fail(err, EINVAL,
			       "the server's address has a user, a query or a fragment in it; give "
			       "'https://HOST' and the user with --user.");
	curl_free(part);
	if (rc < 0)
		return rc;
	if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0))
		rc = jota_fail(err, EINVAL,
			       "'%s' is no address of a server, expected https://HOST.", o->url);
	else if (strcmp(scheme, "http") == 0 && !is_here(host) && !o->allow_http)
		rc = jota_fail(err, EINVAL,
			       "'%s' would send the password in the clear; use https, or "
			       "--allow-http where the network is trusted.",
			       o->url);
	curl_free(scheme);
	curl_free(host);
	return rc;
}

static int check_url(const struct http_options *o, struct jota_err *err)
{
	CURLU *url = curl_url();
	int rc;

	if (!url)
		return jota_fail(err, ENOMEM, "look at the server's address");
	/* libcurl lets much pass for a host's name. */
	if (strpbrk(o->url, " \t\r\n\"'\\<>{}|^`") ||
	    curl_url_set(url, CURLUPART_URL, o->url, 0) != CURLUE_OK)
		rc = jota_fail(err, EINVAL,
			       "'%s' is no address of a server, expected https://HOST.", o->url);
	else
		rc = check_parts(o, url, err);
	curl_url_cleanup(url);
	return rc;
}

static int add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (!longer)
		return -ENOMEM;
	*list = longer;
	return 0;
}

static int set_up(struct http *h)
{
	const struct http_options *o = h->options;
	long timeout_s = (long)o->timeout_s;
	unsigned connect_s = o->timeout_s < CONNECT_TIMEOUT_S_MAX ? o->timeout_s :
								    CONNECT_TIMEOUT_S_MAX;
	CURL *c = h->curl;
	bool ok = true;

#define SET(option, value) (ok = ok && curl_easy_setopt(c, option, value) == CURLE_OK)
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (o->ca_file)
		SET(CURLOPT_CAINFO, o->ca_file);
	/* A redirect would carry the upload somewhere else than asked. */
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
	SET(CURLOPT_USERNAME, o->user);
	SET(CURLOPT_PASSWORD, o->password);
	SET(CURLOPT_NOSIGNAL, 1L);
	/* On a connection that was used before libcurl would repeat a request on its own. */
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_CONNECTTIMEOUT, (long)connect_s);
	SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
	SET(CURLOPT_LOW_SPEED_TIME, timeout_s);
	SET(CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER_BYTES);
	SET(CURLOPT_ERRORBUFFER, h->error);
	SET(CURLOPT_WRITEFUNCTION, take_reply);
	SET(CURLOPT_WRITEDATA, h);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, look_around);
	SET(CURLOPT_XFERINFODATA, h);
#undef SET
	return ok ? 0 : -ENOMEM;
}

int http_open(const struct http_options *options, struct http **ret, struct jota_err *err)
{
	struct http *h = calloc(1, sizeof(*h));
	int rc;

	*ret = h;
	if (!h || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return jota_fail(err, ENOMEM, "prepare the connection");
	h->options = options;
	rc = check_url(options, err);
	if (rc < 0)
		return rc;
	h->base = strdup(options->url);
	h->curl = curl_easy_init();
	if (!h->base || !h->curl || add_header(&h->json_headers, "Accept: application/json") < 0 ||
	    add_header(&h->json_headers, "Content-Type: application/json") < 0 ||
	    add_header(&h->plain_headers, "Accept: application/json") < 0 || set_up(h) < 0)
		return jota_fail(err, ENOMEM, "prepare the connection");
	for (size_t n = strlen(h->base); n > 0 && h->base[n - 1] == '/'; n--)
		h->base[n - 1] = '\0';
	return 0;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	curl_slist_free_all(h->json_headers);
	curl_slist_free_all(h->plain_headers);
	curl_easy_cleanup(h->curl);
	curl_global_cleanup();
	free(h->base);
	free(h->reply);
	free(h);
}

char *http_escape(struct http *h, const char *text)
{
	char *escaped = curl_easy_escape(h->curl, text, 0);
	char *copy = escaped ? strdup(escaped) : NULL;

	curl_free(escaped);
	return copy;
}

/* What did not come to an answer. */
static int fail_transfer(const struct http *h, CURLcode code, struct jota_err *err)
{
	const char *why = h->error[0] ? h->error : curl_easy_strerror(code);

	switch (code) {
	case CURLE_ABORTED_BY_CALLBACK:
		return jota_fail(err, ECANCELED, "interrupted.");
	case CURLE_WRITE_ERROR:
		return h->reply_too_large ?
			       jota_fail(
				       err, EBADMSG,
				       "'%s' answered with more than %u MiB; is it an update server?",
				       h->base, REPLY_BYTES_MAX >> 20) :
			       jota_fail(err, ENOMEM, "keep the answer of '%s'", h->base);
	case CURLE_PEER_FAILED_VERIFICATION:
		return jota_fail(
			err, EKEYREJECTED,
			"the certificate of '%s' is not trusted (%.200s); give its authority "
			"with --cacert, or the address by the name in the certificate.",
			h->base, why);
	case CURLE_SSL_CACERT_BADFILE:
		return jota_fail(
			err, EINVAL, "'%s' holds no certificate that can be read (%.200s).",
			h->options->ca_file ? h->options->ca_file : "the machine's own list", why);
	case CURLE_SSL_CONNECT_ERROR:
		return jota_fail(err, EPROTO, "no TLS with '%s' (%.200s).", h->base, why);
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return jota_fail(err, EINVAL, "'%s' is no address of a server (%.200s).", h->base,
				 why);
	case CURLE_READ_ERROR:
		return jota_fail(err, ESTALE, "the file changed while it was sent; try again.");
	case CURLE_OPERATION_TIMEDOUT:
		return jota_fail(err, EAGAIN, "'%s' does not answer in time (%.200s).", h->base,
				 why);
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
		return jota_fail(err, EAGAIN, "cannot connect to '%s' (%.200s).", h->base, why);
	default:
		return jota_fail(err, EAGAIN, "the connection to '%s' broke off (%.200s).", h->base,
				 why);
	}
}

static int perform(struct http *h, const char *path, json_object **ret, struct jota_err *err)
{
	CLEANUP_FREE char *url = NULL;
	struct http_reply reply = { .base = h->base, .user = h->options->user, .upload = h->upload };
	CURLcode code;

	*ret = NULL;
	if (asprintf(&url, "%s%s", h->base, path) < 0) {
		url = NULL;
		return jota_fail(err, ENOMEM, "ask '%s'", h->base);
	}
	free(h->reply);
	h->reply = NULL;
	h->reply_bytes = 0;
	h->reply_too_large = false;
	h->error[0] = '\0';
	code = curl_easy_setopt(h->curl, CURLOPT_URL, url);
	if (code == CURLE_OK)
		code = curl_easy_perform(h->curl);
	/* A server may refuse a file before it has all of it, and answer all the same. */
	(void)curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &reply.status);
	if (code != CURLE_OK && (reply.status < 400 || code == CURLE_ABORTED_BY_CALLBACK))
		return fail_transfer(h, code, err);
	reply.text = h->reply;
	reply.text_bytes = h->reply_bytes;
	return http_reply_judge(&reply, ret, err);
}

int http_get(struct http *h, const char *path, json_object **ret, struct jota_err *err)
{
	int rc;

	if (curl_easy_setopt(h->curl, CURLOPT_HTTPGET, 1L) != CURLE_OK ||
	    curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, h->plain_headers) != CURLE_OK)
		return jota_fail(err, ENOMEM, "ask '%s'", h->base);
	rc = perform(h, path, ret, err);
	if (rc == 0 && !*ret)
		return jota_fail(err, EBADMSG, "'%s' gave an empty answer; is it an update server?",
				 h->base);
	return rc;
}

int http_post(struct http *h, const char *path, json_object *body, json_object **ret,
	      struct jota_err *err)
{
	const char *text = body ? json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN) : "";

	if (!text || curl_easy_setopt(h->curl, CURLOPT_POST, 1L) != CURLE_OK ||
	    curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(text)) != CURLE_OK ||
	    curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, text) != CURLE_OK ||
	    curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, h->json_headers) != CURLE_OK)
		return jota_fail(err, ENOMEM, "ask '%s'", h->base);
	return perform(h, path, ret, err);
}

static size_t give_file(char *buf, size_t unit, size_t count, void *ctx)
{
	struct http *h = ctx;
	uint64_t left_bytes = h->upload->size_bytes - h->upload_at_bytes;
	size_t room = unit * count, take = left_bytes < room ? (size_t)left_bytes : room;
	ssize_t n;

	if (take == 0)
		return 0;
	do {
		n = pread(h->upload->fd, buf, take, (off_t)h->upload_at_bytes);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return CURL_READFUNC_ABORT;
	h->upload_at_bytes += (uint64_t)n;
	return (size_t)n;
}

static int seek_file(void *ctx, curl_off_t offset, int origin)
{
	struct http *h = ctx;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > h->upload->size_bytes)
		return CURL_SEEKFUNC_FAIL;
	h->upload_at_bytes = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

int http_post_file(struct http *h, const char *path, struct http_upload *upload, json_object **ret,
		   struct jota_err *err)
{
	curl_mime *form = curl_mime_init(h->curl);
	curl_mimepart *part = form ? curl_mime_addpart(form) : NULL;
	int rc;

	h->upload = upload;
	h->upload_at_bytes = 0;
	if (!part || curl_mime_name(part, "file") != CURLE_OK ||
	    curl_mime_filename(part, upload->name) != CURLE_OK ||
	    curl_mime_type(part, "application/octet-stream") != CURLE_OK ||
	    curl_mime_data_cb(part, (curl_off_t)upload->size_bytes, give_file, seek_file, NULL,
			      h) != CURLE_OK ||
	    curl_easy_setopt(h->curl, CURLOPT_MIMEPOST, form) != CURLE_OK ||
	    curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, h->plain_headers) != CURLE_OK)
		rc = jota_fail(err, ENOMEM, "send '%s'", upload->name);
	else
		rc = perform(h, path, ret, err);
	/* The form must outlive its last use, and the handle must forget it. */
	(void)curl_easy_setopt(h->curl, CURLOPT_MIMEPOST, NULL);
	curl_mime_free(form);
	h->upload = NULL;
	return rc;
}
