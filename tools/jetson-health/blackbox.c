/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Made under another name and renamed: a power cut leaves a whole failure or a folder that the next one removes. */
#define _GNU_SOURCE
#include "blackbox.h"
#include "health_tool.h"
#include "journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "base/number.h"
#include "update/history.h"

#define NUMBER_MAX 999999u
#define FRESH "new"

static const char *const pstore_dirs[] = { "/sys/fs/pstore", "/var/lib/systemd/pstore" };

static int open_dir(int at, const char *name, struct jota_err *err)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? jota_fail(err, errno, "open '%s'", name) : fd;
}

static int make_and_open(int at, const char *name, struct jota_err *err)
{
	if (mkdirat(at, name, 0755) < 0 && errno != EEXIST)
		return jota_fail(err, errno, "make '%s'", name);
	return open_dir(at, name, err);
}

/* Failures are flat folders: what is none of ours in one stays, and then so does the folder. */
static void remove_failure(int failures, const char *name)
{
	int fd = open_dir(failures, name, NULL);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while ((entry = readdir(dir)))
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	(void)closedir(dir);
	(void)unlinkat(failures, name, AT_REMOVEDIR);
}

struct numbers {
	unsigned lowest, highest;
	size_t count;
};

static struct numbers count_failures(int failures)
{
	struct numbers n = { .lowest = NUMBER_MAX + 1 };
	int fd = open_dir(failures, ".", NULL);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	uint64_t number;

	if (!dir) {
		if (fd >= 0)
			(void)close(fd);
		return n;
	}
	while ((entry = readdir(dir))) {
		if (jota_parse_u64("number", entry->d_name, 1, NUMBER_MAX, &number, NULL) < 0)
			continue;
		n.count++;
		n.lowest = number < n.lowest ? (unsigned)number : n.lowest;
		n.highest = number > n.highest ? (unsigned)number : n.highest;
	}
	(void)closedir(dir);
	return n;
}

static int create(int at, const char *name)
{
	return openat(at, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static void keep_text(const struct jota_io *io, int box, const char *name, const char *text,
		      size_t bytes)
{
	CLEANUP_FD int fd = create(box, name);

	if (fd >= 0 && jota_io_pwrite_all(io, fd, text, bytes, 0, name, NULL) == 0)
		(void)jota_io_sync(io, fd, name, NULL);
}

static void keep_about(const struct jota_io *io, int box, const struct failure *failure)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "time %" PRId64 "\nslot %s\nboot_id %s\nreason %s\n",
			 (int64_t)time(NULL), failure->slot, failure->boot_id, failure->reason);

	if (n > 0 && (size_t)n < sizeof(text))
		keep_text(io, box, "about", text, (size_t)n);
}

/* The beginning of a file, whatever its size. */
static void keep_copy(const struct jota_io *io, int box, const char *name, const char *path)
{
	CLEANUP_FREE char *text = malloc(BLACKBOX_FILE_BYTES_MAX);
	CLEANUP_FD int fd = jota_io_open(io, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, NULL);
	size_t bytes = 0;
	ssize_t n;

	if (!text || fd < 0)
		return;
	while (bytes < BLACKBOX_FILE_BYTES_MAX) {
		n = read(fd, text + bytes, BLACKBOX_FILE_BYTES_MAX - bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		bytes += (size_t)n;
	}
	if (bytes > 0)
		keep_text(io, box, name, text, bytes);
}

static void keep_report(const struct jota_io *io, int box, const char *dir)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/health-%s", dir, REPORT_FAILED);

	if (n > 0 && n < PATH_MAX)
		keep_copy(io, box, "report", path);
}

static void keep_journal(const struct jota_io *io, int box, const struct failure *failure)
{
	char id[40];
	size_t len = 0;
	CLEANUP_FD int fd = -1;

	/* journalctl wants it without the dashes. */
	for (const char *at = failure->boot_id; *at && len + 1 < sizeof(id); at++)
		if (*at != '-')
			id[len++] = *at;
	id[len] = '\0';
	if (!failure->this_boot && len == 0)
		return;
	fd = create(box, "journal");
	if (fd < 0)
		return;
	if (journal_save(io, failure->this_boot ? NULL : id, fd, BLACKBOX_JOURNAL_BYTES_MAX,
			 BLACKBOX_JOURNAL_MS, NULL) < 0)
		(void)unlinkat(box, "journal", 0);
	else
		(void)jota_io_sync(io, fd, "journal", NULL);
}

static int is_plain(const struct dirent *entry)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	const char *name = entry->d_name;

	return name[0] != '.' && name[strspn(name, letters)] == '\0' && strlen(name) < 100;
}

/* What the last kernel left when it died. systemd-pstore may have moved it into folders: their files are not followed. */
static void keep_pstore(const struct jota_io *io, int box)
{
	unsigned kept = 0;

	for (size_t i = 0; i < sizeof(pstore_dirs) / sizeof(pstore_dirs[0]); i++) {
		char full[PATH_MAX], path[PATH_MAX], name[128];
		struct dirent **list = NULL;
		int count;

		if (jota_io_path(io, pstore_dirs[i], full, sizeof(full), NULL) < 0)
			continue;
		count = scandir(full, &list, is_plain, alphasort);
		for (int j = 0; j < count; j++) {
			(void)snprintf(name, sizeof(name), "pstore-%.100s", list[j]->d_name);
			(void)snprintf(path, sizeof(path), "%s/%s", pstore_dirs[i], list[j]->d_name);
			if (kept++ < BLACKBOX_PSTORE_MAX)
				keep_copy(io, box, name, path);
			free(list[j]);
		}
		free(list);
	}
}

static int fill(const struct jota_io *io, int failures, const char *dir,
		const struct failure *failure, struct jota_err *err)
{
	CLEANUP_FD int box = make_and_open(failures, FRESH, err);

	if (box < 0)
		return box;
	keep_about(io, box, failure);
	/* The report is of a boot that could still run its checks. */
	if (failure->this_boot)
		keep_report(io, box, dir);
	keep_pstore(io, box);
	keep_journal(io, box, failure);
	return jota_io_sync(io, box, FRESH, err);
}

int blackbox_take(const struct jota_io *io, const char *dir, const struct failure *failure,
		  struct jota_err *err)
{
	char full[PATH_MAX], name[16];
	struct numbers n;
	int r = jota_io_path(io, dir, full, sizeof(full), err);

	if (r < 0)
		return r;
	if (mkdir(full, 0755) < 0 && errno != EEXIST)
		return jota_fail(err, errno, "make '%s'", full);
	CLEANUP_FD int data = open_dir(AT_FDCWD, full, err);
	if (data < 0)
		return data;
	CLEANUP_FD int failures = make_and_open(data, JOTA_FAILURES_DIR, err);
	if (failures < 0)
		return failures;
	remove_failure(failures, FRESH);
	/* First the room: the disk may be full of older failures. */
	for (n = count_failures(failures); n.count >= BLACKBOX_COUNT_MAX;) {
		size_t before = n.count;

		(void)snprintf(name, sizeof(name), "%u", n.lowest);
		remove_failure(failures, name);
		n = count_failures(failures);
		if (n.count == before)
			break;
	}
	if (n.highest == NUMBER_MAX)
		return jota_fail(err, ERANGE, "'%s' has no numbers left.", JOTA_FAILURES_DIR);
	r = fill(io, failures, dir, failure, err);
	(void)snprintf(name, sizeof(name), "%u", n.highest + 1);
	if (r == 0 && renameat(failures, FRESH, failures, name) < 0)
		r = jota_fail(err, errno, "rename the failure to '%s'", name);
	return r < 0 ? r : jota_io_sync(io, failures, JOTA_FAILURES_DIR, err);
}

/* A boot_id as the kernel writes it, and nothing else. */
static bool take_boot_id(const char *text, char *buf)
{
	static const char digits[] = "0123456789abcdef-";

	if (strspn(text, digits) != 36 || text[36] != '"')
		return false;
	memcpy(buf, text, 36);
	buf[36] = '\0';
	return true;
}

void blackbox_last_boot(const struct jota_io *io, const char *dir, const char *slot, char *buf)
{
	static const char *const files[] = { JOTA_HISTORY_OLD_FILE, JOTA_HISTORY_FILE };
	char path[PATH_MAX], wanted[64];

	buf[0] = '\0';
	(void)snprintf(wanted, sizeof(wanted), "\"event\":\"boot\",\"slot\":\"%s\",\"boot_id\":\"",
		       slot);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		CLEANUP_FREE char *text = NULL;
		int n = snprintf(path, sizeof(path), "%s/%s", dir, files[i]);

		if (n < 0 || n >= PATH_MAX ||
		    jota_io_read_file(io, path, 2 * JOTA_HISTORY_BYTES_MAX, &text, NULL, NULL) < 0)
			continue;
		for (const char *at = text; (at = strstr(at, wanted)); at += strlen(wanted))
			(void)take_boot_id(at + strlen(wanted), buf);
	}
}
