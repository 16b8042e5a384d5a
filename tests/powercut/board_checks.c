/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What a power cut may leave in a slot, looked at sector by sector. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "powercut/board.h"
#include "slot/layout.h"
#include "support/tree_env.h"
#include "write/writer.h"

#define SECTOR_BYTES 512u
#define PAD_BYTES 4096u

/** A partition now, before, and as it is to be. */
struct view {
	uint8_t *now;
	const uint8_t *before;
	size_t size_bytes;
	const uint8_t *wanted;
	size_t wanted_bytes; /* with padding */
	size_t first_bytes;  /* the block that is written last */
	const char *label;
};

static void view_open(struct view *v, const struct board *b, enum jota_slot slot,
		      enum jota_role role, const bool *keep)
{
	const struct board_part *part = &b->part[slot][role];
	const struct board_part *source = &b->part[jota_slot_other(slot)][role];
	size_t padded_bytes = (b->image[role].size_bytes + PAD_BYTES - 1) / PAD_BYTES * PAD_BYTES;
	int fd = open(part->path, O_RDONLY | O_CLOEXEC);
	bool kept = keep && keep[role];

	*v = (struct view){
		.now = malloc(part->size_bytes),
		.before = part->before,
		.size_bytes = part->size_bytes,
		.wanted = kept ? source->before : b->image[role].data,
		.wanted_bytes = kept ? source->size_bytes : padded_bytes,
		.label = b->config.layout->role[role].label[slot],
	};
	v->first_bytes = v->wanted_bytes < JOTA_WRITER_BLOCK_BYTES ? v->wanted_bytes :
								     JOTA_WRITER_BLOCK_BYTES;
	if (fd < 0 || !v->now || pread(fd, v->now, part->size_bytes, 0) != (ssize_t)part->size_bytes)
		tree_die("read %s", part->path);
	(void)close(fd);
}

static bool is_old(const struct view *v)
{
	return memcmp(v->now, v->before, v->size_bytes) == 0;
}

static bool is_new(const struct view *v)
{
	return memcmp(v->now, v->wanted, v->wanted_bytes) == 0;
}

bool board_slot_is_old(const struct board *b, enum jota_slot slot, char why[BOARD_WHY_BYTES])
{
	bool old = true;

	for (int role = 0; old && role < JOTA_ROLE_COUNT; role++) {
		struct view v;

		view_open(&v, b, slot, (enum jota_role)role, NULL);
		old = is_old(&v);
		if (!old)
			(void)snprintf(why, BOARD_WHY_BYTES, "%s was changed", v.label);
		free(v.now);
	}
	return old;
}

bool board_slot_is_new(const struct board *b, enum jota_slot slot, const bool keep[JOTA_ROLE_COUNT],
		       char why[BOARD_WHY_BYTES])
{
	bool new = true;

	for (int role = 0; new &&role < JOTA_ROLE_COUNT; role++) {
		struct view v;

		view_open(&v, b, slot, (enum jota_role)role, keep);
		new = is_new(&v);
		if (!new)
			(void)snprintf(why, BOARD_WHY_BYTES, "%s is not the new image", v.label);
		free(v.now);
	}
	return new &&model_slot_complete(&b->machine, jota_slot_name(slot)[0], why,
					 BOARD_WHY_BYTES) == 1;
}

/** What the sectors of one range are; a sector that is several of these at once counts for none. */
struct census {
	bool any_old, any_new; /* old alone, new alone */
	bool all_new;
	bool touched; /* some sector is not as before */
	bool strange; /* neither old, nor zero where that is allowed, nor new */
};

static struct census count_sectors(const struct view *v, size_t from_bytes, size_t to_bytes,
				   bool may_be_zero)
{
	static const uint8_t zeros[SECTOR_BYTES];
	struct census c = { .all_new = true };

	for (size_t at = from_bytes; at < to_bytes; at += SECTOR_BYTES) {
		bool old = memcmp(v->now + at, v->before + at, SECTOR_BYTES) == 0;
		bool new = memcmp(v->now + at, v->wanted + at, SECTOR_BYTES) == 0;
		bool zero = may_be_zero && memcmp(v->now + at, zeros, SECTOR_BYTES) == 0;

		c.any_old |= old && !new && !zero;
		c.any_new |= new && !old && !zero;
		c.all_new &= new;
		c.touched |= !old;
		c.strange |= !old && !new && !zero;
	}
	return c;
}

/** NULL, or which promise of the writer is broken. */
static const char *find_fault(const struct view *v)
{
	struct census first = count_sectors(v, 0, v->first_bytes, true);
	struct census body = count_sectors(v, v->first_bytes, v->wanted_bytes, false);
	size_t rest_bytes = v->size_bytes - v->wanted_bytes;

	if (first.strange || body.strange)
		return "holds bytes that nobody wrote";
	if (memcmp(v->now + v->wanted_bytes, v->before + v->wanted_bytes, rest_bytes) != 0)
		return "was changed behind its image";
	if (body.touched && first.any_old)
		return "got a body before its old first block was erased (I3)";
	if (first.any_new && first.any_old)
		return "got its first block over the old one (I3)";
	if (first.any_new && !body.all_new)
		return "got its first block before its body was durable (I4)";
	return NULL;
}

/** U-Boot is told not to boot the slot. */
static bool is_marked_empty(const struct board *b, enum jota_slot slot)
{
	const char *name = slot == JOTA_SLOT_A ? "slotA_ok" : "slotB_ok";
	char ok[16] = "", next[16] = "";

	(void)model_env_get(&b->machine, name, ok, sizeof(ok));
	(void)model_env_get(&b->machine, "boot_slot", next, sizeof(next));
	return strcmp(ok, "0") == 0 && strcmp(next, jota_slot_name(jota_slot_other(slot))) == 0;
}

bool board_target_is_sound(const struct board *b, enum jota_slot slot,
			   const bool keep[JOTA_ROLE_COUNT], char why[BOARD_WHY_BYTES])
{
	bool all_old = true, all_new = true;
	const char *fault = NULL;

	for (int role = 0; !fault && role < JOTA_ROLE_COUNT; role++) {
		struct view v;

		view_open(&v, b, slot, (enum jota_role)role, keep);
		fault = find_fault(&v);
		all_old &= is_old(&v);
		all_new &= is_new(&v);
		if (fault)
			(void)snprintf(why, BOARD_WHY_BYTES, "%s %s", v.label, fault);
		free(v.now);
	}
	if (fault)
		return false;
	if (all_old || all_new || is_marked_empty(b, slot))
		return true;
	(void)snprintf(why, BOARD_WHY_BYTES, "slot %s is half written and not marked empty (I3)",
		       jota_slot_name(slot));
	return false;
}
