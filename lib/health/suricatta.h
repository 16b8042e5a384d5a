/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The update server that swupdate is configured for: sections "suricatta" and "hawkbit" of its configuration. */
#pragma once

#include <stddef.h>

struct jota_err;
struct jota_io;

#define JOTA_SWUPDATE_CFG "/etc/swupdate.cfg"

/** Names and meaning are swupdate's; heap, NULL: not given. Absolute paths are below the root prefix already. */
struct jota_suricatta {
	char *url, *tenant, *id, *targettoken, *gatewaytoken, *cafile, *sslcert, *sslkey, *proxy;
};

/**
 * Read into an empty one; jota_suricatta_done() frees, after an error too. -EINVAL: no such syntax, or files that it
 * includes and that are not read here; -ENOMEM; the errors of jota_io_read_file(). The text is never quoted, there are secrets
 * in it.
 */
int jota_suricatta_read(const struct jota_io *io, const char *file, struct jota_suricatta *ret,
			struct jota_err *err);

/** Replace one setting; name: its first name_len characters. "" is no value and changes nothing. -ENOENT: no such setting; -ENOMEM. */
int jota_suricatta_set(const struct jota_io *io, struct jota_suricatta *server, const char *name,
		       size_t name_len, const char *value, struct jota_err *err);
void jota_suricatta_done(struct jota_suricatta *server);
