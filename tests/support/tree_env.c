/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "support/tree_env.h"

#include "support/tree.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER_BYTES 5u
#define DATA_BYTES (TREE_ENV_SIZE_BYTES - HEADER_BYTES)

static const off_t copy_offset[2] = { TREE_ENV_OFFSET_BYTES, TREE_ENV_REDUNDANT_OFFSET_BYTES };

struct copy {
	uint8_t bytes[TREE_ENV_SIZE_BYTES];
};

/* The reflected polynomial 0xEDB88320, a nibble at a time: short, and quick enough under valgrind. */
static uint32_t crc_of(const uint8_t *data, size_t len)
{
	uint32_t table[16], crc = 0xffffffffu;

	for (uint32_t i = 0; i < 16; i++) {
		uint32_t x = i;

		for (int bit = 0; bit < 4; bit++)
			x = (x & 1) ? (x >> 1) ^ 0xedb88320u : x >> 1;
		table[i] = x;
	}
	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		crc = (crc >> 4) ^ table[crc & 15];
		crc = (crc >> 4) ^ table[crc & 15];
	}
	return ~crc;
}

static int open_disk(struct tree *t)
{
	char path[PATH_MAX * 2];
	int fd;

	tree_path(t, "/dev/mmcblk0", path, sizeof(path));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		tree_die("open %s", path);
	return fd;
}

static void read_copy(struct tree *t, int index, struct copy *ret)
{
	int fd = open_disk(t);

	if (pread(fd, ret->bytes, sizeof(ret->bytes), copy_offset[index]) !=
	    (ssize_t)sizeof(ret->bytes))
		tree_die("read environment copy %d", index);
	(void)close(fd);
}

static void write_copy(struct tree *t, int index, const struct copy *copy)
{
	int fd = open_disk(t);

	if (pwrite(fd, copy->bytes, sizeof(copy->bytes), copy_offset[index]) !=
	    (ssize_t)sizeof(copy->bytes))
		tree_die("write environment copy %d", index);
	(void)close(fd);
}

static void seal(struct copy *copy, uint8_t flags)
{
	uint32_t crc = crc_of(copy->bytes + HEADER_BYTES, DATA_BYTES);

	for (int i = 0; i < 4; i++)
		copy->bytes[i] = (uint8_t)(crc >> (8 * i));
	copy->bytes[4] = flags;
}

static bool is_valid(const struct copy *copy)
{
	uint32_t crc = crc_of(copy->bytes + HEADER_BYTES, DATA_BYTES);

	for (int i = 0; i < 4; i++)
		if (copy->bytes[i] != (uint8_t)(crc >> (8 * i)))
			return false;
	return true;
}

/* The copy that U-Boot takes, -1 when it would fall back to its built-in default. */
static int current_copy(struct tree *t, struct copy *ret)
{
	struct copy *pair = malloc(2 * sizeof(*pair));
	bool valid[2];
	int chosen = -1;

	if (!pair)
		tree_die("malloc");
	for (int i = 0; i < 2; i++) {
		read_copy(t, i, &pair[i]);
		valid[i] = is_valid(&pair[i]);
	}
	if (valid[0] && valid[1]) {
		uint8_t f0 = pair[0].bytes[4], f1 = pair[1].bytes[4];

		if (f0 == 255 && f1 == 0)
			chosen = 1;
		else if (f1 == 255 && f0 == 0)
			chosen = 0;
		else
			chosen = f1 > f0;
	} else if (valid[0] || valid[1]) {
		chosen = valid[1];
	}
	if (chosen >= 0)
		*ret = pair[chosen];
	free(pair);
	return chosen;
}

/* Start of "name=" among the variables, NULL when absent. */
static char *find_entry(struct copy *copy, const char *name)
{
	char *at = (char *)copy->bytes + HEADER_BYTES;
	const char *end = (char *)copy->bytes + sizeof(copy->bytes);
	size_t name_len = strlen(name);

	while (at < end && *at) {
		size_t len = strnlen(at, (size_t)(end - at));

		if (len > name_len && !memcmp(at, name, name_len) && at[name_len] == '=')
			return at;
		at += len + 1;
	}
	return NULL;
}

static size_t used_bytes(const struct copy *copy)
{
	size_t at = HEADER_BYTES;

	while (at < sizeof(copy->bytes) && copy->bytes[at])
		at += strnlen((const char *)copy->bytes + at, sizeof(copy->bytes) - at) + 1;
	return at;
}

static void put_entry(struct copy *copy, const char *name, const char *value)
{
	char *old = find_entry(copy, name);
	size_t used, room, len;

	if (old) {
		size_t old_bytes = strlen(old) + 1;
		uint8_t *end = copy->bytes + sizeof(copy->bytes);

		memmove(old, old + old_bytes, (size_t)(end - (uint8_t *)old) - old_bytes);
		memset(end - old_bytes, 0, old_bytes);
	}
	if (!value)
		return;
	used = used_bytes(copy);
	room = sizeof(copy->bytes) - used;
	/* Whatever wrote this copy before may have left anything behind the last variable. */
	memset(copy->bytes + used, 0, room);
	len = (size_t)snprintf((char *)copy->bytes + used, room, "%s=%s", name, value);
	if (len + 2 > room)
		tree_die("environment full at '%s'", name);
}

void tree_env_factory(struct tree *t)
{
	struct copy *copy = calloc(1, sizeof(*copy));

	if (!copy)
		tree_die("calloc");
	put_entry(copy, "altbootcmd", "run jota_fall_back; run jota_boot; reset");
	put_entry(copy, "bootcmd", "run jota_boot; reset");
	put_entry(copy, "bootlimit", "3");
	seal(copy, 1);
	write_copy(t, 0, copy);
	seal(copy, 0);
	write_copy(t, 1, copy);
	free(copy);
}

void tree_env_set(struct tree *t, const char *name, const char *value)
{
	struct copy *copy = calloc(1, sizeof(*copy));
	int chosen;

	if (!copy)
		tree_die("calloc");
	chosen = current_copy(t, copy);
	put_entry(copy, name, value);
	seal(copy, (uint8_t)(copy->bytes[4] + 1));
	write_copy(t, chosen == 0, copy);
	free(copy);
}

char *tree_env_get(struct tree *t, const char *name)
{
	struct copy *copy = calloc(1, sizeof(*copy));
	char *entry, *value;

	if (!copy)
		tree_die("calloc");
	entry = current_copy(t, copy) < 0 ? NULL : find_entry(copy, name);
	value = strdup(entry ? entry + strlen(name) + 1 : "");
	if (!value)
		tree_die("strdup");
	free(copy);
	return value;
}

void tree_env_spoil(struct tree *t, int index)
{
	struct copy *copy = calloc(1, sizeof(*copy));

	if (!copy)
		tree_die("calloc");
	memset(copy->bytes, 0xa5, sizeof(copy->bytes));
	write_copy(t, index, copy);
	free(copy);
}

void tree_env_flags(struct tree *t, uint8_t ret_flags[2])
{
	struct copy *copy = calloc(1, sizeof(*copy));

	if (!copy)
		tree_die("calloc");
	for (int i = 0; i < 2; i++) {
		read_copy(t, i, copy);
		ret_flags[i] = copy->bytes[4];
	}
	free(copy);
}
