/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* A board that boots from its root file system: which entry of extlinux.conf, and of which release its kernel is. */
#include "health/extlinux.h"
#include "health/new_kernel.h"
#include "health/newroot_test.h"

#include <stdlib.h>
#include <zlib.h>

#define CONF "/boot/extlinux/extlinux.conf"
#define IMAGE_SIZE 8192u
#define BANNER_AT 4096u
#define RELEASE "5.15.148-tegra"

static struct jota_extlinux entry;

START_TEST(the_default_entry_boots_or_the_first)
{
	static const char two[] = "# made by nobody\n"
				  "TIMEOUT 30\nDEFAULT second\n\nMENU TITLE menu\n"
				  "LABEL first\n\tLINUX /boot/Image\n\tAPPEND root=/dev/a\n"
				  "  label second\r\n\tMENU LABEL second kernel\r\n"
				  "\tlinux  /boot/Image.2 \r\n\tINITRD /boot/initrd\n"
				  "\tFDT /boot/dtb/x.dtb\n\tAPPEND ${cbootargs} quiet\n"
				  "\tOVERLAYS /boot/a.dtbo\n";

	ck_assert_int_eq(jota_extlinux_parse(two, &entry, &err), 0);
	ck_assert_str_eq(entry.label, "second");
	ck_assert_str_eq(entry.kernel, "/boot/Image.2");
	ck_assert_str_eq(entry.initrd, "/boot/initrd");
	ck_assert_str_eq(entry.fdt, "/boot/dtb/x.dtb");
	ck_assert_str_eq(entry.append, "${cbootargs} quiet");
	ck_assert_int_eq(
		jota_extlinux_parse("LABEL a b\nLINUX /x\nAPPEND\nLABEL c\nLINUX /y", &entry, &err),
		0);
	ck_assert_str_eq(entry.label, "a b");
	ck_assert_str_eq(entry.kernel, "/x");
	ck_assert_str_eq(entry.append, "");
	ck_assert_str_eq(entry.initrd, "");
}
END_TEST

static const struct {
	const char *text;
	int result;
	const char *says;
} bad[] = {
	{ "", -EINVAL, "has no LABEL" },
	{ "DEFAULT a\n", -EINVAL, "has no LABEL" },
	{ "LABEL\nLINUX /x\n", -EINVAL, "line 1: the value of LABEL has 0 bytes" },
	{ "\n#\nDEFAULT\nLABEL a\n", -EINVAL, "line 3: the value of DEFAULT has 0 bytes" },
	{ "DEFAULT b\nLABEL a\nLINUX /x\n", -EINVAL, "0 entries have the label 'b' that boots" },
	{ "DEFAULT a\nLABEL a\nLINUX /x\nLABEL a\nLINUX /y\n", -EINVAL, "2 entries" },
	{ "LABEL a\nAPPEND x\n", -EINVAL, "entry 'a' has no LINUX line" },
	{ "LINUX /x\nLABEL a\n", -EINVAL, "entry 'a' has no LINUX line" },
	{ "LABEL a\nLINUX boot/Image\n", -EINVAL, "line 2: 'boot/Image' is no absolute path" },
	{ "LABEL a\nLINUX /x\nINITRD ../i\n", -EINVAL, "line 3: '../i' is no absolute path" },
	{ "LABEL a\nLINUX\n", -EINVAL, "line 2: the value of LINUX has 0 bytes" },
	{ "LABEL aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
	  -EINVAL, "has 72 bytes, expected 1 to 63" },
	{ "include other.conf\nLABEL a\nLINUX /x\n", -EOPNOTSUPP, "line 1: it includes another" },
};

START_TEST(an_entry_that_cannot_boot_is_a_sentence)
{
	says(jota_extlinux_parse(bad[_i].text, &entry, &err), bad[_i].result, bad[_i].says);
}
END_TEST

START_TEST(a_value_without_end_is_refused)
{
	static char text[2 * JOTA_EXTLINUX_APPEND_BYTES];

	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "LABEL a\nLINUX /x\nAPPEND ", 24);
	says(jota_extlinux_parse(text, &entry, &err), -EINVAL,
	     "line 3: the value of APPEND has 8167");
	memcpy(text, "LABEL a\nLINUX /xxxxxxxxx", 24);
	says(jota_extlinux_parse(text, &entry, &err), -EINVAL, "line 2: the value of LINUX has");
	/* A keyword without end is one that nobody knows. */
	memcpy(text, "LABEL a\nLINUX /x\nxxxxxxx", 24);
	ck_assert_int_eq(jota_extlinux_parse(text, &entry, &err), 0);
}
END_TEST

/* Both ways of reading a tree. */
START_TEST(the_file_is_read_inside_the_tree_alone)
{
	static char large[70000];
	char outside[PATH_MAX + 32];

	(void)snprintf(outside, sizeof(outside), "/../../../../..%s/outside", scratch.root);
	scratch_text(&scratch, "/outside", "LABEL stolen\nLINUX /x\n");
	add("/etc/real.conf", "LABEL mine\nLINUX /x\n", 0644);
	if (_i < 2) {
		/* Up to the root, and then down again. */
		add_link(CONF, "../../../../etc/real.conf");
		open_way(_i);
		ck_assert_int_eq(jota_extlinux_read(root, &entry, &err), 0);
		ck_assert_str_eq(entry.label, "mine");
		return;
	}
	if (_i < 4) {
		add_link(CONF, outside);
		open_way(_i % 2);
		ck_assert_int_eq(jota_extlinux_read(root, &entry, &err), -ENOENT);
		return;
	}
	memset(large, '#', sizeof(large) - 1);
	add(CONF, large, 0644);
	open_way(_i % 2);
	says(jota_extlinux_read(root, &entry, &err), -EFBIG, "more than 65536 bytes");
}
END_TEST

START_TEST(what_is_no_text_file_is_refused)
{
	static const char zero[] = "LABEL a\n\0LINUX /x\n";

	if (_i == 0)
		add_bytes(CONF, zero, sizeof(zero) - 1, 0644);
	else if (_i == 1)
		add(CONF "/file", "", 0644);
	else if (_i == 2)
		add_link(CONF, "extlinux.conf");
	else
		add("/boot/extlinux", "a file", 0644);
	open_way(1);
	if (_i == 0)
		says(jota_extlinux_read(root, &entry, &err), -EINVAL, "NUL byte at 8");
	else if (_i == 1)
		says(jota_extlinux_read(root, &entry, &err), -EINVAL, "no regular file");
	else if (_i == 2)
		says(jota_extlinux_read(root, &entry, &err), -ELOOP, "");
	else
		ck_assert_int_eq(jota_extlinux_read(root, &entry, &err), -ENOENT);
}
END_TEST

/* An arm64 Image with a banner. */
static void make_kernel(uint8_t kernel[IMAGE_SIZE])
{
	static const char banner[] = "Linux version %s\0Linux version " RELEASE " (x) #1 SMP\n";

	memset(kernel, 0x5a, IMAGE_SIZE);
	memcpy(kernel, "MZ\0\x91", 4);
	memcpy(kernel + 56, "ARM\x64", 4);
	memcpy(kernel + BANNER_AT, banner, sizeof(banner));
}

static size_t pack_gzip(const uint8_t *data, size_t bytes, uint8_t *out, size_t out_bytes)
{
	z_stream z = { .next_in = (Bytef *)data,
		       .avail_in = (uInt)bytes,
		       .next_out = out,
		       .avail_out = (uInt)out_bytes };

	ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	ck_assert_int_eq(deflateEnd(&z), Z_OK);
	return z.total_out;
}

START_TEST(the_release_of_a_kernel_in_the_tree_is_found)
{
	uint8_t kernel[IMAGE_SIZE], packed[IMAGE_SIZE], zboot[64 + IMAGE_SIZE] = "MZ\0\0zimg";
	char release[JOTA_KERNEL_RELEASE_BYTES];
	size_t bytes;

	make_kernel(kernel);
	bytes = pack_gzip(kernel, sizeof(kernel), packed, sizeof(packed));
	zboot[8] = 64;
	zboot[12] = (uint8_t)bytes;
	zboot[13] = (uint8_t)(bytes >> 8);
	memcpy(zboot + 24, "gzip", 4);
	memcpy(zboot + 64, packed, bytes);
	add_bytes("/boot/Image-5", kernel, sizeof(kernel), 0644);
	add_bytes("/boot/Image.gz", packed, bytes, 0644);
	add_bytes("/boot/vmlinuz.efi", zboot, 64 + bytes, 0644);
	add_link("/boot/Image", "/boot/Image-5");
	open_way(_i);
	static const char *const paths[] = { "/boot/Image", "/boot/Image.gz", "/boot/vmlinuz.efi" };
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		memset(release, 0, sizeof(release));
		ck_assert_msg(jota_new_root_kernel_release(root, paths[i], release, &err) == 0,
			      "%s", err.msg);
		ck_assert_str_eq(release, RELEASE);
	}
}
END_TEST

START_TEST(what_is_no_kernel_is_a_sentence)
{
	uint8_t kernel[IMAGE_SIZE], packed[IMAGE_SIZE], zboot[64] = "MZ\0\0zimg";
	char release[JOTA_KERNEL_RELEASE_BYTES];
	size_t bytes;

	make_kernel(kernel);
	bytes = pack_gzip(kernel, sizeof(kernel), packed, sizeof(packed));
	add_bytes("/cut.gz", packed, bytes / 2, 0644);
	packed[bytes / 2] ^= 0xff;
	packed[bytes / 2 + 1] ^= 0xff;
	add_bytes("/spoilt.gz", packed, bytes, 0644);
	memset(kernel + BANNER_AT, 0, 256);
	add_bytes("/mute", kernel, sizeof(kernel), 0644);
	kernel[56] = 'X';
	add_bytes("/foreign", kernel, sizeof(kernel), 0644);
	memcpy(zboot + 24, "zstd", 4);
	add_bytes("/zstd", zboot, sizeof(zboot), 0644);
	memcpy(zboot + 24, "gzip", 4);
	memset(zboot + 8, 0xff, 8);
	add_bytes("/far", zboot, sizeof(zboot), 0644);
	add("/lz4", "\x04\x22\x4d\x18....", 0644);
	add("/empty", "", 0644);
	open_way(_i);
	says(jota_new_root_kernel_release(root, "/none", release, &err), -ENOENT,
	     "'/none' is not in");
	says(jota_new_root_kernel_release(root, "/", release, &err), -EINVAL, "no regular file");
	says(jota_new_root_kernel_release(root, "/cut.gz", release, &err), -EBADMSG, "has no end");
	says(jota_new_root_kernel_release(root, "/spoilt.gz", release, &err), -EBADMSG,
	     "is damaged");
	says(jota_new_root_kernel_release(root, "/mute", release, &err), -ENOENT, "does not tell");
	says(jota_new_root_kernel_release(root, "/foreign", release, &err), -EBADMSG, "no arm64");
	says(jota_new_root_kernel_release(root, "/zstd", release, &err), -EOPNOTSUPP,
	     "unpacks itself");
	says(jota_new_root_kernel_release(root, "/far", release, &err), -EBADMSG, "beyond the file");
	says(jota_new_root_kernel_release(root, "/lz4", release, &err), -EOPNOTSUPP, "lz4");
	says(jota_new_root_kernel_release(root, "/empty", release, &err), -EBADMSG, "no arm64");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("health/extlinux");
	TCase *tc = tcase_create("parse"), *tree_case = tcase_create("tree");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_default_entry_boots_or_the_first);
	tcase_add_loop_test(tc, an_entry_that_cannot_boot_is_a_sentence, 0,
			    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, a_value_without_end_is_refused);
	suite_add_tcase(s, tc);
	tcase_set_timeout(tree_case, 60);
	tcase_add_checked_fixture(tree_case, setup, teardown);
	tcase_add_loop_test(tree_case, the_file_is_read_inside_the_tree_alone, 0, 6);
	tcase_add_loop_test(tree_case, what_is_no_text_file_is_refused, 0, 4);
	tcase_add_loop_test(tree_case, the_release_of_a_kernel_in_the_tree_is_found, 0, 2);
	tcase_add_loop_test(tree_case, what_is_no_kernel_is_a_sentence, 0, 2);
	suite_add_tcase(s, tree_case);
	return s;
}

int main(void)
{
	return run_suite(suite());
}
