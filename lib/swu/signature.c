/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Is a signature over sw-description good? As SWUpdate asks, and where it is lax, stricter. */
#include "base/err.h"
#include "swu/signature_trust.h"
#include "swu/verify.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define RSA_BITS_MIN 2048
#define WARN_DAYS 30
#define DAY_S INT64_C(86400)

/* One signature on its way through the checks. */
struct check {
	const struct jota_swu_trust *trust;
	const void *text, *signature;
	size_t text_bytes, signature_bytes;
	struct jota_swu_findings *f;
	struct jota_swu_signer *signer;
	size_t signer_count;
	struct jota_err *err;
};

/* The reason of OpenSSL for its last failure; its list is empty afterwards. */
static const char *openssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return reason ? reason : "no reason given";
}

#define SAY(c, fatal, code, ...)                                                                   \
	(jota_swu_finding_add((c)->f, fatal, 0, code, __VA_ARGS__) < 0 ?                           \
		 jota_fail((c)->err, ENOMEM, "keep what is wrong") :                               \
		 0)

static int64_t seconds_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static int warn_expiry(struct check *c, const struct jota_swu_signer *s)
{
	int64_t now_s = c->trust->at_s ? c->trust->at_s : (int64_t)time(NULL);
	int64_t left = (s->not_after_s - now_s) / DAY_S;

	if (left >= WARN_DAYS)
		return 0;
	return SAY(
		c, false, "certificate-expires-soon",
		"the certificate '%.120s' expires in %lld days; devices refuse the file from then "
		"on.",
		s->subject, (long long)left);
}

/* Every common name of the subject must be the one asked for. */
static int check_name(struct check *c, const X509 *cert, const char *subject)
{
	const X509_NAME *name = X509_get_subject_name(cert);
	bool any = false, all = true;
	int at = -1;

	if (!c->trust->signer_name)
		return 0;
	while ((at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0) {
		unsigned char *text = NULL;
		int len = ASN1_STRING_to_UTF8(
			&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));

		any = true;
		all &= len >= 0 && (size_t)len == strlen(c->trust->signer_name) &&
		       memcmp(text, c->trust->signer_name, (size_t)len) == 0;
		OPENSSL_free(text);
	}
	if (any && all)
		return 0;
	return SAY(c, true, "wrong-signer", "'%.120s' signed, expected the common name '%.100s'.",
		   subject, c->trust->signer_name);
}

/* The certificate that belongs to a signer is known once the signature is good. */
static int take_signer(struct check *c, CMS_SignerInfo *info)
{
	struct jota_swu_signer *s = &c->signer[c->signer_count];
	X509_ALGOR *digest = NULL;
	X509 *cert = NULL;
	const char *name;
	int nid, rc;

	CMS_SignerInfo_get0_algs(info, NULL, &cert, &digest, NULL);
	if (!cert || !digest)
		return SAY(c, true, "untrusted-signer", "a signer has no certificate.");
	nid = OBJ_obj2nid(digest->algorithm);
	name = OBJ_nid2ln(nid);
	jota_cert_subject(cert, s->subject, sizeof(s->subject));
	(void)snprintf(s->digest, sizeof(s->digest), "%s", name ? name : "unknown");
	s->not_after_s = seconds_of(X509_get0_notAfter(cert));
	c->signer_count++;
	rc = check_name(c, cert, s->subject);
	if (!rc && (nid == NID_sha1 || nid == NID_md5))
		rc = SAY(c, true, "weak-digest", "'%.120s' signed with %s, which is broken.",
			 s->subject, s->digest);
	return rc < 0 ? rc : warn_expiry(c, s);
}

static int report_cms(struct check *c, const struct jota_cert_trouble *trouble)
{
	const char *reason = openssl_reason();

	if (trouble->error)
		return SAY(c, true, jota_cert_trouble_code(trouble->error),
			   "the certificate '%.160s' of the signature is not accepted: %s.",
			   trouble->subject, X509_verify_cert_error_string(trouble->error));
	return SAY(c, true, "bad-signature",
		   "the signature does not belong to this sw-description: %s.", reason);
}

static int check_signers(struct check *c, CMS_ContentInfo *cms, X509_STORE *store,
			 const struct jota_cert_trouble *trouble)
{
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
	int count = infos ? sk_CMS_SignerInfo_num(infos) : 0, rc = 0;
	BIO *content;

	/* OpenSSL 3 refuses it too; that it goes on doing so is not taken for granted. */
	if (count <= 0)
		return SAY(c, true, "no-signer", "the signature has no signer in it.");
	if (count > JOTA_SWU_SIGNERS_MAX)
		return SAY(c, true, "signature-form", "%d signers, at most %d are expected.", count,
			   JOTA_SWU_SIGNERS_MAX);
	content = BIO_new_mem_buf(c->text, (int)c->text_bytes);
	if (!content)
		return jota_fail(c->err, ENOMEM, "check the signature");
	if (CMS_verify(cms, NULL, store, content, NULL, CMS_BINARY) != 1)
		rc = report_cms(c, trouble);
	else
		for (int i = 0; !rc && i < count; i++)
			rc = take_signer(c, sk_CMS_SignerInfo_value(infos, i));
	BIO_free(content);
	return rc;
}

static int check_message(struct check *c, X509_STORE *store, const struct jota_cert_trouble *trouble)
{
	BIO *bio = BIO_new_mem_buf(c->signature, (int)c->signature_bytes);
	CMS_ContentInfo *cms = bio ? d2i_CMS_bio(bio, NULL) : NULL;
	int rc;

	if (!bio)
		rc = jota_fail(c->err, ENOMEM, "read the signature");
	else if (!cms)
		rc = SAY(c, true, "signature-form",
			 "the signature of %zu bytes is no CMS message in DER form: %s.",
			 c->signature_bytes, openssl_reason());
	else if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)
		rc = SAY(c, true, "signature-form",
			 "the signature is a CMS message of another kind.");
	else if (BIO_pending(bio) > 0)
		rc = SAY(c, true, "signature-form", "%d bytes follow the end of the signature.",
			 (int)BIO_pending(bio));
	else
		rc = check_signers(c, cms, store, trouble);
	CMS_ContentInfo_free(cms);
	BIO_free(bio);
	return rc;
}

static int check_cms(struct check *c)
{
	struct jota_cert_trouble trouble = { 0 };
	X509_STORE *store = NULL;
	int rc = jota_cert_store_open(c->trust, &trouble, &store, c->err);

	if (rc < 0)
		return rc;
	rc = check_message(c, store, &trouble);
	X509_STORE_free(store);
	return rc;
}

static int read_public_key(const char *path, EVP_PKEY **ret, struct jota_err *err)
{
	BIO *bio = BIO_new_file(path, "rb");

	if (!bio)
		return jota_fail(err, errno ? errno : EIO, "open the public key '%s'", path);
	*ret = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	ERR_clear_error();
	if (!*ret)
		return jota_fail(err, EINVAL, "'%s' holds no public key in PEM form.", path);
	if (EVP_PKEY_get_base_id(*ret) == EVP_PKEY_RSA)
		return 0;
	EVP_PKEY_free(*ret);
	return jota_fail(err, EINVAL, "'%s' is no key of RSA.", path);
}

/* 1: good, 0: not; anything else of OpenSSL's is not good either. */
static bool rsa_is_good(const struct check *c, EVP_PKEY *key)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL;
	bool good = md && EVP_DigestVerifyInit(md, &ctx, EVP_sha256(), NULL, key) == 1;

	if (good && c->trust->method == JOTA_SIGN_RSA_PSS)
		good = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_AUTO) == 1;
	good = good &&
	       EVP_DigestVerify(md, c->signature, c->signature_bytes, c->text, c->text_bytes) == 1;
	EVP_MD_CTX_free(md);
	return good;
}

static int check_rsa(struct check *c)
{
	EVP_PKEY *key = NULL;
	int rc = read_public_key(c->trust->anchors, &key, c->err), bits;

	if (rc < 0)
		return rc;
	bits = EVP_PKEY_get_bits(key);
	/* SWUpdate reads as many bytes as the key has and passes over the rest. */
	if (c->signature_bytes != (size_t)EVP_PKEY_get_size(key)) {
		rc = SAY(c, true, "signature-form",
			 "the signature has %zu bytes, expected %d for this key.",
			 c->signature_bytes, EVP_PKEY_get_size(key));
	} else if (!rsa_is_good(c, key)) {
		rc = SAY(c, true, "bad-signature",
			 "the signature does not belong to this sw-description and key (%s): %s.",
			 jota_sign_method_name(c->trust->method), openssl_reason());
	} else {
		struct jota_swu_signer *s = &c->signer[c->signer_count++];

		(void)snprintf(s->subject, sizeof(s->subject), "%d bit key '%s'", bits,
			       c->trust->anchors);
		(void)snprintf(s->digest, sizeof(s->digest), "sha256");
		if (bits < RSA_BITS_MIN)
			rc = SAY(c, false, "weak-key",
				 "the key has %d bits, at least %d are asked for.", bits,
				 RSA_BITS_MIN);
	}
	EVP_PKEY_free(key);
	return rc;
}

int jota_swu_signature_check(const struct jota_swu_trust *trust, const void *text,
			     size_t text_bytes, const void *signature, size_t signature_bytes,
			     struct jota_swu_findings *f,
			     struct jota_swu_signer signer[JOTA_SWU_SIGNERS_MAX], size_t *ret_count,
			     struct jota_err *err)
{
	struct check c = { .trust = trust,
			   .text = text,
			   .text_bytes = text_bytes,
			   .signature = signature,
			   .signature_bytes = signature_bytes,
			   .f = f,
			   .signer = signer,
			   .err = err };
	size_t before = jota_swu_findings_fatal(f);
	int rc = 0;

	*ret_count = 0;
	ERR_clear_error();
	errno = 0;
	if (signature_bytes == 0)
		return SAY(&c, true, "empty-signature", "the signature is empty.");
	if (text_bytes > INT_MAX || signature_bytes > INT_MAX)
		return jota_fail(err, EFBIG, "check the signature");
	switch (trust->method) {
	case JOTA_SIGN_CMS:
		rc = check_cms(&c);
		break;
	case JOTA_SIGN_RSA:
	case JOTA_SIGN_RSA_PSS:
		rc = check_rsa(&c);
		break;
	case JOTA_SIGN_METHOD_COUNT:
		return jota_fail(err, EINVAL, "a signature of no known method");
	}
	if (!rc && jota_swu_findings_fatal(f) == before)
		*ret_count = c.signer_count;
	return rc;
}
