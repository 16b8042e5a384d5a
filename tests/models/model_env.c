// SPDX-License-Identifier: LGPL-2.1-or-later
// SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#include "model_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *env_find(const struct model_env *env, const char *name)
{
	for (size_t i = 0; i < env->count; i++)
		if (strcmp(env->vars[i].name, name) == 0)
			return env->vars[i].value;
	return NULL;
}

static void env_delete(struct model_env *env, const char *name)
{
	for (size_t i = 0; i < env->count; i++) {
		if (strcmp(env->vars[i].name, name) != 0)
			continue;
		free(env->vars[i].name);
		free(env->vars[i].value);
		env->vars[i] = env->vars[--env->count];
		return;
	}
}

/* value NULL deletes. */
int env_put(struct model_env *env, const char *name, const char *value)
{
	env_delete(env, name);
	if (value == NULL)
		return 0;
	if (env->count == MODEL_VARS_MAX)
		return -ENOSPC;
	char *name_copy = strdup(name);
	char *value_copy = strdup(value);
	if (name_copy == NULL || value_copy == NULL) {
		free(name_copy);
		free(value_copy);
		return -ENOMEM;
	}
	env->vars[env->count++] = (struct model_var){ name_copy, value_copy };
	return 0;
}

void env_free(struct model_env *env)
{
	for (size_t i = 0; i < env->count; i++) {
		free(env->vars[i].name);
		free(env->vars[i].value);
	}
	env->count = 0;
}

/* U-Boot's simple_strtoul(.., 10): digits until something else, no sign, no error. */
unsigned long env_number(const struct model_env *env, const char *name)
{
	const char *text = env_find(env, name);
	unsigned long value = 0;

	for (; text != NULL && isdigit((unsigned char)*text); text++)
		value = value * 10 + (unsigned long)(*text - '0');
	return value;
}

static int compare_vars(const void *a, const void *b)
{
	return strcmp(((const struct model_var *)a)->name, ((const struct model_var *)b)->name);
}

/* U-Boot exports sorted by name. */
void env_sort(struct model_env *env)
{
	qsort(env->vars, env->count, sizeof(env->vars[0]), compare_vars);
}

static int import_line(struct model_env *env, char *line)
{
	char *equals = strchr(line, '=');

	if (equals == NULL)
		return env_put(env, line, NULL);
	*equals = '\0';
	return env_put(env, line, equals[1] == '\0' ? NULL : equals + 1);
}

int env_load_default(const struct model_machine *m, struct model_env *env)
{
	FILE *in = fopen(m->default_env_path, "re");
	char *line = NULL;
	size_t size_bytes = 0;
	int ret = 0;

	env_free(env);
	env->flags = 0;
	env->current_copy = 0;
	env->stored = false;
	if (in == NULL)
		return -errno;
	while (ret == 0 && getline(&line, &size_bytes, in) != -1) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0')
			ret = strchr(line, '=') == NULL ? -EINVAL : import_line(env, line);
	}
	if (ferror(in))
		ret = -EIO;
	free(line);
	(void)fclose(in);
	return ret;
}

int model_env_get(const struct model_machine *m, const char *name, char *ret_value,
		  size_t value_size_bytes)
{
	struct model_env env = { .count = 0 };
	int ret = env_load(m, &env);
	const char *value = ret < 0 ? NULL : env_find(&env, name);

	if (ret == 0 && value == NULL)
		ret = -ENOENT;
	if (ret == 0 && strlen(value) >= value_size_bytes)
		ret = -ENOSPC;
	if (ret == 0)
		memcpy(ret_value, value, strlen(value) + 1);
	env_free(&env);
	return ret;
}

int model_env_set(const struct model_machine *m, const char *const *assignments, size_t count)
{
	struct model_env env = { .count = 0 };
	int ret = env_load(m, &env);

	for (size_t i = 0; ret == 0 && i < count; i++) {
		char *line = strdup(assignments[i]);

		if (line == NULL)
			ret = -ENOMEM;
		else if (strchr(line, '=') == NULL || line[0] == '=')
			ret = -EINVAL;
		else
			ret = import_line(&env, line);
		free(line);
	}
	if (ret == 0)
		ret = env_save(m, &env);
	env_free(&env);
	return ret;
}

int model_env_init(const struct model_machine *m, const char *joined_path)
{
	struct model_machine factory = *m;
	struct model_env env = { .count = 0 };

	int len = snprintf(factory.default_env_path, sizeof(factory.default_env_path), "%s",
			   joined_path);
	if (len < 0 || (size_t)len >= sizeof(factory.default_env_path))
		return -ENAMETOOLONG;
	int ret = env_load_default(&factory, &env);
	if (ret == 0)
		ret = env_write_copy(m, &env, 1, 0);
	if (ret == 0)
		ret = env_write_copy(m, &env, 0, 1);
	env_free(&env);
	return ret;
}

int model_env_print(const struct model_machine *m, FILE *out)
{
	struct model_env env = { .count = 0 };
	int ret = env_load(m, &env);

	if (ret == -ENODATA)
		ret = env_load_default(m, &env);
	if (ret == 0) {
		env_sort(&env);
		for (size_t i = 0; i < env.count; i++)
			(void)fprintf(out, "%s=%s\n", env.vars[i].name, env.vars[i].value);
		ret = env.stored ? env.current_copy : 2;
	}
	env_free(&env);
	return ret;
}
