/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What the firmware's variables and our record mean together. Pure; docs/uefi.md has the rules. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slot/backend.h"
#include "slot/slot.h"
#include "slot/uefi_record.h"

struct jota_err;

/** NVIDIA's variables, as far as they choose a slot. */
struct jota_uefi_firmware {
	enum jota_slot current;
	bool has_next;	 /* BootChainFwNext exists */
	bool next_known; /* and names a slot: `next` is valid */
	enum jota_slot next;
	bool has_status; /* BootChainFwStatus exists: the firmware drops the request */
	uint32_t status;
	bool bad[JOTA_SLOT_COUNT]; /* RootfsStatusSlot is 0xFF */
};

/** The slot that the firmware boots next, as long as nothing fails. */
enum jota_slot jota_uefi_next(const struct jota_uefi_firmware *fw);

/**
 * The state that holds. record NULL: factory. *ret_vars: what packages stored, belongs to the record; may be NULL.
 */
struct jota_boot_state jota_uefi_resolve(const struct jota_uefi_record *record,
					 const struct jota_uefi_firmware *fw,
					 const struct jota_env **ret_vars);
