/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/env_codec.h"

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/err.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Enough of a hostile entry to recognise it in a message. */
#define SHOWN_CHARS 40

bool jota_env_copy_valid(const uint8_t *copy, size_t len_bytes)
{
	if (len_bytes < JOTA_ENV_HEADER_BYTES + 2)
		return false;
	return get_le32(copy) ==
	       jota_crc32(copy + JOTA_ENV_HEADER_BYTES, len_bytes - JOTA_ENV_HEADER_BYTES);
}

int jota_env_choose(bool valid0, uint8_t flags0, bool valid1, uint8_t flags1)
{
	if (!valid0 && !valid1)
		return -ENODATA;
	if (!valid0 || !valid1)
		return valid0 ? 0 : 1;
	/* The serial wraps: only a step from 255 to 0 is taken as one, as U-Boot does. */
	if (flags0 == 255 && flags1 == 0)
		return 1;
	if (flags1 == 255 && flags0 == 0)
		return 0;
	return flags1 > flags0 ? 1 : 0;
}

/* Number of the entries; each has a name and a '=', and a terminator follows the last. */
static int scan_entries(const char *data, size_t len_bytes, size_t *ret_count, struct jota_err *err)
{
	size_t at = 0, count = 0;

	while (at < len_bytes && data[at] != '\0') {
		const char *end = memchr(data + at, '\0', len_bytes - at);

		if (!end)
			break;
		if (data[at] == '=')
			return jota_fail(err, EBADMSG,
					 "environment entry '%.*s' at offset %zu has no name.",
					 SHOWN_CHARS, data + at, at + JOTA_ENV_HEADER_BYTES);
		if (!strchr(data + at, '='))
			return jota_fail(err, EBADMSG,
					 "environment entry '%.*s' at offset %zu has no '='.",
					 SHOWN_CHARS, data + at, at + JOTA_ENV_HEADER_BYTES);
		at = (size_t)(end - data) + 1;
		count++;
	}
	if (at >= len_bytes || data[at] != '\0')
		return jota_fail(
			err, EBADMSG,
			"the environment has no terminator: entries run to the end of its %zu "
			"bytes.",
			len_bytes + JOTA_ENV_HEADER_BYTES);
	*ret_count = count;
	return 0;
}

/* Name and value share one block, which the name owns. */
static int copy_entry(const char *entry, struct jota_env_var *var)
{
	var->name = strdup(entry);
	if (!var->name)
		return -ENOMEM;
	var->value = strchr(var->name, '=');
	*var->value++ = '\0';
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct jota_env_var *const *x = a;
	const struct jota_env_var *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* Sorted first: comparing each with each takes seconds on a copy made to hurt. */
static int refuse_duplicates(const struct jota_env *env, struct jota_err *err)
{
	CLEANUP_FREE const struct jota_env_var **sorted = NULL;

	if (env->count < 2)
		return 0;
	sorted = calloc(env->count, sizeof(*sorted));
	if (!sorted)
		return jota_fail(err, ENOMEM, "check the environment's names");
	for (size_t i = 0; i < env->count; i++)
		sorted[i] = &env->var[i];
	qsort(sorted, env->count, sizeof(*sorted), compare_names);
	for (size_t i = 1; i < env->count; i++)
		if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
			return jota_fail(err, EBADMSG, "environment variable '%.*s' stands twice.",
					 SHOWN_CHARS, sorted[i]->name);
	return 0;
}

static int copy_entries(const char *data, size_t count, struct jota_env *env, struct jota_err *err)
{
	if (count == 0)
		return 0;
	env->var = calloc(count, sizeof(*env->var));
	if (!env->var)
		return jota_fail(err, ENOMEM, "decode an environment of %zu variables", count);
	for (; env->count < count; env->count++) {
		if (copy_entry(data, &env->var[env->count]) < 0)
			return jota_fail(err, ENOMEM, "decode an environment of %zu variables",
					 count);
		data += strlen(data) + 1;
	}
	return 0;
}

int jota_env_decode(const uint8_t *copy, size_t len_bytes, struct jota_env *ret_env,
		    struct jota_err *err)
{
	struct jota_env env = { 0 };
	const char *data;
	size_t count = 0;
	int r;

	if (len_bytes < JOTA_ENV_HEADER_BYTES + 2)
		return jota_fail(err, EBADMSG, "an environment of %zu bytes is too short.",
				 len_bytes);
	data = (const char *)copy + JOTA_ENV_HEADER_BYTES;
	r = scan_entries(data, len_bytes - JOTA_ENV_HEADER_BYTES, &count, err);
	if (r == 0)
		r = copy_entries(data, count, &env, err);
	if (r == 0)
		r = refuse_duplicates(&env, err);
	if (r < 0) {
		jota_env_done(&env);
		return r;
	}
	*ret_env = env;
	return 0;
}

const char *jota_env_get(const struct jota_env *env, const char *name)
{
	for (size_t i = 0; i < env->count; i++)
		if (strcmp(env->var[i].name, name) == 0)
			return env->var[i].value;
	return NULL;
}

void jota_env_done(struct jota_env *env)
{
	for (size_t i = 0; i < env->count; i++)
		free(env->var[i].name);
	free(env->var);
	*env = (struct jota_env){ 0 };
}
