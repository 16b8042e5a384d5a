/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * A place where boot state lives. Contract, tested over a table of all backends: cut the power
 * before any single write of
 * store(cur, want) and a following load gives cur, or want, or a state in which firmware boots
 * the slot it booted before.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "slot/slot.h"

struct jota_backend;
struct jota_blockdevs;
struct jota_config;
struct jota_err;
struct jota_io;

/**
 * One variable that goes into the same store as a state: bootenv sections and SWUpdate's own
 * markers. value NULL deletes.
 */
struct jota_change {
	const char *name;
	const char *value;
};

#define JOTA_PROBLEM_BYTES 320
#define JOTA_PROBLEMS_MAX 12
/** What is wrong with a device, found without changing it. */
struct jota_problems {
	size_t count;
	struct {
		bool blocks_update;
		char text[JOTA_PROBLEM_BYTES];
	} problem[JOTA_PROBLEMS_MAX];
};
/** Append a problem; when full the last one says that there are more. */
void jota_problem_add(struct jota_problems *problems, bool blocks_update, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

struct jota_backend_ops {
	const char *name;
	int (*open)(const struct jota_io *io, const struct jota_config *config,
		    struct jota_backend **ret, struct jota_err *err);
	int (*load)(struct jota_backend *b, struct jota_boot_state *ret, struct jota_err *err);
	int (*store)(struct jota_backend *b, const struct jota_boot_state *cur,
		     const struct jota_boot_state *want, const struct jota_change *change,
		     size_t change_count, struct jota_err *err);
	int (*get)(struct jota_backend *b, const char *name, char **ret_value, struct jota_err *err);
	bool (*owns)(const char *name);
	void (*check)(struct jota_backend *b, const struct jota_blockdevs *devs,
		      struct jota_problems *problems);
	void (*free)(struct jota_backend *b);
	/* NULL: the boot chain counts the boots of a trial itself */
	int (*count_boot)(struct jota_backend *b, const char *boot_id, struct jota_err *err);
};

/** First member of each backend's own struct. */
struct jota_backend {
	const struct jota_backend_ops *ops;
};

extern const struct jota_backend_ops jota_backend_uboot, jota_backend_uefi;

/**
 * Open the backend that the configuration names; -ENOTSUP with a sentence when this version does
 * not contain it. Reads no state.
 */
int jota_backend_open(const struct jota_io *io, const struct jota_config *config,
		      struct jota_backend **ret, struct jota_err *err);
/** Free; NULL is fine. */
void jota_backend_free(struct jota_backend *b);

/**
 * Read the state. Never repairs, never writes. -EIO a copy cannot be read; -ENODATA no valid
 * copy; -EBADMSG a variable of ours with
 * a value that does not belong there (named, with the value found).
 */
int jota_backend_load(struct jota_backend *b, struct jota_boot_state *ret, struct jota_err *err);

/**
 * Make load() return `want`, atomically and durably, under a lock over re-load, compare,
 * write, read-back.
 * -ESTALE: what is stored is not `cur` (somebody else changed it), nothing written; -EBADMSG:
 * the written copy, read back past the page cache with our own
 * codec, is not what was meant (the old copy is still there); -EPERM: a change names a variable
 * of ours; -EIO etc.
 * uboot: rewrites only the copy that firmware does not use. uefi: several writes; a failure in the middle leaves what
 * a power cut there would (docs/uefi.md).
 */
int jota_backend_store(struct jota_backend *b, const struct jota_boot_state *cur,
		       const struct jota_boot_state *want, const struct jota_change *change,
		       size_t change_count, struct jota_err *err);

/** True when the boots of a trial are to be counted by jota_backend_count_boot(), once in each. */
bool jota_backend_needs_count(const struct jota_backend *b);

/**
 * Count the running boot of the slot on trial, once per boot_id, in one atomic durable step. -EINVAL: none is on trial there. Does nothing
 * where the boot chain counts.
 */
int jota_backend_count_boot(struct jota_backend *b, const char *boot_id, struct jota_err *err);

/**
 * Any stored variable by name: heap copy, caller frees; *ret_value NULL when absent (returns 0).
 */
int jota_backend_get(struct jota_backend *b, const char *name, char **ret_value,
		     struct jota_err *err);

/** True when the variable belongs to the state (nobody else may write it). */
bool jota_backend_owns(const struct jota_backend *b, const char *name);

/**
 * Preflight without writing: one bad copy (warning), both bad, unreadable copy, no altbootcmd,
 * bootlimit missing or not a number,
 * environment overlapping a partition of the disk, environment device missing: each a sentence
 * that says what to do.
 */
void jota_backend_check(struct jota_backend *b, const struct jota_blockdevs *devs,
			struct jota_problems *problems);
