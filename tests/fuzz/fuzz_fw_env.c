/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* fw_env.config: where a store would write. Input: the file. */
#include "fuzz/fuzz.h"

#include "slot/fw_env.h"

#include <inttypes.h>

#define NAME "/etc/fw_env.config"

static bool copies_meet(const struct jota_fw_env *env)
{
	uint64_t low = env->copy[0].offset_bytes, high = env->copy[1].offset_bytes;

	if (strcmp(env->copy[0].device, env->copy[1].device) != 0)
		return false;
	return low < high ? high - low < env->size_bytes : low - high < env->size_bytes;
}

static void judge(const struct jota_fw_env *env)
{
	PROMISE(env->size_bytes >= 4096 && env->size_bytes <= 1048576);
	for (int i = 0; i < 2; i++) {
		PROMISE(env->copy[i].device[0] == '/');
		PROMISE(strpbrk(env->copy[i].device, " \t\r\n") == NULL);
		PROMISE(env->copy[i].offset_bytes <= INT64_MAX - env->size_bytes);
	}
	PROMISE(!copies_meet(env));
	fuzz_plant(env->copy[1].offset_bytes > UINT32_MAX, env->copy[1].device);
}

/* What was understood, written down plainly, is understood again. */
static void judge_rewritten(const struct jota_fw_env *env)
{
	size_t room_bytes = 2 * (PATH_MAX + 64);
	char *text = malloc(room_bytes);
	struct jota_fw_env again;
	struct jota_err err = { 0 };
	int n;

	PROMISE(text != NULL);
	n = snprintf(text, room_bytes,
		     "%s 0x%" PRIx64 " 0x%" PRIx64 "\n%s 0x%" PRIx64 " 0x%" PRIx64 "\n",
		     env->copy[0].device, env->copy[0].offset_bytes, env->size_bytes,
		     env->copy[1].device, env->copy[1].offset_bytes, env->size_bytes);
	PROMISE(n > 0 && (size_t)n < room_bytes);
	PROMISE(jota_fw_env_parse(NAME, text, &again, &err) == 0);
	PROMISE(again.size_bytes == env->size_bytes);
	for (int i = 0; i < 2; i++) {
		PROMISE(strcmp(again.copy[i].device, env->copy[i].device) == 0);
		PROMISE(again.copy[i].offset_bytes == env->copy[i].offset_bytes);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	char *text = fuzz_copy(data, len_bytes, len_bytes + 1);
	struct jota_fw_env env;
	struct jota_err err = { 0 };
	int r = jota_fw_env_parse(NAME, text, &env, &err);

	fuzz_check_result(r, &err);
	if (r == 0) {
		judge(&env);
		judge_rewritten(&env);
	}
	free(text);
	return 0;
}
