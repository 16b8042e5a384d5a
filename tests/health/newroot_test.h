/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* A tree below the scratch root, to be read as it is or packed as ext4. */
#pragma once

#include "health/health_test.h"
#include "health/newroot.h"

#include <elf.h>
#include <fcntl.h>
#include <stdint.h>

#define IMAGE_BYTES (2u << 20)

static char tree[PATH_MAX], image[PATH_MAX];
static struct jota_newroot *root;
static struct jota_err err;

static inline void run_program(char *const *argv)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		(void)dup2(null, 1);
		(void)dup2(null, 2);
		execv(argv[0], argv);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: %x", argv[0], status);
}

static inline void in_tree(const char *path, char full[PATH_MAX])
{
	char *slash = full;

	ck_assert_int_lt(snprintf(full, PATH_MAX, "%s%s", tree, path), PATH_MAX);
	slash += strlen(tree);
	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		(void)mkdir(full, 0755);
		*slash = '/';
	}
}

static inline void add_bytes(const char *path, const void *data, size_t bytes, mode_t mode)
{
	char full[PATH_MAX];
	FILE *f;

	in_tree(path, full);
	f = fopen(full, "wb");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(data, 1, bytes, f), bytes);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(full, mode), 0);
}

static inline void add(const char *path, const char *text, mode_t mode)
{
	add_bytes(path, text, strlen(text), mode);
}

#if defined(__aarch64__)
#define HERE EM_AARCH64
#define ELSEWHERE EM_X86_64
#else
#define HERE EM_X86_64
#define ELSEWHERE EM_AARCH64
#endif

static inline void add_elf(const char *path, uint16_t machine, const char *loader)
{
	uint8_t file[64 + 56 + 64] = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 };
	size_t len = loader ? strlen(loader) + 1 : 0;

	file[16] = ET_DYN;
	file[18] = (uint8_t)machine;
	file[19] = (uint8_t)(machine >> 8);
	file[32] = 64;
	file[54] = 56;
	file[56] = 1;
	file[64] = loader ? PT_INTERP : PT_LOAD;
	file[72] = 120;
	file[96] = (uint8_t)len;
	if (loader)
		memcpy(file + 120, loader, len);
	add_bytes(path, file, sizeof(file), 0755);
}

static inline void add_link(const char *path, const char *target)
{
	char full[PATH_MAX];

	in_tree(path, full);
	ck_assert_int_eq(symlink(target, full), 0);
}

static inline void pack(void)
{
	char mke2fs[] = "/usr/sbin/mke2fs", q[] = "-q", force[] = "-F", t[] = "-t", ext4[] = "ext4",
	     d[] = "-d", n[] = "-N", inodes[] = "512", size[] = "2048k";
	char *argv[] = { mke2fs, q, force, t, ext4, n, inodes, d, tree, image, size, NULL };

	run_program(argv);
}

static inline void debugfs(const char *command)
{
	char program[] = "/usr/sbin/debugfs", w[] = "-w", r[] = "-R", text[256];
	char *argv[] = { program, w, r, text, image, NULL };

	(void)snprintf(text, sizeof(text), "%s", command);
	run_program(argv);
}

static inline void patch(long at, const void *data, size_t bytes)
{
	FILE *f = fopen(image, "r+b");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fseek(f, at, SEEK_SET), 0);
	ck_assert_uint_eq(fwrite(data, 1, bytes, f), bytes);
	ck_assert_int_eq(fclose(f), 0);
}

static inline void patch32(long at, uint32_t value)
{
	const uint8_t bytes[4] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
				   (uint8_t)(value >> 24) };

	patch(at, bytes, sizeof(bytes));
}

static inline void setup(void)
{
	health_setup();
	(void)snprintf(tree, sizeof(tree), "%s/tree", scratch.root);
	(void)snprintf(image, sizeof(image), "%s/image", scratch.root);
	ck_assert_int_eq(mkdir(tree, 0755), 0);
	root = NULL;
	memset(&err, 0, sizeof(err));
}

static inline void teardown(void)
{
	jota_newroot_free(root);
	health_teardown();
}

/* _i 0: packed and read by libext2fs, 1: the directory itself. */
static inline void open_way(int way)
{
	if (way == 0)
		pack();
	ck_assert_msg(jota_newroot_open(way == 0 ? image : tree, &root, &err) == 0, "%s", err.msg);
}

static inline void says(int got, int want, const char *words)
{
	ck_assert_msg(got == want, "%d, expected %d: %s", got, want, err.msg);
	ck_assert_msg(strstr(err.msg, words) != NULL, "'%s' is not in: %s", words, err.msg);
}
