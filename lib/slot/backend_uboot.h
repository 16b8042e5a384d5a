/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The uboot backend's own struct, for its two files; everybody else uses backend.h. */
#pragma once

#include <limits.h>

#include "base/io.h"
#include "slot/backend.h"

struct jota_uboot {
	struct jota_backend base;
	struct jota_io io;
	char env_config[PATH_MAX];
};

/** jota_backend_check() of this backend. */
void jota_uboot_check(struct jota_backend *b, const struct jota_blockdevs *devs,
		      struct jota_problems *problems);
