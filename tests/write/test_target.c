/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "write/target.h"

#include "base/err.h"
#include "slot/blockdev.h"
#include "slot/config.h"
#include "slot/evidence.h"
#include "slot/layout.h"
#include "support/recorder.h"
#include "support/run.h"
#include "support/tree.h"

#include <check.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (1u << 20)

static struct tree tree;
static struct recorder rec;
static struct jota_config config;
static struct jota_blockdevs devs;
static struct jota_evidence evidence;
static struct jota_target target;
static struct jota_err err;

static void start(const char *layout, enum jota_slot running)
{
	tree_make(&tree, &(struct tree_options){ .layout = layout, .running = running });
	recorder_init(&rec, tree.root);
	err = (struct jota_err){ 0 };
	ck_assert_msg(jota_config_read(&rec.io, &config, &err) == 0, "%s", err.msg);
	ck_assert_msg(jota_blockdevs_read(&rec.io, &devs, &err) == 0, "%s", err.msg);
	ck_assert_msg(jota_evidence_read(&rec.io, config.layout, &devs, &evidence, &err) == 0, "%s",
		      err.msg);
}

static void stop(void)
{
	/* Resolving never writes. */
	ck_assert_uint_eq(rec.count, 0);
	jota_blockdevs_done(&devs);
	tree_remove(&tree);
}

static void setup(void)
{
	start("mission", JOTA_SLOT_A);
}

static int resolve(enum jota_role role, enum jota_slot slot)
{
	return jota_target_resolve(&rec.io, &config, &devs, &evidence, role, slot, &target, &err);
}

static int locate(enum jota_role role, enum jota_slot slot)
{
	return jota_target_locate(&rec.io, &config, &devs, &evidence, role, slot, &target, &err);
}

static struct jota_partition *find_label(const char *label)
{
	for (size_t i = 0; i < devs.count; i++)
		if (strcmp(devs.partition[i].label, label) == 0)
			return &devs.partition[i];
	ck_abort_msg("no partition '%s'", label);
}

static void assert_says(const char *word)
{
	ck_assert_msg(strstr(err.msg, word) != NULL, "'%s' is not in: %s", word, err.msg);
}

/* Refused, with a sentence that says which partition is meant. */
static void assert_kernel_b_refused(int expected)
{
	ck_assert_int_eq(resolve(JOTA_ROLE_KERNEL, JOTA_SLOT_B), expected);
	assert_says("kernel slot B");
	assert_says("'B_kernel'");
	assert_says("'mmcblk0'");
}

START_TEST(other_slot_of_each_layout_is_found_from_either_slot)
{
	const struct jota_layout *layout = jota_layout_at((size_t)_i / 2);
	enum jota_slot running = _i % 2 ? JOTA_SLOT_B : JOTA_SLOT_A,
		       other = jota_slot_other(running);

	start(layout->name, running);
	for (int role = 0; role < JOTA_ROLE_COUNT; role++) {
		const char *label = layout->role[role].label[other];
		char full[PATH_MAX * 2], *expected;
		struct stat st;

		if (!label) {
			ck_assert_int_eq(resolve((enum jota_role)role, other), -ENODEV);
			assert_says(layout->name);
			assert_says(jota_role_name((enum jota_role)role));
			continue;
		}
		ck_assert_msg(resolve((enum jota_role)role, other) == 0, "%s", err.msg);
		expected = tree_partition_path(&tree, label);
		(void)snprintf(full, sizeof(full), "%s%s", tree.root, target.path);
		ck_assert_str_eq(full, expected);
		ck_assert_int_eq(stat(expected, &st), 0);
		ck_assert_uint_eq(target.capacity_bytes, (uint64_t)st.st_size);
		ck_assert_uint_eq(target.block_bytes, 4096);
		ck_assert_str_eq(target.label, label);
		ck_assert_int_eq(target.role, role);
		ck_assert_int_eq(target.slot, other);
		free(expected);
	}
	stop();
}
END_TEST

START_TEST(I1_running_slot_is_refused_for_every_role_and_located_all_the_same)
{
	for (int role = 0; role < JOTA_ROLE_COUNT; role++) {
		ck_assert_int_eq(resolve((enum jota_role)role, JOTA_SLOT_A), -EPERM);
		assert_says("running");
		assert_says("slot A");
		assert_says(config.layout->role[role].label[JOTA_SLOT_A]);
		ck_assert_int_eq(locate((enum jota_role)role, JOTA_SLOT_A), 0);
	}
}
END_TEST

START_TEST(I2_nothing_is_written_while_the_running_slot_is_not_known)
{
	evidence.known = false;
	ck_assert_int_eq(resolve(JOTA_ROLE_KERNEL, JOTA_SLOT_B), -EPERM);
	assert_says("not known");
}
END_TEST

START_TEST(I9_role_that_nothing_selects_is_refused)
{
	struct jota_layout layout = *config.layout;

	layout.role[JOTA_ROLE_KERNEL].selected_by = JOTA_SELECTED_BY_NONE;
	config.layout = &layout;
	ck_assert_int_eq(resolve(JOTA_ROLE_KERNEL, JOTA_SLOT_B), -EPERM);
	assert_says("selects");
	assert_says("'B_kernel'");
	ck_assert_int_eq(resolve(JOTA_ROLE_ROOTFS, JOTA_SLOT_B), 0);
	ck_assert_int_eq(locate(JOTA_ROLE_KERNEL, JOTA_SLOT_B), 0);
}
END_TEST

START_TEST(missing_label_is_refused)
{
	(void)snprintf(find_label("B_kernel")->label, 16, "b_kernel");
	assert_kernel_b_refused(-ENODEV);
}
END_TEST

START_TEST(label_that_stands_twice_on_the_disk_is_refused_with_both_names)
{
	struct jota_partition *spare = find_label("B_bootloader");
	const char *name = find_label("B_kernel")->name;

	(void)snprintf(spare->label, 16, "B_kernel");
	assert_kernel_b_refused(-ENOTUNIQ);
	assert_says(name);
	assert_says(spare->name);
	ck_assert_int_eq(locate(JOTA_ROLE_KERNEL, JOTA_SLOT_B), -ENOTUNIQ);
}
END_TEST

START_TEST(same_label_on_another_disk_is_not_taken)
{
	struct jota_partition *spare = find_label("B_bootloader");
	struct jota_partition *kernel = find_label("B_kernel");

	(void)snprintf(spare->label, 16, "B_kernel");
	(void)snprintf(spare->disk, 16, "sda");
	ck_assert_int_eq(resolve(JOTA_ROLE_KERNEL, JOTA_SLOT_B), 0);
	ck_assert_ptr_nonnull(strstr(target.path, kernel->name));
	(void)snprintf(kernel->disk, 16, "sdb");
	assert_kernel_b_refused(-ENODEV);
}
END_TEST

START_TEST(whole_disk_is_no_target_whatever_its_label)
{
	for (size_t i = 0; i < devs.count; i++)
		if (!devs.partition[i].is_partition)
			(void)snprintf(devs.partition[i].label, 16, "B_kernel");
	ck_assert_int_eq(resolve(JOTA_ROLE_KERNEL, JOTA_SLOT_B), 0);
	ck_assert_ptr_nonnull(strstr(target.path, "mmcblk0p"));
}
END_TEST

START_TEST(mounted_held_and_root_devices_are_refused_but_located)
{
	struct jota_partition *kernel = find_label("B_kernel");

	kernel->mounted = true;
	assert_kernel_b_refused(-EBUSY);
	assert_says("mounted");
	kernel->mounted = false;
	kernel->held = true;
	assert_kernel_b_refused(-EBUSY);
	assert_says("another block device");
	kernel->held = false;
	(void)snprintf(devs.root_name, sizeof(devs.root_name), "%s", kernel->name);
	assert_kernel_b_refused(-EBUSY);
	assert_says("root file system");
	ck_assert_int_eq(locate(JOTA_ROLE_KERNEL, JOTA_SLOT_B), 0);
}
END_TEST

START_TEST(unknown_disk_is_refused_and_root_disk_names_it)
{
	evidence.root_disk[0] = '\0';
	ck_assert_int_eq(resolve(JOTA_ROLE_KERNEL, JOTA_SLOT_B), -ENODEV);
	assert_says("root_disk");
	assert_says("'B_kernel'");
	(void)snprintf(config.root_disk, sizeof(config.root_disk), "mmcblk0");
	ck_assert_int_eq(resolve(JOTA_ROLE_KERNEL, JOTA_SLOT_B), 0);
	(void)snprintf(config.root_disk, sizeof(config.root_disk), "sdz");
	ck_assert_int_eq(resolve(JOTA_ROLE_KERNEL, JOTA_SLOT_B), -ENODEV);
	assert_says("'sdz'");
	assert_says("does not exist");
}
END_TEST

START_TEST(root_disk_that_contradicts_the_running_root_is_refused_with_both)
{
	(void)snprintf(config.root_disk, sizeof(config.root_disk), "nvme0n1");
	ck_assert_int_eq(resolve(JOTA_ROLE_KERNEL, JOTA_SLOT_B), -ENODEV);
	assert_says("'nvme0n1'");
	assert_says("'mmcblk0'");
	(void)snprintf(config.root_disk, sizeof(config.root_disk), "mmcblk0");
	ck_assert_int_eq(resolve(JOTA_ROLE_KERNEL, JOTA_SLOT_B), 0);
}
END_TEST

START_TEST(bootloader_is_on_the_disk_of_the_environment_wherever_the_root_is)
{
	struct jota_partition *spare = find_label("A_bootloader");

	/* Everything but the bootloader moves to a second disk. */
	for (size_t i = 0; i < devs.count; i++) {
		struct jota_partition *p = &devs.partition[i];

		if (p->is_partition && !strstr(p->label, "bootloader"))
			(void)snprintf(p->disk, sizeof(p->disk), "nvme0n1");
	}
	*spare = (struct jota_partition){ .name = "nvme0n1", .disk = "nvme0n1" };
	(void)snprintf(evidence.root_disk, sizeof(evidence.root_disk), "nvme0n1");
	ck_assert_msg(resolve(JOTA_ROLE_BOOTLOADER, JOTA_SLOT_B) == 0, "%s", err.msg);
	ck_assert_str_eq(target.label, "B_bootloader");
	ck_assert_msg(resolve(JOTA_ROLE_KERNEL, JOTA_SLOT_B) == 0, "%s", err.msg);
	ck_assert_str_eq(target.label, "B_kernel");
	(void)snprintf(evidence.root_disk, sizeof(evidence.root_disk), "mmcblk0");
	ck_assert_int_eq(resolve(JOTA_ROLE_KERNEL, JOTA_SLOT_B), -ENODEV);
	assert_says("'mmcblk0'");
}
END_TEST

START_TEST(environment_on_a_partition_leads_to_its_disk)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "/dev/%s 0 0x20000\n/dev/%s 0x20000 0x20000\n",
		       find_label("A_APP")->name, find_label("A_APP")->name);
	tree_write_file(&tree, "/etc/fw_env.config", text);
	ck_assert_msg(resolve(JOTA_ROLE_BOOTLOADER, JOTA_SLOT_B) == 0, "%s", err.msg);
}
END_TEST

START_TEST(environment_that_leads_to_no_disk_is_refused_for_the_bootloader_only)
{
	tree_write_file(&tree, "/etc/uboot.env", "not a device");
	tree_write_file(&tree, "/etc/fw_env.config",
			"/etc/uboot.env 0 0x20000\n/etc/uboot.env 0x20000 0x20000\n");
	ck_assert_int_eq(resolve(JOTA_ROLE_BOOTLOADER, JOTA_SLOT_B), -ENODEV);
	assert_says("'/etc/uboot.env'");
	tree_write_file(&tree, "/etc/fw_env.config",
			"/dev/mmcblk7 0 0x20000\n/dev/mmcblk7 0x20000 0x20000\n");
	ck_assert_int_eq(resolve(JOTA_ROLE_BOOTLOADER, JOTA_SLOT_B), -ENOENT);
	assert_says("mmcblk7");
	tree_write_file(&tree, "/etc/fw_env.config", "garbage\n");
	ck_assert_int_eq(resolve(JOTA_ROLE_BOOTLOADER, JOTA_SLOT_B), -EINVAL);
	ck_assert_int_eq(resolve(JOTA_ROLE_KERNEL, JOTA_SLOT_B), 0);
	ck_assert_int_eq(resolve(JOTA_ROLE_ROOTFS, JOTA_SLOT_B), 0);
}
END_TEST

START_TEST(node_that_is_missing_or_no_partition_is_refused)
{
	char *node = tree_partition_path(&tree, "B_kernel");

	ck_assert_int_eq(unlink(node), 0);
	assert_kernel_b_refused(-ENODEV);
	assert_says("/dev/");
	ck_assert_int_eq(mkdir(node, 0755), 0);
	assert_kernel_b_refused(-ENOTBLK);
	ck_assert_int_eq(rmdir(node), 0);
	ck_assert_int_eq(symlink("/dev/null", node), 0);
	assert_kernel_b_refused(-ENOTBLK);
	/* A pipe without a writer would block who opens it plainly. */
	ck_assert_int_eq(unlink(node), 0);
	ck_assert_int_eq(mkfifo(node, 0600), 0);
	assert_kernel_b_refused(-ENOTBLK);
	free(node);
}
END_TEST

/* /dev/shm is the place below the real /dev where everybody may put a file. */
START_TEST(regular_file_is_refused_without_a_prefix)
{
	char file[] = "/dev/shm/jota-target-XXXXXX";
	struct jota_partition *kernel = find_label("B_kernel");
	int fd = mkstemp(file);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, MIB), 0);
	(void)close(fd);
	(void)snprintf(kernel->name, sizeof(kernel->name), "%s", file + strlen("/dev/"));
	(void)snprintf(rec.io.root, sizeof(rec.io.root), "/");
	ck_assert_int_eq(resolve(JOTA_ROLE_KERNEL, JOTA_SLOT_B), -ENOTBLK);
	(void)unlink(file);
	assert_says("regular file");
	assert_says("kernel slot B");
}
END_TEST

static Suite *target_suite(void)
{
	Suite *s = suite_create("target");
	TCase *tc = tcase_create("mission layout"), *all = tcase_create("all layouts");
	int layouts = 0;

	tcase_add_checked_fixture(tc, setup, stop);
	tcase_add_test(tc, I1_running_slot_is_refused_for_every_role_and_located_all_the_same);
	tcase_add_test(tc, I2_nothing_is_written_while_the_running_slot_is_not_known);
	tcase_add_test(tc, I9_role_that_nothing_selects_is_refused);
	tcase_add_test(tc, missing_label_is_refused);
	tcase_add_test(tc, label_that_stands_twice_on_the_disk_is_refused_with_both_names);
	tcase_add_test(tc, same_label_on_another_disk_is_not_taken);
	tcase_add_test(tc, whole_disk_is_no_target_whatever_its_label);
	tcase_add_test(tc, mounted_held_and_root_devices_are_refused_but_located);
	tcase_add_test(tc, unknown_disk_is_refused_and_root_disk_names_it);
	tcase_add_test(tc, root_disk_that_contradicts_the_running_root_is_refused_with_both);
	tcase_add_test(tc, bootloader_is_on_the_disk_of_the_environment_wherever_the_root_is);
	tcase_add_test(tc, environment_on_a_partition_leads_to_its_disk);
	tcase_add_test(tc, environment_that_leads_to_no_disk_is_refused_for_the_bootloader_only);
	tcase_add_test(tc, node_that_is_missing_or_no_partition_is_refused);
	tcase_add_test(tc, regular_file_is_refused_without_a_prefix);
	suite_add_tcase(s, tc);

	while (jota_layout_at((size_t)layouts))
		layouts++;
	tcase_add_loop_test(all, other_slot_of_each_layout_is_found_from_either_slot, 0,
			    2 * layouts);
	suite_add_tcase(s, all);
	return s;
}

int main(void)
{
	return run_suite(target_suite());
}
