/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/signature_trust.h"

#include "base/err.h"
#include "swu/verify.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Index 0 of a store's application data is for its owner. */
#define OWNER_INDEX 0

void jota_cert_subject(const X509 *cert, char *buf, size_t buf_bytes)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = 0;

	if (bio && X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_ONELINE) >= 0)
		n = BIO_read(bio, buf, (int)(buf_bytes - 1));
	buf[n > 0 ? n : 0] = '\0';
	for (char *p = buf; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			*p = '?';
	BIO_free(bio);
}

const char *jota_cert_trouble_code(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "certificate-expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "certificate-not-yet-valid";
	case X509_V_ERR_INVALID_PURPOSE:
		return "wrong-purpose";
	case X509_V_ERR_CERT_REVOKED:
		return "certificate-revoked";
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID:
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
		return "bad-crl";
	default:
		return "untrusted-signer";
	}
}

/* SWUpdate's own check for codeSigning: the signer must name it, whoever issues must allow it. */
static bool may_sign_code(X509 *cert, int depth)
{
	bool named = X509_get_extension_flags(cert) & EXFLAG_XKUSAGE;
	bool code = X509_get_extended_key_usage(cert) & XKU_CODE_SIGN;

	return depth == 0 ? named && code : !named || code;
}

static int judge(int ok, X509_STORE_CTX *ctx)
{
	struct jota_cert_trouble *t =
		X509_STORE_get_ex_data(X509_STORE_CTX_get0_store(ctx), OWNER_INDEX);
	X509 *cert = X509_STORE_CTX_get_current_cert(ctx);
	int depth = X509_STORE_CTX_get_error_depth(ctx);

	/* Lists of the authorities above the signer's are welcome, not required. */
	if (!ok && depth > 0 && X509_STORE_CTX_get_error(ctx) == X509_V_ERR_UNABLE_TO_GET_CRL) {
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
		return 1;
	}
	if (ok && t->code_signing && cert && !may_sign_code(cert, depth)) {
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_INVALID_PURPOSE);
		ok = 0;
	}
	if (!ok && t->error == 0) {
		t->error = X509_STORE_CTX_get_error(ctx);
		t->subject[0] = '\0';
		if (cert)
			jota_cert_subject(cert, t->subject, sizeof(t->subject));
	}
	return ok;
}

static int add_anchors(X509_STORE *store, const char *path, size_t *count, struct jota_err *err)
{
	BIO *bio = BIO_new_file(path, "rb");
	X509 *cert;
	int rc = 0;

	if (!bio)
		return jota_fail(err, errno ? errno : EIO, "open the certificates '%s'", path);
	while (!rc && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		if (X509_STORE_add_cert(store, cert) == 1)
			(*count)++;
		else
			rc = jota_fail(err, ENOMEM, "take a certificate of '%s'", path);
		X509_free(cert);
	}
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

/* Every file of a folder; what holds no certificate is passed over. */
static int add_folder(X509_STORE *store, const char *folder, size_t *count, struct jota_err *err)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	int rc = 0;

	if (!dir)
		return jota_fail(err, errno, "open the folder '%s'", folder);
	while (!rc && (entry = readdir(dir))) {
		char path[PATH_MAX];
		struct stat st;

		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) >=
		    (int)sizeof(path))
			rc = jota_fail(err, ENAMETOOLONG, "'%s/%s'", folder, entry->d_name);
		else if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
			rc = add_anchors(store, path, count, err);
	}
	(void)closedir(dir);
	return rc;
}

static int add_crls(X509_STORE *store, const char *path, struct jota_err *err)
{
	BIO *bio = BIO_new_file(path, "rb");
	size_t count = 0;
	X509_CRL *crl;
	int rc = 0;

	if (!bio)
		return jota_fail(err, errno ? errno : EIO, "open the revocation list '%s'", path);
	while (!rc && (crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL))) {
		if (X509_STORE_add_crl(store, crl) == 1)
			count++;
		else
			rc = jota_fail(err, ENOMEM, "take the revocation list '%s'", path);
		X509_CRL_free(crl);
	}
	BIO_free(bio);
	ERR_clear_error();
	if (!rc && count == 0)
		rc = jota_fail(err, EINVAL, "'%s' holds no revocation list in PEM form.", path);
	return rc;
}

static int set_purpose(X509_STORE *store, const struct jota_swu_trust *trust,
		       struct jota_cert_trouble *trouble, struct jota_err *err)
{
	int purpose = X509_PURPOSE_SMIME_SIGN;

	if (trust->purpose && strcmp(trust->purpose, "codeSigning") == 0) {
		trouble->code_signing = true;
		purpose = X509_PURPOSE_ANY;
	} else if (trust->purpose && strcmp(trust->purpose, "emailProtection") != 0) {
		return jota_fail(err, EINVAL,
				 "purpose '%.60s' is not known; there are emailProtection and "
				 "codeSigning.",
				 trust->purpose);
	}
	if (X509_STORE_set_purpose(store, purpose) != 1)
		return jota_fail(err, ENOMEM, "set the purpose of certificates");
	return 0;
}

static int fill_store(X509_STORE *store, const struct jota_swu_trust *trust,
		      struct jota_cert_trouble *trouble, struct jota_err *err)
{
	X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);
	size_t count = 0;
	struct stat st;
	int rc = set_purpose(store, trust, trouble, err);

	if (rc < 0)
		return rc;
	if (stat(trust->anchors, &st) < 0)
		return jota_fail(err, errno, "open the certificates '%s'", trust->anchors);
	rc = S_ISDIR(st.st_mode) ? add_folder(store, trust->anchors, &count, err) :
				   add_anchors(store, trust->anchors, &count, err);
	if (rc < 0)
		return rc;
	if (count == 0)
		return jota_fail(err, EINVAL, "'%s' holds no certificate in PEM form.",
				 trust->anchors);
	if (trust->at_s)
		X509_VERIFY_PARAM_set_time(param, (time_t)trust->at_s);
	if (!trust->crl)
		return 0;
	rc = add_crls(store, trust->crl, err);
	if (!rc &&
	    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) != 1)
		rc = jota_fail(err, ENOMEM, "ask for revoked certificates");
	return rc;
}

int jota_cert_store_open(const struct jota_swu_trust *trust, struct jota_cert_trouble *trouble,
			 X509_STORE **ret, struct jota_err *err)
{
	X509_STORE *store = X509_STORE_new();
	int rc;

	if (!store || X509_STORE_set_ex_data(store, OWNER_INDEX, trouble) != 1) {
		X509_STORE_free(store);
		return jota_fail(err, ENOMEM, "hold the certificates");
	}
	X509_STORE_set_verify_cb(store, judge);
	rc = fill_store(store, trust, trouble, err);
	if (rc < 0)
		X509_STORE_free(store);
	else
		*ret = store;
	return rc;
}
