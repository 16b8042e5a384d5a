/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/rootfs_ext4.h"

#include "base/err.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <et/com_err.h>
#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>

#define NAME_BYTES_MAX 255u
#define TIME_MAX_S 0x37fffffffLL /* what 34 bits hold */

struct jota_ext4 {
	ext2_filsys fs;
	int64_t now_s;
};

struct jota_ext4_file {
	struct jota_ext4 *fs;
	ext2_ino_t ino;
	ext2_file_t file;
	uint64_t size_bytes;
	struct jota_ext4_meta meta;
};

static int fail_ext4(errcode_t code, struct jota_err *err, const char *what, const char *path)
{
	if (code == EXT2_ET_BLOCK_ALLOC_FAIL || code == ENOSPC)
		return jota_fail(err, ENOSPC,
				 "'%s' does not fit any more: no block is left, image_size is too "
				 "small.",
				 path);
	if (code == EXT2_ET_INODE_ALLOC_FAIL)
		return jota_fail(err, ENOSPC,
				 "'%s' does not fit any more: no inode is left, image_size is too "
				 "small for so many files.",
				 path);
	return jota_fail(err, EIO, "%s '%s' in the ext4 image: %s.", what, path,
			 error_message(code));
}

int jota_ext4_open(const char *path, int64_t now_s, struct jota_ext4 **ret, struct jota_err *err)
{
	struct jota_ext4 *fs = calloc(1, sizeof(*fs));
	errcode_t code;

	if (!fs)
		return jota_fail(err, ENOMEM, "open the ext4 image");
	initialize_ext2_error_table();
	fs->now_s = now_s;
	code = ext2fs_open(path, EXT2_FLAG_RW | EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs->fs);
	if (code == 0) {
		fs->fs->now = (time_t)now_s;
		code = ext2fs_read_bitmaps(fs->fs);
	}
	if (code != 0) {
		(void)ext2fs_close_free(&fs->fs);
		free(fs);
		return fail_ext4(code, err, "open", path);
	}
	*ret = fs;
	return 0;
}

int jota_ext4_close(struct jota_ext4 *fs, struct jota_err *err)
{
	errcode_t code;

	if (!fs)
		return 0;
	code = ext2fs_close_free(&fs->fs);
	free(fs);
	return code ? fail_ext4(code, err, "finish", "/") : 0;
}

/* Seconds beyond 2038 need two bits of the field with the nanoseconds. */
static void put_time(uint32_t *low, uint32_t *extra, int64_t s, uint32_t ns)
{
	if (s < 0)
		s = 0;
	if (s > TIME_MAX_S)
		s = TIME_MAX_S;
	*low = (uint32_t)s;
	/* The low half is signed: from 2038 on a bit of the epoch makes up for it. */
	*extra = (ns << 2) | (uint32_t)(((s + INT64_C(0x80000000)) >> 32) & 3);
}

static int put_meta(struct jota_ext4 *fs, ext2_ino_t ino, const struct jota_ext4_meta *meta,
		    const char *path, struct jota_err *err)
{
	struct ext2_inode_large inode;
	errcode_t code = ext2fs_read_inode_full(fs->fs, ino, (struct ext2_inode *)(void *)&inode,
						sizeof(inode));

	if (code)
		return fail_ext4(code, err, "look at", path);
	inode.i_mode = (uint16_t)((inode.i_mode & S_IFMT) | (meta->mode & 07777));
	inode.i_uid = (uint16_t)meta->uid;
	inode.osd2.linux2.l_i_uid_high = (uint16_t)(meta->uid >> 16);
	inode.i_gid = (uint16_t)meta->gid;
	inode.osd2.linux2.l_i_gid_high = (uint16_t)(meta->gid >> 16);
	put_time(&inode.i_mtime, &inode.i_mtime_extra, meta->mtime_s, meta->mtime_ns);
	inode.i_atime = inode.i_ctime = inode.i_crtime = inode.i_mtime;
	inode.i_atime_extra = inode.i_ctime_extra = inode.i_crtime_extra = inode.i_mtime_extra;
	code = ext2fs_write_inode_full(fs->fs, ino, (struct ext2_inode *)(void *)&inode,
				       sizeof(inode));
	return code ? fail_ext4(code, err, "settle", path) : 0;
}

static int check_folder(struct jota_ext4 *fs, ext2_ino_t ino, const char *path, struct jota_err *err)
{
	struct ext2_inode inode;
	errcode_t code = ext2fs_read_inode(fs->fs, ino, &inode);

	if (code)
		return fail_ext4(code, err, "look at", path);
	if (S_ISDIR(inode.i_mode))
		return 0;
	return jota_fail(err, ENOTDIR, "'%s' is below something that is no folder.", path);
}

/* A folder that is full grows by a block. */
static errcode_t link_name(struct jota_ext4 *fs, ext2_ino_t folder, const char *name,
			   ext2_ino_t ino, int type)
{
	errcode_t code = ext2fs_link(fs->fs, folder, name, ino, type);

	if (code != EXT2_ET_DIR_NO_SPACE)
		return code;
	code = ext2fs_expand_dir(fs->fs, folder);
	return code ? code : ext2fs_link(fs->fs, folder, name, ino, type);
}

static errcode_t make_folder(struct jota_ext4 *fs, ext2_ino_t folder, const char *name,
			     ext2_ino_t *ret)
{
	errcode_t code = ext2fs_new_inode(fs->fs, folder, LINUX_S_IFDIR | 0755, NULL, ret);

	if (code)
		return code;
	code = ext2fs_mkdir(fs->fs, folder, *ret, name);
	if (code != EXT2_ET_DIR_NO_SPACE)
		return code;
	code = ext2fs_expand_dir(fs->fs, folder);
	return code ? code : ext2fs_mkdir(fs->fs, folder, *ret, name);
}

/* Go down one folder, which is made when it is missing. */
static int enter(struct jota_ext4 *fs, const char *path, const char *name, ext2_ino_t *at,
		 struct jota_err *err)
{
	struct jota_ext4_meta meta = { .mode = 0755, .mtime_s = fs->now_s };
	ext2_ino_t next = 0;
	errcode_t code = ext2fs_lookup(fs->fs, *at, name, (int)strlen(name), NULL, &next);

	if (code == EXT2_ET_FILE_NOT_FOUND) {
		code = make_folder(fs, *at, name, &next);
		if (!code && put_meta(fs, next, &meta, path, err) < 0)
			return -err->errnum;
	}
	if (code)
		return fail_ext4(code, err, "enter", path);
	*at = next;
	return check_folder(fs, next, path, err);
}

/* Folder and last name of a path. */
static int find_place(struct jota_ext4 *fs, const char *path, ext2_ino_t *ret_folder,
		      const char **ret_name, struct jota_err *err)
{
	char name[NAME_BYTES_MAX + 1];
	ext2_ino_t at = EXT2_ROOT_INO;
	const char *slash;

	while ((slash = strchr(path, '/')) != NULL) {
		size_t len = (size_t)(slash - path);
		int rc;

		if (len > NAME_BYTES_MAX)
			return jota_fail(err, ENAMETOOLONG, "'%.80s'", path);
		memcpy(name, path, len);
		name[len] = '\0';
		rc = enter(fs, path, name, &at, err);
		if (rc < 0)
			return rc;
		path = slash + 1;
	}
	if (strlen(path) > NAME_BYTES_MAX)
		return jota_fail(err, ENAMETOOLONG, "'%.80s'", path);
	*ret_folder = at;
	*ret_name = path;
	return 0;
}

/* The same, for something that must not be there yet. */
static int find_free(struct jota_ext4 *fs, const char *path, ext2_ino_t *ret_folder,
		     const char **ret_name, struct jota_err *err)
{
	ext2_ino_t there;
	int rc = find_place(fs, path, ret_folder, ret_name, err);
	errcode_t code;

	if (rc < 0)
		return rc;
	code = ext2fs_lookup(fs->fs, *ret_folder, *ret_name, (int)strlen(*ret_name), NULL, &there);
	if (code == 0)
		return jota_fail(err, EEXIST, "'%s' is in the archive twice.", path);
	return code == EXT2_ET_FILE_NOT_FOUND ? 0 : fail_ext4(code, err, "look for", path);
}

int jota_ext4_add_folder(struct jota_ext4 *fs, const char *path, const struct jota_ext4_meta *meta,
			 uint32_t *ret_ino, struct jota_err *err)
{
	ext2_ino_t folder, ino = EXT2_ROOT_INO;
	errcode_t code = 0;
	const char *name;
	int rc;

	if (path[0] != '\0') {
		rc = find_place(fs, path, &folder, &name, err);
		if (rc < 0)
			return rc;
		code = ext2fs_lookup(fs->fs, folder, name, (int)strlen(name), NULL, &ino);
		if (code == EXT2_ET_FILE_NOT_FOUND)
			code = make_folder(fs, folder, name, &ino);
		if (code)
			return fail_ext4(code, err, "make folder", path);
		rc = check_folder(fs, ino, path, err);
		if (rc < 0)
			return rc;
	}
	*ret_ino = ino;
	return put_meta(fs, ino, meta, path, err);
}

int jota_ext4_add_symlink(struct jota_ext4 *fs, const char *path, const char *target,
			  const struct jota_ext4_meta *meta, uint32_t *ret_ino, struct jota_err *err)
{
	ext2_ino_t folder = 0, ino = 0;
	const char *name = NULL;
	errcode_t code;
	int rc = find_free(fs, path, &folder, &name, err);

	if (rc < 0)
		return rc;
	code = ext2fs_new_inode(fs->fs, folder, LINUX_S_IFLNK | 0777, NULL, &ino);
	if (!code)
		code = ext2fs_symlink(fs->fs, folder, ino, name, target);
	if (code == EXT2_ET_DIR_NO_SPACE) {
		code = ext2fs_expand_dir(fs->fs, folder);
		if (!code)
			code = ext2fs_symlink(fs->fs, folder, ino, name, target);
	}
	if (code)
		return fail_ext4(code, err, "make symbolic link", path);
	*ret_ino = ino;
	return put_meta(fs, ino, meta, path, err);
}

static int file_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return EXT2_FT_REG_FILE;
	case S_IFDIR:
		return EXT2_FT_DIR;
	case S_IFLNK:
		return EXT2_FT_SYMLINK;
	case S_IFCHR:
		return EXT2_FT_CHRDEV;
	case S_IFBLK:
		return EXT2_FT_BLKDEV;
	case S_IFIFO:
		return EXT2_FT_FIFO;
	case S_IFSOCK:
		return EXT2_FT_SOCK;
	default:
		return EXT2_FT_UNKNOWN;
	}
}

/* A new inode with its name. */
static errcode_t make_inode(struct jota_ext4 *fs, ext2_ino_t folder, const char *name,
			    struct ext2_inode *inode, ext2_ino_t *ret)
{
	errcode_t code = ext2fs_new_inode(fs->fs, folder, inode->i_mode, NULL, ret);

	if (code)
		return code;
	code = link_name(fs, folder, name, *ret, file_type(inode->i_mode));
	if (code)
		return code;
	ext2fs_inode_alloc_stats2(fs->fs, *ret, 1, 0);
	inode->i_links_count = 1;
	return ext2fs_write_new_inode(fs->fs, *ret, inode);
}

int jota_ext4_add_node(struct jota_ext4 *fs, const char *path, unsigned dev_major,
		       unsigned dev_minor, const struct jota_ext4_meta *meta, uint32_t *ret_ino,
		       struct jota_err *err)
{
	struct ext2_inode inode = { .i_mode = (uint16_t)meta->mode };
	ext2_ino_t folder = 0, ino = 0;
	const char *name = NULL;
	errcode_t code;
	int rc = find_free(fs, path, &folder, &name, err);

	if (rc < 0)
		return rc;
	/* The old form as long as the numbers fit, as the kernel writes it. */
	if (dev_major < 256 && dev_minor < 256)
		inode.i_block[0] = dev_major << 8 | dev_minor;
	else
		inode.i_block[1] = (dev_minor & 0xff) | dev_major << 8 | (dev_minor & ~0xffu) << 12;
	code = make_inode(fs, folder, name, &inode, &ino);
	if (code)
		return fail_ext4(code, err, "make node", path);
	*ret_ino = ino;
	return put_meta(fs, ino, meta, path, err);
}

int jota_ext4_add_link(struct jota_ext4 *fs, const char *path, const char *target,
		       struct jota_err *err)
{
	ext2_ino_t folder = 0, ino = 0;
	struct ext2_inode inode;
	const char *name = NULL;
	errcode_t code;
	int rc = find_free(fs, path, &folder, &name, err);

	if (rc < 0)
		return rc;
	code = ext2fs_namei(fs->fs, EXT2_ROOT_INO, EXT2_ROOT_INO, target, &ino);
	if (code == EXT2_ET_FILE_NOT_FOUND)
		return jota_fail(err, ENOENT, "'%s' is a hard link to '%s', which is not there.",
				 path, target);
	if (!code)
		code = ext2fs_read_inode(fs->fs, ino, &inode);
	if (!code && S_ISDIR(inode.i_mode))
		return jota_fail(err, EINVAL, "'%s' is a hard link to the folder '%s'.", path,
				 target);
	if (!code && inode.i_links_count >= EXT2_LINK_MAX)
		return jota_fail(err, EMLINK, "'%s'", target);
	if (!code)
		code = link_name(fs, folder, name, ino, file_type(inode.i_mode));
	if (!code) {
		inode.i_links_count++;
		code = ext2fs_write_inode(fs->fs, ino, &inode);
	}
	return code ? fail_ext4(code, err, "make hard link", path) : 0;
}

int jota_ext4_set_attribute(struct jota_ext4 *fs, uint32_t ino, const char *name, const void *value,
			    size_t len_bytes, struct jota_err *err)
{
	struct ext2_xattr_handle *handle = NULL;
	errcode_t code = ext2fs_xattrs_open(fs->fs, ino, &handle), closed;

	if (!code)
		code = ext2fs_xattrs_read(handle);
	if (!code)
		code = ext2fs_xattr_set(handle, name, value, len_bytes);
	closed = handle ? ext2fs_xattrs_close(&handle) : 0;
	code = code ? code : closed;
	return code ? fail_ext4(code, err, "set attribute", name) : 0;
}

/* All blocks at once lie side by side, and later writes only look them up. */
static errcode_t reserve_blocks(struct jota_ext4 *fs, ext2_ino_t ino, uint64_t size_bytes)
{
	uint64_t blocks = (size_bytes + fs->fs->blocksize - 1) / fs->fs->blocksize;

	if (blocks < 2)
		return 0;
	return ext2fs_fallocate(fs->fs, EXT2_FALLOCATE_FORCE_INIT, ino, NULL, ~0ULL, 0, blocks);
}

int jota_ext4_add_file(struct jota_ext4 *fs, const char *path, uint64_t size_bytes, bool dense,
		       const struct jota_ext4_meta *meta, struct jota_ext4_file **ret,
		       uint32_t *ret_ino, struct jota_err *err)
{
	struct ext2_inode inode = { .i_mode = (uint16_t)(S_IFREG | (meta->mode & 07777)) };
	struct jota_ext4_file *file;
	ext2_extent_handle_t extents = NULL;
	ext2_ino_t folder = 0, ino = 0;
	const char *name = NULL;
	errcode_t code;
	int rc = find_free(fs, path, &folder, &name, err);

	if (rc < 0)
		return rc;
	code = make_inode(fs, folder, name, &inode, &ino);
	/* Opening an empty one makes it a tree of extents. */
	if (!code)
		code = ext2fs_extent_open2(fs->fs, ino, &inode, &extents);
	ext2fs_extent_free(extents);
	if (!code)
		code = ext2fs_write_inode(fs->fs, ino, &inode);
	if (!code && dense)
		code = reserve_blocks(fs, ino, size_bytes);
	file = code ? NULL : calloc(1, sizeof(*file));
	if (!code && !file)
		return jota_fail(err, ENOMEM, "'%s'", path);
	if (!code)
		code = ext2fs_file_open(fs->fs, ino, EXT2_FILE_WRITE, &file->file);
	if (code) {
		free(file);
		return fail_ext4(code, err, "make", path);
	}
	*file = (struct jota_ext4_file){ fs, ino, file->file, size_bytes, *meta };
	*ret = file;
	*ret_ino = ino;
	return 0;
}

int jota_ext4_write(struct jota_ext4_file *file, uint64_t offset_bytes, const void *data,
		    size_t len_bytes, struct jota_err *err)
{
	const uint8_t *at = data;
	errcode_t code = ext2fs_file_llseek(file->file, offset_bytes, EXT2_SEEK_SET, NULL);

	while (!code && len_bytes > 0) {
		unsigned want = len_bytes > (1u << 20) ? 1u << 20 : (unsigned)len_bytes;
		unsigned wrote = 0;

		code = ext2fs_file_write(file->file, at, want, &wrote);
		at += wrote;
		len_bytes -= wrote;
	}
	return code ? fail_ext4(code, err, "write", "a file") : 0;
}

int jota_ext4_end_file(struct jota_ext4_file *file, struct jota_err *err)
{
	errcode_t code, closed;
	int rc;

	if (!file)
		return 0;
	code = ext2fs_file_set_size2(file->file, (ext2_off64_t)file->size_bytes);
	closed = ext2fs_file_close(file->file);
	code = code ? code : closed;
	rc = code ? fail_ext4(code, err, "end", "a file") :
		    put_meta(file->fs, file->ino, &file->meta, "a file", err);
	free(file);
	return rc;
}
