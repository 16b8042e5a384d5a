/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "support/scratch_part.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OLD_IMAGE_SEED 7u

static void die(const char *what)
{
	(void)fprintf(stderr, "scratch partition: %s: %s\n", what, strerror(errno));
	abort();
}

uint32_t next_random(uint32_t *state)
{
	uint32_t x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	*state = x;
	return x;
}

uint8_t *make_image(uint64_t len_bytes, uint32_t seed)
{
	uint8_t *image = malloc(len_bytes ? len_bytes : 1);
	uint32_t state = seed * 2654435761u + 1;

	if (!image)
		die("malloc");
	for (uint64_t i = 0; i < len_bytes; i++)
		image[i] = (uint8_t)(1 + next_random(&state) % 255);
	return image;
}

static int open_file(const struct scratch_part *p, int flags)
{
	int fd = open(p->file, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		die(p->file);
	return fd;
}

void scratch_part_make(struct scratch_part *p, uint64_t capacity_bytes)
{
	uint8_t *old = make_image(capacity_bytes, OLD_IMAGE_SEED);
	const char *tmp = getenv("TMPDIR");
	int fd;

	memset(p, 0, sizeof(*p));
	(void)snprintf(p->root, sizeof(p->root), "%.80s/jota-part-XXXXXX",
		       tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(p->root))
		die(p->root);
	(void)snprintf(p->file, sizeof(p->file), "%s/part", p->root);
	fd = open_file(p, O_RDWR | O_CREAT | O_EXCL);
	if (write(fd, old, capacity_bytes) != (ssize_t)capacity_bytes || close(fd) != 0)
		die("write");
	free(old);
	p->target = (struct jota_target){
		.role = JOTA_ROLE_KERNEL,
		.slot = JOTA_SLOT_B,
		.label = "B_kernel",
		.path = "/part",
		.capacity_bytes = capacity_bytes,
		.block_bytes = 4096,
	};
}

void scratch_part_remove(struct scratch_part *p)
{
	if (unlink(p->file) != 0 || rmdir(p->root) != 0)
		die("remove");
}

uint8_t *scratch_part_read(const struct scratch_part *p)
{
	size_t len = (size_t)p->target.capacity_bytes;
	uint8_t *data = malloc(len + 1);
	int fd = open_file(p, O_RDONLY);

	/* One byte more is asked for: a file that grew is noticed. */
	if (!data || read(fd, data, len + 1) != (ssize_t)len)
		die("read");
	(void)close(fd);
	return data;
}

void scratch_part_flip(const struct scratch_part *p, uint64_t offset_bytes)
{
	int fd = open_file(p, O_RDWR);
	uint8_t byte;

	if (pread(fd, &byte, 1, (off_t)offset_bytes) != 1)
		die("pread");
	byte ^= 1;
	if (pwrite(fd, &byte, 1, (off_t)offset_bytes) != 1 || fsync(fd) != 0)
		die("pwrite");
	(void)close(fd);
}

bool scratch_part_is_zero(const struct scratch_part *p, uint64_t from_bytes, uint64_t to_bytes)
{
	uint8_t *now = scratch_part_read(p);
	bool zero = true;

	for (uint64_t i = from_bytes; i < to_bytes; i++)
		zero = zero && now[i] == 0;
	free(now);
	return zero;
}

bool scratch_part_is_old(const struct scratch_part *p, uint64_t from_bytes, uint64_t to_bytes)
{
	uint8_t *now = scratch_part_read(p);
	uint8_t *old = make_image(p->target.capacity_bytes, OLD_IMAGE_SEED);
	bool same = memcmp(now + from_bytes, old + from_bytes, to_bytes - from_bytes) == 0;

	free(now);
	free(old);
	return same;
}
