/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The UEFI variables of the uefi backend. Names, GUID and attributes of NVIDIA's: edk2-nvidia, NVIDIA.dec, BootChainDxe,
 * L4TLauncher, L4TConfiguration.dts.
 */
#pragma once

#include "slot/efivar.h"
#include "slot/uefi_state.h"

#define JOTA_NVIDIA_GUID "781e084c-a330-417c-b678-38e696380cb9"
#define JOTA_EFI_GLOBAL_GUID "8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define JOTA_RECORD_GUID "a7ddbf9b-3207-4644-bbf4-c336d94f12e6"
#define JOTA_EFI_STORED (JOTA_EFI_NV | JOTA_EFI_BS | JOTA_EFI_RT)
#define JOTA_EFI_VOLATILE (JOTA_EFI_BS | JOTA_EFI_RT)

extern const struct jota_efivar jota_uefi_current, jota_uefi_next_request, jota_uefi_status,
	jota_uefi_slot_status[JOTA_SLOT_COUNT], jota_uefi_record, jota_uefi_boot_next,
	jota_uefi_os_current, jota_uefi_boot_mode;

/** RootfsStatusSlot of a slot that the firmware must not boot. */
#define JOTA_UEFI_BAD 0xFFu

/**
 * Read what chooses a slot. -ENODATA: there is no such firmware here, or no efivarfs; -EBADMSG: a value that does not belong there;
 * other errors of jota_efivar_read().
 */
int jota_uefi_firmware_read(const struct jota_io *io, struct jota_uefi_firmware *ret,
			    struct jota_err *err);
