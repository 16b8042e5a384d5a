/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* A .swu in memory, for tests: honest by itself, and open to lies. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct archive {
	uint8_t *data;
	size_t len_bytes;
};

/** Any bytes. */
void archive_raw(struct archive *a, const void *data, size_t len_bytes);
/** A member with the right size and checksum. */
void archive_member(struct archive *a, const char *name, const void *data, size_t len_bytes);
/**
 * A member whose header says other things: size, namesize, check; 0 data bytes follow unless data
 * is given. The name may hold anything, with name_bytes of it written (padding too).
 */
void archive_lie(struct archive *a, const char *name, size_t name_bytes, uint32_t says_name_bytes,
		 uint32_t says_size_bytes, uint32_t says_check, const void *data, size_t len_bytes);
/** The trailer. */
void archive_end(struct archive *a);
/** An unlinked temporary file with the bytes; the caller closes it. */
int archive_file(const struct archive *a);
void archive_done(struct archive *a);
