/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* One entry of a sw-description: its attributes and properties. */
#include "swu/description_tree.h"

#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind {
	KIND_TEXT,	 /* a string; anything else is passed over by SWUpdate */
	KIND_FLAG,	 /* a boolean */
	KIND_OFFSET,	 /* a string or a number */
	KIND_COMPRESSED, /* a string or a boolean */
	KIND_ELSEWHERE,	 /* known to SWUpdate, of no interest here */
};

struct attribute {
	const char *name;
	enum kind kind;
	size_t at; /* in struct jota_swu_entry */
};

#define TEXT_AT(name, member)                                                                      \
	{                                                                                          \
		name, KIND_TEXT, offsetof(struct jota_swu_entry, member)                           \
	}
#define FLAG_AT(name, member)                                                                      \
	{                                                                                          \
		name, KIND_FLAG, offsetof(struct jota_swu_entry, member)                           \
	}

/* SWUpdate parser/parser.c, parse_common_attributes() and its callers. */
static const struct attribute attributes[] = {
	TEXT_AT("filename", filename),
	TEXT_AT("type", type),
	TEXT_AT("device", device),
	TEXT_AT("path", path),
	TEXT_AT("volume", volume),
	TEXT_AT("mtdname", mtdname),
	TEXT_AT("name", name),
	TEXT_AT("version", version),
	TEXT_AT("ivt", ivt),
	TEXT_AT("sha256", sha256),
	TEXT_AT("data", data),
	TEXT_AT("ref", ref),
	FLAG_AT("install-if-different", install_if_different),
	FLAG_AT("install-if-higher", install_if_higher),
	FLAG_AT("installed-directly", installed_directly),
	FLAG_AT("encrypted", encrypted),
	{ "offset", KIND_OFFSET, offsetof(struct jota_swu_entry, offset) },
	{ "compressed", KIND_COMPRESSED, offsetof(struct jota_swu_entry, compressed) },
	{ "filesystem", KIND_ELSEWHERE, 0 },
	{ "preserve-attributes", KIND_ELSEWHERE, 0 },
	{ "hook", KIND_ELSEWHERE, 0 },
	{ "size", KIND_ELSEWHERE, 0 },
	{ "value", KIND_ELSEWHERE, 0 },
};
#define ATTRIBUTE_COUNT (sizeof(attributes) / sizeof(attributes[0]))

const char *jota_swu_tree_text(const config_setting_t *setting)
{
	return setting && config_setting_type(setting) == CONFIG_TYPE_STRING ?
		       config_setting_get_string(setting) :
		       NULL;
}

int jota_swu_names_add(struct jota_swu_names *names, const char *name)
{
	char **grown = reallocarray(names->name, names->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	names->name = grown;
	names->name[names->count] = strdup(name);
	if (!names->name[names->count])
		return -ENOMEM;
	names->count++;
	return 0;
}

void jota_swu_names_done(struct jota_swu_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->name[i]);
	free(names->name);
	*names = (struct jota_swu_names){ 0 };
}

static int take_text(char **to, const char *text)
{
	*to = strdup(text);
	return *to ? 0 : -ENOMEM;
}

/* 1: the value is of a kind that SWUpdate does not take here. */
static int take_value(const struct attribute *a, const config_setting_t *value, void *to)
{
	int type = config_setting_type(value);
	char number[24];

	switch (a->kind) {
	case KIND_FLAG:
		if (type != CONFIG_TYPE_BOOL)
			return 1;
		*(bool *)to = config_setting_get_bool(value) == CONFIG_TRUE;
		return 0;
	case KIND_OFFSET:
		if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64) {
			(void)snprintf(number, sizeof(number), "%lld",
				       config_setting_get_int64(value));
			return take_text(to, number);
		}
		break;
	case KIND_COMPRESSED:
		if (type == CONFIG_TYPE_BOOL)
			return config_setting_get_bool(value) == CONFIG_TRUE ?
				       take_text(to, "true") :
				       0;
		break;
	case KIND_ELSEWHERE:
		return 0;
	case KIND_TEXT:
		break;
	}
	if (type != CONFIG_TYPE_STRING)
		return 1;
	return take_text(to, config_setting_get_string(value));
}

static int add_property(struct jota_swu_tree *tree, const char *name, const config_setting_t *value,
			struct jota_swu_entry *entry, struct jota_err *err)
{
	const char *text = jota_swu_tree_text(value);
	struct jota_swu_property *p = &entry->property[entry->property_count];

	if (!text)
		return jota_swu_names_add(&entry->ignored, name);
	if (entry->property_count == JOTA_SWU_PROPERTIES_MAX)
		return jota_fail(err, EBADMSG, "'%s' line %u: an entry has more than %d properties.",
				 tree->name, entry->line, JOTA_SWU_PROPERTIES_MAX);
	p->line = config_setting_source_line(value);
	p->name = strdup(name);
	p->value = strdup(text);
	entry->property_count++;
	return p->name && p->value ? 0 : -ENOMEM;
}

/* A list gives several properties of one name, as in SWUpdate. */
static int take_properties(struct jota_swu_tree *tree, const config_setting_t *group,
			   struct jota_swu_entry *entry, struct jota_err *err)
{
	int count = config_setting_length(group), rc = 0;

	if (config_setting_is_group(group) != CONFIG_TRUE)
		return jota_swu_names_add(&entry->ignored, "properties");
	entry->property = calloc(JOTA_SWU_PROPERTIES_MAX, sizeof(*entry->property));
	if (!entry->property)
		return -ENOMEM;
	for (int i = 0; !rc && i < count; i++) {
		const config_setting_t *value = config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(value);
		int inner = config_setting_is_aggregate(value) ? config_setting_length(value) : 0;

		if (!inner)
			rc = add_property(tree, name, value, entry, err);
		for (int j = 0; !rc && j < inner; j++)
			rc = add_property(tree, name, config_setting_get_elem(value, (unsigned)j),
					  entry, err);
	}
	return rc;
}

static int take_attribute(struct jota_swu_tree *tree, const config_setting_t *value,
			  struct jota_swu_entry *entry, struct jota_err *err)
{
	const char *name = config_setting_name(value);

	if (strcmp(name, "properties") == 0)
		return take_properties(tree, value, entry, err);
	for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
		int rc;

		if (strcmp(attributes[i].name, name) != 0)
			continue;
		rc = take_value(&attributes[i], value, (char *)entry + attributes[i].at);
		return rc == 1 ? jota_swu_names_add(&entry->ignored, name) : rc;
	}
	return jota_swu_names_add(&entry->unknown, name);
}

int jota_swu_entry_take(struct jota_swu_tree *tree, const config_setting_t *setting,
			struct jota_swu_entry *entry, struct jota_err *err)
{
	int count = config_setting_is_group(setting) ? config_setting_length(setting) : 0, rc = 0;

	entry->line = config_setting_source_line(setting);
	entry->selection = jota_swu_tree_selection(setting);
	if (!entry->selection)
		rc = -ENOMEM;
	for (int i = 0; !rc && i < count; i++)
		rc = take_attribute(tree, config_setting_get_elem(setting, (unsigned)i), entry, err);
	if (rc == -ENOMEM)
		return jota_fail(err, ENOMEM, "'%s': keep an entry", tree->name);
	return rc;
}

void jota_swu_entry_done(struct jota_swu_entry *entry)
{
	free(entry->selection);
	for (size_t i = 0; i < ATTRIBUTE_COUNT; i++)
		if (attributes[i].kind != KIND_FLAG && attributes[i].kind != KIND_ELSEWHERE)
			free(*(char **)((char *)entry + attributes[i].at));
	for (size_t i = 0; i < entry->property_count; i++) {
		free(entry->property[i].name);
		free(entry->property[i].value);
	}
	free(entry->property);
	jota_swu_names_done(&entry->ignored);
	jota_swu_names_done(&entry->unknown);
	*entry = (struct jota_swu_entry){ 0 };
}

const char *jota_swu_property_get(const struct jota_swu_entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->property_count; i++)
		if (strcmp(entry->property[i].name, name) == 0)
			return entry->property[i].value;
	return NULL;
}

const char *jota_swu_entry_type(const struct jota_swu_entry *entry)
{
	if (entry->type && entry->type[0] != '\0')
		return entry->type;
	switch (entry->section) {
	case JOTA_SWU_IMAGES:
		return entry->volume && entry->volume[0] != '\0' ? "ubivol" :
		       entry->device && entry->device[0] != '\0' ? "raw" :
								   "";
	case JOTA_SWU_FILES:
		return "rawfile";
	case JOTA_SWU_SCRIPTS:
		return "lua";
	case JOTA_SWU_PARTITIONS:
		return "ubipartition";
	case JOTA_SWU_BOOTENV:
	case JOTA_SWU_SBOM:
		return "";
	}
	return "";
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool jota_swu_hash_parse(const char *text, uint8_t ret_hash[32])
{
	uint8_t hash[32], any = 0;

	if (strlen(text) != 2 * sizeof(hash))
		return false;
	for (size_t i = 0; i < sizeof(hash); i++) {
		int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		hash[i] = (uint8_t)(high << 4 | low);
		any |= hash[i];
	}
	if (any)
		memcpy(ret_hash, hash, sizeof(hash));
	return any != 0;
}
