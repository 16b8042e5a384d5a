/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What lies on the device: mounts, space, nodes, files, firmware, modules. */
#include "health/health_test.h"

#define MOUNT(fields) "kind = \"mount\"; path = \"/data\"; " fields
#define SPACE(fields) "kind = \"space\"; path = \"/data\"; " fields

static void mounts(const char *text)
{
	make_dir("/proc", 0755);
	make_dir("/proc/self", 0755);
	scratch_text(&scratch, "/proc/self/mounts", text);
}

START_TEST(mount_tells_what_is_mounted_and_how)
{
	make_dir("/data", 0755);
	mounts("/dev/root / ext4 ro,relatime 0 0\n/dev/mmcblk0p9 /data ext4 rw,noatime 0 0\n"
	       "tmpfs /with\\040blank tmpfs ro 0 0\n");
	ck_pass(MOUNT(""), "'/data' is ext4, writable");
	ck_pass(MOUNT("type = \"ext4\";"), "");
	ck_fail(MOUNT("type = \"btrfs\";"), JOTA_WHY_WRONG_TYPE, "is ext4, expected btrfs");
	ck_fail("kind = \"mount\"; path = \"/\";", JOTA_WHY_READ_ONLY, "'/'");
	ck_pass("kind = \"mount\"; path = \"/\"; writable = false;", "read-only");
	ck_fail("kind = \"mount\"; path = \"/dat\";", JOTA_WHY_NOT_MOUNTED, "/dat");
	ck_pass("kind = \"mount\"; path = \"/with blank\"; writable = false;", "");
}
END_TEST

START_TEST(mount_looks_at_the_last_one_mounted_there)
{
	make_dir("/data", 0755);
	mounts("/dev/a /data ext4 rw 0 0\n/dev/b /data vfat ro,errors=remount-ro 0 0\n");
	ck_fail(MOUNT(""), JOTA_WHY_READ_ONLY, "");
	ck_fail(MOUNT("type = \"ext4\";"), JOTA_WHY_WRONG_TYPE, "vfat");
	scratch_text(&scratch, "/proc/self/mounts",
		     "/dev/b /data vfat ro 0 0\n/dev/a /data ext4 rw,errors=remount-ro 0 0\n");
	ck_pass(MOUNT(""), "ext4");
}
END_TEST

START_TEST(mount_writes_and_leaves_no_file)
{
	char full[PATH_MAX];

	make_dir("/data", 0755);
	mounts("/dev/a /data ext4 rw 0 0\n");
	ck_pass(MOUNT("write_test = true;"), "");
	scratch_path(&scratch, "/data", full);
	ck_assert_int_eq(rmdir(full), 0); /* empty */
	/* It vanished meanwhile. */
	ck_fail(MOUNT("write_test = true;"), JOTA_WHY_WRITE, "No such file");
}
END_TEST

START_TEST(mount_that_takes_no_bytes_is_told)
{
	mounts("x /dev/full ext4 rw 0 0\nproc /proc proc rw 0 0\n");
	/* A directory of procfs makes no files. */
	if (jota_io_init(&scratch.io, "/", NULL) == 0)
		ck_fail("kind = \"mount\"; path = \"/proc\"; write_test = true; writable = true;",
			JOTA_WHY_WRITE, "'/proc'");
}
END_TEST

START_TEST(mounts_that_are_garbage_are_no_mounts)
{
	mounts("garbage\n\n\xff\xfe /data\n# x\n/dev/a /data\n");
	ck_fail(MOUNT("type = \"ext4\";"), JOTA_WHY_NOT_MOUNTED, "/data");
	scratch_drop(&scratch, "/proc/self/mounts");
	ck_result(MOUNT(""), JOTA_ERROR, JOTA_WHY_INTERNAL, "/proc/self/mounts");
}
END_TEST

START_TEST(space_counts_bytes_and_inodes)
{
	make_dir("/data", 0755);
	ck_pass(SPACE("min_mib = 1; min_percent = 1;"), "MiB");
	ck_fail(SPACE("min_mib = 2147483647;"), JOTA_WHY_SPACE, "left");
	ck_fail(SPACE("min_percent = 100;"), JOTA_WHY_SPACE, "%");
	ck_fail("kind = \"space\"; path = \"/none\"; min_mib = 1;", JOTA_WHY_MISSING, "/none");
}
END_TEST

START_TEST(inodes_run_out_too)
{
	make_dir("/data", 0755);
	ck_pass(SPACE("min_inodes = 1;"), "");
	ck_fail(SPACE("min_inodes = 2147483647;"), JOTA_WHY_INODES, "inodes");
}
END_TEST

/* A node below the root can be a link to one of the machine's own. */
static void node(const char *path, const char *to)
{
	char full[PATH_MAX];

	scratch_path(&scratch, path, full);
	ck_assert_int_eq(symlink(to, full), 0);
}

START_TEST(device_tells_node_type_and_whether_it_opens)
{
	make_dir("/dev", 0755);
	node("/dev/null", "/dev/null");
	scratch_text(&scratch, "/dev/file", "");
	ck_pass("kind = \"device\"; path = \"/dev/null\"; type = \"char\"; open = true;",
		"can be opened");
	ck_pass("kind = \"device\"; path = \"/dev/null\";", "is there");
	ck_fail("kind = \"device\"; path = \"/dev/null\"; type = \"block\";", JOTA_WHY_WRONG_TYPE,
		"is a char device, expected a block device");
	ck_fail("kind = \"device\"; path = \"/dev/file\";", JOTA_WHY_WRONG_TYPE,
		"file or directory");
	ck_fail("kind = \"device\"; path = \"/dev/video0\";", JOTA_WHY_MISSING, "/dev/video0");
}
END_TEST

START_TEST(device_that_cannot_be_opened_is_told)
{
	make_dir("/dev", 0755);
	/* A terminal of its own, which no check has: it has no session leader's terminal. */
	node("/dev/tty", "/dev/tty");
	ck_fail("kind = \"device\"; path = \"/dev/tty\"; open = true;", JOTA_WHY_OPEN, "/dev/tty");
}
END_TEST

START_TEST(device_is_asked_for_its_driver)
{
	char full[PATH_MAX];

	make_dir("/dev", 0755);
	node("/dev/null", "/dev/null");
	ck_fail("kind = \"device\"; path = \"/dev/null\"; driver = \"tegra-video\";",
		JOTA_WHY_DRIVER, "has driver ''");
	for (const char *const *p =
		     (const char *const[]){ "/sys", "/sys/dev", "/sys/dev/char",
					    "/sys/dev/char/1:3", "/sys/dev/char/1:3/device", NULL };
	     *p; p++)
		make_dir(*p, 0755);
	scratch_path(&scratch, "/sys/dev/char/1:3/device/driver", full);
	ck_assert_int_eq(symlink("../../../bus/drivers/tegra-video", full), 0);
	ck_pass("kind = \"device\"; path = \"/dev/null\"; driver = \"tegra-video\";", "");
	ck_fail("kind = \"device\"; path = \"/dev/null\"; driver = \"vivid\";", JOTA_WHY_DRIVER,
		"has driver 'tegra-video'");
}
END_TEST

#define FILE_CHECK(fields) "kind = \"file\"; path = \"/etc/it\"; " fields

START_TEST(file_compares_its_content)
{
	scratch_text(&scratch, "/etc/it", "mission-7\n");
	ck_pass(FILE_CHECK(""), "mission-7");
	ck_pass(FILE_CHECK("equals = \"mission-7\";"), "");
	ck_fail(FILE_CHECK("equals = \"mission\";"), JOTA_WHY_CONTENT,
		"has 'mission-7', expected 'mission'");
	ck_pass(FILE_CHECK("matches = \"^mission-[0-9]+$\";"), "");
	ck_fail(FILE_CHECK("matches = \"^[0-9]+$\";"), JOTA_WHY_CONTENT, "");
	ck_fail("kind = \"file\"; path = \"/etc/none\";", JOTA_WHY_MISSING, "/etc/none");
	ck_fail("kind = \"file\"; path = \"/etc\";", JOTA_WHY_WRONG_TYPE, "no regular file");
}
END_TEST

START_TEST(file_compares_versions)
{
	scratch_text(&scratch, "/etc/it", "NAME=\"Jetson\"\nVERSION_ID=\"2.10\"\nEMPTY=\n");
	ck_pass(FILE_CHECK("key = \"VERSION_ID\"; min_version = \"2.9\"; max_version = \"2.10.0\";"),
		"2.10");
	ck_fail(FILE_CHECK("key = \"VERSION_ID\"; min_version = \"2.11\";"), JOTA_WHY_TOO_OLD,
		"at least 2.11");
	ck_fail(FILE_CHECK("key = \"VERSION_ID\"; max_version = \"2.1\";"), JOTA_WHY_TOO_NEW,
		"at most 2.1");
	ck_fail(FILE_CHECK("key = \"NAME\"; min_version = \"1\";"), JOTA_WHY_NO_VERSION, "Jetson");
	ck_fail(FILE_CHECK("key = \"VERSION\";"), JOTA_WHY_CONTENT, "no line 'VERSION='");
	ck_fail(FILE_CHECK("key = \"EMPTY\"; min_version = \"1\";"), JOTA_WHY_NO_VERSION, "''");
}
END_TEST

START_TEST(file_that_is_garbage_or_too_large_is_told)
{
	static char large[70000];
	char full[PATH_MAX];

	memset(large, 'x', sizeof(large));
	scratch_write(&scratch, "/etc/it", large, sizeof(large));
	ck_fail(FILE_CHECK("equals = \"x\";"), JOTA_WHY_TOO_LARGE, "too large");
	scratch_write(&scratch, "/etc/it", "\x1b[2J\0\xff", 6);
	ck_fail(FILE_CHECK("equals = \"x\";"), JOTA_WHY_CONTENT, "?[2J");
	scratch_path(&scratch, "/etc/it", full);
	ck_assert_int_eq(unlink(full), 0);
	ck_assert_int_eq(mkfifo(full, 0644), 0);
	ck_fail(FILE_CHECK("equals = \"x\";"), JOTA_WHY_WRONG_TYPE, "");
}
END_TEST

#define ENTRY "/sys/firmware/efi/esrt/entries/entry0"
static void esrt(const char *version, const char *status)
{
	static const char *const dirs[] = { "/sys", "/sys/firmware", "/sys/firmware/efi",
					    "/sys/firmware/efi/esrt",
					    "/sys/firmware/efi/esrt/entries" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		make_dir(dirs[i], 0755);
	scratch_text(&scratch, ENTRY "/fw_class", "bf0d4599-20d4-414e-b2c5-3595b1cda402\n");
	scratch_text(&scratch, ENTRY "/fw_version", version);
	scratch_text(&scratch, ENTRY "/last_attempt_version", "2360324\n");
	scratch_text(&scratch, ENTRY "/last_attempt_status", status);
}
#define ESRT(fields) "kind = \"esrt\"; " fields

START_TEST(esrt_tells_version_and_the_last_attempt)
{
	esrt("2360323\n", "0\n");
	ck_pass(ESRT(""), "0x240403");
	ck_pass(ESRT("min_version = \"36.4.3\";"), "");
	ck_pass(ESRT("version = \"0x240403\"; fw_class = \"BF0D4599-20d4-414e-b2c5-3595b1cda402\";"),
		"");
	ck_fail(ESRT("min_version = \"36.4.4\";"), JOTA_WHY_TOO_OLD, "expected at least 0x240404");
	ck_fail(ESRT("version = \"36.4.2\";"), JOTA_WHY_TOO_NEW, "expected 0x240402");
	ck_fail(ESRT("fw_class = \"00000000-20d4-414e-b2c5-3595b1cda402\";"), JOTA_WHY_NO_ESRT,
		"no entry");
	scratch_text(&scratch, ENTRY "/last_attempt_status", "6163\n");
	ck_fail(ESRT(""), JOTA_WHY_FIRMWARE_ATTEMPT, "0x240404 ended with status 0x1813");
	ck_pass(ESRT("last_attempt_ok = false;"), "");
}
END_TEST

START_TEST(esrt_that_is_absent_or_garbage_is_told)
{
	ck_fail(ESRT(""), JOTA_WHY_NO_ESRT, "");
	esrt("soon\n", "0\n");
	ck_fail(ESRT(""), JOTA_WHY_BAD_ANSWER, "entry0");
	scratch_text(&scratch, ENTRY "/fw_version", "99999999999\n");
	ck_fail(ESRT(""), JOTA_WHY_BAD_ANSWER, "entry0");
	scratch_drop(&scratch, ENTRY "/fw_version");
	ck_fail(ESRT(""), JOTA_WHY_BAD_ANSWER, "entry0");
}
END_TEST

START_TEST(kernel_modules_must_be_those_of_the_kernel_that_runs)
{
	static const char *const dirs[] = { "/proc",
					    "/proc/sys",
					    "/lib",
					    "/lib/modules",
					    "/lib/modules/5.15.148-tegra",
					    "/sys",
					    "/sys/module",
					    "/sys/module/nvgpu_t234" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		make_dir(dirs[i], 0755);
	ck_result("kind = \"kernel-modules\";", JOTA_ERROR, JOTA_WHY_INTERNAL, "osrelease");
	scratch_text(&scratch, "/proc/sys/kernel/osrelease", "5.15.148-tegra\n");
	ck_fail("kind = \"kernel-modules\";", JOTA_WHY_NO_MODULES, "5.15.148-tegra");
	scratch_text(&scratch, "/lib/modules/5.15.148-tegra/modules.dep", "");
	ck_pass("kind = \"kernel-modules\";", "5.15.148-tegra");
	ck_pass("kind = \"kernel-modules\"; loaded = [ \"nvgpu-t234\" ];", "");
	ck_fail("kind = \"kernel-modules\"; loaded = [ \"nvgpu-t234\", \"nvmap\" ];",
		JOTA_WHY_NOT_LOADED, "nvmap");
	scratch_text(&scratch, "/proc/sys/kernel/osrelease", "../../etc\n");
	ck_result("kind = \"kernel-modules\";", JOTA_ERROR, JOTA_WHY_INTERNAL, "osrelease");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kinds");
	TCase *tcase = tcase_create("kinds");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, health_setup, health_teardown);
	tcase_add_test(tcase, mount_tells_what_is_mounted_and_how);
	tcase_add_test(tcase, mount_looks_at_the_last_one_mounted_there);
	tcase_add_test(tcase, mount_writes_and_leaves_no_file);
	tcase_add_test(tcase, mount_that_takes_no_bytes_is_told);
	tcase_add_test(tcase, mounts_that_are_garbage_are_no_mounts);
	tcase_add_test(tcase, space_counts_bytes_and_inodes);
	tcase_add_test(tcase, inodes_run_out_too);
	tcase_add_test(tcase, device_tells_node_type_and_whether_it_opens);
	tcase_add_test(tcase, device_that_cannot_be_opened_is_told);
	tcase_add_test(tcase, device_is_asked_for_its_driver);
	tcase_add_test(tcase, file_compares_its_content);
	tcase_add_test(tcase, file_compares_versions);
	tcase_add_test(tcase, file_that_is_garbage_or_too_large_is_told);
	tcase_add_test(tcase, esrt_tells_version_and_the_last_attempt);
	tcase_add_test(tcase, esrt_that_is_absent_or_garbage_is_told);
	tcase_add_test(tcase, kernel_modules_must_be_those_of_the_kernel_that_runs);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
