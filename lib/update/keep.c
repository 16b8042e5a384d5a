/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* A role that an update does not bring: the running slot's partition, copied whole to the target. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "update/session_state.h"
#include "write/target.h"

/* Two passes over the same bytes, copy and read-back, shown as one way. */
struct keep_progress {
	jota_progress_fn fn;
	void *ctx;
	uint64_t size_bytes;
	bool copied;
};

static void show_keep(void *ctx, uint64_t done_bytes, uint64_t total_bytes)
{
	const struct keep_progress *p = ctx;

	(void)total_bytes;
	if (p->fn)
		p->fn(p->ctx, done_bytes / 2 + (p->copied ? p->size_bytes / 2 : 0), p->size_bytes);
}

static int copy_partition(int fd, const struct jota_target *source, struct jota_writer *w,
			  struct keep_progress *progress, struct jota_err *err)
{
	CLEANUP_FREE uint8_t *block = malloc(JOTA_WRITER_BLOCK_BYTES);
	uint64_t done_bytes = 0;

	if (!block)
		return jota_fail(err, ENOMEM, "keep partition '%s'", source->label);
	while (done_bytes < source->capacity_bytes) {
		uint64_t left_bytes = source->capacity_bytes - done_bytes;
		size_t len_bytes = JOTA_WRITER_BLOCK_BYTES;
		int rc;

		if (left_bytes < len_bytes)
			len_bytes = (size_t)left_bytes;
		rc = jota_io_pread_all(fd, block, len_bytes, done_bytes, source->path, err);
		if (rc < 0)
			return rc;
		rc = jota_writer_push(w, block, len_bytes, err);
		if (rc < 0)
			return rc;
		done_bytes += len_bytes;
		show_keep(progress, done_bytes, source->capacity_bytes);
	}
	progress->copied = true;
	return 0;
}

/** A mounted file system changes while it is copied, even one mounted read-only replays its journal. */
static int check_at_rest(const struct jota_session *s, const struct jota_target *source,
			 struct jota_err *err)
{
	const char *name = strrchr(source->path, '/');
	const struct jota_partition *partition;

	partition = jota_blockdevs_find(&s->survey.devs, name ? name + 1 : source->path);
	if (!partition || (!partition->mounted && !partition->held))
		return 0;
	return jota_fail(
		err, EBUSY,
		"keep = \"%s\": partition '%s' (%s) is in use and cannot be copied; bring the image in the update.",
		jota_role_name(source->role), source->label, source->path);
}

static int locate_source(struct jota_session *s, enum jota_role role, struct jota_target *ret,
			 struct jota_err *err)
{
	int rc = jota_survey_refresh(&s->survey, err);

	if (rc < 0)
		return rc;
	rc = jota_target_locate(&s->io, &s->config, &s->survey.devs, &s->survey.evidence, role,
				s->survey.evidence.running, ret, err);
	return rc < 0 ? rc : check_at_rest(s, ret, err);
}

static int copy_role(struct jota_session *s, const struct jota_target *source,
		     const struct jota_target *target, struct keep_progress *progress,
		     struct jota_err *err)
{
	CLEANUP_FD int fd = -1;
	int rc;

	fd = jota_io_open(&s->io, source->path, O_RDONLY, 0, err);
	if (fd < 0)
		return fd;
	rc = jota_writer_open(&s->io, target, source->capacity_bytes, &s->writer, err);
	if (rc < 0)
		return rc;
	rc = copy_partition(fd, source, s->writer, progress, err);
	if (rc < 0)
		return rc;
	return jota_writer_finish(s->writer, show_keep, progress, &(struct jota_write_report){ 0 },
				  err);
}

static int keep_role(struct jota_session *s, enum jota_role role, jota_progress_fn progress,
		     void *progress_ctx, struct jota_err *err)
{
	struct keep_progress shown = { .fn = progress, .ctx = progress_ctx };
	struct jota_target source, target;
	char what[64];
	int rc;

	(void)snprintf(what, sizeof(what), "keep = \"%s\"", jota_role_name(role));
	rc = jota_session_check_turn(s, role, what, err);
	if (rc < 0)
		return rc;
	if (s->phase == SESSION_NEW)
		return jota_fail(err, EPROTO,
				 "%s: no image was written before; an update brings at least one.",
				 what);
	rc = locate_source(s, role, &source, err);
	if (rc < 0)
		return rc;
	rc = jota_session_resolve(s, role, what, source.capacity_bytes, &target, err);
	if (rc < 0)
		return rc;
	shown.size_bytes = source.capacity_bytes;
	rc = copy_role(s, &source, &target, &shown, err);
	if (rc < 0)
		(void)jota_wrap(err, "%s: ", what);
	return rc;
}

int jota_session_keep(struct jota_session *s, enum jota_role role, jota_progress_fn progress,
		      void *progress_ctx, struct jota_err *err)
{
	int rc = keep_role(s, role, progress, progress_ctx, err);

	if (rc < 0)
		return jota_session_begun(s) ? jota_session_die(s, rc) : rc;
	jota_writer_free(take_ptr(&s->writer));
	s->role[role].state = ROLE_KEPT;
	return 0;
}
