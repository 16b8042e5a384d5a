/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* A user's own sw-description, with what only the packer knows put in. */
#define _GNU_SOURCE /* open_memstream */
#include "swu/emit.h"

#include "base/err.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libconfig.h>

#define DEPTH_MAX 16u

struct own {
	const char *name;
	const struct jota_emit_file *file;
	size_t count;
	struct jota_err *err;
};

/* The member as it should be: an old one of another kind is replaced. */
static config_setting_t *renew(config_setting_t *group, const char *name, int type)
{
	config_setting_t *member = config_setting_get_member(group, name);

	if (member && config_setting_type(member) == type)
		return member;
	if (member && config_setting_remove(group, name) != CONFIG_TRUE)
		return NULL;
	return config_setting_add(group, name, type);
}

static int set_text(const struct own *o, config_setting_t *group, const char *name, const char *text)
{
	config_setting_t *member = renew(group, name, CONFIG_TYPE_STRING);

	if (member && config_setting_set_string(member, text) == CONFIG_TRUE)
		return 0;
	return jota_fail(o->err, ENOMEM, "%s: set %s", o->name, name);
}

static int set_true(const struct own *o, config_setting_t *group, const char *name)
{
	config_setting_t *member = renew(group, name, CONFIG_TYPE_BOOL);

	if (member && config_setting_set_bool(member, 1) == CONFIG_TRUE)
		return 0;
	return jota_fail(o->err, ENOMEM, "%s: set %s", o->name, name);
}

static int set_size(const struct own *o, config_setting_t *entry, const struct jota_emit_file *file)
{
	const char *name = file->compression != JOTA_COMPRESSION_NONE ? "decompressed-size" :
									"decrypted-size";
	config_setting_t *properties = renew(entry, "properties", CONFIG_TYPE_GROUP);
	char text[24];

	if (!properties)
		return jota_fail(o->err, ENOMEM, "%s: set %s", o->name, name);
	(void)snprintf(text, sizeof(text), "%" PRIu64, file->content_bytes);
	return set_text(o, properties, name, text);
}

static int complete_entry(const struct own *o, config_setting_t *entry,
			  const struct jota_emit_file *file)
{
	char hex[2 * JOTA_SHA256_BYTES + 1];
	int rc;

	jota_emit_hex(file->sha256, JOTA_SHA256_BYTES, hex);
	rc = set_text(o, entry, "sha256", hex);
	if (rc == 0 && file->compression != JOTA_COMPRESSION_NONE)
		rc = set_text(o, entry, "compressed", jota_compression_name(file->compression));
	if (rc == 0 && file->encrypt && !file->as_is) {
		jota_emit_hex(file->iv, JOTA_AES_IV_BYTES, hex);
		rc = set_true(o, entry, "encrypted");
		if (rc == 0)
			rc = set_text(o, entry, "ivt", hex);
	}
	if (rc == 0 && file->content_bytes > 0 &&
	    (file->compression != JOTA_COMPRESSION_NONE || file->encrypt))
		rc = set_size(o, entry, file);
	return rc;
}

static int add_sboms(const struct own *o, config_setting_t *group)
{
	config_setting_t *list = NULL;
	const config_setting_t *images = config_setting_get_member(group, "images");

	/* The hook has a property of that name, a text. */
	if (!images || !config_setting_is_list(images) || config_setting_get_member(group, "sbom"))
		return 0;
	for (size_t i = 0; i < o->count; i++) {
		config_setting_t *entry;
		int rc;

		if (!o->file[i].is_sbom)
			continue;
		if (!list)
			list = config_setting_add(group, "sbom", CONFIG_TYPE_LIST);
		entry = list ? config_setting_add(list, NULL, CONFIG_TYPE_GROUP) : NULL;
		if (!entry)
			return jota_fail(o->err, ENOMEM, "%s: add sbom", o->name);
		rc = set_text(o, entry, "filename", o->file[i].name);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int complete_group(const struct own *o, config_setting_t *group)
{
	const char *name = NULL;
	int rc = add_sboms(o, group);

	if (rc < 0 || config_setting_lookup_string(group, "filename", &name) != CONFIG_TRUE)
		return rc;
	for (size_t i = 0; i < o->count; i++)
		if (strcmp(o->file[i].name, name) == 0)
			return complete_entry(o, group, &o->file[i]);
	return 0;
}

/* A template's word that nobody replaced would reach the device as a name or a version. */
static int refuse_word(const struct own *o, const config_setting_t *setting)
{
	const char *text = config_setting_get_string(setting);
	const char *at = strchr(text, '@');

	if (!at || !strchr(at + 1, '@'))
		return 0;
	return jota_fail(o->err, EINVAL,
			 "%s line %u: '%.80s' is left over, nothing here says what it becomes%s.",
			 o->name, config_setting_source_line(setting), text,
			 strstr(text, "@VERSION@") ? "; set version in update.conf" : "");
}

static int walk(const struct own *o, config_setting_t *setting, unsigned depth)
{
	int rc = 0;

	if (config_setting_type(setting) == CONFIG_TYPE_STRING)
		return refuse_word(o, setting);
	if (!config_setting_is_aggregate(setting))
		return 0;
	if (depth == DEPTH_MAX)
		return jota_fail(o->err, EBADMSG, "%s line %u: more than %u groups in each other.",
				 o->name, config_setting_source_line(setting), DEPTH_MAX);
	if (config_setting_is_group(setting))
		rc = complete_group(o, setting);
	/* Asked each time: completing adds members. */
	for (int i = 0; rc == 0 && i < config_setting_length(setting); i++)
		rc = walk(o, config_setting_get_elem(setting, (unsigned)i), depth + 1);
	return rc;
}

static int write_text(const config_t *parsed, char **ret_text, struct jota_err *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int failed;

	if (!f)
		return jota_fail(err, errno, "write sw-description");
	config_write(parsed, f);
	failed = ferror(f);
	if (fclose(f) != 0 || failed) {
		free(text);
		return jota_fail(err, ENOMEM, "write sw-description");
	}
	*ret_text = text;
	return 0;
}

int jota_emit_own(const struct jota_recipe *recipe, const char *name, const char *text,
		  const struct jota_emit_file *file, size_t count, char **ret_text,
		  struct jota_err *err)
{
	struct own o = { .name = name, .file = file, .count = count, .err = err };
	config_setting_t *software;
	config_t parsed;
	int rc = 0;

	config_init(&parsed);
	if (config_read_string(&parsed, text) != CONFIG_TRUE)
		rc = jota_fail(err, EBADMSG, "%s line %d: %s.", name, config_error_line(&parsed),
			       config_error_text(&parsed));
	software = rc == 0 ? config_lookup(&parsed, "software") : NULL;
	if (rc == 0 && (!software || !config_setting_is_group(software)))
		rc = jota_fail(err, EBADMSG, "%s: there is no group 'software'.", name);
	if (rc == 0 && recipe->version)
		rc = set_text(&o, software, "version", recipe->version);
	if (rc == 0)
		rc = walk(&o, config_root_setting(&parsed), 0);
	if (rc == 0)
		rc = write_text(&parsed, ret_text, err);
	config_destroy(&parsed);
	return rc;
}
