/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* jetson-slot history: what became of the updates, and the evidence of the last failure. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

struct jota_err;
struct jota_io;

/** Print the events, oldest first; as JSON when asked. No history is no error. -errno. */
int history_show(const struct jota_io *io, bool json, FILE *out, struct jota_err *err);

/** Print the newest failure that jetson-health kept. -ENOENT: none. */
int failure_show(const struct jota_io *io, bool json, FILE *out, struct jota_err *err);
