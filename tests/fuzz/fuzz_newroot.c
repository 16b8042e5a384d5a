/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * An ext file system of somebody else, looked at as before the flip: links, folders, files, units, programs, by libext2fs.
 * Input: byte 0 the size in KiB (64 and more), then records: offset in 64 bytes (2 bytes, little endian), length (1 byte), that many bytes;
 * what no record says is zero. The magic number is made right: the kernel must not be asked to mount what a fuzzer made.
 */
#define _GNU_SOURCE
#include "fuzz/fuzz.h"

#include "health/new_check.h"
#include "health/new_program.h"
#include "health/newroot.h"

#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define KIB 1024u
#define SIZE_MIN_KIB 64u
#define STEP_BYTES 64u
#define HEAD_BYTES 3u
#define MAGIC_AT (1024u + 56u)
#define TEXT_BYTES 256u
#define NAMES_MAX 100u

static const char *const paths[] = {
	"/",	       "/etc/os-release",	"/etc/link",	      "/sbin/init",
	"/lost+found", "/etc/up/../etc/link/x", "/etc/systemd/system"
};
#define PATH_COUNT (sizeof(paths) / sizeof(paths[0]))

static size_t unpack(const uint8_t *data, size_t len_bytes, uint8_t *image, size_t image_bytes)
{
	for (size_t at = 1, n; at + HEAD_BYTES <= len_bytes; at += HEAD_BYTES + n) {
		size_t offset = (size_t)(data[at] | data[at + 1] << 8) * STEP_BYTES;

		n = data[at + 2];
		if (n > len_bytes - at - HEAD_BYTES)
			n = len_bytes - at - HEAD_BYTES;
		if (offset <= image_bytes && n <= image_bytes - offset)
			memcpy(image + offset, data + at + HEAD_BYTES, n);
	}
	image[MAGIC_AT] = 0x53;
	image[MAGIC_AT + 1] = 0xef;
	return image_bytes;
}

/* One file in memory for the whole process. */
static const char *store(const uint8_t *image, size_t image_bytes)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("image", MFD_CLOEXEC);
	PROMISE(fd >= 0 && ftruncate(fd, (off_t)image_bytes) == 0);
	PROMISE(pwrite(fd, image, image_bytes, 0) == (ssize_t)image_bytes);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

static int count_name(void *ctx, const char *name)
{
	unsigned *count = ctx;

	PROMISE(strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strlen(name) <= 255);
	return ++*count == NAMES_MAX ? 1 : 0;
}

static void look_at_contents(const struct jota_newroot *root, const char *path)
{
	struct jota_err err = { 0 };
	char *text = NULL, target[PATH_MAX], word[32];
	uint8_t *block = malloc(TEXT_BYTES);
	unsigned count = 0;
	size_t got = 0;
	int r;

	PROMISE(block != NULL);
	r = jota_newroot_read(root, path, 100, block, TEXT_BYTES, &got, &err);
	fuzz_check_result(r, &err);
	PROMISE(r < 0 || got <= TEXT_BYTES);
	free(block);
	err = (struct jota_err){ 0 };
	r = jota_newroot_text(root, path, TEXT_BYTES, &text, &err);
	fuzz_check_result(r, &err);
	if (r == 0) {
		PROMISE(strlen(text) <= TEXT_BYTES);
		(void)jota_new_value(text, "ID", word, sizeof(word));
		free(text);
	}
	err = (struct jota_err){ 0 };
	r = jota_newroot_link(root, path, target, sizeof(target), &err);
	fuzz_check_result(r, &err);
	PROMISE(r < 0 || memchr(target, '\0', sizeof(target)));
	err = (struct jota_err){ 0 };
	r = jota_newroot_each(root, path, count_name, &count, &err);
	PROMISE(r >= 0 || (err.errnum == -r && err.msg[0] != '\0'));
	PROMISE(count <= NAMES_MAX);
}

static void look(const struct jota_newroot *root)
{
	struct jota_newroot_node node;
	struct jota_err err = { 0 };

	fuzz_check_result(jota_newroot_condition(root, &err), &err);
	for (size_t i = 0; i < PATH_COUNT; i++) {
		int r;

		err = (struct jota_err){ 0 };
		r = jota_newroot_stat(root, paths[i], i % 2 == 0, &node, &err);
		fuzz_check_result(r, &err);
		/* Seeds hold files of some bytes. */
		fuzz_plant(r == 0 && S_ISREG(node.mode) && node.size_bytes > 4096,
			   "a name that is longer than the room");
		look_at_contents(root, paths[i]);
	}
	err = (struct jota_err){ 0 };
	fuzz_check_result(jota_new_program_check(root, "/sbin/init", &err), &err);
	err = (struct jota_err){ 0 };
	fuzz_check_result(jota_new_unit_enabled(root, "app.service", &err), &err);
}

/* libFuzzer's own; absent, and never called, where a corpus is only replayed. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t len_bytes, size_t room_bytes);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len_bytes, size_t room_bytes, unsigned seed);

/* What shifts the records makes noise of them: three of four mutations stay where they are. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len_bytes, size_t room_bytes, unsigned seed)
{
	size_t at = len_bytes > 8 ? seed / 4 % (len_bytes - 4) : 0;

	if (seed % 4 == 0 || at == 0)
		return LLVMFuzzerMutate(data, len_bytes, room_bytes);
	(void)LLVMFuzzerMutate(data + at, 4, 4);
	return len_bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	size_t image_bytes = (SIZE_MIN_KIB + (len_bytes > 0 ? data[0] : 0)) * KIB;
	uint8_t *image = calloc(1, image_bytes);
	struct jota_newroot *root = NULL;
	struct jota_err err = { 0 };
	int r;

	PROMISE(image != NULL);
	image_bytes = unpack(data, len_bytes, image, image_bytes);
	r = jota_newroot_open(store(image, image_bytes), &root, &err);
	fuzz_check_result(r, &err);
	if (r == 0)
		look(root);
	jota_newroot_free(root);
	free(image);
	return 0;
}
