/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE
#include "update/history.h"

#include <libconfig.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"

#define CHECKS_CONF "/etc/swupdate-jetson/health.conf"
#define CHECKS_CONF_BYTES_MAX (256u * 1024u)
#define FLIP_BYTES 64
#define LOCK_TRIES 20u
#define LOCK_PAUSE_NS 10000000L

void jota_history_dir(const struct jota_io *io, char *buf, size_t buf_bytes)
{
	CLEANUP_FREE char *text = NULL;
	const char *dir = NULL;
	config_t config;

	(void)snprintf(buf, buf_bytes, "%s", JOTA_DATA_DIR);
	/* An included file would be read past the root prefix. */
	if (jota_io_read_file(io, CHECKS_CONF, CHECKS_CONF_BYTES_MAX, &text, NULL, NULL) < 0 ||
	    strstr(text, "@include"))
		return;
	config_init(&config);
	if (config_read_string(&config, text) == CONFIG_TRUE &&
	    config_lookup_string(&config, "data_dir", &dir) == CONFIG_TRUE && dir[0] == '/' &&
	    strlen(dir) < buf_bytes)
		(void)snprintf(buf, buf_bytes, "%s", dir);
	config_destroy(&config);
}

static int path_in(const char *dir, const char *name, char path[PATH_MAX], struct jota_err *err)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", dir, name);

	return n < 0 || n >= PATH_MAX ? jota_fail(err, ENAMETOOLONG, "'%.80s...'", dir) : 0;
}

/* A text as the inside of a JSON string; what would need an escape becomes '?'. */
static void put_clean(char *to, size_t to_bytes, const char *text)
{
	size_t len = 0;

	for (; text && text[len] && len + 1 < to_bytes; len++) {
		to[len] = text[len];
		if (text[len] < ' ' || text[len] > '~' || text[len] == '"' || text[len] == '\\')
			to[len] = '?';
	}
	to[len] = '\0';
}

/* The member as it stands in a line, "" without a flip. */
static void put_flip(char to[FLIP_BYTES], const char *flip)
{
	char clean[40];

	put_clean(clean, sizeof(clean), flip);
	if (clean[0] == '\0' || snprintf(to, FLIP_BYTES, ",\"flip\":\"%s\"", clean) < 0)
		to[0] = '\0';
}

static int format_line(const struct jota_event *event, char line[JOTA_HISTORY_LINE_MAX],
		       size_t *ret_bytes, struct jota_err *err)
{
	char what[32], slot[8], boot_id[40], detail[200], flip[FLIP_BYTES];
	int n;

	put_clean(what, sizeof(what), event->what);
	put_clean(slot, sizeof(slot), event->slot);
	put_clean(boot_id, sizeof(boot_id), event->boot_id);
	put_clean(detail, sizeof(detail), event->detail);
	put_flip(flip, event->flip);
	n = snprintf(line, JOTA_HISTORY_LINE_MAX,
		     "{\"time\":%" PRId64
		     ",\"event\":\"%s\",\"slot\":\"%s\",\"boot_id\":\"%s\",\"detail\":\"%s\"%s}\n",
		     (int64_t)time(NULL), what, slot, boot_id, detail, flip);
	if (n < 0 || (size_t)n >= JOTA_HISTORY_LINE_MAX)
		return jota_fail(err, EOVERFLOW, "a line of the history");
	*ret_bytes = (size_t)n;
	return 0;
}

/* Two writers at once are rare and short; one that hangs must not keep the other from its work. */
static void lock_softly(int fd)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };

	for (unsigned i = 0; i < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB) < 0; i++)
		(void)nanosleep(&pause, NULL);
}

static int open_history(const struct jota_io *io, const char *path, struct stat *st,
			struct jota_err *err)
{
	CLEANUP_FD int fd =
		jota_io_open(io, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0644, err);

	if (fd < 0)
		return fd;
	lock_softly(fd);
	if (fstat(fd, st) < 0)
		return jota_fail(err, errno, "look at '%s'", path);
	if (!S_ISREG(st->st_mode))
		return jota_fail(err, EINVAL, "'%s' is no regular file.", path);
	return take_fd(&fd);
}

/* The line goes to the end; one that a power cut tore gets its end first, so that it spoils no other. */
static int append_line(const struct jota_io *io, int fd, uint64_t size_bytes, const char *line,
		       size_t bytes, struct jota_err *err)
{
	char last = '\n', text[JOTA_HISTORY_LINE_MAX + 1];
	size_t lead = 0;
	int r;

	if (size_bytes > 0 &&
	    jota_io_pread_all(fd, &last, 1, size_bytes - 1, JOTA_HISTORY_FILE, err) < 0)
		return -EIO;
	if (last != '\n')
		text[lead++] = '\n';
	memcpy(text + lead, line, bytes);
	r = jota_io_pwrite_all(io, fd, text, lead + bytes, size_bytes, JOTA_HISTORY_FILE, err);
	return r < 0 ? r : jota_io_sync(io, fd, JOTA_HISTORY_FILE, err);
}

static int rotate(const struct jota_io *io, const char *dir, const char *path, struct jota_err *err)
{
	char old[PATH_MAX], full[PATH_MAX] = "", old_full[PATH_MAX] = "";
	int r = path_in(dir, JOTA_HISTORY_OLD_FILE, old, err);

	if (r == 0)
		r = jota_io_path(io, path, full, sizeof(full), err);
	if (r == 0)
		r = jota_io_path(io, old, old_full, sizeof(old_full), err);
	if (r == 0 && rename(full, old_full) < 0)
		r = jota_fail(err, errno, "rename '%s'", full);
	return r;
}

int jota_history_add(const struct jota_io *io, const char *dir, const struct jota_event *event,
		     struct jota_err *err)
{
	char line[JOTA_HISTORY_LINE_MAX], path[PATH_MAX];
	struct stat st = { 0 };
	size_t bytes = 0;
	int r = format_line(event, line, &bytes, err);

	if (r == 0)
		r = path_in(dir, JOTA_HISTORY_FILE, path, err);
	if (r == 0)
		r = jota_io_make_dir(io, dir, err);
	if (r < 0)
		return r;
	CLEANUP_FD int fd = open_history(io, path, &st, err);
	if (fd < 0)
		return fd;
	r = append_line(io, fd, (uint64_t)st.st_size, line, bytes, err);
	if (r == 0 && (uint64_t)st.st_size + bytes >= JOTA_HISTORY_BYTES_MAX)
		r = rotate(io, dir, path, err);
	return r < 0 ? r : jota_io_sync_dir(io, dir, err);
}

static bool is_end(const char *line, size_t bytes, const char *member)
{
	static const char *const ends[] = { "\"event\":\"rolled-back\"", "\"event\":\"fallback\"" };

	if (!memmem(line, bytes, member, strlen(member)))
		return false;
	return memmem(line, bytes, ends[0], strlen(ends[0])) ||
	       memmem(line, bytes, ends[1], strlen(ends[1]));
}

/* A line without its end was torn: what it says does not count, it is noted again. */
static bool has_end(const char *text, size_t bytes, const char *member)
{
	const char *end;

	for (; (end = memchr(text, '\n', bytes)) != NULL; text = end + 1) {
		size_t len = (size_t)(end - text);

		if (is_end(text, len, member))
			return true;
		bytes -= len + 1;
	}
	return false;
}

int jota_history_has_end(const struct jota_io *io, const char *dir, const char *flip,
			 struct jota_err *err)
{
	static const char *const files[] = { JOTA_HISTORY_FILE, JOTA_HISTORY_OLD_FILE };
	char member[FLIP_BYTES];

	put_flip(member, flip);
	if (member[0] == '\0')
		return jota_fail(err, EINVAL, "the end of a trial without the boot_id of its flip.");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		CLEANUP_FREE char *text = NULL;
		char path[PATH_MAX];
		size_t bytes = 0;
		int r = path_in(dir, files[i], path, err);

		if (r == 0)
			r = jota_io_read_file(io, path, 2 * JOTA_HISTORY_BYTES_MAX, &text, &bytes,
					      err);
		if (r < 0 && r != -ENOENT)
			return r;
		if (r == 0 && has_end(text, bytes, member))
			return 1;
	}
	return 0;
}
