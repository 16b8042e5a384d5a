// SPDX-License-Identifier: LGPL-2.1-or-later
// SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#include "model_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sha1.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Partitions get made-up places on the modelled disk: after the environment, 1 MiB aligned. */
#define FIRST_LBA 0x8000U
#define ALIGN_SECTORS 2048U

void model_machine_init(struct model_machine *m, const char *env_path, const char *default_env_path)
{
	memset(m, 0, sizeof(*m));
	(void)snprintf(m->env_path, sizeof(m->env_path), "%s", env_path);
	(void)snprintf(m->default_env_path, sizeof(m->default_env_path), "%s", default_env_path);
	m->env_offset_bytes[0] = 0x700000;
	m->env_offset_bytes[1] = 0x720000;
	m->env_size_bytes = 0x20000;
}

int model_machine_add_part(struct model_machine *m, const char *name, const char *path)
{
	if (name[0] == '\0' || strlen(name) > MODEL_PART_NAME_MAX || strlen(path) >= PATH_MAX ||
	    part_find(m, name) != NULL)
		return -EINVAL;
	if (m->part_count == MODEL_PARTS_MAX)
		return -ENOSPC;
	struct model_part *part = &m->parts[m->part_count++];
	memset(part, 0, sizeof(*part));
	memcpy(part->name, name, strlen(name) + 1);
	memcpy(part->path, path, strlen(path) + 1);
	return 0;
}

const struct model_part *part_find(const struct model_machine *m, const char *name)
{
	for (size_t i = 0; i < m->part_count; i++)
		if (strcmp(m->parts[i].name, name) == 0)
			return &m->parts[i];
	return NULL;
}

/* Whole sectors only, as a partition has. */
int part_size(const struct model_part *part, uint64_t *ret_size_bytes)
{
	struct stat st;
	uint64_t size_bytes = part->size_bytes;

	if (size_bytes == 0) {
		if (stat(part->path, &st) != 0)
			return -errno;
		if (st.st_size < 0 || (uint64_t)st.st_size < part->offset_bytes)
			return -EINVAL;
		size_bytes = (uint64_t)st.st_size - part->offset_bytes;
	}
	*ret_size_bytes = size_bytes - size_bytes % MODEL_SECTOR_BYTES;
	return 0;
}

int part_read(const struct model_part *part, uint64_t at_bytes, void *ret_data, size_t len_bytes)
{
	int fd = open(part->path, O_RDONLY | O_CLOEXEC);
	size_t done = 0;
	int ret = 0;

	if (fd < 0)
		return -errno;
	while (ret == 0 && done < len_bytes) {
		ssize_t n = pread(fd, (char *)ret_data + done, len_bytes - done,
				  (off_t)(part->offset_bytes + at_bytes + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			ret = n < 0 ? -errno : -EIO;
		else
			done += (size_t)n;
	}
	(void)close(fd);
	return ret;
}

/* A partition whose size cannot be found out takes one alignment unit. */
static uint64_t part_sectors(const struct model_part *part)
{
	uint64_t size_bytes = 0;

	if (part_size(part, &size_bytes) < 0)
		return 0;
	return size_bytes / MODEL_SECTOR_BYTES;
}

static uint64_t next_start(uint64_t lba, const struct model_part *part)
{
	uint64_t units = (part_sectors(part) + ALIGN_SECTORS - 1) / ALIGN_SECTORS;

	return lba + (units == 0 ? 1 : units) * ALIGN_SECTORS;
}

int part_start_lba(const struct model_machine *m, const struct model_part *part, uint64_t *ret_lba)
{
	uint64_t lba = FIRST_LBA;

	for (size_t i = 0; i < m->part_count; i++) {
		if (&m->parts[i] == part) {
			*ret_lba = lba;
			return part_sectors(part) == 0 ? -EIO : 0;
		}
		lba = next_start(lba, &m->parts[i]);
	}
	return -ENOENT;
}

const struct model_part *part_at(const struct model_machine *m, uint64_t lba, uint64_t count,
				 uint64_t *ret_at_bytes)
{
	uint64_t start = FIRST_LBA;

	for (size_t i = 0; i < m->part_count; i++) {
		uint64_t sectors = part_sectors(&m->parts[i]);

		if (lba >= start && lba - start < sectors && count <= sectors - (lba - start)) {
			*ret_at_bytes = (lba - start) * MODEL_SECTOR_BYTES;
			return &m->parts[i];
		}
		start = next_start(start, &m->parts[i]);
	}
	return NULL;
}

int model_part_digest(const struct model_machine *m, const char *name, uint64_t len_bytes,
		      char ret_hex[41])
{
	const struct model_part *part = part_find(m, name);
	uint64_t size_bytes = 0;
	uint8_t block[65536];
	uint8_t digest[20];
	SHA1_CTX sha;

	int ret = part == NULL ? -ENOENT : part_size(part, &size_bytes);
	if (ret < 0)
		return ret;
	if (len_bytes == 0)
		len_bytes = size_bytes;
	if (len_bytes > size_bytes)
		return -ERANGE;
	SHA1Init(&sha);
	for (uint64_t at = 0; at < len_bytes;) {
		size_t n = len_bytes - at < sizeof(block) ? (size_t)(len_bytes - at) :
							    sizeof(block);

		ret = part_read(part, at, block, n);
		if (ret < 0)
			return ret;
		SHA1Update(&sha, block, n);
		at += n;
	}
	SHA1Final(digest, &sha);
	for (size_t i = 0; i < sizeof(digest); i++)
		(void)snprintf(ret_hex + 2 * i, 3, "%02x", digest[i]);
	return 0;
}
