/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "hawkbit.h"
#include "attributes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/err.h"
#include "hawkbit_http.h"

#define STATUS_UNKNOWN_DEVICE 404
#define STATUS_TOO_MANY 429

static int take_setting(const struct jota_io *io, const char *text, struct jota_suricatta *server,
			struct jota_err *err)
{
	size_t len = strcspn(text, "=");
	int r = text[len] == '=' ? jota_suricatta_set(io, server, text, len, text + len + 1, err) :
				   -ENOENT;

	if (r == -ENOENT)
		return jota_fail(err, EINVAL,
				 "--suricatta '%.*s': expected NAME=VALUE, NAME as in '%s'.",
				 (int)(len < 40 ? len : 40), text, JOTA_SWUPDATE_CFG);
	return r;
}

static int check(const struct jota_suricatta *server, const char *file, struct jota_err *err)
{
	if (!server->url)
		return jota_fail(err, ENOENT, "'%s' names no update server.", file);
	if (strncmp(server->url, "http://", 7) != 0 && strncmp(server->url, "https://", 8) != 0)
		return jota_fail(err, EINVAL, "suricatta: url '%.80s' is not http:// or https://.",
				 server->url);
	if (!server->tenant || !server->id)
		return jota_fail(err, EINVAL,
				 "suricatta: '%s' is not in '%s'; where swupdate has it from its "
				 "command line, give --suricatta %s=VALUE.",
				 server->id ? "tenant" : "id", file, server->id ? "tenant" : "id");
	if (server->targettoken && server->gatewaytoken)
		return jota_fail(err, EINVAL,
				 "suricatta: targettoken and gatewaytoken are both in '%s'; "
				 "swupdate takes one.",
				 file);
	return 0;
}

int hawkbit_read(const struct jota_io *io, const char *file, const char *const *settings,
		 size_t settings_count, struct jota_suricatta *ret, struct jota_err *err)
{
	struct jota_suricatta server = { 0 };
	int r = jota_suricatta_read(io, file, &server, err);

	if (r == -ENOENT && settings_count > 0)
		r = 0;
	for (size_t i = 0; r == 0 && i < settings_count; i++)
		r = take_setting(io, settings[i], &server, err);
	if (r == 0)
		r = check(&server, file, err);
	if (r < 0)
		jota_suricatta_done(&server);
	else
		*ret = server;
	return r;
}

/* As swupdate sends it, and "merge", which older servers do anyhow. NULL: out of memory. */
static struct json_object *make_body(const struct attribute *attributes, size_t count)
{
	struct json_object *body = json_tokener_parse(
		"{\"id\":\"\",\"time\":\"19700101T000000\",\"mode\":\"merge\",\"status\":{\"result\":"
		"{\"finished\":\"success\"},\"execution\":\"closed\",\"details\":[]}}");
	struct json_object *data = json_object_new_object();

	for (size_t i = 0; body && data && i < count; i++)
		if (json_object_object_add(data, attributes[i].name,
					   json_object_new_string(attributes[i].value)) < 0)
			goto fail;
	if (body && data && json_object_object_add(body, "data", data) == 0)
		return body;
fail:
	json_object_put(data);
	json_object_put(body);
	return NULL;
}

static int judge(const struct jota_suricatta *server, long status, struct jota_err *err)
{
	if (status >= 200 && status < 300)
		return 0;
	return jota_fail(
		err, status >= 500 || status == STATUS_TOO_MANY ? EAGAIN : EIO,
		"'%.120s' answers device '%.64s' with %ld%s", server->url, server->id, status,
		status == 401 || status == 403 ? ": it does not take this token or certificate." :
						 ".");
}

int hawkbit_put_attributes(const struct jota_suricatta *server, const struct attribute *attributes,
			   size_t count, unsigned timeout_ms, struct jota_err *err)
{
	struct json_object *body = make_body(attributes, count);
	struct hawkbit_http *http = NULL;
	long status = 0;
	int r = body ? hawkbit_http_open(server, timeout_ms, &http, err) :
		       jota_fail(err, ENOMEM, "tell the server");

	if (r == 0)
		r = hawkbit_http_put(http, "/configData", json_object_to_json_string(body), &status,
				     err);
	if (r == 0 && status == STATUS_UNKNOWN_DEVICE) {
		r = hawkbit_http_get(http, "", &status, err);
		if (r == 0 && status == 200)
			r = hawkbit_http_put(http, "/configData", json_object_to_json_string(body),
					     &status, err);
	}
	if (r == 0)
		r = judge(server, status, err);
	hawkbit_http_free(http);
	json_object_put(body);
	return r;
}
