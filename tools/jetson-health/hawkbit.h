/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What is said to the update server directly, beside what suricatta says. */
#pragma once

#include <stddef.h>

#include "health/suricatta.h"

struct attribute;
struct jota_err;
struct jota_io;

/**
 * From the file's sections "suricatta" and "hawkbit", then settings "name=value", which go before. Paths in it are below the root
 * prefix. 0, free with jota_suricatta_done(); -ENOENT: no file and no settings, or neither names a server; -EINVAL: what is there does
 * not suffice or cannot be read; -EACCES and others from reading.
 */
int hawkbit_read(const struct jota_io *io, const char *file, const char *const *settings,
		 size_t settings_count, struct jota_suricatta *ret, struct jota_err *err);

/**
 * Store the device's attributes on the server; others that it has stay. A device that it does not know announces itself first, as
 * swupdate does. No redirect is followed, TLS is verified. Blocks for timeout_ms at most. -EAGAIN: worth another try; -EIO: refused.
 */
int hawkbit_put_attributes(const struct jota_suricatta *server, const struct attribute *attributes,
			   size_t count, unsigned timeout_ms, struct jota_err *err);
