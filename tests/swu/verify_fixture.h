/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* A .swu with two images and a signature, to be verified; what the tests of the verifier share. */
#pragma once

#include "swu/verify.h"

#include "base/err.h"
#include "support/archive.h"
#include "support/bootimg_make.h"
#include "support/run.h"
#include "support/scratch.h"
#include "support/signer.h"

#include <openssl/evp.h>
#include <string.h>

#define KEY_TEXT "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
#define IV_TEXT "3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c"
#define CONTENT_BYTES 300000u

static struct scratch scratch;
static struct signer signer;
static struct archive archive;
static struct jota_swu_report report;
static struct jota_err err;
static struct jota_swu_trust trust;
static struct jota_swu_verify_options options;
static char swu_path[PATH_MAX], ca_path[PATH_MAX], crl_path[PATH_MAX], key_path[PATH_MAX];
static uint8_t content[CONTENT_BYTES];

static inline void setup(void)
{
	scratch_make(&scratch);
	scratch_path(&scratch, "/test.swu", swu_path);
	scratch_path(&scratch, "/ca.pem", ca_path);
	scratch_path(&scratch, "/crl.pem", crl_path);
	scratch_path(&scratch, "/aes.key", key_path);
	scratch_text(&scratch, "/aes.key", KEY_TEXT " " IV_TEXT "\n");
	signer_make(&signer, NULL);
	signer_write_ca(&signer, ca_path);
	trust = (struct jota_swu_trust){ .anchors = ca_path };
	options = (struct jota_swu_verify_options){ .trust = &trust };
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 7 + i / 251);
}

static inline void teardown(void)
{
	jota_swu_report_done(&report);
	archive_done(&archive);
	signer_done(&signer);
	(void)unlink(swu_path);
	(void)unlink(ca_path);
	(void)unlink(crl_path);
	(void)unlink(key_path);
	scratch_remove(&scratch);
	err = (struct jota_err){ 0 };
}

static inline void hash_text(const void *data, size_t len_bytes, char text[65])
{
	uint8_t hash[32];

	ck_assert_int_eq(EVP_Digest(data, len_bytes, hash, NULL, EVP_sha256(), NULL), 1);
	for (size_t i = 0; i < sizeof(hash); i++)
		(void)snprintf(text + 2 * i, 3, "%02x", hash[i]);
}

/* One kernel and one root filesystem as they are packed, and what else the root's entry says. */
struct made {
	char text[4096];
	uint8_t *boot, *root;
	size_t boot_bytes, root_bytes;
};

static struct made made;

static inline void make_text(const char *root_more)
{
	char boot_hash[65], root_hash[65];

	hash_text(made.boot, made.boot_bytes, boot_hash);
	hash_text(made.root, made.root_bytes, root_hash);
	ck_assert_int_lt(
		snprintf(made.text, sizeof(made.text),
			 "software = { version = \"1\"; hardware-compatibility: [ \"1\" ];\n"
			 "images: ( { filename = \"boot.img\"; type = \"jetson-bootimg\"; "
			 "installed-directly = true; sha256 = \"%s\"; },\n"
			 "{ filename = \"root\"; type = \"jetson-rootfs\"; installed-directly = true; "
			 "sha256 = \"%s\"; %s } );\n"
			 "scripts: ( { type = \"jetson-postinstall\"; properties: { images = \"boot.img "
			 "root\"; }; } ); };\n",
			 boot_hash, root_hash, root_more),
		(int)sizeof(made.text));
}

static inline void make(const void *root, size_t root_bytes, const char *root_more)
{
	free(made.boot);
	free(made.root);
	made.boot = bootimg_make(&(struct bootimg_spec){ .kernel_bytes = 40000 }, &made.boot_bytes);
	made.root = malloc(root_bytes + 1);
	memcpy(made.root, root, root_bytes);
	made.root_bytes = root_bytes;
	make_text(root_more);
}

static inline void pack_signed(const void *signature, size_t signature_bytes)
{
	archive_done(&archive);
	archive_member(&archive, JOTA_SWU_DESCRIPTION, made.text, strlen(made.text));
	if (signature)
		archive_member(&archive, JOTA_SWU_SIGNATURE, signature, signature_bytes);
	archive_member(&archive, "boot.img", made.boot, made.boot_bytes);
	archive_member(&archive, "root", made.root, made.root_bytes);
}

static inline void pack(void)
{
	const struct signer *by[] = { &signer };
	size_t len = 0;
	uint8_t *cms = signer_cms(by, 1, NULL, made.text, strlen(made.text), &len);

	pack_signed(cms, len);
	free(cms);
}

static inline void verify(void)
{
	archive_end(&archive);
	scratch_write(&scratch, "/test.swu", archive.data, archive.len_bytes);
	jota_swu_report_done(&report);
	ck_assert_msg(jota_swu_verify(swu_path, &options, &report, &err) == 0, "%s", err.msg);
}

static inline void show(void)
{
	for (size_t i = 0; i < report.findings.count; i++)
		(void)fprintf(stderr, "  %s: %s\n", report.findings.finding[i].code,
			      report.findings.finding[i].text);
}

static inline void is_good(void)
{
	verify();
	if (report.findings.count)
		show();
	ck_assert_uint_eq(report.findings.count, 0);
}

static inline void finds(const char *code, bool fatal)
{
	verify();
	for (size_t i = 0; i < report.findings.count; i++)
		if (strcmp(report.findings.finding[i].code, code) == 0 &&
		    report.findings.finding[i].fatal == fatal)
			return;
	show();
	ck_abort_msg("no finding '%s'", code);
}

/* Bytes with a few more behind them. */
static inline void append(uint8_t **data, size_t *len_bytes, const char *more, size_t more_bytes)
{
	uint8_t *longer = malloc(*len_bytes + more_bytes);

	ck_assert_ptr_nonnull(longer);
	memcpy(longer, *data, *len_bytes);
	memcpy(longer + *len_bytes, more, more_bytes);
	free(*data);
	*data = longer;
	*len_bytes += more_bytes;
}

static inline int run_verify_suite(const char *name, void (*add)(TCase *tc))
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create("verify");
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	add(tc);
	suite_add_tcase(suite, tc);
	failed = run_suite(suite);
	free(made.boot);
	free(made.root);
	return failed;
}

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
