/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Keys and certificates made on the spot, as files in a scratch folder. */
#pragma once

#include "support/scratch.h"

#include <stdbool.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DAY_S 86400L

struct wanted {
	const char *name;
	bool rsa, ca;
	const char *usage;    /* extended key usage, NULL: none */
	long from_s, until_s; /* relative to now */
};

static inline EVP_PKEY *make_key(bool rsa)
{
	EVP_PKEY *key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");

	ck_assert_ptr_nonnull(key);
	return key;
}

static inline void add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	ck_assert_ptr_nonnull(ext);
	ck_assert_int_eq(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/** issuer NULL: it signs itself. */
static inline X509 *make_certificate(const struct wanted *w, EVP_PKEY *key, X509 *issuer,
				     EVP_PKEY *issuer_key)
{
	static long serial = 1000;
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);

	ck_assert_int_eq(X509_set_version(cert, 2), 1);
	ck_assert_int_eq(ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial), 1);
	ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notBefore(cert), w->from_s));
	ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notAfter(cert), w->until_s));
	ck_assert_int_eq(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
						    (const unsigned char *)w->name, -1, -1, 0),
			 1);
	ck_assert_int_eq(X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : name),
			 1);
	ck_assert_int_eq(X509_set_pubkey(cert, key), 1);
	add_extension(cert, NID_basic_constraints, w->ca ? "critical,CA:TRUE" : "CA:FALSE");
	add_extension(cert, NID_key_usage, w->ca ? "keyCertSign" : "digitalSignature");
	if (w->usage)
		add_extension(cert, NID_ext_key_usage, w->usage);
	ck_assert_int_gt(X509_sign(cert, issuer_key ? issuer_key : key, EVP_sha256()), 0);
	return cert;
}

/** Into files below the scratch folder; passphrase NULL: none. */
static inline void save_key(const struct scratch *s, const char *path, EVP_PKEY *key,
			    const char *passphrase)
{
	char full[PATH_MAX];
	FILE *f;

	scratch_path(s, path, full);
	f = fopen(full, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fchmod(fileno(f), 0600), 0);
	ck_assert_int_eq(PEM_write_PrivateKey(f, key, passphrase ? EVP_aes_256_cbc() : NULL,
					      (const unsigned char *)passphrase,
					      passphrase ? (int)strlen(passphrase) : 0, NULL, NULL),
			 1);
	ck_assert_int_eq(fclose(f), 0);
}

static inline void save_public_key(const struct scratch *s, const char *path, EVP_PKEY *key)
{
	char full[PATH_MAX];
	FILE *f;

	scratch_path(s, path, full);
	f = fopen(full, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(PEM_write_PUBKEY(f, key), 1);
	ck_assert_int_eq(fclose(f), 0);
}

static inline void save_certificate(const struct scratch *s, const char *path, X509 *cert)
{
	char full[PATH_MAX];
	FILE *f;

	scratch_path(s, path, full);
	f = fopen(full, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(PEM_write_X509(f, cert), 1);
	ck_assert_int_eq(fclose(f), 0);
}
