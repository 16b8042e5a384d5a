/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Our codec and our reading of fw_env.config against the real libubootenv, on the same bytes. */
#include "slot/env_codec.h"

#include "base/bytes.h"
#include "base/cleanup.h"
#include "slot/fw_env.h"
#include "support/run.h"
#include "support/scratch.h"

#include <stddef.h>

#include <libuboot.h>

#define COPY_BYTES 0x4000u
#define OFFSET_0 0x1000u
#define OFFSET_1 0x8000u
#define DISK_BYTES 0x10000u

static struct scratch scratch;
static uint8_t disk[DISK_BYTES];

static void put_copy(uint32_t offset, uint8_t flags, const char *data, size_t len)
{
	uint8_t *copy = disk + offset;

	memset(copy, 0, COPY_BYTES);
	copy[4] = flags;
	memcpy(copy + JOTA_ENV_HEADER_BYTES, data, len);
	put_le32(copy, jota_crc32(copy + JOTA_ENV_HEADER_BYTES, COPY_BYTES - JOTA_ENV_HEADER_BYTES));
}

static void write_disk(uint8_t flags0, uint8_t flags1)
{
	static const char zero[] = "name=zero\0same=x\0";
	static const char one[] = "name=one\0same=x\0";
	char text[PATH_MAX];

	put_copy(OFFSET_0, flags0, zero, sizeof(zero));
	put_copy(OFFSET_1, flags1, one, sizeof(one));
	scratch_write(&scratch, "/d/disk", disk, sizeof(disk));
	(void)snprintf(text, sizeof(text),
		       "# both copies\n%s/d/disk\t0x%x  0x%x 0x200 1 # first\n%s/d/disk %u 0x%x\n",
		       scratch.root, OFFSET_0, COPY_BYTES, scratch.root, OFFSET_1, COPY_BYTES);
	scratch_text(&scratch, "/etc/fw_env.config", text);
}

static void read_disk(void)
{
	CLEANUP_FREE char *data = NULL;
	size_t len = 0;

	ck_assert_int_eq(jota_io_read_file(&scratch.io, "/d/disk", DISK_BYTES, &data, &len, NULL),
			 0);
	ck_assert_uint_eq(len, DISK_BYTES);
	memcpy(disk, data, DISK_BYTES);
}

static void setup(void)
{
	memset(disk, 0xa5, sizeof(disk));
	scratch_make(&scratch);
}

static void teardown(void)
{
	scratch_drop(&scratch, "/d/disk");
	scratch_drop(&scratch, "/etc/fw_env.config");
	scratch_remove(&scratch);
}

static struct uboot_ctx *open_theirs(void)
{
	struct uboot_ctx *ctx = NULL;
	char config[PATH_MAX];

	scratch_path(&scratch, "/etc/fw_env.config", config);
	ck_assert_int_eq(libuboot_initialize(&ctx, NULL), 0);
	ck_assert_int_eq(libuboot_read_config(ctx, config), 0);
	ck_assert_int_eq(libuboot_open(ctx), 0);
	return ctx;
}

static void close_theirs(struct uboot_ctx *ctx)
{
	libuboot_close(ctx);
	libuboot_exit(ctx);
}

/* The environment that our reading of configuration, copies and serials leads to. */
static int open_ours(struct jota_env *ret_env)
{
	struct jota_fw_env where;
	const uint8_t *copy[JOTA_ENV_COPIES];
	bool valid[JOTA_ENV_COPIES];
	int chosen;

	read_disk();
	ck_assert_int_eq(jota_fw_env_read(&scratch.io, "/etc/fw_env.config", &where, NULL), 0);
	ck_assert_uint_eq(where.size_bytes, COPY_BYTES);
	for (int i = 0; i < JOTA_ENV_COPIES; i++) {
		copy[i] = disk + where.copy[i].offset_bytes;
		valid[i] = jota_env_copy_valid(copy[i], COPY_BYTES);
	}
	chosen = jota_env_choose(valid[0], copy[0][4], valid[1], copy[1][4]);
	ck_assert_int_ge(chosen, 0);
	ck_assert_int_eq(jota_env_decode(copy[chosen], COPY_BYTES, ret_env, NULL), 0);
	return chosen;
}

static void compare_all(struct uboot_ctx *ctx, const struct jota_env *env)
{
	size_t count = 0;

	for (void *entry = libuboot_iterator(ctx, NULL); entry;
	     entry = libuboot_iterator(ctx, entry)) {
		const char *ours = jota_env_get(env, libuboot_getname(entry));

		ck_assert_ptr_nonnull(ours);
		ck_assert_str_eq(ours, libuboot_getvalue(entry));
		count++;
	}
	ck_assert_uint_eq(count, env->count);
}

static const uint8_t serials[][2] = {
	{ 1, 2 }, { 2, 1 }, { 3, 3 }, { 255, 0 }, { 0, 255 }, { 254, 255 }, { 255, 254 }, { 0, 1 },
};

START_TEST(both_choose_the_same_copy)
{
	struct jota_env env = { 0 };
	struct uboot_ctx *ctx;

	write_disk(serials[_i][0], serials[_i][1]);
	ctx = open_theirs();
	(void)open_ours(&env);
	compare_all(ctx, &env);
	close_theirs(ctx);
	jota_env_done(&env);
}
END_TEST

START_TEST(what_libubootenv_stores_is_decoded)
{
	struct jota_env env = { 0 };
	struct uboot_ctx *ctx;
	int before, after;

	write_disk(serials[_i][0], serials[_i][1]);
	before = open_ours(&env);
	jota_env_done(&env);

	ctx = open_theirs();
	ck_assert_int_eq(libuboot_set_env(ctx, "boot_slot", "B"), 0);
	ck_assert_int_eq(libuboot_set_env(ctx, "bootcmd", "run a; if b; then c=d; fi"), 0);
	ck_assert_int_eq(libuboot_set_env(ctx, "same", NULL), 0);
	ck_assert_int_eq(libuboot_env_store(ctx), 0);
	close_theirs(ctx);

	after = open_ours(&env);
	ck_assert_int_ne(after, before);
	ck_assert_str_eq(jota_env_get(&env, "boot_slot"), "B");
	ck_assert_str_eq(jota_env_get(&env, "bootcmd"), "run a; if b; then c=d; fi");
	ck_assert_ptr_null(jota_env_get(&env, "same"));
	ctx = open_theirs();
	compare_all(ctx, &env);
	close_theirs(ctx);
	jota_env_done(&env);
}
END_TEST

START_TEST(a_spoiled_copy_is_passed_over_by_both)
{
	struct jota_env env = { 0 };
	struct uboot_ctx *ctx;

	write_disk(1, 2);
	disk[(_i ? OFFSET_1 : OFFSET_0) + 100] ^= 1;
	scratch_write(&scratch, "/d/disk", disk, sizeof(disk));
	ctx = open_theirs();
	ck_assert_int_eq(open_ours(&env), !_i);
	compare_all(ctx, &env);
	close_theirs(ctx);
	jota_env_done(&env);
}
END_TEST

START_TEST(bytes_around_the_copies_stay_as_they_were)
{
	struct jota_env env = { 0 };
	struct uboot_ctx *ctx;

	write_disk(1, 2);
	ctx = open_theirs();
	ck_assert_int_eq(libuboot_set_env(ctx, "a", "b"), 0);
	ck_assert_int_eq(libuboot_env_store(ctx), 0);
	close_theirs(ctx);
	ck_assert_int_eq(open_ours(&env), 0);
	for (size_t i = 0; i < DISK_BYTES; i++)
		if (i < OFFSET_0 || (i >= OFFSET_0 + COPY_BYTES && i < OFFSET_1) ||
		    i >= OFFSET_1 + COPY_BYTES)
			ck_assert_uint_eq(disk[i], 0xa5);
	jota_env_done(&env);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("env codec against libubootenv");
	TCase *tcase = tcase_create("libubootenv");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, both_choose_the_same_copy, 0,
			    sizeof(serials) / sizeof(serials[0]));
	tcase_add_loop_test(tcase, what_libubootenv_stores_is_decoded, 0,
			    sizeof(serials) / sizeof(serials[0]));
	tcase_add_loop_test(tcase, a_spoiled_copy_is_passed_over_by_both, 0, 2);
	tcase_add_test(tcase, bytes_around_the_copies_stay_as_they_were);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
