/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE
#include "health/new_kernel.h"

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "health/newroot.h"
#include "write/bootimg.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#define CHUNK_BYTES ((size_t)256 * 1024)
#define UNPACKED_BYTES_MAX (UINT64_C(256) << 20)
#define GZIP_WINDOW_BITS (15 + 16)
/* Linux, arch/arm64/include/asm/image.h and drivers/firmware/efi/libstub/zboot-header.S. */
#define HEADER_BYTES 64u
#define ARM64_MAGIC_AT 56u
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

static bool search_window(struct jota_banner *banner, size_t bytes)
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
		if (search_window(banner, bytes))
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

/* One pass over the kernel, which is part of a boot image or a file of a tree. */
struct pass {
	const char *path;
	int fd;
	const struct jota_newroot *root; /* then there is no fd */
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

static int read_at(const struct pass *p, void *buf, size_t bytes, struct jota_err *err)
{
	size_t got = 0;
	int r;

	if (!p->root)
		return jota_io_pread_all(p->fd, buf, bytes, p->at_bytes, p->path, err);
	r = jota_newroot_read(p->root, p->path, p->at_bytes, buf, bytes, &got, err);
	if (r == 0 && got != bytes)
		r = jota_fail(err, EBADMSG, "'%.160s' of the new root ends before its size.",
			      p->path);
	return r;
}

/* Bytes of the next piece, 0 at the end. */
static int next_piece(struct pass *p, size_t *ret_bytes, struct jota_err *err)
{
	size_t bytes = p->left_bytes < CHUNK_BYTES ? (size_t)p->left_bytes : CHUNK_BYTES;
	int r = bytes ? read_at(p, p->in, bytes, err) : 0;

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

/* The kernel that an EFI zboot program carries: "gzip" at 24, its place at 8, its size at 12. */
static int search_zboot(struct pass *p, const uint8_t header[HEADER_BYTES], struct jota_err *err)
{
	uint64_t at = get_le32(header + 8), bytes = get_le32(header + 12);

	if (memcmp(header + 24, "gzip", 5) != 0)
		return jota_fail(err, EOPNOTSUPP,
				 "the kernel in '%s' unpacks itself with something else than gzip, "
				 "which is not read here.",
				 p->path);
	if (at > p->left_bytes || bytes > p->left_bytes - at)
		return jota_fail(err, EBADMSG,
				 "the packed kernel in '%s' reaches beyond the file's end.",
				 p->path);
	p->at_bytes += at;
	p->left_bytes = bytes;
	return search_gzip(p, err);
}

static int search_kernel(struct pass *p, struct jota_err *err)
{
	uint8_t head[HEADER_BYTES] = { 0 };
	size_t bytes = p->left_bytes < sizeof(head) ? (size_t)p->left_bytes : sizeof(head);
	int r = read_at(p, head, bytes, err);

	if (r < 0)
		return r;
	if (head[0] == 0x1f && head[1] == 0x8b)
		return search_gzip(p, err);
	if (memcmp(head, "\x02\x21\x4c\x18", 4) == 0 || memcmp(head, "\x04\x22\x4d\x18", 4) == 0)
		return jota_fail(err, EOPNOTSUPP,
				 "the kernel in '%s' is packed with lz4, which is not read here.",
				 p->path);
	if (memcmp(head, "MZ", 2) == 0 && memcmp(head + 4, "zimg", 4) == 0)
		return search_zboot(p, head, err);
	/* That of a boot image was looked at with its header. */
	if (p->root && memcmp(head + ARM64_MAGIC_AT, "ARM\x64", 4) != 0)
		return jota_fail(err, EBADMSG, "'%.160s' of the new root is no arm64 kernel.",
				 p->path);
	return search_plain(p, err);
}

static int search(struct pass *p, char ret[JOTA_KERNEL_RELEASE_BYTES], struct jota_err *err)
{
	CLEANUP_FREE uint8_t *in = malloc(CHUNK_BYTES), *out = malloc(CHUNK_BYTES);
	CLEANUP_FREE struct jota_banner *banner = calloc(1, sizeof(*banner));
	int r;

	if (!in || !out || !banner)
		return jota_fail(err, ENOMEM, "read the kernel in '%s'", p->path);
	p->in = in;
	p->out = out;
	p->banner = banner;
	r = search_kernel(p, err);
	if (r == 0)
		memcpy(ret, banner->release, sizeof(banner->release));
	return r;
}

int jota_new_kernel_release(const char *path, char ret[JOTA_KERNEL_RELEASE_BYTES],
			    struct jota_err *err)
{
	struct jota_bootimg header = { 0 };
	CLEANUP_FD int fd = open_header(path, &header, err);
	struct pass pass = { .path = path,
			     .fd = fd,
			     .at_bytes = header.page_size_bytes,
			     .left_bytes = header.kernel_size_bytes };

	return fd < 0 ? fd : search(&pass, ret, err);
}

int jota_new_root_kernel_release(const struct jota_newroot *root, const char *path,
				 char ret[JOTA_KERNEL_RELEASE_BYTES], struct jota_err *err)
{
	struct jota_newroot_node node;
	struct pass pass = { .path = path, .fd = -1, .root = root };
	int r = jota_newroot_stat(root, path, true, &node, err);

	if (r < 0)
		return r;
	if (!S_ISREG(node.mode))
		return jota_fail(err, EINVAL, "'%.160s' of the new root is no regular file.", path);
	pass.left_bytes = node.size_bytes < UNPACKED_BYTES_MAX ? node.size_bytes :
								 UNPACKED_BYTES_MAX;
	return search(&pass, ret, err);
}
