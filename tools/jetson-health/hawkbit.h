/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The update server that swupdate is configured for, and the one thing that is said to it directly. */
#pragma once

#include <stddef.h>

struct attribute;
struct jota_err;
struct jota_io;

#define SWUPDATE_CFG "/etc/swupdate.cfg"

/* Names and meaning are those of swupdate's section "suricatta"; heap, NULL: not given. */
struct hawkbit {
	char *url, *tenant, *id, *targettoken, *gatewaytoken, *cafile, *sslcert, *sslkey, *proxy;
};

/**
 * From the file's sections "suricatta" and "hawkbit", then settings "name=value", which go before. Paths in it are below the root
 * prefix. 0, free with hawkbit_done(); -ENOENT: no file and no settings, or neither names a server; -EINVAL: what is there does
 * not suffice or cannot be read; -EACCES and others from reading.
 */
int hawkbit_read(const struct jota_io *io, const char *file, const char *const *settings,
		 size_t settings_count, struct hawkbit *ret, struct jota_err *err);
void hawkbit_done(struct hawkbit *server);

/**
 * Store the device's attributes on the server; others that it has stay. A device that it does not know announces itself first, as
 * swupdate does. No redirect is followed, TLS is verified. Blocks for timeout_ms at most. -EAGAIN: worth another try; -EIO: refused.
 */
int hawkbit_put_attributes(const struct hawkbit *server, const struct attribute *attributes,
			   size_t count, unsigned timeout_ms, struct jota_err *err);
