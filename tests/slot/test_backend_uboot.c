/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "base/cleanup.h"
#include "slot/blockdev.h"
#include "slot/extra_block.h"
#include "slot/uboot_disk.h"
#include "support/run.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static struct uboot_disk d;

static void setup(void)
{
	disk_make(&d);
}

static void teardown(void)
{
	disk_remove(&d);
}

static void expect_env(const char *name, const char *value)
{
	char *found = tree_env_get(&d.tree, name);

	ck_assert_msg(strcmp(found, value) == 0, "%s is '%s', expected '%s'", name, found, value);
	free(found);
}

static int load_fails(void)
{
	struct jota_boot_state state;

	memset(&d.err, 0, sizeof(d.err));
	return jota_backend_load(d.b, &state, &d.err);
}

static void expect_message(const char *part)
{
	ck_assert_msg(strstr(d.err.msg, part) != NULL, "'%s' is not in '%s'", part, d.err.msg);
}

START_TEST(no_state_variables_is_the_factory_state)
{
	struct jota_boot_state state = disk_load(&d);

	ck_assert(state.factory);
	ck_assert_uint_eq(state.boot_limit, 3);
	ck_assert_int_eq(state.record.ustate, JOTA_USTATE_NONE);
	tree_env_set(&d.tree, "ustate", "0");
	state = disk_load(&d);
	ck_assert(state.factory);
	ck_assert_int_eq(state.record.ustate, JOTA_USTATE_OK);
}
END_TEST

START_TEST(an_update_is_stored_in_the_documented_variables)
{
	(void)disk_walk(&d, STEP_FLIP);
	expect_env("boot_slot", "A");
	expect_env("slotA_ok", "1");
	expect_env("slotB_ok", "0");
	expect_env("upgrade_available", "0");
	expect_env("update_target", "");
	expect_env("ustate", "7");
	teardown();
	setup();
	(void)disk_walk(&d, STEP_CONFIRM);
	expect_env("boot_slot", "B");
	expect_env("slotA_ok", "1");
	expect_env("slotB_ok", "1");
	expect_env("upgrade_available", "1");
	expect_env("bootcount", "0");
	expect_env("bootlimit", "3");
	expect_env("update_target", "B");
	expect_env("ustate", "1");
	expect_env("jota_boot_id", BOOT_ID);
	expect_env("bootcmd", "run jota_boot; reset");
	expect_env("altbootcmd", "run jota_fall_back; run jota_boot; reset");
}
END_TEST

START_TEST(boots_counted_by_firmware_are_seen_and_cleared_by_confirm)
{
	struct jota_boot_state state, want;

	(void)disk_walk(&d, STEP_CONFIRM);
	tree_env_set(&d.tree, "bootcount", "2");
	state = disk_load(&d);
	ck_assert_int_eq(state.slot[JOTA_SLOT_B], JOTA_TRIAL);
	ck_assert_uint_eq(state.boots_counted, 2);
	want = step_from(&state, STEP_CONFIRM);
	ck_assert_msg(disk_store(&d, &state, &want) == 0, "%s", d.err.msg);
	expect_env("bootcount", "0");
	expect_env("upgrade_available", "0");
	expect_env("ustate", "2");
	state = disk_load(&d);
	ck_assert_int_eq(state.slot[JOTA_SLOT_B], JOTA_GOOD);
}
END_TEST

START_TEST(reason_is_stored_and_a_strange_one_is_no_obstacle)
{
	struct jota_boot_state state, want;
	char strange[200];

	(void)disk_walk(&d, STEP_CONFIRM);
	state = disk_load(&d);
	want = state;
	(void)snprintf(want.record.reason, sizeof(want.record.reason), "health:app:http-status");
	ck_assert_msg(disk_store(&d, &state, &want) == 0, "%s", d.err.msg);
	expect_env("jota_reason", "health:app:http-status");
	state = disk_load(&d);
	ck_assert_str_eq(state.record.reason, "health:app:http-status");
	memset(strange, '\x1b', sizeof(strange) - 1);
	strange[sizeof(strange) - 1] = '\0';
	tree_env_set(&d.tree, "jota_reason", strange);
	state = disk_load(&d);
	ck_assert_uint_eq(strspn(state.record.reason, "?"), JOTA_REASON_BYTES - 1);
	want = step_from(&state, STEP_CONFIRM);
	ck_assert_msg(disk_store(&d, &state, &want) == 0, "%s", d.err.msg);
	expect_env("ustate", "2");
	expect_env("jota_reason", "");
}
END_TEST

START_TEST(one_store_is_one_write_of_the_copy_not_in_use)
{
	uint8_t before[2], after[2];
	struct jota_boot_state cur = disk_load(&d), want = step_from(&cur, STEP_BEGIN);

	tree_env_flags(&d.tree, before);
	ck_assert_msg(disk_store(&d, &cur, &want) == 0, "%s", d.err.msg);
	tree_env_flags(&d.tree, after);
	ck_assert_uint_eq(after[0], before[0]);
	ck_assert_uint_eq(after[1], before[0] + 1);
}
END_TEST

START_TEST(serial_numbers_wrap_from_255_to_0)
{
	struct jota_boot_state cur, want, now;
	uint8_t flags[2] = { 0 };

	for (int i = 0; i < 600 && flags[0] != 255 && flags[1] != 255; i++) {
		tree_env_set(&d.tree, "filler", i % 2 ? "a" : "b");
		tree_env_flags(&d.tree, flags);
	}
	cur = disk_load(&d);
	want = step_from(&cur, STEP_BEGIN);
	ck_assert_msg(disk_store(&d, &cur, &want) == 0, "%s", d.err.msg);
	tree_env_flags(&d.tree, flags);
	ck_assert(flags[0] == 0 || flags[1] == 0);
	now = disk_load(&d);
	ck_assert(same_state(&now, &want));
	want = step_from(&now, STEP_FLIP);
	ck_assert_msg(disk_store(&d, &now, &want) == 0, "%s", d.err.msg);
	tree_env_flags(&d.tree, flags);
	ck_assert_int_eq(flags[0] + flags[1], 1);
	now = disk_load(&d);
	ck_assert(same_state(&now, &want));
}
END_TEST

START_TEST(a_store_that_changes_nothing_writes_nothing)
{
	struct jota_boot_state cur = disk_walk(&d, STEP_CONFIRM);
	CLEANUP_FREE uint8_t *before = disk_bytes(&d);
	const struct jota_change same = { "bootcmd_x", NULL };

	ck_assert_int_eq(disk_store(&d, &cur, &cur), 0);
	ck_assert_int_eq(jota_backend_store(d.b, &cur, &cur, &same, 1, &d.err), 0);
	CLEANUP_FREE uint8_t *after = disk_bytes(&d);

	ck_assert_int_eq(memcmp(before, after, BOTH_COPIES_BYTES), 0);
}
END_TEST

static void expect_refused(int r, int errnum, const uint8_t *before)
{
	CLEANUP_FREE uint8_t *after = disk_bytes(&d);

	ck_assert_msg(r == errnum, "%d: %s", r, d.err.msg);
	ck_assert_msg(memcmp(before, after, BOTH_COPIES_BYTES) == 0, "something was written");
}

START_TEST(a_state_that_somebody_else_changed_is_not_overwritten)
{
	static const char *const change[][2] = {
		{ "boot_slot", "A" }, { "slotA_ok", "0" },	{ "upgrade_available", "0" },
		{ "bootcount", "1" }, { "bootlimit", "4" },	{ "update_target", "A" },
		{ "ustate", "3" },    { "jota_boot_id", NULL }, { "update_target", NULL }
	};
	struct jota_boot_state cur = disk_walk(&d, STEP_CONFIRM);
	struct jota_boot_state want = step_from(&cur, STEP_CONFIRM);

	tree_env_set(&d.tree, change[_i][0], change[_i][1]);
	CLEANUP_FREE uint8_t *before = disk_bytes(&d);

	expect_refused(disk_store(&d, &cur, &want), -ESTALE, before);
	expect_message("nothing was written");
}
END_TEST

START_TEST(foreign_variables_go_into_the_same_store)
{
	const struct jota_change change[] = { { "recovery_status", "in_progress" },
					      { "old", NULL },
					      { "myvar", "hello world" },
					      { "empty", "" } };
	struct jota_boot_state cur, want;
	uint8_t flags[2], after[2];
	char *value = NULL;

	tree_env_set(&d.tree, "old", "1");
	tree_env_set(&d.tree, "empty", "1");
	tree_env_set(&d.tree, "untouched", "=a=b ; \"c\"");
	cur = disk_load(&d);
	want = step_from(&cur, STEP_BEGIN);
	tree_env_flags(&d.tree, flags);
	ck_assert_msg(jota_backend_store(d.b, &cur, &want, change, 4, &d.err) == 0, "%s", d.err.msg);
	tree_env_flags(&d.tree, after);
	ck_assert_int_eq(after[0] + after[1], flags[0] + flags[1] + 2);
	expect_env("recovery_status", "in_progress");
	expect_env("myvar", "hello world");
	expect_env("old", "");
	expect_env("empty", "");
	expect_env("untouched", "=a=b ; \"c\"");
	expect_env("slotB_ok", "0");
	ck_assert_int_eq(jota_backend_get(d.b, "myvar", &value, &d.err), 0);
	ck_assert_str_eq(value, "hello world");
	free(value);
	ck_assert_int_eq(jota_backend_get(d.b, "old", &value, &d.err), 0);
	ck_assert_ptr_null(value);
}
END_TEST

START_TEST(changes_of_our_variables_are_refused)
{
	static const char *const ours[] = { "boot_slot",     "slotA_ok",  "slotB_ok",
					    "slotB_bad",     "bootcount", "bootlimit",
					    "update_target", "ustate",	  "upgrade_available",
					    "bootcmd",	     "jota_env",  "altbootcmd",
					    "jota_boot_id",  "jota_x" };
	struct jota_boot_state cur = disk_walk(&d, STEP_FLIP);
	CLEANUP_FREE uint8_t *before = disk_bytes(&d);

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		const struct jota_change change = { ours[i], i % 2 ? "1" : NULL };

		ck_assert(jota_backend_owns(d.b, ours[i]));
		expect_refused(jota_backend_store(d.b, &cur, &cur, &change, 1, &d.err), -EPERM,
			       before);
		expect_message(ours[i]);
	}
	ck_assert(!jota_backend_owns(d.b, "recovery_status"));
	ck_assert(!jota_backend_owns(d.b, "boot_slots"));
}
END_TEST

START_TEST(impossible_names_and_values_are_refused)
{
	char longname[200], longvalue[20000];
	const struct jota_change change[] = { { "", "1" },	 { "a=b", "1" },
					      { "a b", "1" },	 { "a\nb", "1" },
					      { NULL, "1" },	 { ".flags", "x:sr" },
					      { "v", "a\nb" },	 { "v", "\x1b[m" },
					      { longname, "1" }, { "v", longvalue } };
	struct jota_boot_state cur = disk_walk(&d, STEP_FLIP);
	CLEANUP_FREE uint8_t *before = disk_bytes(&d);

	memset(longname, 'n', sizeof(longname));
	longname[sizeof(longname) - 1] = '\0';
	memset(longvalue, 'v', sizeof(longvalue));
	longvalue[sizeof(longvalue) - 1] = '\0';
	for (size_t i = 0; i < sizeof(change) / sizeof(change[0]); i++)
		expect_refused(jota_backend_store(d.b, &cur, &cur, &change[i], 1, &d.err), -EINVAL,
			       before);
}
END_TEST

START_TEST(a_state_that_the_environment_cannot_express_is_refused)
{
	struct jota_boot_state cur = disk_walk(&d, STEP_FLIP), want = cur;
	CLEANUP_FREE uint8_t *before = disk_bytes(&d);

	want.slot[JOTA_SLOT_B] = JOTA_READY;
	expect_refused(disk_store(&d, &cur, &want), -EINVAL, before);
	want.slot[JOTA_SLOT_B] = JOTA_TRIAL;
	expect_refused(disk_store(&d, &cur, &want), -EINVAL, before);
}
END_TEST

START_TEST(one_bad_copy_goes_on_and_both_are_good_after)
{
	struct jota_problems problems = { 0 };
	struct jota_blockdevs devs = { 0 };
	struct jota_boot_state cur = disk_walk(&d, STEP_FLIP), now, want;
	uint8_t flags[2];

	/* The copy in use carries the state: spoil the other; or the one in use, so that the older state rules. */
	tree_env_flags(&d.tree, flags);
	tree_env_spoil(&d.tree, flags[0] > flags[1] ? _i : 1 - _i);
	jota_backend_check(d.b, &devs, &problems);
	ck_assert_uint_eq(problems.count, 1);
	ck_assert(!problems.problem[0].blocks_update);
	now = disk_load(&d);
	ck_assert(_i == 1 ? same_state(&now, &cur) : now.factory);
	want = step_from(&now, _i == 1 ? STEP_FLIP : STEP_BEGIN);
	ck_assert_msg(disk_store(&d, &now, &want) == 0, "%s", d.err.msg);
	now = disk_load(&d);
	ck_assert(same_state(&now, &want));
	problems.count = 0;
	jota_backend_check(d.b, &devs, &problems);
	ck_assert_uint_eq(problems.count, 0);
}
END_TEST

START_TEST(both_copies_bad_is_refused_with_the_way_to_restore)
{
	struct jota_boot_state cur = disk_walk(&d, STEP_FLIP);
	struct jota_problems problems = { 0 };
	struct jota_blockdevs devs = { 0 };
	char *value = NULL;

	tree_env_spoil(&d.tree, 0);
	tree_env_spoil(&d.tree, 1);
	CLEANUP_FREE uint8_t *before = disk_bytes(&d);

	ck_assert_int_eq(load_fails(), -ENODATA);
	expect_message("fw_setenv");
	expect_refused(disk_store(&d, &cur, &cur), -ENODATA, before);
	ck_assert_int_eq(jota_backend_get(d.b, "x", &value, &d.err), -ENODATA);
	jota_backend_check(d.b, &devs, &problems);
	ck_assert_uint_eq(problems.count, 1);
	ck_assert(problems.problem[0].blocks_update);
	ck_assert_ptr_nonnull(strstr(problems.problem[0].text, "jetson-ab.env"));
}
END_TEST

START_TEST(a_copy_that_cannot_be_read_is_refused)
{
	struct jota_boot_state cur = disk_walk(&d, STEP_FLIP);
	struct jota_problems problems = { 0 };
	struct jota_blockdevs devs = { 0 };

	if (_i == 0) /* the second copy's device is missing */
		tree_write_file(&d.tree, "/etc/fw_env.config",
				"/dev/mmcblk0 0x700000 0x20000\n/dev/gone 0x720000 0x20000\n");
	else /* the device ends inside the second copy */
		ck_assert_int_eq(truncate(d.path, 0x730000), 0);
	ck_assert_int_eq(load_fails(), -EIO);
	expect_message("copy 1");
	ck_assert_int_eq(disk_store(&d, &cur, &cur), -EIO);
	jota_backend_check(d.b, &devs, &problems);
	ck_assert_uint_eq(problems.count, 1);
	ck_assert(problems.problem[0].blocks_update);
}
END_TEST

START_TEST(each_malformed_variable_is_refused_by_name)
{
	static const struct {
		const char *name, *value;
	} bad[] = {
		{ "boot_slot", "C" },
		{ "boot_slot", "a" },
		{ "boot_slot", NULL },
		{ "slotA_ok", "2" },
		{ "slotA_ok", NULL },
		{ "slotB_ok", "yes" },
		{ "slotB_ok", "" },
		{ "upgrade_available", "2" },
		{ "upgrade_available", NULL },
		{ "update_target", "AB" },
		{ "ustate", "8" },
		{ "ustate", "11" },
		{ "ustate", "" },
		{ "bootcount", "-1" },
		{ "bootcount", "" },
		{ "bootcount", "0x3" },
		{ "bootcount", "4294967296" },
		{ "bootlimit", "three" },
		{ "bootlimit", "0x3" },
		{ "bootlimit", " 3" },
		{ "jota_boot_id", "a/b" },
		{ "jota_boot_id", BOOT_ID "0" },
	};
	struct jota_boot_state cur = disk_walk(&d, STEP_CONFIRM);
	char quoted[64];

	tree_env_set(&d.tree, bad[_i].name, bad[_i].value);
	CLEANUP_FREE uint8_t *before = disk_bytes(&d);

	ck_assert_int_eq(load_fails(), -EBADMSG);
	expect_message(bad[_i].name);
	expect_message("expected");
	(void)snprintf(quoted, sizeof(quoted), "'%s'", bad[_i].value ? bad[_i].value : bad[_i].name);
	expect_message(quoted);
	expect_refused(disk_store(&d, &cur, &cur), -EBADMSG, before);
}
END_TEST
#define MALFORMED_COUNT 22

START_TEST(a_target_alone_is_not_the_factory_state)
{
	tree_env_set(&d.tree, "update_target", "B");
	ck_assert_int_eq(load_fails(), -EBADMSG);
	expect_message("boot_slot");
}
END_TEST

START_TEST(a_full_environment_is_refused_before_writing)
{
	struct jota_boot_state cur = disk_load(&d), want = step_from(&cur, STEP_BEGIN);
	char *value = malloc(130200);

	ck_assert_ptr_nonnull(value);
	memset(value, 'x', 130200);
	value[130199] = '\0';
	tree_env_set(&d.tree, "filler", value);
	CLEANUP_FREE uint8_t *before = disk_bytes(&d);

	expect_refused(disk_store(&d, &cur, &want), -ENOSPC, before);
	expect_message("131072");
	value[130199 - 1000] = '\0';
	tree_env_set(&d.tree, "filler", value);
	ck_assert_msg(disk_store(&d, &cur, &want) == 0, "%s", d.err.msg);
	expect_env("filler", value);
	free(value);
}
END_TEST

START_TEST(a_held_lock_is_busy_and_names_the_holder)
{
	struct jota_boot_state cur = disk_load(&d), want = step_from(&cur, STEP_BEGIN);
	CLEANUP_FREE uint8_t *before = disk_bytes(&d);
	CLEANUP_FD int lock =
		jota_io_lock(&d.tree.io, JOTA_RUN_DIR "/env.lock", "the other one", 0, &d.err);

	ck_assert_int_ge(lock, 0);
	expect_refused(disk_store(&d, &cur, &want), -EBUSY, before);
	expect_message("the other one");
}
END_TEST

START_TEST(backends_that_are_missing_say_so)
{
	static const char *const name[] = { "smd", "record", "grub" };
	struct jota_config config = { 0 };
	struct jota_backend *b = NULL;

	(void)snprintf(config.backend, sizeof(config.backend), "%s", name[_i]);
	ck_assert_int_eq(jota_backend_open(&d.tree.io, &config, &b, &d.err), -ENOTSUP);
	expect_message(name[_i]);
	ck_assert_ptr_null(b);
	jota_backend_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("backend_uboot");
	TCase *tc = tcase_create("load and store");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, no_state_variables_is_the_factory_state);
	tcase_add_test(tc, an_update_is_stored_in_the_documented_variables);
	tcase_add_test(tc, boots_counted_by_firmware_are_seen_and_cleared_by_confirm);
	tcase_add_test(tc, reason_is_stored_and_a_strange_one_is_no_obstacle);
	tcase_add_test(tc, one_store_is_one_write_of_the_copy_not_in_use);
	tcase_add_test(tc, serial_numbers_wrap_from_255_to_0);
	tcase_add_test(tc, a_store_that_changes_nothing_writes_nothing);
	tcase_add_loop_test(tc, a_state_that_somebody_else_changed_is_not_overwritten, 0, 9);
	tcase_add_test(tc, foreign_variables_go_into_the_same_store);
	tcase_add_test(tc, changes_of_our_variables_are_refused);
	tcase_add_test(tc, impossible_names_and_values_are_refused);
	tcase_add_test(tc, a_state_that_the_environment_cannot_express_is_refused);
	tcase_add_loop_test(tc, one_bad_copy_goes_on_and_both_are_good_after, 0, 2);
	tcase_add_test(tc, both_copies_bad_is_refused_with_the_way_to_restore);
	tcase_add_loop_test(tc, a_copy_that_cannot_be_read_is_refused, 0, 2);
	tcase_add_loop_test(tc, each_malformed_variable_is_refused_by_name, 0, MALFORMED_COUNT);
	tcase_add_test(tc, a_target_alone_is_not_the_factory_state);
	tcase_add_test(tc, a_full_environment_is_refused_before_writing);
	tcase_add_test(tc, a_held_lock_is_busy_and_names_the_holder);
	tcase_add_loop_test(tc, backends_that_are_missing_say_so, 0, 3);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
