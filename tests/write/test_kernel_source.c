/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* From where the board boots its kernel, as its configuration and firmware say. */
#include "slot/uefi_fake.h"
#include "support/run.h"
#include "write/kernel_source.h"

static struct tree t;
static struct jota_kernel_source found;

static void expect(const struct tree *where, enum jota_kernel_place place, const char *why)
{
	memset(&found, 0x5a, sizeof(found));
	jota_kernel_source_find(&where->io, &found);
	ck_assert_msg(found.place == place, "%d, expected %d: %s", (int)found.place, (int)place,
		      found.why);
	ck_assert_msg(strstr(found.why, why) != NULL, "'%s' is not in: %s", why, found.why);
	ck_assert_int_ne(found.why[strlen(found.why) - 1], '.');
}

START_TEST(uboot_boots_the_partition_when_its_command_is_ours)
{
	const struct tree_options options = { .layout = "mission" };

	tree_make(&t, &options);
	expect(&t, JOTA_KERNEL_PARTITION, "bootcmd is 'run jota_boot'");
	tree_env_set(&t, "bootcmd", "run distro_bootcmd");
	expect(&t, JOTA_KERNEL_UNDECIDED, "bootcmd is 'run distro_bootcmd'");
	tree_env_set(&t, "bootcmd", NULL);
	expect(&t, JOTA_KERNEL_UNDECIDED, "has no 'bootcmd'");
	tree_env_spoil(&t, 0);
	tree_env_spoil(&t, 1);
	expect(&t, JOTA_KERNEL_UNDECIDED, "neither copy of the U-Boot environment is valid");
	tree_remove(&t);
}
END_TEST

START_TEST(uefi_boots_what_its_variable_says)
{
	static struct uefi_fake f;

	fake_make(&f);
	expect(&f.tree, JOTA_KERNEL_UNDECIDED, "UEFI variable 'L4TDefaultBootMode' is absent");
	fake_put(&f, "L4TDefaultBootMode", 7, 1);
	expect(&f.tree, JOTA_KERNEL_ROOT, "L4TDefaultBootMode is 1");
	fake_put(&f, "L4TDefaultBootMode", 6, 2);
	expect(&f.tree, JOTA_KERNEL_PARTITION, "L4TDefaultBootMode is 2");
	fake_put(&f, "L4TDefaultBootMode", 7, 0);
	expect(&f.tree, JOTA_KERNEL_UNDECIDED, "L4TDefaultBootMode is 0");
	fake_put_bytes(&f, "L4TDefaultBootMode", JOTA_NVIDIA_GUID, "\7\0\0\0\1", 5);
	expect(&f.tree, JOTA_KERNEL_UNDECIDED, "L4TDefaultBootMode");
	fake_remove(&f);
}
END_TEST

START_TEST(a_boot_loader_that_tries_both_is_undecided)
{
	const struct tree_options options = { .layout = "t194" };

	tree_make(&t, &options);
	expect(&t, JOTA_KERNEL_UNDECIDED, "the boot loader of backend 'smd' may take either");
	tree_write_file(&t, "/etc/swupdate-jetson.conf", "layout = 3;\n");
	expect(&t, JOTA_KERNEL_UNDECIDED, "swupdate-jetson.conf");
	tree_remove(&t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("write/kernel_source");
	TCase *tc = tcase_create("find");

	tcase_add_test(tc, uboot_boots_the_partition_when_its_command_is_ours);
	tcase_add_test(tc, uefi_boots_what_its_variable_says);
	tcase_add_test(tc, a_boot_loader_that_tries_both_is_undecided);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
