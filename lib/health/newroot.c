/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Which file system it is, and what both ways of reading share. */
#include "health/newroot.h"

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "health/newroot_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HEAD_BYTES 2048u

/* Source: linux include/uapi/linux/magic.h, fs/squashfs/squashfs_fs.h, fs/ext4/ext4.h. */
static const struct {
	const char *name;
	size_t at;
	uint32_t magic, mask;
} types[] = {
	{ "ext4", 1024 + 56, 0xef53, 0xffff },
	{ "squashfs", 0, 0x73717368, 0xffffffff },
	{ "erofs", 1024, 0xe0f5e1e2, 0xffffffff },
	{ "f2fs", 1024, 0xf2f52010, 0xffffffff },
};

static const char *find_type(const uint8_t head[HEAD_BYTES])
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((get_le32(head + types[i].at) & types[i].mask) == types[i].magic)
			return types[i].name;
	return NULL;
}

static int open_partition(struct jota_newroot *root, const char *path, int fd, struct jota_err *err)
{
	uint8_t head[HEAD_BYTES];
	off_t end = lseek(fd, 0, SEEK_END);
	const char *type;
	int r;

	if (end < 0)
		return jota_fail(err, errno, "find the size of '%s'", path);
	if ((uint64_t)end < sizeof(head))
		return jota_fail(err, EUCLEAN,
				 "'%s' has %" PRIu64 " bytes, which is no file system.", path,
				 (uint64_t)end);
	r = jota_io_pread_all(fd, head, sizeof(head), 0, path, err);
	if (r < 0)
		return r;
	type = find_type(head);
	if (!type)
		return jota_fail(err, EUCLEAN,
				 "'%s' holds no file system that is known here (ext2/3/4, squashfs, "
				 "erofs, f2fs).",
				 path);
	if (strcmp(type, "ext4") == 0)
		return jota_newroot_open_ext(root, path, fd, (uint64_t)end, err);
	return jota_newroot_open_mount(root, path, type, err);
}

static int fill(struct jota_newroot *root, const char *path, struct jota_err *err)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return jota_fail(err, errno, "open '%s'", path);
	if (S_ISDIR(st.st_mode)) {
		jota_newroot_open_dir(root, take_fd(&fd));
		return 0;
	}
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return jota_fail(err, EOPNOTSUPP,
				 "'%s' is no partition, no file with a file system and no "
				 "directory.",
				 path);
	return open_partition(root, path, fd, err);
}

int jota_newroot_open(const char *path, struct jota_newroot **ret, struct jota_err *err)
{
	struct jota_newroot *root = calloc(1, sizeof(*root));
	int r;

	if (!root)
		return jota_fail(err, ENOMEM, "open '%s'", path);
	root->dir_fd = -1;
	r = fill(root, path, err);
	if (r < 0) {
		free(root);
		return r;
	}
	*ret = root;
	return 0;
}

void jota_newroot_free(struct jota_newroot *root)
{
	if (!root)
		return;
	root->ops->close(root);
	free(root);
}

const char *jota_newroot_type(const struct jota_newroot *root)
{
	return root->type;
}

int jota_newroot_condition(const struct jota_newroot *root, struct jota_err *err)
{
	if (root->trouble[0] == '\0')
		return 0;
	return jota_fail(err, EUCLEAN, "its superblock says: %s.", root->trouble);
}

int jota_newroot_stat(const struct jota_newroot *root, const char *path, bool follow,
		      struct jota_newroot_node *ret, struct jota_err *err)
{
	return root->ops->stat(root, path, follow, ret, err);
}

int jota_newroot_link(const struct jota_newroot *root, const char *path, char *buf,
		      size_t buf_bytes, struct jota_err *err)
{
	return root->ops->link(root, path, buf, buf_bytes, err);
}

int jota_newroot_read(const struct jota_newroot *root, const char *path, uint64_t offset_bytes,
		      void *buf, size_t len_bytes, size_t *ret_bytes, struct jota_err *err)
{
	return root->ops->read(root, path, offset_bytes, buf, len_bytes, ret_bytes, err);
}

int jota_newroot_text(const struct jota_newroot *root, const char *path, size_t max_bytes,
		      char **ret, struct jota_err *err)
{
	CLEANUP_FREE char *text = malloc(max_bytes + 1);
	size_t len = 0;
	int r;

	if (!text)
		return jota_fail(err, ENOMEM, "read '%s'", path);
	/* One byte more than allowed tells a file that is too large. */
	r = root->ops->read(root, path, 0, text, max_bytes + 1, &len, err);
	if (r < 0)
		return r;
	if (len > max_bytes)
		return jota_fail(err, EFBIG, "'%s' has more than %zu bytes.", path, max_bytes);
	text[len] = '\0';
	if (strlen(text) != len)
		return jota_fail(err, EINVAL, "'%s' is no text file: NUL byte at %zu.", path,
				 strlen(text));
	*ret = take_ptr(&text);
	return 0;
}

int jota_newroot_each(const struct jota_newroot *root, const char *path,
		      int (*fn)(void *ctx, const char *name), void *ctx, struct jota_err *err)
{
	return root->ops->each(root, path, fn, ctx, err);
}
