/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE
#include "health/new_kernel.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "write/bootimg.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define CHUNK_BYTES ((size_t)256 * 1024)
#define UNPACKED_BYTES_MAX (UINT64_C(256) << 20)
#define GZIP_WINDOW_BITS (15 + 16)
#define MARK "Linux version "
#define MARK_BYTES (sizeof(MARK) - 1)

/* The word must look like a release: the kernel also has format strings that begin so. */
static bool take_release(struct jota_banner *banner, const char *at, size_t left)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._+~-";
	size_t len = 0;

	while (len < left && at[len] != '\0' && strchr(letters, at[len]))
		len++;
	if (len < 3 || len >= left || len >= sizeof(banner->release) || at[len] != ' ' ||
	    at[0] < '0' || at[0] > '9')
		return false;
	memcpy(banner->release, at, len);
	banner->release[len] = '\0';
	return true;
}

static bool search(struct jota_banner *banner, size_t bytes)
{
	const char *at = banner->window, *end = banner->window + bytes;

	while ((at = memmem(at, (size_t)(end - at), MARK, MARK_BYTES)) != NULL) {
		at += MARK_BYTES;
		if (take_release(banner, at, (size_t)(end - at)))
			return true;
	}
	return false;
}

int jota_banner_feed(struct jota_banner *banner, const uint8_t *data, size_t len_bytes)
{
	/* What may be the begin of a match that goes on in the next piece. */
	const size_t keep = MARK_BYTES + JOTA_KERNEL_RELEASE_BYTES;

	while (len_bytes > 0) {
		size_t room = sizeof(banner->window) - banner->carried;
		size_t take = len_bytes < room ? len_bytes : room;
		size_t bytes = banner->carried + take;

		memcpy(banner->window + banner->carried, data, take);
		data += take;
		len_bytes -= take;
		if (search(banner, bytes))
			return 1;
		banner->carried = bytes < keep ? bytes : keep;
		memmove(banner->window, banner->window + bytes - banner->carried, banner->carried);
	}
	return 0;
}

static int open_header(const char *path, struct jota_bootimg *ret, struct jota_err *err)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	CLEANUP_FREE uint8_t *head = malloc(JOTA_BOOTIMG_PREFIX_BYTES);
	off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	size_t bytes;
	int r;

	if (end < 0)
		return jota_fail(err, errno, "open the boot image in '%s'", path);
	if (!head)
		return jota_fail(err, ENOMEM, "read '%s'", path);
	bytes = (uint64_t)end < JOTA_BOOTIMG_PREFIX_BYTES ? (size_t)end : JOTA_BOOTIMG_PREFIX_BYTES;
	r = jota_io_pread_all(fd, head, bytes, 0, path, err);
	if (r == 0)
		r = jota_bootimg_parse(head, bytes, (uint64_t)end, ret, err);
	return r < 0 ? r : take_fd(&fd);
}

int jota_new_kernel_header(const char *path, struct jota_bootimg *ret, struct jota_err *err)
{
	int fd = open_header(path, ret, err);

	return fd < 0 ? fd : close(fd) < 0 ? jota_fail(err, errno, "close '%s'", path) : 0;
}

/* One pass over the kernel. */
struct pass {
	const char *path;
	int fd;
	uint64_t at_bytes, left_bytes;
	uint8_t *in, *out;
	struct jota_banner *banner;
};

static int fail_banner(const struct pass *p, struct jota_err *err)
{
	return jota_fail(err, ENOENT,
			 "the kernel in '%s' does not tell its release: no '" MARK "' in it.",
			 p->path);
}

/* Bytes of the next piece, 0 at the end. */
static int next_piece(struct pass *p, size_t *ret_bytes, struct jota_err *err)
{
	size_t bytes = p->left_bytes < CHUNK_BYTES ? (size_t)p->left_bytes : CHUNK_BYTES;
	int r = bytes ? jota_io_pread_all(p->fd, p->in, bytes, p->at_bytes, p->path, err) : 0;

	p->at_bytes += bytes;
	p->left_bytes -= bytes;
	*ret_bytes = bytes;
	return r;
}

static int search_plain(struct pass *p, struct jota_err *err)
{
	size_t bytes = 0;

	for (;;) {
		int r = next_piece(p, &bytes, err);

		if (r < 0)
			return r;
		if (bytes == 0)
			return fail_banner(p, err);
		if (jota_banner_feed(p->banner, p->in, bytes))
			return 0;
	}
}

/* 1 found, 0 more input is needed, -errno. */
static int unpack_piece(struct pass *p, z_stream *z, uint64_t *unpacked_bytes, struct jota_err *err)
{
	int code;

	do {
		size_t got;

		z->next_out = p->out;
		z->avail_out = CHUNK_BYTES;
		code = inflate(z, Z_NO_FLUSH);
		got = CHUNK_BYTES - z->avail_out;
		*unpacked_bytes += got;
		if (jota_banner_feed(p->banner, p->out, got))
			return 1;
		if (code == Z_STREAM_END || *unpacked_bytes > UNPACKED_BYTES_MAX)
			return fail_banner(p, err);
		if (code != Z_OK && code != Z_BUF_ERROR)
			return jota_fail(err, EBADMSG, "the packed kernel in '%s' is damaged: %s.",
					 p->path, z->msg ? z->msg : "zlib gives no reason");
	} while (z->avail_out == 0);
	return 0;
}

static int search_gzip(struct pass *p, struct jota_err *err)
{
	z_stream z = { 0 };
	uint64_t unpacked_bytes = 0;
	size_t bytes = 0;
	int r;

	if (inflateInit2(&z, GZIP_WINDOW_BITS) != Z_OK)
		return jota_fail(err, ENOMEM, "unpack the kernel in '%s'", p->path);
	do {
		r = next_piece(p, &bytes, err);
		if (r == 0 && bytes == 0)
			r = jota_fail(err, EBADMSG, "the packed kernel in '%s' has no end.",
				      p->path);
		z.next_in = p->in;
		z.avail_in = (uInt)bytes;
		if (r == 0)
			r = unpack_piece(p, &z, &unpacked_bytes, err);
	} while (r == 0);
	(void)inflateEnd(&z);
	return r < 0 ? r : 0;
}

static int search_kernel(struct pass *p, struct jota_err *err)
{
	uint8_t magic[4];
	int r = jota_io_pread_all(p->fd, magic, sizeof(magic), p->at_bytes, p->path, err);

	if (r < 0)
		return r;
	if (magic[0] == 0x1f && magic[1] == 0x8b)
		return search_gzip(p, err);
	if (memcmp(magic, "\x02\x21\x4c\x18", 4) == 0 || memcmp(magic, "\x04\x22\x4d\x18", 4) == 0)
		return jota_fail(err, EOPNOTSUPP,
				 "the kernel in '%s' is packed with lz4, which is not read here.",
				 p->path);
	return search_plain(p, err);
}

int jota_new_kernel_release(const char *path, char ret[JOTA_KERNEL_RELEASE_BYTES],
			    struct jota_err *err)
{
	CLEANUP_FREE uint8_t *in = malloc(CHUNK_BYTES), *out = malloc(CHUNK_BYTES);
	CLEANUP_FREE struct jota_banner *banner = calloc(1, sizeof(*banner));
	CLEANUP_FD int fd = -1;
	struct jota_bootimg header = { 0 };
	int r;

	if (!in || !out || !banner)
		return jota_fail(err, ENOMEM, "read the kernel in '%s'", path);
	fd = open_header(path, &header, err);
	if (fd < 0)
		return fd;
	struct pass pass = { .path = path,
			     .fd = fd,
			     .at_bytes = header.page_size_bytes,
			     .left_bytes = header.kernel_size_bytes,
			     .in = in,
			     .out = out,
			     .banner = banner };
	r = search_kernel(&pass, err);
	if (r == 0)
		memcpy(ret, banner->release, sizeof(banner->release));
	return r;
}
