/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The .swu container: a cpio archive of the "new ASCII with checksum" kind (magic 070702), as
 * SWUpdate
 * reads it. libarchive reads this format but neither writes it nor refuses what SWUpdate would
 * stumble over, hence our
 * own codec: strict when reading, canonical when writing.
 *
 * Each member: 110 bytes header of magic and 13 fields of 8 hexadecimal digits (ino, mode, uid,
 * gid, nlink, mtime, filesize, devmajor,
 * devminor, rdevmajor, rdevminor, namesize, check), the name with its NUL padded to 4, the data
 * padded to 4. check: sum of all data bytes
 * modulo 2^32. Last member "TRAILER!!!". Source: cpio(5), "newc" and "crc"; SWUpdate
 * core/cpio_utils.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jota_err;

#define JOTA_SWU_NAME_BYTES 256 /* SWUpdate's limit, NUL included */
#define JOTA_SWU_DESCRIPTION "sw-description"
#define JOTA_SWU_SIGNATURE "sw-description.sig"
/** Above this a member cannot be expressed: content must be split. */
#define JOTA_SWU_MEMBER_MAX UINT32_MAX

struct jota_swu_member {
	char name[JOTA_SWU_NAME_BYTES];
	uint64_t data_offset_bytes; /* in the file */
	uint32_t size_bytes;
	uint32_t check; /* as recorded */
	bool has_check; /* false for 070701: SWUpdate then does not compare */
};

struct jota_swu_index {
	struct jota_swu_member *member;
	size_t count;
	/* of the archive, trailer included; what follows is padding or foreign */
	uint64_t end_bytes;
};

/**
 * Read all headers of a .swu (fd: seekable, read-only). Strict: -EBADMSG with the member and the
 * offset for a bad magic, a non-hexadecimal digit, a namesize of 0 or above 256, a
 * name without NUL at its end or with one inside, with '/', "..", control characters or empty, a
 * data range that leaves the file, a name given twice, no trailer, a first member that is not
 * sw-description, more than 64 members, bytes other than zero after the trailer.
 * jota_swu_index_done() frees.
 */
int jota_swu_index_read(int fd, const char *path, struct jota_swu_index *ret, struct jota_err *err);
void jota_swu_index_done(struct jota_swu_index *index);
/** Member by name; NULL. */
const struct jota_swu_member *jota_swu_index_find(const struct jota_swu_index *index,
						  const char *name);

/** Canonical writer for one member: header with the data's size and checksum. -EINVAL for a name
 * that the reader would refuse, -EFBIG. Returns header bytes (name and padding included) in buf
 * of at
 *  least JOTA_SWU_HEADER_MAX. */
#define JOTA_SWU_HEADER_MAX (110 + JOTA_SWU_NAME_BYTES + 4)
int jota_swu_header_encode(const char *name, uint64_t size_bytes, uint32_t check, uint32_t mtime,
			   uint8_t *buf, size_t *ret_bytes, struct jota_err *err);
/** Bytes of padding after data or header of that length (to 4). */
size_t jota_swu_padding(uint64_t len_bytes);
/** Add data to a running checksum. */
uint32_t jota_swu_check_add(uint32_t check, const void *data, size_t len_bytes);
