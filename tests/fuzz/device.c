/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "fuzz/device.h"

#include "fuzz/fuzz.h"
#include "support/tree.h"

#include <fcntl.h>
#include <unistd.h>

/* Outlives every input: libFuzzer's entry point carries no state from one to the next. */
static struct tree device;
static int fd_of[FUZZ_FILES_MAX];

static void remove_device(void)
{
	tree_remove(&device);
}

/* A loop device stands beside the partitions, so that roots on a file are within reach. */
static void make_device(const char *const *path, size_t count)
{
	PROMISE(count <= FUZZ_FILES_MAX);
	tree_make(&device, NULL);
	PROMISE(atexit(remove_device) == 0);
	tree_write_file(&device, "/sys/class/block/loop0/uevent",
			"MAJOR=7\nMINOR=0\nDEVNAME=loop0\nDEVTYPE=disk\n");
	tree_write_file(&device, "/sys/class/block/loop0/size", "2048\n");
	for (size_t i = 0; i < count; i++) {
		char full[PATH_MAX * 2];

		tree_write_file(&device, path[i], "");
		(void)snprintf(full, sizeof(full), "%s%s", device.root, path[i]);
		fd_of[i] = open(full, O_RDWR | O_CLOEXEC);
		PROMISE(fd_of[i] >= 0);
	}
}

const struct jota_io *fuzz_device_fill(const char *const *path, size_t count, const uint8_t *data,
				       size_t len_bytes)
{
	if (device.root[0] == '\0')
		make_device(path, count);
	for (size_t i = 0; i < count; i++) {
		const uint8_t *end = len_bytes > 0 ? memchr(data, '\0', len_bytes) : NULL;
		bool last = !end || i + 1 == count;
		size_t part = last ? len_bytes : (size_t)(end - data);

		PROMISE(ftruncate(fd_of[i], 0) == 0);
		PROMISE(pwrite(fd_of[i], data, part, 0) == (ssize_t)part);
		data += last ? part : part + 1;
		len_bytes -= last ? part : part + 1;
	}
	return &device.io;
}
