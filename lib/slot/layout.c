/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/layout.h"

#include <stdio.h>
#include <string.h>

#define LAYOUT_COUNT (sizeof(layouts) / sizeof(layouts[0]))

/* A pair of partitions that firmware flips together with the slot. */
#define CHAIN_PAIR(a, b)                                                                           \
	{                                                                                          \
		.label = { a, b }, .required = true, .selected_by = JOTA_SELECTED_BY_CHAIN,        \
		.disk = JOTA_DISK_ROOT,                                                            \
	}
/* NVIDIA's boot chain lives in many partitions and is updated as a whole, never as a raw image. */
#define NO_PAIR                                                                                    \
	{                                                                                          \
		.label = { NULL, NULL }, .required = false, .selected_by = JOTA_SELECTED_BY_NONE,  \
		.disk = JOTA_DISK_ROOT,                                                            \
	}

static const struct jota_layout layouts[] = {
	{
		.name = "mission",
		.boards = "Jetson boards with U-Boot and a custom A/B partition table",
		.backends = { "uboot" },
		.role = {
			[JOTA_ROLE_KERNEL] = {
				.label = { "A_kernel", "B_kernel" },
				.required = true,
				.selected_by = JOTA_SELECTED_BY_ENV,
				.disk = JOTA_DISK_ROOT,
			},
			/* The first boot stage chain-loads it from the environment's disk. */
			[JOTA_ROLE_BOOTLOADER] = {
				.label = { "A_bootloader", "B_bootloader" },
				.required = true,
				.selected_by = JOTA_SELECTED_BY_ENV,
				.disk = JOTA_DISK_ENV,
			},
			[JOTA_ROLE_ROOTFS] = {
				.label = { "A_APP", "B_APP" },
				.required = true,
				.selected_by = JOTA_SELECTED_BY_ENV,
				.disk = JOTA_DISK_ROOT,
			},
		},
	},
	{
		.name = "t186",
		.boards = "Jetson TX2 (L4T R32)",
		.backends = { "smd", "uboot" },
		.role = {
			[JOTA_ROLE_KERNEL] = CHAIN_PAIR("kernel", "kernel_b"),
			[JOTA_ROLE_BOOTLOADER] = NO_PAIR,
			[JOTA_ROLE_ROOTFS] = CHAIN_PAIR("APP", "APP_b"),
		},
	},
	{
		.name = "t194",
		.boards = "Jetson AGX Xavier, Xavier NX (L4T R32)",
		.backends = { "smd", "uboot" },
		.role = {
			[JOTA_ROLE_KERNEL] = CHAIN_PAIR("kernel", "kernel_b"),
			[JOTA_ROLE_BOOTLOADER] = NO_PAIR,
			[JOTA_ROLE_ROOTFS] = CHAIN_PAIR("APP", "APP_b"),
		},
	},
	{
		.name = "t234",
		.boards = "Jetson AGX Orin, Orin NX, Orin Nano (L4T R35, R36, R39)",
		.backends = { "uefi" },
		.role = {
			[JOTA_ROLE_KERNEL] = CHAIN_PAIR("A_kernel", "B_kernel"),
			[JOTA_ROLE_BOOTLOADER] = NO_PAIR,
			[JOTA_ROLE_ROOTFS] = CHAIN_PAIR("APP", "APP_b"),
		},
	},
	{
		.name = "t264",
		.boards = "Jetson Thor (L4T R38, R39)",
		.backends = { "uefi" },
		.role = {
			[JOTA_ROLE_KERNEL] = CHAIN_PAIR("A_kernel", "B_kernel"),
			[JOTA_ROLE_BOOTLOADER] = NO_PAIR,
			[JOTA_ROLE_ROOTFS] = CHAIN_PAIR("APP", "APP_b"),
		},
	},
};

const struct jota_layout *jota_layout_find(const char *name)
{
	for (size_t i = 0; i < LAYOUT_COUNT; i++)
		if (strcmp(layouts[i].name, name) == 0)
			return &layouts[i];
	return NULL;
}

const struct jota_layout *jota_layout_at(size_t i)
{
	return i < LAYOUT_COUNT ? &layouts[i] : NULL;
}

void jota_layout_names(char *buf, size_t buf_bytes)
{
	size_t used = 0;

	if (buf_bytes == 0)
		return;
	buf[0] = '\0';
	for (size_t i = 0; i < LAYOUT_COUNT; i++) {
		int n = snprintf(buf + used, buf_bytes - used, "%s%s", i ? ", " : "",
				 layouts[i].name);

		if (n < 0 || (size_t)n >= buf_bytes - used)
			return;
		used += (size_t)n;
	}
}
