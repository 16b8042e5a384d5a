/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The invariants I1 to I10 of docs/architecture.md, each as a whole session shows it. A seam watches every write
 * and sync of the session and asks its question there, not only at the end.
 */
#define _GNU_SOURCE
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/tree_env.h"
#include "support/update.h"

#define KIB 1024u
#define FILES_MAX 8

/** What happened to one partition file so far. */
struct seen {
	char path[PATH_MAX];
	unsigned writes, syncs;
	bool began_with_zeros, synced_before_body;
};

/** The seam. Everything is forwarded; `flip_bit` spoils one write on its way. */
struct watch {
	const struct jota_io *real;
	struct seen seen[FILES_MAX];
	unsigned seen_count;
	unsigned writes, syncs;
	unsigned slot_b_bootable; /* writes during which the environment called slot B bootable */
	unsigned slot_a_unsafe;	  /* operations during which slot A was not next or not good */
	bool flip_bit;
	struct tree *tree;
};

static struct update u;
static struct watch watch;

static struct seen *seen_of(struct watch *w, int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	ck_assert_int_gt(len, 0);
	path[len] = '\0';
	for (unsigned i = 0; i < w->seen_count; i++) {
		if (strcmp(w->seen[i].path, path) == 0)
			return &w->seen[i];
	}
	ck_assert_uint_lt(w->seen_count, FILES_MAX);
	memcpy(w->seen[w->seen_count].path, path, (size_t)len + 1);
	return &w->seen[w->seen_count++];
}

/** The environment's disk is synced through the seam too. */
static bool is_partition(const char *path)
{
	return strstr(path, "/dev/mmcblk0p") != NULL;
}

static bool env_says(struct watch *w, const char *name, const char *value)
{
	char *found = tree_env_get(w->tree, name);
	bool same = strcmp(found, value) == 0;

	free(found);
	return same;
}

/** What a power cut right now would boot. */
static void note_boot_choice(struct watch *w)
{
	if (!env_says(w, "boot_slot", "A") || !env_says(w, "slotA_ok", "1") ||
	    !env_says(w, "upgrade_available", "0"))
		w->slot_a_unsafe++;
	if (!env_says(w, "slotB_ok", "0"))
		w->slot_b_bootable++;
}

static bool is_zero(const uint8_t *data, size_t len_bytes)
{
	return !data[0] && memcmp(data, data + 1, len_bytes - 1) == 0;
}

static ssize_t watch_pwrite(void *ctx, int fd, const void *data, size_t len_bytes,
			    uint64_t offset_bytes)
{
	struct watch *w = ctx;
	struct seen *seen = seen_of(w, fd);

	if (is_partition(seen->path)) {
		note_boot_choice(w);
		w->writes++;
		if (seen->writes++ == 0)
			seen->began_with_zeros = offset_bytes == 0 && is_zero(data, len_bytes);
		else if (seen->writes == 2)
			seen->synced_before_body = seen->syncs > 0;
	}
	if (w->flip_bit && offset_bytes == 1024 * KIB) {
		uint8_t *copy = aligned_alloc(4096, len_bytes);
		ssize_t n;

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, data, len_bytes);
		copy[100] ^= 4;
		n = w->real->ops->pwrite(w->real->ctx, fd, copy, len_bytes, offset_bytes);
		free(copy);
		return n;
	}
	return w->real->ops->pwrite(w->real->ctx, fd, data, len_bytes, offset_bytes);
}

static int watch_fsync(void *ctx, int fd)
{
	struct watch *w = ctx;
	struct seen *seen = seen_of(w, fd);

	if (is_partition(seen->path)) {
		note_boot_choice(w);
		w->syncs++;
		seen->syncs++;
	}
	return w->real->ops->fsync(w->real->ctx, fd);
}

static const struct jota_io_ops watch_ops = { .pwrite = watch_pwrite, .fsync = watch_fsync };

/** A session whose writes are watched. */
static void open_watched(void)
{
	struct jota_io io = u.tree.io;

	jota_session_free(u.session);
	memset(&watch, 0, sizeof(watch));
	watch.real = &u.tree.io;
	watch.tree = &u.tree;
	io.ops = &watch_ops;
	io.ctx = &watch;
	ck_assert_int_eq(jota_session_open(&io, &u.config, &u.session, &u.err), 0);
}

static void setup(void)
{
	update_setup(&u);
	open_watched();
}

static void teardown(void)
{
	update_teardown(&u);
}

START_TEST(i1_running_slot_is_never_written_nor_marked)
{
	static const char *const running[] = { "mmcblk0p1", "mmcblk0p3", "mmcblk0p5" };

	ck_ok(update_write_all(&u));
	ck_ok(update_flip(&u));
	for (unsigned i = 0; i < watch.seen_count; i++) {
		for (int j = 0; j < 3; j++)
			ck_assert_msg(!strstr(watch.seen[i].path, running[j]),
				      "'%s' of the running slot was written", watch.seen[i].path);
	}
	ck_assert_uint_gt(watch.writes, 0);
	ck_assert_uint_eq(watch.slot_a_unsafe, 0);
	ck_assert(tree_env_is(&u.tree, "slotA_ok", "1"));
}
END_TEST

START_TEST(i2_running_slot_comes_from_evidence_that_agrees)
{
	struct jota_writer *w;

	tree_write_file(&u.tree, "/proc/cmdline", "root=PARTLABEL=A_APP rootwait jota.slot=B\n");
	ck_refused(
		update_announce(u.session, JOTA_ROLE_KERNEL, "boot.img", 4096, NULL, 0, &w, &u.err),
		EBADMSG, "jota.slot");
	/* The stored choice is no evidence: it says A, but B runs. */
	tree_env_set(&u.tree, "boot_slot", "A");
	tree_env_set(&u.tree, "slotA_ok", "1");
	tree_env_set(&u.tree, "slotB_ok", "1");
	tree_env_set(&u.tree, "upgrade_available", "0");
	tree_reboot_into(&u.tree, JOTA_SLOT_B);
	ck_ok(update_announce(u.session, JOTA_ROLE_KERNEL, "boot.img", 4096, NULL, 0, &w, &u.err));
	ck_assert_int_eq(jota_session_target(u.session), JOTA_SLOT_A);
	ck_assert(tree_env_is(&u.tree, "boot_slot", "B"));
	ck_assert(tree_env_is(&u.tree, "slotA_ok", "0"));
}
END_TEST

START_TEST(i3_target_is_empty_before_its_first_byte)
{
	unsigned partitions = 0;

	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_ROOTFS], &u.err));
	ck_ok(jota_session_keep(u.session, JOTA_ROLE_KERNEL, NULL, NULL, &u.err));
	for (unsigned i = 0; i < watch.seen_count; i++) {
		if (!is_partition(watch.seen[i].path))
			continue;
		partitions++;
		ck_assert_msg(watch.seen[i].began_with_zeros, "'%s'", watch.seen[i].path);
		ck_assert_msg(watch.seen[i].synced_before_body, "'%s'", watch.seen[i].path);
	}
	ck_assert_uint_eq(partitions, 2);
	ck_assert_uint_eq(watch.slot_b_bootable, 0);
}
END_TEST

START_TEST(i4_target_is_read_back_before_it_is_armed)
{
	watch.flip_bit = true;
	ck_refused(update_write(u.session, &u.image[JOTA_ROLE_ROOTFS], &u.err), EBADMSG,
		   "rootfs.ext4");
	ck_refused(update_arm(u.session, u.image, 0, &u.err), EPROTO, "failed before");
	ck_assert(update_is_dead(&u));
	ck_assert(tree_partition_is_zero(&u.tree, "B_APP", 1024 * KIB));
	open_watched();
	watch.flip_bit = true;
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_BOOTLOADER], &u.err));
	ck_refused(jota_session_keep(u.session, JOTA_ROLE_KERNEL, NULL, NULL, &u.err), EBADMSG,
		   "kernel");
	ck_assert(update_is_dead(&u));
}
END_TEST

START_TEST(i5_flip_is_one_store_and_the_last_write)
{
	unsigned serial, writes, syncs;

	ck_ok(update_write_all(&u));
	ck_ok(update_arm(u.session, u.image, JOTA_ROLE_COUNT, &u.err));
	serial = tree_env_serial(&u.tree);
	writes = watch.writes;
	syncs = watch.syncs;
	ck_assert(tree_env_is(&u.tree, "boot_slot", "A"));
	ck_ok(update_flip(&u));
	ck_assert(tree_env_is(&u.tree, "boot_slot", "B"));
	jota_session_free(u.session);
	u.session = NULL;
	ck_assert_uint_eq(tree_env_serial(&u.tree), serial + 1);
	ck_assert_uint_eq(watch.writes, writes);
	ck_assert_uint_eq(watch.syncs, syncs);
}
END_TEST

START_TEST(i6_every_step_can_be_repeated)
{
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err));
	open_watched();
	ck_ok(update_write_all(&u));
	ck_ok(update_arm(u.session, u.image, JOTA_ROLE_COUNT, &u.err));
	ck_ok(update_arm(u.session, u.image, JOTA_ROLE_COUNT, &u.err));
	jota_session_abort(u.session);
	jota_session_abort(u.session);
	open_watched();
	ck_ok(update_write_all(&u));
	ck_ok(update_flip(&u));
	tree_reboot_into(&u.tree, JOTA_SLOT_B);
	for (int i = 0; i < 2; i++)
		ck_assert_int_ge(jota_transition_apply(&u.tree.io, &u.config, JOTA_DO_CONFIRM, NULL,
						       0, NULL, &u.err),
				 0);
	ck_assert(tree_env_is(&u.tree, "slotB_ok", "1"));
}
END_TEST

START_TEST(i7_there_is_always_a_complete_bootable_slot)
{
	ck_ok(update_write_all(&u));
	ck_ok(update_arm(u.session, u.image, JOTA_ROLE_COUNT, &u.err));
	ck_assert_uint_eq(watch.slot_a_unsafe, 0);
	ck_ok(update_flip(&u));
	/* What boots now is whole, and the way back is too. */
	ck_assert(tree_partition_holds(&u.tree, "B_kernel", &u.image[JOTA_ROLE_KERNEL]));
	ck_assert(tree_partition_holds(&u.tree, "B_bootloader", &u.image[JOTA_ROLE_BOOTLOADER]));
	ck_assert(tree_partition_holds(&u.tree, "B_APP", &u.image[JOTA_ROLE_ROOTFS]));
	ck_assert(tree_env_is(&u.tree, "slotA_ok", "1"));
}
END_TEST

START_TEST(i8_boots_of_an_unconfirmed_slot_are_bounded)
{
	u.config.boot_tries = 2;
	open_watched();
	ck_ok(update_write_all(&u));
	ck_ok(update_flip(&u));
	ck_assert(tree_env_is(&u.tree, "upgrade_available", "1"));
	ck_assert(tree_env_is(&u.tree, "bootlimit", "2"));
	ck_assert(tree_env_is(&u.tree, "bootcount", "0"));
	ck_assert(!env_says(&watch, "altbootcmd", ""));
}
END_TEST

START_TEST(i9_role_that_nothing_selects_is_refused)
{
	static const struct tree_options t186 = {
		.layout = "t186",
		.kernel_bytes = UPDATE_KERNEL_BYTES,
		.rootfs_bytes = UPDATE_ROOTFS_BYTES,
	};
	struct jota_writer *w;

	/* All or nothing where the boot chain selects the role: bootloader and system flip in one store. */
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_KERNEL], &u.err));
	ck_ok(update_write(u.session, &u.image[JOTA_ROLE_ROOTFS], &u.err));
	ck_refused(jota_session_arm(u.session, (const char *const[]){ "boot.img", "rootfs.ext4" },
				    2, &u.err),
		   EPROTO, "bootloader");
	tree_remove(&u.tree);
	tree_make(&u.tree, &t186);
	tree_write_file(&u.tree, "/etc/swupdate-jetson.conf",
			"layout = \"t186\";\nbackend = \"uboot\";\n");
	update_config(&u.tree, &u.config);
	open_watched();
	ck_assert_int_lt(update_announce(u.session, JOTA_ROLE_BOOTLOADER, "u-boot.bin", 4096, NULL,
					 0, &w, &u.err),
			 0);
	ck_assert_msg(strstr(u.err.msg, "bootloader"), "'%s'", u.err.msg);
	ck_assert(!jota_session_begun(u.session));
	ck_assert(tree_env_is(&u.tree, "boot_slot", ""));
}
END_TEST

START_TEST(i10_half_a_slot_is_not_armed)
{
	static const char *const words[JOTA_ROLE_COUNT][3] = {
		[JOTA_ROLE_KERNEL] = { "kernel", "B_kernel", "keep = \"kernel\"" },
		[JOTA_ROLE_BOOTLOADER] = { "bootloader", "B_bootloader", "keep = \"bootloader\"" },
		[JOTA_ROLE_ROOTFS] = { "rootfs", "B_APP", "keep = \"rootfs\"" },
	};
	const char *name[JOTA_ROLE_COUNT];
	size_t count = 0;
	bool missing;

	/* _i is the role that the update does not bring. */
	for (int role = 0; role < JOTA_ROLE_COUNT; role++) {
		if (role == _i)
			continue;
		ck_ok(update_write(u.session, &u.image[role], &u.err));
		name[count++] = u.image[role].name;
	}
	ck_assert_int_eq(jota_session_arm(u.session, name, count, &u.err), -EPROTO);
	for (int i = 0; i < 3; i++)
		ck_assert_msg(strstr(u.err.msg, words[_i][i]), "'%s' does not say '%s'", u.err.msg,
			      words[_i][i]);
	ck_refused(jota_session_flip(u.session, NULL, 0, &missing, &u.err), EPROTO, "failed before");
	ck_assert(update_is_dead(&u));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("update/invariants");
	TCase *tcase = tcase_create("invariants");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, i1_running_slot_is_never_written_nor_marked);
	tcase_add_test(tcase, i2_running_slot_comes_from_evidence_that_agrees);
	tcase_add_test(tcase, i3_target_is_empty_before_its_first_byte);
	tcase_add_test(tcase, i4_target_is_read_back_before_it_is_armed);
	tcase_add_test(tcase, i5_flip_is_one_store_and_the_last_write);
	tcase_add_test(tcase, i6_every_step_can_be_repeated);
	tcase_add_test(tcase, i7_there_is_always_a_complete_bootable_slot);
	tcase_add_test(tcase, i8_boots_of_an_unconfirmed_slot_are_bounded);
	tcase_add_test(tcase, i9_role_that_nothing_selects_is_refused);
	tcase_add_loop_test(tcase, i10_half_a_slot_is_not_armed, 0, JOTA_ROLE_COUNT);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
