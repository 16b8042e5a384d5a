/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* I2: which slot runs is derived from what speaks; what speaks must agree, at least one must speak. */
#include "base/err.h"
#include "slot/blockdev.h"
#include "slot/evidence.h"
#include "slot/extra_block.h"
#include "slot/layout.h"
#include "support/run.h"
#include "support/tree.h"

#include <errno.h>
#include <string.h>

static struct tree t;
static struct jota_evidence ev;
static struct jota_err err;

static void setup(void)
{
	memset(&err, 0, sizeof(err));
	tree_make(&t, NULL);
}

static void teardown(void)
{
	tree_remove(&t);
}

static int read_evidence_in(const char *layout)
{
	struct jota_blockdevs devs = { 0 };
	int r;

	ck_assert_msg(jota_blockdevs_read(&t.io, &devs, &err) == 0, "%s", err.msg);
	r = jota_evidence_read(&t.io, jota_layout_find(layout), &devs, &ev, &err);
	jota_blockdevs_done(&devs);
	return r;
}

static int read_evidence(void)
{
	return read_evidence_in("mission");
}

static void set_cmdline(const char *text)
{
	tree_write_file(&t, "/proc/cmdline", text);
}

static void root_from(const char *device_number)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "1 1 %s / / rw - ext4 /dev/root rw\n", device_number);
	tree_write_file(&t, "/proc/self/mountinfo", line);
}

START_TEST(I2_all_witnesses_agree)
{
	enum jota_slot slot = _i == 0 ? JOTA_SLOT_A : JOTA_SLOT_B;

	tree_reboot_into(&t, slot);
	ck_assert_msg(read_evidence() == 0, "%s", err.msg);
	ck_assert(ev.known);
	ck_assert_int_eq(ev.running, slot);
	ck_assert_str_eq(ev.root_disk, "mmcblk0");
	for (int i = 0; i < 3; i++) {
		ck_assert(ev.witness[i].speaks);
		ck_assert_int_eq(ev.witness[i].says, slot);
	}
	ck_assert(!ev.witness[3].speaks);
	ck_assert_str_eq(ev.witness[0].detail, _i == 0 ? "mmcblk0p5 'A_APP'" : "mmcblk0p6 'B_APP'");
	ck_assert_str_eq(ev.witness[3].detail, "");
}
END_TEST

START_TEST(I2_one_witness_is_enough)
{
	static const char *const cmdline[] = { "quiet jota.slot=B", "root=PARTLABEL=B_APP",
					       "x boot.slot_suffix=_b y" };

	root_from("0:99");
	set_cmdline(cmdline[_i]);
	ck_assert_msg(read_evidence() == 0, "%s", err.msg);
	ck_assert(ev.known);
	ck_assert_int_eq(ev.running, JOTA_SLOT_B);
	ck_assert_str_eq(ev.root_disk, "");
}
END_TEST

START_TEST(I2_an_empty_suffix_means_the_first_slot)
{
	root_from("0:99");
	set_cmdline("boot.slot_suffix= rw");
	ck_assert_msg(read_evidence() == 0, "%s", err.msg);
	ck_assert_int_eq(ev.running, JOTA_SLOT_A);
}
END_TEST

START_TEST(I2_nobody_speaks_is_refused)
{
	root_from("179:1");
	set_cmdline("root=/dev/mmcblk0p5 jota.slotted=A xjota.slot=B\n");
	ck_assert_int_eq(read_evidence(), -ENOENT);
	ck_assert(!ev.known);
	ck_assert_ptr_nonnull(strstr(err.msg, "jota.slot="));
	ck_assert_str_eq(ev.root_disk, "mmcblk0");
	for (int i = 0; i < JOTA_WITNESS_COUNT; i++) {
		ck_assert(!ev.witness[i].speaks);
		ck_assert_ptr_nonnull(ev.witness[i].source);
	}
}
END_TEST

START_TEST(I2_contradicting_witnesses_are_refused_and_named)
{
	static const char *const cmdline[] = { "root=PARTLABEL=A_APP jota.slot=B",
					       "root=PARTLABEL=B_APP jota.slot=A",
					       "boot.slot_suffix=_b" };

	set_cmdline(cmdline[_i]);
	ck_assert_int_eq(read_evidence(), -EBADMSG);
	ck_assert(!ev.known);
	ck_assert_ptr_nonnull(strstr(err.msg, "mmcblk0p5 'A_APP'"));
	ck_assert_ptr_nonnull(strstr(err.msg, "says B"));
	ck_assert(ev.witness[0].speaks);
}
END_TEST

START_TEST(I2_a_parameter_given_twice_contradicts_itself)
{
	static const char *const cmdline[] = { "jota.slot=A jota.slot=B", "jota.slot=B jota.slot=A",
					       "root=/dev/nfs root=PARTLABEL=A_APP" };

	set_cmdline(cmdline[_i]);
	ck_assert_int_eq(read_evidence(), -EBADMSG);
	ck_assert(!ev.known);
	ck_assert_ptr_nonnull(strstr(err.msg, "contradicts itself"));
}
END_TEST

START_TEST(I2_a_parameter_given_twice_alike_speaks_once)
{
	set_cmdline("jota.slot=A root=PARTLABEL=A_APP jota.slot=A\n");
	ck_assert_msg(read_evidence() == 0, "%s", err.msg);
	ck_assert_int_eq(ev.running, JOTA_SLOT_A);
}
END_TEST

START_TEST(I2_a_slot_that_does_not_exist_is_refused)
{
	static const char *const cmdline[] = { "jota.slot=C", "jota.slot=", "jota.slot=AB",
					       "boot.slot_suffix=_c" };

	set_cmdline(cmdline[_i]);
	ck_assert_int_eq(read_evidence(), -EBADMSG);
	ck_assert(!ev.known);
	ck_assert_ptr_nonnull(strstr(err.msg, cmdline[_i]));
}
END_TEST

START_TEST(quotes_and_what_is_meant_for_init_are_understood)
{
	set_cmdline("dyndbg=\"file a.c +p; jota.slot=B\" root=\"PARTLABEL=A_APP\" -- jota.slot=B");
	ck_assert_msg(read_evidence() == 0, "%s", err.msg);
	ck_assert_int_eq(ev.running, JOTA_SLOT_A);
	ck_assert(!ev.witness[1].speaks);
}
END_TEST

START_TEST(I2_the_same_label_on_another_disk_says_nothing)
{
	add_extra(&t, "pci/nvme0n1", "nvme0n1", 259, 0, NULL, 0, 100000);
	add_extra(&t, "pci/nvme0n1/nvme0n1p1", "nvme0n1p1", 259, 1, "B_APP", 2048, 4096);
	add_extra(&t, "pci/nvme0n1/nvme0n1p2", "nvme0n1p2", 259, 2, "A_APP", 8192, 4096);
	ck_assert_msg(read_evidence() == 0, "%s", err.msg);
	ck_assert_int_eq(ev.running, JOTA_SLOT_A);
	ck_assert_str_eq(ev.root_disk, "mmcblk0");
	root_from("259:1");
	set_cmdline("quiet");
	ck_assert_msg(read_evidence() == 0, "%s", err.msg);
	ck_assert_int_eq(ev.running, JOTA_SLOT_B);
	ck_assert_str_eq(ev.root_disk, "nvme0n1");
}
END_TEST

START_TEST(I2_the_device_below_an_overlay_contradicts_a_wrong_command_line)
{
	tree_write_file(&t, "/proc/self/mountinfo",
			"1 1 0:30 / / rw - overlay overlay rw,lowerdir=/ro,upperdir=/m/u\n"
			"2 1 179:6 / /ro ro - ext4 /dev/root ro\n"
			"3 1 0:31 / /m rw - tmpfs tmpfs rw\n");
	set_cmdline("jota.slot=A");
	ck_assert_int_eq(read_evidence(), -EBADMSG);
	set_cmdline("jota.slot=B");
	ck_assert_msg(read_evidence() == 0, "%s", err.msg);
	ck_assert_int_eq(ev.running, JOTA_SLOT_B);
}
END_TEST

START_TEST(I2_a_root_below_device_mapper_or_loop_speaks)
{
	add_extra(&t, "virtual/block/dm-0", "dm-0", 253, 0, NULL, 0, 1000);
	put_sysfs(&t, "virtual/block/dm-0", "slaves/mmcblk0p6", "");
	add_extra(&t, "virtual/block/loop0", "loop0", 7, 0, NULL, 0, 1000);
	put_sysfs(&t, "virtual/block/loop0", "loop/backing_file", "/host/root.img\n");
	set_cmdline("quiet");
	root_from("253:0");
	ck_assert_msg(read_evidence() == 0, "%s", err.msg);
	ck_assert_int_eq(ev.running, JOTA_SLOT_B);
	tree_write_file(&t, "/proc/self/mountinfo",
			"1 1 7:0 / / ro - squashfs /dev/loop0 ro\n"
			"2 1 179:5 / /host rw - ext4 /dev/x rw\n");
	ck_assert_msg(read_evidence() == 0, "%s", err.msg);
	ck_assert_int_eq(ev.running, JOTA_SLOT_A);
}
END_TEST

START_TEST(labels_are_those_of_the_layout)
{
	root_from("0:99");
	set_cmdline("root=PARTLABEL=APP_b");
	ck_assert_int_eq(read_evidence(), -ENOENT);
	ck_assert_msg(read_evidence_in("t194") == 0, "%s", err.msg);
	ck_assert_int_eq(ev.running, JOTA_SLOT_B);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("evidence");
	TCase *tc = tcase_create("which slot runs");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, I2_all_witnesses_agree, 0, 2);
	tcase_add_loop_test(tc, I2_one_witness_is_enough, 0, 3);
	tcase_add_test(tc, I2_an_empty_suffix_means_the_first_slot);
	tcase_add_test(tc, I2_nobody_speaks_is_refused);
	tcase_add_loop_test(tc, I2_contradicting_witnesses_are_refused_and_named, 0, 3);
	tcase_add_loop_test(tc, I2_a_parameter_given_twice_contradicts_itself, 0, 3);
	tcase_add_test(tc, I2_a_parameter_given_twice_alike_speaks_once);
	tcase_add_loop_test(tc, I2_a_slot_that_does_not_exist_is_refused, 0, 4);
	tcase_add_test(tc, quotes_and_what_is_meant_for_init_are_understood);
	tcase_add_test(tc, I2_the_same_label_on_another_disk_says_nothing);
	tcase_add_test(tc, I2_the_device_below_an_overlay_contradicts_a_wrong_command_line);
	tcase_add_test(tc, I2_a_root_below_device_mapper_or_loop_speaks);
	tcase_add_test(tc, labels_are_those_of_the_layout);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
