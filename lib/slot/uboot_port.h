/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The one place that calls libubootenv. */
#pragma once

#include "slot/env_codec.h"
#include "slot/fw_env.h"

struct jota_err;
struct jota_io;

/** -ENOTSUP, with a sentence, when libubootenv cannot store this environment faithfully. Writes nothing. */
int jota_uboot_port_check(const struct jota_io *io, const struct jota_fw_env *where,
			  const struct jota_env *stored, struct jota_err *err);

/**
 * Turn `stored` into `meant` by one store, which rewrites the copy that is not in use. Blocks while another user of libubootenv
 * holds /var/lock/fw_printenv.lock; where that file cannot be opened, libubootenv goes on without it.
 * -ESTALE: libubootenv does not find `stored`, nothing written; -EIO: its store failed (it does not say why), the copy in use is as
 * it was; -ENOTSUP as above. Success does not say that the bytes are on the device: libubootenv ignores the result of fsync.
 */
int jota_uboot_port_store(const struct jota_io *io, const struct jota_fw_env *where,
			  const struct jota_env *stored, const struct jota_env *meant,
			  struct jota_err *err);
