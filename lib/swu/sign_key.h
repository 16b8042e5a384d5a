/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* One key, wherever it is, and its certificate; inner to signing. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "swu/sign.h"

struct jota_err;

struct jota_sign_key {
	const struct jota_recipe_signer *recipe;
	EVP_PKEY *private_key; /* NULL: a command signs */
	EVP_PKEY *public_key;
	X509 *certificate; /* NULL: plain RSA without one */
	const EVP_MD *digest;
	bool pss;
};

#define JOTA_SIGN_NAME_BYTES 512
/** For messages: path, program, or URI of the key without its PIN. Into buf, which is returned. */
const char *jota_sign_key_name(const struct jota_recipe_signer *recipe,
			       char buf[JOTA_SIGN_NAME_BYTES]);
/** Load what the recipe names. pss and digest are set by the caller. Errors as jota_signing_open(). */
int jota_sign_key_open(const struct jota_recipe_signer *recipe, const struct jota_sign_talk *talk,
		       struct jota_sign_key *ret, struct jota_err *err);
void jota_sign_key_done(struct jota_sign_key *k);
/** The signature over data, heap. */
int jota_sign_key_sign(const struct jota_sign_key *k, const struct jota_sign_talk *talk,
		       const uint8_t *data, size_t len_bytes, uint8_t **ret_sig,
		       size_t *ret_sig_bytes, struct jota_err *err);
/** Ask another program: the bytes on its input, the signature on its output. */
int jota_sign_command(const struct jota_recipe_signer *recipe, const atomic_bool *cancel,
		      const uint8_t *data, size_t len_bytes, uint8_t **ret_sig,
		      size_t *ret_sig_bytes, struct jota_err *err);
/** A private key behind the recipe's pkcs11: URI; NULL with err set. */
EVP_PKEY *jota_sign_pkcs11(const struct jota_recipe_signer *recipe,
			   const struct jota_sign_talk *talk, struct jota_err *err);
/** Certificates of a PEM file, at least one; the caller frees with OSSL_STACK_OF_X509_free(). */
int jota_sign_read_certificates(const char *path, STACK_OF(X509) * *ret, struct jota_err *err);
/** Detached CMS over data by all keys. typical_bytes as in jota_signing_sign(). */
int jota_sign_cms(const struct jota_sign_key *key, size_t count, STACK_OF(X509) * chain,
		  int64_t signing_time, const struct jota_sign_talk *talk, const uint8_t *data,
		  size_t len_bytes, uint8_t **ret_sig, size_t *ret_sig_bytes, size_t *typical_bytes,
		  struct jota_err *err);
/** As jota_fail(), with OpenSSL's reason instead of errno's, and its queue emptied. */
int jota_sign_fail(struct jota_err *err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
