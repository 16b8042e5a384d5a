/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Android boot image, header versions 0 to 2, as the Tegra boot chain takes it. Pure, incremental:
 * fed with the bytes as they come.
 *
 * little endian  offset  field
 *                     0  magic "ANDROID!"
 *                     8  kernel_size          12 kernel_addr
 *                    16  ramdisk_size         20 ramdisk_addr
 *                    24  second_size          28 second_addr
 *                    32  tags_addr            36 page_size
 *                    40  header_version       44 os_version
 *                    48  name[16]             64 cmdline[512]
 *                   576  id[32]              608 extra_cmdline[1024]        1632 bytes, version 0
 *                  1632  recovery_dtbo_size 1636 recovery_dtbo_offset (u64)
 *                  1644  header_size                                        1648 bytes, version 1
 *                  1648  dtb_size           1652 dtb_addr (u64)             1660 bytes, version 2
 *
 * Behind it kernel, ramdisk, second, recovery_dtbo (from version 1), dtb (from version 2), the
 * header and each part padded to page_size.
 * id: SHA-1 over each part followed by its size (u32), in that order, an absent part as its size 0
 * alone, then 12 zero bytes. Some mkbootimg versions also feed the zero size of a legacy item "dt"
 * after second: either digest is right.
 * Source: AOSP system/tools/mkbootimg include/bootimg/bootimg.h, mkbootimg.py write_header().
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct jota_err;

/** What jota_bootimg_parse() looks at, at most: largest header page and the start of the kernel. */
#define JOTA_BOOTIMG_PREFIX_BYTES (16384u + 64u)

struct jota_bootimg {
	uint32_t header_version;
	uint32_t page_size_bytes;
	uint64_t kernel_size_bytes, ramdisk_size_bytes, second_size_bytes;
	uint64_t recovery_dtbo_size_bytes, dtb_size_bytes;
	uint64_t total_bytes; /* header page and all parts, padded */
	uint8_t id[32];
	char cmdline[512 + 1024 + 1];
};

/**
 * Check the header and the kernel's magic from the first bytes of an image, before anything is
 * written. prefix: the first min(image_bytes, JOTA_BOOTIMG_PREFIX_BYTES) bytes, -EINVAL when it is
 * less. Bytes behind total_bytes are allowed (a signature).
 * -EBADMSG names the field, expected and found: magic, page size not a power of two 2048..16384,
 * kernel size 0, parts that reach beyond image_bytes, header_size wrong for the version, kernel
 * that is neither arm64 Image ("ARM\x64" at +56) nor gzip nor lz4.
 * -ENOTSUP header version 3 or above (the Tegra boot chain sizes the image by the formula of
 * version 0 and cannot start it).
 */
int jota_bootimg_parse(const uint8_t *prefix, size_t prefix_bytes, uint64_t image_bytes,
		       struct jota_bootimg *ret, struct jota_err *err);

/** Running check of the id over the whole image. */
struct jota_bootimg_check;

/**
 * Start; hdr is copied. -ENOMEM. An all-zero id means "not recorded": then finish only asks whether
 * all parts came.
 */
int jota_bootimg_check_open(const struct jota_bootimg *hdr, struct jota_bootimg_check **ret,
			    struct jota_err *err);
/** Next bytes of the image from offset 0 on, any length. */
void jota_bootimg_check_feed(struct jota_bootimg_check *c, const uint8_t *data, size_t len_bytes);
/** -EBADMSG: id differs (prints both in hex) or the image ended inside a part. */
int jota_bootimg_check_finish(struct jota_bootimg_check *c, struct jota_err *err);
void jota_bootimg_check_free(struct jota_bootimg_check *c);
