/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * /proc/self/mountinfo, decoded. Pure.
 *
 * line: ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS [TAG...] - TYPE SOURCE SUPEROPTIONS
 * Blanks inside a field are written as backslash and three octal digits.
 * Source: Linux Documentation/filesystems/proc.rst, section 3.5.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct jota_err;

struct jota_mount {
	uint32_t major, minor;
	const char *point, *type, *source, *super_options; /* unescaped; belong to jota_mounts */
};

struct jota_mounts {
	char *text; /* what the mounts point into */
	struct jota_mount *mount;
	size_t count;
};

/**
 * Decode. text: heap, taken over, also on failure. A line that does not have the fields above is
 * left out.
 * -ENOMEM. jota_mounts_done() frees.
 */
int jota_mounts_parse(char *text, struct jota_mounts *ret, struct jota_err *err);
void jota_mounts_done(struct jota_mounts *mounts);

/**
 * The mount that holds an absolute path: longest mount point, of equal ones the last mounted.
 * NULL: none.
 */
const struct jota_mount *jota_mounts_holding(const struct jota_mounts *mounts, const char *path);

/**
 * Next lower directory of an overlay mount. cursor: NULL at first, then what the last call left
 * there.
 * Writes the directory into buf. 1 found, 0 no more, -ENAMETOOLONG.
 */
int jota_mount_next_lower(const struct jota_mount *mount, const char **cursor, char *buf,
			  size_t buf_bytes);
