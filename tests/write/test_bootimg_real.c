/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Images made by mkbootimg, the Debian package, as users make theirs. Without it this fails. */
#include "write/bootimg.h"

#include "base/err.h"
#include "support/run.h"
#include "support/scratch.h"
#include "support/scratch_part.h"

#include <check.h>

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define KERNEL_BYTES 300001
#define RAMDISK_BYTES 70000
#define DTB_BYTES 5000

extern char **environ;

static struct scratch dir;
static struct jota_err err;

static void make_part(const char *path, size_t len, uint32_t seed)
{
	uint8_t *data = make_image(len, seed);

	if (len == KERNEL_BYTES)
		memcpy(data + 56, "ARM\x64", 4);
	scratch_write(&dir, path, data, len);
	free(data);
}

static void setup(void)
{
	scratch_make(&dir);
	make_part("/kernel", KERNEL_BYTES, 1);
	make_part("/ramdisk", RAMDISK_BYTES, 2);
	make_part("/dtb", DTB_BYTES, 3);
	err = (struct jota_err){ 0 };
}

static void teardown(void)
{
	scratch_drop(&dir, "/kernel");
	scratch_drop(&dir, "/ramdisk");
	scratch_drop(&dir, "/dtb");
	scratch_drop(&dir, "/boot.img");
	scratch_remove(&dir);
}

/* extra: further arguments, NULL-terminated. Returns the image. */
static uint8_t *mkbootimg(const char *const *extra, size_t *ret_bytes)
{
	char kernel[PATH_MAX], ramdisk[PATH_MAX], dtb[PATH_MAX], output[PATH_MAX];
	const char *argv[24] = { "mkbootimg", "--kernel", kernel, "--ramdisk", ramdisk,
				 "--dtb",     dtb,	  "-o",	  output };
	size_t argc = 9;
	int status = -1, r;
	char *image;
	pid_t pid;

	scratch_path(&dir, "/kernel", kernel);
	scratch_path(&dir, "/ramdisk", ramdisk);
	scratch_path(&dir, "/dtb", dtb);
	scratch_path(&dir, "/boot.img", output);
	while (*extra)
		argv[argc++] = *extra++;
	r = posix_spawnp(&pid, "mkbootimg", NULL, NULL, (char *const *)(uintptr_t)argv, environ);
	ck_assert_msg(r == 0, "mkbootimg: %s; install the package of that name", strerror(r));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_msg(jota_io_read_file(&dir.io, "/boot.img", 1u << 20, &image, ret_bytes, &err) ==
			      0,
		      "%s", err.msg);
	return (uint8_t *)image;
}

static const char *const versions[][12] = {
	{ "--header_version", "0", NULL },
	{ "--header_version", "0", "--pagesize", "4096", "--cmdline", "console=ttyTCU0,115200",
	  NULL },
	{ "--header_version", "1", "--pagesize", "16384", NULL },
	{ "--header_version", "2", "--os_version", "12.0.0", "--board", "jetson", NULL },
};

START_TEST(image_made_by_mkbootimg_is_accepted_with_its_id)
{
	struct jota_bootimg hdr;
	struct jota_bootimg_check *c;
	size_t len;
	uint8_t *image = mkbootimg(versions[_i], &len);

	ck_assert_msg(jota_bootimg_parse(image, len, len, &hdr, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(hdr.kernel_size_bytes, KERNEL_BYTES);
	ck_assert_uint_eq(hdr.ramdisk_size_bytes, RAMDISK_BYTES);
	ck_assert_uint_eq(hdr.dtb_size_bytes, hdr.header_version == 2 ? DTB_BYTES : 0);
	ck_assert_uint_eq(hdr.total_bytes, len);
	ck_assert_str_eq(hdr.cmdline, _i == 1 ? "console=ttyTCU0,115200" : "");

	ck_assert_int_eq(jota_bootimg_check_open(&hdr, &c, &err), 0);
	jota_bootimg_check_feed(c, image, len);
	ck_assert_msg(jota_bootimg_check_finish(c, &err) == 0, "%s", err.msg);
	jota_bootimg_check_free(c);

	/* Not because there was nothing to compare. */
	image[len / 2] ^= 1;
	ck_assert_int_eq(jota_bootimg_check_open(&hdr, &c, &err), 0);
	jota_bootimg_check_feed(c, image, len);
	ck_assert_int_eq(jota_bootimg_check_finish(c, &err), -EBADMSG);
	jota_bootimg_check_free(c);
	free(image);
}
END_TEST

START_TEST(image_of_version_3_made_by_mkbootimg_is_refused_with_the_reason)
{
	static const char *const three[] = { "--header_version", "3", NULL };
	struct jota_bootimg hdr;
	size_t len;
	uint8_t *image = mkbootimg(three, &len);

	ck_assert_int_eq(jota_bootimg_parse(image, len, len, &hdr, &err), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.msg, "header version 3"));
	ck_assert_ptr_nonnull(strstr(err.msg, "Tegra boot chain"));
	free(image);
}
END_TEST

static Suite *real_suite(void)
{
	Suite *s = suite_create("bootimg made by mkbootimg");
	TCase *tc = tcase_create("images");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, image_made_by_mkbootimg_is_accepted_with_its_id, 0, 4);
	tcase_add_test(tc, image_of_version_3_made_by_mkbootimg_is_refused_with_the_reason);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return run_suite(real_suite());
}
