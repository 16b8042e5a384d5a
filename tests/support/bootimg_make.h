/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Boot images for tests, header versions 0 to 2, in memory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bootimg_spec {
	uint32_t version;
	uint32_t page_bytes; /* 0: 2048 */
	size_t kernel_bytes, ramdisk_bytes, second_bytes, recovery_dtbo_bytes, dtb_bytes;
	const char *cmdline; /* NULL: none; 512 bytes of it stand apart from the rest */
	bool feed_dt;	     /* the id as mkbootimg versions with the legacy item "dt" compute it */
	bool no_id;
};

/**
 * Make one; the kernel begins as an arm64 Image if it has 64 bytes. Heap, caller frees. Aborts the
 * test on failure.
 */
uint8_t *bootimg_make(const struct bootimg_spec *spec, size_t *ret_bytes);
