/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "powercut/envview.h"

#include <xxhash.h>
#include <zlib.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "powercut/contents.h"

#define HEADER_BYTES 5u
#define SPOILED 0xa5
/* A count above it is above every bootlimit here, and so is the next one. */
#define COUNT_MAX 4u

static struct {
	struct env_view **view;
	uint32_t room;
} cache;

static bool copy_valid(const uint8_t *copy)
{
	uLong crc = crc32(0, copy + HEADER_BYTES, ENV_COPY_BYTES - HEADER_BYTES);

	for (unsigned i = 0; i < 4; i++) {
		if (copy[i] != (uint8_t)(crc >> (8 * i)))
			return false;
	}
	return true;
}

/* Value of an entry if it has this name, else NULL. */
static const char *value_of(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return strncmp(entry, name, len) == 0 && entry[len] == '=' ? entry + len + 1 : NULL;
}

static void read_letters(const char *entry, struct env_view *v)
{
	const struct {
		const char *name;
		char *to;
	} letter[] = {
		{ "boot_slot", &v->boot_slot },
		{ "slotA_ok", &v->slot_ok[0] },
		{ "slotB_ok", &v->slot_ok[1] },
		{ "ustate", &v->ustate },
	};

	for (size_t i = 0; i < sizeof(letter) / sizeof(letter[0]); i++) {
		const char *value = value_of(entry, letter[i].name);

		if (value)
			*letter[i].to = value[0];
	}
}

static void read_entry(const char *entry, struct env_view *v)
{
	const char *value;

	read_letters(entry, v);
	if ((value = value_of(entry, "upgrade_available")))
		v->on_trial = value[0] != '0';
	if ((value = value_of(entry, "bootcount")))
		v->bootcount = (unsigned)strtoul(value, NULL, 10);
	if ((value = value_of(entry, "bootlimit")))
		v->bootlimit = (unsigned)strtoul(value, NULL, 10);
	if (value_of(entry, "update_target"))
		v->has_target = true;
	if ((value = value_of(entry, "jota_boot_id")))
		(void)snprintf(v->boot_id, sizeof(v->boot_id), "%s", value);
}

/* Entries end at an empty one; a valid copy that has none is read to its end. */
static void read_variables(const uint8_t *copy, int number, struct env_view *v)
{
	const char *at = (const char *)copy + HEADER_BYTES;
	const char *end = (const char *)copy + ENV_COPY_BYTES;

	while (at < end && *at && memchr(at, '\0', (size_t)(end - at))) {
		const char *count = value_of(at, "bootcount");

		if (!value_of(at, "jota_boot_id")) {
			const char *means = count && strtoul(count, NULL, 10) > COUNT_MAX ? "" : at;

			v->variables[number] += XXH3_64bits(at, strlen(at));
			v->meaning[number] += XXH3_64bits(means, strlen(means));
		}
		if (number == v->chosen)
			read_entry(at, v);
		at += strlen(at) + 1;
	}
}

/* U-Boot's rule: the higher serial, 0 after 255. */
static int choose(const struct env_view *v)
{
	if (!v->valid[0] || !v->valid[1])
		return v->valid[0] ? 0 : v->valid[1] ? 1 : -1;
	if (v->serial[0] == 255 && v->serial[1] == 0)
		return 1;
	if (v->serial[1] == 255 && v->serial[0] == 0)
		return 0;
	return v->serial[1] > v->serial[0];
}

static void read_view(const uint8_t *area, const bool valid[2], struct env_view *v)
{
	for (int i = 0; i < 2; i++) {
		v->valid[i] = valid[i];
		v->serial[i] = area[(size_t)i * ENV_COPY_BYTES + 4];
	}
	v->chosen = choose(v);
	for (int i = 0; i < 2; i++) {
		if (valid[i])
			read_variables(area + (size_t)i * ENV_COPY_BYTES, i, v);
	}
}

static void cache_view(uint32_t number, const uint8_t *area, const bool valid[2])
{
	if (number >= cache.room) {
		uint32_t room = number + 1024;

		cache.view = reallocarray(cache.view, room, sizeof(struct env_view *));
		if (!cache.view)
			tree_die("memory for environments");
		memset(cache.view + cache.room, 0, (room - cache.room) * sizeof(struct env_view *));
		cache.room = room;
	}
	if (cache.view[number])
		return;
	cache.view[number] = calloc(1, sizeof(struct env_view));
	if (!cache.view[number])
		tree_die("memory for an environment");
	read_view(area, valid, cache.view[number]);
}

static uint32_t intern(uint8_t area[ENV_BYTES], const bool valid[2])
{
	uint32_t number;

	for (size_t i = 0; i < 2; i++) {
		if (!valid[i])
			memset(area + i * ENV_COPY_BYTES, SPOILED, ENV_COPY_BYTES);
	}
	number = contents_intern(area, ENV_BYTES);
	cache_view(number, area, valid);
	return number;
}

uint32_t env_intern(uint8_t area[ENV_BYTES])
{
	const bool valid[2] = { copy_valid(area), copy_valid(area + ENV_COPY_BYTES) };

	return intern(area, valid);
}

uint32_t env_intern_like(uint8_t area[ENV_BYTES], uint32_t like)
{
	const uint8_t *known = contents_data(like);
	bool valid[2];

	for (size_t i = 0; i < 2; i++) {
		size_t at = i * ENV_COPY_BYTES;

		valid[i] = memcmp(area + at, known + at, ENV_COPY_BYTES) == 0 ?
				   env_view_of(like)->valid[i] :
				   copy_valid(area + at);
	}
	return intern(area, valid);
}

const struct env_view *env_view_of(uint32_t number)
{
	return cache.view[number];
}
