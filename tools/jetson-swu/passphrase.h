/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Where a passphrase or PIN comes from: a file, the environment, or somebody at a terminal. */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

struct jota_err;

struct passphrase_source {
	const char *file;     /* its first line; NULL: none */
	const char *variable; /* name of an environment variable; NULL: none */
	const atomic_bool *cancel;
};

/**
 * The passphrase for `what` into buf, NUL-terminated. -EACCES: there is no source and no terminal;
 * -EINVAL: the source has none, or one that is too long; -ECANCELED.
 */
int passphrase_get(const struct passphrase_source *source, const char *what, char *buf,
		   size_t buf_bytes, struct jota_err *err);
