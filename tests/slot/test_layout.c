/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What must hold for every board family, and the words of the model. */
#include "slot/layout.h"

#include "support/run.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *layout;
	enum jota_role role;
	const char *a;
	const char *b;
	bool required;
	enum jota_selected_by selected_by;
	enum jota_disk disk;
} documented[] = {
	{ "mission", JOTA_ROLE_KERNEL, "A_kernel", "B_kernel", true, JOTA_SELECTED_BY_ENV,
	  JOTA_DISK_ROOT },
	{ "mission", JOTA_ROLE_BOOTLOADER, "A_bootloader", "B_bootloader", true,
	  JOTA_SELECTED_BY_ENV, JOTA_DISK_ENV },
	{ "mission", JOTA_ROLE_ROOTFS, "A_APP", "B_APP", true, JOTA_SELECTED_BY_ENV,
	  JOTA_DISK_ROOT },
	{ "t186", JOTA_ROLE_KERNEL, "kernel", "kernel_b", true, JOTA_SELECTED_BY_CHAIN,
	  JOTA_DISK_ROOT },
	{ "t186", JOTA_ROLE_ROOTFS, "APP", "APP_b", true, JOTA_SELECTED_BY_CHAIN, JOTA_DISK_ROOT },
	{ "t194", JOTA_ROLE_KERNEL, "kernel", "kernel_b", true, JOTA_SELECTED_BY_CHAIN,
	  JOTA_DISK_ROOT },
	{ "t194", JOTA_ROLE_ROOTFS, "APP", "APP_b", true, JOTA_SELECTED_BY_CHAIN, JOTA_DISK_ROOT },
	{ "t234", JOTA_ROLE_KERNEL, "A_kernel", "B_kernel", true, JOTA_SELECTED_BY_CHAIN,
	  JOTA_DISK_ROOT },
	{ "t234", JOTA_ROLE_ROOTFS, "APP", "APP_b", true, JOTA_SELECTED_BY_CHAIN, JOTA_DISK_ROOT },
	{ "t264", JOTA_ROLE_KERNEL, "A_kernel", "B_kernel", true, JOTA_SELECTED_BY_CHAIN,
	  JOTA_DISK_ROOT },
	{ "t264", JOTA_ROLE_ROOTFS, "APP", "APP_b", true, JOTA_SELECTED_BY_CHAIN, JOTA_DISK_ROOT },
};

START_TEST(row_is_as_the_boot_chain_names_it)
{
	const struct jota_layout *layout = jota_layout_find(documented[_i].layout);
	const struct jota_layout_role *role;

	ck_assert_ptr_nonnull(layout);
	role = &layout->role[documented[_i].role];
	ck_assert_str_eq(role->label[JOTA_SLOT_A], documented[_i].a);
	ck_assert_str_eq(role->label[JOTA_SLOT_B], documented[_i].b);
	ck_assert_int_eq(role->required, documented[_i].required);
	ck_assert_int_eq(role->selected_by, documented[_i].selected_by);
	ck_assert_int_eq(role->disk, documented[_i].disk);
}
END_TEST

static const struct {
	const char *layout;
	const char *backend[2];
} backends[] = {
	{ "mission", { "uboot", NULL } }, { "t186", { "smd", "uboot" } },
	{ "t194", { "smd", "uboot" } },	  { "t234", { "uefi", NULL } },
	{ "t264", { "uefi", NULL } },
};

START_TEST(backends_are_those_that_the_family_boots_with)
{
	const struct jota_layout *layout = jota_layout_find(backends[_i].layout);

	ck_assert_ptr_nonnull(layout);
	ck_assert_str_eq(layout->backends[0], backends[_i].backend[0]);
	ck_assert_pstr_eq(layout->backends[1], backends[_i].backend[1]);
	ck_assert_ptr_null(layout->backends[2]);
}
END_TEST

START_TEST(bootloader_is_no_raw_pair_on_nvidia_s_boot_chain)
{
	for (size_t i = 1; jota_layout_at(i); i++) {
		const struct jota_layout_role *role = &jota_layout_at(i)->role[JOTA_ROLE_BOOTLOADER];

		ck_assert_ptr_null(role->label[JOTA_SLOT_A]);
		ck_assert_ptr_null(role->label[JOTA_SLOT_B]);
		ck_assert(!role->required);
		ck_assert_int_eq(role->selected_by, JOTA_SELECTED_BY_NONE);
	}
}
END_TEST

static void check_role(const struct jota_layout_role *role)
{
	ck_assert_int_eq(role->label[JOTA_SLOT_A] == NULL, role->label[JOTA_SLOT_B] == NULL);
	if (role->required) {
		ck_assert_ptr_nonnull(role->label[JOTA_SLOT_A]);
		ck_assert_int_ne(role->selected_by, JOTA_SELECTED_BY_NONE);
	}
}

START_TEST(required_role_has_partitions_that_something_selects)
{
	size_t count = 0;

	for (; jota_layout_at(count); count++) {
		const struct jota_layout *layout = jota_layout_at(count);

		for (int role = 0; role < JOTA_ROLE_COUNT; role++)
			check_role(&layout->role[role]);
		ck_assert(layout->role[JOTA_ROLE_KERNEL].required);
		ck_assert(layout->role[JOTA_ROLE_ROOTFS].required);
		ck_assert_uint_gt(strlen(layout->boards), 0);
	}
	ck_assert_uint_eq(count, 5);
}
END_TEST

START_TEST(no_label_stands_twice_in_a_layout)
{
	for (size_t i = 0; jota_layout_at(i); i++) {
		const char *seen[JOTA_ROLE_COUNT * JOTA_SLOT_COUNT];
		size_t count = 0;

		for (int k = 0; k < JOTA_ROLE_COUNT * JOTA_SLOT_COUNT; k++) {
			const char *label = jota_layout_at(i)->role[k / 2].label[k % 2];

			for (size_t m = 0; label && m < count; m++)
				ck_assert_str_ne(label, seen[m]);
			if (label)
				seen[count++] = label;
		}
	}
}
END_TEST

START_TEST(layout_is_found_by_its_exact_name)
{
	for (size_t i = 0; jota_layout_at(i); i++)
		ck_assert_ptr_eq(jota_layout_find(jota_layout_at(i)->name), jota_layout_at(i));
	ck_assert_ptr_null(jota_layout_find(""));
	ck_assert_ptr_null(jota_layout_find("Mission"));
	ck_assert_ptr_null(jota_layout_find("t2345"));
}
END_TEST

START_TEST(names_fill_any_buffer_without_overflow)
{
	char buf[40];

	jota_layout_names(buf, sizeof(buf));
	ck_assert_str_eq(buf, "mission, t186, t194, t234, t264");
	for (size_t room = 0; room < sizeof(buf); room++) {
		memset(buf, '!', sizeof(buf));
		jota_layout_names(buf, room);
		ck_assert_int_eq(buf[room], '!');
		if (room > 0)
			ck_assert_ptr_nonnull(memchr(buf, '\0', room));
	}
}
END_TEST

START_TEST(names_of_slots_and_roles_are_parsed_back)
{
	enum jota_slot slot = JOTA_SLOT_A;
	enum jota_role role = JOTA_ROLE_ROOTFS;

	ck_assert_int_eq(jota_slot_parse("b", &slot), 0);
	ck_assert_int_eq(slot, JOTA_SLOT_B);
	ck_assert_int_eq(jota_slot_parse("A", &slot), 0);
	ck_assert_int_eq(slot, JOTA_SLOT_A);
	ck_assert_int_eq(jota_slot_parse("", &slot), -EINVAL);
	ck_assert_int_eq(jota_slot_parse("C", &slot), -EINVAL);
	ck_assert_int_eq(jota_slot_parse("AB", &slot), -EINVAL);
	for (int i = 0; i < JOTA_ROLE_COUNT; i++) {
		ck_assert_int_eq(jota_role_parse(jota_role_name((enum jota_role)i), &role), 0);
		ck_assert_int_eq((int)role, i);
	}
	ck_assert_int_eq(jota_role_parse("root", &role), -EINVAL);
	ck_assert_int_eq(jota_role_parse("", &role), -EINVAL);
}
END_TEST

START_TEST(other_slot_of_the_other_is_the_same)
{
	ck_assert_int_eq(jota_slot_other(JOTA_SLOT_A), JOTA_SLOT_B);
	ck_assert_int_eq(jota_slot_other(JOTA_SLOT_B), JOTA_SLOT_A);
	ck_assert_str_eq(jota_slot_name(JOTA_SLOT_A), "A");
	ck_assert_str_eq(jota_slot_name(JOTA_SLOT_B), "B");
	ck_assert_str_eq(jota_condition_name(JOTA_TRIAL), "trial");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
	Suite *suite = suite_create("layout");
	TCase *tcase = tcase_create("layout");

	tcase_add_loop_test(tcase, row_is_as_the_boot_chain_names_it, 0, COUNT(documented));
	tcase_add_loop_test(tcase, backends_are_those_that_the_family_boots_with, 0,
			    COUNT(backends));
	tcase_add_test(tcase, bootloader_is_no_raw_pair_on_nvidia_s_boot_chain);
	tcase_add_test(tcase, required_role_has_partitions_that_something_selects);
	tcase_add_test(tcase, no_label_stands_twice_in_a_layout);
	tcase_add_test(tcase, layout_is_found_by_its_exact_name);
	tcase_add_test(tcase, names_fill_any_buffer_without_overflow);
	tcase_add_test(tcase, names_of_slots_and_roles_are_parsed_back);
	tcase_add_test(tcase, other_slot_of_the_other_is_the_same);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
