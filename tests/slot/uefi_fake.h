/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * A fake of efivarfs: a directory of a tree with files as efivarfs shows them. It keeps what is written as any file system does: nothing of it
 * is a firmware, no file is immutable, every write is taken. What a real kernel does is tested in the virtual Jetson.
 */
#pragma once

#include "base/err.h"
#include "slot/backend.h"
#include "slot/config.h"
#include "slot/layout.h"
#include "slot/policy.h"
#include "slot/uefi_vars.h"
#include "support/tree.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ABSENT 0xdeadbeefu
#define BOOT_ID "11111111-2222-3333-4444-555555555555"
#define OTHER_BOOT_ID "99999999-8888-7777-6666-555555555555"

struct uefi_fake {
	struct tree tree;
	char dir[PATH_MAX];
	struct jota_config config;
	struct jota_backend *backend;
	struct jota_err err;
};

static inline void fake_path(const struct uefi_fake *f, const char *name, const char *guid,
			     char path[PATH_MAX])
{
	ck_assert_int_lt(snprintf(path, PATH_MAX, "%s/%s-%s", f->dir, name, guid), PATH_MAX);
}

static inline void fake_put_bytes(const struct uefi_fake *f, const char *name, const char *guid,
				  const void *bytes, size_t len)
{
	char path[PATH_MAX];
	FILE *file;

	fake_path(f, name, guid, path);
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
	ck_assert_int_eq(fclose(file), 0);
}

static inline void fake_put(const struct uefi_fake *f, const char *name, uint32_t attributes,
			    uint32_t value)
{
	uint8_t b[8] = { 0 };

	b[0] = (uint8_t)attributes;
	for (int i = 0; i < 4; i++)
		b[4 + i] = (uint8_t)(value >> (8 * i));
	fake_put_bytes(f, name, JOTA_NVIDIA_GUID, b, sizeof(b));
}

/** ABSENT when there is no such variable. */
static inline uint32_t fake_get(const struct uefi_fake *f, const char *name)
{
	char path[PATH_MAX];
	uint8_t b[9];
	FILE *file;

	fake_path(f, name, JOTA_NVIDIA_GUID, path);
	file = fopen(path, "re");
	if (!file)
		return ABSENT;
	ck_assert_uint_eq(fread(b, 1, sizeof(b), file), 8);
	(void)fclose(file);
	return b[4] | (uint32_t)b[5] << 8 | (uint32_t)b[6] << 16 | (uint32_t)b[7] << 24;
}

static inline void fake_drop(const struct uefi_fake *f, const char *name)
{
	char path[PATH_MAX];

	fake_path(f, name, JOTA_NVIDIA_GUID, path);
	(void)unlink(path);
}

/** All variables as they were flashed. */
static inline void fake_reset(struct uefi_fake *f)
{
	static const char *const ours[] = { "BootChainFwNext", "BootChainFwStatus" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		fake_drop(f, ours[i]);
	fake_path(f, "JotaSlots", JOTA_RECORD_GUID, path);
	(void)unlink(path);
	fake_put(f, "BootChainFwCurrent", 6, 0);
	fake_put(f, "BootChainOsCurrent", 6, 0);
	fake_put(f, "RootfsStatusSlotA", 7, 0);
	fake_put(f, "RootfsStatusSlotB", 7, 0);
	fake_put(f, "RootfsRedundancyLevel", 6, 1);
}

/** A board as flashed that booted slot A, with the file that stands for NVIDIA's tool. */
static inline void fake_make(struct uefi_fake *f)
{
	const struct tree_options options = { .layout = "t234" };
	char path[PATH_MAX];

	memset(f, 0, sizeof(*f));
	tree_make(&f->tree, &options);
	tree_write_file(&f->tree, JOTA_EFIVARS "/here", "");
	tree_write_file(&f->tree, "/usr/sbin/nvbootctrl", "");
	ck_assert_int_eq(
		jota_io_path(&f->tree.io, "/usr/sbin/nvbootctrl", path, sizeof(path), NULL), 0);
	ck_assert_int_eq(chmod(path, 0755), 0);
	ck_assert_int_eq(jota_io_path(&f->tree.io, JOTA_EFIVARS, f->dir, sizeof(f->dir), NULL), 0);
	fake_reset(f);
	ck_assert_int_eq(jota_config_read(&f->tree.io, &f->config, &f->err), 0);
	ck_assert_int_eq(jota_backend_open(&f->tree.io, &f->config, &f->backend, &f->err), 0);
}

static inline void fake_remove(struct uefi_fake *f)
{
	jota_backend_free(f->backend);
	tree_remove(&f->tree);
}

static inline struct jota_boot_state fake_load(struct uefi_fake *f)
{
	struct jota_boot_state state;
	int r = jota_backend_load(f->backend, &state, &f->err);

	ck_assert_msg(r == 0, "load: %s", f->err.msg);
	return state;
}

/** A store as the library's callers make it: of what was loaded. */
static inline void fake_store(struct uefi_fake *f, const struct jota_boot_state *want)
{
	struct jota_boot_state cur = fake_load(f);
	int r = jota_backend_store(f->backend, &cur, want, NULL, 0, &f->err);

	ck_assert_msg(r == 0, "store: %s", f->err.msg);
}

static inline void fake_expect_message(const struct uefi_fake *f, const char *part)
{
	ck_assert_msg(strstr(f->err.msg, part), "'%s' is not in: %s", part, f->err.msg);
}

/* From state to state, as the policy goes from A to B. */
static inline struct jota_boot_state fake_begun(struct uefi_fake *f,
						const struct jota_boot_state *cur)
{
	struct jota_boot_state begun;
	enum jota_slot target;

	ck_assert_int_eq(jota_policy_begin(cur, JOTA_SLOT_A, &begun, &target, &f->err), JOTA_CHANGE);
	return begun;
}

static inline void fake_begin(struct uefi_fake *f)
{
	const struct jota_boot_state cur = fake_load(f), want = fake_begun(f, &cur);

	fake_store(f, &want);
}

static inline struct jota_boot_state fake_flipped(struct uefi_fake *f)
{
	const struct jota_boot_state cur = fake_load(f);
	struct jota_boot_state want;

	ck_assert_int_eq(
		jota_policy_flip(&cur, JOTA_SLOT_A, JOTA_SLOT_B, 3, BOOT_ID, &want, &f->err),
		JOTA_CHANGE);
	return want;
}

static inline void fake_flip(struct uefi_fake *f)
{
	const struct jota_boot_state want = fake_flipped(f);

	fake_store(f, &want);
}

static inline void fake_expect_state(struct uefi_fake *f, enum jota_slot next, enum jota_condition a,
				     enum jota_condition b, enum jota_ustate ustate)
{
	const struct jota_boot_state s = fake_load(f);

	ck_assert(!s.factory);
	ck_assert_int_eq(s.next, next);
	ck_assert_str_eq(jota_condition_name(s.slot[JOTA_SLOT_A]), jota_condition_name(a));
	ck_assert_str_eq(jota_condition_name(s.slot[JOTA_SLOT_B]), jota_condition_name(b));
	ck_assert_int_eq(s.record.ustate, ustate);
}
