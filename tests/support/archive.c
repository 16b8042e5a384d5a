/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "support/archive.h"

#include "swu/container.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void archive_raw(struct archive *a, const void *data, size_t len_bytes)
{
	a->data = realloc(a->data, a->len_bytes + len_bytes + 1);
	ck_assert_ptr_nonnull(a->data);
	if (len_bytes > 0)
		memcpy(a->data + a->len_bytes, data, len_bytes);
	a->len_bytes += len_bytes;
}

static void pad(struct archive *a)
{
	archive_raw(a, "\0\0\0", -a->len_bytes & 3);
}

void archive_lie(struct archive *a, const char *name, size_t name_bytes, uint32_t says_name_bytes,
		 uint32_t says_size_bytes, uint32_t says_check, const void *data, size_t len_bytes)
{
	char header[128];

	ck_assert_int_eq(snprintf(header, sizeof(header),
				  "070702%08X%08X%08X%08X%08X%08X%08" PRIX32
				  "%08X%08X%08X%08X%08" PRIX32 "%08" PRIX32,
				  1u, 0100644u, 0u, 0u, 1u, 0u, says_size_bytes, 0u, 0u, 0u, 0u,
				  says_name_bytes, says_check),
			 110);
	archive_raw(a, header, 110);
	archive_raw(a, name, name_bytes);
	pad(a);
	archive_raw(a, data, len_bytes);
	pad(a);
}

void archive_member(struct archive *a, const char *name, const void *data, size_t len_bytes)
{
	const uint8_t *bytes = data;
	uint32_t check = 0;

	for (size_t i = 0; i < len_bytes; i++)
		check += bytes[i];
	archive_lie(a, name, strlen(name) + 1, (uint32_t)strlen(name) + 1, (uint32_t)len_bytes,
		    check, data, len_bytes);
}

void archive_end(struct archive *a)
{
	archive_member(a, JOTA_SWU_TRAILER, "", 0);
}

int archive_file(const struct archive *a)
{
	char path[] = "/tmp/jota-test-archive-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(write(fd, a->data, a->len_bytes), (ssize_t)a->len_bytes);
	return fd;
}

void archive_done(struct archive *a)
{
	free(a->data);
	*a = (struct archive){ 0 };
}
