/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE /* sync_file_range */
#include "swu/payload.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "swu/container.h"
#include "swu/payload_encoder.h"
#include "swu/payload_line.h"
#include "swu/payload_source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#define RAW_BLOCKS 3u
#define OUT_BLOCKS 8u
#define PROGRESS_MS 100
/* The disk starts early, so that little is left for the last fsync. */
#define WRITEBACK_BYTES (16u << 20)
#define STAGES_MAX 5

/* raw -> (compressor) -> packed -> (cipher) -> sealed -> digest -> digested -> writer -> free. */
struct run {
	const struct jota_payload *p;
	struct jota_line line;
	struct jota_queue raw_free, raw, out_free, packed, sealed, digested;
	struct jota_queue *digest_from; /* packed or sealed */
	struct jota_source *source;
	struct jota_encoder *encoder;
	EVP_CIPHER_CTX *cipher;
	EVP_MD_CTX *digest;
	atomic_uint_fast64_t read_bytes;
	struct jota_payload_result result;
	pthread_mutex_t done_mutex;
	pthread_cond_t done;
	bool is_done;
};

struct stage {
	int (*work)(struct run *r, struct jota_err *err);
	struct run *run;
	pthread_t thread;
};

/* Without compressor the blocks of the reader go on as they are. */
static int read_input(struct run *r, struct jota_err *err)
{
	bool raw = r->encoder != NULL;
	struct jota_queue *from = raw ? &r->raw_free : &r->out_free;
	struct jota_queue *to = raw ? &r->raw : &r->packed;
	struct jota_block *block = NULL;
	int rc;

	while ((rc = jota_queue_pop(&r->line, from, &block)) > 0) {
		rc = jota_source_read(r->source, block->data, JOTA_BLOCK_BYTES, &block->len_bytes,
				      err);
		if (rc < 0 || block->len_bytes == 0) {
			jota_queue_push(&r->line, from, block);
			break;
		}
		atomic_fetch_add(&r->read_bytes, block->len_bytes);
		jota_queue_push(&r->line, to, block);
	}
	if (rc >= 0)
		jota_queue_close(&r->line, to);
	return rc;
}

/* Blocks leave full, except for the last: the cipher counts on it. */
static int fill_out(struct run *r, struct jota_encoder_io *io, bool finish, struct jota_block **out,
		    struct jota_err *err)
{
	int rc = 0;

	while (rc == 0 && (finish || io->in_bytes > 0)) {
		if (!*out) {
			rc = jota_queue_pop(&r->line, &r->out_free, out);
			if (rc <= 0)
				return rc < 0 ? rc : -ECANCELED;
			io->out = (*out)->data;
			io->out_bytes = JOTA_BLOCK_BYTES;
		}
		rc = jota_encoder_step(r->encoder, io, finish, err);
		(*out)->len_bytes = JOTA_BLOCK_BYTES - io->out_bytes;
		if (rc < 0 || (rc == 0 && io->out_bytes > 0))
			continue;
		jota_queue_push(&r->line, (*out)->len_bytes ? &r->packed : &r->out_free, *out);
		*out = NULL;
	}
	return rc < 0 ? rc : 0;
}

static int compress_blocks(struct run *r, struct jota_err *err)
{
	struct jota_block *in = NULL, *out = NULL;
	struct jota_encoder_io io = { 0 };
	int rc;

	while ((rc = jota_queue_pop(&r->line, &r->raw, &in)) > 0) {
		io.in = in->data;
		io.in_bytes = in->len_bytes;
		rc = fill_out(r, &io, false, &out, err);
		jota_queue_push(&r->line, &r->raw_free, in);
		if (rc < 0)
			break;
	}
	if (rc == 0) {
		io.in = NULL;
		io.in_bytes = 0;
		rc = fill_out(r, &io, true, &out, err);
	}
	if (out)
		jota_queue_push(&r->line, &r->out_free, out);
	if (rc >= 0)
		jota_queue_close(&r->line, &r->packed);
	return rc;
}

/* In place: blocks are multiples of the cipher's own block, so nothing is held back before the last. */
static int encrypt_block(struct run *r, struct jota_block *block, bool last, struct jota_err *err)
{
	int made = 0, rest = 0;
	int ok = EVP_EncryptUpdate(r->cipher, block->data, &made, block->data,
				   (int)block->len_bytes);

	if (ok == 1 && last)
		ok = EVP_EncryptFinal_ex(r->cipher, block->data + made, &rest);
	if (ok != 1)
		return jota_fail(err, EIO, "encrypt '%s'", r->p->name);
	block->len_bytes = (size_t)made + (size_t)rest;
	return 0;
}

/* One block is held back until the next one comes: only the last is padded. */
static int encrypt_blocks(struct run *r, struct jota_err *err)
{
	struct jota_block *held = NULL, *next = NULL;
	int rc;

	while ((rc = jota_queue_pop(&r->line, &r->packed, &next)) > 0) {
		if (held) {
			rc = encrypt_block(r, held, false, err);
			jota_queue_push(&r->line, &r->sealed, held);
		}
		held = next;
		if (rc < 0)
			break;
	}
	if (held) {
		if (rc == 0)
			rc = encrypt_block(r, held, true, err);
		jota_queue_push(&r->line, &r->sealed, held);
	}
	if (rc >= 0)
		jota_queue_close(&r->line, &r->sealed);
	return rc;
}

static int digest_blocks(struct run *r, struct jota_err *err)
{
	struct jota_block *block = NULL;
	unsigned len = 0;
	int rc;

	while ((rc = jota_queue_pop(&r->line, r->digest_from, &block)) > 0) {
		int ok = EVP_DigestUpdate(r->digest, block->data, block->len_bytes);

		jota_queue_push(&r->line, &r->digested, block);
		if (ok != 1)
			return jota_fail(err, EIO, "digest '%s'", r->p->name);
	}
	if (rc == 0 && EVP_DigestFinal_ex(r->digest, r->result.sha256, &len) != 1)
		rc = jota_fail(err, EIO, "digest '%s'", r->p->name);
	if (rc >= 0)
		jota_queue_close(&r->line, &r->digested);
	return rc;
}

static int fail_write(const struct run *r, int rc, struct jota_err *err)
{
	const struct jota_payload *p = r->p;

	if (rc != -ENOSPC && rc != -EDQUOT)
		return rc;
	return jota_fail(err, -rc,
			 "no room left for '%s': the disk is full after %" PRIu64 " bytes of '%s'.",
			 p->out_path, r->result.packed_bytes, p->name);
}

static int write_block(struct run *r, const struct jota_block *block, struct jota_err *err)
{
	const struct jota_payload *p = r->p;
	uint64_t at = r->result.packed_bytes;
	int rc;

	if (block->len_bytes > p->out_max_bytes - at)
		return jota_fail(err, EFBIG,
				 "'%s' has more than %" PRIu64
				 " bytes when packed, and no file in a .swu can be larger; compress "
				 "it, or better.",
				 p->name, p->out_max_bytes);
	r->result.check = jota_swu_check_add(r->result.check, block->data, block->len_bytes);
	rc = jota_io_pwrite_all(p->io, p->out_fd, block->data, block->len_bytes,
				p->out_offset_bytes + at, p->out_path, err);
	if (rc < 0)
		return fail_write(r, rc, err);
	r->result.packed_bytes = at + block->len_bytes;
	/* Advice only: what it cannot do now, fsync does later. */
	if (r->result.packed_bytes / WRITEBACK_BYTES != at / WRITEBACK_BYTES)
		(void)sync_file_range(p->out_fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return 0;
}

static int write_blocks(struct run *r, struct jota_err *err)
{
	struct jota_block *block = NULL;
	int rc;

	while ((rc = jota_queue_pop(&r->line, &r->digested, &block)) > 0) {
		rc = write_block(r, block, err);
		jota_queue_push(&r->line, &r->out_free, block);
		if (rc < 0)
			return rc;
	}
	(void)pthread_mutex_lock(&r->done_mutex);
	r->is_done = true;
	(void)pthread_cond_signal(&r->done);
	(void)pthread_mutex_unlock(&r->done_mutex);
	return rc;
}

static void *run_stage(void *arg)
{
	struct stage *s = arg;
	struct jota_err err = { 0 };
	int rc = s->work(s->run, &err);

	/* -ECANCELED without a sentence: another one failed, and said so. */
	if (rc < 0 && err.errnum != 0) {
		jota_line_fail(&s->run->line, &err);
		(void)pthread_mutex_lock(&s->run->done_mutex);
		s->run->is_done = true;
		(void)pthread_cond_signal(&s->run->done);
		(void)pthread_mutex_unlock(&s->run->done_mutex);
	}
	return NULL;
}

static void report_progress(struct run *r)
{
	const struct jota_payload *p = r->p;

	if (p->progress)
		p->progress(p->progress_ctx, p->name, atomic_load(&r->read_bytes), p->in_bytes);
}

/* Until the writer is through or somebody failed; the caller's thread shows progress meanwhile. */
static void wait_done(struct run *r)
{
	bool done = false;

	while (!done) {
		struct timespec until;

		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += PROGRESS_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		(void)pthread_mutex_lock(&r->done_mutex);
		if (!r->is_done)
			(void)pthread_cond_timedwait(&r->done, &r->done_mutex, &until);
		done = r->is_done;
		(void)pthread_mutex_unlock(&r->done_mutex);
		report_progress(r);
		if (!done && r->p->cancel && atomic_load(r->p->cancel)) {
			struct jota_err err = { 0 };

			(void)jota_fail(&err, ECANCELED, "interrupted while packing '%s'.",
					r->p->name);
			jota_line_fail(&r->line, &err);
			done = true;
		}
	}
}

/* Signals belong to the caller's thread. */
static int start_stages(struct stage *stage, size_t count, size_t *ret_started, struct jota_err *err)
{
	sigset_t all, before;
	int rc = 0;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	for (*ret_started = 0; rc == 0 && *ret_started < count; ++*ret_started) {
		rc = pthread_create(&stage[*ret_started].thread, NULL, run_stage,
				    &stage[*ret_started]);
		if (rc != 0)
			break;
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc == 0 ? 0 : jota_fail(err, rc, "start a thread");
}

static int run_stages(struct run *r, struct jota_err *err)
{
	struct stage stage[STAGES_MAX] = { { .work = read_input },
					   { .work = digest_blocks },
					   { .work = write_blocks } };
	size_t count = 3, started = 0;
	int rc;

	if (r->encoder)
		stage[count++].work = compress_blocks;
	if (r->cipher)
		stage[count++].work = encrypt_blocks;
	for (size_t i = 0; i < count; i++)
		stage[i].run = r;
	rc = start_stages(stage, count, &started, err);
	if (rc < 0)
		jota_line_fail(&r->line, err);
	else
		wait_done(r);
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(stage[i].thread, NULL);
	if (!jota_line_failed(&r->line))
		return 0;
	*err = r->line.err;
	return -err->errnum;
}

static int open_tools(struct run *r, struct jota_err *err)
{
	const struct jota_payload *p = r->p;
	int rc = jota_source_open(p, &r->source, err);

	if (rc == 0 && p->compression != JOTA_COMPRESSION_NONE)
		rc = jota_encoder_open(p->compression, p->level, p->workers, p->in_bytes,
				       &r->encoder, err);
	if (rc < 0)
		return rc;
	r->digest_from = p->encrypt ? &r->sealed : &r->packed;
	r->digest = EVP_MD_CTX_new();
	if (!r->digest || EVP_DigestInit_ex(r->digest, EVP_sha256(), NULL) != 1)
		return jota_fail(err, ENOMEM, "digest '%s'", p->name);
	if (p->encrypt) {
		r->cipher = EVP_CIPHER_CTX_new();
		if (!r->cipher || EVP_EncryptInit_ex(r->cipher, EVP_aes_256_cbc(), NULL, p->aes_key,
						     p->aes_iv) != 1)
			return jota_fail(err, ENOMEM, "encrypt '%s'", p->name);
	}
	if (jota_queue_fill(&r->out_free, OUT_BLOCKS) < 0 ||
	    (r->encoder && jota_queue_fill(&r->raw_free, RAW_BLOCKS) < 0))
		return jota_fail(err, ENOMEM, "pack '%s'", p->name);
	return 0;
}

int jota_payload_run(const struct jota_payload *p, struct jota_payload_result *ret,
		     struct jota_err *err)
{
	struct run r = { .p = p };
	struct jota_queue *queues[] = { &r.raw_free, &r.raw,	&r.out_free,
					&r.packed,   &r.sealed, &r.digested };
	int rc;

	jota_line_init(&r.line, queues, sizeof(queues) / sizeof(queues[0]));
	(void)pthread_mutex_init(&r.done_mutex, NULL);
	(void)pthread_cond_init(&r.done, NULL);
	rc = open_tools(&r, err);
	if (rc == 0)
		rc = run_stages(&r, err);
	if (rc == 0)
		*ret = r.result;
	jota_source_free(r.source);
	jota_encoder_free(r.encoder);
	EVP_MD_CTX_free(r.digest);
	EVP_CIPHER_CTX_free(r.cipher);
	(void)pthread_cond_destroy(&r.done);
	(void)pthread_mutex_destroy(&r.done_mutex);
	jota_line_done(&r.line);
	return rc;
}
