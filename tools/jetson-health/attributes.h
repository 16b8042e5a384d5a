/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What an update server is told about this device, beside the result that swupdate itself reports. */
#pragma once

#include <stddef.h>

struct boot;
struct jota_io;

/** hawkBit takes values of 128 characters. */
#define ATTRIBUTE_CHARS_MAX 128u
#define ATTRIBUTE_NONE "-"

enum {
	ATTRIBUTE_SLOT,
	ATTRIBUTE_LAST_RESULT,
	ATTRIBUTE_REASON,
	ATTRIBUTE_BLACK_BOX,
	ATTRIBUTE_COUNT
};

struct attribute {
	const char *name;
	char value[ATTRIBUTE_CHARS_MAX + 1];
};

/**
 * Fill all of them. Values are printable ASCII without quote and backslash, whatever the boot state, a report or a dead
 * kernel's last words have in them: swupdate puts such texts into JSON as they are. What is not known is ATTRIBUTE_NONE; an
 * attribute that was left out would keep its old value on the server.
 */
void attributes_read(const struct jota_io *io, const struct boot *boot,
		     struct attribute ret[ATTRIBUTE_COUNT]);

/** A text as a value: cut, and '?' for what may not stand in one; ATTRIBUTE_NONE for an empty one. */
void attribute_set(struct attribute *attribute, const char *text);
