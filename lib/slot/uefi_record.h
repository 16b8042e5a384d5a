/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Our record beside the firmware's variables, as bytes. Pure. docs/uefi.md says what it is for.
 *
 * offset  size  field
 *      0     4  CRC-32, little endian, over everything from offset 5 to the end
 *      4     1  version: 1
 *      5     -  "name=value\0" ..., then one more \0
 *
 * i  the state; t  the state that a change under way leads to: one letter each for next slot (A, B, or F: factory), conditions of A and B (e, t, g),
 *    ustate, slot of the last update (A, B), "-" for none; boots counted and their limit, 2 hexadecimal digits each; boot_id without dashes, if any
 * c  CRC-32 of the boot_id that was counted last, hexadecimal; ir, tr reasons; v.* variables of packages, w.* the same as t will have them
 *
 * Short, because many flash drivers of edk2 program up to 128 bytes in place, and erase the whole block of variables for a longer write: a power cut
 * then loses all of them. Without a reason and variables of packages, the record with its name stays below that.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slot/env_codec.h"
#include "slot/slot.h"

struct jota_err;

/* edk2 limits a variable to 1024 bytes with header (60) and name (2 per letter), unless a platform says otherwise. */
#define JOTA_UEFI_RECORD_BYTES 896u
/* What edk2's drivers program in place, without the name of the variable and its zero. */
#define JOTA_UEFI_RECORD_SAFE_BYTES (128u - 2u * (unsigned)sizeof("JotaSlots"))

/** A state and what packages stored with it. */
struct jota_uefi_side {
	struct jota_boot_state state;
	struct jota_env vars;
};

struct jota_uefi_record {
	struct jota_uefi_side is;
	bool has_to;
	struct jota_uefi_side to; /* valid if has_to */
	bool has_counted;
	uint32_t counted; /* CRC-32 of the boot_id that was counted last, valid if has_counted */
};

/**
 * Decode. -EBADMSG with a sentence for what is no record of this version, or says what does not belong there; -ENOMEM.
 * jota_uefi_record_done() frees.
 */
int jota_uefi_record_decode(const uint8_t *bytes, size_t len_bytes, struct jota_uefi_record *ret,
			    struct jota_err *err);

/**
 * Bytes that were filled, or -ENOSPC: it does not fit, the message says what to leave out; -EINVAL: a boot_id that is none.
 */
int jota_uefi_record_encode(const struct jota_uefi_record *record,
			    uint8_t ret_bytes[JOTA_UEFI_RECORD_BYTES], struct jota_err *err);

void jota_uefi_record_done(struct jota_uefi_record *record);
