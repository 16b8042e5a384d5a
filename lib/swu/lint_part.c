/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Rules about images of one role: one, or the parts of one. */
#include "swu/lint_rules.h"

#include "base/err.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* The next entry of a role in a view from *at on; NULL at the end. */
static const struct jota_swu_entry *next_of_role(const struct jota_lint *l,
						 const struct jota_swu_view *v,
						 enum jota_role wanted, size_t *at)
{
	while (*at < v->entry_count) {
		const struct jota_swu_entry *e = jota_lint_entry(l, v, (*at)++);
		enum jota_role role;

		if (jota_swu_entry_role(e, &role) == 0 && role == wanted)
			return e;
	}
	return NULL;
}

static int check_part_form(const struct jota_lint *l, const struct jota_lint_rule *rule,
			   const struct jota_swu_entry *e)
{
	struct jota_err err = { 0 };
	struct jota_part part;
	enum jota_role role;
	int rc;

	if (jota_swu_entry_role(e, &role) < 0)
		return 0;
	rc = jota_swu_entry_part(e, &part, &err);
	if (rc < 0)
		return REPORT(l, rule, e->line, "'%.80s': %.220s", jota_lint_label(e), err.msg);
	if (rc == 0 || role == JOTA_ROLE_ROOTFS)
		return 0;
	return REPORT(
		l, rule, e->line,
		"'%.80s': part, offset and total are for the rootfs; images of other roles come "
		"whole.",
		jota_lint_label(e));
}

static int check_role_once(const struct jota_lint *l, const struct jota_lint_rule *rule,
			   const struct jota_swu_view *v)
{
	for (unsigned r = 0; r < JOTA_ROLE_COUNT; r++) {
		const struct jota_swu_entry *first, *e;
		size_t at = 0;

		first = next_of_role(l, v, (enum jota_role)r, &at);
		while ((e = next_of_role(l, v, (enum jota_role)r, &at))) {
			if (jota_swu_property_get(e, "part") && jota_swu_property_get(first, "part"))
				continue;
			if (REPORT(l, rule, e->line,
				   "'%.60s' and '%.60s' both bring the role %s; a slot takes one "
				   "image of each role.",
				   jota_lint_label(first), jota_lint_label(e),
				   jota_role_name((enum jota_role)r)) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

/* How far the parts have come. */
struct parts {
	uint64_t count, total_bytes;
	uint64_t end_bytes; /* of the last one, 0: its size is not known */
	const struct jota_swu_entry *last;
};

static int check_next_part(const struct jota_lint *l, const struct jota_lint_rule *rule,
			   struct parts *have, const struct jota_swu_entry *e)
{
	struct jota_part part;
	uint64_t bytes = 0;
	int rc = 0;

	if (jota_swu_entry_part(e, &part, NULL) <= 0)
		return 0;
	if (part.number != have->count + 1)
		rc = REPORT(l, rule, e->line,
			    "'%.80s' is part %" PRIu64 " where part %" PRIu64
			    " is expected; parts stand in ascending order from 1.",
			    jota_lint_label(e), part.number, have->count + 1);
	if (!rc && have->count > 0 && part.total_bytes != have->total_bytes)
		rc = REPORT(l, rule, e->line,
			    "'%.80s' says total %" PRIu64 ", the part before it %" PRIu64 ".",
			    jota_lint_label(e), part.total_bytes, have->total_bytes);
	if (!rc && (have->count == 0 || have->end_bytes > 0) && part.offset_bytes != have->end_bytes)
		rc = REPORT(l, rule, e->line,
			    "'%.80s' begins at offset %" PRIu64 ", expected %" PRIu64
			    ": the parts leave a gap or overlap.",
			    jota_lint_label(e), part.offset_bytes, have->end_bytes);
	if (!rc && have->last && have->last->installed_directly != e->installed_directly)
		rc = REPORT(l, rule, e->line,
			    "'%.60s' and '%.60s' differ in installed-directly; SWUpdate installs "
			    "streamed files first, so the parts would come out of order.",
			    jota_lint_label(have->last), jota_lint_label(e));
	(void)jota_swu_entry_size(e, &bytes, NULL);
	have->count++;
	have->total_bytes = part.total_bytes;
	have->end_bytes = bytes ? part.offset_bytes + bytes : 0;
	have->last = e;
	return rc;
}

static int check_parts(const struct jota_lint *l, const struct jota_lint_rule *rule,
		       const struct jota_swu_view *v)
{
	for (unsigned r = 0; r < JOTA_ROLE_COUNT; r++) {
		struct parts have = { 0 };
		const struct jota_swu_entry *e;
		size_t at = 0;

		while ((e = next_of_role(l, v, (enum jota_role)r, &at)))
			if (check_next_part(l, rule, &have, e) < 0)
				return -ENOMEM;
		if (have.end_bytes > 0 && have.end_bytes != have.total_bytes &&
		    REPORT(l, rule, have.last->line,
			   "the parts of the %s end at %" PRIu64 ", but total is %" PRIu64 ".",
			   jota_role_name((enum jota_role)r), have.end_bytes, have.total_bytes) < 0)
			return -ENOMEM;
	}
	return 0;
}

const struct jota_lint_rule jota_lint_part_rules[] = {
	{ "bad-part", true, "part, offset or total that is missing or no such number",
	  .entry = check_part_form },
	{ "same-role-twice", true, "two images of one role", .view = check_role_once },
	{ "parts-differ", true, "parts of an image out of order, with gaps or different totals",
	  .view = check_parts },
};
const size_t jota_lint_part_rule_count =
	sizeof(jota_lint_part_rules) / sizeof(jota_lint_part_rules[0]);
