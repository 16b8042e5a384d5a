/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "attributes.h"
#include "blackbox.h"
#include "boot.h"
#include "health_tool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/number.h"
#include "update/history.h"

#define EVENT "\"event\":\""
#define HEALTH_REASON "health:"

static const char *const names[ATTRIBUTE_COUNT] = {
	[ATTRIBUTE_SLOT] = "jetson.slot",
	[ATTRIBUTE_LAST_RESULT] = "jetson.last_result",
	[ATTRIBUTE_REASON] = "jetson.reason",
	[ATTRIBUTE_BLACK_BOX] = "jetson.black_box",
};

void attribute_set(struct attribute *attribute, const char *text)
{
	size_t len = 0;

	for (; text && text[len] != '\0' && text[len] != '\n' && len < ATTRIBUTE_CHARS_MAX; len++) {
		attribute->value[len] = text[len];
		if (text[len] < ' ' || text[len] > '~' || text[len] == '"' || text[len] == '\'' ||
		    text[len] == '\\')
			attribute->value[len] = '?';
	}
	attribute->value[len] = '\0';
	if (len == 0)
		(void)snprintf(attribute->value, sizeof(attribute->value), ATTRIBUTE_NONE);
}

/* The beginning of a file of the data partition, which may be anything: a pipe, a link, endless. NULL: nothing; else heap. */
static char *read_beginning(const struct jota_io *io, const char *path, size_t max_bytes)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FD int fd = jota_io_open(io, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, NULL);
	struct stat st;
	size_t bytes = 0;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	text = malloc(max_bytes + 1);
	while (text && bytes < max_bytes) {
		ssize_t n = read(fd, text + bytes, max_bytes - bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		bytes += (size_t)n;
	}
	if (text)
		text[bytes] = '\0';
	return take_ptr(&text);
}

/* The last of the history's events that ended a trial: "success", "failure", or NULL. */
static const char *last_of_history(const struct jota_io *io, const char *dir)
{
	static const struct {
		const char *event, *result;
	} ends[] = {
		{ EVENT "confirmed\"", "success" },
		{ EVENT "rolled-back\"", "failure" },
		{ EVENT "fallback\"", "failure" },
	};
	CLEANUP_FREE char *text = NULL;
	const char *result = NULL, *last = NULL;
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/" JOTA_HISTORY_FILE, dir);

	if (n > 0 && n < PATH_MAX)
		text = read_beginning(io, path, 2 * JOTA_HISTORY_BYTES_MAX);
	if (!text)
		return NULL;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		for (const char *at = text; (at = strstr(at, ends[i].event)); at++)
			if (!last || at > last) {
				last = at;
				result = ends[i].result;
			}
	return result;
}

/* The boot state speaks first: it is what decides, and is there without a data partition. */
static const char *last_result(const struct jota_io *io, const struct boot *boot, const char *dir)
{
	const char *known;

	if (!boot->has_state)
		return "unknown";
	if (boot->reboot_pending || boot->state.record.ustate == JOTA_USTATE_INSTALLED)
		return "pending";
	if (boot->state.record.ustate == JOTA_USTATE_FAILED || boot->state.record.reason[0] != '\0')
		return "failure";
	if (boot->state.record.ustate == JOTA_USTATE_TESTING)
		return "success";
	known = last_of_history(io, dir);
	return known ? known : "none";
}

/* <dir>/failures/<highest>; false: there is none. */
static bool find_failure(const struct jota_io *io, const char *dir, char path[PATH_MAX])
{
	char full[PATH_MAX], box[PATH_MAX];
	uint64_t number, highest = 0;
	const struct dirent *entry;
	DIR *list = NULL;
	int n = snprintf(box, sizeof(box), "%s/" JOTA_FAILURES_DIR, dir);

	if (n > 0 && n < PATH_MAX && jota_io_path(io, box, full, sizeof(full), NULL) == 0)
		list = opendir(full);
	if (!list)
		return false;
	while ((entry = readdir(list)))
		if (jota_parse_u64("number", entry->d_name, 1, UINT_MAX, &number, NULL) == 0 &&
		    number > highest)
			highest = number;
	(void)closedir(list);
	n = snprintf(path, PATH_MAX, "%s/%u", box, (unsigned)highest);
	return highest > 0 && n > 0 && n < PATH_MAX;
}

/* The first line of what the dying kernel left. */
static void set_last_words(const struct jota_io *io, const char *box, struct attribute *attribute)
{
	CLEANUP_FREE char *text = NULL;
	char full[PATH_MAX], path[PATH_MAX];
	const struct dirent *entry;
	DIR *list;
	int n = -1;

	list = jota_io_path(io, box, full, sizeof(full), NULL) == 0 ? opendir(full) : NULL;
	if (!list)
		return;
	while (n < 0 && (entry = readdir(list)))
		if (strncmp(entry->d_name, "pstore-", 7) == 0)
			n = snprintf(path, sizeof(path), "%s/%s", box, entry->d_name);
	(void)closedir(list);
	if (n > 0 && n < PATH_MAX)
		text = read_beginning(io, path, ATTRIBUTE_CHARS_MAX);
	if (text)
		attribute_set(attribute, text);
}

/* What a person would look at first: the check's own words, else those of the kernel. */
static void set_black_box(const struct jota_io *io, const struct boot *boot, const char *dir,
			  struct attribute *attribute)
{
	CLEANUP_FREE struct jota_report *report = calloc(1, sizeof(*report));
	const struct jota_result *culprit = NULL;
	char box[PATH_MAX];

	if (report &&
	    strncmp(boot->state.record.reason, HEALTH_REASON, strlen(HEALTH_REASON)) == 0 &&
	    jota_report_load(io, dir, REPORT_FAILED, report, NULL) == 0)
		culprit = jota_report_culprit(report);
	if (culprit)
		attribute_set(attribute, culprit->message);
	else if (find_failure(io, dir, box))
		set_last_words(io, box, attribute);
}

void attributes_read(const struct jota_io *io, const struct boot *boot,
		     struct attribute ret[ATTRIBUTE_COUNT])
{
	const char *result;
	char dir[PATH_MAX];

	jota_history_dir(io, dir, sizeof(dir));
	for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
		ret[i].name = names[i];
		attribute_set(&ret[i], NULL);
	}
	attribute_set(&ret[ATTRIBUTE_SLOT], boot_slot(boot));
	result = last_result(io, boot, dir);
	attribute_set(&ret[ATTRIBUTE_LAST_RESULT], result);
	if (strcmp(result, "failure") != 0)
		return;
	attribute_set(&ret[ATTRIBUTE_REASON], boot->state.record.reason);
	set_black_box(io, boot, dir, &ret[ATTRIBUTE_BLACK_BOX]);
}
