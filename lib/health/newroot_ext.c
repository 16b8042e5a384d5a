/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * ext2, ext3, ext4 by libext2fs. Paths are walked here, name by name: what ".." or a symbolic link says is never left to the disk.
 * The geometry is compared with the partition before libext2fs sizes its tables by it.
 *
 * superblock, at 1024 of the partition: s_inodes_count 0, s_blocks_count_lo 4, s_log_block_size 24, s_blocks_per_group 32,
 * s_inodes_per_group 40, s_state 58, s_rev_level 76, s_feature_incompat 96, s_blocks_count_hi 336.
 * Source: linux Documentation/filesystems/ext4/super.rst.
 */
#include "health/newroot_ops.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/io.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <et/com_err.h>
#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>

#define SUPERBLOCK_AT 1024u
#define SUPERBLOCK_BYTES 1024u
#define LOG_BLOCK_MAX 6u
#define GROUP_BLOCKS_MIN 256u
#define INCOMPAT_RECOVER 0x0004u
#define INCOMPAT_64BIT 0x0080u
#define STATE_VALID 0x0001u
#define STATE_ERROR 0x0002u
#define LINKS_MAX 40u
#define DEPTH_MAX 64u
#define NAME_BYTES_MAX 255u

static int fail_ext(errcode_t code, struct jota_err *err, const char *what, const char *path)
{
	if (code == EXT2_ET_FILE_NOT_FOUND)
		return jota_fail(err, ENOENT, "'%.160s' is not in the new root file system.", path);
	if (code == EXT2_ET_NO_DIRECTORY)
		return jota_fail(err, ENOTDIR, "'%.160s' is no directory of the new root.", path);
	if (code == EXT2_ET_NO_MEMORY)
		return jota_fail(err, ENOMEM, "%s '%.160s' of the new root", what, path);
	return jota_fail(err, EUCLEAN, "%s '%.160s' of the new root: %s.", what, path,
			 error_message(code));
}

static int check_geometry(const uint8_t *sb, uint64_t size_bytes, const char *path,
			  struct jota_err *err)
{
	uint32_t log_block = get_le32(sb + 24), group_blocks = get_le32(sb + 32);
	uint32_t incompat = get_le32(sb + 96);
	uint64_t blocks = get_le32(sb + 4), need_bytes;

	if (incompat & INCOMPAT_64BIT)
		blocks |= (uint64_t)get_le32(sb + 336) << 32;
	if (log_block > LOG_BLOCK_MAX || group_blocks < GROUP_BLOCKS_MIN ||
	    get_le32(sb + 40) == 0 || blocks == 0)
		return jota_fail(err, EUCLEAN,
				 "the superblock of '%s' is damaged (block size 2^%" PRIu32
				 ", %" PRIu32 " blocks a group).",
				 path, log_block + 10, group_blocks);
	if (__builtin_mul_overflow(blocks, UINT64_C(1024) << log_block, &need_bytes) ||
	    need_bytes > size_bytes)
		return jota_fail(err, EUCLEAN,
				 "the file system in '%s' has %" PRIu64
				 " blocks of %u bytes, more than the %" PRIu64
				 " bytes that are there.",
				 path, blocks, 1024u << log_block, size_bytes);
	return 0;
}

static void note_condition(struct jota_newroot *root, const uint8_t *sb)
{
	uint16_t state = get_le16(sb + 58);
	const char *trouble = "";

	if (state & STATE_ERROR)
		trouble = "it has errors";
	else if (!(state & STATE_VALID))
		trouble = "it was not unmounted";
	else if (get_le32(sb + 96) & INCOMPAT_RECOVER)
		trouble = "its journal waits to be replayed, so the image was taken from a mounted "
			  "file system";
	(void)snprintf(root->trouble, sizeof(root->trouble), "%s", trouble);
}

/* A walk through the tree: the folders above, the inode at hand. */
struct walk {
	ext2_filsys fs;
	const char *path; /* as asked for, for messages */
	ext2_ino_t stack[DEPTH_MAX];
	size_t depth; /* stack[depth] is where we are */
	unsigned links;
	char rest[PATH_MAX];
};

static int read_link(ext2_filsys fs, ext2_ino_t ino, struct ext2_inode *inode, const char *path,
		     char *buf, size_t buf_bytes, struct jota_err *err)
{
	ext2_file_t file = NULL;
	unsigned got = 0;
	errcode_t code;

	if (inode->i_size == 0 || EXT2_I_SIZE(inode) >= buf_bytes)
		return jota_fail(err, ENAMETOOLONG,
				 "the symbolic link '%.160s' of the new root has %" PRIu64 " bytes.",
				 path, (uint64_t)EXT2_I_SIZE(inode));
	if (ext2fs_is_fast_symlink(inode)) {
		if (inode->i_size >= sizeof(inode->i_block))
			return fail_ext(EXT2_ET_SYMLINK_LOOP, err, "read link", path);
		memcpy(buf, inode->i_block, inode->i_size);
		got = inode->i_size;
	} else {
		code = ext2fs_file_open2(fs, ino, inode, 0, &file);
		if (!code)
			code = ext2fs_file_read(file, buf, inode->i_size, &got);
		if (file)
			(void)ext2fs_file_close(file);
		if (code)
			return fail_ext(code, err, "read link", path);
	}
	buf[got] = '\0';
	return 0;
}

/* The rest of the way becomes the link's target and what followed the link. */
static int take_link(struct walk *w, ext2_ino_t ino, struct ext2_inode *inode, const char *behind,
		     struct jota_err *err)
{
	char target[PATH_MAX], joined[PATH_MAX];
	int r, n;

	if (++w->links > LINKS_MAX)
		return jota_fail(err, ELOOP,
				 "'%.160s' of the new root: more than %u symbolic links.", w->path,
				 LINKS_MAX);
	r = read_link(w->fs, ino, inode, w->path, target, sizeof(target), err);
	if (r < 0)
		return r;
	n = snprintf(joined, sizeof(joined), "%s/%s", target, behind);
	if (n < 0 || (size_t)n >= sizeof(joined))
		return jota_fail(err, ENAMETOOLONG, "'%.160s' of the new root, its links resolved",
				 w->path);
	if (target[0] == '/')
		w->depth = 0;
	memcpy(w->rest, joined, (size_t)n + 1);
	return 0;
}

static int step(struct walk *w, const char *name, const char *behind, bool follow,
		struct jota_err *err)
{
	struct ext2_inode inode;
	ext2_ino_t ino = 0;
	errcode_t code =
		ext2fs_lookup(w->fs, w->stack[w->depth], name, (int)strlen(name), NULL, &ino);

	if (!code)
		code = ext2fs_read_inode(w->fs, ino, &inode);
	if (code)
		return fail_ext(code, err, "find", w->path);
	if (S_ISLNK(inode.i_mode) && (follow || behind[strspn(behind, "/")] != '\0'))
		return take_link(w, ino, &inode, behind, err);
	if (w->depth + 1 == DEPTH_MAX)
		return jota_fail(err, ELOOP,
				 "'%.160s' of the new root is more than %u folders deep.", w->path,
				 DEPTH_MAX);
	w->stack[++w->depth] = ino;
	memmove(w->rest, behind, strlen(behind) + 1);
	return 0;
}

static int next_name(struct walk *w, char name[NAME_BYTES_MAX + 1], const char **ret_behind,
		     struct jota_err *err)
{
	const char *at = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(at, "/");

	if (len > NAME_BYTES_MAX)
		return jota_fail(err, ENAMETOOLONG, "'%.160s' of the new root", w->path);
	memcpy(name, at, len);
	name[len] = '\0';
	*ret_behind = at + len;
	return len > 0;
}

static int find(const struct jota_newroot *root, const char *path, bool follow, ext2_ino_t *ret_ino,
		struct ext2_inode *ret_inode, struct jota_err *err)
{
	struct walk w = { .fs = root->ext, .path = path, .stack = { EXT2_ROOT_INO } };
	char name[NAME_BYTES_MAX + 1];
	const char *behind = "";
	errcode_t code;
	int r, n = snprintf(w.rest, sizeof(w.rest), "%s", path);

	if (n < 0 || (size_t)n >= sizeof(w.rest))
		return jota_fail(err, ENAMETOOLONG, "'%.160s' of the new root", path);
	while ((r = next_name(&w, name, &behind, err)) > 0) {
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
			w.depth -= name[1] == '.' && w.depth > 0;
			memmove(w.rest, behind, strlen(behind) + 1);
			continue;
		}
		r = step(&w, name, behind, follow, err);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	code = ext2fs_read_inode(w.fs, w.stack[w.depth], ret_inode);
	*ret_ino = w.stack[w.depth];
	return code ? fail_ext(code, err, "look at", path) : 0;
}

static int ext_stat(const struct jota_newroot *root, const char *path, bool follow,
		    struct jota_newroot_node *ret, struct jota_err *err)
{
	struct ext2_inode inode;
	ext2_ino_t ino;
	int r = find(root, path, follow, &ino, &inode, err);

	if (r == 0)
		*ret = (struct jota_newroot_node){ .mode = inode.i_mode,
						   .uid = inode_uid(inode),
						   .size_bytes = EXT2_I_SIZE(&inode) };
	return r;
}

static int ext_link(const struct jota_newroot *root, const char *path, char *buf, size_t buf_bytes,
		    struct jota_err *err)
{
	struct ext2_inode inode;
	ext2_ino_t ino;
	int r = find(root, path, false, &ino, &inode, err);

	if (r < 0)
		return r;
	if (!S_ISLNK(inode.i_mode))
		return jota_fail(err, EINVAL, "'%.160s' of the new root is no symbolic link.", path);
	return read_link(root->ext, ino, &inode, path, buf, buf_bytes, err);
}

static int ext_read(const struct jota_newroot *root, const char *path, uint64_t offset_bytes,
		    void *buf, size_t len_bytes, size_t *ret_bytes, struct jota_err *err)
{
	struct ext2_inode inode;
	ext2_file_t file = NULL;
	ext2_ino_t ino;
	unsigned got = 0;
	errcode_t code;
	int r = find(root, path, true, &ino, &inode, err);

	if (r < 0)
		return r;
	if (!S_ISREG(inode.i_mode))
		return jota_fail(err, EINVAL, "'%.160s' of the new root is no regular file.", path);
	if (len_bytes > INT_MAX)
		return jota_fail(err, EFBIG, "read '%.160s'", path);
	code = ext2fs_file_open2(root->ext, ino, &inode, 0, &file);
	if (!code)
		code = ext2fs_file_llseek(file, offset_bytes, EXT2_SEEK_SET, NULL);
	if (!code && offset_bytes < EXT2_I_SIZE(&inode))
		code = ext2fs_file_read(file, buf, (unsigned)len_bytes, &got);
	if (file)
		(void)ext2fs_file_close(file);
	if (code)
		return fail_ext(code, err, "read", path);
	*ret_bytes = got;
	return 0;
}

struct listing {
	int (*fn)(void *ctx, const char *name);
	void *ctx;
	unsigned count;
	int result;
};

static int list_entry(struct ext2_dir_entry *entry, int offset, int block_bytes, char *buf,
		      void *ctx)
{
	struct listing *list = ctx;
	char name[NAME_BYTES_MAX + 1];
	int len = ext2fs_dirent_name_len(entry);

	(void)offset;
	(void)block_bytes;
	(void)buf;
	if (len <= 0 || (unsigned)len > NAME_BYTES_MAX)
		return 0;
	memcpy(name, entry->name, (size_t)len);
	name[len] = '\0';
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	list->result = ++list->count > JOTA_NEWROOT_NAMES_MAX ? -E2BIG : list->fn(list->ctx, name);
	return list->result ? DIRENT_ABORT : 0;
}

static int ext_each(const struct jota_newroot *root, const char *path,
		    int (*fn)(void *ctx, const char *name), void *ctx, struct jota_err *err)
{
	struct listing list = { .fn = fn, .ctx = ctx };
	struct ext2_inode inode;
	ext2_ino_t ino;
	errcode_t code;
	int r = find(root, path, true, &ino, &inode, err);

	if (r < 0)
		return r;
	code = S_ISDIR(inode.i_mode) ?
		       ext2fs_dir_iterate(root->ext, ino, 0, NULL, list_entry, &list) :
		       EXT2_ET_NO_DIRECTORY;
	if (code)
		return fail_ext(code, err, "list", path);
	if (list.result == -E2BIG)
		return jota_fail(err, E2BIG, "'%.160s' of the new root has more than %u names.",
				 path, JOTA_NEWROOT_NAMES_MAX);
	return list.result;
}

static void ext_close(struct jota_newroot *root)
{
	ext2_filsys fs = root->ext;

	(void)ext2fs_close_free(&fs);
}

static const struct jota_newroot_ops ext_ops = {
	.stat = ext_stat, .link = ext_link, .read = ext_read, .each = ext_each, .close = ext_close
};

int jota_newroot_open_ext(struct jota_newroot *root, const char *path, int fd, uint64_t size_bytes,
			  struct jota_err *err)
{
	uint8_t sb[SUPERBLOCK_BYTES];
	ext2_filsys fs = NULL;
	errcode_t code;
	int r = jota_io_pread_all(fd, sb, sizeof(sb), SUPERBLOCK_AT, path, err);

	if (r == 0)
		r = check_geometry(sb, size_bytes, path, err);
	if (r < 0)
		return r;
	initialize_ext2_error_table();
	code = ext2fs_open(path, EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs);
	if (code) {
		if (fs)
			(void)ext2fs_close_free(&fs);
		return jota_fail(err, EUCLEAN, "the file system in '%s' cannot be opened: %s.",
				 path, error_message(code));
	}
	note_condition(root, sb);
	root->ext = fs;
	root->type = "ext4";
	root->ops = &ext_ops;
	return 0;
}
