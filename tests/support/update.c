/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE

#include "support/update.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/tree_env.h"

/* SWUpdate's copy loop hands on at most this much at a time. */
#define PIECE_BYTES 16384u

void image_make(struct image *image, enum jota_role role, const char *name, size_t size_bytes,
		uint32_t seed)
{
	uint32_t x = seed * 2654435761u + 1;

	*image = (struct image){ .role = role, .name = name, .size_bytes = size_bytes };
	image->data = malloc(size_bytes);
	if (!image->data)
		tree_die("image '%s'", name);
	for (size_t i = 0; i < size_bytes; i++) {
		x = x * 1664525u + 1013904223u;
		image->data[i] = (uint8_t)((x >> 24) | 1);
	}
}

void image_done(struct image *image)
{
	free(image->data);
	image->data = NULL;
}

void update_config(const struct tree *t, struct jota_config *ret)
{
	struct jota_err err = { 0 };

	if (jota_config_read(&t->io, ret, &err) < 0)
		tree_die("%s", err.msg);
}

int update_announce(struct jota_session *s, enum jota_role role, const char *name, uint64_t bytes,
		    const struct jota_change *change, size_t change_count,
		    struct jota_writer **ret_writer, struct jota_err *err)
{
	const struct jota_piece piece = { .role = role, .name = name, .bytes = bytes };

	return jota_session_image(s, &piece, change, change_count, ret_writer, err);
}

static int push(struct jota_writer *w, const uint8_t *data, size_t size_bytes, struct jota_err *err)
{
	for (size_t at = 0; at < size_bytes; at += PIECE_BYTES) {
		size_t len = size_bytes - at;
		int rc = jota_writer_push(w, data + at, len < PIECE_BYTES ? len : PIECE_BYTES, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

int update_write_part(struct jota_session *s, const struct image *image,
		      const struct image_part *part, struct jota_err *err)
{
	const struct jota_piece piece = {
		.role = image->role,
		.name = part->name,
		.bytes = part->bytes,
		.part = { part->number, part->offset_bytes, image->size_bytes },
	};
	struct jota_writer *w;
	int rc = jota_session_image(s, &piece, NULL, 0, &w, err);

	if (rc == 0)
		rc = push(w, image->data + part->offset_bytes, part->bytes, err);
	return rc < 0 ? rc : jota_session_image_done(s, NULL, NULL, NULL, err);
}

int update_write(struct jota_session *s, const struct image *image, struct jota_err *err)
{
	struct jota_writer *w;
	int rc;

	rc = update_announce(s, image->role, image->name, image->size_bytes, NULL, 0, &w, err);
	if (rc == 0)
		rc = push(w, image->data, image->size_bytes, err);
	return rc < 0 ? rc : jota_session_image_done(s, NULL, NULL, NULL, err);
}

int update_arm(struct jota_session *s, const struct image *image, size_t count, struct jota_err *err)
{
	const char *name[JOTA_ROLE_COUNT + 1];

	if (count > JOTA_ROLE_COUNT + 1)
		tree_die("too many images");
	for (size_t i = 0; i < count; i++)
		name[i] = image[i].name;
	return jota_session_arm(s, name, count, err);
}

void update_setup(struct update *u)
{
	static const struct tree_options small = {
		.kernel_bytes = UPDATE_KERNEL_BYTES,
		.bootloader_bytes = UPDATE_BOOTLOADER_BYTES,
		.rootfs_bytes = UPDATE_ROOTFS_BYTES,
	};
	static const char *const label[] = { "A_kernel",     "B_kernel", "A_bootloader",
					     "B_bootloader", "A_APP",	 "B_APP" };

	*u = (struct update){ .session = NULL };
	tree_make(&u->tree, &small);
	for (unsigned i = 0; i < sizeof(label) / sizeof(label[0]); i++)
		tree_partition_fill(&u->tree, label[i], 10 + i, 0);
	image_make(&u->image[JOTA_ROLE_KERNEL], JOTA_ROLE_KERNEL, "boot.img", 1200u * 1024u + 12, 1);
	image_make(&u->image[JOTA_ROLE_BOOTLOADER], JOTA_ROLE_BOOTLOADER, "u-boot.bin",
		   UPDATE_BOOTLOADER_BYTES, 2);
	image_make(&u->image[JOTA_ROLE_ROOTFS], JOTA_ROLE_ROOTFS, "rootfs.ext4", 2560u * 1024u, 3);
	update_config(&u->tree, &u->config);
	update_reopen(u);
}

void update_teardown(struct update *u)
{
	jota_session_free(u->session);
	for (int i = 0; i < JOTA_ROLE_COUNT; i++)
		image_done(&u->image[i]);
	tree_remove(&u->tree);
}

void update_reopen(struct update *u)
{
	jota_session_free(u->session);
	if (jota_session_open(&u->tree.io, &u->config, &u->session, &u->err) < 0)
		tree_die("%s", u->err.msg);
}

int update_write_all(struct update *u)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < JOTA_ROLE_COUNT; i++)
		rc = update_write(u->session, &u->image[i], &u->err);
	return rc;
}

int update_flip(struct update *u)
{
	bool marker_missing;
	int rc;

	rc = update_arm(u->session, u->image, JOTA_ROLE_COUNT, &u->err);
	if (rc == 0)
		rc = jota_session_flip(u->session, NULL, 0, &marker_missing, &u->err);
	return rc;
}

bool update_is_dead(struct update *u)
{
	int lock = jota_io_lock(&u->tree.io, JOTA_SESSION_LOCK, "test", 0, NULL);

	if (lock < 0)
		return false;
	(void)close(lock);
	return !jota_session_begun(u->session) && !jota_session_armed(u->session) &&
	       !jota_session_flipped(u->session) && tree_env_is(&u->tree, "boot_slot", "A") &&
	       tree_env_is(&u->tree, "slotA_ok", "1") && tree_env_is(&u->tree, "slotB_ok", "0") &&
	       !tree_has(&u->tree, JOTA_REBOOT_PENDING);
}

/* Whole file or its first bytes; heap. */
static uint8_t *read_start(const char *path, uint64_t bytes, size_t *ret_bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *data;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		tree_die("open %s", path);
	if (!bytes || bytes > (uint64_t)st.st_size)
		bytes = (uint64_t)st.st_size;
	data = malloc(bytes ? bytes : 1);
	n = data ? pread(fd, data, bytes, 0) : -1;
	if (n < 0 || (uint64_t)n != bytes)
		tree_die("read %s", path);
	(void)close(fd);
	*ret_bytes = bytes;
	return data;
}

static uint8_t *read_partition(struct tree *t, const char *label, uint64_t bytes, size_t *ret_bytes)
{
	char *path = tree_partition_path(t, label);
	uint8_t *data = read_start(path, bytes, ret_bytes);

	free(path);
	return data;
}

bool tree_partition_holds(struct tree *t, const char *label, const struct image *image)
{
	size_t bytes;
	uint8_t *data = read_partition(t, label, image->size_bytes, &bytes);
	bool same = bytes == image->size_bytes && memcmp(data, image->data, bytes) == 0;

	free(data);
	return same;
}

bool tree_partition_is_zero(struct tree *t, const char *label, uint64_t bytes)
{
	size_t got;
	uint8_t *data = read_partition(t, label, bytes, &got);
	bool zero = got > 0 && !data[0] && memcmp(data, data + 1, got - 1) == 0;

	free(data);
	return zero;
}

bool tree_partitions_equal(struct tree *t, const char *label, const char *other)
{
	size_t bytes[2];
	uint8_t *data[2] = { read_partition(t, label, 0, &bytes[0]),
			     read_partition(t, other, 0, &bytes[1]) };
	bool same = bytes[0] == bytes[1] && memcmp(data[0], data[1], bytes[0]) == 0;

	free(data[0]);
	free(data[1]);
	return same;
}

bool tree_env_is(struct tree *t, const char *name, const char *value)
{
	char *found = tree_env_get(t, name);
	bool same = strcmp(found, value) == 0;

	if (!same)
		(void)fprintf(stderr, "environment: %s is '%s', expected '%s'\n", name, found,
			      value);
	free(found);
	return same;
}

unsigned tree_env_serial(struct tree *t)
{
	uint8_t flags[2];

	tree_env_flags(t, flags);
	return flags[0] > flags[1] ? flags[0] : flags[1];
}

bool tree_has(struct tree *t, const char *path)
{
	char full[PATH_MAX * 2];

	tree_path(t, path, full, sizeof(full));
	return access(full, F_OK) == 0;
}

struct file {
	char *path;
	uint8_t *data;
	size_t size_bytes;
};

struct snapshot {
	struct file *file;
	size_t count;
};

static int skip_dots_and_run(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
	       strcmp(entry->d_name, "run") != 0;
}

static void add_file(struct snapshot *s, const char *path)
{
	struct file *more = realloc(s->file, (s->count + 1) * sizeof(*more));

	if (!more)
		tree_die("snapshot");
	s->file = more;
	more = &s->file[s->count++];
	more->path = strdup(path);
	more->data = read_start(path, 0, &more->size_bytes);
}

static void add_folder(struct snapshot *s, const char *folder)
{
	struct dirent **entry;
	int count = scandir(folder, &entry, skip_dots_and_run, alphasort);

	if (count < 0)
		tree_die("scandir %s", folder);
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];
		struct stat st;

		if (snprintf(path, sizeof(path), "%s/%s", folder, entry[i]->d_name) >=
			    (int)sizeof(path) ||
		    lstat(path, &st) < 0)
			tree_die("lstat %s", path);
		if (S_ISDIR(st.st_mode))
			add_folder(s, path);
		else if (S_ISREG(st.st_mode))
			add_file(s, path);
		free(entry[i]);
	}
	free(entry);
}

struct snapshot *snapshot_take(const struct tree *t)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	if (!s)
		tree_die("snapshot");
	add_folder(s, t->root);
	return s;
}

void snapshot_free(struct snapshot *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->file[i].path);
		free(s->file[i].data);
	}
	free(s->file);
	free(s);
}

const char *snapshot_compare(const struct snapshot *before, const struct snapshot *after)
{
	size_t count = before->count < after->count ? before->count : after->count;

	for (size_t i = 0; i < count; i++) {
		const struct file *a = &before->file[i], *b = &after->file[i];

		if (strcmp(a->path, b->path) != 0)
			return strcmp(a->path, b->path) < 0 ? a->path : b->path;
		if (a->size_bytes != b->size_bytes || memcmp(a->data, b->data, a->size_bytes) != 0)
			return a->path;
	}
	if (before->count == after->count)
		return NULL;
	return before->count > count ? before->file[count].path : after->file[count].path;
}

unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	if (!dir)
		tree_die("open /proc/self/fd");
	while (readdir(dir))
		count++;
	(void)closedir(dir);
	return count;
}
