/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/uefi_vars.h"

#include "base/err.h"
#include "base/io.h"

#include <errno.h>

const struct jota_efivar jota_uefi_current = { "BootChainFwCurrent", JOTA_NVIDIA_GUID,
					       JOTA_EFI_VOLATILE };
const struct jota_efivar jota_uefi_next_request = { "BootChainFwNext", JOTA_NVIDIA_GUID,
						    JOTA_EFI_STORED };
const struct jota_efivar jota_uefi_status = { "BootChainFwStatus", JOTA_NVIDIA_GUID,
					      JOTA_EFI_STORED };
const struct jota_efivar jota_uefi_slot_status[JOTA_SLOT_COUNT] = {
	[JOTA_SLOT_A] = { "RootfsStatusSlotA", JOTA_NVIDIA_GUID, JOTA_EFI_STORED },
	[JOTA_SLOT_B] = { "RootfsStatusSlotB", JOTA_NVIDIA_GUID, JOTA_EFI_STORED },
};
const struct jota_efivar jota_uefi_record = { "JotaSlots", JOTA_RECORD_GUID, JOTA_EFI_STORED };
const struct jota_efivar jota_uefi_boot_next = { "BootNext", JOTA_EFI_GLOBAL_GUID, JOTA_EFI_STORED };

const struct jota_efivar jota_uefi_os_current = { "BootChainOsCurrent", JOTA_NVIDIA_GUID,
						  JOTA_EFI_VOLATILE };
/* A policy variable of the firmware: locked on one release and volatile on another, so its attributes say nothing. */
const struct jota_efivar jota_uefi_boot_mode = { "L4TDefaultBootMode", JOTA_NVIDIA_GUID, 0 };

static int read_current(const struct jota_io *io, struct jota_uefi_firmware *fw,
			struct jota_err *err)
{
	uint32_t value = 0;
	int r = jota_efivar_read_u32(io, &jota_uefi_current, &value, err);

	if (r < 0)
		return r;
	if (r == 0)
		return jota_fail(
			err, ENODATA,
			"UEFI variable '%s' is absent: efivarfs is not mounted on " JOTA_EFIVARS
			", or this board does not boot by NVIDIA's UEFI; then set another "
			"layout or backend.",
			jota_uefi_current.name);
	if (value >= JOTA_SLOT_COUNT)
		return jota_fail(err, EBADMSG,
				 "UEFI variable '%s' is %u, expected 0 or 1: the firmware runs a "
				 "chain that this version does not know.",
				 jota_uefi_current.name, value);
	fw->current = (enum jota_slot)value;
	return 0;
}

static int read_slot_status(const struct jota_io *io, enum jota_slot slot, bool *ret_bad,
			    struct jota_err *err)
{
	const struct jota_efivar *var = &jota_uefi_slot_status[slot];
	uint32_t value = 0;
	int r = jota_efivar_read_u32(io, var, &value, err);

	if (r < 0)
		return r;
	if (r > 0 && value != 0 && value != JOTA_UEFI_BAD)
		return jota_fail(err, EBADMSG,
				 "UEFI variable '%s' is 0x%x, expected 0 or 0xff: set it in the "
				 "firmware's menu (L4T Configuration).",
				 var->name, value);
	*ret_bad = value == JOTA_UEFI_BAD;
	return 0;
}

int jota_uefi_firmware_read(const struct jota_io *io, struct jota_uefi_firmware *ret,
			    struct jota_err *err)
{
	struct jota_uefi_firmware fw = { 0 };
	uint32_t value = 0;
	int r = read_current(io, &fw, err);

	for (int i = 0; r == 0 && i < JOTA_SLOT_COUNT; i++)
		r = read_slot_status(io, (enum jota_slot)i, &fw.bad[i], err);
	if (r < 0)
		return r;
	r = jota_efivar_read_u32(io, &jota_uefi_next_request, &value, err);
	if (r < 0)
		return r;
	fw.has_next = r > 0;
	/* The firmware refuses another chain than these, so it is no request. */
	fw.next_known = fw.has_next && value < JOTA_SLOT_COUNT;
	fw.next = fw.next_known ? (enum jota_slot)value : fw.current;
	r = jota_efivar_read_u32(io, &jota_uefi_status, &fw.status, err);
	if (r < 0)
		return r;
	fw.has_status = r > 0;
	*ret = fw;
	return 0;
}
