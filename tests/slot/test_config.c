/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/config.h"

#include "base/err.h"
#include "slot/layout.h"
#include "support/run.h"
#include "support/scratch.h"

#include <errno.h>

static struct scratch scratch;

static void setup(void)
{
	scratch_make(&scratch);
}

static void teardown(void)
{
	scratch_drop(&scratch, JOTA_CONFIG_PATH);
	scratch_remove(&scratch);
}

static int read_text(const char *text, struct jota_config *ret, struct jota_err *err)
{
	scratch_text(&scratch, JOTA_CONFIG_PATH, text);
	return jota_config_read(&scratch.io, ret, err);
}

START_TEST(layout_alone_is_enough)
{
	struct jota_config config = { 0 };
	struct jota_err err = { 0 };

	ck_assert_msg(read_text("layout = \"mission\";\n", &config, &err) == 0, "said: %s", err.msg);
	ck_assert_str_eq(config.layout->name, "mission");
	ck_assert_str_eq(config.backend, "uboot");
	ck_assert_str_eq(config.env_config, "/etc/fw_env.config");
	ck_assert_uint_eq(config.boot_tries, 3);
	ck_assert_str_eq(config.root_disk, "");
	ck_assert_int_eq(config.preflip, JOTA_PREFLIP_AUTO);
	ck_assert_uint_eq(config.preflip_deadline_s, 600);
}
END_TEST

START_TEST(every_key_is_taken)
{
	struct jota_config config = { 0 };
	struct jota_err err = { 0 };

	ck_assert_msg(read_text("# ours\nbackend = \"uboot\";\nlayout = \"t186\";\n"
				"env_config = \"/data/fw.config\";\nboot_tries = 10;\n"
				"root_disk = \"/dev/nvme0n1\";\n"
				"preflip = \"required\";\npreflip_deadline_s = 3600;\n",
				&config, &err) == 0,
		      "said: %s", err.msg);
	ck_assert_str_eq(config.layout->name, "t186");
	ck_assert_str_eq(config.backend, "uboot");
	ck_assert_str_eq(config.env_config, "/data/fw.config");
	ck_assert_uint_eq(config.boot_tries, 10);
	ck_assert_str_eq(config.root_disk, "nvme0n1");
	ck_assert_int_eq(config.preflip, JOTA_PREFLIP_REQUIRED);
	ck_assert_uint_eq(config.preflip_deadline_s, 3600);
}
END_TEST

START_TEST(first_backend_of_the_layout_is_the_default)
{
	for (size_t i = 0; jota_layout_at(i); i++) {
		struct jota_config config = { 0 };
		char text[64];

		(void)snprintf(text, sizeof(text), "layout = \"%s\";\nroot_disk = \"sda\";",
			       jota_layout_at(i)->name);
		ck_assert_int_eq(read_text(text, &config, NULL), 0);
		ck_assert_ptr_eq(config.layout, jota_layout_at(i));
		ck_assert_str_eq(config.backend, jota_layout_at(i)->backends[0]);
		ck_assert_str_eq(config.root_disk, "sda");
	}
}
END_TEST

#define L "layout = \"mission\";\n"

static const struct {
	const char *text;
	const char *says;
} refused[] = {
	{ "", "one of: mission, t186, t194, t234, t264." },
	{ "boot_tries = 3;\n", "no layout is set" },
	{ "layout = \"orin\";\n", "line 1: layout 'orin' is not known, there are: mission, t186" },
	{ L "\nlayout_ = \"x\";\n", "line 3: key 'layout_' is not known" },
	{ L "boot_tries = 0;\n", "line 2: boot_tries is 0, expected 1 to 10" },
	{ L "boot_tries = 11;\n", "line 2: boot_tries is 11" },
	{ L "boot_tries = -1;\n", "line 2: boot_tries is -1" },
	{ L "boot_tries = \"3\";\n", "line 2: boot_tries must be a whole number" },
	{ L "boot_tries = 99999999999999L;\n", "line 2: boot_tries must be a whole number" },
	{ L "preflip = \"yes\";\n",
	  "line 2: preflip is 'yes', expected 'auto', 'required' or 'off'" },
	{ L "preflip = true;\n", "line 2: preflip must be a text in quotes" },
	{ L "preflip_deadline_s = 0;\n", "line 2: preflip_deadline_s is 0, expected 1 to 3600" },
	{ L "preflip_deadline_s = 3601;\n", "line 2: preflip_deadline_s is 3601" },
	{ L "preflip_deadline_s = \"9\";\n",
	  "line 2: preflip_deadline_s must be a whole number from 1 to 3600" },
	{ L "env_config = 3;\n", "line 2: env_config must be a text in quotes" },
	{ L "env_config = { a = 1; };\n", "line 2: env_config must be a text in quotes" },
	{ L "env_config = \"fw_env.config\";\n",
	  "line 2: env_config 'fw_env.config' is not an abs" },
	{ L "root_disk = \"/dev/\";\n", "line 2: root_disk '/dev/' is not" },
	{ L "root_disk = \"../sda\";\n", "line 2: root_disk '../sda' is not" },
	{ L "root_disk = \"/dev/disk/by-id/x\";\n", "line 2: root_disk" },
	{ L "backend = \"uefi\";\n",
	  "layout 'mission' cannot use backend 'uefi', it can use: uboot" },
	{ L "backend = \"\";\n", "line 2: backend '' is not known" },
	{ L "backend = \"a name that is much too long\";\n", "line 2: backend" },
	{ "layout = \"t194\"; backend = \"uefi\";\n", "it can use: smd, uboot." },
	{ L L, "line 2" },
	{ L "boot_tries = ;\n", "line 2: syntax error" },
	{ L "{{{{", "line 2: syntax error" },
	{ "# x\n  @include \"/etc/passwd\"\n", "line 2: @include is not allowed" },
};

START_TEST(anything_wrong_is_refused_with_file_and_line)
{
	struct jota_config config = { .boot_tries = 4711 };
	struct jota_err err = { 0 };

	ck_assert_int_eq(read_text(refused[_i].text, &config, &err), -EINVAL);
	ck_assert_msg(strstr(err.msg, refused[_i].says) != NULL, "said: %s", err.msg);
	ck_assert_msg(strstr(err.msg, JOTA_CONFIG_PATH) != NULL, "said: %s", err.msg);
	ck_assert_uint_eq(config.boot_tries, 4711);
}
END_TEST

START_TEST(missing_file_lists_the_layouts)
{
	struct jota_config config;
	struct jota_err err = { 0 };

	ck_assert_int_eq(jota_config_read(&scratch.io, &config, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, JOTA_CONFIG_PATH));
	ck_assert_ptr_nonnull(strstr(err.msg, "mission, t186, t194, t234, t264"));
}
END_TEST

START_TEST(file_that_is_no_text_is_refused)
{
	static char big[70000];
	struct jota_config config;
	struct jota_err err = { 0 };

	scratch_write(&scratch, JOTA_CONFIG_PATH, "layout = \"mission\";\n\0x", 23);
	ck_assert_int_eq(jota_config_read(&scratch.io, &config, &err), -EINVAL);
	memset(big, '#', sizeof(big));
	scratch_write(&scratch, JOTA_CONFIG_PATH, big, sizeof(big));
	ck_assert_int_eq(jota_config_read(&scratch.io, &config, &err), -EFBIG);
}
END_TEST

START_TEST(names_that_do_not_fit_are_refused)
{
	static char text[PATH_MAX + 100];
	struct jota_config config;
	struct jota_err err = { 0 };
	char disk[65];

	memset(disk, 'd', sizeof(disk) - 1);
	disk[sizeof(disk) - 1] = '\0';
	(void)snprintf(text, sizeof(text), L "root_disk = \"%s\";\n", disk);
	ck_assert_int_eq(read_text(text, &config, &err), -EINVAL);
	disk[63] = '\0';
	(void)snprintf(text, sizeof(text), L "root_disk = \"%s\";\n", disk);
	ck_assert_int_eq(read_text(text, &config, &err), 0);

	(void)snprintf(text, sizeof(text), L "env_config = \"/%0*d\";\n", PATH_MAX, 0);
	ck_assert_int_eq(read_text(text, &config, &err), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("config");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, layout_alone_is_enough);
	tcase_add_test(tcase, every_key_is_taken);
	tcase_add_test(tcase, first_backend_of_the_layout_is_the_default);
	tcase_add_loop_test(tcase, anything_wrong_is_refused_with_file_and_line, 0,
			    sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(tcase, missing_file_lists_the_layouts);
	tcase_add_test(tcase, file_that_is_no_text_is_refused);
	tcase_add_test(tcase, names_that_do_not_fit_are_refused);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
