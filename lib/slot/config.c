/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/config.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "slot/layout.h"

#include <libconfig.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define FILE_BYTES_MAX 65536u
#define TRIES_MIN 1
#define TRIES_MAX 10
#define TRIES_DEFAULT 3
#define PREFLIP_DEADLINE_MAX_S 3600
#define PREFLIP_DEADLINE_DEFAULT_S 600
#define ENV_CONFIG_DEFAULT "/etc/fw_env.config"

struct key {
	const char *name;
	int type; /* libconfig's CONFIG_TYPE_* */
	const char *expected;
	int (*take)(struct jota_config *config, const config_setting_t *setting,
		    struct jota_err *err);
};

static unsigned line_of(const config_setting_t *setting)
{
	return config_setting_source_line(setting);
}

static int take_layout(struct jota_config *config, const config_setting_t *setting,
		       struct jota_err *err)
{
	const char *text = config_setting_get_string(setting);
	char known[128];

	config->layout = jota_layout_find(text);
	if (config->layout)
		return 0;
	jota_layout_names(known, sizeof(known));
	return jota_fail(err, EINVAL,
			 JOTA_CONFIG_PATH " line %u: layout '%.80s' is not known, there are: %s.",
			 line_of(setting), text, known);
}

/* Whether the layout can use it is asked when both are known. */
static int take_backend(struct jota_config *config, const config_setting_t *setting,
			struct jota_err *err)
{
	const char *text = config_setting_get_string(setting);
	int n = snprintf(config->backend, sizeof(config->backend), "%s", text);

	if (n <= 0 || (size_t)n >= sizeof(config->backend))
		return jota_fail(err, EINVAL,
				 JOTA_CONFIG_PATH " line %u: backend '%.80s' is not known.",
				 line_of(setting), text);
	return 0;
}

static int take_env_config(struct jota_config *config, const config_setting_t *setting,
			   struct jota_err *err)
{
	const char *text = config_setting_get_string(setting);
	int n = snprintf(config->env_config, sizeof(config->env_config), "%s", text);

	if (text[0] != '/' || n < 0 || (size_t)n >= sizeof(config->env_config))
		return jota_fail(err, EINVAL,
				 JOTA_CONFIG_PATH
				 " line %u: env_config '%.80s' is not an absolute path, "
				 "expected for example '" ENV_CONFIG_DEFAULT "'.",
				 line_of(setting), text);
	return 0;
}

static int take_boot_tries(struct jota_config *config, const config_setting_t *setting,
			   struct jota_err *err)
{
	int tries = config_setting_get_int(setting);

	if (tries < TRIES_MIN || tries > TRIES_MAX)
		return jota_fail(err, EINVAL,
				 JOTA_CONFIG_PATH " line %u: boot_tries is %d, expected %d to %d.",
				 line_of(setting), tries, TRIES_MIN, TRIES_MAX);
	config->boot_tries = (unsigned)tries;
	return 0;
}

static int take_root_disk(struct jota_config *config, const config_setting_t *setting,
			  struct jota_err *err)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	const char *text = config_setting_get_string(setting);
	const char *name = strncmp(text, "/dev/", 5) == 0 ? text + 5 : text;
	int n = snprintf(config->root_disk, sizeof(config->root_disk), "%s", name);

	if (name[strspn(name, letters)] != '\0' || n < 0 ||
	    (size_t)n >= sizeof(config->root_disk) || (name != text && name[0] == '\0'))
		return jota_fail(err, EINVAL,
				 JOTA_CONFIG_PATH
				 " line %u: root_disk '%.80s' is not the name of a disk, "
				 "expected for example 'mmcblk0'.",
				 line_of(setting), text);
	return 0;
}

static int take_preflip(struct jota_config *config, const config_setting_t *setting,
			struct jota_err *err)
{
	static const char *const words[] = { "auto", "required", "off" };
	const char *text = config_setting_get_string(setting);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i], text) != 0)
			continue;
		config->preflip = (enum jota_preflip)i;
		return 0;
	}
	return jota_fail(err, EINVAL,
			 JOTA_CONFIG_PATH
			 " line %u: preflip is '%.40s', expected 'auto', 'required' or 'off'.",
			 line_of(setting), text);
}

static int take_preflip_deadline(struct jota_config *config, const config_setting_t *setting,
				 struct jota_err *err)
{
	int seconds = config_setting_get_int(setting);

	if (seconds < 1 || seconds > PREFLIP_DEADLINE_MAX_S)
		return jota_fail(err, EINVAL,
				 JOTA_CONFIG_PATH
				 " line %u: preflip_deadline_s is %d, expected 1 to %d.",
				 line_of(setting), seconds, PREFLIP_DEADLINE_MAX_S);
	config->preflip_deadline_s = (unsigned)seconds;
	return 0;
}

#define TEXT "text in quotes"
static const struct key keys[] = {
	{ "layout", CONFIG_TYPE_STRING, TEXT, take_layout },
	{ "backend", CONFIG_TYPE_STRING, TEXT, take_backend },
	{ "env_config", CONFIG_TYPE_STRING, TEXT, take_env_config },
	{ "boot_tries", CONFIG_TYPE_INT, "whole number from 1 to 10", take_boot_tries },
	{ "root_disk", CONFIG_TYPE_STRING, TEXT, take_root_disk },
	{ "preflip", CONFIG_TYPE_STRING, TEXT, take_preflip },
	{ "preflip_deadline_s", CONFIG_TYPE_INT, "whole number from 1 to 3600",
	  take_preflip_deadline },
};
#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

static int take_setting(struct jota_config *config, const config_setting_t *setting,
			struct jota_err *err)
{
	const char *name = config_setting_name(setting);

	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (strcmp(keys[i].name, name) != 0)
			continue;
		if (config_setting_type(setting) != keys[i].type)
			return jota_fail(err, EINVAL, JOTA_CONFIG_PATH " line %u: %s must be a %s.",
					 line_of(setting), name, keys[i].expected);
		return keys[i].take(config, setting, err);
	}
	return jota_fail(err, EINVAL,
			 JOTA_CONFIG_PATH
			 " line %u: key '%.80s' is not known, there are: layout, backend, "
			 "env_config, boot_tries, root_disk, preflip, preflip_deadline_s.",
			 line_of(setting), name);
}

static int take_settings(struct jota_config *config, const config_t *parsed, struct jota_err *err)
{
	const config_setting_t *root = config_root_setting(parsed);
	unsigned count = (unsigned)config_setting_length(root);

	for (unsigned i = 0; i < count; i++) {
		int r = take_setting(config, config_setting_get_elem(root, i), err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int settle_backend(struct jota_config *config, struct jota_err *err)
{
	const struct jota_layout *layout = config->layout;

	if (config->backend[0] == '\0') {
		(void)snprintf(config->backend, sizeof(config->backend), "%s", layout->backends[0]);
		return 0;
	}
	for (size_t i = 0; layout->backends[i]; i++)
		if (strcmp(layout->backends[i], config->backend) == 0)
			return 0;
	return jota_fail(
		err, EINVAL,
		JOTA_CONFIG_PATH ": layout '%s' cannot use backend '%s', it can use: %s%s%s.",
		layout->name, config->backend, layout->backends[0], layout->backends[1] ? ", " : "",
		layout->backends[1] ? layout->backends[1] : "");
}

/* One file says everything: an included one would be read past the root prefix. */
static int refuse_include(const char *text, struct jota_err *err)
{
	unsigned line = 1;

	for (const char *at = text; at; line++) {
		at += strspn(at, " \t");
		if (strncmp(at, "@include", 8) == 0)
			return jota_fail(err, EINVAL,
					 JOTA_CONFIG_PATH " line %u: @include is not allowed.",
					 line);
		at = strchr(at, '\n');
		if (at)
			at++;
	}
	return 0;
}

static int parse_text(struct jota_config *config, const char *text, struct jota_err *err)
{
	config_t parsed;
	int r;

	config_init(&parsed);
	if (config_read_string(&parsed, text) == CONFIG_TRUE)
		r = take_settings(config, &parsed, err);
	else
		r = jota_fail(err, EINVAL, JOTA_CONFIG_PATH " line %d: %s.",
			      config_error_line(&parsed), config_error_text(&parsed));
	config_destroy(&parsed);
	return r;
}

static int fail_no_layout(int errnum, const char *what, struct jota_err *err)
{
	char known[128];

	jota_layout_names(known, sizeof(known));
	return jota_fail(
		err, errnum,
		"%s: say which board this is by a line 'layout = \"<name>\";' in " JOTA_CONFIG_PATH
		", where <name> is one of: %s.",
		what, known);
}

int jota_config_read(const struct jota_io *io, struct jota_config *ret_config, struct jota_err *err)
{
	struct jota_config config = { .env_config = ENV_CONFIG_DEFAULT,
				      .boot_tries = TRIES_DEFAULT,
				      .preflip_deadline_s = PREFLIP_DEADLINE_DEFAULT_S };
	CLEANUP_FREE char *text = NULL;
	size_t len_bytes = 0;
	int r;

	r = jota_io_read_file(io, JOTA_CONFIG_PATH, FILE_BYTES_MAX, &text, &len_bytes, err);
	if (r == -ENOENT)
		return fail_no_layout(ENOENT, "there is no configuration file", err);
	if (r < 0)
		return r;
	if (strlen(text) != len_bytes)
		return jota_fail(err, EINVAL,
				 JOTA_CONFIG_PATH " is not a text file: NUL byte at %zu.",
				 strlen(text));
	r = refuse_include(text, err);
	if (r == 0)
		r = parse_text(&config, text, err);
	if (r == 0 && !config.layout)
		r = fail_no_layout(EINVAL, "no layout is set", err);
	if (r == 0)
		r = settle_backend(&config, err);
	if (r < 0)
		return r;
	*ret_config = config;
	return 0;
}
