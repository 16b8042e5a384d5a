/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The redundant U-Boot environment as bytes. Pure. Used to look at both copies without
 * libubootenv (which stops when one cannot be
 * read and hides the result of fsync).
 *
 * offset  size  field
 *           0     4  CRC-32, little endian, over everything from offset 5 to the end (NOT over the
 *      flags byte)
 *      4     1  flags: serial number of the copy, wraps 255 -> 0
 *      5     -  "name=value\0" ..., then one more \0; the rest is padding (covered by the CRC)
 * Source: U-Boot include/env_internal.h, env/common.c env_import_redund().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jota_err;

#define JOTA_ENV_HEADER_BYTES 5
#define JOTA_ENV_COPIES 2

struct jota_env_var {
	char *name;
	char *value;
};

/** Decoded variables, in the order stored. Zero-initialise; jota_env_done() frees. */
struct jota_env {
	struct jota_env_var *var;
	size_t count;
};

/** True when the copy's CRC matches. len_bytes: the whole copy, at least header + 2. */
bool jota_env_copy_valid(const uint8_t *copy, size_t len_bytes);

/**
 * Which copy firmware uses: 0 or 1, -ENODATA when neither is valid. flags decide: 255 against 0
 * means 0 is newer, else the higher, equal: 0.
 */
int jota_env_choose(bool valid0, uint8_t flags0, bool valid1, uint8_t flags1);

/**
 * Decode a valid copy. -EBADMSG: an entry without '=', with an empty name, a name given twice,
 * or no terminator; -ENOMEM.
 */
int jota_env_decode(const uint8_t *copy, size_t len_bytes, struct jota_env *ret_env,
		    struct jota_err *err);

/** Value of a variable, NULL when absent; belongs to env. */
const char *jota_env_get(const struct jota_env *env, const char *name);
void jota_env_done(struct jota_env *env);

/** Set a variable; NULL or "" deletes: U-Boot knows no variable without a value. -ENOMEM. */
int jota_env_put(struct jota_env *env, const char *name, const char *value);
/** Copy into an empty one. -ENOMEM; what was copied until then is the caller's to free. */
int jota_env_copy(const struct jota_env *from, struct jota_env *to);
