/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/payload_encoder.h"

#include "base/err.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#define MEMORY_BYTES_MAX (40ull << 20)
#define ZLIB_LEVEL_DEFAULT 6
#define ZSTD_LEVEL_DEFAULT 3
#define XZ_LEVEL_DEFAULT 2
/* Small jobs: a worker holds its input, its output and what the next one looks back to. */
#define ZSTD_JOB_BYTES (2 << 20)
#define ZSTD_WORKERS_MAX 8u
#define XZ_BLOCK_BYTES (6ull << 20)
/* zlib's way of saying that a gzip header is wanted. */
#define GZIP_WINDOW_BITS (15 + 16)

struct jota_encoder {
	enum jota_compression method;
	ZSTD_CCtx *zstd;
	z_stream zlib;
	lzma_stream xz;
};

/*
 * What a worker needs grows with the level and not with the file: by measuring, in MiB. Levels above
 * 15 take more than the bound with a single worker already; who asks for them gets one.
 */
static unsigned zstd_workers(int level, unsigned wanted)
{
	unsigned each = level <= 4 ? 7 : level <= 9 ? 14 : level <= 12 ? 34 : 64;
	unsigned fit = (unsigned)(MEMORY_BYTES_MAX >> 20) / each;

	if (fit > ZSTD_WORKERS_MAX)
		fit = ZSTD_WORKERS_MAX;
	if (wanted > fit)
		wanted = fit;
	return wanted > 0 ? wanted : 1;
}

static int open_zstd(struct jota_encoder *e, int level, unsigned workers, uint64_t in_bytes,
		     struct jota_err *err)
{
	size_t rc;

	level = level ? level : ZSTD_LEVEL_DEFAULT;
	e->zstd = ZSTD_createCCtx();
	if (!e->zstd)
		return jota_fail(err, ENOMEM, "zstd");
	rc = ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_compressionLevel, level);
	if (!ZSTD_isError(rc))
		rc = ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_checksumFlag, 1);
	/* Never 0: without workers zstd cuts its blocks at other places. */
	if (!ZSTD_isError(rc))
		rc = ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_nbWorkers,
					    (int)zstd_workers(level, workers));
	if (!ZSTD_isError(rc))
		rc = ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_jobSize, ZSTD_JOB_BYTES);
	/* The frame then tells its size, and a decoder can check it. */
	if (!ZSTD_isError(rc))
		rc = ZSTD_CCtx_setPledgedSrcSize(e->zstd, in_bytes);
	if (ZSTD_isError(rc))
		return jota_fail(err, EINVAL, "zstd of level %d with %u threads: %s.", level,
				 workers, ZSTD_getErrorName(rc));
	return 0;
}

static int open_zlib(struct jota_encoder *e, int level, struct jota_err *err)
{
	int rc = deflateInit2(&e->zlib, level ? level : ZLIB_LEVEL_DEFAULT, Z_DEFLATED,
			      GZIP_WINDOW_BITS, 8, Z_DEFAULT_STRATEGY);

	if (rc == Z_OK)
		return 0;
	return jota_fail(err, rc == Z_MEM_ERROR ? ENOMEM : EINVAL, "zlib of level %d", level);
}

static int open_xz(struct jota_encoder *e, int level, unsigned workers, struct jota_err *err)
{
	lzma_mt mt = { .threads = workers,
		       .block_size = XZ_BLOCK_BYTES,
		       .preset = (uint32_t)(level ? level : XZ_LEVEL_DEFAULT),
		       .check = LZMA_CHECK_CRC32 };
	lzma_stream fresh = LZMA_STREAM_INIT;
	lzma_ret rc;

	/* The level decides about memory as well; fewer threads give the same bytes. */
	while (mt.threads > 1 && lzma_stream_encoder_mt_memusage(&mt) > MEMORY_BYTES_MAX)
		mt.threads--;
	e->xz = fresh;
	rc = lzma_stream_encoder_mt(&e->xz, &mt);
	if (rc == LZMA_OK)
		return 0;
	return jota_fail(err, rc == LZMA_MEM_ERROR ? ENOMEM : EINVAL, "xz of level %d", level);
}

int jota_encoder_open(enum jota_compression method, int level, unsigned workers, uint64_t in_bytes,
		      struct jota_encoder **ret, struct jota_err *err)
{
	struct jota_encoder *e = calloc(1, sizeof(*e));
	int rc = -EINVAL;

	if (!e)
		return jota_fail(err, ENOMEM, "%s", jota_compression_name(method));
	e->method = method;
	switch (method) {
	case JOTA_COMPRESSION_ZSTD:
		rc = open_zstd(e, level, workers, in_bytes, err);
		break;
	case JOTA_COMPRESSION_ZLIB:
		rc = open_zlib(e, level, err);
		break;
	case JOTA_COMPRESSION_XZ:
		rc = open_xz(e, level, workers, err);
		break;
	case JOTA_COMPRESSION_NONE:
	case JOTA_COMPRESSION_COUNT:
		rc = jota_fail(err, EINVAL, "no compressor for '%s'", jota_compression_name(method));
		break;
	}
	if (rc < 0) {
		jota_encoder_free(e);
		return rc;
	}
	*ret = e;
	return 0;
}

void jota_encoder_free(struct jota_encoder *e)
{
	if (!e)
		return;
	if (e->zstd)
		(void)ZSTD_freeCCtx(e->zstd);
	if (e->method == JOTA_COMPRESSION_ZLIB && e->zlib.state)
		(void)deflateEnd(&e->zlib);
	if (e->method == JOTA_COMPRESSION_XZ)
		lzma_end(&e->xz);
	free(e);
}

static int step_zstd(struct jota_encoder *e, struct jota_encoder_io *io, bool finish,
		     struct jota_err *err)
{
	ZSTD_inBuffer in = { io->in, io->in_bytes, 0 };
	ZSTD_outBuffer out = { io->out, io->out_bytes, 0 };
	size_t left =
		ZSTD_compressStream2(e->zstd, &out, &in, finish ? ZSTD_e_end : ZSTD_e_continue);

	if (ZSTD_isError(left))
		return jota_fail(err, EIO, "zstd: %s.", ZSTD_getErrorName(left));
	io->in += in.pos;
	io->in_bytes -= in.pos;
	io->out += out.pos;
	io->out_bytes -= out.pos;
	return finish && left == 0;
}

static int step_zlib(struct jota_encoder *e, struct jota_encoder_io *io, bool finish,
		     struct jota_err *err)
{
	z_stream *z = &e->zlib;
	int rc;

	if (io->in_bytes > UINT_MAX || io->out_bytes > UINT_MAX)
		return jota_fail(err, EINVAL, "zlib: a block of more than 4 GiB");
	/* zlib declares its input writable, but does not write it. */
	memcpy(&z->next_in, &io->in, sizeof(z->next_in));
	z->avail_in = (uInt)io->in_bytes;
	z->next_out = io->out;
	z->avail_out = (uInt)io->out_bytes;
	rc = deflate(z, finish ? Z_FINISH : Z_NO_FLUSH);
	if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
		return jota_fail(err, EIO, "zlib: error %d.", rc);
	io->in += io->in_bytes - z->avail_in;
	io->in_bytes = z->avail_in;
	io->out = z->next_out;
	io->out_bytes = z->avail_out;
	return rc == Z_STREAM_END;
}

static int step_xz(struct jota_encoder *e, struct jota_encoder_io *io, bool finish,
		   struct jota_err *err)
{
	lzma_ret rc;

	e->xz.next_in = io->in;
	e->xz.avail_in = io->in_bytes;
	e->xz.next_out = io->out;
	e->xz.avail_out = io->out_bytes;
	rc = lzma_code(&e->xz, finish ? LZMA_FINISH : LZMA_RUN);
	if (rc != LZMA_OK && rc != LZMA_STREAM_END && rc != LZMA_BUF_ERROR)
		return jota_fail(err, rc == LZMA_MEM_ERROR ? ENOMEM : EIO, "xz: error %d.", (int)rc);
	io->in = e->xz.next_in;
	io->in_bytes = e->xz.avail_in;
	io->out = e->xz.next_out;
	io->out_bytes = e->xz.avail_out;
	return rc == LZMA_STREAM_END;
}

int jota_encoder_step(struct jota_encoder *e, struct jota_encoder_io *io, bool finish,
		      struct jota_err *err)
{
	switch (e->method) {
	case JOTA_COMPRESSION_ZSTD:
		return step_zstd(e, io, finish, err);
	case JOTA_COMPRESSION_ZLIB:
		return step_zlib(e, io, finish, err);
	case JOTA_COMPRESSION_XZ:
		return step_xz(e, io, finish, err);
	case JOTA_COMPRESSION_NONE:
	case JOTA_COMPRESSION_COUNT:
		break;
	}
	return jota_fail(err, EINVAL, "no compressor");
}
