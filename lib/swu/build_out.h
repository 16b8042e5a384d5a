/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The output while it grows: OUT.partial, removed unless it becomes OUT; inner to the build. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct jota_err;
struct jota_io;

struct jota_out {
	const struct jota_io *io;
	const char *path;
	char *partial;
	int fd; /* -1: there is none */
};

/** -EEXIST: path is there and force is not set, or its .partial is. */
int jota_out_open(const struct jota_io *io, const char *path, bool force, struct jota_out *ret,
		  struct jota_err *err);
/** Durable, and under its own name. -EEXIST: somebody else made path meanwhile. */
int jota_out_finish(struct jota_out *out, bool force, struct jota_err *err);
/** Removes what is not finished. */
void jota_out_done(struct jota_out *out);
