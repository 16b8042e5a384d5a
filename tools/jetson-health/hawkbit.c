/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE /* asprintf */
#include "hawkbit.h"
#include "attributes.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <libconfig.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "hawkbit_http.h"

#define CONFIG_BYTES_MAX (256u * 1024u)
#define STATUS_UNKNOWN_DEVICE 404
#define STATUS_TOO_MANY 429

static const struct setting {
	const char *name;
	size_t offset;
	bool is_path;
} settings_known[] = {
	{ "url", offsetof(struct hawkbit, url), false },
	{ "tenant", offsetof(struct hawkbit, tenant), false },
	{ "id", offsetof(struct hawkbit, id), false },
	{ "targettoken", offsetof(struct hawkbit, targettoken), false },
	{ "gatewaytoken", offsetof(struct hawkbit, gatewaytoken), false },
	{ "cafile", offsetof(struct hawkbit, cafile), true },
	{ "sslcert", offsetof(struct hawkbit, sslcert), true },
	{ "sslkey", offsetof(struct hawkbit, sslkey), true },
	{ "proxy", offsetof(struct hawkbit, proxy), false },
};
#define SETTING_COUNT (sizeof(settings_known) / sizeof(settings_known[0]))

static char **place_of(struct hawkbit *server, const struct setting *setting)
{
	return (char **)(void *)((char *)server + setting->offset);
}

static int store(const struct jota_io *io, struct hawkbit *server, const struct setting *setting,
		 const char *value, struct jota_err *err)
{
	char **place = place_of(server, setting);
	char path[PATH_MAX];

	if (value[0] == '\0')
		return 0;
	if (setting->is_path && value[0] == '/') {
		int r = jota_io_path(io, value, path, sizeof(path), err);

		if (r < 0)
			return r;
		value = path;
	}
	free(*place);
	*place = strdup(value);
	return *place ? 0 : jota_fail(err, ENOMEM, "keep '%s'", setting->name);
}

static int read_section(const struct jota_io *io, const config_t *config, const char *section,
			struct hawkbit *server, struct jota_err *err)
{
	const config_setting_t *group = config_lookup(config, section);
	const char *value;
	int r = 0;

	for (size_t i = 0; group && r == 0 && i < SETTING_COUNT; i++)
		if (config_setting_lookup_string(group, settings_known[i].name, &value) ==
		    CONFIG_TRUE)
			r = store(io, server, &settings_known[i], value, err);
	return r;
}

static int read_file(const struct jota_io *io, const char *file, struct hawkbit *server,
		     struct jota_err *err)
{
	CLEANUP_FREE char *text = NULL;
	config_t config;
	int r = jota_io_read_file(io, file, CONFIG_BYTES_MAX, &text, NULL, err);

	if (r < 0)
		return r;
	if (strstr(text, "@include"))
		return jota_fail(err, EINVAL,
				 "'%s' includes other files, which are not read here: give what its "
				 "section 'suricatta' has with --suricatta NAME=VALUE.",
				 file);
	config_init(&config);
	/* The text is not quoted: there are secrets in it. */
	if (config_read_string(&config, text) != CONFIG_TRUE)
		r = jota_fail(err, EINVAL, "'%s' line %d: %s.", file, config_error_line(&config),
			      config_error_text(&config));
	if (r == 0)
		r = read_section(io, &config, "suricatta", server, err);
	if (r == 0)
		r = read_section(io, &config, "hawkbit", server, err);
	config_destroy(&config);
	return r;
}

static int take_setting(const struct jota_io *io, const char *text, struct hawkbit *server,
			struct jota_err *err)
{
	size_t len = strcspn(text, "=");

	for (size_t i = 0; text[len] == '=' && i < SETTING_COUNT; i++)
		if (strncmp(settings_known[i].name, text, len) == 0 &&
		    settings_known[i].name[len] == '\0')
			return store(io, server, &settings_known[i], text + len + 1, err);
	return jota_fail(err, EINVAL, "--suricatta '%.*s': expected NAME=VALUE, NAME as in '%s'.",
			 (int)(len < 40 ? len : 40), text, SWUPDATE_CFG);
}

static int check(const struct hawkbit *server, const char *file, struct jota_err *err)
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
		 size_t settings_count, struct hawkbit *ret, struct jota_err *err)
{
	struct hawkbit server = { 0 };
	int r = read_file(io, file, &server, err);

	if (r == -ENOENT && settings_count > 0)
		r = 0;
	for (size_t i = 0; r == 0 && i < settings_count; i++)
		r = take_setting(io, settings[i], &server, err);
	if (r == 0)
		r = check(&server, file, err);
	if (r < 0)
		hawkbit_done(&server);
	else
		*ret = server;
	return r;
}

void hawkbit_done(struct hawkbit *server)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		free(*place_of(server, &settings_known[i]));
	memset(server, 0, sizeof(*server));
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

static int judge(const struct hawkbit *server, long status, struct jota_err *err)
{
	if (status >= 200 && status < 300)
		return 0;
	return jota_fail(
		err, status >= 500 || status == STATUS_TOO_MANY ? EAGAIN : EIO,
		"'%.120s' answers device '%.64s' with %ld%s", server->url, server->id, status,
		status == 401 || status == 403 ? ": it does not take this token or certificate." :
						 ".");
}

int hawkbit_put_attributes(const struct hawkbit *server, const struct attribute *attributes,
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
