/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* jetson-swu inspect: what is in a .swu, without believing any of it. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "sbom.h"
#include "show.h"
#include "swu/lint.h"
#include "verbs.h"

static const char usage_text[] =
	"usage: jetson-swu inspect [--json] FILE.swu\n"
	"\n"
	"Shows members, versions, boards, entries with their properties, and SBOMs. Nothing is verified:\n"
	"'jetson-swu verify' does that.\n"
	"\n"
	"Exit codes: 0 shown, 2 wrong usage, 3 unreadable.\n";

/* What of its image an entry brings, "" for all. */
static const char *part_text(const struct jota_swu_entry *e, char *buf, size_t buf_bytes)
{
	struct jota_part part;

	if (jota_swu_entry_part(e, &part, NULL) <= 0)
		return "";
	(void)snprintf(buf, buf_bytes, ", part %" PRIu64 " from byte %" PRIu64 " of %" PRIu64,
		       part.number, part.offset_bytes, part.total_bytes);
	return buf;
}

static void show_entry(const struct jota_swu_entry *e, const struct swu_file *swu, const char *edge)
{
	const struct jota_swu_member *m =
		e->filename ? jota_swu_index_find(&swu->index, e->filename) : NULL;
	const struct {
		const char *name, *value;
	} attribute[] = {
		{ "name", e->name },
		{ "version", e->version },
		{ "device", e->device },
		{ "path", e->path },
		{ "volume", e->volume },
		{ "offset", e->offset },
		{ "compressed", e->compressed },
		{ "ivt", e->ivt },
		{ "sha256", e->sha256 },
		{ "data", e->data },
	};
	enum jota_role role;
	char part[80];

	(void)printf("%s%s", edge, ESCAPED(e->filename ? e->filename : jota_swu_entry_type(e)));
	if (m)
		(void)printf("  %s", SIZE(m->size_bytes));
	else if (e->filename && e->filename[0])
		(void)printf("  (not in the archive)");
	if (e->type)
		(void)printf("  %s", ESCAPED(e->type));
	if (jota_swu_entry_role(e, &role) == 0)
		(void)printf(" (%s%s)", jota_role_name(role), part_text(e, part, sizeof(part)));
	(void)printf("%s%s\n", e->encrypted ? "  encrypted" : "",
		     e->installed_directly ? "  streamed" : "");
	for (size_t i = 0; i < sizeof(attribute) / sizeof(attribute[0]); i++)
		if (attribute[i].value)
			(void)printf("          %s = %s\n", attribute[i].name,
				     ESCAPED(attribute[i].value));
	for (size_t i = 0; i < e->property_count; i++) {
		(void)printf("          %s: ", ESCAPED(e->property[i].name));
		(void)printf("%s\n", ESCAPED(e->property[i].value));
	}
}

static void show_view(const struct swu_file *swu, const struct jota_swu_view *view)
{
	const struct jota_swu_description *d = &swu->description;

	(void)printf("  %s\n", view->name[0] ? ESCAPED(view->name) : "any board");
	for (unsigned section = 0; section < JOTA_SWU_SECTION_COUNT; section++) {
		bool first = true;

		for (size_t i = 0; i < view->entry_count; i++) {
			const struct jota_swu_entry *e = &d->entry[view->entry[i]];

			if ((unsigned)e->section != section)
				continue;
			if (first)
				(void)printf("    %s\n", jota_swu_section_name(e->section));
			first = false;
			show_entry(e, swu, "      ");
		}
	}
	for (size_t i = 0; i < view->bootenv_count; i++) {
		const struct jota_swu_property *p = &d->bootenv[view->bootenv[i]];

		(void)printf("    variable %s", ESCAPED(p->name));
		(void)printf(" = %s\n", ESCAPED(p->value));
	}
}

static void show_sboms(const struct swu_file *swu)
{
	const struct jota_swu_description *d = &swu->description;

	for (size_t i = 0; i < d->entry_count; i++) {
		char about[160];

		if (!sbom_is_first(d, i))
			continue;
		sbom_describe(swu, d->entry[i].filename, about, sizeof(about));
		(void)printf("  sbom %s: %s\n", ESCAPED(d->entry[i].filename), about);
	}
}

static int show_tree(const struct swu_file *swu, const char *path)
{
	const struct jota_swu_description *d = &swu->description;

	(void)printf("%s  %s, %zu members (nothing of this is verified)\n", ESCAPED(path),
		     SIZE(swu->bytes), swu->index.count);
	for (size_t i = 0; i < swu->index.count; i++)
		(void)printf("  %12" PRIu32 "  %s\n", swu->index.member[i].size_bytes,
			     ESCAPED(swu->index.member[i].name));
	(void)printf("version %s\n", d->version ? ESCAPED(d->version) : "(none)");
	if (d->text_description)
		(void)printf("description %s\n", ESCAPED(d->text_description));
	for (size_t i = 0; i < d->hardware_count; i++)
		(void)printf("%s%s%s", i ? ", " : "hardware ", ESCAPED(d->hardware[i]),
			     i + 1 == d->hardware_count ? "\n" : "");
	for (size_t i = 0; i < d->view_count; i++)
		show_view(swu, &d->view[i]);
	show_sboms(swu);
	return EXIT_GOOD;
}

static json_object *json_properties(const struct jota_swu_property *property, size_t count)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < count; i++) {
		json_object *one = json_object_new_object();

		json_object_object_add(one, "name", json_text(property[i].name));
		json_object_object_add(one, "value", json_text(property[i].value));
		json_object_array_add(list, one);
	}
	return list;
}

/* null: the image comes whole. */
static json_object *json_part(const struct jota_swu_entry *e)
{
	struct jota_part part;
	json_object *one;

	if (jota_swu_entry_part(e, &part, NULL) <= 0)
		return NULL;
	one = json_object_new_object();
	json_object_object_add(one, "number", json_u64(part.number));
	json_object_object_add(one, "offset", json_u64(part.offset_bytes));
	json_object_object_add(one, "total", json_u64(part.total_bytes));
	return one;
}

static json_object *json_entry(const struct jota_swu_entry *e, const struct swu_file *swu)
{
	const struct jota_swu_member *m =
		e->filename ? jota_swu_index_find(&swu->index, e->filename) : NULL;
	json_object *one = json_object_new_object();
	enum jota_role role;

	json_object_object_add(one, "section", json_text(jota_swu_section_name(e->section)));
	json_object_object_add(one, "line", json_u64(e->line));
	json_object_object_add(one, "filename", json_text(e->filename));
	json_object_object_add(one, "bytes", m ? json_u64(m->size_bytes) : NULL);
	json_object_object_add(one, "type", json_text(jota_swu_entry_type(e)));
	json_object_object_add(
		one, "role",
		jota_swu_entry_role(e, &role) == 0 ? json_text(jota_role_name(role)) : NULL);
	json_object_object_add(one, "part", json_part(e));
	json_object_object_add(one, "sha256", json_text(e->sha256));
	json_object_object_add(one, "compressed", json_text(e->compressed));
	json_object_object_add(one, "encrypted", json_object_new_boolean(e->encrypted));
	json_object_object_add(one, "installed_directly",
			       json_object_new_boolean(e->installed_directly));
	json_object_object_add(one, "name", json_text(e->name));
	json_object_object_add(one, "version", json_text(e->version));
	json_object_object_add(one, "device", json_text(e->device));
	json_object_object_add(one, "path", json_text(e->path));
	json_object_object_add(one, "properties", json_properties(e->property, e->property_count));
	return one;
}

static json_object *json_views(const struct swu_file *swu)
{
	const struct jota_swu_description *d = &swu->description;
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < d->view_count; i++) {
		const struct jota_swu_view *view = &d->view[i];
		json_object *one = json_object_new_object(), *entries = json_object_new_array();
		json_object *variables = json_object_new_array();

		for (size_t j = 0; j < view->entry_count; j++)
			json_object_array_add(entries, json_entry(&d->entry[view->entry[j]], swu));
		for (size_t j = 0; j < view->bootenv_count; j++)
			json_object_array_add(variables,
					      json_properties(&d->bootenv[view->bootenv[j]], 1));
		json_object_object_add(one, "name", json_text(view->name));
		json_object_object_add(one, "entries", entries);
		json_object_object_add(one, "bootenv", variables);
		json_object_array_add(list, one);
	}
	return list;
}

static int show_json(const struct swu_file *swu, const char *path)
{
	const struct jota_swu_description *d = &swu->description;
	json_object *root = json_object_new_object(), *members = json_object_new_array();
	json_object *hardware = json_object_new_array();

	for (size_t i = 0; i < swu->index.count; i++) {
		json_object *one = json_object_new_object();

		json_object_object_add(one, "name", json_text(swu->index.member[i].name));
		json_object_object_add(one, "bytes", json_u64(swu->index.member[i].size_bytes));
		json_object_array_add(members, one);
	}
	for (size_t i = 0; i < d->hardware_count; i++)
		json_object_array_add(hardware, json_text(d->hardware[i]));
	json_object_object_add(root, "schema", json_u64(1));
	json_object_object_add(root, "file", json_text(path));
	json_object_object_add(root, "bytes", json_u64(swu->bytes));
	json_object_object_add(root, "verified", json_object_new_boolean(false));
	json_object_object_add(root, "version", json_text(d->version));
	json_object_object_add(root, "description", json_text(d->text_description));
	json_object_object_add(root, "hardware", hardware);
	json_object_object_add(root, "members", members);
	json_object_object_add(root, "views", json_views(swu));
	json_object_object_add(root, "sboms", sbom_json(swu));
	return json_show(root);
}

int verb_inspect(int argc, char **argv)
{
	static const struct option known[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct jota_err err = { 0 };
	struct swu_file swu;
	bool json = false;
	int option, code;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		if (option == 'h') {
			(void)fputs(usage_text, stdout);
			return EXIT_GOOD;
		}
		if (option != 'j')
			return show_bad_option("inspect", option, argv);
		json = true;
	}
	if (argc - optind != 1) {
		show_error("inspect: one file is expected; try 'jetson-swu inspect --help'");
		return EXIT_USAGE;
	}
	if (swu_open(argv[optind], true, &swu, &err) < 0) {
		show_error("%s", err.msg);
		code = EXIT_UNREADABLE;
	} else {
		code = json ? show_json(&swu, argv[optind]) : show_tree(&swu, argv[optind]);
	}
	swu_close(&swu);
	return code;
}
