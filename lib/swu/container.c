/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/container.h"

#include "base/err.h"
#include "base/io.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC_BYTES 6u
#define DIGITS 8u
#define HEADER_BYTES 110u
#define FIELD_COUNT 13u
_Static_assert(MAGIC_BYTES + FIELD_COUNT * DIGITS == HEADER_BYTES, "header of cpio");

/* The fields that are read or written; the others stay zero. */
enum {
	FIELD_MODE = 1,
	FIELD_NLINK = 4,
	FIELD_MTIME = 5,
	FIELD_SIZE = 6,
	FIELD_NAME_BYTES = 11,
	FIELD_CHECK = 12,
};

static const char magic_crc[] = "070702", magic_newc[] = "070701";

/* A file on its way through the reader. */
struct reader {
	int fd;
	const char *path;
	uint64_t file_bytes;
	uint64_t at_bytes; /* next header */
};

size_t jota_swu_padding(uint64_t len_bytes)
{
	return (size_t)(-len_bytes & 3u);
}

uint32_t jota_swu_check_add(uint32_t check, const void *data, size_t len_bytes)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len_bytes; i++)
		check += p[i];
	return check;
}

int jota_swu_name_check(const char *name, struct jota_err *err)
{
	size_t len = strlen(name);

	if (len == 0)
		return jota_fail(err, EINVAL, "the name is empty.");
	if (len > JOTA_SWU_NAME_BYTES - 2)
		return jota_fail(err, EINVAL,
				 "the name has %zu characters, SWUpdate takes at most %d.", len,
				 JOTA_SWU_NAME_BYTES - 2);
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strchr(name, '/'))
		return jota_fail(err, EINVAL,
				 "the name '%.80s' leaves its folder; expected a plain file name.",
				 name);
	for (const char *p = name; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return jota_fail(err, EINVAL,
					 "the name '%.80s' has a control character in it.", name);
	if (strcmp(name, JOTA_SWU_TRAILER) == 0)
		return jota_fail(err, EINVAL,
				 "the name '" JOTA_SWU_TRAILER "' ends a cpio archive.");
	return 0;
}

static int decode_field(const char *digit, uint32_t *ret)
{
	uint32_t value = 0;

	for (size_t i = 0; i < DIGITS; i++) {
		char c = digit[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint32_t)(c - '0');
		else if (c >= 'A' && c <= 'F')
			value = value << 4 | (uint32_t)(c - 'A' + 10);
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint32_t)(c - 'a' + 10);
		else
			return -EBADMSG;
	}
	*ret = value;
	return 0;
}

static int decode_header(const struct reader *r, const char *header, uint32_t field[FIELD_COUNT],
			 bool *ret_has_check, struct jota_err *err)
{
	*ret_has_check = memcmp(header, magic_crc, MAGIC_BYTES) == 0;
	if (!*ret_has_check && memcmp(header, magic_newc, MAGIC_BYTES) != 0)
		return jota_fail(err, EBADMSG,
				 "'%s': no member header at offset %" PRIu64
				 ", expected the magic '%s'; the file is damaged or no .swu.",
				 r->path, r->at_bytes, magic_crc);
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		const char *digit = header + MAGIC_BYTES + i * DIGITS;

		if (decode_field(digit, &field[i]) < 0)
			return jota_fail(err, EBADMSG,
					 "'%s': the header at offset %" PRIu64
					 " has '%.8s' where 8 hexadecimal digits are expected.",
					 r->path, r->at_bytes, digit);
	}
	return 0;
}

static int check_range(const struct reader *r, const char *what, uint64_t offset_bytes,
		       uint64_t len_bytes, struct jota_err *err)
{
	if (offset_bytes <= r->file_bytes && len_bytes <= r->file_bytes - offset_bytes)
		return 0;
	return jota_fail(err, EBADMSG,
			 "'%s': %s at offset %" PRIu64 " has %" PRIu64
			 " bytes, but the file ends at %" PRIu64 "; it was cut off.",
			 r->path, what, offset_bytes, len_bytes, r->file_bytes);
}

static int check_zero(const struct reader *r, const char *what, uint64_t offset_bytes,
		      uint64_t len_bytes, struct jota_err *err)
{
	uint8_t block[4096];

	while (len_bytes > 0) {
		size_t take = len_bytes < sizeof(block) ? (size_t)len_bytes : sizeof(block);
		int rc = jota_io_pread_all(r->fd, block, take, offset_bytes, r->path, err);

		if (rc < 0)
			return rc;
		for (size_t i = 0; i < take; i++)
			if (block[i] != 0)
				return jota_fail(err, EBADMSG,
						 "'%s': byte 0x%02x %s, at offset %" PRIu64
						 "; expected only zeros there.",
						 r->path, block[i], what, offset_bytes + i);
		offset_bytes += take;
		len_bytes -= take;
	}
	return 0;
}

/* The name with its NUL and padding, as it stands behind the header at r->at_bytes. */
static int read_name(const struct reader *r, uint32_t name_bytes, char name[JOTA_SWU_NAME_BYTES],
		     struct jota_err *err)
{
	uint64_t at_bytes = r->at_bytes + HEADER_BYTES;
	int rc;

	if (name_bytes < 2 || name_bytes >= JOTA_SWU_NAME_BYTES)
		return jota_fail(err, EBADMSG,
				 "'%s': the header at offset %" PRIu64 " gives its name %" PRIu32
				 " bytes, expected 2 to %d.",
				 r->path, r->at_bytes, name_bytes, JOTA_SWU_NAME_BYTES - 1);
	rc = check_range(r, "the name", at_bytes,
			 name_bytes + jota_swu_padding(HEADER_BYTES + name_bytes), err);
	if (rc < 0)
		return rc;
	rc = jota_io_pread_all(r->fd, name, name_bytes, at_bytes, r->path, err);
	if (rc < 0)
		return rc;
	if (memchr(name, '\0', name_bytes) != name + name_bytes - 1)
		return jota_fail(err, EBADMSG,
				 "'%s': the name at offset %" PRIu64
				 " does not end where its header says.",
				 r->path, at_bytes);
	return check_zero(r, "in the padding of a name", at_bytes + name_bytes,
			  jota_swu_padding(HEADER_BYTES + name_bytes), err);
}

/* 1: a member, 0: the trailer; r->at_bytes goes on behind it. */
static int read_member(struct reader *r, struct jota_swu_member *ret, struct jota_err *err)
{
	char header[HEADER_BYTES];
	uint32_t field[FIELD_COUNT] = { 0 };
	int rc = check_range(r, "the next header", r->at_bytes, HEADER_BYTES, err);

	if (!rc)
		rc = jota_io_pread_all(r->fd, header, sizeof(header), r->at_bytes, r->path, err);
	if (!rc)
		rc = decode_header(r, header, field, &ret->has_check, err);
	if (!rc)
		rc = read_name(r, field[FIELD_NAME_BYTES], ret->name, err);
	if (rc < 0)
		return rc;
	ret->size_bytes = field[FIELD_SIZE];
	ret->check = field[FIELD_CHECK];
	ret->data_offset_bytes = r->at_bytes + HEADER_BYTES + field[FIELD_NAME_BYTES];
	ret->data_offset_bytes += jota_swu_padding(ret->data_offset_bytes);
	if (strcmp(ret->name, JOTA_SWU_TRAILER) == 0) {
		if (ret->size_bytes != 0)
			return jota_fail(err, EBADMSG,
					 "'%s': the trailer at offset %" PRIu64 " has content.",
					 r->path, r->at_bytes);
		r->at_bytes = ret->data_offset_bytes;
		return 0;
	}
	if (jota_swu_name_check(ret->name, err) < 0) {
		(void)jota_wrap(err, "'%s': member at offset %" PRIu64 ": ", r->path, r->at_bytes);
		if (err)
			err->errnum = EBADMSG;
		return -EBADMSG;
	}
	r->at_bytes = ret->data_offset_bytes + ret->size_bytes;
	rc = check_range(r, "the data", ret->data_offset_bytes,
			 ret->size_bytes + (uint64_t)jota_swu_padding(r->at_bytes), err);
	if (!rc)
		rc = check_zero(r, "in the padding of a member", r->at_bytes,
				jota_swu_padding(r->at_bytes), err);
	if (rc < 0)
		return jota_wrap(err, "member '%.80s': ", ret->name);
	r->at_bytes += jota_swu_padding(r->at_bytes);
	return 1;
}

static int check_member(const struct reader *r, const struct jota_swu_index *index,
			const struct jota_swu_member *member, struct jota_err *err)
{
	if (index->count == 0 && strcmp(member->name, JOTA_SWU_DESCRIPTION) != 0)
		return jota_fail(err, EBADMSG,
				 "'%s': the first member is '%.80s', expected " JOTA_SWU_DESCRIPTION
				 ".",
				 r->path, member->name);
	if (jota_swu_index_find(index, member->name))
		return jota_fail(err, EBADMSG, "'%s': the member '%.80s' is there twice.", r->path,
				 member->name);
	if (index->count == JOTA_SWU_MEMBERS_MAX)
		return jota_fail(err, EBADMSG, "'%s': more than %d members.", r->path,
				 JOTA_SWU_MEMBERS_MAX);
	return 0;
}

static int read_all(struct reader *r, struct jota_swu_index *index, struct jota_err *err)
{
	for (;;) {
		struct jota_swu_member *member = &index->member[index->count];
		struct jota_swu_member next;
		int rc = read_member(r, &next, err);

		if (rc < 0)
			return rc;
		if (rc == 0)
			break;
		rc = check_member(r, index, &next, err);
		if (rc < 0)
			return rc;
		*member = next;
		index->count++;
	}
	if (index->count == 0)
		return jota_fail(err, EBADMSG, "'%s': the archive is empty.", r->path);
	index->end_bytes = r->at_bytes;
	if (r->file_bytes - r->at_bytes > JOTA_SWU_TAIL_MAX)
		return jota_fail(err, EBADMSG,
				 "'%s': %" PRIu64
				 " bytes follow the end of the archive, at most %u zeros may.",
				 r->path, r->file_bytes - r->at_bytes, JOTA_SWU_TAIL_MAX);
	return check_zero(r, "behind the end of the archive", r->at_bytes,
			  r->file_bytes - r->at_bytes, err);
}

int jota_swu_index_read(int fd, const char *path, struct jota_swu_index *ret, struct jota_err *err)
{
	struct reader r = { .fd = fd, .path = path };
	struct jota_swu_index index = { 0 };
	off_t end = lseek(fd, 0, SEEK_END);
	int rc;

	if (end < 0)
		return jota_fail(err, errno, "'%s': find out its size", path);
	r.file_bytes = (uint64_t)end;
	index.member = calloc(JOTA_SWU_MEMBERS_MAX, sizeof(*index.member));
	if (!index.member)
		return jota_fail(err, ENOMEM, "'%s': read the list of members", path);
	rc = read_all(&r, &index, err);
	if (rc < 0) {
		jota_swu_index_done(&index);
		return rc;
	}
	*ret = index;
	return 0;
}

void jota_swu_index_done(struct jota_swu_index *index)
{
	free(index->member);
	*index = (struct jota_swu_index){ 0 };
}

const struct jota_swu_member *jota_swu_index_find(const struct jota_swu_index *index,
						  const char *name)
{
	for (size_t i = 0; i < index->count; i++)
		if (strcmp(index->member[i].name, name) == 0)
			return &index->member[i];
	return NULL;
}

static void encode_fields(const uint32_t field[FIELD_COUNT], uint8_t *buf)
{
	memcpy(buf, magic_crc, MAGIC_BYTES);
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		char digits[DIGITS + 1];

		(void)snprintf(digits, sizeof(digits), "%08" PRIX32, field[i]);
		memcpy(buf + MAGIC_BYTES + i * DIGITS, digits, DIGITS);
	}
}

int jota_swu_header_encode(const char *name, uint64_t size_bytes, uint32_t check, uint32_t mtime,
			   uint8_t *buf, size_t *ret_bytes, struct jota_err *err)
{
	bool trailer = strcmp(name, JOTA_SWU_TRAILER) == 0 && size_bytes == 0;
	size_t name_bytes = strlen(name) + 1, pad;

	if (!trailer && jota_swu_name_check(name, err) < 0)
		return jota_wrap(err, "member of a .swu: ");
	if (size_bytes > JOTA_SWU_MEMBER_MAX)
		return jota_fail(err, EFBIG,
				 "member '%.80s' has %" PRIu64
				 " bytes, the archive takes at most %" PRIu32
				 "; compress or split it.",
				 name, size_bytes, JOTA_SWU_MEMBER_MAX);
	/* A regular file of root, 0644; the trailer is no file. */
	encode_fields(
		(const uint32_t[FIELD_COUNT]){
			[FIELD_MODE] = trailer ? 0 : 0100644,
			[FIELD_NLINK] = 1,
			[FIELD_MTIME] = trailer ? 0 : mtime,
			[FIELD_SIZE] = (uint32_t)size_bytes,
			[FIELD_NAME_BYTES] = (uint32_t)name_bytes,
			[FIELD_CHECK] = check,
		},
		buf);
	memcpy(buf + HEADER_BYTES, name, name_bytes);
	pad = jota_swu_padding(HEADER_BYTES + name_bytes);
	memset(buf + HEADER_BYTES + name_bytes, 0, pad);
	*ret_bytes = HEADER_BYTES + name_bytes + pad;
	return 0;
}
