/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Would a device take this .swu? Chain, signature, description, every hash and size, in one pass
 * over the file, with memory that does not grow with it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "swu/container.h"
#include "swu/description.h"
#include "swu/findings.h"
#include "swu/recipe.h"

struct jota_err;
struct jota_layout;

/** What the devices trust. */
struct jota_swu_trust {
	enum jota_sign_method method;
	/* CMS: file of PEM certificates as in swupdate -k, or a folder of such; RSA: a public key */
	const char *anchors;
	const char *crl;     /* PEM, CMS only; NULL: nobody is asked who was revoked */
	const char *purpose; /* "emailProtection" or "codeSigning"; NULL: the first, as SWUpdate */
	const char *signer_name; /* common name that every signer must have; NULL: any */
	int64_t at_s;		 /* seconds since 1970 for the certificates' dates; 0: now */
};

/** One who signed. */
struct jota_swu_signer {
	char subject[256]; /* printable */
	char digest[32];   /* "sha256" */
	int64_t not_after_s;
};
#define JOTA_SWU_SIGNERS_MAX 8

/** How far SWUpdate's decompressors may reach back here; more needs more memory than we take. */
#define JOTA_SWU_WINDOW_MAX (UINT64_C(32) << 20)

/** What was found out about one member. */
struct jota_swu_checked {
	const struct jota_swu_entry *entry; /* the first that names it, NULL: none */
	uint8_t sha256[32];
	bool content_known; /* it was decoded, or is its own content */
	uint64_t content_bytes;
};

struct jota_swu_verify_options {
	const struct jota_swu_trust *trust; /* NULL: the signature is not looked at, with a warning */
	const struct jota_layout *layout;   /* NULL: any known one */
	const char *aes_key; /* file as in swupdate -K; NULL: what is encrypted stays so */
	/* told now and then; NULL: nobody listens */
	void (*progress)(void *ctx, const char *member, uint64_t done_bytes, uint64_t total_bytes);
	void *progress_ctx;
};

struct jota_swu_report {
	struct jota_swu_findings findings;
	bool signature_checked; /* and good */
	struct jota_swu_signer signer[JOTA_SWU_SIGNERS_MAX];
	size_t signer_count;
	struct jota_swu_index index;
	struct jota_swu_description description; /* empty when it could not be read */
	struct jota_swu_checked *checked; /* one per member of the index; NULL: did not come that far */
	uint64_t file_bytes;
};

/**
 * Verify. 0: looked through, *ret says what was found (no fatal finding: good); nothing behind a
 * signature that is not good is looked at. -errno: file, key, certificate or list cannot be read,
 * -ESTALE: the file changed meanwhile, -ENOMEM. The file is opened once. jota_swu_report_done()
 * frees, also after a failure.
 */
int jota_swu_verify(const char *path, const struct jota_swu_verify_options *options,
		    struct jota_swu_report *ret, struct jota_err *err);
void jota_swu_report_done(struct jota_swu_report *report);

/**
 * Read a small member whole into memory, NUL behind it, its checksum compared. -EBADMSG: wrong
 * checksum or larger than max_bytes. Caller frees.
 */
int jota_swu_member_read(int fd, const char *path, const struct jota_swu_member *member,
			 size_t max_bytes, char **ret, struct jota_err *err);

/**
 * Is the signature over the text good for the trust? 0 with findings in f when not. signer and
 * *ret_count: who signed, filled when good. -errno: what the trust names cannot be read.
 */
int jota_swu_signature_check(const struct jota_swu_trust *trust, const void *text,
			     size_t text_bytes, const void *signature, size_t signature_bytes,
			     struct jota_swu_findings *f,
			     struct jota_swu_signer signer[JOTA_SWU_SIGNERS_MAX], size_t *ret_count,
			     struct jota_err *err);
