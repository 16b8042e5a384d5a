/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Certificates of a CMS signature, judged as SWUpdate judges them; inner to the verifier. */
#pragma once

#include <openssl/x509_vfy.h>

#include <stdbool.h>

struct jota_err;
struct jota_swu_trust;

/** What went wrong first with a certificate. */
struct jota_cert_trouble {
	bool code_signing; /* in: the purpose that OpenSSL 3.0 does not know by itself */
	bool crl_of_leaf;  /* in: lists of revoked certificates are there */
	int error;	   /* X509_V_ERR_*, 0: nothing */
	char subject[200];
};

/** Store of anchors and revoked certificates; trouble outlives it. Caller frees. */
int jota_cert_store_open(const struct jota_swu_trust *trust, struct jota_cert_trouble *trouble,
			 X509_STORE **ret, struct jota_err *err);
/** Stable code for a finding. */
const char *jota_cert_trouble_code(int error);
/** Subject in one printable line. */
void jota_cert_subject(const X509 *cert, char *buf, size_t buf_bytes);
