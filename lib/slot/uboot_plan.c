/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Which variables a store sets and deletes. Pure; the other half of uboot_state.h. */
#include "slot/uboot_state.h"

#include "base/err.h"
#include "slot/variables.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int put_number(struct jota_env *env, const char *name, uint32_t number)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%" PRIu32, number);
	return jota_env_put(env, name, text);
}

static bool has_trial(const struct jota_boot_state *state)
{
	return !state->factory && state->slot[state->next] == JOTA_TRIAL;
}

static int plan_choice(const struct jota_boot_state *want, struct jota_env *env)
{
	bool ours = !want->factory;
	bool has_target = ours && want->record.has_target;
	int r;

	r = jota_env_put(env, "boot_slot", ours ? jota_slot_name(want->next) : NULL);
	if (r == 0)
		r = jota_env_put(env, "slotA_ok",
				 !ours				       ? NULL :
				 want->slot[JOTA_SLOT_A] == JOTA_EMPTY ? "0" :
									 "1");
	if (r == 0)
		r = jota_env_put(env, "slotB_ok",
				 !ours				       ? NULL :
				 want->slot[JOTA_SLOT_B] == JOTA_EMPTY ? "0" :
									 "1");
	if (r == 0)
		r = jota_env_put(env, "upgrade_available",
				 !ours		 ? NULL :
				 has_trial(want) ? "1" :
						   "0");
	if (r == 0)
		r = jota_env_put(env, "update_target",
				 has_target ? jota_slot_name(want->record.target) : NULL);
	return r;
}

/* U-Boot counts on from what it finds: a count left from an older trial would shorten the next one. */
static int plan_counts(const struct jota_boot_state *cur, const struct jota_boot_state *want,
		       struct jota_env *env)
{
	bool trial_changes = has_trial(cur) != has_trial(want) ||
			     (has_trial(want) && cur->next != want->next);
	int r = 0;

	if (trial_changes || cur->boots_counted != want->boots_counted)
		r = put_number(env, "bootcount", has_trial(want) ? want->boots_counted : 0);
	if (r == 0 && cur->boot_limit != want->boot_limit)
		r = want->boot_limit > 0 ? put_number(env, "bootlimit", want->boot_limit) :
					   jota_env_put(env, "bootlimit", NULL);
	return r;
}

static int plan_record(const struct jota_record *want, struct jota_env *env)
{
	const char ustate[2] = { (char)want->ustate, '\0' };
	int r = jota_env_put(env, "ustate", ustate);

	if (r == 0)
		r = jota_env_put(env, "jota_boot_id", want->boot_id);
	if (r == 0)
		r = jota_env_put(env, "jota_reason", want->reason);
	return r;
}

/* The one proof that the mapping lost nothing: what was planned reads as what was wanted. */
static int check_plan(const struct jota_env *meant, const struct jota_boot_state *want,
		      struct jota_err *err)
{
	struct jota_boot_state read;
	const char *what;
	int r = jota_uboot_state_read(meant, &read, err);

	if (r < 0)
		return r;
	what = jota_boot_state_difference(want, &read);
	if (what)
		return jota_fail(err, EINVAL,
				 "the U-Boot environment cannot express the state to store (%s).",
				 what);
	return 0;
}

int jota_uboot_plan(const struct jota_env *stored, const struct jota_boot_state *cur,
		    const struct jota_boot_state *want, const struct jota_change *change,
		    size_t change_count, struct jota_env *ret_meant, struct jota_err *err)
{
	struct jota_env meant = { 0 };
	int r = jota_env_copy(stored, &meant);

	if (r == 0 && jota_boot_state_difference(cur, want)) {
		r = plan_choice(want, &meant);
		if (r == 0)
			r = plan_counts(cur, want, &meant);
		if (r == 0)
			r = plan_record(&want->record, &meant);
	}
	if (r < 0)
		r = jota_fail(err, -r, "plan a store of the U-Boot environment");
	if (r == 0)
		r = jota_variables_change(&meant, change, change_count, err);
	if (r == 0)
		r = check_plan(&meant, want, err);
	if (r < 0) {
		jota_env_done(&meant);
		return r;
	}
	*ret_meant = meant;
	return 0;
}

size_t jota_uboot_env_bytes(const struct jota_env *env)
{
	size_t bytes = JOTA_ENV_HEADER_BYTES + 1;

	for (size_t i = 0; i < env->count; i++)
		bytes += strlen(env->var[i].name) + strlen(env->var[i].value) + 2;
	return bytes;
}
