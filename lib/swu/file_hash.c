/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/file_hash.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"

#include <openssl/evp.h>

#include <errno.h>
#include <stdlib.h>

#define CHUNK_BYTES (256u * 1024u)

static void free_digest(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

int jota_swu_file_hash(int fd, const char *path, uint64_t size_bytes, const atomic_bool *cancel,
		       uint8_t ret_sha256[JOTA_FILE_SHA256_BYTES], struct jota_err *err)
{
	__attribute__((cleanup(free_digest))) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	CLEANUP_FREE uint8_t *chunk = malloc(CHUNK_BYTES);

	if (!ctx || !chunk || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		return jota_fail(err, ENOMEM, "hash '%s'", path);
	for (uint64_t at_bytes = 0; at_bytes < size_bytes;) {
		uint64_t left_bytes = size_bytes - at_bytes;
		size_t take = left_bytes < CHUNK_BYTES ? (size_t)left_bytes : CHUNK_BYTES;
		int rc = jota_io_pread_all(fd, chunk, take, at_bytes, path, err);

		if (rc < 0)
			return rc;
		if (cancel && atomic_load(cancel))
			return jota_fail(err, ECANCELED, "interrupted.");
		if (EVP_DigestUpdate(ctx, chunk, take) != 1)
			return jota_fail(err, EIO, "hash '%s'", path);
		at_bytes += take;
	}
	if (EVP_DigestFinal_ex(ctx, ret_sha256, NULL) != 1)
		return jota_fail(err, EIO, "hash '%s'", path);
	return 0;
}
