/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * faultfs BACKING-FOLDER MOUNTPOINT: a FUSE file system that shows the files of a folder, made to
 * stand under loop devices, and lets operations on them go wrong on demand. Runs in the foreground;
 * SIGTERM, or the death of the parent, unmounts it.
 *
 * Control is the file .control. A line written to it:
 *   clear                               no faults, all counters 0
 *   NAME FAULT NUMBER COUNT [OFFSET]    from the NUMBER-th operation that the fault is about, COUNT
 *                                       of them (0: all) go wrong; one fault per file
 * With OFFSET, only reads and writes of that byte count. How many requests the kernel makes of one
 * write is its own affair, so a number alone says little about where it meets a writer.
 * Faults, and the operations they are about (a zero-out or discard counts as a write):
 *   write-error  writes: EIO               sync-error  syncs: EIO
 *   read-error   reads: EIO
 *   flip         writes of the byte OFFSET: its lowest bit lands inverted, and nobody is told
 *   short        writes: half is taken, and the caller is told so
 *   full         writes that reach beyond OFFSET: ENOSPC
 *   gone         every operation (with OFFSET: the first is a write of that byte): ENXIO, and so
 *                all after it
 * Reading it gives a line "NAME WRITES READS SYNCS FIRED" per file that was opened.
 */
#define _GNU_SOURCE
#define FUSE_USE_VERSION 35

#include <fuse3/fuse.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTROL "/.control"
#define IMAGES_MAX 32
#define NAME_BYTES 64
#define TEXT_BYTES 4096
#define SECTOR_BYTES 512u
#define ANYWHERE UINT64_MAX

enum fault_kind {
	FAULT_NONE,
	FAULT_WRITE_ERROR,
	FAULT_SYNC_ERROR,
	FAULT_READ_ERROR,
	FAULT_FLIP,
	FAULT_SHORT,
	FAULT_FULL,
	FAULT_GONE,
};

static const struct {
	const char *name;
	enum fault_kind kind;
} fault_names[] = {
	{ "write-error", FAULT_WRITE_ERROR },
	{ "sync-error", FAULT_SYNC_ERROR },
	{ "read-error", FAULT_READ_ERROR },
	{ "flip", FAULT_FLIP },
	{ "short", FAULT_SHORT },
	{ "full", FAULT_FULL },
	{ "gone", FAULT_GONE },
};

enum op { OP_WRITE, OP_READ, OP_SYNC, OP_COUNT };

struct fault {
	enum fault_kind kind;
	uint64_t number, count, offset_bytes; /* offset: ANYWHERE if none was given */
	uint64_t seen, fired;
};

struct image {
	char name[NAME_BYTES];
	int fd;
	uint64_t done[OP_COUNT];
	struct fault fault;
};

/* FUSE calls back from one thread only (-s), and hands this to each call. */
struct faultfs {
	int folder;
	size_t count;
	struct image image[IMAGES_MAX];
};

static struct faultfs *self(void)
{
	return fuse_get_context()->private_data;
}

static bool is_control(const char *path)
{
	return strcmp(path, CONTROL) == 0;
}

static struct image *find_image(struct faultfs *fs, const char *name)
{
	for (size_t i = 0; i < fs->count; i++)
		if (strcmp(fs->image[i].name, name) == 0)
			return &fs->image[i];
	return NULL;
}

/* Whether the operation is one the fault is about, and what the fault makes of it. */
static bool is_about(const struct fault *f, enum op op, uint64_t offset_bytes, size_t len_bytes)
{
	bool covers = f->offset_bytes == ANYWHERE || (f->offset_bytes >= offset_bytes &&
						      f->offset_bytes - offset_bytes < len_bytes);

	switch (f->kind) {
	case FAULT_NONE:
		return false;
	case FAULT_WRITE_ERROR:
	case FAULT_SHORT:
	case FAULT_FLIP:
		return op == OP_WRITE && covers;
	case FAULT_SYNC_ERROR:
		return op == OP_SYNC;
	case FAULT_READ_ERROR:
		return op == OP_READ && covers;
	case FAULT_FULL:
		return op == OP_WRITE && offset_bytes + len_bytes > f->offset_bytes;
	case FAULT_GONE:
		return f->fired > 0 || f->offset_bytes == ANYWHERE || (op == OP_WRITE && covers);
	}
	return false;
}

/* Count the operation; the fault that it meets, or FAULT_NONE. */
static enum fault_kind meet(struct image *image, enum op op, off_t offset, size_t len_bytes)
{
	struct fault *f = &image->fault;

	image->done[op]++;
	if (!is_about(f, op, (uint64_t)offset, len_bytes))
		return FAULT_NONE;
	f->seen++;
	if (f->seen < f->number || (f->count != 0 && f->seen - f->number >= f->count))
		return FAULT_NONE;
	f->fired++;
	return f->kind;
}

static int errno_of(enum fault_kind kind)
{
	switch (kind) {
	case FAULT_WRITE_ERROR:
	case FAULT_SYNC_ERROR:
	case FAULT_READ_ERROR:
		return -EIO;
	case FAULT_FULL:
		return -ENOSPC;
	case FAULT_GONE:
		return -ENXIO;
	case FAULT_NONE:
	case FAULT_FLIP:
	case FAULT_SHORT:
		break;
	}
	return 0;
}

/* The control file */

static int parse_fault(struct faultfs *fs, const char *line)
{
	char name[NAME_BYTES], kind[16];
	struct fault f = { .offset_bytes = ANYWHERE };
	struct image *image;
	int n;

	n = sscanf(line, "%63s %15s %" SCNu64 " %" SCNu64 " %" SCNu64, name, kind, &f.number,
		   &f.count, &f.offset_bytes);
	image = n >= 4 ? find_image(fs, name) : NULL;
	if (!image || f.number == 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(fault_names) / sizeof(fault_names[0]); i++)
		if (strcmp(fault_names[i].name, kind) == 0)
			f.kind = fault_names[i].kind;
	if (f.kind == FAULT_NONE)
		return -EINVAL;
	if (n < 5 && (f.kind == FAULT_FLIP || f.kind == FAULT_FULL))
		return -EINVAL;
	image->fault = f;
	return 0;
}

static int write_control(struct faultfs *fs, const char *data, size_t len_bytes)
{
	char line[TEXT_BYTES];
	int r;

	if (len_bytes >= sizeof(line))
		return -EINVAL;
	memcpy(line, data, len_bytes);
	line[len_bytes] = '\0';
	if (strcmp(line, "clear\n") == 0) {
		for (size_t i = 0; i < fs->count; i++) {
			memset(fs->image[i].done, 0, sizeof(fs->image[i].done));
			fs->image[i].fault = (struct fault){ 0 };
		}
		return (int)len_bytes;
	}
	r = parse_fault(fs, line);
	return r < 0 ? r : (int)len_bytes;
}

static int read_control(const struct faultfs *fs, char *buf, size_t len_bytes, off_t offset)
{
	char text[TEXT_BYTES];
	size_t used = 0;

	for (size_t i = 0; i < fs->count; i++) {
		const struct image *image = &fs->image[i];
		int n = snprintf(text + used, sizeof(text) - used,
				 "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
				 image->name, image->done[OP_WRITE], image->done[OP_READ],
				 image->done[OP_SYNC], image->fault.fired);

		if (n < 0 || (size_t)n >= sizeof(text) - used)
			return -EFBIG;
		used += (size_t)n;
	}
	if ((size_t)offset >= used)
		return 0;
	if (len_bytes > used - (size_t)offset)
		len_bytes = used - (size_t)offset;
	memcpy(buf, text + offset, len_bytes);
	return (int)len_bytes;
}

/* What FUSE calls */

static int fs_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	(void)fi;
	memset(st, 0, sizeof(*st));
	if (strcmp(path, "/") == 0) {
		st->st_mode = S_IFDIR | 0700;
		st->st_nlink = 2;
		return 0;
	}
	if (is_control(path)) {
		st->st_mode = S_IFREG | 0600;
		st->st_nlink = 1;
		return 0;
	}
	return fstatat(self()->folder, path + 1, st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int fs_open(const char *path, struct fuse_file_info *fi)
{
	struct faultfs *fs = self();
	struct image *image = find_image(fs, path + 1);

	/* No page cache in between: what the loop device does comes through, in its order. */
	fi->direct_io = 1;
	if (image || is_control(path))
		return 0;
	if (fs->count == IMAGES_MAX || strlen(path + 1) >= NAME_BYTES)
		return -ENFILE;
	image = &fs->image[fs->count];
	*image = (struct image){ 0 };
	(void)snprintf(image->name, sizeof(image->name), "%s", path + 1);
	image->fd = openat(fs->folder, path + 1, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (image->fd < 0)
		return -errno;
	fs->count++;
	return 0;
}

static int fs_read(const char *path, char *buf, size_t len_bytes, off_t offset,
		   struct fuse_file_info *fi)
{
	struct image *image;
	enum fault_kind kind;
	ssize_t n;

	(void)fi;
	if (is_control(path))
		return read_control(self(), buf, len_bytes, offset);
	image = find_image(self(), path + 1);
	if (!image)
		return -EBADF;
	kind = meet(image, OP_READ, offset, len_bytes);
	if (errno_of(kind) != 0)
		return errno_of(kind);
	n = pread(image->fd, buf, len_bytes, offset);
	return n < 0 ? -errno : (int)n;
}

static int write_flipped(const struct image *image, const char *data, size_t len_bytes, off_t offset)
{
	size_t at = (size_t)(image->fault.offset_bytes - (uint64_t)offset);
	char *copy = malloc(len_bytes);
	ssize_t n;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, len_bytes);
	copy[at] ^= 1;
	n = pwrite(image->fd, copy, len_bytes, offset);
	free(copy);
	return n < 0 ? -errno : (int)n;
}

static int fs_write(const char *path, const char *data, size_t len_bytes, off_t offset,
		    struct fuse_file_info *fi)
{
	struct image *image;
	enum fault_kind kind;
	ssize_t n;

	(void)fi;
	if (is_control(path))
		return write_control(self(), data, len_bytes);
	image = find_image(self(), path + 1);
	if (!image)
		return -EBADF;
	kind = meet(image, OP_WRITE, offset, len_bytes);
	if (errno_of(kind) != 0)
		return errno_of(kind);
	if (kind == FAULT_FLIP)
		return write_flipped(image, data, len_bytes, offset);
	if (kind == FAULT_SHORT && len_bytes > SECTOR_BYTES)
		len_bytes = len_bytes / 2 / SECTOR_BYTES * SECTOR_BYTES;
	n = pwrite(image->fd, data, len_bytes, offset);
	return n < 0 ? -errno : (int)n;
}

/* What a loop device makes of BLKZEROOUT and BLKDISCARD. Half of one cannot be told to anybody. */
static int fs_fallocate(const char *path, int mode, off_t offset, off_t len_bytes,
			struct fuse_file_info *fi)
{
	struct image *image = find_image(self(), path + 1);
	enum fault_kind kind;
	char byte = 1;

	(void)fi;
	if (!image)
		return -EBADF;
	kind = meet(image, OP_WRITE, offset, (size_t)len_bytes);
	if (kind == FAULT_SHORT)
		return -EIO;
	if (errno_of(kind) != 0)
		return errno_of(kind);
	if (fallocate(image->fd, mode, offset, len_bytes) < 0)
		return -errno;
	if (kind == FAULT_FLIP && pwrite(image->fd, &byte, 1, (off_t)image->fault.offset_bytes) != 1)
		return -errno;
	return 0;
}

static int fs_fsync(const char *path, int data_only, struct fuse_file_info *fi)
{
	struct image *image = find_image(self(), path + 1);
	enum fault_kind kind;

	(void)data_only;
	(void)fi;
	if (!image)
		return is_control(path) ? 0 : -EBADF;
	kind = meet(image, OP_SYNC, 0, 0);
	if (errno_of(kind) != 0)
		return errno_of(kind);
	return fsync(image->fd) < 0 ? -errno : 0;
}

static int fs_truncate(const char *path, off_t len_bytes, struct fuse_file_info *fi)
{
	(void)len_bytes;
	(void)fi;
	return is_control(path) ? 0 : -EPERM;
}

static const struct fuse_operations operations = {
	.getattr = fs_getattr,
	.open = fs_open,
	.read = fs_read,
	.write = fs_write,
	.fallocate = fs_fallocate,
	.fsync = fs_fsync,
	.truncate = fs_truncate,
};

int main(int argc, char **argv)
{
	char foreground[] = "-f", single[] = "-s", option[] = "-o",
	     options[] = "fsname=faultfs,subtype=faultfs,attr_timeout=0";
	char *fuse_argv[] = { argv[0], foreground, single, option, options, argv[2], NULL };
	struct faultfs fs = { 0 };
	int rc;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: faultfs BACKING-FOLDER MOUNTPOINT\n");
		return 2;
	}
	fs.folder = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fs.folder < 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) < 0) {
		perror(argv[1]);
		return 1;
	}
	rc = fuse_main(6, fuse_argv, &operations, &fs);
	for (size_t i = 0; i < fs.count; i++)
		(void)close(fs.image[i].fd);
	(void)close(fs.folder);
	return rc;
}
