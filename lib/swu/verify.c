/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/verify.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "swu/lint.h"
#include "swu/verify_member.h"

#include <openssl/crypto.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SIGNATURE_BYTES_MAX (256u * 1024u)

int jota_swu_member_read(int fd, const char *path, const struct jota_swu_member *member,
			 size_t max_bytes, char **ret, struct jota_err *err)
{
	CLEANUP_FREE char *text = NULL;
	uint32_t check;
	int rc;

	if (member->size_bytes > max_bytes)
		return jota_fail(err, EBADMSG,
				 "'%s': %s has %" PRIu32 " bytes, at most %zu are taken.", path,
				 member->name, member->size_bytes, max_bytes);
	text = malloc((size_t)member->size_bytes + 1);
	if (!text)
		return jota_fail(err, ENOMEM, "read %s", member->name);
	rc = jota_io_pread_all(fd, text, member->size_bytes, member->data_offset_bytes, path, err);
	if (rc < 0)
		return rc;
	text[member->size_bytes] = '\0';
	check = jota_swu_check_add(0, text, member->size_bytes);
	if (member->has_check && check != member->check)
		return jota_fail(err, EBADMSG,
				 "'%s': %s has the checksum %08" PRIx32
				 ", its header says %08" PRIx32 ": damaged on the way.",
				 path, member->name, check, member->check);
	*ret = take_ptr(&text);
	return 0;
}

/* What the file says wrongly becomes a finding, what keeps us from reading it a failure. */
static int say_malformed(struct jota_swu_verifier *v, int rc, const char *code,
			 const struct jota_err *why, struct jota_err *err)
{
	if (rc == -EBADMSG)
		return JOTA_SWU_SAY(v, true, 0, code, err, "%.300s", why->msg);
	if (rc < 0 && err)
		*err = *why;
	return rc;
}

static int read_signature(struct jota_swu_verifier *v, char **ret, size_t *ret_bytes,
			  struct jota_err *err)
{
	const struct jota_swu_index *index = &v->report->index;
	const struct jota_swu_member *m = jota_swu_index_find(index, JOTA_SWU_SIGNATURE);
	struct jota_err why = { 0 };
	int rc;

	if (!m)
		return JOTA_SWU_SAY(v, v->options->trust != NULL, 0, "missing-signature", err,
				    "there is no " JOTA_SWU_SIGNATURE " in the archive.");
	if (m != &index->member[1])
		return JOTA_SWU_SAY(v, true, 0, "signature-place", err,
				    JOTA_SWU_SIGNATURE
				    " is not the second member; SWUpdate looks for "
				    "it there only.");
	rc = jota_swu_member_read(v->fd, v->path, m, SIGNATURE_BYTES_MAX, ret, &why);
	*ret_bytes = m->size_bytes;
	return say_malformed(v, rc, "signature-form", &why, err);
}

/* 1: the text may be believed, as far as was asked for. */
static int check_signature(struct jota_swu_verifier *v, const char *text, size_t text_bytes,
			   struct jota_err *err)
{
	struct jota_swu_report *r = v->report;
	CLEANUP_FREE char *signature = NULL;
	size_t signature_bytes = 0, before = jota_swu_findings_fatal(&r->findings);
	int rc = read_signature(v, &signature, &signature_bytes, err);

	if (!rc && signature && v->options->trust)
		rc = jota_swu_signature_check(v->options->trust, text, text_bytes, signature,
					      signature_bytes, &r->findings, r->signer,
					      &r->signer_count, err);
	if (!rc && signature && !v->options->trust)
		rc = JOTA_SWU_SAY(v, false, 0, "signature-unchecked", err,
				  "the signature was not checked: nothing was named to trust.");
	if (rc < 0 || jota_swu_findings_fatal(&r->findings) != before)
		return rc;
	r->signature_checked = v->options->trust != NULL;
	return 1;
}

/* 1: the description is there. */
static int read_description(struct jota_swu_verifier *v, struct jota_err *err)
{
	const struct jota_swu_member *m = &v->report->index.member[0];
	CLEANUP_FREE char *text = NULL;
	struct jota_err why = { 0 };
	int rc = jota_swu_member_read(v->fd, v->path, m, JOTA_SWU_TEXT_MAX, &text, &why);

	if (rc < 0 || !text)
		return say_malformed(v, rc, "bad-description", &why, err);
	/* The bytes whose signature is checked are the bytes that are read. */
	rc = check_signature(v, text, m->size_bytes, err);
	if (rc <= 0)
		return rc;
	if (strlen(text) != m->size_bytes)
		return JOTA_SWU_SAY(v, true, 0, "bad-description", err,
				    "sw-description is no text file: NUL byte at %zu.",
				    strlen(text));
	rc = jota_swu_description_parse(JOTA_SWU_DESCRIPTION, text, &v->report->description, &why);
	return rc < 0 ? say_malformed(v, rc, "bad-description", &why, err) : 1;
}

static int check_present(struct jota_swu_verifier *v, struct jota_err *err)
{
	const struct jota_swu_description *d = &v->report->description;
	int rc = 0;

	for (size_t i = 0; !rc && i < d->entry_count; i++) {
		const struct jota_swu_entry *e = &d->entry[i];

		if (e->filename && e->filename[0] != '\0' &&
		    !jota_swu_index_find(&v->report->index, e->filename))
			rc = JOTA_SWU_SAY(
				v, true, e->line, "missing-member", err,
				"sw-description names '%.80s', which is not in the archive.",
				e->filename);
	}
	return rc;
}

static int check_members(struct jota_swu_verifier *v, struct jota_err *err)
{
	struct jota_swu_report *r = v->report;
	int rc = check_present(v, err);

	r->checked = calloc(r->index.count, sizeof(*r->checked));
	if (!r->checked)
		return jota_fail(err, ENOMEM, "keep what was found");
	for (size_t i = 0; !rc && i < r->index.count; i++)
		rc = jota_swu_member_check(v, i, err);
	return rc < 0 ? rc : jota_swu_parts_check(v, err);
}

static int look_through(struct jota_swu_verifier *v, struct jota_err *err)
{
	struct jota_err why = { 0 };
	int rc = jota_swu_index_read(v->fd, v->path, &v->report->index, &why);

	if (rc < 0)
		return say_malformed(v, rc, "bad-archive", &why, err);
	rc = read_description(v, err);
	if (rc <= 0)
		return rc;
	rc = jota_swu_lint(&v->report->description, v->options->layout, &v->report->findings, err);
	return rc < 0 ? rc : check_members(v, err);
}

static int open_file(const char *path, struct stat *ret, struct jota_err *err)
{
	/* A pipe would make the opening wait. */
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, ret) < 0)
		return jota_fail(err, errno, "open '%s'", path);
	if (!S_ISREG(ret->st_mode) && !S_ISBLK(ret->st_mode))
		return jota_fail(err, EINVAL, "'%s' is no regular file.", path);
	return take_fd(&fd);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int verify_file(struct jota_swu_verifier *v, struct jota_err *err)
{
	struct stat before, after;
	CLEANUP_FD int fd = open_file(v->path, &before, err);
	int rc;

	if (fd < 0)
		return fd;
	v->fd = fd;
	v->report->file_bytes = (uint64_t)before.st_size;
	rc = look_through(v, err);
	if (fstat(fd, &after) < 0 || !is_same(&before, &after))
		return jota_fail(err, ESTALE, "'%s' changed while it was read; try again.", v->path);
	return rc < 0 ? rc : 0;
}

int jota_swu_verify(const char *path, const struct jota_swu_verify_options *options,
		    struct jota_swu_report *ret, struct jota_err *err)
{
	struct jota_swu_verifier v = { .path = path, .fd = -1, .options = options, .report = ret };
	struct jota_swu_aes_key key;
	int rc = 0;

	*ret = (struct jota_swu_report){ 0 };
	if (options->aes_key) {
		rc = jota_swu_aes_key_read(options->aes_key, &key, err);
		v.key = &key;
	}
	if (!rc)
		rc = verify_file(&v, err);
	OPENSSL_cleanse(&key, sizeof(key));
	return rc;
}

void jota_swu_report_done(struct jota_swu_report *report)
{
	jota_swu_findings_done(&report->findings);
	jota_swu_index_done(&report->index);
	jota_swu_description_done(&report->description);
	free(report->checked);
	*report = (struct jota_swu_report){ 0 };
}
