/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE
#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "health/kind.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { PATH, TYPE, OPEN, DRIVER };
static const char *const types[] = { "char", "block", NULL };
static const struct jota_field fields[] = {
	[PATH] = { .name = "path",
		   .type = JOTA_FIELD_PATH,
		   .required = true,
		   .about = "the node, such as /dev/nvhost-gpu or /dev/video0" },
	[TYPE] = { .name = "type",
		   .type = JOTA_FIELD_WORD,
		   .choices = types,
		   .about = "char or block; default either" },
	[OPEN] = { .name = "open",
		   .type = JOTA_FIELD_BOOL,
		   .has_number = true,
		   .about = "open it for reading: an answer of its driver" },
	[DRIVER] = { .name = "driver", .type = JOTA_FIELD_TEXT, .about = "driver as sysfs names it" },
};

/* The name of the driver that sysfs tells for a device number, "" when it tells none. */
static void find_driver(const struct jota_io *io, const struct stat *st, char *buf, size_t buf_bytes)
{
	char path[128], full[PATH_MAX], target[PATH_MAX];
	const char *name;
	ssize_t n;

	buf[0] = '\0';
	(void)snprintf(path, sizeof(path), "/sys/dev/%s/%u:%u/device/driver",
		       S_ISCHR(st->st_mode) ? "char" : "block", major(st->st_rdev),
		       minor(st->st_rdev));
	if (jota_io_path(io, path, full, sizeof(full), NULL) < 0)
		return;
	n = readlink(full, target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = '\0';
	name = strrchr(target, '/');
	(void)snprintf(buf, buf_bytes, "%.79s", name ? name + 1 : target);
}

static bool has_driver(const struct jota_check_run *run, const struct stat *st,
		       struct jota_finding *ret)
{
	const struct jota_value *value = run->check->value;
	char driver[80];

	if (!value[DRIVER].set)
		return true;
	find_driver(run->io, st, driver, sizeof(driver));
	if (strcmp(driver, value[DRIVER].text) == 0)
		return true;
	jota_found(ret, JOTA_FAIL, JOTA_WHY_DRIVER, "'%.100s' has driver '%.60s', expected '%.60s'",
		   value[PATH].text, driver, value[DRIVER].text);
	return false;
}

static bool has_type(const struct jota_value *value, const struct stat *st, struct jota_finding *ret)
{
	bool is_char = S_ISCHR(st->st_mode), is_block = S_ISBLK(st->st_mode);
	const char *want = value[TYPE].set ? value[TYPE].text : NULL;

	if (want ? (strcmp(want, "char") == 0 ? is_char : is_block) : is_char || is_block)
		return true;
	jota_found(ret, JOTA_FAIL, JOTA_WHY_WRONG_TYPE, "'%.120s' is a %s, expected a %s%sdevice",
		   value[PATH].text,
		   is_char  ? "char device" :
		   is_block ? "block device" :
			      "file or directory",
		   want ? want : "", want ? " " : "");
	return false;
}

static void run_device(const struct jota_check_run *run, struct jota_finding *ret)
{
	const struct jota_value *value = run->check->value;
	const char *path = value[PATH].text;
	CLEANUP_FD int fd = -1;
	char full[PATH_MAX];
	struct stat st;

	if (jota_io_path(run->io, path, full, sizeof(full), NULL) < 0)
		return;
	if (stat(full, &st) < 0) {
		jota_found(ret, JOTA_FAIL, JOTA_WHY_MISSING, "'%.120s': %s", path, strerror(errno));
		return;
	}
	if (!has_type(value, &st, ret) || !has_driver(run, &st, ret))
		return;
	if (value[OPEN].number) {
		/* O_NONBLOCK: a modem or a pipe would wait for its other end. */
		fd = open(full, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd < 0) {
			jota_found(ret, JOTA_FAIL, JOTA_WHY_OPEN, "'%.120s': %s", path,
				   strerror(errno));
			return;
		}
	}
	jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "'%.120s'%s", path,
		   value[OPEN].number ? " can be opened" : " is there");
}

const struct jota_check_kind jota_kind_device = {
	.name = "device",
	.about = "a device is there, with its driver",
	.phases = JOTA_PHASES_ALL,
	.field = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.run = run_device,
};
