/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "write/bootimg.h"

#include "base/bytes.h"
#include "base/err.h"

#include <sha1.h>

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PART_COUNT 5u
/* What the legacy item "dt" was fed behind, in the digest of some mkbootimg versions. */
#define PART_BEFORE_DT 2u
#define ID_BYTES 32u

/* In the order in which they follow the header and go into the digest. */
static const struct {
	const char *name;
	uint32_t version; /* the first one that has it */
} parts[PART_COUNT] = {
	{ "kernel", 0 }, { "ramdisk", 0 }, { "second", 0 }, { "recovery_dtbo", 1 }, { "dtb", 2 },
};

struct jota_bootimg_check {
	struct jota_bootimg hdr;
	uint64_t size_bytes[PART_COUNT];
	SHA1_CTX plain;
	SHA1_CTX with_dt;
	uint64_t offset_bytes; /* of the next byte to come */
	size_t part;	       /* being hashed; PART_COUNT: all came */
	uint64_t start_bytes;  /* of that part */
};

/* Its size goes into the digest behind its bytes, unless the version does not know the part. */
static void end_part(struct jota_bootimg_check *c)
{
	uint64_t size_bytes = c->size_bytes[c->part];
	uint32_t page_bytes = c->hdr.page_size_bytes;
	uint8_t le[4];

	if (parts[c->part].version <= c->hdr.header_version) {
		put_le32(le, (uint32_t)size_bytes);
		SHA1Update(&c->plain, le, sizeof(le));
		SHA1Update(&c->with_dt, le, sizeof(le));
	}
	if (c->part == PART_BEFORE_DT) {
		put_le32(le, 0);
		SHA1Update(&c->with_dt, le, sizeof(le));
	}
	c->start_bytes += (size_bytes + page_bytes - 1) / page_bytes * page_bytes;
	c->part++;
}

static void end_empty_parts(struct jota_bootimg_check *c)
{
	while (c->part < PART_COUNT && c->size_bytes[c->part] == 0)
		end_part(c);
}

int jota_bootimg_check_open(const struct jota_bootimg *hdr, struct jota_bootimg_check **ret,
			    struct jota_err *err)
{
	struct jota_bootimg_check *c = calloc(1, sizeof(*c));

	if (!c)
		return jota_fail(err, ENOMEM, "boot image: check of its id");
	c->hdr = *hdr;
	c->size_bytes[0] = hdr->kernel_size_bytes;
	c->size_bytes[1] = hdr->ramdisk_size_bytes;
	c->size_bytes[2] = hdr->second_size_bytes;
	c->size_bytes[3] = hdr->recovery_dtbo_size_bytes;
	c->size_bytes[4] = hdr->dtb_size_bytes;
	c->start_bytes = hdr->page_size_bytes;
	SHA1Init(&c->plain);
	SHA1Init(&c->with_dt);
	end_empty_parts(c);
	*ret = c;
	return 0;
}

/* Bytes from the current offset on that need no look: padding before a part, or part of it. */
static size_t take(struct jota_bootimg_check *c, const uint8_t *data, size_t len_bytes)
{
	uint64_t end_bytes = c->start_bytes + c->size_bytes[c->part];
	bool inside = c->offset_bytes >= c->start_bytes;
	uint64_t room_bytes = (inside ? end_bytes : c->start_bytes) - c->offset_bytes;
	size_t len = len_bytes < room_bytes ? len_bytes : (size_t)room_bytes;

	if (inside) {
		SHA1Update(&c->plain, data, len);
		SHA1Update(&c->with_dt, data, len);
	}
	c->offset_bytes += len;
	if (c->offset_bytes == end_bytes) {
		end_part(c);
		end_empty_parts(c);
	}
	return len;
}

void jota_bootimg_check_feed(struct jota_bootimg_check *c, const uint8_t *data, size_t len_bytes)
{
	while (len_bytes > 0 && c->part < PART_COUNT) {
		size_t taken = take(c, data, len_bytes);

		data += taken;
		len_bytes -= taken;
	}
	c->offset_bytes += len_bytes;
}

static void format_id(const uint8_t id[ID_BYTES], char text[2 * ID_BYTES + 1])
{
	for (size_t i = 0; i < ID_BYTES; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", id[i]);
}

static void finish_digest(SHA1_CTX *ctx, uint8_t id[ID_BYTES])
{
	memset(id, 0, ID_BYTES);
	SHA1Final(id, ctx);
}

int jota_bootimg_check_finish(struct jota_bootimg_check *c, struct jota_err *err)
{
	static const uint8_t none[ID_BYTES];
	uint8_t plain[ID_BYTES], with_dt[ID_BYTES];
	char found[2 * ID_BYTES + 1], recorded[2 * ID_BYTES + 1];

	if (c->part < PART_COUNT)
		return jota_fail(err, EBADMSG,
				 "boot image: it ended at offset %" PRIu64
				 ", inside or before its %s of %" PRIu64 " bytes from %" PRIu64
				 " on.",
				 c->offset_bytes, parts[c->part].name, c->size_bytes[c->part],
				 c->start_bytes);
	if (memcmp(c->hdr.id, none, sizeof(none)) == 0)
		return 0;
	finish_digest(&c->plain, plain);
	finish_digest(&c->with_dt, with_dt);
	if (memcmp(c->hdr.id, plain, sizeof(plain)) == 0 ||
	    memcmp(c->hdr.id, with_dt, sizeof(with_dt)) == 0)
		return 0;
	format_id(plain, found);
	format_id(c->hdr.id, recorded);
	return jota_fail(err, EBADMSG,
			 "boot image: its parts give the id %s, but its header says %s: the image "
			 "was damaged or changed after mkbootimg made it.",
			 found, recorded);
}

void jota_bootimg_check_free(struct jota_bootimg_check *c)
{
	free(c);
}
