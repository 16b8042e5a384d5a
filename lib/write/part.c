/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "write/part.h"

#include "base/err.h"
#include "base/number.h"

#include <errno.h>
#include <stddef.h>

static int check_place(const struct jota_part *part, const char *offset, const char *total,
		       struct jota_err *err)
{
	if (part->offset_bytes % JOTA_PART_UNIT_BYTES != 0)
		return jota_fail(err, EINVAL, "offset is %.24s, expected a multiple of 1 GiB.",
				 offset);
	if (part->offset_bytes >= part->total_bytes)
		return jota_fail(err, EINVAL, "offset is %.24s, which is not below total %.24s.",
				 offset, total);
	if ((part->number == 1) != (part->offset_bytes == 0))
		return jota_fail(
			err, EINVAL,
			"part is %u and offset is %.24s; part 1, and only that, begins at 0.",
			(unsigned)part->number, offset);
	return 1;
}

int jota_part_parse(const char *number, const char *offset, const char *total,
		    struct jota_part *ret, struct jota_err *err)
{
	struct jota_part part = { 0 };
	int rc;

	if (!number && !offset && !total) {
		*ret = part;
		return 0;
	}
	if (!number || !offset || !total)
		return jota_fail(err, EINVAL,
				 "a part of a split image needs the properties part, offset and "
				 "total; %s is missing.",
				 !number ? "part" :
				 !offset ? "offset" :
					   "total");
	rc = jota_parse_u64("part", number, 1, JOTA_PARTS_MAX, &part.number, err);
	if (!rc)
		rc = jota_parse_u64("offset", offset, 0, INT64_MAX, &part.offset_bytes, err);
	if (!rc)
		rc = jota_parse_u64("total", total, 1, INT64_MAX, &part.total_bytes, err);
	if (!rc)
		rc = check_place(&part, offset, total, err);
	if (rc < 0)
		return rc;
	*ret = part;
	return 1;
}
