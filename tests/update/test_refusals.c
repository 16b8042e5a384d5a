/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What is refused before the first byte leaves the device exactly as it was, and says why. */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/tree_env.h"
#include "support/update.h"

#define KIB 1024u

struct refusal {
	const char *promise;
	void (*spoil)(struct tree *t);
	enum jota_role role;
	const char *name;
	uint64_t image_bytes;
	int errnum;
	const char *say[2]; /* words of the sentence */
};

static void spoil_nothing(struct tree *t)
{
	(void)t;
}

static void spoil_by_mount(struct tree *t)
{
	tree_write_file(t, "/proc/self/mountinfo",
			"21 1 179:5 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
			"30 21 179:2 / /mnt rw,relatime shared:2 - ext4 /dev/mmcblk0p2 rw\n");
}

static void spoil_evidence(struct tree *t)
{
	tree_write_file(t, "/proc/cmdline", "root=PARTLABEL=A_APP rootwait jota.slot=B\n");
}

static void silence_evidence(struct tree *t)
{
	tree_write_file(t, "/proc/cmdline", "console=ttyS0\n");
	tree_write_file(t, "/proc/self/mountinfo",
			"21 1 0:30 / / rw,relatime shared:1 - tmpfs tmpfs rw\n");
}

static void set_trial(struct tree *t)
{
	tree_env_set(t, "boot_slot", "A");
	tree_env_set(t, "slotA_ok", "1");
	tree_env_set(t, "slotB_ok", "1");
	tree_env_set(t, "upgrade_available", "1");
	tree_env_set(t, "bootcount", "1");
}

static void set_given_up(struct tree *t)
{
	tree_env_set(t, "boot_slot", "B");
	tree_env_set(t, "slotA_ok", "0");
	tree_env_set(t, "slotB_ok", "1");
	tree_env_set(t, "upgrade_available", "0");
}

static void set_contradiction(struct tree *t)
{
	tree_env_set(t, "boot_slot", "A");
	tree_env_set(t, "slotA_ok", "0");
	tree_env_set(t, "slotB_ok", "0");
	tree_env_set(t, "upgrade_available", "0");
}

static void set_nonsense(struct tree *t)
{
	tree_env_set(t, "boot_slot", "C");
}

static void drop_altbootcmd(struct tree *t)
{
	tree_env_set(t, "altbootcmd", NULL);
}

static void drop_bootlimit(struct tree *t)
{
	tree_env_set(t, "bootlimit", NULL);
}

static void spoil_both_copies(struct tree *t)
{
	tree_env_spoil(t, 0);
	tree_env_spoil(t, 1);
}

static void remove_label(struct tree *t)
{
	char path[PATH_MAX * 2];

	tree_path(t, "/sys/class/block/mmcblk0p2", path, sizeof(path));
	ck_assert_int_eq(unlink(path), 0);
}

static void drop_boot_id(struct tree *t)
{
	tree_write_file(t, "/proc/sys/kernel/random/boot_id", "not a boot id\n");
}

static void drop_fw_env(struct tree *t)
{
	tree_write_file(t, "/etc/fw_env.config", "/dev/mmcblk0 0x700000 0x20000\n");
}

#define KERNEL JOTA_ROLE_KERNEL, "boot.img"

static const struct refusal refusals[] = {
	{ "image larger than its partition",
	  spoil_nothing,
	  KERNEL,
	  3072 * KIB,
	  EFBIG,
	  { "boot.img", "2097152" } },
	{ "image one byte larger than its partition",
	  spoil_nothing,
	  KERNEL,
	  2048 * KIB + 1,
	  EFBIG,
	  { "boot.img", "2097153" } },
	{ "image without bytes", spoil_nothing, KERNEL, 0, EINVAL, { "boot.img", "0 bytes" } },
	{ "image without a name", spoil_nothing, JOTA_ROLE_KERNEL, "", 4096, EINVAL, { "name", "" } },
	{ "target mounted", spoil_by_mount, KERNEL, 4096, EBUSY, { "B_kernel", "mounted" } },
	{ "another required partition mounted",
	  spoil_by_mount,
	  JOTA_ROLE_ROOTFS,
	  "rootfs.ext4",
	  4096,
	  EBUSY,
	  { "B_kernel", "mounted" } },
	{ "another required partition missing",
	  remove_label,
	  JOTA_ROLE_ROOTFS,
	  "rootfs.ext4",
	  4096,
	  ENODEV,
	  { "B_kernel", "label" } },
	{ "evidence contradicts", spoil_evidence, KERNEL, 4096, EBADMSG, { "A_APP", "jota.slot" } },
	{ "nobody says what runs", silence_evidence, KERNEL, 4096, ENOENT, { "slot", "" } },
	{ "running slot on trial", set_trial, KERNEL, 4096, EBUSY, { "slot A", "trial" } },
	{ "running slot given up", set_given_up, KERNEL, 4096, EBUSY, { "slot A", "given up" } },
	{ "stored state contradicts itself",
	  set_contradiction,
	  KERNEL,
	  4096,
	  EINVAL,
	  { "contradicts", "" } },
	{ "stored value that does not belong there",
	  set_nonsense,
	  KERNEL,
	  4096,
	  EBADMSG,
	  { "boot_slot", "C" } },
	{ "no altbootcmd", drop_altbootcmd, KERNEL, 4096, EPERM, { "altbootcmd", "" } },
	{ "no bootlimit", drop_bootlimit, KERNEL, 4096, EPERM, { "bootlimit", "" } },
	{ "both environment copies bad", spoil_both_copies, KERNEL, 4096, ENODATA, { "cop", "" } },
	{ "no partition with the label", remove_label, KERNEL, 4096, ENODEV, { "B_kernel", "label" } },
	{ "no boot id", drop_boot_id, KERNEL, 4096, EBADMSG, { "boot_id", "" } },
	{ "environment in one copy", drop_fw_env, KERNEL, 4096, EINVAL, { "fw_env.config", "" } },
};
#define REFUSAL_COUNT (sizeof(refusals) / sizeof(refusals[0]))

static const struct tree_options small = {
	.kernel_bytes = 2048 * KIB,
	.bootloader_bytes = 256 * KIB,
	.rootfs_bytes = 3072 * KIB,
};

/** Announce one image; the session must still be new, and its lock free, after a refusal. */
static int announce(struct tree *t, const struct refusal *r, struct jota_err *err)
{
	struct jota_config config;
	struct jota_session *s;
	struct jota_writer *w;
	int rc, lock;

	update_config(t, &config);
	ck_assert_int_eq(jota_session_open(&t->io, &config, &s, err), 0);
	rc = update_announce(s, r->role, r->name, r->image_bytes, NULL, 0, &w, err);
	if (rc < 0) {
		ck_assert(!jota_session_begun(s));
		lock = jota_io_lock(&t->io, JOTA_SESSION_LOCK, "test", 0, NULL);
		ck_assert_msg(lock >= 0, "%s: the session lock is still held", r->promise);
		(void)close(lock);
	}
	jota_session_free(s);
	return rc;
}

START_TEST(refused_before_first_byte_leaves_device_untouched)
{
	const struct refusal *r = &refusals[_i];
	unsigned descriptors = open_descriptors();
	struct snapshot *before, *after;
	struct jota_err err = { 0 };
	const char *changed;
	struct tree t;
	int rc;

	tree_make(&t, &small);
	tree_partition_fill(&t, "B_kernel", 2, 0);
	r->spoil(&t);
	before = snapshot_take(&t);
	rc = announce(&t, r, &err);
	after = snapshot_take(&t);
	changed = snapshot_compare(before, after);
	ck_assert_msg(rc == -r->errnum, "%s: returned %d (%s), expected %d", r->promise, rc,
		      err.msg, -r->errnum);
	for (int i = 0; i < 2; i++)
		ck_assert_msg(strstr(err.msg, r->say[i]), "%s: '%s' does not say '%s'", r->promise,
			      err.msg, r->say[i]);
	ck_assert_msg(!changed, "%s: '%s' was changed", r->promise, changed);
	snapshot_free(before);
	snapshot_free(after);
	tree_remove(&t);
	ck_assert_uint_eq(open_descriptors(), descriptors);
}
END_TEST

START_TEST(refused_session_can_be_tried_again)
{
	static const struct refusal good = { "good", spoil_nothing, KERNEL, 4096, 0, { "", "" } };
	struct jota_err err = { 0 };
	struct jota_config config;
	struct jota_session *s;
	struct jota_writer *w;
	struct tree t;

	tree_make(&t, &small);
	update_config(&t, &config);
	ck_assert_int_eq(jota_session_open(&t.io, &config, &s, &err), 0);
	ck_assert_int_eq(update_announce(s, good.role, good.name, 0, NULL, 0, &w, &err), -EINVAL);
	ck_assert_int_eq(update_announce(s, good.role, good.name, 4096, NULL, 0, &w, &err), 0);
	ck_assert(jota_session_begun(s));
	ck_assert_int_eq(jota_session_target(s), JOTA_SLOT_B);
	jota_session_free(s);
	tree_remove(&t);
}
END_TEST

START_TEST(refusal_names_the_holder_of_the_session_lock)
{
	static const struct refusal r = { "locked", spoil_nothing, KERNEL, 4096, EBUSY, { "", "" } };
	struct jota_err err = { 0 };
	struct jota_config config;
	struct jota_session *s;
	struct jota_writer *w;
	char pid[32];
	struct tree t;
	int lock;

	tree_make(&t, &small);
	update_config(&t, &config);
	lock = jota_io_lock(&t.io, JOTA_SESSION_LOCK, "somebody else", 0, &err);
	ck_assert_int_ge(lock, 0);
	ck_assert_int_eq(jota_session_open(&t.io, &config, &s, &err), 0);
	ck_assert_int_eq(update_announce(s, r.role, r.name, r.image_bytes, NULL, 0, &w, &err),
			 -EBUSY);
	(void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	ck_assert_ptr_nonnull(strstr(err.msg, "somebody else"));
	ck_assert_ptr_nonnull(strstr(err.msg, pid));
	(void)close(lock);
	jota_session_free(s);
	tree_remove(&t);
}
END_TEST

START_TEST(second_session_is_told_about_the_first)
{
	struct jota_session *first, *second;
	struct jota_err err = { 0 };
	struct jota_config config;
	struct jota_writer *w;
	struct tree t;

	tree_make(&t, &small);
	update_config(&t, &config);
	ck_assert_int_eq(jota_session_open(&t.io, &config, &first, &err), 0);
	ck_assert_int_eq(jota_session_open(&t.io, &config, &second, &err), 0);
	ck_assert_int_eq(update_announce(first, KERNEL, 4096, NULL, 0, &w, &err), 0);
	ck_assert_int_eq(update_announce(second, KERNEL, 4096, NULL, 0, &w, &err), -EBUSY);
	ck_assert_ptr_nonnull(strstr(err.msg, "a running update"));
	jota_session_abort(first);
	ck_assert_int_eq(update_announce(second, KERNEL, 4096, NULL, 0, &w, &err), 0);
	jota_session_free(first);
	jota_session_free(second);
	tree_remove(&t);
}
END_TEST

START_TEST(variable_of_the_state_is_refused_as_a_change)
{
	const struct jota_change change = { "boot_slot", "B" };
	struct snapshot *before, *after;
	struct jota_err err = { 0 };
	struct jota_config config;
	struct jota_session *s;
	struct jota_writer *w;
	struct tree t;

	tree_make(&t, &small);
	update_config(&t, &config);
	before = snapshot_take(&t);
	ck_assert_int_eq(jota_session_open(&t.io, &config, &s, &err), 0);
	ck_assert_int_eq(update_announce(s, KERNEL, 4096, &change, 1, &w, &err), -EPERM);
	ck_assert_ptr_nonnull(strstr(err.msg, "boot_slot"));
	jota_session_free(s);
	after = snapshot_take(&t);
	ck_assert_ptr_null(snapshot_compare(before, after));
	snapshot_free(before);
	snapshot_free(after);
	tree_remove(&t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("update/refusals");
	TCase *tcase = tcase_create("before the first byte");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, refused_before_first_byte_leaves_device_untouched, 0,
			    (int)REFUSAL_COUNT);
	tcase_add_test(tcase, refused_session_can_be_tried_again);
	tcase_add_test(tcase, refusal_names_the_holder_of_the_session_lock);
	tcase_add_test(tcase, second_session_is_told_about_the_first);
	tcase_add_test(tcase, variable_of_the_state_is_refused_as_a_change);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
