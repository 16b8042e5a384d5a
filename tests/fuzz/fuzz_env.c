/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * U-Boot environment: validity, choice of a copy, decoding, boot state, and a planned store.
 * Input: a copy. Of its CRC field, bit 0 asks for the right CRC, bit 1 says that the other copy is
 * valid, bit 2 that slot B runs; the next byte is the other copy's flags.
 */
#include "fuzz/fuzz.h"

#include "base/bytes.h"
#include "slot/env_codec.h"
#include "slot/policy.h"
#include "slot/uboot_state.h"
#include "slot/variables.h"

#include <errno.h>

static void judge_choice(bool valid0, uint8_t flags0, bool valid1, uint8_t flags1)
{
	int chosen = jota_env_choose(valid0, flags0, valid1, flags1);
	int mirrored = jota_env_choose(valid1, flags1, valid0, flags0);

	PROMISE(chosen == 0 || chosen == 1 || chosen == -ENODATA);
	PROMISE(chosen < 0 ? !valid0 && !valid1 : chosen == 0 ? valid0 : valid1);
	PROMISE(mirrored ==
		(chosen < 0 || (valid0 && valid1 && flags0 == flags1) ? chosen : !chosen));
}

/* What was decoded, written one after the other, is what stood there. */
static void judge_decoded(const struct jota_env *env, const uint8_t *copy, size_t len_bytes)
{
	size_t at = JOTA_ENV_HEADER_BYTES;

	for (size_t i = 0; i < env->count; i++) {
		size_t name_len = strlen(env->var[i].name);
		size_t value_bytes = strlen(env->var[i].value) + 1;

		PROMISE(name_len > 0 && memcmp(copy + at, env->var[i].name, name_len) == 0);
		PROMISE(copy[at + name_len] == '=');
		at += name_len + 1;
		PROMISE(memcmp(copy + at, env->var[i].value, value_bytes) == 0);
		at += value_bytes;
	}
	PROMISE(at < len_bytes && copy[at] == '\0' && jota_uboot_env_bytes(env) == at + 1);
}

/* The first store of an update, planned over a hostile environment, touches our variables alone. */
static void judge_plan(const struct jota_env *env, enum jota_slot running)
{
	static const struct jota_change change = { "fuzzed", "1" };
	struct jota_boot_state cur, want, read;
	struct jota_env meant = { 0 };
	struct jota_err err = { 0 };
	enum jota_slot target;
	int r = jota_uboot_state_read(env, &cur, &err);

	fuzz_check_result(r, &err);
	if (r < 0)
		return;
	fuzz_plant(cur.boots_counted > cur.boot_limit, cur.record.boot_id);
	if (jota_policy_begin(&cur, running, &want, &target, &err) < 0)
		return;
	r = jota_uboot_plan(env, &cur, &want, &change, 1, &meant, &err);
	fuzz_check_result(r, &err);
	if (r < 0)
		return;
	PROMISE(jota_uboot_state_read(&meant, &read, NULL) == 0);
	PROMISE(jota_boot_state_difference(&want, &read) == NULL);
	for (size_t i = 0; i < env->count; i++) {
		const char *name = env->var[i].name, *value = jota_env_get(&meant, name);

		PROMISE(jota_variables_owned(name) || strcmp(name, change.name) == 0 ||
			(value && strcmp(value, env->var[i].value) == 0));
	}
	jota_env_done(&meant);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	struct jota_env env = { 0 };
	struct jota_err err = { 0 };
	uint8_t *copy;
	bool valid;
	int r;

	if (len_bytes < JOTA_ENV_HEADER_BYTES)
		return 0;
	copy = fuzz_copy(data, len_bytes, len_bytes);
	if (data[0] & 1u)
		put_le32(copy, jota_crc32(copy + JOTA_ENV_HEADER_BYTES,
					  len_bytes - JOTA_ENV_HEADER_BYTES));
	valid = jota_env_copy_valid(copy, len_bytes);
	PROMISE(valid || !(data[0] & 1u) || len_bytes < JOTA_ENV_HEADER_BYTES + 2);
	judge_choice(valid, data[4], data[0] & 2u, data[1]);
	r = jota_env_decode(copy, len_bytes, &env, &err);
	fuzz_check_result(r, &err);
	if (r == 0) {
		judge_decoded(&env, copy, len_bytes);
		judge_plan(&env, data[0] & 4u ? JOTA_SLOT_B : JOTA_SLOT_A);
	}
	jota_env_done(&env);
	free(copy);
	return 0;
}
