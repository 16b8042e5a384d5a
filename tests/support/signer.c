/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "support/signer.h"

#include <check.h>
#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400L

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ck_assert_ptr_nonnull(ext);
	ck_assert_int_eq(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/* Two authorities of one name must not issue certificates that look like one. */
static long random_serial(void)
{
	uint32_t serial = 0;

	ck_assert_int_eq(RAND_bytes((unsigned char *)&serial, sizeof(serial)), 1);
	return (long)serial + 1;
}

static X509 *make_cert(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
		       const char *usage, long from_s, long to_s)
{
	X509 *cert = X509_new();
	X509_NAME *subject;

	ck_assert_ptr_nonnull(cert);
	ck_assert_int_eq(X509_set_version(cert, X509_VERSION_3), 1);
	ck_assert_int_eq(ASN1_INTEGER_set(X509_get_serialNumber(cert), random_serial()), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(cert), from_s);
	(void)X509_gmtime_adj(X509_getm_notAfter(cert), to_s);
	subject = X509_get_subject_name(cert);
	ck_assert_int_eq(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
						    (const unsigned char *)name, -1, -1, 0),
			 1);
	ck_assert_int_eq(
		X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : subject), 1);
	ck_assert_int_eq(X509_set_pubkey(cert, key), 1);
	if (usage) {
		add_extension(cert, issuer, NID_basic_constraints, "critical,CA:FALSE");
		add_extension(cert, issuer, NID_key_usage, "critical,digitalSignature");
		add_extension(cert, issuer, NID_ext_key_usage, usage);
	} else {
		add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE");
		add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	}
	add_extension(cert, issuer ? issuer : cert, NID_subject_key_identifier, "hash");
	ck_assert_int_gt(X509_sign(cert, issuer_key, EVP_sha256()), 0);
	return cert;
}

void signer_make(struct signer *s, const struct signer_plan *plan)
{
	bool usual = !plan || (plan->from_s == 0 && plan->to_s == 0);
	const char *usage = plan && plan->usage ? plan->usage : "emailProtection";

	s->ca_key = EVP_EC_gen("P-256");
	s->key = EVP_EC_gen("P-256");
	ck_assert(s->ca_key && s->key);
	s->ca = make_cert("test authority", s->ca_key, NULL, s->ca_key, NULL, -10 * 365 * DAY_S,
			  10 * 365 * DAY_S);
	s->cert = make_cert("test signer", s->key, s->ca, s->ca_key, usage,
			    usual ? -DAY_S : plan->from_s, usual ? 365 * DAY_S : plan->to_s);
}

void signer_done(struct signer *s)
{
	EVP_PKEY_free(s->ca_key);
	EVP_PKEY_free(s->key);
	X509_free(s->ca);
	X509_free(s->cert);
	*s = (struct signer){ 0 };
}

void signer_write_ca(const struct signer *s, const char *path)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(PEM_write_X509(f, s->ca), 1);
	ck_assert_int_eq(fclose(f), 0);
}

void signer_write_public(EVP_PKEY *key, const char *path)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(PEM_write_PUBKEY(f, key), 1);
	ck_assert_int_eq(fclose(f), 0);
}

void signer_write_crl(const struct signer *s, bool revoke, const char *path)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *now = X509_gmtime_adj(NULL, -DAY_S), *next = X509_gmtime_adj(NULL, 30 * DAY_S);
	FILE *f = fopen(path, "w");

	ck_assert(crl && now && next && f);
	ck_assert_int_eq(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
	ck_assert_int_eq(X509_CRL_set_issuer_name(crl, X509_get_subject_name(s->ca)), 1);
	ck_assert_int_eq(X509_CRL_set1_lastUpdate(crl, now), 1);
	ck_assert_int_eq(X509_CRL_set1_nextUpdate(crl, next), 1);
	if (revoke) {
		X509_REVOKED *revoked = X509_REVOKED_new();

		ck_assert_int_eq(
			X509_REVOKED_set_serialNumber(revoked, X509_get_serialNumber(s->cert)), 1);
		ck_assert_int_eq(X509_REVOKED_set_revocationDate(revoked, now), 1);
		ck_assert_int_eq(X509_CRL_add0_revoked(crl, revoked), 1);
	}
	ck_assert_int_gt(X509_CRL_sign(crl, s->ca_key, EVP_sha256()), 0);
	ck_assert_int_eq(PEM_write_X509_CRL(f, crl), 1);
	ck_assert_int_eq(fclose(f), 0);
	ASN1_TIME_free(now);
	ASN1_TIME_free(next);
	X509_CRL_free(crl);
}

uint8_t *signer_cms(const struct signer *const *by, size_t count, const char *digest,
		    const void *text, size_t text_bytes, size_t *ret_bytes)
{
	const unsigned flags = CMS_DETACHED | CMS_BINARY | CMS_NOSMIMECAP;
	BIO *content = BIO_new_mem_buf(text, (int)text_bytes);
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, content, flags | CMS_PARTIAL);
	unsigned char *der = NULL;
	uint8_t *out;
	int len;

	ck_assert(content && cms);
	for (size_t i = 0; i < count; i++)
		ck_assert_ptr_nonnull(
			CMS_add1_signer(cms, by[i]->cert, by[i]->key,
					EVP_get_digestbyname(digest ? digest : "sha256"), flags));
	/* Without a signer there is nothing to finish, and OpenSSL would not. */
	if (count > 0)
		ck_assert_int_eq(CMS_final(cms, content, NULL, flags), 1);
	len = i2d_CMS_ContentInfo(cms, &der);
	ck_assert_int_gt(len, 0);
	out = malloc((size_t)len);
	memcpy(out, der, (size_t)len);
	*ret_bytes = (size_t)len;
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(content);
	return out;
}

uint8_t *signer_rsa(EVP_PKEY *key, bool pss, const void *text, size_t text_bytes, size_t *ret_bytes)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL;
	uint8_t *out = malloc((size_t)EVP_PKEY_get_size(key));

	*ret_bytes = (size_t)EVP_PKEY_get_size(key);
	ck_assert_int_eq(EVP_DigestSignInit(md, &ctx, EVP_sha256(), NULL, key), 1);
	if (pss)
		ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING), 1);
	ck_assert_int_eq(EVP_DigestSign(md, out, ret_bytes, text, text_bytes), 1);
	EVP_MD_CTX_free(md);
	return out;
}
