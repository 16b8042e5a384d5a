/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Contents that no file of a .swu can hold: cut into parts, write/part.h says how. */
#define _GNU_SOURCE /* asprintf */
#include "swu/build_plan.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "swu/description.h"
#include "swu/lint.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where compression and encryption have put their endings. */
static size_t find_endings(const char *name)
{
	static const char *const ending[] = { ".zst", ".gz", ".xz", ".enc" };
	size_t len = strlen(name);
	bool found = true;

	while (found) {
		found = false;
		for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++) {
			size_t n = strlen(ending[i]);

			if (len <= n || memcmp(name + len - n, ending[i], n) != 0)
				continue;
			len -= n;
			found = true;
		}
	}
	return len;
}

static int name_part(const struct jota_plan *plan, const char *whole, unsigned number, char **ret,
		     struct jota_err *err)
{
	size_t stem = find_endings(whole);
	CLEANUP_FREE char *name = NULL;
	int rc;

	if (asprintf(&name, "%.*s.part%02u%s", (int)stem, whole, number, whole + stem) < 0) {
		name = NULL;
		return jota_fail(err, ENOMEM, "'%s'", whole);
	}
	rc = jota_recipe_check_name(name, err);
	if (rc < 0)
		return jota_wrap(err, "a part of '%.100s': ", whole);
	if (jota_plan_has(plan, name) || jota_recipe_find(plan->build->recipe, name))
		return jota_fail(err, EINVAL,
				 "a part of '%.80s' would be named '%.80s', as another file is.",
				 whole, name);
	*ret = take_ptr(&name);
	return 0;
}

/* A further part of the same input. */
static int add_part(struct jota_plan *plan, const struct jota_emit_file *first_file,
		    const struct jota_plan_input *first, const char *name, struct jota_err *err)
{
	struct jota_plan_input *in = &plan->input[plan->count];
	struct jota_emit_file *file = jota_plan_add(plan, name, err);
	char *own_name;

	if (!file)
		return -err->errnum;
	own_name = file->name;
	*file = *first_file;
	file->name = own_name;
	*in = *first;
	in->fd = fcntl(first->fd, F_DUPFD_CLOEXEC, 0);
	in->path = strdup(first->path);
	if (in->fd < 0 || !in->path)
		return jota_fail(err, in->path ? errno : ENOMEM, "open '%s'", first->path);
	return jota_plan_choose_iv(file, err);
}

static void cut(struct jota_plan *plan, size_t at, const struct jota_part *part, uint64_t part_bytes)
{
	plan->file[at].part = *part;
	plan->file[at].content_bytes = part_bytes;
	plan->input[at].in_offset_bytes = part->offset_bytes;
	plan->input[at].in_bytes = part_bytes;
}

int jota_plan_split(struct jota_plan *plan, const struct jota_recipe_component *c,
		    struct jota_err *err)
{
	unsigned gib = c->split_gib ? c->split_gib : JOTA_RECIPE_SPLIT_GIB;
	size_t first = plan->count - 1;
	struct jota_part part = { .total_bytes = plan->input[first].in_bytes };
	uint64_t each_bytes = gib * JOTA_PART_UNIT_BYTES;
	CLEANUP_FREE char *whole = NULL;

	if (part.total_bytes <= each_bytes)
		return 0;
	if ((part.total_bytes - 1) / each_bytes >= JOTA_PARTS_MAX)
		return jota_fail(err, EFBIG,
				 "'%s' has %" PRIu64
				 " bytes, more than %d parts of %u GiB: set split higher.",
				 plan->input[first].path, part.total_bytes, JOTA_PARTS_MAX, gib);
	whole = strdup(plan->file[first].name);
	if (!whole)
		return jota_fail(err, ENOMEM, "'%s'", plan->input[first].path);
	while (part.offset_bytes < part.total_bytes) {
		uint64_t left_bytes = part.total_bytes - part.offset_bytes;
		uint64_t bytes = left_bytes < each_bytes ? left_bytes : each_bytes;
		CLEANUP_FREE char *name = NULL;
		int rc;

		part.number++;
		rc = name_part(plan, whole, (unsigned)part.number, &name, err);
		if (rc == 0 && part.number == 1) {
			free(plan->file[first].name);
			plan->file[first].name = take_ptr(&name);
		} else if (rc == 0) {
			rc = add_part(plan, &plan->file[first], &plan->input[first], name, err);
		}
		if (rc < 0)
			return rc;
		cut(plan, plan->count - 1, &part, bytes);
		part.offset_bytes += bytes;
	}
	return 0;
}

/* Where the part that follows in the same group of the description begins, or the image ends. */
static uint64_t find_end(const struct jota_swu_description *d, const struct jota_swu_entry *e,
			 const struct jota_part *part)
{
	uint64_t end_bytes = part->total_bytes;

	for (size_t i = 0; i < d->entry_count; i++) {
		const struct jota_swu_entry *other = &d->entry[i];
		struct jota_part next;

		if (strcmp(other->selection, e->selection) == 0 &&
		    strcmp(jota_swu_entry_type(other), jota_swu_entry_type(e)) == 0 &&
		    jota_swu_entry_part(other, &next, NULL) > 0 &&
		    next.offset_bytes > part->offset_bytes && next.offset_bytes < end_bytes)
			end_bytes = next.offset_bytes;
	}
	return end_bytes;
}

int jota_plan_slice(struct jota_plan *plan, const struct jota_swu_description *d,
		    const struct jota_swu_entry *e, struct jota_err *err)
{
	const char *path = plan->build->recipe->description;
	size_t last = plan->count - 1;
	struct jota_part part;
	int rc = jota_swu_entry_part(e, &part, err);

	if (rc < 0)
		return jota_wrap(err, "%s line %u: ", path, e->line);
	if (rc == 0)
		return 0;
	if (part.total_bytes != plan->input[last].in_bytes)
		return jota_fail(err, EINVAL,
				 "%s line %u: total is %" PRIu64 ", but '%s' has %" PRIu64
				 " bytes; file is that of the whole image.",
				 path, e->line, part.total_bytes, plan->input[last].path,
				 plan->input[last].in_bytes);
	cut(plan, last, &part, find_end(d, e, &part) - part.offset_bytes);
	return 0;
}
