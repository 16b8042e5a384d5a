/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * CMS with the signature itself made elsewhere: OpenSSL would insist on a private key in its own
 * hands. So the signed attributes are put together here, encoded as RFC 5652 section 5.4 wants them
 * signed (a SET OF in DER, sorted), and what the key gives is put in.
 */
#include "swu/sign_key.h"

#include "base/cleanup.h"
#include "base/err.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#define ATTRIBUTES_MAX 8
#define DER_SET 0x31

struct encoded {
	uint8_t *der;
	size_t len_bytes;
};

static int compare_encoded(const void *a, const void *b)
{
	const struct encoded *x = a, *y = b;
	size_t common = x->len_bytes < y->len_bytes ? x->len_bytes : y->len_bytes;
	int order = memcmp(x->der, y->der, common);

	if (order != 0)
		return order;
	return x->len_bytes < y->len_bytes ? -1 : x->len_bytes > y->len_bytes;
}

/* Tag and length in front of the content; at most 4 bytes for what fits into 64 KiB. */
static size_t put_set_header(uint8_t *p, size_t content_bytes)
{
	size_t n = 0;

	p[n++] = DER_SET;
	if (content_bytes < 0x80) {
		p[n++] = (uint8_t)content_bytes;
	} else if (content_bytes < 0x100) {
		p[n++] = 0x81;
		p[n++] = (uint8_t)content_bytes;
	} else {
		p[n++] = 0x82;
		p[n++] = (uint8_t)(content_bytes >> 8);
		p[n++] = (uint8_t)content_bytes;
	}
	return n;
}

static int join_sorted(struct encoded *part, size_t count, uint8_t **ret, size_t *ret_bytes)
{
	size_t total = 0, at;
	uint8_t *out;

	for (size_t i = 0; i < count; i++)
		total += part[i].len_bytes;
	if (total > UINT16_MAX)
		return -EFBIG;
	out = malloc(total + 4);
	if (!out)
		return -ENOMEM;
	qsort(part, count, sizeof(*part), compare_encoded);
	at = put_set_header(out, total);
	for (size_t i = 0; i < count; i++) {
		memcpy(out + at, part[i].der, part[i].len_bytes);
		at += part[i].len_bytes;
	}
	*ret = out;
	*ret_bytes = at;
	return 0;
}

static int encode_attributes(const CMS_SignerInfo *si, uint8_t **ret, size_t *ret_bytes)
{
	struct encoded part[ATTRIBUTES_MAX] = { 0 };
	int count = CMS_signed_get_attr_count(si);
	int rc = count <= 0 || count > ATTRIBUTES_MAX ? -EINVAL : 0;

	for (int i = 0; rc == 0 && i < count; i++) {
		X509_ATTRIBUTE *attr = CMS_signed_get_attr(si, i);
		int n = i2d_X509_ATTRIBUTE(attr, &part[i].der);

		if (n <= 0)
			rc = -ENOMEM;
		else
			part[i].len_bytes = (size_t)n;
	}
	if (rc == 0)
		rc = join_sorted(part, (size_t)count, ret, ret_bytes);
	for (size_t i = 0; i < ATTRIBUTES_MAX; i++)
		OPENSSL_free(part[i].der);
	return rc;
}

static bool add_attributes(CMS_SignerInfo *si, const struct jota_sign_key *k, int64_t signing_time,
			   const uint8_t *data, size_t len_bytes)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned digest_bytes = 0;
	ASN1_TIME *time = signing_time < 0 ? X509_gmtime_adj(NULL, 0) :
					     ASN1_TIME_set(NULL, (time_t)signing_time);
	bool ok = time &&
		  EVP_Digest(data, len_bytes, digest, &digest_bytes, k->digest, NULL) == 1 &&
		  CMS_signed_add1_attr_by_NID(si, NID_pkcs9_contentType, V_ASN1_OBJECT,
					      OBJ_nid2obj(NID_pkcs7_data), -1) == 1 &&
		  CMS_signed_add1_attr_by_NID(si, NID_pkcs9_signingTime, ASN1_STRING_type(time),
					      time, -1) == 1 &&
		  CMS_signed_add1_attr_by_NID(si, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING,
					      digest, (int)digest_bytes) == 1;

	ASN1_TIME_free(time);
	return ok;
}

/* A DER signature of a curve: two integers of curve size, each with a leading zero half of the time. */
static size_t typical_signature(const struct jota_sign_key *k, size_t sig_bytes)
{
	int max = EVP_PKEY_get_size(k->public_key);

	if (EVP_PKEY_get_base_id(k->public_key) != EVP_PKEY_EC || max <= 1)
		return sig_bytes;
	return (size_t)max - 1;
}

static int add_signer(CMS_ContentInfo *cms, const struct jota_sign_key *k, int64_t signing_time,
		      const struct jota_sign_talk *talk, const uint8_t *data, size_t len_bytes,
		      size_t *slack_bytes, struct jota_err *err)
{
	/* Only the public half: the certificate's own, so that OpenSSL is content with the pair. */
	CMS_SignerInfo *si = CMS_add1_signer(cms, k->certificate, k->public_key, k->digest,
					     CMS_NOSMIMECAP | CMS_BINARY | CMS_PARTIAL);
	CLEANUP_FREE uint8_t *attributes = NULL;
	CLEANUP_FREE uint8_t *sig = NULL;
	size_t attributes_bytes = 0, sig_bytes = 0;
	int rc;

	if (!si || !add_attributes(si, k, signing_time, data, len_bytes))
		return jota_sign_fail(err, EINVAL, "'%s' cannot be used for a CMS signature",
				      k->recipe->certificate);
	rc = encode_attributes(si, &attributes, &attributes_bytes);
	if (rc < 0)
		return jota_fail(err, -rc, "encode the attributes of the signature");
	rc = jota_sign_key_sign(k, talk, attributes, attributes_bytes, &sig, &sig_bytes, err);
	if (rc < 0)
		return rc;
	if (sig_bytes > INT_MAX ||
	    ASN1_OCTET_STRING_set(CMS_SignerInfo_get0_signature(si), sig, (int)sig_bytes) != 1)
		return jota_sign_fail(err, ENOMEM, "sign");
	*slack_bytes += typical_signature(k, sig_bytes) - sig_bytes;
	return 0;
}

static int add_chain(CMS_ContentInfo *cms, const STACK_OF(X509) * chain, struct jota_err *err)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		/* Twice the same one is no error. */
		if (CMS_add1_cert(cms, sk_X509_value(chain, i)) != 1 &&
		    ERR_GET_REASON(ERR_peek_last_error()) != CMS_R_CERTIFICATE_ALREADY_PRESENT)
			return jota_sign_fail(err, EINVAL, "put a certificate of the chain in");
		ERR_clear_error();
	}
	return 0;
}

/* As a device reads it, except that trust in the certificates is its own affair. */
static int check_again(const uint8_t *der, int der_bytes, const uint8_t *data, size_t len_bytes,
		       struct jota_err *err)
{
	const uint8_t *at = der;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, der_bytes);
	BIO *bio = BIO_new_mem_buf(data, (int)len_bytes);
	int ok = cms && bio &&
		 CMS_verify(cms, NULL, NULL, bio, NULL,
			    CMS_BINARY | CMS_DETACHED | CMS_NO_SIGNER_CERT_VERIFY) == 1;

	CMS_ContentInfo_free(cms);
	BIO_free(bio);
	return ok ? 0 : jota_sign_fail(err, EBADMSG, "the new signature does not verify");
}

int jota_sign_cms(const struct jota_sign_key *key, size_t count, STACK_OF(X509) * chain,
		  int64_t signing_time, const struct jota_sign_talk *talk, const uint8_t *data,
		  size_t len_bytes, uint8_t **ret_sig, size_t *ret_sig_bytes, size_t *typical_bytes,
		  struct jota_err *err)
{
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL,
					CMS_PARTIAL | CMS_DETACHED | CMS_BINARY | CMS_NOSMIMECAP);
	size_t slack_bytes = 0; /* may be "negative": unsigned arithmetic comes out right */
	uint8_t *der = NULL;
	int n = 0, rc = 0;

	if (!cms || CMS_set_detached(cms, 1) != 1 || len_bytes > INT_MAX)
		rc = jota_sign_fail(err, ENOMEM, "make a CMS signature");
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = add_signer(cms, &key[i], signing_time, talk, data, len_bytes, &slack_bytes,
				err);
	if (rc == 0 && chain)
		rc = add_chain(cms, chain, err);
	if (rc == 0) {
		n = i2d_CMS_ContentInfo(cms, &der);
		rc = n > 0 ? check_again(der, n, data, len_bytes, err) :
			     jota_sign_fail(err, ENOMEM, "encode the CMS signature");
	}
	CMS_ContentInfo_free(cms);
	if (rc == 0) {
		*ret_sig = malloc((size_t)n);
		if (*ret_sig) {
			memcpy(*ret_sig, der, (size_t)n);
			*ret_sig_bytes = (size_t)n;
			*typical_bytes = (size_t)n + slack_bytes;
		} else {
			rc = jota_fail(err, ENOMEM, "sign");
		}
	}
	OPENSSL_free(der);
	return rc;
}
