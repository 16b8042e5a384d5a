/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/verify_fixture.h"

#include <errno.h>
#include <zlib.h>
#include <zstd.h>

/* Content through zlib, as gzip. */
static uint8_t *gzip(size_t *ret_bytes)
{
	z_stream z = { 0 };
	uint8_t *out = malloc(2 * CONTENT_BYTES);

	ck_assert_int_eq(deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	z.next_in = content;
	z.avail_in = CONTENT_BYTES;
	z.next_out = out;
	z.avail_out = 2 * CONTENT_BYTES;
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	*ret_bytes = z.total_out;
	ck_assert_int_eq(deflateEnd(&z), Z_OK);
	return out;
}

static uint8_t *zstd(size_t *ret_bytes)
{
	size_t room = ZSTD_compressBound(CONTENT_BYTES);
	uint8_t *out = malloc(room);

	*ret_bytes = ZSTD_compress(out, room, content, CONTENT_BYTES, 3);
	ck_assert(!ZSTD_isError(*ret_bytes));
	return out;
}

static uint8_t *encrypt(const void *data, size_t len_bytes, size_t *ret_bytes)
{
	uint8_t key[32], iv[16], *out = malloc(len_bytes + 32);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int first = 0, last = 0;

	memset(key, 0x5a, sizeof(key));
	memset(iv, 0x3c, sizeof(iv));
	ck_assert_int_eq(EVP_EncryptInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, iv), 1);
	ck_assert_int_eq(EVP_EncryptUpdate(ctx, out, &first, data, (int)len_bytes), 1);
	ck_assert_int_eq(EVP_EncryptFinal_ex(ctx, out + first, &last), 1);
	EVP_CIPHER_CTX_free(ctx);
	*ret_bytes = (size_t)first + (size_t)last;
	return out;
}

static void make_zstd(const char *more)
{
	size_t len;
	uint8_t *packed = zstd(&len);

	make(packed, len, more);
	free(packed);
}

#define ZSTD_SAYS(size) "compressed = \"zstd\"; properties: { decompressed-size = \"" size "\"; };"

START_TEST(a_good_file_is_good)
{
	make(content, CONTENT_BYTES, "");
	pack();
	is_good();
	ck_assert(report.signature_checked);
	ck_assert_uint_eq(report.signer_count, 1);
	ck_assert_str_eq(report.signer[0].subject, "CN = test signer");
	ck_assert_str_eq(report.signer[0].digest, "sha256");
	ck_assert(report.checked[3].content_known);
	ck_assert_uint_eq(report.checked[3].content_bytes, CONTENT_BYTES);
}
END_TEST

START_TEST(compressed_content_is_measured)
{
	size_t len;
	uint8_t *packed = gzip(&len);

	make_zstd(ZSTD_SAYS("300000"));
	pack();
	is_good();
	ck_assert_uint_eq(report.checked[3].content_bytes, CONTENT_BYTES);
	make(packed, len, "compressed = \"zlib\"; properties: { decompressed-size = \"300000\"; };");
	pack();
	is_good();
	free(packed);
}
END_TEST

static const char *const wrong_sizes[] = { ZSTD_SAYS("299999"), ZSTD_SAYS("300001"),
					   ZSTD_SAYS("2147483648"), ZSTD_SAYS("4295267296"),
					   ZSTD_SAYS("9223372036854775807") };

START_TEST(test_cve_class_a_size_that_is_not_the_content)
{
	make_zstd(wrong_sizes[_i]);
	pack();
	finds("bad-content", true);
}
END_TEST

static const char *const no_sizes[] = { ZSTD_SAYS("9223372036854775808"),
					ZSTD_SAYS("18446744073709551616"), ZSTD_SAYS("-1"),
					ZSTD_SAYS("0"), ZSTD_SAYS("") };

START_TEST(test_cve_class_a_size_that_no_number_holds)
{
	make_zstd(no_sizes[_i]);
	pack();
	finds("bad-size", true);
}
END_TEST

START_TEST(content_behind_the_compressed_end_is_found)
{
	size_t len;
	uint8_t *packed = gzip(&len);

	append(&packed, &len, "trail", 5);
	make(packed, len, "compressed = \"zlib\"; properties: { decompressed-size = \"300000\"; };");
	free(packed);
	pack();
	finds("bad-content", true);
}
END_TEST

START_TEST(cut_and_empty_compressed_content_is_found)
{
	make_zstd(ZSTD_SAYS("300000"));
	made.root_bytes -= 5;
	make_text(ZSTD_SAYS("300000"));
	pack();
	finds("bad-content", true);
	made.root_bytes = 0;
	make_text(ZSTD_SAYS("300000"));
	pack();
	finds("empty-member", true);
}
END_TEST

START_TEST(encrypted_content_needs_the_key)
{
	static const char more[] = "encrypted = true; ivt = \"" IV_TEXT
				   "\"; properties: { decrypted-size = \"300000\"; };";
	size_t len;
	uint8_t *packed = encrypt(content, CONTENT_BYTES, &len);

	make(packed, len, more);
	free(packed);
	pack();
	finds("content-unchecked", false);
	ck_assert_uint_eq(jota_swu_findings_fatal(&report.findings), 0);
	ck_assert(!report.checked[3].content_known);
	options.aes_key = key_path;
	pack();
	is_good();
	scratch_text(&scratch, "/aes.key", IV_TEXT IV_TEXT " " IV_TEXT);
	pack();
	finds("bad-content", true);
}
END_TEST

START_TEST(compressed_and_encrypted_content_is_measured)
{
	size_t len, packed_len;
	uint8_t *inner = zstd(&len), *packed = encrypt(inner, len, &packed_len);

	options.aes_key = key_path;
	make(packed, packed_len, "encrypted = true; ivt = \"" IV_TEXT "\"; " ZSTD_SAYS("300000"));
	free(inner);
	free(packed);
	pack();
	is_good();
	ck_assert_uint_eq(report.checked[3].content_bytes, CONTENT_BYTES);
}
END_TEST

START_TEST(a_boot_image_is_judged_as_the_device_does)
{
	make(content, CONTENT_BYTES, "");
	made.boot[0] = 'X';
	make_text("");
	pack();
	finds("bad-content", true);
	make(content, CONTENT_BYTES, "");
	made.boot[made.boot_bytes / 2] ^= 1;
	make_text("");
	pack();
	finds("bad-content", true);
}
END_TEST

START_TEST(test_cve_class_member_not_in_the_description)
{
	make(content, CONTENT_BYTES, "");
	pack();
	archive_member(&archive, "extra.sh", "#!/bin/sh\n", 10);
	finds("unlisted-member", true);
}
END_TEST

START_TEST(test_cve_class_missing_member)
{
	make(content, CONTENT_BYTES, "");
	pack();
	/* header, name and data of the last one */
	archive.len_bytes -= 116 + CONTENT_BYTES;
	finds("missing-member", true);
}
END_TEST

START_TEST(test_cve_class_every_flipped_byte_of_a_payload_is_found)
{
	size_t at;

	make_zstd(ZSTD_SAYS("300000"));
	for (int i = 0; i < 5; i++) {
		size_t step = made.root_bytes / 5;
		size_t place = (size_t)i * step;
		uint8_t old = made.root[place];

		pack();
		at = archive.len_bytes - made.root_bytes - (-made.root_bytes & 3) + place;
		ck_assert_uint_eq(archive.data[at], old);
		archive.data[at] ^= 0x10;
		finds("checksum-differs", true);
		ck_assert(jota_swu_findings_has(&report.findings, "hash-differs"));
	}
}
END_TEST

/* Whoever changes a payload mends the checksum too: the hash alone stands against that. */
START_TEST(test_cve_class_checksum_mended_after_a_change)
{
	make(content, CONTENT_BYTES, "");
	made.root[1000] ^= 1;
	pack();
	finds("hash-differs", true);
	ck_assert(!jota_swu_findings_has(&report.findings, "checksum-differs"));
}
END_TEST

static const char *const weak_hashes[] = {
	"sha256 = \"\";",
	"sha256 = \"abab\";",
	"",
	"sha256 = \"0000000000000000000000000000000000000000000000000000000000000000\";",
};

START_TEST(test_cve_class_hash_empty_short_or_missing)
{
	char *at;

	make(content, CONTENT_BYTES, weak_hashes[_i]);
	/* The right hash goes, the weak one in the entry's end stays. */
	at = strstr(made.text, "filename = \"root\"");
	at = strstr(at, "sha256 = ");
	memset(at, ' ', strlen("sha256 = \"\";") + 64);
	pack();
	finds(_i == 0 || _i == 2 ? "missing-sha256" : "bad-sha256", true);
}
END_TEST

START_TEST(what_is_no_file_is_a_failure)
{
	ck_assert_int_eq(jota_swu_verify("/nonexistent", &options, &report, &err), -ENOENT);
	ck_assert_int_eq(jota_swu_verify("/tmp", &options, &report, &err), -EINVAL);
	ck_assert_int_eq(jota_swu_verify("/dev/null", &options, &report, &err), -EINVAL);
}
END_TEST

START_TEST(a_malformed_archive_is_a_finding)
{
	archive_raw(&archive, "not an archive at all", 21);
	finds("bad-archive", true);
}
END_TEST

START_TEST(nul_in_the_description_is_refused)
{
	const struct signer *by[] = { &signer };
	size_t len = 0, text_len;
	uint8_t *cms;

	make(content, CONTENT_BYTES, "");
	text_len = strlen(made.text) + 5;
	memcpy(made.text + text_len - 5, "\0evil", 5);
	cms = signer_cms(by, 1, NULL, made.text, text_len, &len);
	archive_member(&archive, JOTA_SWU_DESCRIPTION, made.text, text_len);
	archive_member(&archive, JOTA_SWU_SIGNATURE, cms, len);
	free(cms);
	finds("bad-description", true);
}
END_TEST

/* A file that another process exchanges or changes while it is read must not be called good. */
static void change_file(void *ctx, const char *member, uint64_t done_bytes, uint64_t total_bytes)
{
	FILE *f = fopen(ctx, "r+");

	(void)member;
	(void)done_bytes;
	(void)total_bytes;
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
	ck_assert_int_eq(fputc(0, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(test_cve_class_file_changed_between_check_and_use)
{
	size_t large_bytes = 12u << 20;
	uint8_t *large = calloc(1, large_bytes);

	make(large, large_bytes, "");
	free(large);
	pack();
	is_good();
	jota_swu_report_done(&report);
	options.progress = change_file;
	options.progress_ctx = swu_path;
	ck_assert_int_eq(jota_swu_verify(swu_path, &options, &report, &err), -ESTALE);
}
END_TEST

static void add_content_tests(TCase *tc)
{
	tcase_add_test(tc, a_good_file_is_good);
	tcase_add_test(tc, compressed_content_is_measured);
	tcase_add_loop_test(tc, test_cve_class_a_size_that_is_not_the_content, 0,
			    COUNT(wrong_sizes));
	tcase_add_loop_test(tc, test_cve_class_a_size_that_no_number_holds, 0, COUNT(no_sizes));
	tcase_add_test(tc, content_behind_the_compressed_end_is_found);
	tcase_add_test(tc, cut_and_empty_compressed_content_is_found);
	tcase_add_test(tc, encrypted_content_needs_the_key);
	tcase_add_test(tc, compressed_and_encrypted_content_is_measured);
	tcase_add_test(tc, a_boot_image_is_judged_as_the_device_does);
	tcase_add_test(tc, test_cve_class_member_not_in_the_description);
	tcase_add_test(tc, test_cve_class_missing_member);
	tcase_add_test(tc, test_cve_class_every_flipped_byte_of_a_payload_is_found);
	tcase_add_test(tc, test_cve_class_checksum_mended_after_a_change);
	tcase_add_loop_test(tc, test_cve_class_hash_empty_short_or_missing, 0, COUNT(weak_hashes));
	tcase_add_test(tc, a_malformed_archive_is_a_finding);
	tcase_add_test(tc, nul_in_the_description_is_refused);
	tcase_add_test(tc, what_is_no_file_is_a_failure);
	tcase_add_test(tc, test_cve_class_file_changed_between_check_and_use);
}

int main(void)
{
	return run_verify_suite("swu/verify", add_content_tests);
}
