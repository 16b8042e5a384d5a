/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The new root's certificates, or its public key, against the signature of the update: CMS, plain RSA and RSA-PSS. */
#include "health/newroot_test.h"

#include "support/signer.h"

static const char update_text[] = "software = { version = \"2\"; };";
static struct signer ours, theirs;

static void anchor_setup(void)
{
	setup();
	signer_make(&ours, NULL);
	signer_make(&theirs, NULL);
	add("/etc/os-release", "ID=demo\n", 0644);
}

static void anchor_teardown(void)
{
	signer_done(&ours);
	signer_done(&theirs);
	teardown();
}

/* The update as swupdate left it, and what the new root trusts. */
static void keep(uint8_t *signature, size_t bytes)
{
	scratch_text(&scratch, "/update/sw-description", update_text);
	scratch_write(&scratch, "/update/sw-description.sig", signature, bytes);
	free(signature);
}

static void sign_rsa(EVP_PKEY *key, bool pss)
{
	size_t bytes = 0;
	uint8_t *signature = signer_rsa(key, pss, update_text, sizeof(update_text) - 1, &bytes);

	keep(signature, bytes);
}

static void sign_cms(const struct signer *by)
{
	size_t bytes = 0;
	uint8_t *signature = signer_cms(&by, 1, NULL, update_text, sizeof(update_text) - 1, &bytes);

	keep(signature, bytes);
}

static EVP_PKEY *rsa_key(void)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);

	ck_assert_ptr_nonnull(key);
	return key;
}

static void trust_public(EVP_PKEY *key)
{
	char full[PATH_MAX];

	in_tree("/etc/trust.pem", full);
	signer_write_public(key, full);
}

static const struct jota_result *ask(void)
{
	char update_dir[PATH_MAX];
	const struct jota_health_context context = { .phase = JOTA_PHASE_PREFLIP,
						     .slot = "B",
						     .target_device = "/image",
						     .update_dir = update_dir };
	struct jota_plan plan;

	scratch_path(&scratch, "/update", update_dir);
	pack();
	plan_from("stability_s = 0;",
		  "{ name = \"it\"; kind = \"new-anchor\"; phase = \"preflip\"; deadline_s = 30.0; "
		  "anchor = \"/etc/trust.pem\"; }, { name = \"k\"; kind = \"kernel-modules\"; }",
		  &plan);
	run_plan(&plan, &context, NULL);
	jota_plan_done(&plan);
	return &report.result[0];
}

static void ck_anchor(enum jota_status status, enum jota_reason reason, const char *words)
{
	const struct jota_result *r = ask();

	ck_assert_msg(r->status == status && r->reason == reason && strstr(r->message, words),
		      "%s %s '%s'", jota_status_name(r->status), jota_reason_word(r->reason),
		      r->message);
}

/* 0: RSA, 1: RSA-PSS. */
START_TEST(a_public_key_accepts_what_its_key_signed)
{
	EVP_PKEY *key = rsa_key();

	sign_rsa(key, _i == 1);
	trust_public(key);
	EVP_PKEY_free(key);
	ck_anchor(JOTA_PASS, JOTA_WHY_OK, "'/etc/trust.pem' of the new root accepts this update");
}
END_TEST

START_TEST(a_public_key_refuses_what_another_one_signed)
{
	EVP_PKEY *key = rsa_key(), *other = rsa_key();

	sign_rsa(key, _i == 1);
	trust_public(other);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	ck_anchor(JOTA_FAIL, JOTA_WHY_ANCHOR_REFUSES, "does not accept this update");
}
END_TEST

START_TEST(a_public_key_refuses_a_signature_by_certificate_and_the_other_way_round)
{
	EVP_PKEY *key = rsa_key();
	char full[PATH_MAX];

	in_tree("/etc/trust.pem", full);
	if (_i == 0) {
		sign_cms(&ours);
		trust_public(key);
	} else {
		sign_rsa(key, false);
		signer_write_ca(&ours, full);
	}
	EVP_PKEY_free(key);
	ck_anchor(JOTA_FAIL, JOTA_WHY_ANCHOR_REFUSES, "does not accept this update");
}
END_TEST

START_TEST(certificates_accept_their_own_signer_alone)
{
	char full[PATH_MAX];

	sign_cms(_i == 0 ? &ours : &theirs);
	in_tree("/etc/trust.pem", full);
	signer_write_ca(&ours, full);
	if (_i == 0)
		ck_anchor(JOTA_PASS, JOTA_WHY_OK, "accepts this update");
	else
		ck_anchor(JOTA_FAIL, JOTA_WHY_ANCHOR_REFUSES, "does not accept this update");
}
END_TEST

static const char *const garbage[] = {
	"",
	"garbage\n",
	"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
	"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	"-----BEGIN PUBLIC KEY-----\n",
};

START_TEST(garbage_accepts_nothing)
{
	sign_cms(&ours);
	add("/etc/trust.pem", garbage[_i], 0644);
	ck_anchor(JOTA_FAIL, JOTA_WHY_ANCHOR_REFUSES, "'/etc/trust.pem' of the new root");
}
END_TEST

START_TEST(no_anchor_is_told)
{
	sign_cms(&ours);
	ck_anchor(JOTA_FAIL, JOTA_WHY_NO_ANCHOR, "'/etc/trust.pem' is not in the new root");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("health/new_anchor");
	TCase *tc = tcase_create("new_anchor");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, anchor_setup, anchor_teardown);
	tcase_add_loop_test(tc, a_public_key_accepts_what_its_key_signed, 0, 2);
	tcase_add_loop_test(tc, a_public_key_refuses_what_another_one_signed, 0, 2);
	tcase_add_loop_test(
		tc, a_public_key_refuses_a_signature_by_certificate_and_the_other_way_round, 0, 2);
	tcase_add_loop_test(tc, certificates_accept_their_own_signer_alone, 0, 2);
	tcase_add_loop_test(tc, garbage_accepts_nothing, 0,
			    (int)(sizeof(garbage) / sizeof(garbage[0])));
	tcase_add_test(tc, no_anchor_is_told);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
