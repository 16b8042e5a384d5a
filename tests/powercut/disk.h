/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The disk below every writer of this process: write(), pwrite(), fsync() and their relatives of this program take
 * the place of the C library's, also for libubootenv, so nothing that changes a durable file goes past it unseen.
 * It notes every write with its data and every sync, in order; crash.h makes of that what a power cut may leave.
 *
 * Durable is what lies below the root, but not below /run, /sys and /proc. Files that are no part of the disk, and ways to change one
 * that are not modelled (rename, unlink, truncate, ...), end the program: the product has none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_OPERATIONS_MAX 1024
#define DISK_FILES_MAX 8

struct disk_operation {
	bool is_sync;
	uint8_t file;	       /* number that disk_add_file() gave */
	uint64_t offset_bytes; /* in the file's window */
	size_t len_bytes;
	const uint8_t *data; /* what was written */
};

struct disk_log {
	uint32_t count;
	struct disk_operation operation[DISK_OPERATIONS_MAX];
	uint8_t *data; /* of all operations */
	size_t data_bytes;
};

/** A defect: operations that claim success and do nothing. Either member may be NULL. */
struct disk_defect {
	bool (*drops_write)(const struct disk_log *log, uint8_t file, const void *data,
			    size_t len_bytes, uint64_t offset_bytes);
	/** nth: syncs of this file so far in this log. */
	bool (*drops_sync)(const struct disk_log *log, uint8_t file, unsigned nth);
};

/** Say where the durable tree is. Once. */
void disk_init(const char *root);
/** A file of the disk: only offset_bytes to offset_bytes + size_bytes may be written. Returns its number. */
uint8_t disk_add_file(const char *path, uint64_t offset_bytes, size_t size_bytes);
const char *disk_file_name(uint8_t file);

/** From now on operations are noted. log is emptied first; it lives until disk_log_done(). */
void disk_watch(struct disk_log *log, const struct disk_defect *defect);
void disk_unwatch(void);
void disk_log_done(struct disk_log *log);
