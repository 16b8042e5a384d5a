/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* jetson-swu diff: what one .swu brings that another does not. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "show.h"
#include "swu/lint.h"
#include "verbs.h"

static const char usage_text[] =
	"usage: jetson-swu diff [--json] A.swu B.swu\n"
	"\n"
	"Compares versions, boards, components (by role or file name) with their hashes, sizes and\n"
	"properties, and bootloader variables. Signatures, vectors of encryption and the order of members\n"
	"are not compared, nor is anything verified.\n"
	"\n"
	"Exit codes: 0 equal, 1 different, 2 wrong usage, 3 unreadable.\n";

struct diff {
	const struct swu_file *a, *b;
	json_object *list; /* NULL: text */
	size_t count;
};

/* One difference; what NULL: the whole component came or went. */
static void say(struct diff *d, const char *where, const char *component, const char *what,
		const char *old, const char *new)
{
	d->count++;
	if (d->list) {
		json_object *one = json_object_new_object();

		json_object_object_add(one, "kind",
				       json_text(!old ? "added" :
						 !new ? "removed" :
							"changed"));
		json_object_object_add(one, "where", json_text(where));
		json_object_object_add(one, "component", json_text(component));
		json_object_object_add(one, "what", json_text(what));
		json_object_object_add(one, "old", json_text(old));
		json_object_object_add(one, "new", json_text(new));
		json_object_array_add(d->list, one);
		return;
	}
	(void)printf("%s %s%s%s",
		     !old ? "+" :
		     !new ? "-" :
			    "~",
		     ESCAPED(where), where[0] ? " " : "", ESCAPED(component));
	if (what)
		(void)printf(" %s", ESCAPED(what));
	if (old)
		(void)printf(": %s", ESCAPED(old));
	if (new)
		(void)printf("%s%s", old ? " -> " : ": ", ESCAPED(new));
	(void)putchar('\n');
}

static bool same(const char *a, const char *b)
{
	return !a || !b ? a == b : strcmp(a, b) == 0;
}

static void compare(struct diff *d, const char *where, const char *component, const char *what,
		    const char *old, const char *new)
{
	if (!same(old, new))
		say(d, where, component, what, old, new);
}

/* How a component is called in both: by role, else by file, else by type. */
static void name_component(const struct jota_swu_entry *e, char *buf, size_t buf_bytes)
{
	const char *part = jota_swu_property_get(e, "part");
	enum jota_role role;

	if (jota_swu_entry_role(e, &role) == 0)
		(void)snprintf(buf, buf_bytes, "%s%s%s", jota_role_name(role), part ? " part " : "",
			       part ? part : "");
	else
		(void)snprintf(buf, buf_bytes, "%s %s", jota_swu_section_name(e->section),
			       e->filename && e->filename[0] ? e->filename : jota_swu_entry_type(e));
}

static const struct jota_swu_entry *find_component(const struct jota_swu_description *d,
						   const struct jota_swu_view *view,
						   const char *wanted)
{
	for (size_t i = 0; view && i < view->entry_count; i++) {
		char name[SHOW_BYTES];

		name_component(&d->entry[view->entry[i]], name, sizeof(name));
		if (strcmp(name, wanted) == 0)
			return &d->entry[view->entry[i]];
	}
	return NULL;
}

/* Packed size as text; NULL when there is no such file. */
static const char *packed_size(const struct swu_file *swu, const struct jota_swu_entry *e,
			       char buf[24])
{
	const struct jota_swu_member *m =
		e->filename ? jota_swu_index_find(&swu->index, e->filename) : NULL;

	if (!m)
		return NULL;
	(void)snprintf(buf, 24, "%" PRIu32, m->size_bytes);
	return buf;
}

static void compare_properties(struct diff *d, const char *where, const char *component,
			       const struct jota_swu_entry *a, const struct jota_swu_entry *b)
{
	for (size_t i = 0; i < a->property_count; i++)
		compare(d, where, component, a->property[i].name, a->property[i].value,
			jota_swu_property_get(b, a->property[i].name));
	for (size_t i = 0; i < b->property_count; i++)
		if (!jota_swu_property_get(a, b->property[i].name))
			compare(d, where, component, b->property[i].name, NULL,
				b->property[i].value);
}

static void compare_entries(struct diff *d, const char *where, const char *component,
			    const struct jota_swu_entry *a, const struct jota_swu_entry *b)
{
	char old_size[24], new_size[24];
	const struct {
		const char *what, *old, *new;
	} field[] = {
		{ "filename", a->filename, b->filename },
		{ "type", a->type, b->type },
		{ "sha256", a->sha256, b->sha256 },
		{ "bytes", packed_size(d->a, a, old_size), packed_size(d->b, b, new_size) },
		{ "compressed", a->compressed, b->compressed },
		{ "encrypted", a->encrypted ? "true" : "false", b->encrypted ? "true" : "false" },
		{ "installed-directly", a->installed_directly ? "true" : "false",
		  b->installed_directly ? "true" : "false" },
		{ "install-if-different", a->install_if_different ? "true" : "false",
		  b->install_if_different ? "true" : "false" },
		{ "install-if-higher", a->install_if_higher ? "true" : "false",
		  b->install_if_higher ? "true" : "false" },
		{ "name", a->name, b->name },
		{ "version", a->version, b->version },
		{ "device", a->device, b->device },
		{ "path", a->path, b->path },
		{ "volume", a->volume, b->volume },
		{ "mtdname", a->mtdname, b->mtdname },
		{ "offset", a->offset, b->offset },
		{ "data", a->data, b->data },
	};

	for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++)
		compare(d, where, component, field[i].what, field[i].old, field[i].new);
	compare_properties(d, where, component, a, b);
}

static const char *value_of(const struct jota_swu_description *d, const struct jota_swu_view *view,
			    const char *name)
{
	for (size_t i = 0; view && i < view->bootenv_count; i++)
		if (strcmp(d->bootenv[view->bootenv[i]].name, name) == 0)
			return d->bootenv[view->bootenv[i]].value;
	return NULL;
}

static void compare_variables(struct diff *d, const char *where, const struct jota_swu_view *a,
			      const struct jota_swu_view *b)
{
	const struct jota_swu_description *da = &d->a->description, *db = &d->b->description;

	for (size_t i = 0; a && i < a->bootenv_count; i++) {
		const struct jota_swu_property *p = &da->bootenv[a->bootenv[i]];

		compare(d, where, "variable", p->name, p->value, value_of(db, b, p->name));
	}
	for (size_t i = 0; b && i < b->bootenv_count; i++) {
		const struct jota_swu_property *p = &db->bootenv[b->bootenv[i]];

		if (!value_of(da, a, p->name))
			compare(d, where, "variable", p->name, NULL, p->value);
	}
}

static const char *identity(const struct jota_swu_entry *e)
{
	return e->sha256 ? e->sha256 : jota_swu_entry_type(e);
}

/* Either may be NULL: a board that one of them does not know. */
static void compare_views(struct diff *d, const struct jota_swu_view *a,
			  const struct jota_swu_view *b)
{
	const struct jota_swu_description *da = &d->a->description, *db = &d->b->description;
	const char *where = a ? a->name : b->name;
	char name[SHOW_BYTES];

	for (size_t i = 0; a && da->entry && i < a->entry_count; i++) {
		const struct jota_swu_entry *e = &da->entry[a->entry[i]], *other;

		name_component(e, name, sizeof(name));
		other = find_component(db, b, name);
		if (other)
			compare_entries(d, where, name, e, other);
		else
			say(d, where, name, NULL, identity(e), NULL);
	}
	for (size_t i = 0; b && db->entry && i < b->entry_count; i++) {
		const struct jota_swu_entry *e = &db->entry[b->entry[i]];

		name_component(e, name, sizeof(name));
		if (!find_component(da, a, name))
			say(d, where, name, NULL, NULL, identity(e));
	}
	compare_variables(d, where, a, b);
}

static const struct jota_swu_view *find_view(const struct jota_swu_description *d, const char *name)
{
	for (size_t i = 0; i < d->view_count; i++)
		if (strcmp(d->view[i].name, name) == 0)
			return &d->view[i];
	return NULL;
}

static bool has_hardware(const struct jota_swu_description *d, const char *name)
{
	for (size_t i = 0; i < d->hardware_count; i++)
		if (strcmp(d->hardware[i], name) == 0)
			return true;
	return false;
}

/* What is carried without being installed stands in no view. */
static void compare_sboms(struct diff *d, const struct swu_file *from, const struct swu_file *to,
			  bool added)
{
	for (size_t i = 0; i < from->description.entry_count; i++) {
		const struct jota_swu_entry *e = &from->description.entry[i], *other = NULL;

		if (e->section != JOTA_SWU_SBOM || !e->filename)
			continue;
		for (size_t j = 0; !other && j < to->description.entry_count; j++)
			if (to->description.entry[j].section == JOTA_SWU_SBOM &&
			    same(to->description.entry[j].filename, e->filename))
				other = &to->description.entry[j];
		if (other && !added)
			compare(d, e->selection, e->filename, "sha256", e->sha256, other->sha256);
		else if (!other)
			say(d, e->selection, e->filename, NULL, added ? NULL : "sbom",
			    added ? "sbom" : NULL);
	}
}

static void compare_files(struct diff *d)
{
	const struct jota_swu_description *a = &d->a->description, *b = &d->b->description;

	compare(d, "", "software", "version", a->version, b->version);
	compare(d, "", "software", "description", a->text_description, b->text_description);
	compare(d, "", "software", "reboot", a->has_reboot && !a->reboot ? "false" : "true",
		b->has_reboot && !b->reboot ? "false" : "true");
	for (size_t i = 0; i < a->hardware_count; i++)
		if (!has_hardware(b, a->hardware[i]))
			say(d, "", "hardware", NULL, a->hardware[i], NULL);
	for (size_t i = 0; i < b->hardware_count; i++)
		if (!has_hardware(a, b->hardware[i]))
			say(d, "", "hardware", NULL, NULL, b->hardware[i]);
	for (size_t i = 0; i < a->view_count; i++)
		compare_views(d, &a->view[i], find_view(b, a->view[i].name));
	for (size_t i = 0; i < b->view_count; i++)
		if (!find_view(a, b->view[i].name))
			compare_views(d, NULL, &b->view[i]);
	compare_sboms(d, d->a, d->b, false);
	compare_sboms(d, d->b, d->a, true);
}

static int show(const struct swu_file *a, const struct swu_file *b, char *const *path, bool json)
{
	struct diff d = { .a = a, .b = b, .list = json ? json_object_new_array() : NULL };
	int code = EXIT_GOOD;

	compare_files(&d);
	if (json) {
		json_object *root = json_object_new_object();

		json_object_object_add(root, "schema", json_u64(1));
		json_object_object_add(root, "a", json_text(path[0]));
		json_object_object_add(root, "b", json_text(path[1]));
		json_object_object_add(root, "equal", json_object_new_boolean(d.count == 0));
		json_object_object_add(root, "differences", d.list);
		code = json_show(root);
	}
	return code == EXIT_GOOD && d.count > 0 ? EXIT_REFUSED : code;
}

int verb_diff(int argc, char **argv)
{
	static const struct option known[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct swu_file a = { .fd = -1 }, b = { .fd = -1 };
	struct jota_err err = { 0 };
	int option, code = EXIT_UNREADABLE;
	bool json = false;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		if (option == 'h') {
			(void)fputs(usage_text, stdout);
			return EXIT_GOOD;
		}
		if (option != 'j')
			return show_bad_option("diff", option, argv);
		json = true;
	}
	if (argc - optind != 2) {
		show_error("diff: two files are expected; try 'jetson-swu diff --help'");
		return EXIT_USAGE;
	}
	if (swu_open(argv[optind], true, &a, &err) == 0 &&
	    swu_open(argv[optind + 1], true, &b, &err) == 0)
		code = show(&a, &b, argv + optind, json);
	else
		show_error("%s", err.msg);
	swu_close(&a);
	swu_close(&b);
	return code;
}
