/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/rootfs_tar.h"

#include "base/err.h"
#include "swu/rootfs.h"
#include "swu/rootfs_ext4.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#define READ_BYTES 65536

struct copy {
	const struct jota_rootfs *r;
	struct jota_ext4 *fs;
	struct archive *archive;
	struct archive_entry *entry;
	char path[PATH_MAX]; /* of the entry, relative to the root */
	struct jota_err *err;
};

static int fail_archive(const struct copy *c, const char *what)
{
	const char *reason = archive_error_string(c->archive);

	return jota_fail(c->err, EINVAL, "%s '%s': %s.", what, c->r->tar_path,
			 reason ? reason : "not a tar");
}

/* "./usr//bin/" to "usr/bin"; an entry that leaves the root is refused. */
static int clean_path(const struct copy *c, const char *raw, char *buf, size_t buf_bytes)
{
	size_t used = 0;

	if (!raw)
		return jota_fail(c->err, EINVAL, "'%s' has an entry whose name is not readable.",
				 c->r->tar_path);
	while (*raw != '\0') {
		size_t len = strcspn(raw, "/");

		if (len == 2 && raw[0] == '.' && raw[1] == '.')
			return jota_fail(c->err, EINVAL, "'%s' has the entry '%.200s', with '..'.",
					 c->r->tar_path, raw);
		if (len > 0 && !(len == 1 && raw[0] == '.')) {
			if (used + len + 2 > buf_bytes)
				return jota_fail(c->err, ENAMETOOLONG, "'%.80s'", raw);
			if (used > 0)
				buf[used++] = '/';
			memcpy(buf + used, raw, len);
			used += len;
		}
		raw += len;
		raw += strspn(raw, "/");
	}
	buf[used] = '\0';
	return 0;
}

static int fill_meta(const struct copy *c, struct jota_ext4_meta *ret)
{
	int64_t uid = archive_entry_uid(c->entry), gid = archive_entry_gid(c->entry);

	if (uid < 0 || uid > UINT32_MAX || gid < 0 || gid > UINT32_MAX)
		return jota_fail(c->err, EINVAL, "'%s' in '%s' has an owner that is no number.",
				 c->path, c->r->tar_path);
	ret->uid = (uint32_t)uid;
	ret->gid = (uint32_t)gid;
	ret->mode = archive_entry_mode(c->entry);
	ret->mtime_s = archive_entry_mtime(c->entry);
	ret->mtime_ns = (uint32_t)archive_entry_mtime_nsec(c->entry);
	/* A build's own time must not show: what is younger than the release is as old as it. */
	if (c->r->epoch_s >= 0 && ret->mtime_s >= c->r->epoch_s) {
		ret->mtime_s = c->r->epoch_s;
		ret->mtime_ns = 0;
	}
	return 0;
}

static int copy_data(const struct copy *c, struct jota_ext4_file *file)
{
	for (;;) {
		const void *data;
		size_t len;
		la_int64_t at;
		int rc = archive_read_data_block(c->archive, &data, &len, &at);

		if (rc == ARCHIVE_EOF)
			return 0;
		if (rc != ARCHIVE_OK)
			return fail_archive(c, "read");
		rc = jota_ext4_write(file, (uint64_t)at, data, len, c->err);
		if (rc < 0)
			return jota_wrap(c->err, "'%s': ", c->path);
	}
}

static int copy_file(const struct copy *c, const struct jota_ext4_meta *meta, uint32_t *ret_ino)
{
	struct jota_ext4_file *file = NULL;
	int64_t size = archive_entry_size(c->entry);
	int rc, ended;

	if (size < 0)
		return jota_fail(c->err, EINVAL, "'%s' in '%s' has no size.", c->path,
				 c->r->tar_path);
	rc = jota_ext4_add_file(c->fs, c->path, (uint64_t)size,
				archive_entry_sparse_count(c->entry) == 0, meta, &file, ret_ino,
				c->err);
	if (rc < 0)
		return rc;
	rc = copy_data(c, file);
	ended = jota_ext4_end_file(file, rc < 0 ? NULL : c->err);
	return rc < 0 ? rc : ended;
}

static int copy_attributes(const struct copy *c, uint32_t ino)
{
	const char *name;
	const void *value;
	size_t len;
	int acl = archive_entry_acl_types(c->entry);

	if (acl & (ARCHIVE_ENTRY_ACL_TYPE_NFS4 | ARCHIVE_ENTRY_ACL_TYPE_DEFAULT |
		   ARCHIVE_ENTRY_ACL_TYPE_ACCESS))
		return jota_fail(
			c->err, ENOTSUP,
			"'%s' in '%s' has an access control list, which is not carried over; "
			"pack the tar without --acls.",
			c->path, c->r->tar_path);
	(void)archive_entry_xattr_reset(c->entry);
	while (archive_entry_xattr_next(c->entry, &name, &value, &len) == ARCHIVE_OK) {
		int rc = jota_ext4_set_attribute(c->fs, ino, name, value, len, c->err);

		if (rc < 0)
			return jota_wrap(c->err, "'%s': ", c->path);
	}
	return 0;
}

static int copy_link(const struct copy *c, const char *raw)
{
	char target[PATH_MAX];
	int rc = clean_path(c, raw, target, sizeof(target));

	return rc < 0 ? rc : jota_ext4_add_link(c->fs, c->path, target, c->err);
}

static int copy_entry(struct copy *c)
{
	const char *link = archive_entry_hardlink(c->entry);
	struct jota_ext4_meta meta;
	uint32_t ino = 0;
	int rc = clean_path(c, archive_entry_pathname(c->entry), c->path, sizeof(c->path));

	if (rc == 0)
		rc = fill_meta(c, &meta);
	if (rc < 0)
		return rc;
	if (link)
		return copy_link(c, link);
	switch (archive_entry_filetype(c->entry)) {
	case AE_IFDIR:
		rc = jota_ext4_add_folder(c->fs, c->path, &meta, &ino, c->err);
		break;
	case AE_IFREG:
		rc = copy_file(c, &meta, &ino);
		break;
	case AE_IFLNK:
		rc = archive_entry_symlink(c->entry) ?
			     jota_ext4_add_symlink(c->fs, c->path, archive_entry_symlink(c->entry),
						   &meta, &ino, c->err) :
			     jota_fail(c->err, EINVAL, "'%s' has no target", c->path);
		break;
	case AE_IFCHR:
	case AE_IFBLK:
	case AE_IFIFO:
	case AE_IFSOCK:
		rc = jota_ext4_add_node(c->fs, c->path, (unsigned)archive_entry_rdevmajor(c->entry),
					(unsigned)archive_entry_rdevminor(c->entry), &meta, &ino,
					c->err);
		break;
	default:
		rc = jota_fail(c->err, EINVAL, "'%s' in '%s' is of no known kind.", c->path,
			       c->r->tar_path);
	}
	return rc < 0 ? rc : copy_attributes(c, ino);
}

/* libarchive may warn about an entry that it could read: then something of it would be lost. */
static int copy_entries(struct copy *c)
{
	size_t count = 0;
	int rc;

	while ((rc = archive_read_next_header(c->archive, &c->entry)) == ARCHIVE_OK) {
		if (c->r->cancel && atomic_load(c->r->cancel))
			return jota_fail(c->err, ECANCELED, "interrupted.");
		rc = copy_entry(c);
		if (rc < 0)
			return rc;
		count++;
	}
	if (rc != ARCHIVE_EOF)
		return fail_archive(c, "read");
	if (count == 0)
		return jota_fail(c->err, EINVAL, "'%s' is an empty archive.", c->r->tar_path);
	return 0;
}

int jota_rootfs_copy_tar(const struct jota_rootfs *r, struct jota_ext4 *fs, struct jota_err *err)
{
	struct copy c = { .r = r, .fs = fs, .err = err, .archive = archive_read_new() };
	int rc;

	if (!c.archive)
		return jota_fail(err, ENOMEM, "read '%s'", r->tar_path);
	(void)archive_read_support_format_tar(c.archive);
	(void)archive_read_support_filter_gzip(c.archive);
	(void)archive_read_support_filter_bzip2(c.archive);
	(void)archive_read_support_filter_xz(c.archive);
	(void)archive_read_support_filter_zstd(c.archive);
	if (archive_read_open_filename(c.archive, r->tar_path, READ_BYTES) != ARCHIVE_OK)
		rc = fail_archive(&c, "open");
	else
		rc = copy_entries(&c);
	(void)archive_read_free(c.archive);
	return rc;
}
