/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Variables that are stored together with the boot state, whatever stores them: whose they are, what they may be. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "slot/backend.h"
#include "slot/env_codec.h"

struct jota_err;

/** True for the names that express the boot state, and for those that the boot script lives by. */
bool jota_variables_owned(const char *name);

/**
 * Put the changes of a package into `env`. -EINVAL: a name or value that no storage takes; -EPERM: a variable that is
 * owned; -ENOMEM. After an error those before it are in.
 */
int jota_variables_change(struct jota_env *env, const struct jota_change *change, size_t count,
			  struct jota_err *err);

/** Name of one variable in which two sets differ (order does not count), NULL when none. */
const char *jota_variables_difference(const struct jota_env *a, const struct jota_env *b);
