/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The tree's U-Boot environment, written by an encoder that shares nothing with the library it tests. */
#pragma once

#include <stddef.h>

struct tree;

#define TREE_ENV_OFFSET_BYTES 0x700000u
#define TREE_ENV_REDUNDANT_OFFSET_BYTES 0x720000u
#define TREE_ENV_SIZE_BYTES 0x20000u

/** Both copies valid, the first in use: bootcmd, altbootcmd and bootlimit, no state variable. */
void tree_env_factory(struct tree *t);

/** Say why on standard error, with errno, and abort the test. */
void tree_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/** Path below the tree's root, as the machine sees it. */
void tree_path(const struct tree *t, const char *path, char *buf, size_t buf_bytes);
