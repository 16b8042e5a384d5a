/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The .swu container: a cpio archive of the kind "new ASCII with checksum" (magic 070702), as
 * SWUpdate reads it. libarchive reads this format but neither writes it nor refuses what SWUpdate
 * would stumble over, hence our own codec: strict when reading, canonical when writing.
 *
 * Each member: a header of 110 bytes, magic and 13 fields of 8 hexadecimal digits (ino, mode, uid,
 * gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check), the name
 * with its NUL padded to 4, the data padded to 4. check: sum of all data bytes modulo 2^32. The last
 * member is "TRAILER!!!". Source: cpio(5), "newc" and "crc"; SWUpdate core/cpio_utils.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jota_err;

/** SWUpdate's buffer. It refuses a name that fills it with its NUL: 254 characters are the most. */
#define JOTA_SWU_NAME_BYTES 256
#define JOTA_SWU_DESCRIPTION "sw-description"
#define JOTA_SWU_SIGNATURE "sw-description.sig"
#define JOTA_SWU_TRAILER "TRAILER!!!"
/** Above this a member cannot be expressed: content must be split. */
#define JOTA_SWU_MEMBER_MAX UINT32_MAX
/** More members are refused. */
#define JOTA_SWU_MEMBERS_MAX 64
/** Zero bytes that may follow the trailer: what block-wise tools add, and no more. */
#define JOTA_SWU_TAIL_MAX (1024u * 1024u)

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
	/* of the archive, trailer included; behind it are zeros only */
	uint64_t end_bytes;
};

/**
 * Read all headers of a .swu (fd: seekable, read-only). Strict: -EBADMSG with the member and the
 * offset for a bad magic, a digit that is not hexadecimal, a name that jota_swu_name_check()
 * refuses or that has no NUL at its end or one before, padding that is not zero, a data range that
 * leaves the file, a name given twice, no trailer or one with content, a first member that is not
 * sw-description, more than JOTA_SWU_MEMBERS_MAX members, bytes other than zero behind the trailer,
 * more than JOTA_SWU_TAIL_MAX of them. Other errnos: the file cannot be read.
 * jota_swu_index_done() frees; on failure there is nothing to free.
 */
int jota_swu_index_read(int fd, const char *path, struct jota_swu_index *ret, struct jota_err *err);
void jota_swu_index_done(struct jota_swu_index *index);
/** Member by name; NULL. */
const struct jota_swu_member *jota_swu_index_find(const struct jota_swu_index *index,
						  const char *name);

/**
 * May a member have this name? -EINVAL, with the reason: empty, longer than 254 characters, a '/'
 * or a control character in it, "." or "..", the trailer's name.
 */
int jota_swu_name_check(const char *name, struct jota_err *err);

/** Bytes that jota_swu_header_encode() writes at most. */
#define JOTA_SWU_HEADER_MAX (110 + JOTA_SWU_NAME_BYTES + 4)
/**
 * Canonical header for one member, name and padding included, into buf of at least
 * JOTA_SWU_HEADER_MAX bytes; *ret_bytes: its length. JOTA_SWU_TRAILER with size 0 gives the end of
 * an archive. -EINVAL for a name that the reader would refuse, -EFBIG for a size above
 * JOTA_SWU_MEMBER_MAX.
 */
int jota_swu_header_encode(const char *name, uint64_t size_bytes, uint32_t check, uint32_t mtime,
			   uint8_t *buf, size_t *ret_bytes, struct jota_err *err);
/** Bytes of padding behind data or a header of that length (to 4). */
size_t jota_swu_padding(uint64_t len_bytes);
/** Add data to a running checksum; it starts with 0. */
uint32_t jota_swu_check_add(uint32_t check, const void *data, size_t len_bytes);
