/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "health/new_check.h"

#include "base/err.h"
#include "base/io.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct jota_newroot *jota_new_open(const struct jota_check_run *run, struct jota_finding *ret)
{
	const char *node = run->context->target_device;
	struct jota_newroot *root = NULL;
	struct jota_err err = { 0 };
	char full[PATH_MAX];
	int r;

	if (!node) {
		jota_found(ret, JOTA_ERROR, JOTA_WHY_INTERNAL,
			   "nobody says where the new root file system is (--target-device)");
		return NULL;
	}
	r = jota_io_path(run->io, node, full, sizeof(full), &err);
	if (r == 0)
		r = jota_newroot_open(full, &root, &err);
	if (r == 0)
		return root;
	if (r == -EOPNOTSUPP && run->check->kind != &jota_kind_new_filesystem)
		jota_new_not_looked_at(ret, "%s", err.msg);
	else
		jota_found(ret, JOTA_FAIL,
			   r == -EOPNOTSUPP ? JOTA_WHY_CLOSED_FILESYSTEM : JOTA_WHY_FILESYSTEM,
			   "%s", err.msg);
	return NULL;
}

struct jota_newroot *jota_new_open_running(const struct jota_check_run *run,
					   struct jota_finding *ret)
{
	struct jota_newroot *root = NULL;
	struct jota_err err = { 0 };

	if (jota_newroot_open(run->io->root, &root, &err) == 0)
		return root;
	jota_found(ret, JOTA_ERROR, JOTA_WHY_INTERNAL, "running system: %s", err.msg);
	return NULL;
}

void jota_new_not_looked_at(struct jota_finding *ret, const char *fmt, ...)
{
	char text[JOTA_HEALTH_MESSAGE_BYTES];
	va_list args;

	va_start(args, fmt);
	if (vsnprintf(text, sizeof(text), fmt, args) < 0)
		text[0] = '\0';
	va_end(args);
	jota_found(ret, JOTA_PASS, JOTA_WHY_NOT_LOOKED_AT, "not looked at: %s", text);
}

int jota_new_value(const char *text, const char *key, char *buf, size_t buf_bytes)
{
	size_t key_len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		size_t len;

		line += *line == '\n';
		if (strncmp(line, key, key_len) != 0 || line[key_len] != '=')
			continue;
		line += key_len + 1;
		len = strcspn(line, "\r\n");
		if (len >= 2 && (*line == '"' || *line == '\'') && line[len - 1] == *line) {
			line++;
			len -= 2;
		}
		if (len >= buf_bytes)
			return -ENAMETOOLONG;
		memcpy(buf, line, len);
		buf[len] = '\0';
		return 0;
	}
	return -ENOENT;
}
