/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The text of sw-description: made from components, or a user's own completed. Digests and IVs have a
 * fixed width and sizes are known before, so a text with wrong digests is as long as the right one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "swu/payload.h"
#include "swu/recipe.h"
#include "write/part.h"

struct jota_err;

/** One member of the .swu beside description and signature, as far as it is known. */
struct jota_emit_file {
	char *name; /* in the .swu, heap */
	bool is_sbom;
	bool has_role; /* else an entry of the user's own description */
	enum jota_role role;
	enum jota_compression compression;
	bool encrypt;
	bool as_is;	       /* packed as it is: nothing but its digest is known to us */
	struct jota_part part; /* number 0: it is whole */
	/* of the file before compression and encryption; 0: not known, do not write it */
	uint64_t content_bytes;
	uint64_t packed_bytes;
	uint8_t sha256[JOTA_SHA256_BYTES]; /* of the packed file */
	uint8_t iv[JOTA_AES_IV_BYTES];
};

/** From the recipe's components. *ret_text is heap. -ENOMEM. */
int jota_emit_made(const struct jota_recipe *recipe, const struct jota_emit_file *file,
		   size_t count, char **ret_text, struct jota_err *err);

/**
 * From the user's own text (name: for messages): version, when the recipe has one; sha256 of every entry
 * with a file name; compressed, encrypted, ivt, decompressed-size and decrypted-size of those that we
 * compress or encrypt; the SBOMs beside each list of images. Comments are lost. *ret_text is heap.
 * -EINVAL: a word between at signs is left over, or an entry of a wrong kind; -EBADMSG syntax.
 */
int jota_emit_own(const struct jota_recipe *recipe, const char *name, const char *text,
		  const struct jota_emit_file *file, size_t count, char **ret_text,
		  struct jota_err *err);

/** len bytes as lower-case hexadecimal digits into buf of 2 * len + 1. */
void jota_emit_hex(const uint8_t *data, size_t len_bytes, char *buf);
