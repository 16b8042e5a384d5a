/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "powercut/contents.h"

#include <xxhash.h>

#include <stdlib.h>
#include <string.h>

#include "support/tree_env.h"

#define SLOTS_FIRST 1024u

struct content {
	XXH128_hash_t digest;
	uint8_t *data;
	size_t size_bytes;
};

/* Open addressing: slot[] holds the number plus one. */
static struct {
	struct content *content;
	uint32_t count, room;
	uint32_t *slot;
	uint32_t slots;
} store;

static void grow_slots(void)
{
	uint32_t slots = store.slots ? store.slots * 2 : SLOTS_FIRST;
	uint32_t *slot = calloc(slots, sizeof(*slot));

	if (!slot)
		tree_die("memory for contents");
	for (uint32_t i = 0; i < store.count; i++) {
		uint32_t at = (uint32_t)store.content[i].digest.low64 & (slots - 1);

		while (slot[at])
			at = (at + 1) & (slots - 1);
		slot[at] = i + 1;
	}
	free(store.slot);
	store.slot = slot;
	store.slots = slots;
}

static uint32_t add_content(XXH128_hash_t digest, const uint8_t *data, size_t size_bytes)
{
	struct content *c;

	if (store.count == store.room) {
		store.room = store.room ? store.room * 2 : 256;
		store.content = reallocarray(store.content, store.room, sizeof(*store.content));
		if (!store.content)
			tree_die("memory for contents");
	}
	c = &store.content[store.count];
	*c = (struct content){ digest, malloc(size_bytes), size_bytes };
	if (!c->data)
		tree_die("memory for %u contents", store.count);
	memcpy(c->data, data, size_bytes);
	return store.count++;
}

uint32_t contents_intern(const uint8_t *data, size_t size_bytes)
{
	XXH128_hash_t digest = XXH3_128bits(data, size_bytes);
	uint32_t at, number;

	if (store.count * 2 >= store.slots)
		grow_slots();
	at = (uint32_t)digest.low64 & (store.slots - 1);
	for (; store.slot[at]; at = (at + 1) & (store.slots - 1)) {
		const struct content *c = &store.content[store.slot[at] - 1];

		if (XXH128_isEqual(c->digest, digest) && c->size_bytes == size_bytes)
			return store.slot[at] - 1;
	}
	number = add_content(digest, data, size_bytes);
	store.slot[at] = number + 1;
	return number;
}

const uint8_t *contents_data(uint32_t number)
{
	return store.content[number].data;
}

size_t contents_size_bytes(uint32_t number)
{
	return store.content[number].size_bytes;
}

struct keyset_slot {
	XXH128_hash_t digest;
	uint32_t number_plus_one;
};

static struct keyset_slot *find_slot(const struct keyset *set, XXH128_hash_t digest)
{
	uint32_t at = (uint32_t)digest.low64 & (set->room - 1);

	while (set->slot[at].number_plus_one && !XXH128_isEqual(set->slot[at].digest, digest))
		at = (at + 1) & (set->room - 1);
	return &set->slot[at];
}

static void keyset_grow(struct keyset *set)
{
	struct keyset bigger = { .count = set->count, .room = set->room ? set->room * 2 : 1024 };

	bigger.slot = calloc(bigger.room, sizeof(*bigger.slot));
	if (!bigger.slot)
		tree_die("memory for a set of states");
	for (uint32_t i = 0; i < set->room; i++) {
		if (set->slot[i].number_plus_one)
			*find_slot(&bigger, set->slot[i].digest) = set->slot[i];
	}
	free(set->slot);
	*set = bigger;
}

uint32_t keyset_number(struct keyset *set, const void *data, size_t len_bytes)
{
	XXH128_hash_t digest = XXH3_128bits(data, len_bytes);
	struct keyset_slot *slot;

	if (set->count * 2 >= set->room)
		keyset_grow(set);
	slot = find_slot(set, digest);
	if (!slot->number_plus_one)
		*slot = (struct keyset_slot){ digest, ++set->count };
	return slot->number_plus_one - 1;
}

void keyset_done(struct keyset *set)
{
	free(set->slot);
	*set = (struct keyset){ 0 };
}
