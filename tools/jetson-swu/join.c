/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "join.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "show.h"
#include "swu/decoder.h"
#include "swu/lint.h"

#define CHUNK_BYTES (256u * 1024u)

/* The file being written, and the end of what the part may fill. */
struct joined {
	const struct swu_file *swu;
	const char *path, *out;
	const struct jota_swu_aes_key *key;
	struct jota_io io;
	int fd;
	uint64_t at_bytes, limit_bytes;
};

static int take_content(void *ctx, const uint8_t *data, size_t len_bytes, struct jota_err *err)
{
	struct joined *j = ctx;
	int rc;

	if (j->limit_bytes > 0 && len_bytes > j->limit_bytes - j->at_bytes)
		return jota_fail(err, EBADMSG, "its content goes beyond the total of %" PRIu64 ".",
				 j->limit_bytes);
	rc = jota_io_pwrite_all(&j->io, j->fd, data, len_bytes, j->at_bytes, j->out, err);
	j->at_bytes += len_bytes;
	return rc;
}

static int find_compression(const struct jota_swu_entry *e, enum jota_compression *ret,
			    struct jota_err *err)
{
	*ret = JOTA_COMPRESSION_NONE;
	if (!e->compressed)
		return 0;
	*ret = strcmp(e->compressed, "true") == 0 ? JOTA_COMPRESSION_ZLIB : JOTA_COMPRESSION_NONE;
	for (int c = JOTA_COMPRESSION_ZLIB; c < JOTA_COMPRESSION_COUNT; c++)
		if (strcmp(e->compressed, jota_compression_name((enum jota_compression)c)) == 0)
			*ret = (enum jota_compression)c;
	if (*ret != JOTA_COMPRESSION_NONE)
		return 0;
	return jota_fail(err, EBADMSG, "its compression '%.40s' is not known.", e->compressed);
}

static int feed_member(const struct joined *j, const struct jota_swu_member *m,
		       struct jota_swu_decoder *decoder, struct jota_err *err)
{
	CLEANUP_FREE uint8_t *block = malloc(CHUNK_BYTES);
	int rc = block ? 0 : jota_fail(err, ENOMEM, "read '%s'", m->name);

	for (uint64_t done = 0; rc == 0 && done < m->size_bytes; done += CHUNK_BYTES) {
		uint64_t left = m->size_bytes - done;
		size_t len = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;

		rc = jota_io_pread_all(j->swu->fd, block, len, m->data_offset_bytes + done, j->path,
				       err);
		if (rc == 0)
			rc = jota_swu_decoder_feed(decoder, block, len, err);
	}
	return rc < 0 ? rc : jota_swu_decoder_finish(decoder, err);
}

static int add_entry(struct joined *j, const struct jota_swu_entry *e, struct jota_err *err)
{
	const struct jota_swu_member *m =
		e->filename ? jota_swu_index_find(&j->swu->index, e->filename) : NULL;
	struct jota_swu_decoder *decoder = NULL;
	enum jota_compression compression;
	int rc;

	if (!m)
		return jota_fail(err, ENOENT, "it is not in the archive.");
	if (e->encrypted && !j->key)
		return jota_fail(err, EINVAL, "it is encrypted; give the key with -K.");
	rc = find_compression(e, &compression, err);
	if (rc == 0)
		rc = jota_swu_decoder_open(compression, e->encrypted ? j->key : NULL, e->ivt,
					   take_content, j, &decoder, err);
	if (rc == 0)
		rc = feed_member(j, m, decoder, err);
	jota_swu_decoder_free(decoder);
	return rc;
}

static const struct jota_swu_entry *find_part(const struct jota_swu_description *d,
					      const struct jota_swu_view *view, uint64_t number,
					      struct jota_part *ret)
{
	for (size_t i = 0; i < view->entry_count; i++) {
		const struct jota_swu_entry *e = &d->entry[view->entry[i]];
		enum jota_role role;
		int rc;

		if (jota_swu_entry_role(e, &role) < 0 || role != JOTA_ROLE_ROOTFS)
			continue;
		rc = jota_swu_entry_part(e, ret, NULL);
		if (rc >= 0 && (rc == 0 ? number == 1 : ret->number == number))
			return e;
	}
	return NULL;
}

static int join_view(struct joined *j, const struct jota_swu_view *view, struct jota_err *err)
{
	const struct jota_swu_description *d = &j->swu->description;
	struct jota_part part = { 0 };
	const struct jota_swu_entry *e;
	uint64_t number = 0;

	while ((e = find_part(d, view, ++number, &part))) {
		int rc;

		if (number == 1)
			j->limit_bytes = part.total_bytes;
		if (part.offset_bytes != j->at_bytes || part.total_bytes != j->limit_bytes)
			rc = jota_fail(err, EBADMSG,
				       "it begins at %" PRIu64 " of %" PRIu64 ", the parts before "
				       "it end at %" PRIu64 " of %" PRIu64 ".",
				       part.offset_bytes, part.total_bytes, j->at_bytes,
				       j->limit_bytes);
		else
			rc = add_entry(j, e, err);
		if (rc < 0)
			return jota_wrap(err, "'%.100s': ", ESCAPED(e->filename ? e->filename : ""));
		if (part.number == 0)
			return 0;
	}
	if (number == 1 || j->at_bytes == j->limit_bytes)
		return number > 1;
	return jota_fail(err, EBADMSG,
			 "'%s': part %" PRIu64 " of the rootfs is missing, which begins at %" PRIu64
			 " of %" PRIu64 ".",
			 j->path, number, j->at_bytes, j->limit_bytes);
}

/* Boards have the same root filesystem, or each its own: then the first one is meant. */
static int join_first(struct joined *j, struct jota_err *err)
{
	const struct jota_swu_description *d = &j->swu->description;

	for (size_t i = 0; i < d->view_count; i++) {
		struct jota_part part;

		if (find_part(d, &d->view[i], 1, &part)) {
			int rc = join_view(j, &d->view[i], err);

			return rc < 0 ? rc : 0;
		}
	}
	return jota_fail(err, ENOENT, "'%s' brings no rootfs, or not its first part.", j->path);
}

int join_rootfs(const struct swu_file *swu, const char *path, const char *key, const char *out,
		struct jota_err *err)
{
	struct joined j = { .swu = swu, .path = path, .out = out };
	struct jota_swu_aes_key aes = { 0 };
	int rc = jota_io_init(&j.io, "/", err);

	if (rc == 0 && key)
		rc = jota_swu_aes_key_read(key, &aes, err);
	if (rc < 0)
		return rc;
	j.key = key ? &aes : NULL;
	j.fd = open(out, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (j.fd < 0)
		rc = jota_fail(err, errno, "create '%s'", out);
	else
		rc = join_first(&j, err);
	explicit_bzero(&aes, sizeof(aes));
	if (j.fd < 0)
		return rc;
	if (close(j.fd) < 0 && rc == 0)
		rc = jota_fail(err, errno, "write '%s'", out);
	if (rc < 0)
		(void)unlink(out);
	return rc;
}
