/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * confirm.d: what may only be done once there is no way back, such as a migration of shared data.
 *
 * <data_dir>/confirm-due is written before the confirmation is stored: "SLOT ID", then the name of each script that has ended
 * well. A power cut after the store so leaves what the next boot needs to go on. Should the slot be given up instead, the file
 * names a slot that does not run, and is removed.
 */
#include "outcome.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "base/spawn.h"
#include "boot.h"
#include "health/child.h"

#define DUE_BYTES_MAX 16384u
#define CONFIRM_LOCK "/run/swupdate-jetson/confirm.lock"

struct due {
	char path[PATH_MAX];
	char text[DUE_BYTES_MAX];
	bool kept; /* the file can be written */
};

static int due_path(const struct jota_io *io, char path[PATH_MAX])
{
	char dir[PATH_MAX];
	int n;

	jota_history_dir(io, dir, sizeof(dir));
	n = snprintf(path, PATH_MAX, "%s/" CONFIRM_DUE, dir);
	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

void after_confirm_due(const struct jota_io *io, const struct boot *boot)
{
	const char *id = boot->state.record.boot_id;
	struct jota_err err = { 0 };
	char path[PATH_MAX], text[128];
	int n = snprintf(text, sizeof(text), "%s %.36s\n", boot_slot(boot), id[0] ? id : "-");

	if (n < 0 || due_path(io, path) < 0)
		return;
	if (jota_io_replace_file(io, path, text, (size_t)n, &err) < 0)
		(void)fprintf(
			stderr,
			"jetson-health: warning, confirm.d is not repeated after a power cut: %s\n",
			err.msg);
}

static void forget(const struct jota_io *io, const struct due *due)
{
	char full[PATH_MAX];

	if (jota_io_path(io, due->path, full, sizeof(full), NULL) == 0)
		(void)unlink(full);
}

/* True: there is something to do. */
static bool load(const struct jota_io *io, const struct boot *boot, bool fresh, struct due *ret)
{
	CLEANUP_FREE char *text = NULL;

	if (due_path(io, ret->path) < 0)
		return fresh;
	if (jota_io_read_file(io, ret->path, DUE_BYTES_MAX - 1, &text, NULL, NULL) < 0)
		return fresh;
	if (text[0] != boot_slot(boot)[0] || text[1] != ' ') {
		forget(io, ret);
		return fresh;
	}
	(void)snprintf(ret->text, sizeof(ret->text), "%s", text);
	ret->kept = true;
	return true;
}

static bool is_done(const struct due *due, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = strchr(due->text, '\n'); at; at = strchr(at + 1, '\n'))
		if (strncmp(at + 1, name, len) == 0 && at[1 + len] == '\n')
			return true;
	return false;
}

static int mark_done(const struct jota_io *io, struct due *due, const char *name,
		     struct jota_err *err)
{
	size_t used = strlen(due->text);
	int n = snprintf(due->text + used, sizeof(due->text) - used, "%s\n", name);

	if (n < 0 || (size_t)n >= sizeof(due->text) - used) {
		due->text[used] = '\0';
		return jota_fail(err, EFBIG, "'%s' has too many scripts.", CONFIRM_DIR);
	}
	/* Without the file there is nothing to repeat the script either. */
	return due->kept ? jota_io_replace_file(io, due->path, due->text, strlen(due->text), err) :
			   0;
}

static bool may_replace(const struct jota_io *io, const struct stat *st)
{
	return (st->st_mode & (S_IWGRP | S_IWOTH)) ||
	       (st->st_uid != 0 && (jota_io_is_real_root(io) || st->st_uid != geteuid()));
}

static int fail_script(const char *name, const struct jota_spawned *end, struct jota_err *err)
{
	char said[120];

	jota_child_last_line(end->tail, said, sizeof(said));
	if (end->timed_out || end->too_much || end->stuck)
		return jota_fail(err, ETIMEDOUT, "%s: ended by us, %s%s%s.", name,
				 end->too_much ? "it printed too much" : "it took too long",
				 said[0] ? ": " : "", said);
	if (end->status_known && WIFSIGNALED(end->status))
		return jota_fail(err, EIO, "%s: signal %d%s%s.", name, WTERMSIG(end->status),
				 said[0] ? ": " : "", said);
	return jota_fail(err, EIO, "%s: exit status %d%s%s.", name,
			 end->status_known ? WEXITSTATUS(end->status) : -1, said[0] ? ": " : "",
			 said);
}

static int run_script(const struct jota_io *io, const struct boot *boot, const char *name,
		      struct jota_err *err)
{
	CLEANUP_FREE struct jota_spawned *end = calloc(1, sizeof(*end));
	char full[PATH_MAX], path[PATH_MAX];
	struct stat st = { 0 };
	int r;

	(void)snprintf(path, sizeof(path), CONFIRM_DIR "/%s", name);
	r = jota_io_path(io, path, full, sizeof(full), err);
	if (r < 0 || !end)
		return r < 0 ? r : jota_fail(err, ENOMEM, "%s", name);
	if (lstat(full, &st) < 0)
		return jota_fail(err, errno, "%s", name);
	if (!S_ISREG(st.st_mode) || may_replace(io, &st))
		return jota_fail(
			err, EPERM,
			"%s: refused, it must be a file of root that nobody else may write.", name);
	/* As run-parts does: a file that is no program is no script. */
	if (!(st.st_mode & S_IXUSR))
		return 0;
	/* argv of posix_spawn is not const for historical reasons only. */
	char *const argv[] = { full, (char *)boot_slot(boot), NULL };
	r = jota_spawn_run(argv, CONFIRM_SCRIPT_MS, end, err);
	if (r < 0)
		return r;
	if (end->timed_out || end->too_much || end->stuck || !end->status_known || end->status != 0)
		return fail_script(name, end, err);
	outcome_note(io, boot, "confirm-script", name);
	return 0;
}

static int is_name(const struct dirent *entry)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-";
	const char *name = entry->d_name;

	return name[strspn(name, letters)] == '\0' && strlen(name) <= 64;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int run_all(const struct jota_io *io, const struct boot *boot, struct due *due,
		   struct jota_err *err)
{
	struct dirent **list = NULL;
	char full[PATH_MAX];
	struct stat st;
	int count, r = jota_io_path(io, CONFIRM_DIR, full, sizeof(full), err);

	if (r < 0)
		return r;
	if (stat(full, &st) < 0)
		return errno == ENOENT ? 0 : jota_fail(err, errno, "look at '%s'", full);
	if (may_replace(io, &st))
		return jota_fail(
			err, EPERM,
			"'%s' is refused, it must belong to root and nobody else may write there.",
			CONFIRM_DIR);
	count = scandir(full, &list, is_name, by_bytes);
	if (count > CONFIRM_SCRIPTS_MAX)
		r = jota_fail(err, EFBIG, "'%s' has %d scripts, at most %d are expected.",
			      CONFIRM_DIR, count, CONFIRM_SCRIPTS_MAX);
	for (int i = 0; i < count; i++) {
		const char *name = list[i]->d_name;

		if (r == 0 && !is_done(due, name)) {
			r = run_script(io, boot, name, err);
			if (r == 0)
				r = mark_done(io, due, name, err);
		}
		free(list[i]);
	}
	free(list);
	return count < 0 ? jota_fail(err, errno, "read '%s'", full) : r;
}

int after_confirm_run(const struct jota_io *io, const struct boot *boot, bool fresh,
		      struct jota_err *err)
{
	CLEANUP_FREE struct due *due = calloc(1, sizeof(*due));
	int lock, r;

	if (!due)
		return jota_fail(err, ENOMEM, "run '%s'", CONFIRM_DIR);
	if (!load(io, boot, fresh, due))
		return 0;
	if (!due->text[0])
		(void)snprintf(due->text, sizeof(due->text), "%s -\n", boot_slot(boot));
	lock = jota_io_lock(io, CONFIRM_LOCK, "the scripts of confirm.d", 0, err);
	if (lock < 0)
		return lock;
	r = run_all(io, boot, due, err);
	if (r == 0)
		forget(io, due);
	else if (err)
		outcome_note(io, boot, "confirm-script", err->msg);
	jota_io_unlock(lock);
	return r;
}
