/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* An authority and one who signs, made anew for a test. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

struct signer {
	EVP_PKEY *ca_key, *key;
	X509 *ca, *cert;
};

struct signer_plan {
	const char *usage; /* extendedKeyUsage; NULL: emailProtection */
	long from_s, to_s; /* validity from now on; both 0: yesterday to in a year */
};

void signer_make(struct signer *s, const struct signer_plan *plan);
void signer_done(struct signer *s);
/** PEM files: the authority's certificate, the signer's public key. */
void signer_write_ca(const struct signer *s, const char *path);
void signer_write_public(EVP_PKEY *key, const char *path);
/** List of the authority that revokes the signer's certificate, or nothing. */
void signer_write_crl(const struct signer *s, bool revoke, const char *path);
/** Detached CMS over the text by these, DER, heap. digest NULL: sha256. */
uint8_t *signer_cms(const struct signer *const *by, size_t count, const char *digest,
		    const void *text, size_t text_bytes, size_t *ret_bytes);
/** RSA signature with SHA-256, heap. */
uint8_t *signer_rsa(EVP_PKEY *key, bool pss, const void *text, size_t text_bytes, size_t *ret_bytes);
