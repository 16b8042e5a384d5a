/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "health/suricatta.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <libconfig.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"

#define CONFIG_BYTES_MAX (256u * 1024u)

static const struct setting {
	const char *name;
	size_t offset;
	bool is_path;
} settings_known[] = {
	{ "url", offsetof(struct jota_suricatta, url), false },
	{ "tenant", offsetof(struct jota_suricatta, tenant), false },
	{ "id", offsetof(struct jota_suricatta, id), false },
	{ "targettoken", offsetof(struct jota_suricatta, targettoken), false },
	{ "gatewaytoken", offsetof(struct jota_suricatta, gatewaytoken), false },
	{ "cafile", offsetof(struct jota_suricatta, cafile), true },
	{ "sslcert", offsetof(struct jota_suricatta, sslcert), true },
	{ "sslkey", offsetof(struct jota_suricatta, sslkey), true },
	{ "proxy", offsetof(struct jota_suricatta, proxy), false },
};
#define SETTING_COUNT (sizeof(settings_known) / sizeof(settings_known[0]))

static char **place_of(struct jota_suricatta *server, const struct setting *setting)
{
	return (char **)(void *)((char *)server + setting->offset);
}

static int store(const struct jota_io *io, struct jota_suricatta *server,
		 const struct setting *setting, const char *value, struct jota_err *err)
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
			struct jota_suricatta *server, struct jota_err *err)
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

int jota_suricatta_read(const struct jota_io *io, const char *file, struct jota_suricatta *ret,
			struct jota_err *err)
{
	CLEANUP_FREE char *text = NULL;
	config_t config;
	int r = jota_io_read_file(io, file, CONFIG_BYTES_MAX, &text, NULL, err);

	if (r < 0)
		return r;
	if (strstr(text, "@include"))
		return jota_fail(
			err, EINVAL,
			"'%s' includes other files, which are not read here: give what its "
			"section 'suricatta' has with --suricatta NAME=VALUE, or in the check.",
			file);
	config_init(&config);
	if (config_read_string(&config, text) != CONFIG_TRUE)
		r = jota_fail(err, EINVAL, "'%s' line %d: %s.", file, config_error_line(&config),
			      config_error_text(&config));
	if (r == 0)
		r = read_section(io, &config, "suricatta", ret, err);
	if (r == 0)
		r = read_section(io, &config, "hawkbit", ret, err);
	config_destroy(&config);
	return r;
}

int jota_suricatta_set(const struct jota_io *io, struct jota_suricatta *server, const char *name,
		       size_t name_len, const char *value, struct jota_err *err)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (strncmp(settings_known[i].name, name, name_len) == 0 &&
		    settings_known[i].name[name_len] == '\0')
			return store(io, server, &settings_known[i], value, err);
	return jota_fail(err, ENOENT, "swupdate knows no setting '%.*s' of an update server.",
			 (int)(name_len < 40 ? name_len : 40), name);
}

void jota_suricatta_done(struct jota_suricatta *server)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		free(*place_of(server, &settings_known[i]));
	memset(server, 0, sizeof(*server));
}
