/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Variables that SWUpdate set but that are not worth a store of their own: they wait for the
 * next store of the
 * session (two stores per update instead of seven) and are served from here meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "slot/backend.h"

struct jota_err;

#define JOTA_PENDING_MAX 64
#define JOTA_PENDING_NAME_BYTES 128
#define JOTA_PENDING_VALUE_BYTES 1024

struct jota_pending {
	size_t count;
	struct jota_change change[JOTA_PENDING_MAX]; /* heap strings; value NULL: to be deleted */
	char ustate; /* SWUpdate's state as it last set it in this session, 0: not set */
};

/**
 * Remember name=value (NULL deletes); replaces an earlier one. -ENOSPC, -EINVAL (bounds),
 * -ENOMEM.
 */
int jota_pending_set(struct jota_pending *p, const char *name, const char *value,
		     struct jota_err *err);
/**
 * True when the name is pending; *ret_value then is its value or NULL for a deletion (belongs to
 * p).
 */
bool jota_pending_get(const struct jota_pending *p, const char *name, const char **ret_value);
/** Forget all. */
void jota_pending_clear(struct jota_pending *p);
