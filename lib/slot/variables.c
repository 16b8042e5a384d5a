/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/variables.h"

#include "base/err.h"

#include <errno.h>
#include <string.h>

#define NAME_CHARS_MAX 128u
#define VALUE_CHARS_MAX 16384u

bool jota_variables_owned(const char *name)
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
				 "'%.40s' cannot be the name of a boot variable: expected 1 to %u "
				 "printable characters without blanks and '=', not starting with a "
				 "dot.",
				 change->name ? change->name : "", NAME_CHARS_MAX);
	if (jota_variables_owned(change->name))
		return jota_fail(err, EPERM,
				 "variable '%s' belongs to the boot choice, nothing else may set "
				 "it: take it out of the update.",
				 change->name);
	if (change->value &&
	    (strlen(change->value) > VALUE_CHARS_MAX || !is_printable(change->value, ' ')))
		return jota_fail(err, EINVAL,
				 "the value of boot variable '%s' must be printable text of at most "
				 "%u characters.",
				 change->name, VALUE_CHARS_MAX);
	return 0;
}

int jota_variables_change(struct jota_env *env, const struct jota_change *change, size_t count,
			  struct jota_err *err)
{
	for (size_t i = 0; i < count; i++) {
		int r = check_change(&change[i], err);

		if (r < 0)
			return r;
		if (jota_env_put(env, change[i].name, change[i].value) < 0)
			return jota_fail(err, ENOMEM, "set boot variable '%s'", change[i].name);
	}
	return 0;
}

const char *jota_variables_difference(const struct jota_env *a, const struct jota_env *b)
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
