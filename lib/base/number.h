/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Integers out of untrusted text. */
#pragma once

#include <stdint.h>

struct jota_err;

/**
 * Parse the WHOLE string as an unsigned number: decimal, or hexadecimal with 0x. No sign, no
 * white space,
 * no suffix. what: how the message calls the value ("bootlimit").
 * -EINVAL not a number, -ERANGE outside min..max; the message quotes text and the range.
 */
int jota_parse_u64(const char *what, const char *text, uint64_t min, uint64_t max,
		   uint64_t *ret_value, struct jota_err *err);
