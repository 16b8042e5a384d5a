/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "support/bootimg_make.h"

#include "base/bytes.h"

#include <sha1.h>

#include <stdlib.h>
#include <string.h>

#define PARTS 5

struct writing {
	const struct bootimg_spec *spec;
	uint32_t page_bytes;
	uint8_t *image;
	size_t used_bytes;
	SHA1_CTX sha;
};

static size_t padded(const struct writing *w, size_t len_bytes)
{
	return (len_bytes + w->page_bytes - 1) / w->page_bytes * w->page_bytes;
}

static void hash_size(struct writing *w, size_t len_bytes)
{
	uint8_t le[4];

	put_le32(le, (uint32_t)len_bytes);
	SHA1Update(&w->sha, le, sizeof(le));
}

static void add_part(struct writing *w, int number, size_t len_bytes)
{
	uint8_t *part = w->image + w->used_bytes;

	for (size_t i = 0; i < len_bytes; i++)
		part[i] = (uint8_t)(i * 31 + (size_t)number * 7 + i / 251);
	if (number == 0 && len_bytes >= 64)
		memcpy(part + 56, "ARM\x64", 4);
	SHA1Update(&w->sha, part, len_bytes);
	hash_size(w, len_bytes);
	w->used_bytes += padded(w, len_bytes);
}

static void fill_header(struct writing *w)
{
	const struct bootimg_spec *spec = w->spec;
	const char *cmdline = spec->cmdline ? spec->cmdline : "";
	size_t len = strlen(cmdline), first = len < 512 ? len : 512;
	uint8_t *h = w->image;

	memcpy(h, "ANDROID!", 8);
	put_le32(h + 8, (uint32_t)spec->kernel_bytes);
	put_le32(h + 12, 0x10008000);
	put_le32(h + 16, (uint32_t)spec->ramdisk_bytes);
	put_le32(h + 24, (uint32_t)spec->second_bytes);
	put_le32(h + 36, w->page_bytes);
	put_le32(h + 40, spec->version);
	memcpy(h + 64, cmdline, first);
	memcpy(h + 608, cmdline + first, len - first < 1024 ? len - first : 1024);
	if (spec->version >= 1)
		put_le32(h + 1632, (uint32_t)spec->recovery_dtbo_bytes);
	if (spec->version >= 1)
		put_le32(h + 1644, spec->version == 1 ? 1648 : 1660);
	if (spec->version >= 2)
		put_le32(h + 1648, (uint32_t)spec->dtb_bytes);
}

uint8_t *bootimg_make(const struct bootimg_spec *spec, size_t *ret_bytes)
{
	const size_t bytes[PARTS] = { spec->kernel_bytes, spec->ramdisk_bytes, spec->second_bytes,
				      spec->recovery_dtbo_bytes, spec->dtb_bytes };
	const uint32_t since[PARTS] = { 0, 0, 0, 1, 2 };
	struct writing w = { .spec = spec };
	size_t total;

	w.page_bytes = spec->page_bytes ? spec->page_bytes : 2048;
	w.used_bytes = total = w.page_bytes;
	for (int i = 0; i < PARTS; i++)
		total += padded(&w, bytes[i]);
	w.image = calloc(1, total);
	if (!w.image)
		abort();
	SHA1Init(&w.sha);
	for (int i = 0; i < PARTS; i++) {
		if (spec->version >= since[i])
			add_part(&w, i, bytes[i]);
		if (i == 2 && spec->feed_dt)
			hash_size(&w, 0);
	}
	fill_header(&w);
	if (!spec->no_id)
		SHA1Final(w.image + 576, &w.sha);
	*ret_bytes = w.used_bytes;
	return w.image;
}
