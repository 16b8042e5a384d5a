/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The parts of a split image as they are in the archive: in order, without gap, complete. */
#include "base/err.h"
#include "swu/lint.h"
#include "swu/verify_member.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* The next part that a role needs. */
struct run {
	uint64_t next_number, next_offset_bytes, total_bytes;
	unsigned line;
	/* the image of another role that stands behind the last part */
	const struct jota_swu_entry *between;
};

/* The device waits for the next part, nothing else. What is not streamed comes after all that is. */
static int check_between(struct jota_swu_verifier *v, struct run *run,
			 const struct jota_swu_entry *e, struct jota_err *err)
{
	const struct jota_swu_entry *between = run->between;

	run->between = NULL;
	if (!between || between->installed_directly != e->installed_directly)
		return 0;
	return JOTA_SWU_SAY(v, true, between->line, "parts-order", err,
			    "'%.80s' stands in the archive between the parts of another image, "
			    "before '%.80s'.",
			    between->filename, e->filename);
}

static int check_part(struct jota_swu_verifier *v, struct run *run,
		      const struct jota_swu_checked *checked, const struct jota_part *part,
		      struct jota_err *err)
{
	const struct jota_swu_entry *e = checked->entry;
	int rc = check_between(v, run, e, err);

	if (rc < 0)
		return rc;
	if (part->number != run->next_number + 1)
		rc = JOTA_SWU_SAY(v, true, e->line, "parts-order", err,
				  "'%.80s' is part %" PRIu64
				  ", but stands in the archive where part "
				  "%" PRIu64 " must.",
				  e->filename, part->number, run->next_number + 1);
	else if (part->offset_bytes != run->next_offset_bytes && checked->content_known)
		rc = JOTA_SWU_SAY(v, true, e->line, "parts-differ", err,
				  "'%.80s' begins at offset %" PRIu64
				  ", the content before it ends at %" PRIu64 ".",
				  e->filename, part->offset_bytes, run->next_offset_bytes);
	run->next_number = part->number;
	run->next_offset_bytes = part->offset_bytes + checked->content_bytes;
	run->total_bytes = part->total_bytes;
	run->line = e->line;
	return rc;
}

/* SWUpdate hands images over in the order of the archive. */
static int check_role(struct jota_swu_verifier *v, enum jota_role wanted, struct jota_err *err)
{
	const struct jota_swu_report *r = v->report;
	struct run run = { 0 };
	bool known = true;
	int rc = 0;

	for (size_t i = 0; !rc && i < r->index.count; i++) {
		const struct jota_swu_checked *checked = &r->checked[i];
		struct jota_part part;
		enum jota_role role;

		if (!checked->entry || jota_swu_entry_role(checked->entry, &role) < 0)
			continue;
		if (role != wanted && run.next_number > 0)
			run.between = checked->entry;
		if (role != wanted || jota_swu_entry_part(checked->entry, &part, NULL) <= 0)
			continue;
		known &= checked->content_known;
		if (known)
			rc = check_part(v, &run, checked, &part, err);
	}
	if (rc < 0 || !known || run.total_bytes == run.next_offset_bytes)
		return rc;
	return JOTA_SWU_SAY(v, true, run.line, "parts-differ", err,
			    "the parts of the %s end at %" PRIu64 ", total says %" PRIu64 ".",
			    jota_role_name(wanted), run.next_offset_bytes, run.total_bytes);
}

int jota_swu_parts_check(struct jota_swu_verifier *v, struct jota_err *err)
{
	int rc = 0;

	for (unsigned r = 0; !rc && r < JOTA_ROLE_COUNT; r++)
		rc = check_role(v, (enum jota_role)r, err);
	return rc;
}
