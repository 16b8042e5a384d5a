/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Read from files, so that it works for an image too: systemd-system.conf(5) for the order of configuration files, systemd.unit(5) for
 * what a unit's links mean.
 */
#include "doctor.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"

#define FILE_BYTES_MAX 65536u
#define WORD_BYTES 64
#define FILES_MAX 64
#define INSTALL_ADVICE "install the units of this project ('make install') and enable them"

/* First ones win. */
static const char *const roots[] = { "/etc/systemd", "/run/systemd", "/usr/local/lib/systemd",
				     "/usr/lib/systemd", "/lib/systemd" };
#define ROOT_COUNT (sizeof(roots) / sizeof(roots[0]))

static const char *const ours[] = { "/usr/lib/swupdate-jetson", "/usr/local/lib/swupdate-jetson" };
#define OURS_COUNT (sizeof(ours) / sizeof(ours[0]))

static const struct {
	const char *unit;
	enum finding_status absent;
	bool is_static; /* others start it: nothing enables it */
} units[] = {
	{ "jetson-health.service", FINDING_BAD, false },
	{ "jetson-health-confirm.service", FINDING_BAD, false },
	{ "jetson-health-rollback.service", FINDING_BAD, true },
	{ "jetson-health-reboot.service", FINDING_BAD, true },
	{ "jetson-health-deadline.timer", FINDING_BAD, true },
	/* Where the firmware does not count boots, nothing else does. */
	{ "jetson-slot-count.service", FINDING_WARNING, false },
	{ "swupdate.service", FINDING_WARNING, false },
};
#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

static bool find(const struct jota_io *io, const char *path, struct stat *ret)
{
	char full[PATH_MAX];

	return jota_io_path(io, path, full, sizeof(full), NULL) == 0 && lstat(full, ret) == 0;
}

static bool points_to_null(const struct jota_io *io, const char *path)
{
	char full[PATH_MAX], target[16];
	ssize_t n;

	if (jota_io_path(io, path, full, sizeof(full), NULL) < 0)
		return false;
	n = readlink(full, target, sizeof(target));
	return n == 9 && memcmp(target, "/dev/null", 9) == 0;
}

/* The names in a folder of each root, with the place that counts. */
struct files {
	char name[FILES_MAX][NAME_MAX + 1];
	size_t root[FILES_MAX];
	size_t count;
};

static void take_name(struct files *files, const char *name, size_t root)
{
	size_t at = 0;

	while (at < files->count && strcmp(files->name[at], name) < 0)
		at++;
	if (files->count == FILES_MAX || (at < files->count && !strcmp(files->name[at], name)))
		return;
	memmove(files->name[at + 1], files->name[at], (files->count - at) * sizeof(files->name[0]));
	memmove(&files->root[at + 1], &files->root[at], (files->count - at) * sizeof(size_t));
	(void)snprintf(files->name[at], sizeof(files->name[at]), "%s", name);
	files->root[at] = root;
	files->count++;
}

static DIR *open_dir(const struct jota_io *io, const char *path)
{
	char full[PATH_MAX];

	return jota_io_path(io, path, full, sizeof(full), NULL) < 0 ? NULL : opendir(full);
}

static void list(const struct jota_io *io, const char *folder, struct files *ret)
{
	char path[PATH_MAX];

	ret->count = 0;
	for (size_t i = 0; i < ROOT_COUNT; i++) {
		struct dirent *entry;
		DIR *dir;

		(void)snprintf(path, sizeof(path), "%s/%s", roots[i], folder);
		dir = open_dir(io, path);
		while (dir && (entry = readdir(dir)) != NULL)
			/* One place is kept free, for the move. */
			if (entry->d_name[0] != '.' && ret->count + 1 < FILES_MAX)
				take_name(ret, entry->d_name, i);
		if (dir)
			(void)closedir(dir);
	}
}

/* The last assignment of a key, which is what counts; an empty one goes back to the default. */
static void read_value(const struct jota_io *io, const char *path, const char *key,
		       char value[WORD_BYTES])
{
	CLEANUP_FREE char *text = NULL;
	size_t key_len = strlen(key);

	if (jota_io_read_file(io, path, FILE_BYTES_MAX, &text, NULL, NULL) < 0)
		return;
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += strspn(line, " \t\n");
		if (strncmp(line, key, key_len) != 0 || line[key_len] != '=')
			continue;
		line += key_len + 1;
		(void)snprintf(value, WORD_BYTES, "%.*s", (int)strcspn(line, "\r\n"), line);
	}
}

static void read_manager(const struct jota_io *io, const char *key, char value[WORD_BYTES])
{
	struct files *files = calloc(1, sizeof(*files));
	char path[PATH_MAX];

	value[0] = '\0';
	for (size_t i = ROOT_COUNT; i-- > 0;) {
		(void)snprintf(path, sizeof(path), "%s/system.conf", roots[i]);
		read_value(io, path, key, value);
	}
	if (!files)
		return;
	list(io, "system.conf.d", files);
	for (size_t i = 0; i < files->count; i++) {
		(void)snprintf(path, sizeof(path), "%s/system.conf.d/%s", roots[files->root[i]],
			       files->name[i]);
		read_value(io, path, key, value);
	}
	free(files);
}

static void look_at_watchdog(const struct jota_io *io, struct doctor *d)
{
	static const char *const key = "RuntimeWatchdogSec";
	char value[WORD_BYTES];
	bool is_set;
	struct stat st;

	read_manager(io, key, value);
	is_set = strcmp(value, "default") == 0 || (value[0] >= '1' && value[0] <= '9');
	doctor_add(d, is_set ? FINDING_OK : FINDING_BAD, key,
		   "set it to 60s in /etc/systemd/system.conf.d/, as 'make install' does", "%s",
		   is_set   ? value :
		   value[0] ? "off: a system that hangs is not reset" :
			      "not set: a system that hangs is not reset");
	if (find(io, "/dev/watchdog0", &st) || find(io, "/dev/watchdog", &st))
		doctor_add(d, FINDING_OK, "hardware watchdog", "", "there is one");
	else
		doctor_add(d, FINDING_BAD, "hardware watchdog",
			   "enable the driver of the board's watchdog in the kernel",
			   "no /dev/watchdog: nothing resets a kernel that hangs");
}

/* The file that counts; false: there is none. */
static bool find_unit(const struct jota_io *io, const char *unit, char path[PATH_MAX],
		      struct stat *ret)
{
	for (size_t i = 0; i < ROOT_COUNT; i++) {
		(void)snprintf(path, PATH_MAX, "%s/system/%s", roots[i], unit);
		if (find(io, path, ret))
			return true;
	}
	return false;
}

static bool is_enabled_in(const struct jota_io *io, const char *folder, const char *unit)
{
	static const char *const ends[] = { ".wants", ".requires", ".upholds" };
	struct dirent *entry;
	bool found = false;
	char path[PATH_MAX];
	struct stat st;
	DIR *dir = open_dir(io, folder);

	while (dir && !found && (entry = readdir(dir)) != NULL) {
		const char *dot = strrchr(entry->d_name, '.');

		for (size_t i = 0; dot && !found && i < sizeof(ends) / sizeof(ends[0]); i++)
			if (strcmp(dot, ends[i]) == 0) {
				(void)snprintf(path, sizeof(path), "%.999s/%s/%s", folder,
					       entry->d_name, unit);
				found = find(io, path, &st);
			}
	}
	if (dir)
		(void)closedir(dir);
	return found;
}

static bool is_enabled(const struct jota_io *io, const char *unit)
{
	char folder[PATH_MAX];

	for (size_t i = 0; i < ROOT_COUNT; i++) {
		(void)snprintf(folder, sizeof(folder), "%s/system", roots[i]);
		if (is_enabled_in(io, folder, unit))
			return true;
	}
	return false;
}

static void look_at_unit(const struct jota_io *io, size_t i, struct doctor *d)
{
	const char *unit = units[i].unit;
	char path[PATH_MAX];
	struct stat st;

	if (!find_unit(io, unit, path, &st))
		doctor_add(d, units[i].absent, unit, INSTALL_ADVICE, "there is no such unit");
	else if (points_to_null(io, path) || (S_ISREG(st.st_mode) && st.st_size == 0))
		doctor_add(d, FINDING_BAD, unit, "run 'systemctl unmask' for it", "masked by %s",
			   path);
	else if (!units[i].is_static && !is_enabled(io, unit))
		doctor_add(d, units[i].absent, unit, "run 'systemctl enable' for it",
			   "%s is not enabled", path);
	else
		doctor_add(d, FINDING_OK, unit, "",
			   units[i].is_static ? "there, for others to start" : "enabled");
}

static bool has_line(const struct jota_io *io, const char *path, const char *line)
{
	CLEANUP_FREE char *text = NULL;
	const char *at;

	if (jota_io_read_file(io, path, FILE_BYTES_MAX, &text, NULL, NULL) < 0)
		return false;
	at = strstr(text, line);
	return at && (at == text || at[-1] == '\n');
}

/* What the generator links on an unconfirmed boot, and the generator itself. */
static void look_at_trial(const struct jota_io *io, struct doctor *d)
{
	static const struct {
		const char *name, *file, *line;
	} wanted[] = {
		{ "emergency mode on trial", "emergency.service.conf",
		  "SuccessAction=reboot-force" },
		{ "rescue mode on trial", "rescue.service.conf", "SuccessAction=reboot-force" },
		{ "boot deadline on trial", "boot-complete.target.conf",
		  "JobTimeoutAction=reboot-force" },
	};
	char path[PATH_MAX];
	bool found = false;
	struct stat st;

	for (size_t i = 0; i < ROOT_COUNT && !found; i++) {
		(void)snprintf(path, sizeof(path), "%s/system-generators/swupdate-jetson-trial",
			       roots[i]);
		found = find(io, path, &st) && S_ISREG(st.st_mode) && (st.st_mode & 0111);
	}
	doctor_add(d, found ? FINDING_OK : FINDING_BAD, "generator for trials", INSTALL_ADVICE,
		   "%s", found ? path : "system-generators/swupdate-jetson-trial is missing");
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		bool there = false;

		for (size_t k = 0; k < OURS_COUNT && !there; k++) {
			(void)snprintf(path, sizeof(path), "%s/on-trial/%s", ours[k],
				       wanted[i].file);
			there = has_line(io, path, wanted[i].line);
		}
		doctor_add(d, there ? FINDING_OK : FINDING_BAD, wanted[i].name, INSTALL_ADVICE, "%s",
			   there ? "reboots" :
				   "no drop-in makes it reboot: it would wait for a person");
	}
}

static void look_at_rollback(const struct jota_io *io, struct doctor *d)
{
	static const char *const file = "system/boot-complete.target.d/50-swupdate-jetson.conf";
	bool found = false;
	char path[PATH_MAX];

	for (size_t i = 0; i < ROOT_COUNT && !found; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", roots[i], file);
		found = has_line(io, path, "OnFailure=jetson-health-rollback.service");
	}
	doctor_add(d, found ? FINDING_OK : FINDING_BAD, "boot-complete.target", INSTALL_ADVICE,
		   "%s", found ? "its failure rolls back" : "its failure starts no rollback");
}

void doctor_look_at_systemd(const struct jota_io *io, struct doctor *d)
{
	look_at_watchdog(io, d);
	for (size_t i = 0; i < UNIT_COUNT; i++)
		look_at_unit(io, i, d);
	look_at_rollback(io, d);
	look_at_trial(io, d);
}
