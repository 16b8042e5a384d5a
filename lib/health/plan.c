/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE
#include "health/plan.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "health/plan_parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX (256u * 1024u)
#define DEADLINE_DEFAULT_MS 300000u
#define DEADLINE_MIN_MS 5000u
#define CHECK_DEADLINE_DEFAULT_MS 10000u
#define DEADLINE_MAX_MS 7200000u
#define STABILITY_DEFAULT_MS 30000u
#define DATA_DIR_DEFAULT "/data/swupdate-jetson"

static unsigned line_of(const config_setting_t *setting)
{
	return config_setting_source_line(setting);
}

static int take_data_dir(const struct jota_plan_place *at, const config_setting_t *setting,
			 struct jota_plan *plan, struct jota_err *err)
{
	int r = jota_plan_text(at, setting, plan->data_dir, sizeof(plan->data_dir), err);

	if (r == 0 && (plan->data_dir[0] != '/' || strstr(plan->data_dir, "/..")))
		r = jota_plan_fail(at, line_of(setting), err,
				   "data_dir '%.80s' is no absolute path without '..'",
				   plan->data_dir);
	return r;
}

static int take_one_check(const struct jota_plan_place *at, const config_setting_t *entry,
			  struct jota_plan *plan, struct jota_err *err)
{
	struct jota_check *check = &plan->check[plan->count];
	int r = jota_plan_check(at->file, entry, check, err);

	/* Counted at once: what it has taken so far is freed with the plan. */
	plan->count++;
	if (r < 0)
		return r;
	for (size_t i = 0; i + 1 < plan->count; i++)
		if (strcmp(plan->check[i].name, check->name) == 0)
			return jota_plan_fail(at, check->line, err,
					      "check '%s' stands in line %u already: each needs a "
					      "name of its own",
					      check->name, plan->check[i].line);
	return 0;
}

static int take_checks(const struct jota_plan_place *at, const config_setting_t *setting,
		       struct jota_plan *plan, struct jota_err *err)
{
	int count = config_setting_length(setting);

	if (!config_setting_is_list(setting))
		return jota_plan_fail(at, line_of(setting), err,
				      "checks must be a list of groups: ( { ... }, { ... } )");
	if (count > JOTA_CHECKS_MAX)
		return jota_plan_fail(at, line_of(setting), err,
				      "there are %d checks, at most %d are possible", count,
				      JOTA_CHECKS_MAX);
	plan->check = calloc(count > 0 ? (size_t)count : 1, sizeof(*plan->check));
	if (!plan->check)
		return jota_fail(err, ENOMEM, "read the health checks");
	for (int i = 0; i < count; i++) {
		int r = take_one_check(at, config_setting_get_elem(setting, (unsigned)i), plan, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int take_setting(const struct jota_plan_place *at, const config_setting_t *setting,
			struct jota_plan *plan, struct jota_err *err)
{
	const char *name = config_setting_name(setting);

	if (strcmp(name, "deadline_s") == 0)
		return jota_plan_seconds(at, setting, DEADLINE_MIN_MS, DEADLINE_MAX_MS,
					 &plan->deadline_ms, err);
	if (strcmp(name, "stability_s") == 0)
		return jota_plan_seconds(at, setting, 0, DEADLINE_MAX_MS, &plan->stability_ms, err);
	if (strcmp(name, "data_dir") == 0)
		return take_data_dir(at, setting, plan, err);
	if (strcmp(name, "baseline_required") == 0)
		return jota_plan_bool(at, setting, &plan->baseline_required, err);
	if (strcmp(name, "checks") == 0)
		return take_checks(at, setting, plan, err);
	return jota_plan_fail_unknown(
		at, line_of(setting), err,
		"key '%.40s' is not known, there are: deadline_s, stability_s, data_dir, "
		"baseline_required, checks",
		name);
}

/* What no single line can be blamed for. */
static int settle_whole(const char *file, struct jota_plan *plan, struct jota_err *err)
{
	bool decides = false;

	if (plan->stability_ms >= plan->deadline_ms)
		return jota_fail(err, EINVAL,
				 "%s: stability_s is %g, which leaves nothing of deadline_s, %g.",
				 file, plan->stability_ms / 1000.0, plan->deadline_ms / 1000.0);
	for (size_t i = 0; i < plan->count; i++) {
		struct jota_check *check = &plan->check[i];

		if (check->deadline_ms == 0)
			check->deadline_ms = plan->deadline_ms < CHECK_DEADLINE_DEFAULT_MS ?
						     plan->deadline_ms :
						     CHECK_DEADLINE_DEFAULT_MS;
		if (check->deadline_ms > plan->deadline_ms)
			return jota_fail(
				err, EINVAL,
				"%s line %u: check '%s': deadline_s is %g, more than that of "
				"the whole run, %g.",
				file, check->line, check->name, check->deadline_ms / 1000.0,
				plan->deadline_ms / 1000.0);
		if (check->severity == JOTA_CRITICAL &&
		    (check->phases & (1u << JOTA_PHASE_POSTBOOT)))
			decides = true;
	}
	if (!decides)
		return jota_fail(
			err, EINVAL,
			"%s: no check is critical and runs after the reboot, so every image "
			"would be confirmed: add one to checks.",
			file);
	return 0;
}

static int parse(const char *file, const char *text, struct jota_plan *plan, struct jota_err *err)
{
	const struct jota_plan_place at = { .file = file };
	const config_setting_t *root;
	config_t parsed;
	int r = 0;

	config_init(&parsed);
	if (config_read_string(&parsed, text) != CONFIG_TRUE)
		r = jota_fail(err, EINVAL, "%s line %d: %s.", file, config_error_line(&parsed),
			      config_error_text(&parsed));
	root = config_root_setting(&parsed);
	for (int i = 0; r == 0 && i < config_setting_length(root); i++)
		r = take_setting(&at, config_setting_get_elem(root, (unsigned)i), plan, err);
	config_destroy(&parsed);
	return r == 0 ? settle_whole(file, plan, err) : r;
}

/* One file says everything: an included one would not have been looked at. */
static int refuse_include(const char *file, const char *text, struct jota_err *err)
{
	const struct jota_plan_place at = { .file = file };
	unsigned line = 1;

	for (; text; line++) {
		text += strspn(text, " \t");
		if (strncmp(text, "@include", 8) == 0)
			return jota_plan_fail(&at, line, err, "@include is not allowed");
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return 0;
}

int jota_plan_parse(const char *what, const char *text, struct jota_plan *ret, struct jota_err *err)
{
	struct jota_plan plan = { .deadline_ms = DEADLINE_DEFAULT_MS,
				  .stability_ms = STABILITY_DEFAULT_MS,
				  .data_dir = DATA_DIR_DEFAULT };
	int r = refuse_include(what, text, err);

	if (r == 0)
		r = parse(what, text, &plan, err);
	if (r < 0) {
		jota_plan_done(&plan);
		return r;
	}
	*ret = plan;
	return 0;
}

void jota_plan_done(struct jota_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		jota_plan_free_fields(&plan->check[i]);
	free(plan->check);
	plan->check = NULL;
	plan->count = 0;
}

const struct jota_check *jota_plan_find(const struct jota_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(plan->check[i].name, name) == 0)
			return &plan->check[i];
	return NULL;
}

/* Whoever can change it decides which image is confirmed, and which programs run. */
static int check_owner(const struct jota_io *io, int fd, const char *path, mode_t kind,
		       struct stat *ret_st, struct jota_err *err)
{
	uid_t self = geteuid();

	if (fstat(fd, ret_st) < 0)
		return jota_fail(err, errno, "look at '%s'", path);
	if ((ret_st->st_mode & S_IFMT) != kind)
		return jota_fail(err, EPERM, "'%s' is no %s.", path,
				 kind == S_IFDIR ? "directory" : "regular file");
	if (ret_st->st_uid != 0 && (jota_io_is_real_root(io) || ret_st->st_uid != self))
		return jota_fail(err, EPERM,
				 "'%s' belongs to user %u, who could change what is checked: "
				 "'chown root' it.",
				 path, (unsigned)ret_st->st_uid);
	if (ret_st->st_mode & (S_IWGRP | S_IWOTH))
		return jota_fail(err, EPERM,
				 "'%s' has mode %04o, others than its owner could change what is "
				 "checked: 'chmod go-w' it.",
				 path, (unsigned)(ret_st->st_mode & 07777));
	return 0;
}

static int check_directory(const struct jota_io *io, const char *path, struct jota_err *err)
{
	CLEANUP_FD int fd = -1;
	char dir[PATH_MAX];
	struct stat st;
	int n = snprintf(dir, sizeof(dir), "%s", path);
	char *slash = strrchr(dir, '/');

	if (n < 0 || (size_t)n >= sizeof(dir) || !slash || slash == dir)
		return jota_fail(err, EINVAL, "'%s' is no path of a file in a directory.", path);
	*slash = '\0';
	fd = jota_io_open(io, dir, O_RDONLY | O_DIRECTORY, 0, err);
	return fd < 0 ? fd : check_owner(io, fd, dir, S_IFDIR, &st, err);
}

static int read_owned(const struct jota_io *io, const char *path, char **ret_text,
		      struct jota_err *err)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FD int fd = -1;
	struct stat st;
	size_t len;
	int r;

	/* O_NONBLOCK: a pipe that somebody put there must not hold us up. */
	fd = jota_io_open(io, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0, err);
	if (fd < 0)
		return fd;
	r = check_owner(io, fd, path, S_IFREG, &st, err);
	if (r < 0)
		return r;
	if (st.st_size > (off_t)FILE_BYTES_MAX)
		return jota_fail(err, EINVAL, "'%s' is too large: at most %u bytes are read.", path,
				 FILE_BYTES_MAX);
	len = (size_t)st.st_size;
	text = malloc(len + 1);
	if (!text)
		return jota_fail(err, ENOMEM, "read '%s'", path);
	r = jota_io_pread_all(fd, text, len, 0, path, err);
	if (r < 0)
		return r;
	text[len] = '\0';
	if (strlen(text) != len)
		return jota_fail(err, EINVAL, "'%s' is not a text file: NUL byte at %zu.", path,
				 strlen(text));
	*ret_text = take_ptr(&text);
	return 0;
}

int jota_plan_read(const struct jota_io *io, const char *path, struct jota_plan *ret,
		   struct jota_err *err)
{
	CLEANUP_FREE char *text = NULL;
	int r;

	r = check_directory(io, path, err);
	if (r == 0)
		r = read_owned(io, path, &text, err);
	return r < 0 ? r : jota_plan_parse(path, text, ret, err);
}
