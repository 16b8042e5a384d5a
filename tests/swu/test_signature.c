/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/verify_fixture.h"

#include <errno.h>
#include <time.h>

#define DAY_S 86400L

START_TEST(test_cve_class_signature_over_another_file)
{
	const struct signer *by[] = { &signer };
	size_t len = 0;
	uint8_t *cms = signer_cms(by, 1, NULL, "software = {};", 14, &len);

	make(content, CONTENT_BYTES, "");
	pack_signed(cms, len);
	free(cms);
	finds("bad-signature", true);
	ck_assert_uint_eq(report.description.entry_count, 0);
	ck_assert_ptr_null(report.checked);
}
END_TEST

START_TEST(test_cve_class_description_changed_after_signing)
{
	make(content, CONTENT_BYTES, "");
	pack();
	/* The version; the checksum is mended by the same amount elsewhere in the text. */
	for (size_t at = 0; at < 400; at++) {
		if (memcmp(archive.data + at, "version = \"1\"", 13) != 0)
			continue;
		archive.data[at + 11]++;
		archive.data[at + 8]--;
	}
	finds("bad-signature", true);
	ck_assert(!report.signature_checked);
}
END_TEST

/* The text is read only once somebody stands for it: nothing in it may have an effect before. */
START_TEST(test_cve_class_description_parsed_before_its_signature)
{
	struct signer other = { 0 };
	const struct signer *by[] = { &other };
	size_t len = 0;
	uint8_t *cms;

	signer_make(&other, NULL);
	make(content, CONTENT_BYTES, "");
	(void)snprintf(made.text, sizeof(made.text), "software = {{{{");
	cms = signer_cms(by, 1, NULL, made.text, strlen(made.text), &len);
	pack_signed(cms, len);
	free(cms);
	finds("untrusted-signer", true);
	ck_assert(!jota_swu_findings_has(&report.findings, "bad-description"));
	signer_done(&other);
}
END_TEST

START_TEST(test_cve_class_no_signature_at_all)
{
	make(content, CONTENT_BYTES, "");
	pack_signed(NULL, 0);
	finds("missing-signature", true);
	pack_signed("", 0);
	finds("empty-signature", true);
	pack_signed("not a signature", 15);
	finds("signature-form", true);
}
END_TEST

START_TEST(test_cve_class_signature_with_zero_signers)
{
	size_t len = 0;
	uint8_t *cms;

	make(content, CONTENT_BYTES, "");
	cms = signer_cms(NULL, 0, NULL, made.text, strlen(made.text), &len);
	pack_signed(cms, len);
	free(cms);
	finds("no-signer", true);
	ck_assert(!report.signature_checked);
}
END_TEST

START_TEST(test_cve_class_signature_with_something_behind_it)
{
	const struct signer *by[] = { &signer };
	size_t len = 0;
	uint8_t *cms;

	make(content, CONTENT_BYTES, "");
	cms = signer_cms(by, 1, NULL, made.text, strlen(made.text), &len);
	append(&cms, &len, "more", 4);
	pack_signed(cms, len);
	free(cms);
	finds("signature-form", true);
}
END_TEST

/* One good signer does not cover for another whom nobody trusts. */
START_TEST(test_cve_class_return_value_of_the_second_signer)
{
	struct signer other = { 0 };
	const struct signer *by[2] = { &signer, &other };
	size_t len = 0;
	uint8_t *cms;

	signer_make(&other, NULL);
	make(content, CONTENT_BYTES, "");
	for (int i = 0; i < 2; i++) {
		by[i] = &signer;
		by[1 - i] = &other;
		cms = signer_cms(by, 2, NULL, made.text, strlen(made.text), &len);
		pack_signed(cms, len);
		free(cms);
		finds("untrusted-signer", true);
	}
	signer_done(&other);
}
END_TEST

static const struct {
	struct signer_plan plan;
	const char *purpose, *code; /* NULL: good */
} certificates[] = {
	{ { NULL, -20 * DAY_S, -10 * DAY_S }, NULL, "certificate-expired" },
	{ { NULL, 10 * DAY_S, 20 * DAY_S }, NULL, "certificate-not-yet-valid" },
	{ { "codeSigning", 0, 0 }, NULL, "wrong-purpose" },
	{ { "serverAuth", 0, 0 }, NULL, "wrong-purpose" },
	{ { "serverAuth", 0, 0 }, "codeSigning", "wrong-purpose" },
	{ { NULL, 0, 0 }, "codeSigning", "wrong-purpose" },
	{ { "codeSigning", 0, 0 }, "codeSigning", NULL },
	{ { "codeSigning,emailProtection", 0, 0 }, "emailProtection", NULL },
};

START_TEST(certificates_are_judged_as_swupdate_does)
{
	signer_done(&signer);
	signer_make(&signer, &certificates[_i].plan);
	signer_write_ca(&signer, ca_path);
	trust.purpose = certificates[_i].purpose;
	make(content, CONTENT_BYTES, "");
	pack();
	if (certificates[_i].code)
		finds(certificates[_i].code, true);
	else
		is_good();
}
END_TEST

START_TEST(certificates_are_judged_at_the_time_given)
{
	make(content, CONTENT_BYTES, "");
	pack();
	trust.at_s = (int64_t)time(NULL) + 400 * DAY_S;
	finds("certificate-expired", true);
	pack();
	trust.at_s = (int64_t)time(NULL) + 350 * DAY_S;
	finds("certificate-expires-soon", false);
	ck_assert_uint_eq(jota_swu_findings_fatal(&report.findings), 0);
}
END_TEST

START_TEST(revoked_certificates_are_refused)
{
	make(content, CONTENT_BYTES, "");
	signer_write_crl(&signer, false, crl_path);
	trust.crl = crl_path;
	pack();
	is_good();
	signer_write_crl(&signer, true, crl_path);
	pack();
	finds("certificate-revoked", true);
}
END_TEST

START_TEST(the_signer_may_be_named)
{
	make(content, CONTENT_BYTES, "");
	trust.signer_name = "test signer";
	pack();
	is_good();
	trust.signer_name = "test";
	pack();
	finds("wrong-signer", true);
}
END_TEST

START_TEST(a_weak_digest_is_refused)
{
	const struct signer *by[] = { &signer };
	size_t len = 0;
	uint8_t *cms;

	make(content, CONTENT_BYTES, "");
	cms = signer_cms(by, 1, "sha1", made.text, strlen(made.text), &len);
	pack_signed(cms, len);
	free(cms);
	finds("weak-digest", true);
	cms = signer_cms(by, 1, "sha512", made.text, strlen(made.text), &len);
	pack_signed(cms, len);
	free(cms);
	is_good();
}
END_TEST

START_TEST(rsa_in_both_paddings)
{
	EVP_PKEY *key = EVP_RSA_gen(2048), *other = EVP_RSA_gen(2048);

	signer_write_public(key, ca_path);
	make(content, CONTENT_BYTES, "");
	for (int pss = 0; pss < 2; pss++) {
		size_t len;
		uint8_t *sig = signer_rsa(key, pss, made.text, strlen(made.text), &len);

		trust.method = pss ? JOTA_SIGN_RSA_PSS : JOTA_SIGN_RSA;
		pack_signed(sig, len);
		is_good();
		trust.method = pss ? JOTA_SIGN_RSA : JOTA_SIGN_RSA_PSS;
		pack_signed(sig, len);
		finds("bad-signature", true);
		append(&sig, &len, "", 1);
		trust.method = pss ? JOTA_SIGN_RSA_PSS : JOTA_SIGN_RSA;
		pack_signed(sig, len);
		finds("signature-form", true);
		free(sig);
		sig = signer_rsa(other, pss, made.text, strlen(made.text), &len);
		pack_signed(sig, len);
		finds("bad-signature", true);
		free(sig);
	}
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}
END_TEST

START_TEST(trust_that_cannot_be_read_is_a_failure)
{
	make(content, CONTENT_BYTES, "");
	pack();
	is_good();
	jota_swu_report_done(&report);
	trust.anchors = "/nonexistent";
	ck_assert_int_eq(jota_swu_verify(swu_path, &options, &report, &err), -ENOENT);
	jota_swu_report_done(&report);
	trust.anchors = key_path;
	ck_assert_int_eq(jota_swu_verify(swu_path, &options, &report, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "holds no certificate"));
	jota_swu_report_done(&report);
	trust.anchors = ca_path;
	trust.crl = ca_path;
	ck_assert_int_eq(jota_swu_verify(swu_path, &options, &report, &err), -EINVAL);
	jota_swu_report_done(&report);
	trust.crl = NULL;
	options.aes_key = ca_path;
	ck_assert_int_eq(jota_swu_verify(swu_path, &options, &report, &err), -EINVAL);
}
END_TEST

START_TEST(a_folder_of_anchors_is_taken)
{
	make(content, CONTENT_BYTES, "");
	pack();
	(void)unlink(key_path);
	trust.anchors = scratch.root;
	is_good();
}
END_TEST

START_TEST(without_trust_a_warning_says_so)
{
	options.trust = NULL;
	make(content, CONTENT_BYTES, "");
	pack();
	finds("signature-unchecked", false);
	ck_assert_uint_eq(jota_swu_findings_fatal(&report.findings), 0);
	ck_assert(!report.signature_checked);
	ck_assert_ptr_nonnull(report.checked);
}
END_TEST

START_TEST(the_signature_must_be_the_second_member)
{
	const struct signer *by[] = { &signer };
	size_t len = 0;
	uint8_t *cms;

	make(content, CONTENT_BYTES, "");
	cms = signer_cms(by, 1, NULL, made.text, strlen(made.text), &len);
	pack_signed(NULL, 0);
	archive_member(&archive, JOTA_SWU_SIGNATURE, cms, len);
	free(cms);
	finds("signature-place", true);
}
END_TEST

static void add_signature_tests(TCase *tc)
{
	tcase_add_test(tc, test_cve_class_signature_over_another_file);
	tcase_add_test(tc, test_cve_class_description_changed_after_signing);
	tcase_add_test(tc, test_cve_class_description_parsed_before_its_signature);
	tcase_add_test(tc, test_cve_class_no_signature_at_all);
	tcase_add_test(tc, test_cve_class_signature_with_zero_signers);
	tcase_add_test(tc, test_cve_class_signature_with_something_behind_it);
	tcase_add_test(tc, test_cve_class_return_value_of_the_second_signer);
	tcase_add_loop_test(tc, certificates_are_judged_as_swupdate_does, 0, COUNT(certificates));
	tcase_add_test(tc, certificates_are_judged_at_the_time_given);
	tcase_add_test(tc, revoked_certificates_are_refused);
	tcase_add_test(tc, the_signer_may_be_named);
	tcase_add_test(tc, a_weak_digest_is_refused);
	tcase_add_test(tc, rsa_in_both_paddings);
	tcase_add_test(tc, trust_that_cannot_be_read_is_a_failure);
	tcase_add_test(tc, a_folder_of_anchors_is_taken);
	tcase_add_test(tc, without_trust_a_warning_says_so);
	tcase_add_test(tc, the_signature_must_be_the_second_member);
}

int main(void)
{
	return run_verify_suite("swu/signature", add_signature_tests);
}
