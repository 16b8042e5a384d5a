/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/uboot_state.h"

#include "base/err.h"
#include "base/number.h"

#include <errno.h>
#include <string.h>

static const char *const ok_name[JOTA_SLOT_COUNT] = { "slotA_ok", "slotB_ok" };

static int fail_value(const char *name, const char *value, const char *accepted,
		      struct jota_err *err)
{
	if (!value)
		return jota_fail(err, EBADMSG,
				 "U-Boot variable '%s' is missing, expected %s: the stored boot "
				 "state is incomplete; set it with fw_setenv.",
				 name, accepted);
	return jota_fail(err, EBADMSG,
			 "U-Boot variable '%s' is '%.40s', expected %s: set it with fw_setenv.",
			 name, value, accepted);
}

static int read_slot(const struct jota_env *env, const char *name, enum jota_slot *ret,
		     struct jota_err *err)
{
	const char *value = jota_env_get(env, name);

	if (!value || (strcmp(value, "A") != 0 && strcmp(value, "B") != 0))
		return fail_value(name, value, "A or B", err);
	*ret = value[0] == 'A' ? JOTA_SLOT_A : JOTA_SLOT_B;
	return 0;
}

static int read_flag(const struct jota_env *env, const char *name, bool *ret, struct jota_err *err)
{
	const char *value = jota_env_get(env, name);

	if (!value || (strcmp(value, "0") != 0 && strcmp(value, "1") != 0))
		return fail_value(name, value, "0 or 1", err);
	*ret = value[0] == '1';
	return 0;
}

/* Decimal only: U-Boot reads these with base 10, to it "0x3" is 0. */
static int read_count(const struct jota_env *env, const char *name, uint32_t *ret,
		      struct jota_err *err)
{
	const char *value = jota_env_get(env, name);
	uint64_t count = 0;

	if (value && (value[strspn(value, "0123456789")] != '\0' ||
		      jota_parse_u64(name, value, 0, UINT32_MAX, &count, NULL) < 0))
		return fail_value(name, value, "a decimal number", err);
	*ret = (uint32_t)count;
	return 0;
}

/*
 * For people, so it is taken as it is, cut and made printable: a strange one must not keep a device from being confirmed.
 * What was read once reads the same again.
 */
static void read_reason(const char *value, char ret[JOTA_REASON_BYTES])
{
	size_t len = 0;

	for (; value && value[len] != '\0' && len + 1 < JOTA_REASON_BYTES; len++) {
		ret[len] = '?';
		if (value[len] >= ' ' && value[len] <= '~')
			ret[len] = value[len];
	}
	ret[len] = '\0';
}

static int read_record(const struct jota_env *env, struct jota_record *ret, struct jota_err *err)
{
	static const char id_letters[] =
		"0123456789-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *ustate = jota_env_get(env, "ustate");
	const char *id = jota_env_get(env, "jota_boot_id");

	ret->has_target = jota_env_get(env, "update_target") != NULL;
	if (ret->has_target) {
		int r = read_slot(env, "update_target", &ret->target, err);

		if (r < 0)
			return r;
	}
	if (ustate) {
		if (strlen(ustate) != 1 || !strchr("01237", ustate[0]))
			return fail_value("ustate", ustate, "0, 1, 2, 3 or 7", err);
		ret->ustate = (enum jota_ustate)ustate[0];
	}
	if (id) {
		size_t len = strlen(id);

		if (len >= sizeof(ret->boot_id) || strspn(id, id_letters) != len)
			return fail_value("jota_boot_id", id, "a boot_id of at most 36 characters",
					  err);
		memcpy(ret->boot_id, id, len + 1);
	}
	read_reason(jota_env_get(env, "jota_reason"), ret->reason);
	return 0;
}

static int read_choice(const struct jota_env *env, struct jota_boot_state *ret, struct jota_err *err)
{
	bool ok[JOTA_SLOT_COUNT], on_trial = false;
	int r;

	r = read_slot(env, "boot_slot", &ret->next, err);
	for (int i = 0; r == 0 && i < JOTA_SLOT_COUNT; i++)
		r = read_flag(env, ok_name[i], &ok[i], err);
	if (r == 0)
		r = read_flag(env, "upgrade_available", &on_trial, err);
	if (r < 0)
		return r;
	for (int i = 0; i < JOTA_SLOT_COUNT; i++) {
		bool trial = on_trial && (enum jota_slot)i == ret->next;

		ret->slot[i] = !ok[i] ? JOTA_EMPTY : trial ? JOTA_TRIAL : JOTA_GOOD;
	}
	return 0;
}

static bool is_factory(const struct jota_env *env)
{
	static const char *const choice[] = { "boot_slot", "slotA_ok", "slotB_ok",
					      "upgrade_available", "update_target" };

	for (size_t i = 0; i < sizeof(choice) / sizeof(choice[0]); i++)
		if (jota_env_get(env, choice[i]))
			return false;
	return true;
}

int jota_uboot_state_read(const struct jota_env *env, struct jota_boot_state *ret,
			  struct jota_err *err)
{
	struct jota_boot_state state = { .factory = is_factory(env) };
	int r;

	r = state.factory ? 0 : read_choice(env, &state, err);
	if (r == 0)
		r = read_record(env, &state.record, err);
	if (r == 0)
		r = read_count(env, "bootcount", &state.boots_counted, err);
	if (r == 0)
		r = read_count(env, "bootlimit", &state.boot_limit, err);
	if (r < 0)
		return r;
	/* A count that is left over from a trial long decided counts nothing. */
	if (state.factory || state.slot[state.next] != JOTA_TRIAL)
		state.boots_counted = 0;
	*ret = state;
	return 0;
}
