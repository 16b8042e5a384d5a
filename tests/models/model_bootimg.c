// SPDX-License-Identifier: LGPL-2.1-or-later
// SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
//
// Android boot images of version 0 to 2 (field offsets from AOSP's bootimg.h): reading them as
// U-Boot and the kernel's first instructions would, and making them for tests.
#include "model_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sha1.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC "ANDROID!"
#define HEADER_V2_BYTES 1660

uint32_t bootimg_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_le32(uint8_t *p, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(value >> (8 * i));
}

bool bootimg_has_magic(const uint8_t *data, size_t len_bytes)
{
	return len_bytes >= 8 && memcmp(data, MAGIC, 8) == 0;
}

static uint64_t padded(uint32_t size_bytes, uint32_t page_size_bytes)
{
	return ((uint64_t)size_bytes + page_size_bytes - 1) / page_size_bytes * page_size_bytes;
}

static uint64_t image_bytes(const struct model_bootimg *img)
{
	return img->page_size_bytes + padded(img->kernel_size_bytes, img->page_size_bytes) +
	       padded(img->ramdisk_size_bytes, img->page_size_bytes) +
	       padded(img->second_size_bytes, img->page_size_bytes) +
	       padded(img->recovery_size_bytes, img->page_size_bytes) +
	       padded(img->dtb_size_bytes, img->page_size_bytes);
}

int bootimg_decode(const uint8_t *data, size_t len_bytes, struct model_bootimg *ret_img,
		   char *ret_why, size_t why_size_bytes)
{
	const char *bad = NULL;

	memset(ret_img, 0, sizeof(*ret_img));
	if (len_bytes < HEADER_V2_BYTES || !bootimg_has_magic(data, len_bytes)) {
		(void)snprintf(ret_why, why_size_bytes, "no Android boot image");
		return -EBADMSG;
	}
	ret_img->kernel_size_bytes = bootimg_le32(data + 8);
	ret_img->ramdisk_size_bytes = bootimg_le32(data + 16);
	ret_img->second_size_bytes = bootimg_le32(data + 24);
	ret_img->page_size_bytes = bootimg_le32(data + 36);
	ret_img->header_version = bootimg_le32(data + 40);
	memcpy(ret_img->cmdline, data + 64, 512);
	memcpy(ret_img->id, data + 576, 32);
	if (ret_img->header_version >= 1)
		ret_img->recovery_size_bytes = bootimg_le32(data + 1632);
	if (ret_img->header_version >= 2)
		ret_img->dtb_size_bytes = bootimg_le32(data + 1648);
	if (ret_img->header_version > 2)
		bad = "the boot image has a header version above 2";
	else if (ret_img->page_size_bytes < 2048 || ret_img->page_size_bytes > 16384 ||
		 (ret_img->page_size_bytes & (ret_img->page_size_bytes - 1)) != 0)
		bad = "the boot image has an impossible page size";
	else if (ret_img->kernel_size_bytes < 64)
		bad = "the boot image has no kernel";
	else if (image_bytes(ret_img) > len_bytes)
		bad = "the boot image is longer than what was read";
	if (bad == NULL)
		return 0;
	(void)snprintf(ret_why, why_size_bytes, "%s", bad);
	return -EBADMSG;
}

static void hash_item(SHA1_CTX *sha, const uint8_t *data, uint32_t size_bytes)
{
	uint8_t le[4];

	put_le32(le, size_bytes);
	SHA1Update(sha, data, size_bytes);
	SHA1Update(sha, le, sizeof(le));
}

/* Some mkbootimg versions hash a legacy item, always absent here, between second and dtbo. */
void bootimg_id(const uint8_t *data, const struct model_bootimg *img, bool with_legacy_dt,
		uint8_t ret_id[20])
{
	const uint32_t sizes[] = { img->kernel_size_bytes, img->ramdisk_size_bytes,
				   img->second_size_bytes, img->recovery_size_bytes,
				   img->dtb_size_bytes };
	size_t items = 3U + (img->header_version >= 1) + (img->header_version >= 2);
	const uint8_t *at = data + img->page_size_bytes;
	SHA1_CTX sha;

	SHA1Init(&sha);
	for (size_t i = 0; i < items; i++) {
		if (i == 3 && with_legacy_dt)
			hash_item(&sha, at, 0);
		hash_item(&sha, at, sizes[i]);
		at += padded(sizes[i], img->page_size_bytes);
	}
	if (items == 3 && with_legacy_dt)
		hash_item(&sha, at, 0);
	SHA1Final(ret_id, &sha);
}

/* Would this kernel run? U-Boot itself checks neither the id nor the content. */
int bootimg_starts(const uint8_t *data, size_t len_bytes, const struct model_bootimg *img,
		   char *ret_why, size_t why_size_bytes)
{
	static const uint8_t no_id[32];
	const uint8_t *kernel = data + img->page_size_bytes;
	uint8_t plain[20];
	uint8_t legacy[20];

	if (image_bytes(img) > len_bytes)
		return -EBADMSG;
	if (memcmp(kernel + 56, "ARM\x64", 4) != 0 && !(kernel[0] == 0x1f && kernel[1] == 0x8b)) {
		(void)snprintf(ret_why, why_size_bytes,
			       "the kernel is neither an arm64 Image nor gzip");
		return -EBADMSG;
	}
	if (memcmp(img->id, no_id, sizeof(no_id)) == 0)
		return 0;
	bootimg_id(data, img, false, plain);
	bootimg_id(data, img, true, legacy);
	if (memcmp(img->id, plain, 20) == 0 || memcmp(img->id, legacy, 20) == 0)
		return 0;
	(void)snprintf(ret_why, why_size_bytes,
		       "kernel or ramdisk do not match the SHA-1 in the boot image header");
	return -EBADMSG;
}

static void fill_header(uint8_t *data, const struct model_bootimg_spec *spec)
{
	memcpy(data, MAGIC, 8);
	put_le32(data + 8, spec->kernel_size_bytes);
	put_le32(data + 12, 0x80080000U);
	put_le32(data + 16, spec->ramdisk_size_bytes);
	put_le32(data + 20, 0x84000000U);
	put_le32(data + 36, spec->page_size_bytes);
	put_le32(data + 40, spec->header_version);
	if (spec->cmdline != NULL)
		memcpy(data + 64, spec->cmdline, strnlen(spec->cmdline, 511));
	if (spec->header_version >= 1)
		put_le32(data + 1644, spec->header_version == 1 ? 1648 : HEADER_V2_BYTES);
}

static int write_file(const char *path, const uint8_t *data, size_t len_bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	size_t done = 0;
	int ret = 0;

	if (fd < 0)
		return -errno;
	while (ret == 0 && done < len_bytes) {
		ssize_t n = pwrite(fd, data + done, len_bytes - done, (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			ret = n < 0 ? -errno : -EIO;
		else
			done += (size_t)n;
	}
	if (close(fd) != 0 && ret == 0)
		ret = -errno;
	return ret;
}

int model_bootimg_write(const char *path, const struct model_bootimg_spec *spec)
{
	struct model_bootimg img = { .kernel_size_bytes = spec->kernel_size_bytes,
				     .ramdisk_size_bytes = spec->ramdisk_size_bytes,
				     .page_size_bytes = spec->page_size_bytes,
				     .header_version = spec->header_version };

	if (spec->page_size_bytes < 2048 || spec->kernel_size_bytes < 64)
		return -EINVAL;
	size_t total_bytes = (size_t)image_bytes(&img);
	uint8_t *data = calloc(1, total_bytes);
	if (data == NULL)
		return -ENOMEM;
	uint8_t *kernel = data + spec->page_size_bytes;
	uint8_t *ramdisk = kernel + padded(spec->kernel_size_bytes, spec->page_size_bytes);
	for (uint32_t i = 0; i < spec->kernel_size_bytes; i++)
		kernel[i] = (uint8_t)(spec->seed + i * 7 + (i >> 8));
	for (uint32_t i = 0; i < spec->ramdisk_size_bytes; i++)
		ramdisk[i] = (uint8_t)(spec->seed ^ (i * 13 + (i >> 8)));
	memcpy(kernel + 56, "ARM\x64", 4);
	fill_header(data, spec);
	if (spec->with_id)
		bootimg_id(data, &img, false, data + 576);
	int ret = write_file(path, data, total_bytes);
	free(data);
	return ret;
}
