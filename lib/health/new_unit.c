/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE
#include "health/new_unit.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "health/newroot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define UNIT_BYTES_MAX 65536u

/* systemd.unit(5), without what lies in /run. */
const char *const jota_unit_dirs[] = { "/etc/systemd/system.control",
				       "/etc/systemd/system",
				       "/etc/systemd/system.attached",
				       "/usr/local/lib/systemd/system",
				       "/usr/lib/systemd/system",
				       "/lib/systemd/system",
				       NULL };

static bool is_absent(int r)
{
	return r == -ENOENT || r == -ENOTDIR;
}

/* "/dev/null" or "../../../dev/null": in an image there may be no such node to compare with. */
static bool is_null_device(const char *target)
{
	while (strncmp(target, "../", 3) == 0)
		target += 3;
	return strcmp(target, "/dev/null") == 0 || strcmp(target, "dev/null") == 0;
}

/* The file that counts. */
static int find_file(const struct jota_newroot *root, const char *name, struct jota_new_unit *unit,
		     struct jota_err *err)
{
	for (size_t i = 0; jota_unit_dirs[i]; i++) {
		struct jota_newroot_node node;
		char target[PATH_MAX] = "";
		int r;

		(void)snprintf(unit->path, sizeof(unit->path), "%s/%s", jota_unit_dirs[i], name);
		r = jota_newroot_stat(root, unit->path, false, &node, err);
		if (is_absent(r))
			continue;
		if (r == 0 && S_ISLNK(node.mode))
			r = jota_newroot_link(root, unit->path, target, sizeof(target), err);
		unit->masked = is_null_device(target) ||
			       (S_ISREG(node.mode) && node.size_bytes == 0);
		return r;
	}
	return jota_fail(err, ENOENT, "the new root has no unit '%s'.", name);
}

/* Names of drop-ins in one folder. */
struct listing {
	const char *dir;
	struct jota_new_unit *unit;
	struct jota_err *err;
};

static const char *base_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

static int note_drop_in(void *ctx, const char *name)
{
	struct listing *list = ctx;
	struct jota_new_unit *unit = list->unit;
	size_t len = strlen(name);
	char *path = NULL;

	if (name[0] == '.' || len < 6 || strcmp(name + len - 5, ".conf") != 0)
		return 0;
	for (size_t i = 0; i < unit->file_count; i++)
		if (strcmp(base_name(unit->file[i].path), name) == 0)
			return 0;
	if (unit->file_count == JOTA_UNIT_FILES_MAX)
		return jota_fail(list->err, E2BIG, "it has more than %u drop-ins.",
				 JOTA_UNIT_FILES_MAX);
	if (asprintf(&path, "%s/%s", list->dir, name) < 0)
		return jota_fail(list->err, ENOMEM, "read '%s'", name);
	unit->file[unit->file_count++].path = path;
	return 0;
}

static int list_folder(const struct jota_newroot *root, const char *dir, const char *name, int len,
		       const char *end, struct jota_new_unit *unit, struct jota_err *err)
{
	char path[PATH_MAX];
	struct listing list = { .dir = path, .unit = unit, .err = err };
	int n = snprintf(path, sizeof(path), "%s/%.*s%s.d", dir, len, name, end);
	int r;

	if (n < 0 || (size_t)n >= sizeof(path))
		return 0;
	r = jota_newroot_each(root, path, note_drop_in, &list, err);
	return is_absent(r) ? 0 : r;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(base_name(*(char *const *)a), base_name(*(char *const *)b));
}

/* foo-bar.service: foo-bar.service.d, then foo-.service.d. */
static int list_of_unit(const struct jota_newroot *root, const char *dir, const char *name,
			struct jota_new_unit *unit, struct jota_err *err)
{
	const char *type = strrchr(name, '.');
	int r = list_folder(root, dir, name, (int)strlen(name), "", unit, err);

	for (const char *at = type; r == 0 && at > name; at--)
		if (at[-1] == '-')
			r = list_folder(root, dir, name, (int)(at - name), type, unit, err);
	return r;
}

static int find_drop_ins(const struct jota_newroot *root, const char *name,
			 struct jota_new_unit *unit, struct jota_err *err)
{
	const char *type = strrchr(name, '.') + 1;
	int r = 0;

	for (size_t i = 0; r == 0 && jota_unit_dirs[i]; i++)
		r = list_of_unit(root, jota_unit_dirs[i], name, unit, err);
	for (size_t i = 0; r == 0 && jota_unit_dirs[i]; i++)
		r = list_folder(root, jota_unit_dirs[i], type, (int)strlen(type), "", unit, err);
	qsort(unit->file, unit->file_count, sizeof(unit->file[0]), compare_names);
	return r;
}

static int apply_file(const struct jota_newroot *root, const char *path, char **ret_text,
		      struct jota_new_unit *unit, struct jota_err *err)
{
	struct jota_newroot_node node;
	char target[PATH_MAX] = "";
	int r;

	/* One that hides another of the same name. */
	if (jota_newroot_stat(root, path, false, &node, err) == 0 && S_ISLNK(node.mode) &&
	    jota_newroot_link(root, path, target, sizeof(target), err) == 0 &&
	    is_null_device(target))
		return 0;
	r = jota_newroot_text(root, path, UNIT_BYTES_MAX, ret_text, err);
	return r < 0 ? r : jota_unit_apply(unit, path, *ret_text, err);
}

int jota_new_unit_read(const struct jota_newroot *root, const char *unit, struct jota_new_unit *ret,
		       struct jota_err *err)
{
	int r = find_file(root, unit, ret, err);

	if (r < 0 || ret->masked)
		return r;
	r = find_drop_ins(root, unit, ret, err);
	if (r == 0)
		r = apply_file(root, ret->path, &ret->text, ret, err);
	for (size_t i = 0; r == 0 && i < ret->file_count; i++) {
		r = apply_file(root, ret->file[i].path, &ret->file[i].text, ret, err);
		/* A link that leads nowhere. */
		r = is_absent(r) ? 0 : r;
	}
	return r;
}

void jota_new_unit_done(struct jota_new_unit *unit)
{
	for (size_t i = 0; i < unit->file_count; i++) {
		free(unit->file[i].path);
		free(unit->file[i].text);
	}
	free(unit->text);
	memset(unit, 0, sizeof(*unit));
}
