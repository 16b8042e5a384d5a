/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/payload_source.h"

#include "base/err.h"
#include "swu/payload.h"
#include "write/bootimg.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct jota_source {
	const struct jota_payload *p;
	uint64_t at_bytes; /* from in_offset_bytes */
	struct stat before;
	struct jota_bootimg_check *check;
};

int jota_source_open(const struct jota_payload *p, struct jota_source **ret, struct jota_err *err)
{
	struct jota_source *s = calloc(1, sizeof(*s));

	if (!s)
		return jota_fail(err, ENOMEM, "read '%s'", p->path);
	s->p = p;
	if (p->in_seen) {
		s->before = *p->in_seen;
	} else if (fstat(p->in_fd, &s->before) < 0) {
		int rc = jota_fail(err, errno, "look at '%s'", p->path);

		free(s);
		return rc;
	}
	/* Advice only. */
	(void)posix_fadvise(p->in_fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	*ret = s;
	return 0;
}

void jota_source_free(struct jota_source *s)
{
	if (!s)
		return;
	jota_bootimg_check_free(s->check);
	free(s);
}

static int fail_changed(const struct jota_source *s, const char *how, struct jota_err *err)
{
	return jota_fail(err, ESTALE,
			 "'%s' %s while it was read; nothing is built from a file in motion.",
			 s->p->path, how);
}

static int check_unchanged(const struct jota_source *s, struct jota_err *err)
{
	struct stat after;

	if (fstat(s->p->in_fd, &after) < 0)
		return jota_fail(err, errno, "look at '%s'", s->p->path);
	if (after.st_size != s->before.st_size)
		return fail_changed(s, "changed its size", err);
	if (after.st_mtim.tv_sec != s->before.st_mtim.tv_sec ||
	    after.st_mtim.tv_nsec != s->before.st_mtim.tv_nsec)
		return fail_changed(s, "was written", err);
	return 0;
}

/* The first block holds all of the header: it is far larger than that. */
static int check_boot_image(struct jota_source *s, const uint8_t *data, size_t len_bytes,
			    struct jota_err *err)
{
	struct jota_bootimg hdr;
	size_t prefix = len_bytes < JOTA_BOOTIMG_PREFIX_BYTES ? len_bytes :
								JOTA_BOOTIMG_PREFIX_BYTES;
	int rc = 0;

	if (!s->p->is_boot_image)
		return 0;
	if (!s->check) {
		rc = jota_bootimg_parse(data, prefix, s->p->in_bytes, &hdr, err);
		if (rc == 0)
			rc = jota_bootimg_check_open(&hdr, &s->check, err);
	}
	if (rc < 0)
		return jota_wrap(err, "'%s': ", s->p->path);
	jota_bootimg_check_feed(s->check, data, len_bytes);
	return 0;
}

static int end_source(struct jota_source *s, struct jota_err *err)
{
	int rc = check_unchanged(s, err);

	if (rc == 0 && s->check) {
		rc = jota_bootimg_check_finish(s->check, err);
		if (rc < 0)
			rc = jota_wrap(err, "'%s': ", s->p->path);
	}
	return rc;
}

/* As much as fits, so that every block but the last is full. */
static int read_full(const struct jota_source *s, uint8_t *data, size_t want_bytes,
		     struct jota_err *err)
{
	size_t used = 0;

	while (used < want_bytes) {
		ssize_t n = pread(s->p->in_fd, data + used, want_bytes - used,
				  (off_t)(s->p->in_offset_bytes + s->at_bytes + used));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return jota_fail(err, errno, "read '%s' at %" PRIu64, s->p->path,
					 s->p->in_offset_bytes + s->at_bytes + used);
		if (n == 0)
			return fail_changed(s, "became shorter", err);
		used += (size_t)n;
	}
	return 0;
}

int jota_source_read(struct jota_source *s, uint8_t *data, size_t room_bytes, size_t *ret_bytes,
		     struct jota_err *err)
{
	uint64_t left = s->p->in_bytes - s->at_bytes;
	size_t want = left < room_bytes ? (size_t)left : room_bytes;
	int rc;

	*ret_bytes = 0;
	if (want == 0)
		return end_source(s, err);
	rc = read_full(s, data, want, err);
	if (rc == 0)
		rc = check_boot_image(s, data, want, err);
	if (rc < 0)
		return rc;
	s->at_bytes += want;
	*ret_bytes = want;
	return 0;
}
