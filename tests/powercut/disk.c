/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE

#include "powercut/disk.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define LOG_BYTES (48u * 1024u * 1024u)

struct disk_file {
	const char *name; /* last component of its path */
	dev_t dev;
	ino_t ino;
	uint64_t offset_bytes;
	size_t size_bytes;
	unsigned syncs;
};

static struct {
	char root[PATH_MAX];
	struct disk_file file[DISK_FILES_MAX];
	uint8_t file_count;
	struct disk_log *log; /* NULL: nobody watches */
	const struct disk_defect *defect;
	pthread_mutex_t lock;
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void die(const char *what, const char *path) __attribute__((noreturn));

static void die(const char *what, const char *path)
{
	char text[PATH_MAX + 100];
	int len = snprintf(text, sizeof(text), "powercut: disk: %s (%s)\n", what, path);

	(void)syscall(SYS_write, STDERR_FILENO, text, (size_t)len);
	_exit(EXIT_FAILURE);
}

void disk_init(const char *root)
{
	if (!realpath(root, disk.root))
		die("no such folder", root);
	disk.file_count = 0;
}

uint8_t disk_add_file(const char *path, uint64_t offset_bytes, size_t size_bytes)
{
	struct disk_file *f = &disk.file[disk.file_count];
	struct stat st;

	if (disk.file_count == DISK_FILES_MAX || stat(path, &st) < 0)
		die("cannot add a file", path);
	*f = (struct disk_file){
		.name = strdup(strrchr(path, '/') + 1),
		.dev = st.st_dev,
		.ino = st.st_ino,
		.offset_bytes = offset_bytes,
		.size_bytes = size_bytes,
	};
	return disk.file_count++;
}

const char *disk_file_name(uint8_t file)
{
	return disk.file[file].name;
}

void disk_watch(struct disk_log *log, const struct disk_defect *defect)
{
	if (!log->data)
		log->data = malloc(LOG_BYTES);
	if (!log->data)
		die("out of memory", "log");
	log->count = 0;
	log->data_bytes = 0;
	for (uint8_t i = 0; i < disk.file_count; i++)
		disk.file[i].syncs = 0;
	disk.defect = defect;
	disk.log = log;
}

void disk_unwatch(void)
{
	disk.log = NULL;
}

void disk_log_done(struct disk_log *log)
{
	free(log->data);
	log->data = NULL;
}

/* Durable is what lies below the root, but not in a file system that lives in memory on a device. */
static void refuse_durable(const char *path, const char *what)
{
	static const char *const volatile_folder[] = { "/run/", "/sys/", "/proc/" };
	size_t len = strlen(disk.root);

	if (strncmp(path, disk.root, len) != 0 || path[len] != '/')
		return;
	for (size_t i = 0; i < sizeof(volatile_folder) / sizeof(volatile_folder[0]); i++) {
		if (strncmp(path + len, volatile_folder[i], strlen(volatile_folder[i])) == 0)
			return;
	}
	die(what, path);
}

/* The file of the disk that fd is, NULL for a file that no power cut concerns. */
static struct disk_file *find_file(int fd)
{
	char link[64], path[PATH_MAX];
	struct stat st;
	ssize_t len;

	if (!disk.log || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	for (uint8_t i = 0; i < disk.file_count; i++) {
		if (disk.file[i].dev == st.st_dev && disk.file[i].ino == st.st_ino)
			return &disk.file[i];
	}
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	path[len < 0 ? 0 : len] = '\0';
	refuse_durable(path, "a file that is no part of the disk is written");
	return NULL;
}

static void check_path(const char *path, const char *what)
{
	char folder[PATH_MAX], full[PATH_MAX];
	char *slash;

	if (!disk.log)
		return;
	(void)snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash)
		return;
	*slash = '\0';
	if (realpath(folder, full)) {
		size_t len = strlen(full);

		(void)snprintf(full + len, sizeof(full) - len, "/%s", slash + 1);
		refuse_durable(full, what);
	}
}

static struct disk_operation *note_operation(const struct disk_file *f)
{
	struct disk_operation *op = &disk.log->operation[disk.log->count];

	if (disk.log->count == DISK_OPERATIONS_MAX)
		die("too many operations", f->name);
	*op = (struct disk_operation){ .file = (uint8_t)(f - disk.file) };
	disk.log->count++;
	return op;
}

static void note_write(const struct disk_file *f, const void *data, size_t len_bytes,
		       uint64_t offset_bytes)
{
	struct disk_operation *op = note_operation(f);
	uint8_t *copy = disk.log->data + disk.log->data_bytes;

	if (offset_bytes < f->offset_bytes ||
	    offset_bytes + len_bytes > f->offset_bytes + f->size_bytes)
		die("a write outside of what belongs to the update", f->name);
	if (len_bytes > LOG_BYTES - disk.log->data_bytes)
		die("too much data", f->name);
	memcpy(copy, data, len_bytes);
	disk.log->data_bytes += len_bytes;
	op->data = copy;
	op->offset_bytes = offset_bytes - f->offset_bytes;
	op->len_bytes = len_bytes;
}

/* The system call itself: the C library's functions are the ones replaced below. */
static ssize_t real_pwrite(int fd, const void *data, size_t len_bytes, uint64_t offset_bytes)
{
	return syscall(SYS_pwrite64, fd, data, len_bytes, offset_bytes);
}

static ssize_t disk_write(struct disk_file *f, int fd, const void *data, size_t len_bytes,
			  uint64_t offset_bytes)
{
	const struct disk_defect *d = disk.defect;
	ssize_t written;

	if (d && d->drops_write &&
	    d->drops_write(disk.log, (uint8_t)(f - disk.file), data, len_bytes, offset_bytes))
		return (ssize_t)len_bytes;
	written = real_pwrite(fd, data, len_bytes, offset_bytes);
	if (written > 0)
		note_write(f, data, (size_t)written, offset_bytes);
	return written;
}

static int disk_sync(struct disk_file *f)
{
	const struct disk_defect *d = disk.defect;

	if (d && d->drops_sync && d->drops_sync(disk.log, (uint8_t)(f - disk.file), f->syncs++))
		return 0;
	note_operation(f)->is_sync = true;
	return 0;
}

/* What follows takes the place of the C library's functions of the same names. */

ssize_t pwrite(int fd, const void *data, size_t len_bytes, off_t offset_bytes)
{
	struct disk_file *f;
	ssize_t written;

	pthread_mutex_lock(&disk.lock);
	f = find_file(fd);
	written = f ? disk_write(f, fd, data, len_bytes, (uint64_t)offset_bytes) :
		      real_pwrite(fd, data, len_bytes, (uint64_t)offset_bytes);
	pthread_mutex_unlock(&disk.lock);
	return written;
}

ssize_t pwrite64(int fd, const void *data, size_t len_bytes, off64_t offset_bytes)
{
	return pwrite(fd, data, len_bytes, offset_bytes);
}

ssize_t write(int fd, const void *data, size_t len_bytes)
{
	struct disk_file *f;
	ssize_t written;
	off_t at;

	pthread_mutex_lock(&disk.lock);
	f = find_file(fd);
	if (!f) {
		written = syscall(SYS_write, fd, data, len_bytes);
	} else {
		at = lseek(fd, 0, SEEK_CUR);
		written = at < 0 ? -1 : disk_write(f, fd, data, len_bytes, (uint64_t)at);
		if (written > 0 && lseek(fd, written, SEEK_CUR) < 0)
			die("cannot seek", f->name);
	}
	pthread_mutex_unlock(&disk.lock);
	return written;
}

/* Below the model everything stays in the page cache: what is durable is the model's business. */
int fsync(int fd)
{
	struct disk_file *f;
	int rc;

	pthread_mutex_lock(&disk.lock);
	f = find_file(fd);
	rc = f ? disk_sync(f) : (int)syscall(SYS_fsync, fd);
	pthread_mutex_unlock(&disk.lock);
	return rc;
}

int fdatasync(int fd)
{
	return fsync(fd);
}

/* Ways to change a file that the model does not know must not go past it unseen. */

ssize_t writev(int fd, const struct iovec *vec, int count)
{
	if (find_file(fd))
		die("writev() is not modelled", "disk");
	return syscall(SYS_writev, fd, vec, count);
}

int ftruncate(int fd, off_t size_bytes)
{
	if (find_file(fd))
		die("ftruncate() is not modelled", "disk");
	return (int)syscall(SYS_ftruncate, fd, size_bytes);
}

int fallocate(int fd, int mode, off_t offset_bytes, off_t len_bytes)
{
	if (find_file(fd))
		die("fallocate() is not modelled", "disk");
	return (int)syscall(SYS_fallocate, fd, mode, offset_bytes, len_bytes);
}

int rename(const char *from, const char *to)
{
	check_path(from, "rename() of a durable file is not modelled");
	check_path(to, "rename() to a durable file is not modelled");
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path)
{
	check_path(path, "unlink() of a durable file is not modelled");
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}
