/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "pending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static struct jota_change *find_change(struct jota_pending *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++)
		if (!strcmp(p->change[i].name, name))
			return &p->change[i];
	return NULL;
}

int jota_pending_set(struct jota_pending *p, const char *name, const char *value,
		     struct jota_err *err)
{
	struct jota_change *c = find_change(p, name);
	char *new_name = NULL, *new_value = NULL;

	if (!*name || strlen(name) >= JOTA_PENDING_NAME_BYTES ||
	    (value && strlen(value) >= JOTA_PENDING_VALUE_BYTES))
		return jota_fail(
			err, EINVAL,
			"environment variable '%.64s': name of 1..%d and value of at most %d bytes are taken",
			name, JOTA_PENDING_NAME_BYTES - 1, JOTA_PENDING_VALUE_BYTES - 1);
	if (!c && p->count == JOTA_PENDING_MAX)
		return jota_fail(err, ENOSPC, "environment variable '%s': an update sets at most %d",
				 name, JOTA_PENDING_MAX);
	if (value && !(new_value = strdup(value)))
		return jota_fail(err, ENOMEM, "remember variable '%s'", name);
	if (!c) {
		new_name = strdup(name);
		if (!new_name) {
			free(new_value);
			return jota_fail(err, ENOMEM, "remember variable '%s'", name);
		}
		c = &p->change[p->count++];
		c->name = new_name;
	} else {
		free((char *)c->value);
	}
	c->value = new_value;
	return 0;
}

bool jota_pending_get(const struct jota_pending *p, const char *name, const char **ret_value)
{
	for (size_t i = 0; i < p->count; i++) {
		if (!strcmp(p->change[i].name, name)) {
			*ret_value = p->change[i].value;
			return true;
		}
	}
	return false;
}

void jota_pending_clear(struct jota_pending *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free((char *)p->change[i].name);
		free((char *)p->change[i].value);
	}
	memset(p, 0, sizeof(*p));
}
