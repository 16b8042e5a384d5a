/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Steps of an update on a tree, and what a test wants to know before and after them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "slot/config.h"
#include "support/tree.h"
#include "update/session.h"
#include "write/writer.h"

/** An image in memory. */
struct image {
	enum jota_role role;
	const char *name;
	uint8_t *data;
	size_t size_bytes;
};

/** Bytes that differ from image to image and never form a zero block. */
void image_make(struct image *image, enum jota_role role, const char *name, size_t size_bytes,
		uint32_t seed);
void image_done(struct image *image);

/** Configuration of the tree; aborts the test when it cannot be read. */
void update_config(const struct tree *t, struct jota_config *ret);
/** Announce a whole image. */
int update_announce(struct jota_session *s, enum jota_role role, const char *name, uint64_t bytes,
		    const struct jota_change *change, size_t change_count,
		    struct jota_writer **ret_writer, struct jota_err *err);
/** A part of an image: `bytes` from `offset_bytes` on. */
struct image_part {
	const char *name;
	uint64_t number, offset_bytes, bytes;
};
/** Announce the part, push, end it: 0, JOTA_PARTS_TO_COME or the first failure. */
int update_write_part(struct jota_session *s, const struct image *image,
		      const struct image_part *part, struct jota_err *err);
/** Announce, push in pieces as SWUpdate does, finish. Result of the first call that fails. */
int update_write(struct jota_session *s, const struct image *image, struct jota_err *err);
/** Arm with the names of these images. */
int update_arm(struct jota_session *s, const struct image *image, size_t count,
	       struct jota_err *err);

/** True when the partition starts with the image's bytes. */
bool tree_partition_holds(struct tree *t, const char *label, const struct image *image);
/** True when the partition's first `bytes` are zero. */
bool tree_partition_is_zero(struct tree *t, const char *label, uint64_t bytes);
/** True when two partitions are equal, whole. */
bool tree_partitions_equal(struct tree *t, const char *label, const char *other);
/** True when the variable has this value ("" for absent). */
bool tree_env_is(struct tree *t, const char *name, const char *value);
/** Serial of the newer copy: the difference between two calls counts stores. */
unsigned tree_env_serial(struct tree *t);
/** True when the file below the root exists. */
bool tree_has(struct tree *t, const char *path);

/** Everything that a test of one update needs: a mission tree with old contents in both slots, three new images. */
struct update {
	struct tree tree;
	struct jota_config config;
	struct jota_session *session;	     /* new */
	struct image image[JOTA_ROLE_COUNT]; /* by role: "boot.img", "u-boot.bin", "rootfs.ext4" */
	struct jota_err err;
};
#define UPDATE_KERNEL_BYTES (2048u * 1024u)    /* of the partition; its image is smaller */
#define UPDATE_BOOTLOADER_BYTES (256u * 1024u) /* and its image as large */
#define UPDATE_ROOTFS_BYTES (3072u * 1024u)

void update_setup(struct update *u);
void update_teardown(struct update *u);
/** Another session on the same tree. */
void update_reopen(struct update *u);
/** All three images, arm, flip: 0 or the result of the first call that fails. */
int update_write_all(struct update *u);
int update_flip(struct update *u);
/** The session is over without a flip: slot A boots, B is marked empty, no marker, no lock. */
bool update_is_dead(struct update *u);

/** Contents of every file of a tree but those in /run, which no reboot keeps. */
struct snapshot;
struct snapshot *snapshot_take(const struct tree *t);
void snapshot_free(struct snapshot *s);
/** NULL when equal, else the path of a file that was changed, added or removed; belongs to either snapshot. */
const char *snapshot_compare(const struct snapshot *before, const struct snapshot *after);

/** Number of this process's open descriptors. */
unsigned open_descriptors(void);

/* Both show the sentence; `u` is the struct update of the test. */
#define ck_ok(call)                                                                                \
	do {                                                                                       \
		int ck_rc_ = (call);                                                               \
		ck_assert_msg(ck_rc_ == 0, "%s: %d, %s", #call, ck_rc_, u.err.msg);                \
	} while (0)
#define ck_refused(call, errnum, words)                                                            \
	do {                                                                                       \
		int ck_rc_ = (call);                                                               \
		ck_assert_msg(ck_rc_ == -(errnum), "%s: %d, %s", #call, ck_rc_, u.err.msg);        \
		ck_assert_msg(strstr(u.err.msg, words), "'%s' does not say '%s'", u.err.msg,       \
			      words);                                                              \
	} while (0)
