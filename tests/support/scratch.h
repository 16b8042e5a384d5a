/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* An empty directory as root prefix, for tests that need a file or two and no whole device. */
#pragma once

#include "base/io.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scratch {
	char root[128];
	struct jota_io io;
};

static inline void scratch_make(struct scratch *s)
{
	const char *tmp = getenv("TMPDIR");

	ck_assert_int_lt(
		snprintf(s->root, sizeof(s->root), "%s/jota-test-XXXXXX", tmp ? tmp : "/tmp"),
		(int)sizeof(s->root));
	ck_assert_ptr_nonnull(mkdtemp(s->root));
	ck_assert_int_eq(jota_io_init(&s->io, s->root, NULL), 0);
}

/** Full path of a path below the root. */
static inline void scratch_path(const struct scratch *s, const char *path, char full[PATH_MAX])
{
	ck_assert_int_lt(snprintf(full, PATH_MAX, "%s%s", s->root, path), PATH_MAX);
}

/** Write a file; its one parent directory is made. */
static inline void scratch_write(const struct scratch *s, const char *path, const void *data,
				 size_t len_bytes)
{
	char full[PATH_MAX];
	char *slash;
	FILE *f;

	scratch_path(s, path, full);
	slash = strrchr(full, '/');
	*slash = '\0';
	(void)mkdir(full, 0755);
	*slash = '/';
	f = fopen(full, "wb");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(data, 1, len_bytes, f), len_bytes);
	ck_assert_int_eq(fclose(f), 0);
}

static inline void scratch_text(const struct scratch *s, const char *path, const char *text)
{
	scratch_write(s, path, text, strlen(text));
}

/** Remove a file, and its directory if that is empty then. */
static inline void scratch_drop(const struct scratch *s, const char *path)
{
	char full[PATH_MAX];

	scratch_path(s, path, full);
	(void)unlink(full);
	*strrchr(full, '/') = '\0';
	(void)rmdir(full);
}

static inline void scratch_remove(const struct scratch *s)
{
	(void)rmdir(s->root);
}
