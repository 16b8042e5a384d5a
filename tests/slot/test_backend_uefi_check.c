/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The uefi backend against a fake efivarfs: what it refuses, and how it says so. */
#include "slot/uefi_fake.h"

#include "base/cleanup.h"
#include "slot/blockdev.h"
#include "slot/evidence.h"
#include "support/run.h"

#include <linux/fs.h>
#include <sys/ioctl.h>

#define A JOTA_SLOT_A
#define B JOTA_SLOT_B
#define RECORD "JotaSlots-" JOTA_RECORD_GUID

static struct uefi_fake f;

static void setup(void)
{
	fake_make(&f);
}

static void teardown(void)
{
	fake_remove(&f);
}

/* Bytes of a variable that no firmware writes. */
static const struct {
	const char *name;
	const char *bytes;
	size_t len;
	const char *says;
} hostile[] = {
	{ "BootChainFwCurrent", "\6\0\0", 3, "cut short" },
	{ "BootChainFwCurrent", "\6\0\0\0", 4, "cut short" },
	{ "BootChainFwCurrent", "\6\0\0\0\0\0", 6, "has 2 bytes, expected 4" },
	{ "BootChainFwCurrent", "\6\0\0\0\0\0\0\0\0", 9, "longer than 4 bytes" },
	{ "BootChainFwCurrent", "\7\0\0\0\0\0\0\0", 8, "attributes 0x7, expected 0x6" },
	{ "BootChainFwCurrent", "\6\0\0\0\2\0\0\0", 8, "is 2, expected 0 or 1" },
	{ "BootChainFwCurrent", "", 0, "is absent" },
	{ "RootfsStatusSlotA", "\7\0\0\0\1\0\0\0", 8, "is 0x1, expected 0 or 0xff" },
	{ "RootfsStatusSlotB", "\6\0\0\0\0\0\0\0", 8, "attributes 0x6, expected 0x7" },
	{ "BootChainFwNext", "\7\0\0\0\0", 5, "has 1 bytes, expected 4" },
	{ "BootChainFwStatus", "\7\0\0", 3, "cut short" },
};
#define HOSTILE_COUNT (sizeof(hostile) / sizeof(hostile[0]))

START_TEST(a_strange_variable_is_refused_by_name)
{
	struct jota_problems problems = { 0 };
	struct jota_boot_state state;

	fake_put_bytes(&f, hostile[_i].name, JOTA_NVIDIA_GUID, hostile[_i].bytes, hostile[_i].len);
	ck_assert_int_lt(jota_backend_load(f.backend, &state, &f.err), 0);
	fake_expect_message(&f, hostile[_i].name);
	fake_expect_message(&f, hostile[_i].says);
	jota_backend_check(f.backend, NULL, &problems);
	ck_assert_uint_ge(problems.count, 1);
	ck_assert(problems.problem[0].blocks_update);
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused_by_name)
{
	char path[PATH_MAX];
	struct jota_boot_state state;

	fake_path(&f, "RootfsStatusSlotB", JOTA_NVIDIA_GUID, path);
	ck_assert_int_eq(unlink(path), 0);
	if (_i == 0)
		ck_assert_int_eq(mkdir(path, 0755), 0);
	else if (_i == 1)
		ck_assert_int_eq(symlink("here", path), 0);
	else
		ck_assert_int_eq(mkfifo(path, 0644), 0);
	ck_assert_int_eq(jota_backend_load(f.backend, &state, &f.err), -EBADMSG);
	fake_expect_message(&f, "'RootfsStatusSlotB' is no regular file");
}
END_TEST

START_TEST(no_efivarfs_says_so)
{
	struct jota_boot_state state;

	fake_drop(&f, "BootChainFwCurrent");
	ck_assert_int_eq(jota_backend_load(f.backend, &state, &f.err), -ENODATA);
	fake_expect_message(&f, "efivarfs is not mounted");
}
END_TEST

START_TEST(a_request_for_an_unknown_chain_is_none)
{
	fake_begin(&f);
	fake_put(&f, "BootChainFwNext", 7, 2);
	fake_expect_state(&f, A, JOTA_GOOD, JOTA_EMPTY, JOTA_USTATE_IN_PROGRESS);
	fake_flip(&f);
	ck_assert_uint_eq(fake_get(&f, "BootChainFwNext"), 1);
}
END_TEST

START_TEST(a_flip_without_a_record_is_told_and_taken_back_by_an_update)
{
	struct jota_problems problems = { 0 };

	jota_backend_check(f.backend, NULL, &problems);
	ck_assert_uint_eq(problems.count, 0);
	fake_put(&f, "BootChainFwNext", 7, 1);
	jota_backend_check(f.backend, NULL, &problems);
	ck_assert_uint_eq(problems.count, 1);
	ck_assert(!problems.problem[0].blocks_update);
	ck_assert_ptr_nonnull(strstr(problems.problem[0].text, "boots slot B next, and no record"));
	fake_begin(&f);
	fake_expect_state(&f, A, JOTA_GOOD, JOTA_EMPTY, JOTA_USTATE_IN_PROGRESS);
	problems.count = 0;
	jota_backend_check(f.backend, NULL, &problems);
	ck_assert_uint_eq(problems.count, 0);
}
END_TEST

/* Length of the record's bytes, which were read into buf with their attributes. */
static size_t read_record(uint8_t buf[2048])
{
	char path[PATH_MAX];
	FILE *file;
	size_t n;

	ck_assert_int_lt(snprintf(path, sizeof(path), "%s/" RECORD, f.dir), PATH_MAX);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	n = fread(buf, 1, 2048, file);
	(void)fclose(file);
	return n;
}

START_TEST(a_damaged_record_is_refused)
{
	struct jota_boot_state state;
	uint8_t bytes[2048];
	size_t len;

	fake_begin(&f);
	len = read_record(bytes);
	ck_assert_uint_le(len, 4 + JOTA_UEFI_RECORD_SAFE_BYTES);
	for (size_t at = 4; at < len; at += 3) {
		bytes[at] ^= 0x20;
		fake_put_bytes(&f, "JotaSlots", JOTA_RECORD_GUID, bytes, len);
		ck_assert_int_eq(jota_backend_load(f.backend, &state, &f.err), -EBADMSG);
		fake_expect_message(&f, "the record in the UEFI variables");
		bytes[at] ^= 0x20;
	}
	for (size_t cut = 5; cut < len; cut += 7) {
		fake_put_bytes(&f, "JotaSlots", JOTA_RECORD_GUID, bytes, cut);
		ck_assert_int_eq(jota_backend_load(f.backend, &state, &f.err), -EBADMSG);
	}
}
END_TEST

static void expect_problem(bool blocks, const char *says)
{
	struct jota_problems problems = { 0 };

	jota_backend_check(f.backend, NULL, &problems);
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_int_eq(problems.problem[0].blocks_update, blocks);
	ck_assert_msg(strstr(problems.problem[0].text, says), "'%s' is not in: %s", says,
		      problems.problem[0].text);
}

START_TEST(preflight_names_what_keeps_the_firmware_from_the_flip)
{
	struct jota_problems problems = { 0 };
	char path[PATH_MAX];

	jota_backend_check(f.backend, NULL, &problems);
	ck_assert_uint_eq(problems.count, 0);
	fake_put(&f, "RootfsRedundancyLevel", 7, 0);
	expect_problem(true, "RootfsRedundancyLevel is 0");
	fake_drop(&f, "RootfsRedundancyLevel");
	expect_problem(true, "'RootfsRedundancyLevel' is absent");
	fake_put(&f, "RootfsRedundancyLevel", 6, 1);
	fake_drop(&f, "RootfsStatusSlotB");
	expect_problem(true, "'RootfsStatusSlotB' is absent");
	fake_put(&f, "RootfsStatusSlotB", 7, 0);
	fake_put(&f, "BootChainOsCurrent", 6, 1);
	expect_problem(true, "L4TLauncher booted slot 1");
	fake_put(&f, "BootChainOsCurrent", 6, 0);
	fake_put(&f, "BootChainFwStatus", 7, 1);
	expect_problem(true, "reboot first");
	fake_put(&f, "BootChainFwStatus", 7, 12);
	fake_put(&f, "L4TDefaultBootMode", 7, 1);
	expect_problem(false, "L4TDefaultBootMode is 1");
	fake_drop(&f, "L4TDefaultBootMode");
	fake_put_bytes(&f, "OsIndications", JOTA_EFI_GLOBAL_GUID, "\7\0\0\0\4\0\0\0\0\0\0\0", 12);
	expect_problem(true, "capsule");
	fake_put_bytes(&f, "OsIndications", JOTA_EFI_GLOBAL_GUID, "\7\0\0\0\1\0\0\0\0\0\0\0", 12);
	ck_assert_int_eq(jota_io_path(&f.tree.io, "/usr/sbin/nvbootctrl", path, sizeof(path), NULL),
			 0);
	ck_assert_int_eq(unlink(path), 0);
	expect_problem(true, "nvbootctrl is missing");
}
END_TEST

START_TEST(boot_next_refuses_a_flip_before_any_write)
{
	struct jota_boot_state cur, want;

	fake_begin(&f);
	cur = fake_load(&f);
	want = fake_flipped(&f);
	fake_put_bytes(&f, "BootNext", JOTA_EFI_GLOBAL_GUID, "\7\0\0\0\1\0", 6);
	expect_problem(true, "'BootNext' exists");
	ck_assert_int_eq(jota_backend_store(f.backend, &cur, &want, NULL, 0, &f.err), -EBUSY);
	fake_expect_message(&f, "BootNext");
	ck_assert_uint_eq(fake_get(&f, "RootfsStatusSlotB"), 0xFF);
	fake_expect_state(&f, A, JOTA_GOOD, JOTA_EMPTY, JOTA_USTATE_IN_PROGRESS);
}
END_TEST

START_TEST(the_firmware_is_a_witness_of_the_running_slot)
{
	struct jota_blockdevs devs = { 0 };
	struct jota_evidence ev;

	ck_assert_int_eq(jota_blockdevs_read(&f.tree.io, &devs, &f.err), 0);
	ck_assert_int_eq(jota_evidence_read(&f.tree.io, f.config.layout, &devs, &ev, &f.err), 0);
	ck_assert(ev.witness[JOTA_WITNESS_COUNT - 1].speaks);
	fake_put(&f, "BootChainOsCurrent", 6, 1);
	ck_assert_int_eq(jota_evidence_read(&f.tree.io, f.config.layout, &devs, &ev, &f.err),
			 -EBADMSG);
	fake_expect_message(&f, "firmware variable says B (BootChainOsCurrent=1)");
	fake_put(&f, "BootChainOsCurrent", 6, 2);
	ck_assert_int_eq(jota_evidence_read(&f.tree.io, f.config.layout, &devs, &ev, &f.err),
			 -EBADMSG);
	fake_expect_message(&f, "is 2, expected 0 or 1");
	fake_drop(&f, "BootChainOsCurrent");
	ck_assert_int_eq(jota_evidence_read(&f.tree.io, f.config.layout, &devs, &ev, &f.err), 0);
	jota_blockdevs_done(&devs);
}
END_TEST

/* A kernel that says no to one variable: what efivarfs does when the firmware rejects it. */
static ssize_t reject_writes(void *ctx, int fd, const void *data, size_t len, uint64_t at)
{
	(void)ctx;
	(void)fd;
	(void)data;
	(void)len;
	(void)at;
	errno = EINVAL;
	return -1;
}

static ssize_t short_writes(void *ctx, int fd, const void *data, size_t len, uint64_t at)
{
	(void)ctx;
	return pwrite(fd, data, len / 2, (off_t)at);
}

START_TEST(a_rejected_or_short_write_names_the_variable)
{
	struct jota_io_ops ops = *f.tree.io.ops;
	struct jota_io io = f.tree.io;

	ops.pwrite = _i == 0 ? reject_writes : short_writes;
	io.ops = &ops;
	ck_assert_int_lt(jota_efivar_write_u32(&io, &jota_uefi_slot_status[B], 0xFF, &f.err), 0);
	fake_expect_message(&f, "'RootfsStatusSlotB'");
	ck_assert_int_lt(jota_efivar_write_u32(&io, &jota_uefi_next_request, 1, &f.err), 0);
	fake_expect_message(&f, "'BootChainFwNext'");
	/* A variable that could not be created leaves no file behind. */
	ck_assert_uint_eq(fake_get(&f, "BootChainFwNext"), ABSENT);
}
END_TEST

static ssize_t lost_writes(void *ctx, int fd, const void *data, size_t len, uint64_t at)
{
	(void)ctx;
	(void)fd;
	(void)data;
	(void)at;
	return (ssize_t)len;
}

START_TEST(a_write_that_was_not_kept_is_found_out)
{
	struct jota_io_ops ops = *f.tree.io.ops;
	struct jota_io io = f.tree.io;

	ops.pwrite = lost_writes;
	io.ops = &ops;
	ck_assert_int_eq(jota_efivar_write_u32(&io, &jota_uefi_slot_status[B], 0xFF, &f.err),
			 -EBADMSG);
	fake_expect_message(&f, "reads back differently");
	ck_assert_int_eq(jota_efivar_write_u32(&io, &jota_uefi_next_request, 1, &f.err), -EBADMSG);
	fake_expect_message(&f, "reads back as absent");
}
END_TEST

static int set_immutable(const char *name, bool on)
{
	char path[PATH_MAX];
	CLEANUP_FD int fd = -1;
	int flags = 0;

	fake_path(&f, name, JOTA_NVIDIA_GUID, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return -1;
	flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static bool is_immutable(const char *name)
{
	char path[PATH_MAX];
	CLEANUP_FD int fd = -1;
	int flags = 0;

	fake_path(&f, name, JOTA_NVIDIA_GUID, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_IMMUTABLE_FL);
}

/* Only root may, and not on every file system; the virtual Jetson's efivarfs has the flag on each variable. */
START_TEST(an_immutable_variable_is_written_and_immutable_again)
{
	struct jota_io_ops ops = *f.tree.io.ops;
	struct jota_io io = f.tree.io;

	fake_put(&f, "BootChainFwNext", 7, 0);
	if (set_immutable("RootfsStatusSlotB", true) < 0 ||
	    set_immutable("BootChainFwNext", true) < 0) {
		(void)fprintf(stderr, "NOT RUN: immutable files need root and a file system that "
				      "has them\n");
		return;
	}
	ck_assert_int_eq(jota_efivar_write_u32(&io, &jota_uefi_slot_status[B], 0xFF, &f.err), 0);
	ck_assert_uint_eq(fake_get(&f, "RootfsStatusSlotB"), 0xFF);
	ck_assert(is_immutable("RootfsStatusSlotB"));
	ops.pwrite = reject_writes;
	io.ops = &ops;
	ck_assert_int_lt(jota_efivar_write_u32(&io, &jota_uefi_slot_status[B], 0, &f.err), 0);
	ck_assert(is_immutable("RootfsStatusSlotB"));
	ck_assert_int_eq(set_immutable("RootfsStatusSlotB", false), 0);
	ck_assert_int_eq(jota_efivar_delete(&io, &jota_uefi_next_request, &f.err), 0);
	ck_assert_uint_eq(fake_get(&f, "BootChainFwNext"), ABSENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("backend_uefi_check");
	TCase *tc = tcase_create("strange variables");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_strange_variable_is_refused_by_name, 0, HOSTILE_COUNT);
	tcase_add_loop_test(tc, what_is_no_regular_file_is_refused_by_name, 0, 3);
	tcase_add_test(tc, no_efivarfs_says_so);
	tcase_add_test(tc, a_request_for_an_unknown_chain_is_none);
	tcase_add_test(tc, a_flip_without_a_record_is_told_and_taken_back_by_an_update);
	tcase_add_test(tc, a_damaged_record_is_refused);
	tcase_add_test(tc, preflight_names_what_keeps_the_firmware_from_the_flip);
	tcase_add_test(tc, the_firmware_is_a_witness_of_the_running_slot);
	tcase_add_test(tc, boot_next_refuses_a_flip_before_any_write);
	tcase_add_loop_test(tc, a_rejected_or_short_write_names_the_variable, 0, 2);
	tcase_add_test(tc, a_write_that_was_not_kept_is_found_out);
	tcase_add_test(tc, an_immutable_variable_is_written_and_immutable_again);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
