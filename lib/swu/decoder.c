/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/decoder.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "swu/verify.h"

#include <lzma.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (64u * 1024u)
#define KEY_FILE_BYTES_MAX 1024u
#define XZ_MEMORY_MAX (JOTA_SWU_WINDOW_MAX + (UINT64_C(1) << 20))

struct jota_swu_decoder {
	enum jota_compression compression;
	jota_swu_content_fn fn;
	void *ctx;
	EVP_CIPHER_CTX *cipher; /* NULL: not encrypted */
	z_stream zlib;
	ZSTD_DStream *zstd;
	lzma_stream xz;
	/* the compressed stream has begun; it has come to an end, where another may begin with zstd */
	bool begun, ended;
	uint8_t plain[CHUNK_BYTES + EVP_MAX_BLOCK_LENGTH], out[CHUNK_BYTES];
};

/* Hexadecimal digits from text into bytes; how many bytes, 0: another form. */
static size_t decode_hex(const char *text, size_t digits, uint8_t *ret, size_t room_bytes)
{
	if (digits % 2 != 0 || digits / 2 > room_bytes)
		return 0;
	for (size_t i = 0; i < digits; i++) {
		const char *all = "0123456789abcdef";
		const char *found = strchr(all, text[i] | 0x20);

		if (!found || text[i] == '\0' || (text[i] < '0'))
			return 0;
		ret[i / 2] = (uint8_t)(ret[i / 2] << 4 | (uint8_t)(found - all));
	}
	return digits / 2;
}

static int parse_key(const char *path, const char *text, struct jota_swu_aes_key *ret,
		     struct jota_err *err)
{
	static const char blank[] = " \t\r\n";
	size_t key_digits, iv_digits;
	const char *iv;

	text += strspn(text, blank);
	key_digits = strcspn(text, blank);
	iv = text + key_digits + strspn(text + key_digits, blank);
	iv_digits = strcspn(iv, blank);
	ret->key_bytes = decode_hex(text, key_digits, ret->key, sizeof(ret->key));
	if (ret->key_bytes != 16 && ret->key_bytes != 24 && ret->key_bytes != 32)
		return jota_fail(
			err, EINVAL,
			"'%s': the key has %zu digits, expected 32, 48 or 64 hexadecimal ones.",
			path, key_digits);
	if (decode_hex(iv, iv_digits, ret->iv, sizeof(ret->iv)) != sizeof(ret->iv))
		return jota_fail(err, EINVAL,
				 "'%s': the vector behind the key has %zu digits, expected 32 "
				 "hexadecimal ones.",
				 path, iv_digits);
	return 0;
}

int jota_swu_aes_key_read(const char *path, struct jota_swu_aes_key *ret, struct jota_err *err)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct jota_swu_aes_key key = { 0 };
	char text[KEY_FILE_BYTES_MAX + 1] = "";
	size_t used = 0;
	ssize_t got = 1;
	int rc;

	if (fd < 0)
		return jota_fail(err, errno, "open the key '%s'", path);
	while (got > 0 && used < KEY_FILE_BYTES_MAX) {
		got = read(fd, text + used, KEY_FILE_BYTES_MAX - used);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got > 0)
			used += (size_t)got;
	}
	rc = got < 0 ? jota_fail(err, errno, "read the key '%s'", path) :
		       parse_key(path, text, &key, err);
	if (!rc)
		*ret = key;
	OPENSSL_cleanse(text, sizeof(text));
	OPENSSL_cleanse(&key, sizeof(key));
	return rc;
}

static int open_cipher(struct jota_swu_decoder *d, const struct jota_swu_aes_key *key,
		       const char *ivt, struct jota_err *err)
{
	const EVP_CIPHER *cipher = key->key_bytes == 16 ? EVP_aes_128_cbc() :
				   key->key_bytes == 24 ? EVP_aes_192_cbc() :
							  EVP_aes_256_cbc();
	uint8_t own[16] = { 0 };
	/* As SWUpdate: an ivt of another form counts for nothing. */
	bool has_own = ivt && strlen(ivt) == 2 * sizeof(own) &&
		       decode_hex(ivt, 2 * sizeof(own), own, sizeof(own)) == sizeof(own);

	d->cipher = EVP_CIPHER_CTX_new();
	if (!d->cipher ||
	    EVP_DecryptInit_ex(d->cipher, cipher, NULL, key->key, has_own ? own : key->iv) != 1)
		return jota_fail(err, ENOMEM, "start to decrypt");
	return 0;
}

static int open_compression(struct jota_swu_decoder *d, struct jota_err *err)
{
	bool good = true;

	switch (d->compression) {
	case JOTA_COMPRESSION_ZLIB:
		/* With a header of gzip only, as SWUpdate. */
		good = inflateInit2(&d->zlib, 16 + MAX_WBITS) == Z_OK;
		break;
	case JOTA_COMPRESSION_ZSTD:
		d->zstd = ZSTD_createDStream();
		good = d->zstd &&
		       !ZSTD_isError(ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax,
							    __builtin_ctzll(JOTA_SWU_WINDOW_MAX)));
		break;
	case JOTA_COMPRESSION_XZ:
		good = lzma_stream_decoder(&d->xz, XZ_MEMORY_MAX, 0) == LZMA_OK;
		break;
	case JOTA_COMPRESSION_NONE:
	case JOTA_COMPRESSION_COUNT:
		break;
	}
	return good ? 0 : jota_fail(err, ENOMEM, "start to decompress");
}

int jota_swu_decoder_open(enum jota_compression compression, const struct jota_swu_aes_key *key,
			  const char *ivt, jota_swu_content_fn fn, void *ctx,
			  struct jota_swu_decoder **ret, struct jota_err *err)
{
	struct jota_swu_decoder *d = calloc(1, sizeof(*d));
	int rc = 0;

	if (!d)
		return jota_fail(err, ENOMEM, "start to decode");
	d->compression = compression;
	d->fn = fn;
	d->ctx = ctx;
	d->xz = (lzma_stream)LZMA_STREAM_INIT;
	if (key)
		rc = open_cipher(d, key, ivt, err);
	if (!rc)
		rc = open_compression(d, err);
	if (rc < 0)
		jota_swu_decoder_free(d);
	else
		*ret = d;
	return rc;
}

static int inflate_some(struct jota_swu_decoder *d, const uint8_t **at, size_t *left,
			size_t *ret_out, struct jota_err *err)
{
	int rc;

	d->zlib.next_in = (z_const Bytef *)*at;
	d->zlib.avail_in = *left < UINT_MAX ? (uInt)*left : UINT_MAX;
	d->zlib.next_out = d->out;
	d->zlib.avail_out = sizeof(d->out);
	rc = inflate(&d->zlib, Z_NO_FLUSH);
	*left -= (size_t)(d->zlib.next_in - *at);
	*at = d->zlib.next_in;
	*ret_out = sizeof(d->out) - d->zlib.avail_out;
	d->ended = rc == Z_STREAM_END;
	if (rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR)
		return 0;
	return jota_fail(err, rc == Z_MEM_ERROR ? ENOMEM : EBADMSG,
			 "it does not decompress as zlib (gzip): %s.",
			 d->zlib.msg ? d->zlib.msg : "damaged");
}

static int unzstd_some(struct jota_swu_decoder *d, const uint8_t **at, size_t *left,
		       size_t *ret_out, struct jota_err *err)
{
	ZSTD_inBuffer in = { *at, *left, 0 };
	ZSTD_outBuffer out = { d->out, sizeof(d->out), 0 };
	size_t rc = ZSTD_decompressStream(d->zstd, &out, &in);

	*at += in.pos;
	*left -= in.pos;
	*ret_out = out.pos;
	if (!ZSTD_isError(rc)) {
		d->ended = rc == 0;
		return 0;
	}
	if (ZSTD_getErrorCode(rc) == ZSTD_error_frameParameter_windowTooLarge)
		return jota_fail(err, EFBIG, "it needs a window above %u MiB.",
				 (unsigned)(JOTA_SWU_WINDOW_MAX >> 20));
	return jota_fail(err, EBADMSG, "it does not decompress as zstd: %s.", ZSTD_getErrorName(rc));
}

static int unxz_some(struct jota_swu_decoder *d, const uint8_t **at, size_t *left, size_t *ret_out,
		     struct jota_err *err)
{
	lzma_ret rc;

	d->xz.next_in = *at;
	d->xz.avail_in = *left;
	d->xz.next_out = d->out;
	d->xz.avail_out = sizeof(d->out);
	rc = lzma_code(&d->xz, LZMA_RUN);
	*at = d->xz.next_in;
	*left = d->xz.avail_in;
	*ret_out = sizeof(d->out) - d->xz.avail_out;
	d->ended = rc == LZMA_STREAM_END;
	if (rc == LZMA_OK || rc == LZMA_STREAM_END || rc == LZMA_BUF_ERROR)
		return 0;
	if (rc == LZMA_MEMLIMIT_ERROR)
		return jota_fail(err, EFBIG, "it needs a window above %u MiB.",
				 (unsigned)(JOTA_SWU_WINDOW_MAX >> 20));
	return jota_fail(err, rc == LZMA_MEM_ERROR ? ENOMEM : EBADMSG,
			 "it does not decompress as xz: %s.",
			 rc == LZMA_FORMAT_ERROR ? "another format" : "damaged");
}

/* Until the input is used up and nothing more comes out. */
static int decompress(struct jota_swu_decoder *d, const uint8_t *data, size_t len_bytes,
		      struct jota_err *err)
{
	size_t out_bytes = 0;
	int rc = 0;

	while (len_bytes > 0 || out_bytes == sizeof(d->out)) {
		if (d->ended && d->compression != JOTA_COMPRESSION_ZSTD) {
			if (len_bytes == 0)
				return 0;
			return jota_fail(
				err, EBADMSG,
				"%zu bytes or more follow the end of its compressed content.",
				len_bytes);
		}
		/* Nothing left to take, nothing held back: the end of a frame of zstd. */
		if (d->ended && len_bytes == 0)
			return 0;
		d->begun |= len_bytes > 0;
		switch (d->compression) {
		case JOTA_COMPRESSION_ZLIB:
			rc = inflate_some(d, &data, &len_bytes, &out_bytes, err);
			break;
		case JOTA_COMPRESSION_ZSTD:
			rc = unzstd_some(d, &data, &len_bytes, &out_bytes, err);
			break;
		case JOTA_COMPRESSION_XZ:
			rc = unxz_some(d, &data, &len_bytes, &out_bytes, err);
			break;
		case JOTA_COMPRESSION_NONE:
		case JOTA_COMPRESSION_COUNT:
			return d->fn(d->ctx, data, len_bytes, err);
		}
		if (!rc && out_bytes > 0)
			rc = d->fn(d->ctx, d->out, out_bytes, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int jota_swu_decoder_feed(struct jota_swu_decoder *d, const uint8_t *data, size_t len_bytes,
			  struct jota_err *err)
{
	while (d->cipher && len_bytes > 0) {
		size_t take = len_bytes < CHUNK_BYTES ? len_bytes : CHUNK_BYTES;
		int out = 0, rc;

		if (EVP_DecryptUpdate(d->cipher, d->plain, &out, data, (int)take) != 1 || out < 0)
			return jota_fail(err, EBADMSG, "it does not decrypt.");
		rc = decompress(d, d->plain, (size_t)out, err);
		if (rc < 0)
			return rc;
		data += take;
		len_bytes -= take;
	}
	return d->cipher ? 0 : decompress(d, data, len_bytes, err);
}

int jota_swu_decoder_finish(struct jota_swu_decoder *d, struct jota_err *err)
{
	int out = 0, rc;

	if (d->cipher) {
		if (EVP_DecryptFinal_ex(d->cipher, d->plain, &out) != 1 || out < 0)
			return jota_fail(
				err, EBADMSG,
				"it does not decrypt with this key: wrong key, wrong vector, "
				"or damaged.");
		rc = decompress(d, d->plain, (size_t)out, err);
		if (rc < 0)
			return rc;
	}
	if (d->compression == JOTA_COMPRESSION_NONE || d->ended)
		return 0;
	return jota_fail(err, EBADMSG, "its compressed content %s.",
			 d->begun ? "was cut off" : "is empty");
}

void jota_swu_decoder_free(struct jota_swu_decoder *d)
{
	if (!d)
		return;
	EVP_CIPHER_CTX_free(d->cipher);
	if (d->compression == JOTA_COMPRESSION_ZLIB)
		(void)inflateEnd(&d->zlib);
	(void)ZSTD_freeDStream(d->zstd);
	lzma_end(&d->xz);
	OPENSSL_cleanse(d->plain, sizeof(d->plain));
	free(d);
}
