/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/sign.h"

#include "base/err.h"
#include "swu/sign_key.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#define DAY_S 86400
#define RSA_BITS_MIN 2048
#define NAME_BYTES 200

struct jota_signing {
	const struct jota_recipe_signing *recipe;
	const struct jota_sign_talk *talk;
	int64_t signing_time;
	struct jota_sign_key key[JOTA_RECIPE_SIGNERS_MAX];
	size_t count;
	STACK_OF(X509) * chain;
};

static void warn(const struct jota_signing *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void warn(const struct jota_signing *s, const char *fmt, ...)
{
	char text[JOTA_ERR_MSG_BYTES];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (s->talk->warn)
		s->talk->warn(s->talk->ctx, text);
}

/* "2027-01-02 03:04:05", in UTC. */
static void format_time(const ASN1_TIME *time, char *buf, size_t buf_bytes)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1 ||
	    strftime(buf, buf_bytes, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		(void)snprintf(buf, buf_bytes, "an unreadable date");
}

/* By the real clock: a device asks its own, SOURCE_DATE_EPOCH does not matter to it. */
static int check_dates(const struct jota_signing *s, const X509 *cert, const char *path,
		       struct jota_err *err)
{
	time_t margin = time(NULL) + (time_t)s->recipe->margin_days * DAY_S;
	const ASN1_TIME *from = X509_get0_notBefore(cert), *until = X509_get0_notAfter(cert);
	char when[48];

	if (X509_cmp_current_time(from) > 0) {
		format_time(from, when, sizeof(when));
		return jota_fail(err, EINVAL,
				 "certificate '%s' is not yet valid, it begins at %s; devices would "
				 "refuse the update.",
				 path, when);
	}
	format_time(until, when, sizeof(when));
	if (X509_cmp_current_time(until) < 0)
		return jota_fail(err, EINVAL,
				 "certificate '%s' expired at %s; devices would refuse the update: "
				 "sign with a new one.",
				 path, when);
	if (X509_cmp_time(until, &margin) < 0)
		warn(s,
		     "certificate '%s' expires at %s, in less than %u days; after that devices refuse "
		     "this update.",
		     path, when, s->recipe->margin_days);
	return 0;
}

static int check_purpose(const struct jota_signing *s, X509 *cert, const char *path,
			 struct jota_err *err)
{
	bool code = strcmp(s->recipe->purpose, "codeSigning") == 0;
	uint32_t flags = X509_get_extension_flags(cert);
	uint32_t usage = X509_get_extended_key_usage(cert);
	bool ok;

	if (flags & EXFLAG_INVALID)
		return jota_fail(err, EINVAL, "certificate '%s' has unreadable extensions.", path);
	if (flags & EXFLAG_CA)
		warn(s,
		     "certificate '%s' is that of an authority; sign with one that can do nothing "
		     "else.",
		     path);
	/* SWUpdate's own rule for code signing is stricter than OpenSSL's for mail. */
	ok = code ? (flags & EXFLAG_XKUSAGE) && (usage & XKU_CODE_SIGN) :
		    X509_check_purpose(cert, X509_PURPOSE_SMIME_SIGN, 0) == 1;
	if (ok)
		return 0;
	return jota_fail(
		err, EINVAL,
		"certificate '%s' is not for signing updates: expected key usage digitalSignature and "
		"extended key usage %s%s.",
		path, s->recipe->purpose,
		code ? "" :
		       " (or none); a device with --cert-purpose codeSigning needs purpose = "
		       "\"codeSigning\" here");
}

static int check_rsa(const struct jota_signing *s, const struct jota_sign_key *k,
		     struct jota_err *err)
{
	const char *method = jota_sign_method_name(s->recipe->method);
	char name[JOTA_SIGN_NAME_BYTES];

	if (EVP_PKEY_get_base_id(k->public_key) != EVP_PKEY_RSA)
		return jota_fail(err, EINVAL,
				 "method %s needs an RSA key, '%s' is %s; take an RSA key or method "
				 "cms.",
				 method, jota_sign_key_name(k->recipe, name),
				 EVP_PKEY_get0_type_name(k->public_key));
	return 0;
}

static int check_key(const struct jota_signing *s, const struct jota_sign_key *k,
		     struct jota_err *err)
{
	int type = EVP_PKEY_get_base_id(k->public_key);
	const char *path = k->recipe->certificate;
	int rc = 0;

	if (s->recipe->method != JOTA_SIGN_CMS)
		rc = check_rsa(s, k, err);
	else if (type != EVP_PKEY_RSA && type != EVP_PKEY_EC)
		rc = jota_fail(err, EINVAL,
			       "certificate '%s' has a key of type %s, which devices cannot verify "
			       "in CMS; take RSA or EC.",
			       path, EVP_PKEY_get0_type_name(k->public_key));
	if (rc == 0 && type == EVP_PKEY_RSA && EVP_PKEY_get_bits(k->public_key) < RSA_BITS_MIN)
		rc = jota_fail(err, EINVAL, "an RSA key of %d bits protects nothing, take 3072.",
			       EVP_PKEY_get_bits(k->public_key));
	if (rc < 0 || s->recipe->method != JOTA_SIGN_CMS)
		return rc;
	rc = check_dates(s, k->certificate, path, err);
	return rc < 0 ? rc : check_purpose(s, k->certificate, path, err);
}

static int check_same_twice(const struct jota_signing *s, struct jota_err *err)
{
	for (size_t i = 0; i < s->count; i++)
		for (size_t k = 0; k < i; k++)
			if (s->key[i].certificate && s->key[k].certificate &&
			    X509_cmp(s->key[i].certificate, s->key[k].certificate) == 0)
				return jota_fail(err, EINVAL, "certificate '%s' signs twice.",
						 s->key[i].recipe->certificate);
	return 0;
}

static int open_keys(struct jota_signing *s, struct jota_err *err)
{
	const EVP_MD *digest = EVP_get_digestbyname(s->recipe->digest);
	int rc = 0;

	if (!digest || EVP_MD_get_size(digest) < 32)
		return jota_fail(err, EINVAL,
				 "digest '%.40s' is not known or too weak, take sha256, sha384 or "
				 "sha512.",
				 s->recipe->digest);
	for (size_t i = 0; rc == 0 && i < s->recipe->signer_count; i++) {
		struct jota_sign_key *k = &s->key[i];

		s->count = i + 1;
		k->digest = digest;
		k->pss = s->recipe->method == JOTA_SIGN_RSA_PSS;
		rc = jota_sign_key_open(&s->recipe->signer[i], s->talk, k, err);
		if (rc == 0)
			rc = check_key(s, k, err);
	}
	if (rc == 0)
		rc = check_same_twice(s, err);
	if (rc == 0 && s->recipe->chain)
		rc = jota_sign_read_certificates(s->recipe->chain, &s->chain, err);
	if (rc == 0 && s->chain)
		warn(s,
		     "chain: Debian 12's swupdate does not look for certificates in a package; its -k "
		     "file must hold the intermediate ones beside the root.");
	if (rc == 0 && s->count > 1)
		warn(s,
		     "%zu signers: a device must trust each of them, or be built to skip unknown "
		     "signers.",
		     s->count);
	return rc;
}

int jota_signing_open(const struct jota_recipe_signing *recipe, int64_t signing_time,
		      const struct jota_sign_talk *talk, struct jota_signing **ret,
		      struct jota_err *err)
{
	struct jota_signing *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return jota_fail(err, ENOMEM, "open the keys");
	s->recipe = recipe;
	s->talk = talk;
	s->signing_time = signing_time;
	rc = open_keys(s, err);
	if (rc < 0) {
		jota_signing_free(s);
		return rc;
	}
	*ret = s;
	return 0;
}

void jota_signing_free(struct jota_signing *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		jota_sign_key_done(&s->key[i]);
	sk_X509_pop_free(s->chain, X509_free);
	free(s);
}

int jota_signing_sign(struct jota_signing *s, const void *data, size_t len_bytes, uint8_t **ret_sig,
		      size_t *ret_sig_bytes, size_t *typical_bytes, struct jota_err *err)
{
	uint8_t *sig = NULL;
	size_t sig_bytes = 0, typical = 0;
	int rc;

	if (s->recipe->method == JOTA_SIGN_CMS)
		rc = jota_sign_cms(s->key, s->count, s->chain, s->signing_time, s->talk, data,
				   len_bytes, &sig, &sig_bytes, &typical, err);
	else
		rc = jota_sign_key_sign(&s->key[0], s->talk, data, len_bytes, &sig, &sig_bytes, err);
	if (rc < 0)
		return rc;
	*ret_sig = sig;
	*ret_sig_bytes = sig_bytes;
	if (typical_bytes)
		*typical_bytes = s->recipe->method == JOTA_SIGN_CMS ? typical : sig_bytes;
	return 0;
}

void jota_signing_describe(const struct jota_signing *s, char *buf, size_t buf_bytes)
{
	char name[NAME_BYTES] = "";
	const X509 *first = s->key[0].certificate;

	if (first)
		(void)X509_NAME_get_text_by_NID(X509_get_subject_name(first), NID_commonName, name,
						(int)sizeof(name));
	(void)snprintf(buf, buf_bytes, "%s, %s%s%s%s%s", jota_sign_method_name(s->recipe->method),
		       s->recipe->digest, name[0] ? ", by '" : "", name, name[0] ? "'" : "",
		       s->count > 1 ? " and others" : "");
}
