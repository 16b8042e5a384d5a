/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "update/survey.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "slot/config.h"
#include "slot/policy.h"
#include "update/session.h"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_FILE_BYTES 64

static int read_boot_id(const struct jota_io *io, char ret_id[JOTA_BOOT_ID_BYTES],
			struct jota_err *err)
{
	CLEANUP_FREE char *text = NULL;
	size_t len_bytes;
	int rc;

	rc = jota_io_read_file(io, BOOT_ID_PATH, BOOT_ID_FILE_BYTES, &text, NULL, err);
	if (rc < 0)
		return rc;
	len_bytes = strcspn(text, "\n");
	text[len_bytes] = '\0';
	for (size_t i = 0; i < len_bytes; i++) {
		if (!isxdigit((unsigned char)text[i]) && text[i] != '-')
			len_bytes = 0;
	}
	if (len_bytes != JOTA_BOOT_ID_BYTES - 1)
		return jota_fail(
			err, EBADMSG,
			"'%s' does not hold a boot id (36 characters, hexadecimal and '-').",
			BOOT_ID_PATH);
	memcpy(ret_id, text, JOTA_BOOT_ID_BYTES);
	return 0;
}

static int read_all(struct jota_survey *d, struct jota_err *err)
{
	int rc;

	rc = jota_blockdevs_read(d->io, &d->devs, err);
	if (rc < 0)
		return rc;
	rc = jota_evidence_read(d->io, d->config->layout, &d->devs, &d->evidence, err);
	if (rc < 0)
		return rc;
	rc = jota_backend_open(d->io, d->config, &d->backend, err);
	if (rc < 0)
		return rc;
	rc = jota_backend_load(d->backend, &d->state, err);
	if (rc < 0)
		return rc;
	return read_boot_id(d->io, d->boot_id, err);
}

int jota_survey_init(struct jota_survey *d, const struct jota_io *io,
		     const struct jota_config *config, const char *holder, struct jota_err *err)
{
	int rc;

	*d = (struct jota_survey){ .io = io, .config = config, .lock_fd = -1 };
	rc = jota_io_lock(io, JOTA_SESSION_LOCK, holder, 0, err);
	if (rc < 0)
		return rc;
	d->lock_fd = rc;
	rc = read_all(d, err);
	if (rc < 0) {
		jota_survey_done(d);
		return rc;
	}
	return 0;
}

void jota_survey_done(struct jota_survey *d)
{
	if (d->lock_fd < 0)
		return;
	jota_backend_free(d->backend);
	d->backend = NULL;
	jota_blockdevs_done(&d->devs);
	jota_io_unlock(take_fd(&d->lock_fd));
}

int jota_survey_refresh(struct jota_survey *d, struct jota_err *err)
{
	struct jota_blockdevs fresh = { 0 };
	int rc = jota_blockdevs_read(d->io, &fresh, err);

	if (rc < 0)
		return rc;
	jota_blockdevs_done(&d->devs);
	d->devs = fresh;
	return 0;
}

int jota_survey_preflight(struct jota_survey *d, struct jota_err *err)
{
	struct jota_problems problems = { 0 };

	jota_backend_check(d->backend, &d->devs, &problems);
	for (size_t i = 0; i < problems.count; i++) {
		const char *text = problems.problem[i].text;
		size_t len_bytes = strlen(text);

		if (!problems.problem[i].blocks_update)
			continue;
		/* The full stop must stand in the format: else an errno's text is appended. */
		if (len_bytes && text[len_bytes - 1] == '.')
			len_bytes--;
		return jota_fail(err, EPERM, "%.*s.", (int)len_bytes, text);
	}
	return 0;
}

int jota_survey_store(struct jota_survey *d, int verdict, const struct jota_boot_state *want,
		      const struct jota_change *change, size_t change_count, struct jota_err *err)
{
	int rc;

	if (verdict != JOTA_CHANGE) {
		if (change_count == 0)
			return 0;
		/* Not the settled form: a factory device must not get a state for a foreign variable. */
		want = &d->state;
	}
	rc = jota_backend_store(d->backend, &d->state, want, change, change_count, err);
	if (rc < 0)
		return rc;
	if (want != &d->state)
		d->state = *want;
	return 0;
}

int jota_marker_set(const struct jota_io *io, enum jota_slot next, struct jota_err *err)
{
	const char text[2] = { jota_slot_name(next)[0], '\n' };
	CLEANUP_FD int fd = -1;

	fd = jota_io_open(io, JOTA_REBOOT_PENDING, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644,
			  err);
	if (fd < 0)
		return fd;
	return jota_io_pwrite_all(io, fd, text, sizeof(text), 0, JOTA_REBOOT_PENDING, err);
}

int jota_marker_clear(const struct jota_io *io, struct jota_err *err)
{
	char path[PATH_MAX];
	int rc;

	rc = jota_io_path(io, JOTA_REBOOT_PENDING, path, sizeof(path), err);
	if (rc < 0)
		return rc;
	if (unlink(path) < 0 && errno != ENOENT)
		return jota_fail(err, errno, "remove '%s'", JOTA_REBOOT_PENDING);
	return 0;
}
