/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/sign_key.h"

#include "base/cleanup.h"
#include "base/err.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

/* A day has room for a file of this size, and no key or list of certificates is larger. */
#define PEM_BYTES_MAX (1 << 20)

int jota_sign_fail(struct jota_err *err, int errnum, const char *fmt, ...)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	char text[JOTA_ERR_MSG_BYTES];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	ERR_clear_error();
	return jota_fail(err, errnum, "%s: %s.", text, reason ? reason : "no reason given");
}

const char *jota_sign_key_name(const struct jota_recipe_signer *recipe,
			       char buf[JOTA_SIGN_NAME_BYTES])
{
	const char *key = recipe->key ? recipe->key : recipe->command.item[0];
	const char *pin = strstr(key, "pin-value=");
	int head;

	/* Logs of CI are read by many. */
	if (!pin || strncmp(key, "pkcs11:", 7) != 0) {
		(void)snprintf(buf, JOTA_SIGN_NAME_BYTES, "%s", key);
		return buf;
	}
	pin += strlen("pin-value=");
	head = pin - key < JOTA_SIGN_NAME_BYTES ? (int)(pin - key) : JOTA_SIGN_NAME_BYTES;
	(void)snprintf(buf, JOTA_SIGN_NAME_BYTES, "%.*s...%s", head, key, pin + strcspn(pin, ";&?"));
	return buf;
}

/* The whole file, so that OpenSSL never sees a device or a pipe. */
static int open_pem(const char *path, BIO **ret, struct jota_err *err)
{
	struct stat st;

	*ret = BIO_new_file(path, "r");
	if (!*ret) {
		int errnum = errno;

		ERR_clear_error();
		return jota_fail(err, errnum, "open '%s'", path);
	}
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= PEM_BYTES_MAX)
		return 0;
	BIO_free(*ret);
	*ret = NULL;
	return jota_fail(err, EINVAL, "'%s' is no file with a key or certificates.", path);
}

struct question {
	const struct jota_sign_talk *talk;
	const char *path;
	struct jota_err *err;
	bool asked;
	int rc;
};

static int answer(char *buf, int buf_bytes, int writing, void *ctx)
{
	struct question *q = ctx;

	(void)writing;
	q->asked = true;
	if (buf_bytes <= 1)
		return -1;
	q->rc = q->talk->ask ? q->talk->ask(q->talk->ctx, q->path, buf, (size_t)buf_bytes, q->err) :
			       jota_fail(q->err, EACCES, "'%s' has a passphrase.", q->path);
	return q->rc < 0 ? -1 : (int)strlen(buf);
}

static int read_private_key(const char *path, const struct jota_sign_talk *talk, EVP_PKEY **ret,
			    struct jota_err *err)
{
	struct question q = { .talk = talk, .path = path, .err = err };
	struct stat st;
	BIO *bio = NULL;
	int rc = open_pem(path, &bio, err);

	if (rc < 0)
		return rc;
	*ret = PEM_read_bio_PrivateKey(bio, NULL, answer, &q);
	BIO_free(bio);
	if (!*ret) {
		if (q.rc < 0) {
			ERR_clear_error();
			return q.rc;
		}
		if (q.asked)
			return jota_sign_fail(err, EACCES,
					      "the passphrase for '%s' is not the right one", path);
		return jota_sign_fail(err, EINVAL, "'%s' holds no private key in PEM", path);
	}
	if (stat(path, &st) == 0 && (st.st_mode & 077) != 0 && talk->warn) {
		char text[PATH_MAX + 100];

		(void)snprintf(text, sizeof(text),
			       "'%s' can be read by others than its owner: chmod 0600.", path);
		talk->warn(talk->ctx, text);
	}
	return 0;
}

int jota_sign_read_certificates(const char *path, STACK_OF(X509) * *ret, struct jota_err *err)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	BIO *bio = NULL;
	X509 *one;
	int rc = open_pem(path, &bio, err);

	if (rc == 0 && !all)
		rc = jota_fail(err, ENOMEM, "read '%s'", path);
	while (rc == 0 && (one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_push(all, one) <= 0) {
			X509_free(one);
			rc = jota_fail(err, ENOMEM, "read '%s'", path);
		}
	}
	BIO_free(bio);
	if (rc == 0 && sk_X509_num(all) == 0)
		rc = jota_sign_fail(err, EINVAL, "'%s' holds no certificate in PEM", path);
	ERR_clear_error();
	if (rc < 0) {
		sk_X509_pop_free(all, X509_free);
		return rc;
	}
	*ret = all;
	return 0;
}

static int read_certificate(const char *path, X509 **ret, struct jota_err *err)
{
	STACK_OF(X509) *all = NULL;
	int rc = jota_sign_read_certificates(path, &all, err);

	if (rc < 0)
		return rc;
	/* The first one signs; what stands behind it is for the key `chain`. */
	*ret = sk_X509_shift(all);
	sk_X509_pop_free(all, X509_free);
	return 0;
}

static int read_public_key(const char *path, EVP_PKEY **ret, struct jota_err *err)
{
	BIO *bio = NULL;
	int rc = open_pem(path, &bio, err);

	if (rc < 0)
		return rc;
	*ret = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return *ret ? 0 : jota_sign_fail(err, EINVAL, "'%s' holds no public key in PEM", path);
}

/* Certificate, public key file or private key: the first that is there says what verifies. */
static int find_public_key(struct jota_sign_key *k, struct jota_err *err)
{
	char name[JOTA_SIGN_NAME_BYTES];

	if (k->certificate)
		k->public_key = X509_get_pubkey(k->certificate);
	else if (k->recipe->public_key)
		return read_public_key(k->recipe->public_key, &k->public_key, err);
	else if (k->private_key && EVP_PKEY_up_ref(k->private_key) == 1)
		k->public_key = k->private_key;
	if (k->public_key)
		return 0;
	return jota_sign_fail(err, EINVAL, "'%s' has no usable public key",
			      k->certificate ? k->recipe->certificate :
					       jota_sign_key_name(k->recipe, name));
}

static int check_match(const struct jota_sign_key *k, struct jota_err *err)
{
	const struct jota_recipe_signer *r = k->recipe;
	char name[JOTA_SIGN_NAME_BYTES];

	if (!k->private_key || EVP_PKEY_eq(k->public_key, k->private_key) == 1)
		return 0;
	ERR_clear_error();
	return jota_fail(err, EINVAL, "the key '%s' does not belong to '%s'.",
			 jota_sign_key_name(r, name),
			 r->certificate ? r->certificate : r->public_key);
}

int jota_sign_key_open(const struct jota_recipe_signer *recipe, const struct jota_sign_talk *talk,
		       struct jota_sign_key *ret, struct jota_err *err)
{
	int rc = 0;

	ret->recipe = recipe;
	if (recipe->certificate)
		rc = read_certificate(recipe->certificate, &ret->certificate, err);
	if (rc == 0 && recipe->key) {
		if (strncmp(recipe->key, "pkcs11:", 7) == 0) {
			ret->private_key = jota_sign_pkcs11(recipe, talk, err);
			rc = ret->private_key ? 0 : -EINVAL;
		} else {
			rc = read_private_key(recipe->key, talk, &ret->private_key, err);
		}
	}
	if (rc == 0)
		rc = find_public_key(ret, err);
	if (rc == 0)
		rc = check_match(ret, err);
	return rc;
}

void jota_sign_key_done(struct jota_sign_key *k)
{
	EVP_PKEY_free(k->private_key);
	EVP_PKEY_free(k->public_key);
	X509_free(k->certificate);
	memset(k, 0, sizeof(*k));
}

static int set_padding(const struct jota_sign_key *k, EVP_PKEY_CTX *ctx, int salt_bytes)
{
	if (!k->pss)
		return 1;
	if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) <= 0)
		return 0;
	return EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt_bytes) > 0;
}

static int sign_here(const struct jota_sign_key *k, const uint8_t *data, size_t len_bytes,
		     uint8_t **ret_sig, size_t *ret_sig_bytes, struct jota_err *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	CLEANUP_FREE uint8_t *sig = NULL;
	char name[JOTA_SIGN_NAME_BYTES];
	EVP_PKEY_CTX *inner = NULL;
	size_t room = 0;
	int ok = ctx && EVP_DigestSignInit(ctx, &inner, k->digest, NULL, k->private_key) == 1 &&
		 set_padding(k, inner, RSA_PSS_SALTLEN_DIGEST) &&
		 EVP_DigestSign(ctx, NULL, &room, data, len_bytes) == 1;

	if (ok)
		sig = malloc(room);
	ok = ok && sig && EVP_DigestSign(ctx, sig, &room, data, len_bytes) == 1;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return jota_sign_fail(err, EIO, "'%s' cannot sign",
				      jota_sign_key_name(k->recipe, name));
	*ret_sig = take_ptr(&sig);
	*ret_sig_bytes = room;
	return 0;
}

/* What a token or a program gives is believed only after a look: so no damaged .swu leaves here. */
static int check_signature(const struct jota_sign_key *k, const uint8_t *data, size_t len_bytes,
			   const uint8_t *sig, size_t sig_bytes, struct jota_err *err)
{
	char name[JOTA_SIGN_NAME_BYTES];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *inner = NULL;
	int ok = ctx && EVP_DigestVerifyInit(ctx, &inner, k->digest, NULL, k->public_key) == 1 &&
		 set_padding(k, inner, RSA_PSS_SALTLEN_AUTO) &&
		 EVP_DigestVerify(ctx, sig, sig_bytes, data, len_bytes) == 1;

	EVP_MD_CTX_free(ctx);
	if (ok)
		return 0;
	ERR_clear_error();
	return jota_fail(
		err, EBADMSG,
		"what '%s' gave (%zu bytes) is no valid signature by the key of '%s'; expected %s "
		"over the %s.",
		jota_sign_key_name(k->recipe, name), sig_bytes,
		k->recipe->certificate ? k->recipe->certificate :
		k->recipe->public_key  ? k->recipe->public_key :
					 name,
		k->pss ? "RSA-PSS" : EVP_PKEY_get0_type_name(k->public_key),
		k->recipe->command_takes_data ? "data on its input" : "digest on its input");
}

int jota_sign_key_sign(const struct jota_sign_key *k, const struct jota_sign_talk *talk,
		       const uint8_t *data, size_t len_bytes, uint8_t **ret_sig,
		       size_t *ret_sig_bytes, struct jota_err *err)
{
	CLEANUP_FREE uint8_t *sig = NULL;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned digest_bytes = 0;
	size_t sig_bytes = 0;
	int rc;

	if (k->private_key) {
		rc = sign_here(k, data, len_bytes, &sig, &sig_bytes, err);
	} else if (k->recipe->command_takes_data) {
		rc = jota_sign_command(k->recipe, talk->cancel, data, len_bytes, &sig, &sig_bytes,
				       err);
	} else {
		if (EVP_Digest(data, len_bytes, digest, &digest_bytes, k->digest, NULL) != 1)
			return jota_sign_fail(err, EIO, "digest of sw-description");
		rc = jota_sign_command(k->recipe, talk->cancel, digest, digest_bytes, &sig,
				       &sig_bytes, err);
	}
	if (rc == 0)
		rc = check_signature(k, data, len_bytes, sig, sig_bytes, err);
	if (rc < 0)
		return rc;
	*ret_sig = take_ptr(&sig);
	*ret_sig_bytes = sig_bytes;
	return 0;
}
