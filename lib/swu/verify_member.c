/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* One member of a .swu, read once: checksum, hash, and what its content turns out to be. */
#include "swu/verify_member.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "swu/lint.h"
#include "write/bootimg.h"

#include <openssl/evp.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (256u * 1024u)
#define PROGRESS_BYTES (UINT64_C(8) << 20)

/* The content of one member as it comes out of the decoder. */
struct content {
	const struct jota_swu_entry *entry;
	uint64_t want_bytes; /* 0: nobody said */
	uint64_t have_bytes;
	bool is_boot_image;
	size_t prefix_want_bytes, prefix_bytes;
	uint8_t *prefix;
	struct jota_bootimg_check *check;
};

static void content_done(struct content *c)
{
	free(c->prefix);
	jota_bootimg_check_free(c->check);
}

/* The header of a boot image is judged as the handler does: whole or not at all. */
static int judge_header(struct content *c, struct jota_err *err)
{
	struct jota_bootimg header;
	int rc = jota_bootimg_parse(c->prefix, c->prefix_bytes, c->want_bytes, &header, err);

	if (!rc)
		rc = jota_bootimg_check_open(&header, &c->check, err);
	if (!rc)
		jota_bootimg_check_feed(c->check, c->prefix, c->prefix_bytes);
	return rc;
}

static int take_content(void *ctx, const uint8_t *data, size_t len_bytes, struct jota_err *err)
{
	struct content *c = ctx;
	size_t missing = c->prefix_want_bytes - c->prefix_bytes;
	size_t take = len_bytes < missing ? len_bytes : missing;
	int rc = 0;

	c->have_bytes += len_bytes;
	if (c->want_bytes > 0 && c->have_bytes > c->want_bytes)
		return jota_fail(err, EBADMSG,
				 "its content is larger than the %" PRIu64
				 " bytes that properties say.",
				 c->want_bytes);
	if (!c->is_boot_image)
		return 0;
	if (take > 0) {
		memcpy(c->prefix + c->prefix_bytes, data, take);
		c->prefix_bytes += take;
		if (c->prefix_bytes == c->prefix_want_bytes)
			rc = judge_header(c, err);
	}
	if (!rc && c->check)
		jota_bootimg_check_feed(c->check, data + take, len_bytes - take);
	return rc;
}

static int end_content(struct content *c, struct jota_err *err)
{
	if (c->want_bytes > 0 && c->have_bytes != c->want_bytes)
		return jota_fail(err, EBADMSG,
				 "its content has %" PRIu64 " bytes, properties say %" PRIu64 ".",
				 c->have_bytes, c->want_bytes);
	return c->check ? jota_bootimg_check_finish(c->check, err) : 0;
}

static int compression_of(const struct jota_swu_entry *e, enum jota_compression *ret)
{
	*ret = JOTA_COMPRESSION_NONE;
	if (!e->compressed)
		return 0;
	if (strcmp(e->compressed, "zlib") == 0 || strcmp(e->compressed, "true") == 0)
		*ret = JOTA_COMPRESSION_ZLIB;
	else if (strcmp(e->compressed, "zstd") == 0)
		*ret = JOTA_COMPRESSION_ZSTD;
	else if (strcmp(e->compressed, "xz") == 0)
		*ret = JOTA_COMPRESSION_XZ;
	else
		return -EINVAL;
	return 0;
}

/* 1: content comes, 0: it cannot be looked at, which is said where it is not already. */
static int open_content(struct jota_swu_verifier *v, const struct jota_swu_member *m,
			struct content *c, struct jota_swu_decoder **ret, struct jota_err *err)
{
	const struct jota_swu_entry *e = c->entry;
	enum jota_compression compression;
	int rc;

	if (compression_of(e, &compression) < 0)
		return 0;
	if (e->encrypted && !v->key)
		return JOTA_SWU_SAY(
			v, false, e->line, "content-unchecked", err,
			"'%.80s' is encrypted and no key was given: size and content are "
			"not checked.",
			m->name);
	(void)jota_swu_entry_size(e, &c->want_bytes, NULL);
	if (!e->compressed && !e->encrypted)
		c->want_bytes = m->size_bytes;
	c->is_boot_image = strcmp(jota_swu_entry_type(e), "jetson-bootimg") == 0 &&
			   c->want_bytes > 0 && !jota_swu_property_get(e, "part");
	if (c->is_boot_image) {
		c->prefix_want_bytes = c->want_bytes < JOTA_BOOTIMG_PREFIX_BYTES ?
					       (size_t)c->want_bytes :
					       JOTA_BOOTIMG_PREFIX_BYTES;
		c->prefix = malloc(c->prefix_want_bytes);
		if (!c->prefix)
			return jota_fail(err, ENOMEM, "hold the header of '%s'", m->name);
	}
	rc = jota_swu_decoder_open(compression, e->encrypted ? v->key : NULL, e->ivt, take_content,
				   c, ret, err);
	return rc < 0 ? rc : 1;
}

static void show(struct jota_swu_verifier *v, const char *member, size_t len_bytes)
{
	uint64_t before = v->done_bytes / PROGRESS_BYTES;

	v->done_bytes += len_bytes;
	if (v->options->progress && v->done_bytes / PROGRESS_BYTES != before)
		v->options->progress(v->options->progress_ctx, member, v->done_bytes,
				     v->report->file_bytes);
}

/* A failure of the content is about the file, not about us. */
static int say_content(struct jota_swu_verifier *v, const struct jota_swu_member *m,
		       const struct content *c, int rc, const struct jota_err *why,
		       struct jota_err *err)
{
	if (rc == -ENOMEM) {
		*err = *why;
		return rc;
	}
	if (rc == -EFBIG)
		return JOTA_SWU_SAY(v, false, c->entry->line, "content-unchecked", err,
				    "'%.80s': %.160s Size and content are not checked.", m->name,
				    why->msg);
	return JOTA_SWU_SAY(v, true, c->entry->line, "bad-content", err, "'%.80s': %.220s", m->name,
			    why->msg);
}

/* Read a member to its end, whatever becomes of its content: its hash counts all the same. */
static int stream(struct jota_swu_verifier *v, const struct jota_swu_member *m, EVP_MD_CTX *md,
		  struct content *c, struct jota_swu_decoder *decoder, uint32_t *ret_check,
		  bool *ret_whole, struct jota_err *err)
{
	CLEANUP_FREE uint8_t *block = malloc(CHUNK_BYTES);
	struct jota_err why = { 0 };
	uint32_t check = 0;
	uint64_t done = 0;
	int bad = decoder ? 0 : 1;

	if (!block)
		return jota_fail(err, ENOMEM, "read '%s'", m->name);
	while (done < m->size_bytes) {
		size_t len = m->size_bytes - done < CHUNK_BYTES ? (size_t)(m->size_bytes - done) :
								  CHUNK_BYTES;
		int rc = jota_io_pread_all(v->fd, block, len, m->data_offset_bytes + done, v->path,
					   err);

		if (rc < 0)
			return rc;
		check = jota_swu_check_add(check, block, len);
		if (EVP_DigestUpdate(md, block, len) != 1)
			return jota_fail(err, EIO, "the hash of '%s' cannot be computed", m->name);
		if (!bad)
			bad = jota_swu_decoder_feed(decoder, block, len, &why);
		done += len;
		show(v, m->name, len);
	}
	if (!bad)
		bad = jota_swu_decoder_finish(decoder, &why);
	if (!bad)
		bad = end_content(c, &why);
	*ret_check = check;
	*ret_whole = bad == 0;
	return bad < 0 ? say_content(v, m, c, bad, &why, err) : 0;
}

static void to_hex(const uint8_t hash[32], char text[65])
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < 32; i++) {
		text[2 * i] = digit[hash[i] >> 4];
		text[2 * i + 1] = digit[hash[i] & 15];
	}
	text[64] = '\0';
}

/* What every entry says about the member; one of them was decoded for all. */
static int compare_entries(struct jota_swu_verifier *v, const struct jota_swu_member *m,
			   const struct jota_swu_checked *checked, struct jota_err *err)
{
	const struct jota_swu_description *d = &v->report->description;
	const struct jota_swu_entry *first = checked->entry;
	int rc = 0;

	for (size_t i = 0; !rc && i < d->entry_count; i++) {
		const struct jota_swu_entry *e = &d->entry[i];
		uint8_t want[32];
		char text[65];

		if (!e->filename || strcmp(e->filename, m->name) != 0)
			continue;
		to_hex(checked->sha256, text);
		if (e->sha256 && jota_swu_hash_parse(e->sha256, want) &&
		    memcmp(want, checked->sha256, sizeof(want)) != 0)
			rc = JOTA_SWU_SAY(v, true, e->line, "hash-differs", err,
					  "'%.80s' has the hash %s, sw-description says %.64s.",
					  m->name, text, e->sha256);
		if (!rc && e != first &&
		    (e->encrypted != first->encrypted ||
		     strcmp(e->compressed ? e->compressed : "",
			    first->compressed ? first->compressed : "") != 0 ||
		     strcmp(e->ivt ? e->ivt : "", first->ivt ? first->ivt : "") != 0))
			rc = JOTA_SWU_SAY(
				v, true, e->line, "entries-differ", err,
				"'%.80s' has two entries that disagree about compression or "
				"encryption.",
				m->name);
	}
	return rc;
}

static int check_sums(struct jota_swu_verifier *v, const struct jota_swu_member *m, uint32_t check,
		      struct jota_err *err)
{
	if (!m->has_check)
		return JOTA_SWU_SAY(
			v, false, 0, "no-checksum", err,
			"'%.80s' has no checksum in the archive (format newc instead of crc).",
			m->name);
	if (check == m->check)
		return 0;
	return JOTA_SWU_SAY(v, true, 0, "checksum-differs", err,
			    "'%.80s' has the checksum %08" PRIx32 ", its header says %08" PRIx32
			    ": damaged on the way.",
			    m->name, check, m->check);
}

static int check_listed(struct jota_swu_verifier *v, const struct jota_swu_member *m,
			const struct jota_swu_entry *e, struct jota_err *err)
{
	enum jota_role role;

	if (!e)
		return JOTA_SWU_SAY(
			v, true, 0, "unlisted-member", err,
			"'%.80s' is in the archive but sw-description does not name it, so "
			"nobody signed it.",
			m->name);
	if (m->size_bytes > 0 || jota_swu_entry_role(e, &role) < 0)
		return 0;
	return JOTA_SWU_SAY(v, true, e->line, "empty-member", err, "'%.80s' is empty.", m->name);
}

static const struct jota_swu_entry *find_entry(const struct jota_swu_description *d,
					       const char *name)
{
	for (size_t i = 0; i < d->entry_count; i++)
		if (d->entry[i].filename && strcmp(d->entry[i].filename, name) == 0)
			return &d->entry[i];
	return NULL;
}

static int check_streamed(struct jota_swu_verifier *v, const struct jota_swu_member *m,
			  EVP_MD_CTX *md, struct jota_swu_checked *checked, struct jota_err *err)
{
	struct jota_swu_decoder *decoder = NULL;
	struct content content = { .entry = checked->entry };
	bool whole = false;
	uint32_t check = 0;
	int rc = 0;

	if (checked->entry)
		rc = open_content(v, m, &content, &decoder, err);
	if (rc >= 0)
		rc = stream(v, m, md, &content, decoder, &check, &whole, err);
	if (!rc && EVP_DigestFinal_ex(md, checked->sha256, NULL) != 1)
		rc = jota_fail(err, EIO, "the hash of '%s' cannot be computed", m->name);
	if (!rc)
		rc = check_sums(v, m, check, err);
	checked->content_known = whole;
	checked->content_bytes = whole ? content.have_bytes : 0;
	jota_swu_decoder_free(decoder);
	content_done(&content);
	return rc;
}

int jota_swu_member_check(struct jota_swu_verifier *v, size_t index, struct jota_err *err)
{
	const struct jota_swu_member *m = &v->report->index.member[index];
	struct jota_swu_checked *checked = &v->report->checked[index];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ours = strcmp(m->name, JOTA_SWU_DESCRIPTION) == 0 ||
		    strcmp(m->name, JOTA_SWU_SIGNATURE) == 0;
	int rc;

	if (!md || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1) {
		EVP_MD_CTX_free(md);
		return jota_fail(err, ENOMEM, "compute the hash of '%s'", m->name);
	}
	checked->entry = ours ? NULL : find_entry(&v->report->description, m->name);
	rc = ours ? 0 : check_listed(v, m, checked->entry, err);
	if (!rc)
		rc = check_streamed(v, m, md, checked, err);
	if (!rc && checked->entry)
		rc = compare_entries(v, m, checked, err);
	EVP_MD_CTX_free(md);
	return rc;
}
