/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Signing sw-description as SWUpdate verifies it: detached CMS in DER (its builds with SIGALG_CMS),
 * RSA PKCS#1 v1.5 over SHA-256 (SIGALG_RAWRSA), RSA-PSS over SHA-256 with a salt as long as the digest
 * (SIGALG_RSAPSS; it finds the length of the salt itself). Source: corelib/swupdate_cms_verify.c and
 * swupdate_rsa_verify.c of SWUpdate 2022.12.
 *
 * A key is in a PEM file, behind a pkcs11: URI, or in the hands of another program. All three are
 * one thing here: bytes in, signature out.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "swu/recipe.h"

struct jota_err;
struct jota_signing;

/** Who asks and who listens while keys are opened. */
struct jota_sign_talk {
	/**
	 * The passphrase or PIN for `what`, NUL-terminated into buf. Negative errno when there is none:
	 * the sentence in err is then the reason.
	 */
	int (*ask)(void *ctx, const char *what, char *buf, size_t buf_bytes, struct jota_err *err);
	/** Something that is not wrong yet, as a sentence. */
	void (*warn)(void *ctx, const char *sentence);
	void *ctx;
	const atomic_bool *cancel; /* NULL: never */
};

/**
 * Open keys and certificates and check them: -EINVAL unreadable, not a key, wrong kind for the method,
 * a certificate that does not belong to the key, that is not for signing, expired, not yet valid;
 * -EACCES wrong passphrase. A certificate with less than margin_days left gives a warning.
 * signing_time: seconds since the epoch that CMS records, negative for now. recipe and talk must
 * outlive *ret. jota_signing_free() frees.
 */
int jota_signing_open(const struct jota_recipe_signing *recipe, int64_t signing_time,
		      const struct jota_sign_talk *talk, struct jota_signing **ret,
		      struct jota_err *err);
void jota_signing_free(struct jota_signing *s);

/**
 * Sign data and verify the outcome with the certificate or public key. *ret_sig is heap. May wait for a
 * person, a token or a program. typical_bytes, unless NULL: the length that later signatures have most
 * likely; those of elliptic curves vary by a byte or two.
 */
int jota_signing_sign(struct jota_signing *s, const void *data, size_t len_bytes, uint8_t **ret_sig,
		      size_t *ret_sig_bytes, size_t *typical_bytes, struct jota_err *err);

/** "CMS by 'CN=...' (sha256)", for people; into buf. */
void jota_signing_describe(const struct jota_signing *s, char *buf, size_t buf_bytes);
