/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Versions as people write them. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/**
 * Compare: numbers between dots, missing ones are 0; a leading v or R is passed over; behind the numbers '-' or '~' begins a
 * pre-release, which comes before the release, '+' begins a build, which does not count. *ret_order <0, 0, >0.
 * -EINVAL: one of them does not begin with a number, or a number does not fit 32 bits.
 */
int jota_version_compare(const char *a, const char *b, int *ret_order);

/**
 * The 32-bit version of a firmware as NVIDIA packs it: "36.4.3" is 0x240403; decimal and 0x numbers are taken as they are.
 * Source: L4T Developer Guide, "Generating the Capsule Update Payload"; ESRT of Orin (0x00240403 for 36.4.3).
 * -EINVAL.
 */
int jota_firmware_version_parse(const char *text, uint32_t *ret);
