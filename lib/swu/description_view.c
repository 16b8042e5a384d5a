/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Which entries one kind of device finds: SWUpdate's search through board, set and mode, and its
 * links ("ref"), as in its parser/parser.c and core/parsing_library.c.
 */
#define _GNU_SOURCE /* asprintf */

#include "swu/description_tree.h"

#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SWUpdate's own limits: parts of a path, and links that may follow each other. */
#define NODES_MAX 20
#define LINKS_MAX 9

/* A path of names from the root. The names belong to libconfig's tree or to `link`. */
struct nodes {
	const char *name[NODES_MAX];
	size_t count;
	char *link[LINKS_MAX * 2];
	size_t link_count;
};

static void nodes_done(struct nodes *n)
{
	for (size_t i = 0; i < n->link_count; i++)
		free(n->link[i]);
}

static const config_setting_t *lookup(const struct jota_swu_tree *tree, const struct nodes *n)
{
	const config_setting_t *at = config_root_setting(tree->config);

	for (size_t i = 0; at && i < n->count; i++)
		at = config_setting_is_group(at) ? config_setting_get_member(at, n->name[i]) : NULL;
	return at;
}

/*
 * The path that a link leads to. "#a/b" counts from the root, "#./a" and "#../a" from the group
 * around. -EINVAL: it is none.
 */
static int follow(struct nodes *n, const char *ref)
{
	char *copy, *at, *token;
	bool first = true;

	if (ref[0] != '#' || strlen(ref) < 3 || n->count == 0 ||
	    n->link_count == sizeof(n->link) / sizeof(n->link[0]))
		return -EINVAL;
	copy = strdup(ref + 1);
	if (!copy)
		return -ENOMEM;
	n->link[n->link_count++] = copy;
	n->count--;
	at = copy;
	while ((token = strsep(&at, "/"))) {
		if (token[0] == '\0')
			continue;
		if (strcmp(token, "..") == 0) {
			if (n->count == 0)
				return -EINVAL;
			n->count--;
		} else if (strcmp(token, ".") != 0) {
			if (first)
				n->count = 0;
			if (n->count == NODES_MAX)
				return -EINVAL;
			n->name[n->count++] = token;
		}
		first = false;
	}
	return 0;
}

/* SWUpdate's find_root(): a group at the end of the path may be a link, and the path goes with it. */
static const config_setting_t *find_root(const struct jota_swu_tree *tree, struct nodes *n)
{
	for (int links = 0; links < LINKS_MAX; links++) {
		const config_setting_t *found = lookup(tree, n);
		const char *ref =
			found && config_setting_is_group(found) ?
				jota_swu_tree_text(config_setting_get_member(found, "ref")) :
				NULL;

		if (!ref)
			return found;
		if (follow(n, ref) < 0)
			return NULL;
	}
	return NULL;
}

/* Up to three names of groups: which of them are board, set and mode follows from their number. */
struct place {
	const char *name[3];
	size_t count;
};

/* The i-th path that SWUpdate looks at for this place; false: it does not look there. */
static bool context_at(const struct place *place, unsigned i, struct nodes *n)
{
	size_t from = 0, to = place->count;

	switch (i) {
	case 0: /* board, set, mode */
		if (place->count != 3)
			return false;
		break;
	case 1: /* set, mode */
		if (place->count < 2)
			return false;
		from = place->count - 2;
		break;
	case 2: /* board */
		if (place->count == 0 || place->count == 2)
			return false;
		to = 1;
		break;
	default:
		to = 0;
	}
	n->count = 0;
	n->name[n->count++] = ROOT_NAME;
	for (; from < to; from++)
		n->name[n->count++] = place->name[from];
	return true;
}

/* *n: the path to what was found, links followed; the caller frees it in any case. */
static const config_setting_t *find_field(const struct jota_swu_tree *tree,
					  const struct place *place, const char *field,
					  struct nodes *n)
{
	for (unsigned i = 0; i < 4; i++) {
		const config_setting_t *found;

		nodes_done(n);
		*n = (struct nodes){ 0 };
		if (!context_at(place, i, n) || !find_root(tree, n) || n->count == NODES_MAX)
			continue;
		n->name[n->count++] = field;
		found = find_root(tree, n);
		if (found)
			return found;
	}
	return NULL;
}

static const config_setting_t *find_scalar(const struct jota_swu_tree *tree,
					   const struct place *place, const char *field)
{
	struct nodes n = { 0 };
	const config_setting_t *found = find_field(tree, place, field, &n);

	nodes_done(&n);
	return found;
}

static int add_index(size_t **list, size_t *count, size_t index)
{
	size_t *grown = reallocarray(*list, *count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	*list = grown;
	grown[(*count)++] = index;
	return 0;
}

static int add_variable(struct jota_swu_tree *tree, struct jota_swu_view *view,
			const config_setting_t *elem, struct jota_err *err)
{
	size_t index;
	int rc = jota_swu_tree_bootenv(tree, elem, &index, err);

	return rc < 0 ? rc : add_index(&view->bootenv, &view->bootenv_count, index);
}

static int add_entry(struct jota_swu_tree *tree, struct jota_swu_view *view,
		     enum jota_swu_section section, const config_setting_t *elem,
		     struct jota_err *err)
{
	size_t index;
	int rc;

	if (view->entry_count == JOTA_SWU_ENTRIES_MAX)
		return jota_fail(err, EBADMSG, "'%s' line %u: '%s' has more than %d entries.",
				 tree->name, config_setting_source_line(elem), view->name,
				 JOTA_SWU_ENTRIES_MAX);
	if (section == JOTA_SWU_BOOTENV && config_setting_is_group(elem) &&
	    jota_swu_tree_text(config_setting_get_member(elem, "name")))
		return add_variable(tree, view, elem, err);
	rc = jota_swu_tree_entry(tree, section, elem, &index, err);
	return rc < 0 ? rc : add_index(&view->entry, &view->entry_count, index);
}

static int add_list(struct jota_swu_tree *tree, struct jota_swu_view *view,
		    enum jota_swu_section section, const config_setting_t *list,
		    const struct nodes *n, unsigned depth, struct jota_err *err)
{
	int count = config_setting_is_aggregate(list) ? config_setting_length(list) : 0, rc = 0;

	if (depth == LINKS_MAX)
		return jota_fail(err, EBADMSG, "'%s' line %u: the links (ref) go round in a circle.",
				 tree->name, config_setting_source_line(list));
	for (int i = 0; !rc && i < count; i++) {
		const config_setting_t *elem = config_setting_get_elem(list, (unsigned)i);
		const config_setting_t *target = NULL;
		const char *ref =
			config_setting_is_group(elem) ?
				jota_swu_tree_text(config_setting_get_member(elem, "ref")) :
				NULL;
		struct nodes linked = { .count = n->count };

		memcpy(linked.name, n->name, sizeof(linked.name));
		if (ref && follow(&linked, ref) == 0)
			target = find_root(tree, &linked);
		if (target)
			rc = add_list(tree, view, section, target, &linked, depth + 1, err);
		else
			rc = add_entry(tree, view, section, elem, err);
		nodes_done(&linked);
	}
	return rc;
}

static int add_section(struct jota_swu_tree *tree, struct jota_swu_view *view,
		       const struct place *place, enum jota_swu_section section, const char *field,
		       bool *ret_found, struct jota_err *err)
{
	struct nodes n = { 0 };
	const config_setting_t *list = find_field(tree, place, field, &n);
	int rc = list ? add_list(tree, view, section, list, &n, 0, err) : 0;

	*ret_found = list != NULL;
	nodes_done(&n);
	return rc;
}

static bool is_false(const config_setting_t *setting)
{
	return setting && config_setting_type(setting) == CONFIG_TYPE_BOOL &&
	       config_setting_get_bool(setting) != CONFIG_TRUE;
}

static void take_flags(const struct jota_swu_tree *tree, const struct place *place,
		       struct jota_swu_view *view)
{
	const config_setting_t *reboot = find_scalar(tree, place, "reboot");

	view->has_version = jota_swu_tree_text(find_scalar(tree, place, "version")) != NULL;
	view->has_hardware = find_scalar(tree, place, "hardware-compatibility") != NULL;
	view->has_embedded_script = find_scalar(tree, place, "embedded-script") != NULL;
	view->has_reboot = reboot && config_setting_type(reboot) == CONFIG_TYPE_BOOL;
	view->reboot = view->has_reboot && !is_false(reboot);
	view->state_marker_off = is_false(find_scalar(tree, place, "bootloader_state_marker"));
	view->transaction_marker_off =
		is_false(find_scalar(tree, place, "bootloader_transaction_marker"));
}

/* In SWUpdate's order; of bootenv and its old name the first one counts. */
static int fill_view(struct jota_swu_tree *tree, const struct place *place,
		     struct jota_swu_view *view, struct jota_err *err)
{
	static const enum jota_swu_section order[] = { JOTA_SWU_PARTITIONS, JOTA_SWU_FILES,
						       JOTA_SWU_IMAGES, JOTA_SWU_SCRIPTS,
						       JOTA_SWU_BOOTENV };
	bool found = false;
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(order) / sizeof(order[0]); i++)
		rc = add_section(tree, view, place, order[i], jota_swu_section_name(order[i]),
				 &found, err);
	if (!rc && !found)
		rc = add_section(tree, view, place, JOTA_SWU_BOOTENV, "uboot", &found, err);
	take_flags(tree, place, view);
	return rc;
}

static char *place_name(const struct place *place)
{
	char *name = NULL;
	int n = asprintf(&name, "%s%s%s%s%s", place->count > 0 ? place->name[0] : "",
			 place->count > 1 ? "." : "", place->count > 1 ? place->name[1] : "",
			 place->count > 2 ? "." : "", place->count > 2 ? place->name[2] : "");

	return n < 0 ? NULL : name;
}

/* A group is a place of its own when it, or what it links to, has one of the sections. */
static bool has_section(const struct jota_swu_tree *tree, const struct place *place)
{
	static const char *const section[] = { "images",     "files",	"scripts",
					       "partitions", "bootenv", "uboot" };
	struct nodes n = { .name = { ROOT_NAME }, .count = 1 };
	const config_setting_t *group;
	bool has = false;

	for (size_t i = 0; i < place->count; i++)
		n.name[n.count++] = place->name[i];
	group = find_root(tree, &n);
	for (size_t i = 0;
	     group && config_setting_is_group(group) && i < sizeof(section) / sizeof(section[0]);
	     i++)
		has |= config_setting_get_member(group, section[i]) != NULL;
	nodes_done(&n);
	return has;
}

static int add_view(struct jota_swu_tree *tree, const struct place *place, unsigned line,
		    struct jota_err *err)
{
	struct jota_swu_description *d = tree->d;
	struct jota_swu_view *view, *grown;
	int rc;

	if (!has_section(tree, place))
		return 0;
	if (d->view_count == JOTA_SWU_ENTRIES_MAX)
		return jota_fail(err, EBADMSG, "'%s' line %u: more than %d groups with entries.",
				 tree->name, line, JOTA_SWU_ENTRIES_MAX);
	grown = reallocarray(d->view, d->view_count + 1, sizeof(*grown));
	if (!grown)
		return jota_fail(err, ENOMEM, "'%s': keep a selection", tree->name);
	d->view = grown;
	view = &d->view[d->view_count++];
	*view = (struct jota_swu_view){ .line = line };
	view->name = place_name(place);
	rc = view->name ? fill_view(tree, place, view, err) : -ENOMEM;
	if (rc == -ENOMEM)
		return jota_fail(err, ENOMEM, "'%s': keep a selection", tree->name);
	return rc;
}

static int add_views(struct jota_swu_tree *tree, const config_setting_t *group, struct place *place,
		     struct jota_err *err)
{
	int count = config_setting_length(group);
	int rc = add_view(tree, place, config_setting_source_line(group), err);

	for (int i = 0; !rc && place->count < 3 && i < count; i++) {
		const config_setting_t *inner = config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(inner);

		if (!config_setting_is_group(inner) || !name || jota_swu_tree_is_field(name))
			continue;
		place->name[place->count++] = name;
		rc = add_views(tree, inner, place, err);
		place->count--;
	}
	return rc;
}

int jota_swu_tree_views(struct jota_swu_tree *tree, struct jota_err *err)
{
	const config_setting_t *root =
		config_setting_get_member(config_root_setting(tree->config), ROOT_NAME);
	struct place place = { .count = 0 };

	return add_views(tree, root, &place, err);
}

void jota_swu_view_done(struct jota_swu_view *view)
{
	free(view->name);
	free(view->entry);
	free(view->bootenv);
}
