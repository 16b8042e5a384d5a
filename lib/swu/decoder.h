/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* A packed file back into its content as SWUpdate does it: decrypt, then decompress. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "swu/recipe.h"

struct jota_err;

/** Key as in SWUpdate's key file: "KEY IV" in hexadecimal digits, 128, 192 or 256 bits. */
struct jota_swu_aes_key {
	uint8_t key[32], iv[16];
	size_t key_bytes;
};
/** -EINVAL: not of that form; others: cannot be read. No digit of it gets into a message. */
int jota_swu_aes_key_read(const char *path, struct jota_swu_aes_key *ret, struct jota_err *err);

/** Takes content; a negative value ends the decoding and is returned by it. */
typedef int (*jota_swu_content_fn)(void *ctx, const uint8_t *data, size_t len_bytes,
				   struct jota_err *err);

struct jota_swu_decoder;
/** key: NULL when it is not encrypted; ivt: of the entry, NULL or of another form: the key file's. */
int jota_swu_decoder_open(enum jota_compression compression, const struct jota_swu_aes_key *key,
			  const char *ivt, jota_swu_content_fn fn, void *ctx,
			  struct jota_swu_decoder **ret, struct jota_err *err);
/**
 * Next bytes of the file. -EBADMSG: damaged, or something behind its end; -EFBIG: it needs a window
 * above JOTA_SWU_WINDOW_MAX; what fn returned.
 */
int jota_swu_decoder_feed(struct jota_swu_decoder *d, const uint8_t *data, size_t len_bytes,
			  struct jota_err *err);
/** The file has ended. -EBADMSG: before its content did, or the padding of the cipher is wrong. */
int jota_swu_decoder_finish(struct jota_swu_decoder *d, struct jota_err *err);
void jota_swu_decoder_free(struct jota_swu_decoder *d);
