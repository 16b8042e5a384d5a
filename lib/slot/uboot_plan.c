/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Which variables a store sets and deletes. Pure; the other half of uboot_state.h. */
#include "slot/uboot_state.h"

#include "base/err.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME_CHARS_MAX 128u
#define VALUE_CHARS_MAX 16384u

bool jota_uboot_owns(const char *name)
{
	static const char *const ours[] = { "boot_slot", "upgrade_available", "bootcount",
					    "bootlimit", "update_target",     "ustate",
					    "bootcmd",	 "altbootcmd" };
	static const char *const prefix[] = { "jota_", "slotA_", "slotB_" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(name, ours[i]) == 0)
			return true;
	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++)
		if (strncmp(name, prefix[i], strlen(prefix[i])) == 0)
			return true;
	return false;
}

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

static bool is_printable(const char *text, char first)
{
	for (; *text != '\0'; text++)
		if (*text < first || *text > '~')
			return false;
	return true;
}

static int check_change(const struct jota_change *change, struct jota_err *err)
{
	size_t len = change->name ? strlen(change->name) : 0;

	if (len == 0 || len > NAME_CHARS_MAX || !is_printable(change->name, '!') ||
	    strchr(change->name, '=') || change->name[0] == '.')
		return jota_fail(err, EINVAL,
				 "'%.40s' cannot be the name of a U-Boot variable: expected 1 to %u "
				 "printable characters without blanks and '=', not starting with a "
				 "dot.",
				 change->name ? change->name : "", NAME_CHARS_MAX);
	if (jota_uboot_owns(change->name))
		return jota_fail(err, EPERM,
				 "U-Boot variable '%s' belongs to the boot choice, nothing else may "
				 "set it: take it out of the update.",
				 change->name);
	if (change->value &&
	    (strlen(change->value) > VALUE_CHARS_MAX || !is_printable(change->value, ' ')))
		return jota_fail(err, EINVAL,
				 "the value of U-Boot variable '%s' must be printable text of at "
				 "most %u characters.",
				 change->name, VALUE_CHARS_MAX);
	return 0;
}

static int plan_changes(const struct jota_change *change, size_t count, struct jota_env *env,
			struct jota_err *err)
{
	for (size_t i = 0; i < count; i++) {
		int r = check_change(&change[i], err);

		if (r < 0)
			return r;
		if (jota_env_put(env, change[i].name, change[i].value) < 0)
			return jota_fail(err, ENOMEM, "set U-Boot variable '%s'", change[i].name);
	}
	return 0;
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
	what = jota_uboot_state_difference(want, &read);
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

	if (r == 0 && jota_uboot_state_difference(cur, want)) {
		r = plan_choice(want, &meant);
		if (r == 0)
			r = plan_counts(cur, want, &meant);
		if (r == 0)
			r = plan_record(&want->record, &meant);
	}
	if (r < 0)
		r = jota_fail(err, -r, "plan a store of the U-Boot environment");
	if (r == 0)
		r = plan_changes(change, change_count, &meant, err);
	if (r == 0)
		r = check_plan(&meant, want, err);
	if (r < 0) {
		jota_env_done(&meant);
		return r;
	}
	*ret_meant = meant;
	return 0;
}

const char *jota_uboot_env_difference(const struct jota_env *a, const struct jota_env *b)
{
	for (size_t i = 0; i < a->count; i++) {
		const char *value = jota_env_get(b, a->var[i].name);

		if (!value || strcmp(value, a->var[i].value) != 0)
			return a->var[i].name;
	}
	for (size_t i = 0; i < b->count; i++)
		if (!jota_env_get(a, b->var[i].name))
			return b->var[i].name;
	return NULL;
}

size_t jota_uboot_env_bytes(const struct jota_env *env)
{
	size_t bytes = JOTA_ENV_HEADER_BYTES + 1;

	for (size_t i = 0; i < env->count; i++)
		bytes += strlen(env->var[i].name) + strlen(env->var[i].value) + 2;
	return bytes;
}
