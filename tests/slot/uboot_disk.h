/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What the two test programs of the uboot backend share: a tree, the backend on it, states made by the policy. */
#pragma once

#include "base/err.h"
#include "slot/backend.h"
#include "slot/config.h"
#include "slot/policy.h"
#include "support/tree.h"
#include "support/tree_env.h"

#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BOOT_ID "0f1e2d3c-4b5a-4697-8877-665544332211"
#define BOTH_COPIES_BYTES (2u * TREE_ENV_SIZE_BYTES)

struct uboot_disk {
	struct tree tree;
	struct jota_backend *b;
	struct jota_err err;
	char path[PATH_MAX * 2]; /* of the environment's device */
};

static inline void disk_make(struct uboot_disk *d)
{
	struct jota_config config = { 0 };

	memset(d, 0, sizeof(*d));
	tree_make(&d->tree, NULL);
	tree_path(&d->tree, "/dev/mmcblk0", d->path, sizeof(d->path));
	ck_assert_msg(jota_config_read(&d->tree.io, &config, &d->err) == 0, "%s", d->err.msg);
	ck_assert_msg(jota_backend_open(&d->tree.io, &config, &d->b, &d->err) == 0, "%s",
		      d->err.msg);
}

static inline void disk_remove(struct uboot_disk *d)
{
	jota_backend_free(d->b);
	tree_remove(&d->tree);
}

static inline struct jota_boot_state disk_load(struct uboot_disk *d)
{
	struct jota_boot_state state;

	ck_assert_msg(jota_backend_load(d->b, &state, &d->err) == 0, "%s", d->err.msg);
	return state;
}

/** Both copies as bytes; heap, caller frees. */
static inline uint8_t *disk_bytes(struct uboot_disk *d)
{
	uint8_t *bytes = malloc(BOTH_COPIES_BYTES);
	int fd = open(d->path, O_RDONLY | O_CLOEXEC);

	ck_assert(bytes && fd >= 0);
	ck_assert(pread(fd, bytes, BOTH_COPIES_BYTES, TREE_ENV_OFFSET_BYTES) ==
		  (ssize_t)BOTH_COPIES_BYTES);
	(void)close(fd);
	return bytes;
}

static inline void disk_put_bytes(struct uboot_disk *d, const uint8_t *bytes)
{
	int fd = open(d->path, O_RDWR | O_CLOEXEC);

	ck_assert(fd >= 0);
	ck_assert(pwrite(fd, bytes, BOTH_COPIES_BYTES, TREE_ENV_OFFSET_BYTES) ==
		  (ssize_t)BOTH_COPIES_BYTES);
	(void)close(fd);
}

static inline bool same_state(const struct jota_boot_state *a, const struct jota_boot_state *b)
{
	if (a->factory != b->factory || a->boot_limit != b->boot_limit ||
	    a->record.ustate != b->record.ustate ||
	    strcmp(a->record.boot_id, b->record.boot_id) != 0)
		return false;
	return a->factory || (a->next == b->next && a->slot[0] == b->slot[0] &&
			      a->slot[1] == b->slot[1] && a->boots_counted == b->boots_counted &&
			      a->record.has_target == b->record.has_target &&
			      (!a->record.has_target || a->record.target == b->record.target));
}

/** The way of one update from A to B, one store per step. */
enum step { STEP_BEGIN, STEP_FLIP, STEP_CONFIRM, STEP_BEGIN_BACK };
#define STEP_COUNT 4

static inline struct jota_boot_state step_from(const struct jota_boot_state *cur, enum step step)
{
	struct jota_boot_state want = *cur;
	struct jota_err err = { 0 };
	enum jota_slot target;
	int r = -1;

	switch (step) {
	case STEP_BEGIN:
		r = jota_policy_begin(cur, JOTA_SLOT_A, &want, &target, &err);
		break;
	case STEP_FLIP:
		r = jota_policy_flip(cur, JOTA_SLOT_A, JOTA_SLOT_B, 3, BOOT_ID, &want, &err);
		break;
	case STEP_CONFIRM:
		r = jota_policy_confirm(cur, JOTA_SLOT_B, &want, &err);
		break;
	case STEP_BEGIN_BACK:
		r = jota_policy_begin(cur, JOTA_SLOT_B, &want, &target, &err);
		break;
	}
	ck_assert_msg(r == JOTA_CHANGE, "step %d: %s", (int)step, err.msg);
	return want;
}

static inline int disk_store(struct uboot_disk *d, const struct jota_boot_state *cur,
			     const struct jota_boot_state *want)
{
	return jota_backend_store(d->b, cur, want, NULL, 0, &d->err);
}

/** Go the way up to, but without, a step; the state then stored. */
static inline struct jota_boot_state disk_walk(struct uboot_disk *d, enum step end)
{
	struct jota_boot_state cur = disk_load(d);

	for (int step = 0; step < (int)end; step++) {
		struct jota_boot_state want = step_from(&cur, (enum step)step);

		ck_assert_msg(disk_store(d, &cur, &want) == 0, "%s", d->err.msg);
		cur = want;
	}
	return cur;
}
