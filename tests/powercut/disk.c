/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE

#include "powercut/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <stdarg.h>
#include <unistd.h>

#define SECTOR_BYTES 512u
#define FILES_MAX 16

struct disk_file {
	char path[PATH_MAX];
	const char *name; /* last component of path */
	dev_t dev;
	ino_t ino;
	unsigned syncs;
	uint8_t **old; /* contents of each sector before the first unsynced write; NULL: synced */
	size_t sectors;
};

static struct disk_plan plan;
static bool watching;
static struct disk_file files[FILES_MAX];
static unsigned file_count;
static pthread_mutex_t disk_lock = PTHREAD_MUTEX_INITIALIZER;

const char *disk_loss_name(enum disk_loss loss)
{
	static const char *const names[DISK_LOSS_COUNT] = { "kept", "dropped", "torn" };

	return names[loss];
}

void disk_watch(const struct disk_plan *new_plan)
{
	plan = *new_plan;
	plan.trace->operations = 0;
	watching = true;
}

/* The system call itself: the C library's functions are the ones replaced below. */
static ssize_t real_pwrite(int fd, const void *data, size_t len_bytes, uint64_t offset_bytes)
{
	return syscall(SYS_pwrite64, fd, data, len_bytes, offset_bytes);
}

static void die(const char *what) __attribute__((noreturn));

static void die(const char *what)
{
	static const char prefix[] = "powercut: disk model: ";

	(void)syscall(SYS_write, STDERR_FILENO, prefix, sizeof(prefix) - 1);
	(void)syscall(SYS_write, STDERR_FILENO, what, strlen(what));
	(void)syscall(SYS_write, STDERR_FILENO, "\n", 1);
	_exit(EXIT_FAILURE);
}

static struct disk_file *add_file(const struct stat *st, const char *path)
{
	struct disk_file *f = &files[file_count];

	if (file_count == FILES_MAX)
		die("too many files");
	(void)snprintf(f->path, sizeof(f->path), "%s", path);
	f->name = strrchr(f->path, '/') + 1;
	f->dev = st->st_dev;
	f->ino = st->st_ino;
	f->sectors = ((size_t)st->st_size + SECTOR_BYTES - 1) / SECTOR_BYTES;
	f->old = calloc(f->sectors + 1, sizeof(*f->old));
	if (!f->old)
		die("out of memory");
	file_count++;
	return f;
}

/* The file of the disk that fd is, NULL for any other file. */
static struct disk_file *find_file(int fd)
{
	char link[64], path[PATH_MAX];
	size_t folder_len;
	struct stat st;
	ssize_t len;

	if (!watching || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	for (unsigned i = 0; i < file_count; i++) {
		if (files[i].dev == st.st_dev && files[i].ino == st.st_ino)
			return &files[i];
	}
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len <= 0)
		return NULL;
	path[len] = '\0';
	folder_len = strlen(plan.folder);
	if (strncmp(path, plan.folder, folder_len) != 0 || path[folder_len] != '/')
		return NULL;
	return add_file(&st, path);
}

static uint32_t note_operation(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static uint32_t note_operation(const char *fmt, ...)
{
	uint32_t number = plan.trace->operations++;
	va_list args;

	if (number >= DISK_OPERATIONS_MAX)
		die("too many operations");
	va_start(args, fmt);
	(void)vsnprintf(plan.trace->operation[number], sizeof(plan.trace->operation[number]), fmt,
			args);
	va_end(args);
	return number;
}

static void remember(struct disk_file *f, size_t len_bytes, uint64_t offset_bytes)
{
	uint64_t last = (offset_bytes + len_bytes - 1) / SECTOR_BYTES;
	int fd = -1;

	if (!len_bytes)
		return;
	if (last >= f->sectors)
		die("a write beyond the end of a file");
	for (uint64_t i = offset_bytes / SECTOR_BYTES; i <= last; i++) {
		if (f->old[i])
			continue;
		if (fd < 0)
			fd = open(f->path, O_RDONLY | O_CLOEXEC);
		f->old[i] = calloc(1, SECTOR_BYTES);
		if (fd < 0 || !f->old[i] ||
		    pread(fd, f->old[i], SECTOR_BYTES, (off_t)(i * SECTOR_BYTES)) < 0)
			die("cannot read a sector");
	}
	if (fd >= 0)
		(void)close(fd);
}

static void forget(struct disk_file *f)
{
	for (size_t i = 0; i < f->sectors; i++) {
		free(f->old[i]);
		f->old[i] = NULL;
	}
}

/* splitmix64: every seed, also a small one, gives bits that look random. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void put_back(struct disk_file *f, uint64_t *random)
{
	int fd = open(f->path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		die("cannot open a file to put sectors back");
	for (size_t i = 0; i < f->sectors; i++) {
		if (!f->old[i] || (plan.loss == DISK_TEARS && (next_random(random) & 1)))
			continue;
		if (real_pwrite(fd, f->old[i], SECTOR_BYTES, i * SECTOR_BYTES) != SECTOR_BYTES)
			die("cannot put a sector back");
	}
	(void)close(fd);
}

void disk_cut(void)
{
	uint64_t random = plan.seed;

	watching = false;
	for (unsigned i = 0; plan.loss != DISK_KEEPS && i < file_count; i++)
		put_back(&files[i], &random);
	_exit(DISK_EXIT_CUT);
}

static ssize_t disk_write(struct disk_file *f, int fd, const void *data, size_t len_bytes,
			  uint64_t offset_bytes)
{
	ssize_t written;
	uint32_t number;

	if (plan.defect && plan.defect->drops_write &&
	    plan.defect->drops_write(plan.trace, f->name, data, len_bytes, offset_bytes))
		return (ssize_t)len_bytes;
	number = note_operation("write %s at %" PRIu64 ", %zu bytes", f->name, offset_bytes,
				len_bytes);
	remember(f, len_bytes, offset_bytes);
	written = real_pwrite(fd, data, len_bytes, offset_bytes);
	if (number == plan.cut_at)
		disk_cut();
	return written;
}

static int disk_sync(struct disk_file *f)
{
	if (plan.defect && plan.defect->drops_sync &&
	    plan.defect->drops_sync(plan.trace, f->name, f->syncs++))
		return 0;
	if (note_operation("sync %s", f->name) == plan.cut_at)
		disk_cut();
	forget(f);
	return 0;
}

/* What follows takes the place of the C library's functions of the same names. */

ssize_t pwrite(int fd, const void *data, size_t len_bytes, off_t offset_bytes)
{
	struct disk_file *f;
	ssize_t written;

	pthread_mutex_lock(&disk_lock);
	f = find_file(fd);
	written = f ? disk_write(f, fd, data, len_bytes, (uint64_t)offset_bytes) :
		      real_pwrite(fd, data, len_bytes, (uint64_t)offset_bytes);
	pthread_mutex_unlock(&disk_lock);
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

	pthread_mutex_lock(&disk_lock);
	f = find_file(fd);
	if (!f) {
		written = syscall(SYS_write, fd, data, len_bytes);
	} else {
		at = lseek(fd, 0, SEEK_CUR);
		written = at < 0 ? -1 : disk_write(f, fd, data, len_bytes, (uint64_t)at);
		if (written > 0 && lseek(fd, written, SEEK_CUR) < 0)
			die("cannot seek");
	}
	pthread_mutex_unlock(&disk_lock);
	return written;
}

/* Below the model everything stays in the page cache: what is durable is the model's business. */
int fsync(int fd)
{
	struct disk_file *f;
	int rc;

	pthread_mutex_lock(&disk_lock);
	f = find_file(fd);
	rc = f ? disk_sync(f) : (int)syscall(SYS_fsync, fd);
	pthread_mutex_unlock(&disk_lock);
	return rc;
}

int fdatasync(int fd)
{
	return fsync(fd);
}

/* Ways to write that the model does not know must not go past it unseen. */

ssize_t writev(int fd, const struct iovec *vec, int count)
{
	if (find_file(fd))
		die("writev() is not modelled");
	return syscall(SYS_writev, fd, vec, count);
}

int ftruncate(int fd, off_t size_bytes)
{
	if (find_file(fd))
		die("ftruncate() is not modelled");
	return (int)syscall(SYS_ftruncate, fd, size_bytes);
}

int fallocate(int fd, int mode, off_t offset_bytes, off_t len_bytes)
{
	if (find_file(fd))
		die("fallocate() is not modelled");
	return (int)syscall(SYS_fallocate, fd, mode, offset_bytes, len_bytes);
}
