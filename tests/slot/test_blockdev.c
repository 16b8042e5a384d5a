/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "base/err.h"
#include "slot/blockdev.h"
#include "slot/extra_block.h"
#include "slot/mounts.h"
#include "support/run.h"
#include "support/tree.h"

#include <errno.h>
#include <string.h>

static struct tree t;
static struct jota_blockdevs devs;
static struct jota_err err;

static void setup(void)
{
	memset(&err, 0, sizeof(err));
	memset(&devs, 0, sizeof(devs));
	tree_make(&t, NULL);
}

static void teardown(void)
{
	jota_blockdevs_done(&devs);
	tree_remove(&t);
}

static void read_devs(void)
{
	ck_assert_msg(jota_blockdevs_read(&t.io, &devs, &err) == 0, "%s", err.msg);
}

static void set_mounts(const char *lines)
{
	tree_write_file(&t, "/proc/self/mountinfo", lines);
}

static const struct jota_partition *must_find(const char *name)
{
	const struct jota_partition *p = jota_blockdevs_find(&devs, name);

	ck_assert_msg(p != NULL, "no '%s'", name);
	return p;
}

START_TEST(partitions_are_read_with_label_place_and_disk)
{
	const struct jota_partition *p;

	read_devs();
	ck_assert_uint_eq(devs.count, 7);
	p = must_find("mmcblk0p2");
	ck_assert_str_eq(p->label, "B_kernel");
	ck_assert_str_eq(p->disk, "mmcblk0");
	ck_assert(p->is_partition);
	ck_assert_uint_eq(p->major, 179);
	ck_assert_uint_eq(p->minor, 2);
	ck_assert_uint_eq(p->start_bytes, 24u << 20);
	ck_assert_uint_eq(p->size_bytes, 8u << 20);
	p = must_find("mmcblk0");
	ck_assert(!p->is_partition);
	ck_assert_str_eq(p->disk, "mmcblk0");
	ck_assert_str_eq(p->label, "");
	ck_assert_ptr_null(jota_blockdevs_find(&devs, "mmcblk0p9"));
}
END_TEST

START_TEST(root_is_found_by_device_number_whatever_its_source_is_called)
{
	read_devs();
	ck_assert_str_eq(devs.root_name, "mmcblk0p5");
	ck_assert(must_find("mmcblk0p5")->mounted);
	ck_assert(!must_find("mmcblk0p6")->mounted);
}
END_TEST

START_TEST(a_later_mount_over_root_hides_the_earlier)
{
	set_mounts("1 1 179:5 / / rw - ext4 /dev/root rw\n"
		   "2 1 179:6 / / rw - ext4 /dev/root rw\n");
	read_devs();
	ck_assert_str_eq(devs.root_name, "mmcblk0p6");
	ck_assert(must_find("mmcblk0p5")->mounted);
}
END_TEST

START_TEST(root_is_found_under_an_overlay)
{
	set_mounts("1 1 0:30 / / rw - overlay overlay rw,lowerdir=/ro,upperdir=/rw/u,workdir=/rw/w\n"
		   "2 1 179:6 / /ro ro - ext4 /dev/mmcblk0p6 ro\n"
		   "3 1 0:31 / /rw rw - tmpfs tmpfs rw\n");
	read_devs();
	ck_assert_str_eq(devs.root_name, "mmcblk0p6");
	ck_assert(must_find("mmcblk0p6")->mounted);
}
END_TEST

START_TEST(root_is_found_under_several_lower_directories)
{
	set_mounts(
		"1 1 0:30 / / rw - overlay overlay rw,lowerdir=/mem/a:/mnt/my\\040disk/root,upperdir=/mem/u\n"
		"2 1 179:1 / /mnt rw - ext4 /dev/x rw\n"
		"3 1 179:6 / /mnt/my\\040disk ro shared:1 master:2 - ext4 /dev/x ro\n"
		"4 1 0:31 / /mem rw - tmpfs tmpfs rw\n");
	read_devs();
	ck_assert_str_eq(devs.root_name, "mmcblk0p6");
}
END_TEST

START_TEST(lower_directories_may_come_one_option_each)
{
	set_mounts(
		"1 1 0:30 / / rw - overlay overlay rw,lowerdir+=/mem/a,lowerdir+=/ro,upperdir=/mem/u\n"
		"2 1 179:5 / /ro ro - ext4 /dev/x ro\n"
		"4 1 0:31 / /mem rw - tmpfs tmpfs rw\n");
	read_devs();
	ck_assert_str_eq(devs.root_name, "mmcblk0p5");
}
END_TEST

START_TEST(an_overlay_over_two_devices_is_not_guessed)
{
	set_mounts("1 1 0:30 / / rw - overlay overlay rw,lowerdir=/one:/two\n"
		   "2 1 179:5 / /one ro - ext4 /dev/x ro\n"
		   "3 1 179:6 / /two ro - ext4 /dev/x ro\n");
	read_devs();
	ck_assert_str_eq(devs.root_name, "");
	ck_assert(must_find("mmcblk0p5")->mounted);
	ck_assert(must_find("mmcblk0p6")->mounted);
}
END_TEST

START_TEST(an_overlay_whose_base_is_out_of_sight_is_not_guessed)
{
	set_mounts("1 1 0:30 / / rw - overlay overlay rw,lowerdir=/initramfs/ro\n");
	read_devs();
	ck_assert_str_eq(devs.root_name, "");
}
END_TEST

static void add_dm(unsigned number, const char *const *slave, size_t slave_count)
{
	char dir[64], name[16], leaf[80];

	(void)snprintf(name, sizeof(name), "dm-%u", number);
	(void)snprintf(dir, sizeof(dir), "virtual/block/%s", name);
	add_extra(&t, dir, name, 253, number, NULL, 0, 1000);
	for (size_t i = 0; i < slave_count; i++) {
		char path[256];

		(void)snprintf(leaf, sizeof(leaf), "slaves/%s", slave[i]);
		put_sysfs(&t, dir, leaf, "");
		(void)snprintf(path, sizeof(path), "/sys/class/block/%s/holders/%s", slave[i], name);
		tree_write_file(&t, path, "");
	}
}

START_TEST(root_is_found_under_device_mapper)
{
	add_dm(0, (const char *const[]){ "mmcblk0p6" }, 1);
	add_dm(1, (const char *const[]){ "dm-0" }, 1);
	set_mounts("1 1 253:1 / / ro - ext4 /dev/mapper/root ro\n");
	read_devs();
	ck_assert_str_eq(devs.root_name, "mmcblk0p6");
	ck_assert(must_find("mmcblk0p6")->mounted);
	ck_assert(must_find("mmcblk0p6")->held);
	ck_assert(!must_find("mmcblk0p5")->held);
}
END_TEST

START_TEST(device_mapper_over_two_devices_is_not_guessed)
{
	add_dm(0, (const char *const[]){ "mmcblk0p5", "mmcblk0p6" }, 2);
	set_mounts("1 1 253:0 / / ro - ext4 /dev/mapper/root ro\n");
	read_devs();
	ck_assert_str_eq(devs.root_name, "");
}
END_TEST

START_TEST(device_mapper_in_a_circle_ends)
{
	add_dm(0, NULL, 0);
	add_dm(1, (const char *const[]){ "dm-0" }, 1);
	put_sysfs(&t, "virtual/block/dm-0", "slaves/dm-1", "");
	set_mounts("1 1 253:0 / / ro - ext4 /dev/mapper/root ro\n");
	read_devs();
	ck_assert_str_eq(devs.root_name, "");
}
END_TEST

START_TEST(root_is_found_under_a_loop_device)
{
	add_extra(&t, "virtual/block/loop0", "loop0", 7, 0, NULL, 0, 1000);
	put_sysfs(&t, "virtual/block/loop0", "loop/backing_file", "/host/images/root.squashfs\n");
	set_mounts("1 1 0:30 / / rw - overlay overlay rw,lowerdir=/squash,upperdir=/mem/u\n"
		   "2 1 7:0 / /squash ro - squashfs /dev/loop0 ro\n"
		   "3 1 179:5 / /host rw - ext4 /dev/mmcblk0p5 rw\n");
	read_devs();
	ck_assert_str_eq(devs.root_name, "mmcblk0p5");
	ck_assert(must_find("loop0")->mounted);
}
END_TEST

START_TEST(a_volume_without_a_device_number_is_found_by_its_source)
{
	set_mounts("1 1 0:40 /@ / rw - btrfs /dev/mmcblk0p6 rw\n");
	read_devs();
	ck_assert_str_eq(devs.root_name, "mmcblk0p6");
}
END_TEST

START_TEST(a_device_that_vanished_is_left_out)
{
	char full[PATH_MAX * 2];

	ROOTED(full, &t, "/sys/class/block/sda");
	ck_assert_int_eq(symlink("../../devices/usb/gone/sda", full), 0);
	read_devs();
	ck_assert_uint_eq(devs.count, 7);
}
END_TEST

START_TEST(a_size_that_overflows_is_refused)
{
	add_extra(&t, "virtual/block/evil", "evil", 240, 0, NULL, 0, 0);
	put_sysfs(&t, "virtual/block/evil", "size", "36028797018963968\n");
	ck_assert_int_lt(jota_blockdevs_read(&t.io, &devs, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.msg, "evil"));
}
END_TEST

START_TEST(lines_without_the_fields_are_left_out)
{
	set_mounts("\n1 1\n1 1 x:y / / rw - ext4 a rw\n1 1 179:5 / / rw ext4 a rw\n"
		   "7 1 179:6 / / rw - ext4 /dev/root rw");
	read_devs();
	ck_assert_str_eq(devs.root_name, "mmcblk0p6");
}
END_TEST

START_TEST(escapes_of_overlay_do_not_split_a_directory)
{
	struct jota_mount mount = { .super_options =
					    "rw,xlowerdir=/no,lowerdir=/a\\:b::/c\\,d,upperdir=/u" };
	const char *cursor = NULL;
	char dir[32];

	ck_assert_int_eq(jota_mount_next_lower(&mount, &cursor, dir, sizeof(dir)), 1);
	ck_assert_str_eq(dir, "/a:b");
	ck_assert_int_eq(jota_mount_next_lower(&mount, &cursor, dir, sizeof(dir)), 1);
	ck_assert_str_eq(dir, "/c,d");
	ck_assert_int_eq(jota_mount_next_lower(&mount, &cursor, dir, sizeof(dir)), 0);
	ck_assert_int_eq(jota_mount_next_lower(&mount, &cursor, dir, sizeof(dir)), 0);
	cursor = NULL;
	ck_assert_int_eq(jota_mount_next_lower(&mount, &cursor, dir, 4), -ENAMETOOLONG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("blockdev");
	TCase *tc = tcase_create("sysfs and mounts");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, partitions_are_read_with_label_place_and_disk);
	tcase_add_test(tc, root_is_found_by_device_number_whatever_its_source_is_called);
	tcase_add_test(tc, a_later_mount_over_root_hides_the_earlier);
	tcase_add_test(tc, root_is_found_under_an_overlay);
	tcase_add_test(tc, root_is_found_under_several_lower_directories);
	tcase_add_test(tc, lower_directories_may_come_one_option_each);
	tcase_add_test(tc, an_overlay_over_two_devices_is_not_guessed);
	tcase_add_test(tc, an_overlay_whose_base_is_out_of_sight_is_not_guessed);
	tcase_add_test(tc, root_is_found_under_device_mapper);
	tcase_add_test(tc, device_mapper_over_two_devices_is_not_guessed);
	tcase_add_test(tc, device_mapper_in_a_circle_ends);
	tcase_add_test(tc, root_is_found_under_a_loop_device);
	tcase_add_test(tc, a_volume_without_a_device_number_is_found_by_its_source);
	tcase_add_test(tc, a_device_that_vanished_is_left_out);
	tcase_add_test(tc, a_size_that_overflows_is_refused);
	tcase_add_test(tc, lines_without_the_fields_are_left_out);
	tcase_add_test(tc, escapes_of_overlay_do_not_split_a_directory);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
