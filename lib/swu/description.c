/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE /* asprintf */

#include "swu/description.h"

#include "base/err.h"
#include "swu/description_tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Deeper groups are read by nobody, but their entries are shown. */
#define DEPTH_MAX 8

/* Names below a selection that are no selections themselves. */
static const char *const fields[] = {
	"version",
	"description",
	"name",
	"hardware-compatibility",
	"embedded-script",
	"reboot",
	"output",
	"bootloader_state_marker",
	"bootloader_transaction_marker",
	"namespace-for-vars",
	"vars",
	"uboot",
	"ref",
};

static const char *const sections[JOTA_SWU_SECTION_COUNT] = {
	[JOTA_SWU_IMAGES] = "images",	[JOTA_SWU_FILES] = "files",
	[JOTA_SWU_SCRIPTS] = "scripts", [JOTA_SWU_PARTITIONS] = "partitions",
	[JOTA_SWU_BOOTENV] = "bootenv", [JOTA_SWU_SBOM] = "sbom",
};

const char *jota_swu_section_name(enum jota_swu_section section)
{
	return sections[section];
}

bool jota_swu_tree_is_field(const char *name)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(fields[i], name) == 0)
			return true;
	for (size_t i = 0; i < JOTA_SWU_SECTION_COUNT; i++)
		if (strcmp(sections[i], name) == 0)
			return true;
	return false;
}

char *jota_swu_tree_selection(const config_setting_t *setting)
{
	char *path = strdup("");

	/* From the inside out; what is no group, or has no name, is a list of entries. */
	for (const config_setting_t *at = config_setting_parent(setting);
	     path && at && !config_setting_is_root(at); at = config_setting_parent(at)) {
		const char *name = config_setting_name(at);
		char *longer = NULL;

		if (!config_setting_is_group(at) || !name || strcmp(name, ROOT_NAME) == 0)
			continue;
		if (asprintf(&longer, "%s%s%s", name, path[0] ? "." : "", path) < 0)
			longer = NULL;
		free(path);
		path = longer;
	}
	return path;
}

int jota_swu_tree_entry(struct jota_swu_tree *tree, enum jota_swu_section section,
			const config_setting_t *setting, size_t *ret_index, struct jota_err *err)
{
	struct jota_swu_description *d = tree->d;
	size_t i;

	for (i = 0; i < d->entry_count; i++)
		if (tree->entry_from[i] == setting && d->entry[i].section == section)
			break;
	*ret_index = i;
	if (i < d->entry_count)
		return 0;
	if (i == JOTA_SWU_ENTRIES_MAX)
		return jota_fail(err, EBADMSG, "'%s' line %u: more than %d entries.", tree->name,
				 config_setting_source_line(setting), JOTA_SWU_ENTRIES_MAX);
	tree->entry_from[i] = setting;
	d->entry[i].section = section;
	d->entry_count++;
	return jota_swu_entry_take(tree, setting, &d->entry[i], err);
}

int jota_swu_tree_bootenv(struct jota_swu_tree *tree, const config_setting_t *setting,
			  size_t *ret_index, struct jota_err *err)
{
	struct jota_swu_description *d = tree->d;
	const char *value = jota_swu_tree_text(config_setting_get_member(setting, "value"));
	struct jota_swu_property *p;
	size_t i;

	for (i = 0; i < d->bootenv_count && tree->bootenv_from[i] != setting; i++)
		;
	*ret_index = i;
	if (i < d->bootenv_count)
		return 0;
	if (i == JOTA_SWU_ENTRIES_MAX)
		return jota_fail(err, EBADMSG, "'%s' line %u: more than %d bootloader variables.",
				 tree->name, config_setting_source_line(setting),
				 JOTA_SWU_ENTRIES_MAX);
	tree->bootenv_from[i] = setting;
	p = &d->bootenv[i];
	p->line = config_setting_source_line(setting);
	p->name = strdup(jota_swu_tree_text(config_setting_get_member(setting, "name")));
	p->value = strdup(value ? value : "");
	d->bootenv_count++;
	if (!p->name || !p->value)
		return jota_fail(err, ENOMEM, "'%s': keep a bootloader variable", tree->name);
	return 0;
}

/* An element that a view may follow elsewhere, or that is a variable, is no entry yet. */
static bool is_entry(enum jota_swu_section section, const config_setting_t *elem)
{
	if (!config_setting_is_group(elem))
		return true;
	if (jota_swu_tree_text(config_setting_get_member(elem, "ref")))
		return false;
	return section != JOTA_SWU_BOOTENV ||
	       !jota_swu_tree_text(config_setting_get_member(elem, "name"));
}

static int walk_section(struct jota_swu_tree *tree, enum jota_swu_section section,
			const config_setting_t *list, struct jota_err *err)
{
	int count = config_setting_is_aggregate(list) ? config_setting_length(list) : 0, rc = 0;

	for (int i = 0; !rc && i < count; i++) {
		const config_setting_t *elem = config_setting_get_elem(list, (unsigned)i);
		size_t index;

		if (is_entry(section, elem))
			rc = jota_swu_tree_entry(tree, section, elem, &index, err);
	}
	return rc;
}

static int add_hardware(struct jota_swu_tree *tree, const config_setting_t *list,
			struct jota_err *err)
{
	struct jota_swu_names names = { tree->d->hardware, tree->d->hardware_count };
	int count = config_setting_is_aggregate(list) ? config_setting_length(list) : 0, rc = 0;
	char *selection = jota_swu_tree_selection(list);

	for (int i = 0; selection && !rc && i < count; i++) {
		const char *text = jota_swu_tree_text(config_setting_get_elem(list, (unsigned)i));
		char *name = NULL;

		if (!text)
			continue;
		rc = asprintf(&name, "%s%s%s", selection, selection[0] ? ":" : "", text);
		rc = rc < 0 ? -ENOMEM : jota_swu_names_add(&names, name);
		free(name);
	}
	if (!selection)
		rc = -ENOMEM;
	free(selection);
	tree->d->hardware = names.name;
	tree->d->hardware_count = names.count;
	return rc < 0 ? jota_fail(err, ENOMEM, "'%s': keep the hardware", tree->name) : 0;
}

static int walk_member(struct jota_swu_tree *tree, const config_setting_t *member, unsigned depth,
		       struct jota_err *err);

static int walk(struct jota_swu_tree *tree, const config_setting_t *group, unsigned depth,
		struct jota_err *err)
{
	int count = config_setting_length(group), rc = 0;

	for (int i = 0; !rc && i < count; i++)
		rc = walk_member(tree, config_setting_get_elem(group, (unsigned)i), depth, err);
	return rc;
}

static int walk_member(struct jota_swu_tree *tree, const config_setting_t *member, unsigned depth,
		       struct jota_err *err)
{
	const char *name = config_setting_name(member);

	if (!name)
		return 0;
	for (size_t i = 0; i < JOTA_SWU_SECTION_COUNT; i++)
		if (strcmp(sections[i], name) == 0)
			return walk_section(tree, (enum jota_swu_section)i, member, err);
	if (strcmp(name, "uboot") == 0)
		return walk_section(tree, JOTA_SWU_BOOTENV, member, err);
	if (strcmp(name, "hardware-compatibility") == 0)
		return add_hardware(tree, member, err);
	if (!config_setting_is_group(member) || jota_swu_tree_is_field(name))
		return 0;
	if (depth == DEPTH_MAX)
		return jota_fail(err, EBADMSG, "'%s' line %u: groups more than %d deep.",
				 tree->name, config_setting_source_line(member), DEPTH_MAX);
	return walk(tree, member, depth + 1, err);
}

/* The first text of that name, from the outside in. */
static const char *find_text(const config_setting_t *group, const char *name, unsigned depth)
{
	const char *text = jota_swu_tree_text(config_setting_get_member(group, name));
	int count = config_setting_length(group);

	for (int i = 0; !text && depth < DEPTH_MAX && i < count; i++) {
		const config_setting_t *inner = config_setting_get_elem(group, (unsigned)i);
		const char *inner_name = config_setting_name(inner);

		if (config_setting_is_group(inner) && inner_name &&
		    !jota_swu_tree_is_field(inner_name))
			text = find_text(inner, name, depth + 1);
	}
	return text;
}

static int copy_text(const struct jota_swu_tree *tree, const config_setting_t *root,
		     const char *name, char **ret, struct jota_err *err)
{
	const char *text = find_text(root, name, 0);

	if (!text)
		return 0;
	*ret = strdup(text);
	return *ret ? 0 : jota_fail(err, ENOMEM, "'%s': keep the %s", tree->name, name);
}

static void sum_up(struct jota_swu_description *d)
{
	d->reboot = true;
	for (size_t i = 0; i < d->view_count; i++) {
		const struct jota_swu_view *view = &d->view[i];

		d->has_reboot |= view->has_reboot;
		d->reboot &= !view->has_reboot || view->reboot;
		d->state_marker_off |= view->state_marker_off;
		d->transaction_marker_off |= view->transaction_marker_off;
	}
	d->reboot &= d->has_reboot;
}

static int take_tree(struct jota_swu_tree *tree, struct jota_err *err)
{
	struct jota_swu_description *d = tree->d;
	const config_setting_t *root =
		config_setting_get_member(config_root_setting(tree->config), ROOT_NAME);
	int rc;

	if (!root || !config_setting_is_group(root))
		return jota_fail(err, EBADMSG, "'%s': there is no group '" ROOT_NAME "' in it.",
				 tree->name);
	d->entry = calloc(JOTA_SWU_ENTRIES_MAX, sizeof(*d->entry));
	d->bootenv = calloc(JOTA_SWU_ENTRIES_MAX, sizeof(*d->bootenv));
	if (!d->entry || !d->bootenv)
		return jota_fail(err, ENOMEM, "'%s': keep the entries", tree->name);
	rc = walk(tree, root, 0, err);
	if (!rc)
		rc = jota_swu_tree_views(tree, err);
	if (!rc)
		rc = copy_text(tree, root, "version", &d->version, err);
	if (!rc)
		rc = copy_text(tree, root, "description", &d->text_description, err);
	sum_up(d);
	return rc;
}

/* SWUpdate would read whatever file of the device is named: a signed text says everything itself. */
static int refuse_include(const char *name, const char *text, struct jota_err *err)
{
	unsigned line = 1;

	for (const char *at = text; at; line++) {
		at += strspn(at, " \t");
		if (strncmp(at, "@include", 8) == 0)
			return jota_fail(err, EBADMSG, "'%s' line %u: @include is refused.", name,
					 line);
		at = strchr(at, '\n');
		if (at)
			at++;
	}
	return 0;
}

static int read_text(const char *name, const char *text, config_t *config, struct jota_err *err)
{
	size_t len = strnlen(text, JOTA_SWU_TEXT_MAX + 1u);

	if (len > JOTA_SWU_TEXT_MAX)
		return jota_fail(err, EBADMSG, "'%s' is longer than %u bytes.", name,
				 JOTA_SWU_TEXT_MAX);
	if (refuse_include(name, text, err) < 0)
		return -EBADMSG;
	if (config_read_string(config, text) == CONFIG_TRUE)
		return 0;
	if (text[strspn(text, " \t\r\n")] == '{')
		return jota_fail(
			err, EBADMSG,
			"'%s' is written in JSON; this program reads libconfig's form only.", name);
	return jota_fail(err, EBADMSG, "'%s' line %d: %s.", name, config_error_line(config),
			 config_error_text(config) ? config_error_text(config) : "cannot be read");
}

int jota_swu_description_parse(const char *name, const char *text, struct jota_swu_description *ret,
			       struct jota_err *err)
{
	struct jota_swu_description d = { 0 };
	struct jota_swu_tree tree = { .name = name, .d = &d };
	config_t config;
	int rc;

	config_init(&config);
	tree.config = &config;
	rc = read_text(name, text, &config, err);
	if (!rc)
		rc = take_tree(&tree, err);
	config_destroy(&config);
	if (rc < 0)
		jota_swu_description_done(&d);
	else
		*ret = d;
	return rc;
}

void jota_swu_description_done(struct jota_swu_description *d)
{
	for (size_t i = 0; i < d->entry_count; i++)
		jota_swu_entry_done(&d->entry[i]);
	for (size_t i = 0; i < d->bootenv_count; i++) {
		free(d->bootenv[i].name);
		free(d->bootenv[i].value);
	}
	for (size_t i = 0; i < d->view_count; i++)
		jota_swu_view_done(&d->view[i]);
	for (size_t i = 0; i < d->hardware_count; i++)
		free(d->hardware[i]);
	free(d->hardware);
	free(d->entry);
	free(d->bootenv);
	free(d->view);
	free(d->version);
	free(d->text_description);
	*d = (struct jota_swu_description){ 0 };
}
