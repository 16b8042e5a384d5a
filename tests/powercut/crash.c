/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "powercut/crash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "powercut/contents.h"
#include "powercut/envview.h"
#include "support/tree_env.h"

#define SECTOR_BYTES 512u
#define ENV_SECTORS (ENV_BYTES / SECTOR_BYTES)
#define SUBSETS_SECTORS_MAX 16u

/* Which sectors of unsynced writes survive. at: sector of the last write, of `count`. */
enum tear_kind { PREFIX, SUFFIX, FIRST_ALONE, FIRST_LOST, LAST_LOST, RANDOM };

struct tear {
	enum tear_kind kind;
	unsigned arg; /* PREFIX, SUFFIX: sixteenths of the write; RANDOM: which one */
};

/* In this order, so that a small number of tears has one of each kind. */
static const struct tear tears[] = {
	{ RANDOM, 0 },	    { FIRST_LOST, 0 }, { PREFIX, 8 },  { SUFFIX, 8 }, { LAST_LOST, 0 },
	{ FIRST_ALONE, 0 }, { RANDOM, 1 },     { RANDOM, 2 },  { PREFIX, 1 }, { SUFFIX, 15 },
	{ PREFIX, 15 },	    { SUFFIX, 1 },     { RANDOM, 3 },  { RANDOM, 4 }, { PREFIX, 4 },
	{ SUFFIX, 4 },	    { PREFIX, 12 },    { SUFFIX, 12 }, { RANDOM, 5 }, { RANDOM, 6 },
	{ RANDOM, 7 },
};
#define TEARS_MAX (sizeof(tears) / sizeof(tears[0]))

struct cutter {
	const struct disk_log *log;
	const struct crash_options *options;
	struct world synced, kept;
	uint32_t pending[BOARD_FILES][DISK_OPERATIONS_MAX];
	uint32_t pending_count[BOARD_FILES];
	struct crash_point point;
	crash_visit visit;
	void *ctx;
	uint64_t points;
	struct world *shown; /* at this operation */
	size_t shown_count, shown_room;
};

/* splitmix64: every seed, also a small one, gives bits that look random. */
static uint64_t mix(uint64_t z)
{
	z += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint8_t *copy_content(uint32_t number)
{
	size_t size_bytes = contents_size_bytes(number);
	uint8_t *copy = malloc(size_bytes);

	if (!copy)
		tree_die("memory for a state");
	memcpy(copy, contents_data(number), size_bytes);
	return copy;
}

static uint32_t intern_and_free(int file, uint32_t like, uint8_t *data)
{
	uint32_t number = file == BOARD_ENV_FILE ? env_intern_like(data, like) :
						   contents_intern(data, contents_size_bytes(like));

	free(data);
	return number;
}

static uint32_t apply(uint32_t base, const struct disk_operation *op)
{
	uint8_t *data = copy_content(base);

	memcpy(data + op->offset_bytes, op->data, op->len_bytes);
	return intern_and_free(op->file, base, data);
}

static void show(struct cutter *c, const struct world *w, const char *fate)
{
	c->points++;
	for (size_t i = 0; i < c->shown_count; i++) {
		if (memcmp(&c->shown[i], w, sizeof(*w)) == 0)
			return;
	}
	if (c->shown_count == c->shown_room) {
		c->shown_room = c->shown_room ? 2 * c->shown_room : 64;
		c->shown = reallocarray(c->shown, c->shown_room, sizeof(*c->shown));
		if (!c->shown)
			tree_die("memory for states");
	}
	c->shown[c->shown_count++] = *w;
	(void)snprintf(c->point.fate, sizeof(c->point.fate), "%s", fate);
	c->visit(c->ctx, w, &c->point);
}

/* Does this sector of a pending write survive? `is_last`: the write that was under way. */
static bool survives(const struct cutter *c, const struct tear *t, int file, bool is_last,
		     uint64_t sector, uint64_t first, uint64_t count)
{
	uint64_t at = sector - first;

	switch (t->kind) {
	case RANDOM:
		return mix(c->options->seed * 1000003u + t->arg * 7919u + (uint64_t)file * 131071u +
			   sector * 2u) &
		       1;
	case PREFIX:
		return !is_last || at < count * t->arg / 16;
	case SUFFIX:
		return !is_last || at >= count - count * t->arg / 16;
	case FIRST_ALONE:
		return is_last && at == 0;
	case FIRST_LOST:
		return !is_last || at > 0;
	case LAST_LOST:
		return !is_last || at + 1 < count;
	}
	return true;
}

static void tear_write(const struct cutter *c, const struct tear *t,
		       const struct disk_operation *op, bool is_last, uint8_t *data)
{
	uint64_t first = op->offset_bytes / SECTOR_BYTES;
	uint64_t end_bytes = op->offset_bytes + op->len_bytes;
	uint64_t count = (end_bytes + SECTOR_BYTES - 1) / SECTOR_BYTES - first;

	for (uint64_t sector = first; sector < first + count; sector++) {
		uint64_t from = sector * SECTOR_BYTES, to = from + SECTOR_BYTES;

		if (!survives(c, t, op->file, is_last, sector, first, count))
			continue;
		from = from < op->offset_bytes ? op->offset_bytes : from;
		to = to > end_bytes ? end_bytes : to;
		memcpy(data + from, op->data + (from - op->offset_bytes), (size_t)(to - from));
	}
}

static uint32_t tear_file(const struct cutter *c, const struct tear *t, int file)
{
	uint8_t *data = copy_content(c->synced.content[file]);
	uint32_t count = c->pending_count[file];

	for (uint32_t i = 0; i < count; i++)
		tear_write(c, t, &c->log->operation[c->pending[file][i]], i + 1 == count, data);
	return intern_and_free(file, c->synced.content[file], data);
}

/* Other files with unsynced data are all kept, then all dropped. */
static void show_file(struct cutter *c, int file, uint32_t content, unsigned dirty, const char *fate)
{
	struct world w = c->kept;

	w.content[file] = content;
	show(c, &w, fate);
	if (dirty < 2)
		return;
	w = c->synced;
	w.content[file] = content;
	show(c, &w, fate);
}

static void show_tears(struct cutter *c, int file, unsigned dirty)
{
	char fate[32];

	for (unsigned i = 0; i < c->options->tears && i < TEARS_MAX; i++) {
		(void)snprintf(fate, sizeof(fate), "torn (%u)", i);
		show_file(c, file, tear_file(c, &tears[i], file), dirty, fate);
	}
}

/* Environment: the sectors in which what is synced and what was written differ. */
static unsigned find_differences(const struct cutter *c, uint16_t sector[ENV_SECTORS])
{
	const uint8_t *from = contents_data(c->synced.content[BOARD_ENV_FILE]);
	const uint8_t *to = contents_data(c->kept.content[BOARD_ENV_FILE]);
	unsigned count = 0;

	for (unsigned i = 0; i < ENV_SECTORS; i++) {
		size_t at = (size_t)i * SECTOR_BYTES;

		if (memcmp(from + at, to + at, SECTOR_BYTES) != 0)
			sector[count++] = (uint16_t)i;
	}
	return count;
}

/* Of the sectors that differ, those that live are new. */
static void show_env_subset(struct cutter *c, const uint16_t *sector, unsigned count,
			    const bool *lives, unsigned dirty)
{
	uint32_t synced = c->synced.content[BOARD_ENV_FILE];
	const uint8_t *kept = contents_data(c->kept.content[BOARD_ENV_FILE]);
	uint8_t *data = copy_content(synced);

	for (unsigned i = 0; i < count; i++) {
		size_t at = (size_t)sector[i] * SECTOR_BYTES;

		if (lives[i])
			memcpy(data + at, kept + at, SECTOR_BYTES);
	}
	show_file(c, BOARD_ENV_FILE, intern_and_free(BOARD_ENV_FILE, synced, data), dirty,
		  "torn by sector");
}

static void show_every_subset(struct cutter *c, const uint16_t *sector, unsigned count,
			      unsigned dirty)
{
	bool lives[SUBSETS_SECTORS_MAX];

	for (uint32_t mask = 1; mask + 1 < 1u << count; mask++) {
		for (unsigned i = 0; i < count; i++)
			lives[i] = mask >> i & 1;
		show_env_subset(c, sector, count, lives, dirty);
	}
}

static void show_some_subsets(struct cutter *c, const uint16_t *sector, unsigned count,
			      unsigned dirty)
{
	bool lives[ENV_SECTORS];

	for (unsigned at = 0; at < count; at++) {
		for (int kind = 0; kind < (c->options->env_sectors ? 4 : 2); kind++) {
			for (unsigned i = 0; i < count; i++)
				lives[i] = kind == 0 ? i < at :
					   kind == 1 ? i > at :
					   kind == 2 ? i == at :
						       i != at;
			show_env_subset(c, sector, count, lives, dirty);
		}
	}
}

static void show_env_tears(struct cutter *c, unsigned dirty)
{
	uint16_t sector[ENV_SECTORS];
	unsigned count = find_differences(c, sector);

	if (count <= c->options->env_sectors && count <= SUBSETS_SECTORS_MAX)
		show_every_subset(c, sector, count, dirty);
	else
		show_some_subsets(c, sector, count, dirty);
}

/* All fates of one cut. */
static void show_point(struct cutter *c)
{
	unsigned dirty = 0;

	c->shown_count = 0;
	for (int file = 0; file < BOARD_FILES; file++)
		dirty += c->pending_count[file] > 0;
	show(c, &c->kept, dirty ? "kept" : "nothing unsynced");
	if (!dirty)
		return;
	show(c, &c->synced, "dropped");
	for (int file = 0; file < BOARD_FILES; file++) {
		if (!c->pending_count[file])
			continue;
		if (dirty > 1) {
			show_file(c, file, c->kept.content[file], dirty, "one file kept");
			show_file(c, file, c->synced.content[file], dirty, "one file dropped");
		}
		if (file == BOARD_ENV_FILE)
			show_env_tears(c, dirty);
		else
			show_tears(c, file, dirty);
	}
}

static void step(struct cutter *c, uint32_t number)
{
	const struct disk_operation *op = &c->log->operation[number];

	if (op->is_sync) {
		c->synced.content[op->file] = c->kept.content[op->file];
		c->pending_count[op->file] = 0;
		return;
	}
	c->kept.content[op->file] = apply(c->kept.content[op->file], op);
	c->pending[op->file][c->pending_count[op->file]++] = number;
}

uint64_t crash_visit_all(const struct world *base, const struct disk_log *log,
			 const struct crash_options *options, crash_visit visit, void *ctx)
{
	struct cutter *c = calloc(1, sizeof(*c));
	uint64_t points;

	if (!c)
		tree_die("memory");
	*c = (struct cutter){ .log = log,
			      .options = options,
			      .synced = *base,
			      .kept = *base,
			      .visit = visit,
			      .ctx = ctx };
	c->point.kept = &c->kept;
	c->point.operation = CRASH_BEFORE_ANY;
	c->point.is_last = log->count == 0;
	show_point(c);
	for (uint32_t i = 0; i < log->count; i++) {
		c->point.operation = i;
		c->point.is_last = i + 1 == log->count;
		step(c, i);
		show_point(c);
	}
	points = c->points;
	free(c->shown);
	free(c);
	return points;
}

struct world crash_replay(const struct world *base, const struct disk_log *log)
{
	struct world w = *base;
	uint8_t *data[BOARD_FILES] = { NULL };

	for (uint32_t i = 0; i < log->count; i++) {
		const struct disk_operation *op = &log->operation[i];

		if (op->is_sync)
			continue;
		if (!data[op->file])
			data[op->file] = copy_content(base->content[op->file]);
		memcpy(data[op->file] + op->offset_bytes, op->data, op->len_bytes);
	}
	for (int file = 0; file < BOARD_FILES; file++) {
		if (data[file])
			w.content[file] = intern_and_free(file, base->content[file], data[file]);
	}
	return w;
}
