/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Changing decoded variables; the other half of env_codec.h. */
#include "slot/env_codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct jota_env_var *find_var(const struct jota_env *env, const char *name)
{
	for (size_t i = 0; i < env->count; i++)
		if (strcmp(env->var[i].name, name) == 0)
			return &env->var[i];
	return NULL;
}

static void delete_var(struct jota_env *env, const char *name)
{
	struct jota_env_var *var = find_var(env, name);

	if (!var)
		return;
	free(var->name);
	/* One was found, so there are some. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	*var = env->var[--env->count];
}

/* As in jota_env_decode(), name and value share one block, which the name owns. */
static int make_var(const char *name, const char *value, struct jota_env_var *ret)
{
	size_t name_bytes = strlen(name) + 1, value_bytes = strlen(value) + 1;

	ret->name = malloc(name_bytes + value_bytes);
	if (!ret->name)
		return -ENOMEM;
	ret->value = ret->name + name_bytes;
	memcpy(ret->name, name, name_bytes);
	memcpy(ret->value, value, value_bytes);
	return 0;
}

int jota_env_put(struct jota_env *env, const char *name, const char *value)
{
	struct jota_env_var made, *bigger;

	if (!value || value[0] == '\0') {
		delete_var(env, name);
		return 0;
	}
	bigger = reallocarray(env->var, env->count + 1, sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	env->var = bigger;
	if (make_var(name, value, &made) < 0)
		return -ENOMEM;
	delete_var(env, name);
	env->var[env->count++] = made;
	return 0;
}

int jota_env_copy(const struct jota_env *from, struct jota_env *to)
{
	if (from->count == 0)
		return 0;
	to->var = calloc(from->count, sizeof(*to->var));
	if (!to->var)
		return -ENOMEM;
	for (; to->count < from->count; to->count++)
		if (make_var(from->var[to->count].name, from->var[to->count].value,
			     &to->var[to->count]) < 0)
			return -ENOMEM;
	return 0;
}
