/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Preloaded: one call that jetson-swu makes of one function of OpenSSL fails; those that OpenSSL makes of
 * itself do not count. JOTA_FAIL_NAME says which function,
 * JOTA_FAIL_CALL which call of it (from 1), JOTA_FAIL_MINUS makes it -1 where a failure can be that.
 * The names of the functions that are called go into the file JOTA_FAIL_LOG, if it is given.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In one write: threads note at the same time. */
static void note(const char *path, const char *name)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	char line[128];
	int len = snprintf(line, sizeof(line), "%s\n", name);
	ssize_t n = write(fd, line, (size_t)len);

	(void)n;
	close(fd);
}

static bool fails(const char *name, const void *caller)
{
	static atomic_int calls;
	const char *log = getenv("JOTA_FAIL_LOG"), *which = getenv("JOTA_FAIL_NAME");
	const char *call = getenv("JOTA_FAIL_CALL");
	Dl_info from;

	if (dladdr(caller, &from) == 0 || strstr(from.dli_fname, "jetson-swu") == NULL)
		return false;
	if (log)
		note(log, name);
	if (!which || !call || strcmp(which, name) != 0)
		return false;
	return atomic_fetch_add(&calls, 1) + 1 == (int)strtol(call, NULL, 10);
}

/* What stands for a list of parameters cannot be in parentheses of its own. */
/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define WRAP(type, name, parameters, arguments, bad)                                               \
	type name parameters                                                                       \
	{                                                                                          \
		type(*real) parameters;                                                            \
		void *symbol = dlsym(RTLD_NEXT, #name);                                            \
                                                                                                   \
		memcpy(&real, &symbol, sizeof(real));                                              \
		return fails(#name, __builtin_return_address(0)) ? (bad) : real arguments;         \
	}
/* NOLINTEND(bugprone-macro-parentheses) */
#define MINUS (getenv("JOTA_FAIL_MINUS") ? -1 : 0)

WRAP(EVP_MD_CTX *, EVP_MD_CTX_new, (void), (), NULL)
WRAP(int, EVP_DigestInit_ex, (EVP_MD_CTX * c, const EVP_MD *t, ENGINE *e), (c, t, e), 0)
WRAP(int, EVP_DigestUpdate, (EVP_MD_CTX * c, const void *d, size_t n), (c, d, n), 0)
WRAP(int, EVP_DigestFinal_ex, (EVP_MD_CTX * c, unsigned char *d, unsigned *n), (c, d, n), 0)
WRAP(int, EVP_DigestVerifyInit,
     (EVP_MD_CTX * c, EVP_PKEY_CTX **p, const EVP_MD *t, ENGINE *e, EVP_PKEY *k), (c, p, t, e, k), 0)
WRAP(int, EVP_DigestVerify,
     (EVP_MD_CTX * c, const unsigned char *s, size_t sn, const unsigned char *d, size_t dn),
     (c, s, sn, d, dn), MINUS)
WRAP(int, EVP_PKEY_CTX_set_rsa_padding, (EVP_PKEY_CTX * c, int padding), (c, padding), MINUS)
WRAP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_new, (void), (), NULL)
WRAP(int, EVP_DecryptInit_ex,
     (EVP_CIPHER_CTX * c, const EVP_CIPHER *t, ENGINE *e, const unsigned char *k,
      const unsigned char *iv),
     (c, t, e, k, iv), 0)
WRAP(int, EVP_DecryptUpdate,
     (EVP_CIPHER_CTX * c, unsigned char *o, int *on, const unsigned char *i, int n),
     (c, o, on, i, n), 0)
WRAP(int, EVP_DecryptFinal_ex, (EVP_CIPHER_CTX * c, unsigned char *o, int *on), (c, o, on), 0)
WRAP(int, EVP_EncryptInit_ex,
     (EVP_CIPHER_CTX * c, const EVP_CIPHER *t, ENGINE *e, const unsigned char *k,
      const unsigned char *iv),
     (c, t, e, k, iv), 0)
WRAP(int, EVP_EncryptUpdate,
     (EVP_CIPHER_CTX * c, unsigned char *o, int *on, const unsigned char *i, int n),
     (c, o, on, i, n), 0)
WRAP(int, EVP_EncryptFinal_ex, (EVP_CIPHER_CTX * c, unsigned char *o, int *on), (c, o, on), 0)
WRAP(int, RAND_bytes, (unsigned char *b, int n), (b, n), MINUS)
WRAP(int, CMS_verify,
     (CMS_ContentInfo * c, STACK_OF(X509) * o, X509_STORE *s, BIO *d, BIO *out, unsigned f),
     (c, o, s, d, out, f), MINUS)
WRAP(CMS_ContentInfo *, CMS_sign, (X509 * c, EVP_PKEY *k, STACK_OF(X509) * o, BIO *d, unsigned f),
     (c, k, o, d, f), NULL)
WRAP(CMS_SignerInfo *, CMS_add1_signer,
     (CMS_ContentInfo * c, X509 *s, EVP_PKEY *k, const EVP_MD *t, unsigned f), (c, s, k, t, f), NULL)
WRAP(int, CMS_set_detached, (CMS_ContentInfo * c, int d), (c, d), 0)
WRAP(STACK_OF(CMS_SignerInfo) *, CMS_get0_SignerInfos, (CMS_ContentInfo * c), (c), NULL)
WRAP(CMS_ContentInfo *, d2i_CMS_ContentInfo,
     (CMS_ContentInfo * *a, const unsigned char **in, long n), (a, in, n), NULL)
WRAP(CMS_ContentInfo *, d2i_CMS_bio, (BIO * b, CMS_ContentInfo **c), (b, c), NULL)
WRAP(int, i2d_CMS_ContentInfo, (const CMS_ContentInfo *c, unsigned char **out), (c, out), MINUS)
WRAP(X509_STORE *, X509_STORE_new, (void), (), NULL)
WRAP(int, X509_STORE_add_cert, (X509_STORE * s, X509 *c), (s, c), 0)
WRAP(int, X509_STORE_set_purpose, (X509_STORE * s, int p), (s, p), 0)
WRAP(int, X509_STORE_set_flags, (X509_STORE * s, unsigned long f), (s, f), 0)
WRAP(X509 *, PEM_read_bio_X509, (BIO * b, X509 **x, pem_password_cb *p, void *u), (b, x, p, u), NULL)
WRAP(EVP_PKEY *, PEM_read_bio_PUBKEY, (BIO * b, EVP_PKEY **x, pem_password_cb *p, void *u),
     (b, x, p, u), NULL)
WRAP(EVP_PKEY *, PEM_read_bio_PrivateKey, (BIO * b, EVP_PKEY **x, pem_password_cb *p, void *u),
     (b, x, p, u), NULL)
WRAP(int, EVP_PKEY_eq, (const EVP_PKEY *a, const EVP_PKEY *b), (a, b), MINUS)
WRAP(BIO *, BIO_new_file, (const char *f, const char *m), (f, m), NULL)
WRAP(BIO *, BIO_new_mem_buf, (const void *d, int n), (d, n), NULL)
