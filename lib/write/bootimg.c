/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "write/bootimg.h"

#include "base/bytes.h"
#include "base/err.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define HEADER_V0_BYTES 1632u
#define HEADER_V2_BYTES 1660u
#define VERSION_MAX 2u
#define PAGE_BYTES_MIN 2048u
#define PAGE_BYTES_MAX 16384u
#define CMDLINE_AT 64u
#define CMDLINE_BYTES 512u
#define ID_AT 576u
#define EXTRA_CMDLINE_AT 608u
#define EXTRA_CMDLINE_BYTES 1024u
#define HEADER_SIZE_AT 1644u
#define PART_COUNT 5u

static const char magic[8] = { 'A', 'N', 'D', 'R', 'O', 'I', 'D', '!' };

/* The parts in the order in which they follow the header. */
static const struct {
	const char *name;
	uint32_t size_at;
	uint32_t version; /* the first one that has it */
} parts[PART_COUNT] = {
	{ "kernel", 8, 0 },	      { "ramdisk", 16, 0 }, { "second", 24, 0 },
	{ "recovery_dtbo", 1632, 1 }, { "dtb", 1648, 2 },
};

_Static_assert(sizeof(((struct jota_bootimg *)NULL)->cmdline) ==
		       CMDLINE_BYTES + EXTRA_CMDLINE_BYTES + 1,
	       "both command lines and a NUL fit");

static uint64_t part_size_bytes(const struct jota_bootimg *hdr, size_t part)
{
	const uint64_t size_bytes[PART_COUNT] = {
		hdr->kernel_size_bytes,	       hdr->ramdisk_size_bytes, hdr->second_size_bytes,
		hdr->recovery_dtbo_size_bytes, hdr->dtb_size_bytes,
	};

	return size_bytes[part];
}

/* "41 4e 44 ..." */
static void format_hex(const uint8_t *data, size_t len_bytes, char *buf, size_t buf_bytes)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < len_bytes && used < buf_bytes; i++) {
		int n = snprintf(buf + used, buf_bytes - used, "%s%02x", i ? " " : "", data[i]);

		used += n < 0 ? 0 : (size_t)n;
	}
}

static int check_magic(const uint8_t *prefix, struct jota_err *err)
{
	char found[32];

	if (memcmp(prefix, magic, sizeof(magic)) == 0)
		return 0;
	format_hex(prefix, sizeof(magic), found, sizeof(found));
	return jota_fail(err, EBADMSG,
			 "boot image: it starts with the bytes %s, expected 'ANDROID!': this is no "
			 "boot.img made by mkbootimg.",
			 found);
}

static int check_version(uint32_t version, struct jota_err *err)
{
	if (version <= VERSION_MAX)
		return 0;
	return jota_fail(
		err, ENOTSUP,
		"boot image: header version %" PRIu32
		", expected 0, 1 or 2: the Tegra boot chain computes an image's size as for "
		"version 0 and cannot start others; build it with --header_version 0.",
		version);
}

static int check_page_size(uint32_t page_bytes, struct jota_err *err)
{
	if (page_bytes >= PAGE_BYTES_MIN && page_bytes <= PAGE_BYTES_MAX &&
	    (page_bytes & (page_bytes - 1)) == 0)
		return 0;
	return jota_fail(err, EBADMSG,
			 "boot image: page_size is %" PRIu32
			 ", expected a power of two from %u to %u.",
			 page_bytes, PAGE_BYTES_MIN, PAGE_BYTES_MAX);
}

static int check_header_size(const uint8_t *prefix, uint32_t version, struct jota_err *err)
{
	static const uint32_t expected[VERSION_MAX + 1] = { 0, 1648, 1660 };
	uint32_t found;

	if (version == 0)
		return 0;
	found = get_le32(prefix + HEADER_SIZE_AT);
	if (found == expected[version])
		return 0;
	return jota_fail(err, EBADMSG,
			 "boot image: header_size is %" PRIu32 ", expected %" PRIu32
			 " for header version %" PRIu32 ".",
			 found, expected[version], version);
}

static void read_sizes(const uint8_t *prefix, struct jota_bootimg *hdr)
{
	uint64_t *const to[PART_COUNT] = {
		&hdr->kernel_size_bytes,	&hdr->ramdisk_size_bytes, &hdr->second_size_bytes,
		&hdr->recovery_dtbo_size_bytes, &hdr->dtb_size_bytes,
	};

	for (size_t i = 0; i < PART_COUNT; i++)
		*to[i] = hdr->header_version >= parts[i].version ?
				 get_le32(prefix + parts[i].size_at) :
				 0;
}

/* false: more than 64 bits can say. */
static bool add_padded(uint64_t *total_bytes, uint64_t size_bytes, uint32_t page_bytes)
{
	uint64_t padded_bytes;

	if (__builtin_add_overflow(size_bytes, page_bytes - 1u, &padded_bytes))
		return false;
	padded_bytes -= padded_bytes % page_bytes;
	return !__builtin_add_overflow(*total_bytes, padded_bytes, total_bytes);
}

static int check_sizes(struct jota_bootimg *hdr, uint64_t image_bytes, struct jota_err *err)
{
	uint64_t total_bytes = hdr->page_size_bytes;

	if (hdr->kernel_size_bytes == 0)
		return jota_fail(err, EBADMSG, "boot image: kernel_size is 0: it has no kernel.");
	for (size_t i = 0; i < PART_COUNT; i++) {
		uint64_t size_bytes = part_size_bytes(hdr, i);

		if (!add_padded(&total_bytes, size_bytes, hdr->page_size_bytes) ||
		    total_bytes > image_bytes)
			return jota_fail(err, EBADMSG,
					 "boot image: its %s of %" PRIu64
					 " bytes would end, padded to pages of %" PRIu32
					 ", at %" PRIu64 ", but the image has only %" PRIu64
					 " bytes: it is truncated, or its header is damaged.",
					 parts[i].name, size_bytes, hdr->page_size_bytes,
					 total_bytes, image_bytes);
	}
	hdr->total_bytes = total_bytes;
	return 0;
}

/* UEFI and U-Boot take an arm64 Image, cboot also a compressed one. */
static int check_kernel(const uint8_t *kernel, uint64_t size_bytes, struct jota_err *err)
{
	static const struct {
		size_t at, len_bytes;
		uint8_t bytes[4];
	} known[] = {
		{ 56, 4, { 'A', 'R', 'M', 0x64 } },   /* arm64 Image */
		{ 0, 2, { 0x1f, 0x8b } },	      /* gzip */
		{ 0, 4, { 0x04, 0x22, 0x4d, 0x18 } }, /* lz4 frame */
		{ 0, 4, { 0x02, 0x21, 0x4c, 0x18 } }, /* lz4 legacy frame */
	};
	char found[16] = "nothing";

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (size_bytes >= known[i].at + known[i].len_bytes &&
		    memcmp(kernel + known[i].at, known[i].bytes, known[i].len_bytes) == 0)
			return 0;
	if (size_bytes >= 60)
		format_hex(kernel + 56, 4, found, sizeof(found));
	return jota_fail(err, EBADMSG,
			 "boot image: its kernel has %s at offset 56, expected 41 52 4d 64 "
			 "(\"ARM\\x64\"), and is neither gzip nor lz4: it is no arm64 kernel.",
			 found);
}

static void read_cmdline(const uint8_t *prefix, struct jota_bootimg *hdr)
{
	const char *first = (const char *)prefix + CMDLINE_AT;
	const char *extra = (const char *)prefix + EXTRA_CMDLINE_AT;
	size_t first_len = strnlen(first, CMDLINE_BYTES);
	size_t extra_len = strnlen(extra, EXTRA_CMDLINE_BYTES);

	memcpy(hdr->cmdline, first, first_len);
	memcpy(hdr->cmdline + first_len, extra, extra_len);
	hdr->cmdline[first_len + extra_len] = '\0';
}

/* Magic and version first: they decide what the other fields mean. */
static int read_header(const uint8_t *prefix, uint64_t image_bytes, struct jota_bootimg *hdr,
		       struct jota_err *err)
{
	int r;

	r = check_magic(prefix, err);
	if (r < 0)
		return r;
	hdr->header_version = get_le32(prefix + 40);
	r = check_version(hdr->header_version, err);
	if (r < 0)
		return r;
	hdr->page_size_bytes = get_le32(prefix + 36);
	r = check_page_size(hdr->page_size_bytes, err);
	if (r < 0)
		return r;
	r = check_header_size(prefix, hdr->header_version, err);
	if (r < 0)
		return r;
	read_sizes(prefix, hdr);
	r = check_sizes(hdr, image_bytes, err);
	if (r < 0)
		return r;
	memcpy(hdr->id, prefix + ID_AT, sizeof(hdr->id));
	read_cmdline(prefix, hdr);
	return 0;
}

int jota_bootimg_parse(const uint8_t *prefix, size_t prefix_bytes, uint64_t image_bytes,
		       struct jota_bootimg *ret, struct jota_err *err)
{
	struct jota_bootimg hdr = { 0 };
	uint64_t needed_bytes = image_bytes < JOTA_BOOTIMG_PREFIX_BYTES ? image_bytes :
									  JOTA_BOOTIMG_PREFIX_BYTES;
	int r;

	if (prefix_bytes < needed_bytes)
		return jota_fail(err, EINVAL,
				 "boot image: %zu bytes of it were given, expected the first "
				 "%" PRIu64 ".",
				 prefix_bytes, needed_bytes);
	/* Room for the longest header; an image that short has no page behind it either. */
	if (needed_bytes < HEADER_V2_BYTES)
		return jota_fail(err, EBADMSG,
				 "boot image: it has %" PRIu64
				 " bytes, less than a header (%u bytes).",
				 image_bytes, HEADER_V0_BYTES);
	r = read_header(prefix, image_bytes, &hdr, err);
	if (r < 0)
		return r;
	/* check_sizes() saw a whole page of kernel behind the header page, within the prefix. */
	r = check_kernel(prefix + hdr.page_size_bytes, hdr.kernel_size_bytes, err);
	if (r < 0)
		return r;
	*ret = hdr;
	return 0;
}
