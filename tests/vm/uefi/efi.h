/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* As much of the UEFI specification (2.9) as the stand-in uses. Functions that it does not call are just places in a table. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef uint16_t efi_char;
#define EFI_ERROR_BIT (UINT64_C(1) << 63)
#define EFI_SUCCESS UINT64_C(0)
#define EFI_BUFFER_TOO_SMALL (EFI_ERROR_BIT | 5u)
#define EFI_NOT_FOUND (EFI_ERROR_BIT | 14u)
#define EFI_LOADER_DATA 2u
#define EFI_BY_PROTOCOL 2u
#define EFI_RESET_COLD 0u

struct efi_guid {
	uint32_t a;
	uint16_t b, c;
	uint8_t d[8];
};

struct efi_text_output {
	void *reset;
	uint64_t (*output_string)(struct efi_text_output *self, const efi_char *text);
};

struct efi_runtime_services {
	uint8_t header[24];
	void *unused[6]; /* GetTime ... ConvertPointer */
	uint64_t (*get_variable)(const efi_char *name, const struct efi_guid *guid,
				 uint32_t *attributes, size_t *bytes, void *data);
	void *get_next_variable_name;
	uint64_t (*set_variable)(const efi_char *name, const struct efi_guid *guid,
				 uint32_t attributes, size_t bytes, const void *data);
	void *get_next_high_monotonic_count;
	void (*reset_system)(uint32_t type, uint64_t status, size_t bytes, const void *data);
};

struct efi_device_path {
	uint8_t type, subtype, length[2];
};

struct efi_boot_services {
	uint8_t header[24];
	void *unused_a[2]; /* RaiseTPL, RestoreTPL */
	uint64_t (*allocate_pages)(uint32_t type, uint32_t memory, size_t pages, uint64_t *address);
	void *unused_b[19]; /* FreePages ... InstallConfigurationTable */
	uint64_t (*load_image)(uint8_t policy, void *parent, const struct efi_device_path *path,
			       const void *source, size_t bytes, void **image);
	uint64_t (*start_image)(void *image, size_t *exit_bytes, efi_char **exit_data);
	void *unused_c[4]; /* Exit ... GetNextMonotonicCount */
	uint64_t (*stall)(size_t microseconds);
	uint64_t (*set_watchdog_timer)(size_t seconds, uint64_t code, size_t bytes,
				       const efi_char *data);
	void *unused_d[2]; /* ConnectController, DisconnectController */
	uint64_t (*open_protocol)(void *handle, const struct efi_guid *protocol, void **interface,
				  void *agent, void *controller, uint32_t attributes);
	void *unused_e[3]; /* CloseProtocol ... ProtocolsPerHandle */
	uint64_t (*locate_handle_buffer)(uint32_t by, const struct efi_guid *protocol, void *key,
					 size_t *count, void ***handles);
	void *locate_protocol;
	uint64_t (*install_multiple_protocol_interfaces)(void **handle, ...);
};
_Static_assert(offsetof(struct efi_boot_services, allocate_pages) == 40, "UEFI 4.4");
_Static_assert(offsetof(struct efi_boot_services, load_image) == 200, "UEFI 4.4");
_Static_assert(offsetof(struct efi_boot_services, stall) == 248, "UEFI 4.4");
_Static_assert(offsetof(struct efi_boot_services, open_protocol) == 280, "UEFI 4.4");
_Static_assert(offsetof(struct efi_boot_services, locate_handle_buffer) == 312, "UEFI 4.4");

struct efi_system_table {
	uint8_t header[24];
	efi_char *vendor;
	uint32_t revision;
	void *console_in_handle, *console_in, *console_out_handle;
	struct efi_text_output *console_out;
	void *error_handle, *error;
	struct efi_runtime_services *runtime;
	struct efi_boot_services *boot;
};
_Static_assert(offsetof(struct efi_system_table, boot) == 96, "UEFI 4.3");

struct efi_block_media {
	uint32_t id;
	uint8_t removable, present, partition, read_only, write_caching;
	uint32_t block_bytes, io_align;
	uint64_t last_block;
};

struct efi_block_io {
	uint64_t revision;
	struct efi_block_media *media;
	void *reset;
	uint64_t (*read_blocks)(struct efi_block_io *self, uint32_t media_id, uint64_t lba,
				size_t bytes, void *buffer);
};

struct efi_loaded_image {
	uint32_t revision;
	void *parent, *system_table, *device, *path, *reserved;
	uint32_t options_bytes;
	void *options;
};

struct efi_load_file {
	uint64_t (*load_file)(struct efi_load_file *self, struct efi_device_path *path,
			      uint8_t policy, size_t *bytes, void *buffer);
};
