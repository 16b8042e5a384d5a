/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "sbom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "show.h"
#include "swu/verify.h"

/* A tree of JSON takes many times the room of its text. */
#define TEXT_BYTES_MAX (2u * 1024u * 1024u)

struct about {
	const char *format; /* NULL: none that is known */
	char version[32];
	size_t count;
	const char *unit;
};

bool sbom_is_first(const struct jota_swu_description *d, size_t i)
{
	if (d->entry[i].section != JOTA_SWU_SBOM || !d->entry[i].filename)
		return false;
	for (size_t j = 0; j < i; j++)
		if (d->entry[j].section == JOTA_SWU_SBOM && d->entry[j].filename &&
		    strcmp(d->entry[i].filename, d->entry[j].filename) == 0)
			return false;
	return true;
}

static bool take_format(json_object *root, const char *mark, const char *version, const char *list,
			struct about *ret)
{
	json_object *value, *items;

	if (!json_object_object_get_ex(root, mark, &value))
		return false;
	if (json_object_object_get_ex(root, version, &value) &&
	    json_object_is_type(value, json_type_string))
		(void)show_escaped(json_object_get_string(value), ret->version,
				   sizeof(ret->version));
	if (json_object_object_get_ex(root, list, &items) &&
	    json_object_is_type(items, json_type_array))
		ret->count = json_object_array_length(items);
	ret->unit = list;
	return true;
}

static void look_into(const struct swu_file *swu, const struct jota_swu_member *m, struct about *ret)
{
	CLEANUP_FREE char *text = NULL;
	struct jota_err err = { 0 };
	json_object *root;

	if (jota_swu_member_read(swu->fd, m->name, m, TEXT_BYTES_MAX, &text, &err) < 0)
		return;
	if (strncmp(text, "SPDXVersion:", 12) == 0) {
		ret->format = "SPDX";
		(void)snprintf(ret->version, sizeof(ret->version), "tag-value");
		return;
	}
	root = json_tokener_parse(text);
	if (!root)
		return;
	if (json_object_is_type(root, json_type_object)) {
		if (take_format(root, "spdxVersion", "spdxVersion", "packages", ret))
			ret->format = "SPDX";
		else if (take_format(root, "bomFormat", "specVersion", "components", ret))
			ret->format = "CycloneDX";
	}
	json_object_put(root);
}

void sbom_describe(const struct swu_file *swu, const char *filename, char *buf, size_t buf_bytes)
{
	const struct jota_swu_member *m = jota_swu_index_find(&swu->index, filename);
	struct about about = { 0 };

	if (!m) {
		(void)snprintf(buf, buf_bytes, "not in the archive");
		return;
	}
	look_into(swu, m, &about);
	if (!about.format)
		(void)snprintf(buf, buf_bytes, "%s, of no form that is known here",
			       SIZE(m->size_bytes));
	else if (about.unit)
		(void)snprintf(buf, buf_bytes, "%s %s, %zu %s, %s", about.format, about.version,
			       about.count, about.unit, SIZE(m->size_bytes));
	else
		(void)snprintf(buf, buf_bytes, "%s %s, %s", about.format, about.version,
			       SIZE(m->size_bytes));
}

json_object *sbom_json(const struct swu_file *swu)
{
	const struct jota_swu_description *d = &swu->description;
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < d->entry_count; i++) {
		const struct jota_swu_member *m;
		struct about about = { 0 };
		json_object *one;

		if (!sbom_is_first(d, i))
			continue;
		one = json_object_new_object();
		m = jota_swu_index_find(&swu->index, d->entry[i].filename);
		if (m)
			look_into(swu, m, &about);
		json_object_object_add(one, "filename", json_text(d->entry[i].filename));
		json_object_object_add(one, "bytes", m ? json_u64(m->size_bytes) : NULL);
		json_object_object_add(one, "sha256", json_text(d->entry[i].sha256));
		json_object_object_add(one, "format", json_text(about.format));
		json_object_object_add(one, "version",
				       about.version[0] ? json_text(about.version) : NULL);
		json_object_object_add(one, "listed", about.unit ? json_u64(about.count) : NULL);
		json_object_array_add(list, one);
	}
	return list;
}
