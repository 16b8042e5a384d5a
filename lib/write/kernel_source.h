/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* From where this board boots its kernel: what the configuration and the firmware's settings say, never a guess. */
#pragma once

struct jota_io;

#define JOTA_KERNEL_SOURCE_BYTES 160

enum jota_kernel_place {
	JOTA_KERNEL_UNDECIDED, /* nothing here says so: it may be either */
	JOTA_KERNEL_PARTITION, /* the boot image on the slot's kernel partition */
	/* /boot/extlinux/extlinux.conf of the slot's root file system; the boot image where that file is absent */
	JOTA_KERNEL_ROOT,
};

struct jota_kernel_source {
	enum jota_kernel_place place;
	char why[JOTA_KERNEL_SOURCE_BYTES]; /* part of a sentence: what says so, or what is not known */
};

/**
 * Decide by the layout, the backend, and what it has stored: L4TDefaultBootMode of UEFI boards (L4TLauncher: 1 extlinux, with the
 * boot image as fall-back; 2 boot image. Source: edk2-nvidia, L4TLauncher.c), bootcmd of U-Boot, which boots the kernel
 * partition when it is ours. Always fills *ret; what cannot be read leaves it undecided. Changes nothing.
 */
void jota_kernel_source_find(const struct jota_io *io, struct jota_kernel_source *ret);
