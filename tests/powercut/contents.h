/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Contents of files, each kept once under a number: equal numbers are equal bytes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** Number of these bytes; they are copied when they are new. */
uint32_t contents_intern(const uint8_t *data, size_t size_bytes);
const uint8_t *contents_data(uint32_t number);
size_t contents_size_bytes(uint32_t number);

/** Numbers of keys, from 0 in the order in which they came. */
struct keyset {
	struct keyset_slot *slot; /* open addressing */
	uint32_t count, room;
};

/** Number of the key; it was new when that is the count before the call. */
uint32_t keyset_number(struct keyset *set, const void *data, size_t len_bytes);
void keyset_done(struct keyset *set);
