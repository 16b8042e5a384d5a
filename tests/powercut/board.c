/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE

#include "powercut/board.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "powercut/contents.h"
#include "powercut/envview.h"
#include "slot/layout.h"
#include "support/tree_env.h"
#include "support/update.h"

#define KIB 1024u
#define PAD_BYTES 4096u

/* As small as the order of the writer's blocks allows: first block, one or two more, a short one at the end. */
#define KERNEL_BYTES (1080u * KIB)
#define ROOTFS_BYTES (2060u * KIB + 100u)
#define BOOTLOADER_BYTES (48u * KIB)

static const struct tree_options sizes = {
	.kernel_bytes = 1088 * KIB,
	.bootloader_bytes = 64 * KIB,
	.rootfs_bytes = 2080 * KIB,
};

extern char **environ;

static void write_file(const char *path, const uint8_t *data, size_t len_bytes,
		       uint64_t offset_bytes)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, data, len_bytes, (off_t)offset_bytes) != (ssize_t)len_bytes)
		tree_die("write %s", path);
	(void)close(fd);
}

static uint8_t *read_file(const char *path, size_t len_bytes, uint64_t offset_bytes)
{
	uint8_t *data = malloc(len_bytes);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || !data || pread(fd, data, len_bytes, (off_t)offset_bytes) != (ssize_t)len_bytes)
		tree_die("read %s", path);
	(void)close(fd);
	return data;
}

/* A boot image that the model can start. */
static void make_kernel(const struct board *b, uint8_t seed, uint8_t *data, size_t len_bytes)
{
	const struct model_bootimg_spec spec = {
		.page_size_bytes = 2048,
		.kernel_size_bytes = KERNEL_BYTES - 16 * KIB,
		.ramdisk_size_bytes = 6 * KIB,
		.seed = seed,
		.with_id = true,
		.cmdline = "quiet",
	};
	char path[PATH_MAX * 2];
	uint8_t *made;
	struct stat st;

	tree_path(&b->tree, "/tmp/boot.img", path, sizeof(path));
	(void)unlink(path);
	if (model_bootimg_write(path, &spec) < 0 || stat(path, &st) < 0 ||
	    (size_t)st.st_size > len_bytes)
		tree_die("make a boot image of at most %zu bytes", len_bytes);
	made = read_file(path, (size_t)st.st_size, 0);
	memcpy(data, made, (size_t)st.st_size);
	free(made);
}

/* Something like a release: a pattern, a boot image in it, a root file system by its magic. */
static uint8_t *make_release(const struct board *b, enum jota_role role, uint8_t seed,
			     size_t len_bytes)
{
	struct image pattern;

	image_make(&pattern, role, "", len_bytes, seed);
	if (role == JOTA_ROLE_ROOTFS)
		memcpy(pattern.data + 1024 + 56, "\x53\xef", 2);
	if (role == JOTA_ROLE_KERNEL)
		make_kernel(b, seed, pattern.data, len_bytes);
	return pattern.data;
}

static void make_image(struct board *b, enum jota_role role, const char *name, size_t size_bytes)
{
	struct board_image *image = &b->image[role];
	uint8_t *data = make_release(b, role, 3, size_bytes);

	*image = (struct board_image){ .name = name, .size_bytes = size_bytes };
	image->padded_bytes = (size_bytes + PAD_BYTES - 1) / PAD_BYTES * PAD_BYTES;
	image->data = calloc(1, image->padded_bytes);
	if (!image->data)
		tree_die("memory");
	memcpy(image->data, data, size_bytes);
	free(data);
}

static void add_part(struct board *b, enum jota_slot slot, enum jota_role role)
{
	const char *label = b->config.layout->role[role].label[slot];
	const struct board_image *image = &b->image[role];
	struct board_file *f = &b->file[board_file_of(slot, (int)role)];
	char *path = tree_partition_path(&b->tree, label);
	struct stat st;
	uint8_t *data;

	if (stat(path, &st) < 0)
		tree_die("stat %s", path);
	*f = (struct board_file){ .size_bytes = (size_t)st.st_size, .now = UINT32_MAX };
	(void)snprintf(f->path, sizeof(f->path), "%s", path);
	data = make_release(b, role, (uint8_t)(1 + slot), f->size_bytes);
	b->old[slot][role] = contents_intern(data, f->size_bytes);
	memcpy(data, image->data, image->padded_bytes);
	b->new[slot][role] = contents_intern(data, f->size_bytes);
	if (disk_add_file(path, 0, f->size_bytes) != board_file_of(slot, (int)role) ||
	    model_machine_add_part(&b->machine, label, f->path) < 0)
		tree_die("add %s", label);
	free(data);
	free(path);
}

/* boot/uboot/ in the form that the model reads. */
static void join_environment(const char *path)
{
	char script[] = "boot/uboot/join-env.sh";
	char *argv[] = { script, NULL };
	posix_spawn_file_actions_t actions;
	int status = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, path,
					 O_WRONLY | O_CREAT | O_TRUNC, 0644);
	errno = posix_spawn(&pid, script, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (errno || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status))
		tree_die("run '%s' from the top directory of the sources", script);
}

void board_make(struct board *b)
{
	struct board_file *env = &b->file[BOARD_ENV_FILE];
	char joined[PATH_MAX * 2];

	memset(b, 0, sizeof(*b));
	/* Memory instead of a disk: nothing here depends on what the machine's own disk does. */
	if (!getenv("TMPDIR") && access("/dev/shm", W_OK | X_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 1);
	tree_make(&b->tree, &sizes);
	update_config(&b->tree, &b->config);
	disk_init(b->tree.root);
	*env = (struct board_file){ .offset_bytes = TREE_ENV_OFFSET_BYTES,
				    .size_bytes = ENV_BYTES,
				    .now = UINT32_MAX };
	tree_path(&b->tree, "/dev/mmcblk0", env->path, sizeof(env->path));
	(void)disk_add_file(env->path, env->offset_bytes, env->size_bytes);
	tree_path(&b->tree, "/joined.env", joined, sizeof(joined));
	join_environment(joined);
	model_machine_init(&b->machine, env->path, joined);
	make_image(b, JOTA_ROLE_KERNEL, "boot.img", KERNEL_BYTES);
	make_image(b, JOTA_ROLE_BOOTLOADER, "u-boot.bin", BOOTLOADER_BYTES);
	make_image(b, JOTA_ROLE_ROOTFS, "rootfs.ext4", ROOTFS_BYTES);
	for (int slot = 0; slot < JOTA_SLOT_COUNT; slot++) {
		for (int role = 0; role < JOTA_ROLE_COUNT; role++)
			add_part(b, (enum jota_slot)slot, (enum jota_role)role);
	}
}

void board_remove(struct board *b)
{
	tree_remove(&b->tree);
	for (int role = 0; role < JOTA_ROLE_COUNT; role++)
		free(b->image[role].data);
}

static uint32_t read_env(struct board *b)
{
	const struct board_file *f = &b->file[BOARD_ENV_FILE];
	uint8_t *area = read_file(f->path, f->size_bytes, f->offset_bytes);
	uint32_t number = env_intern(area);

	free(area);
	return number;
}

struct world board_factory(struct board *b, const char *const *assignment, size_t count,
			   uint8_t serial)
{
	struct board_file *f = &b->file[BOARD_ENV_FILE];
	struct world w = { { 0 } };
	uint8_t flags;

	if (model_env_init(&b->machine, b->machine.default_env_path) < 0)
		tree_die("store the factory environment");
	/* The serial is no part of what the checksum covers. */
	flags = serial;
	write_file(f->path, &flags, 1, f->offset_bytes + 4);
	flags = (uint8_t)(serial - 1);
	write_file(f->path, &flags, 1, f->offset_bytes + ENV_COPY_BYTES + 4);
	if (count > 0 && model_env_set(&b->machine, assignment, count) < 0)
		tree_die("set %s", assignment[0]);
	w.content[BOARD_ENV_FILE] = read_env(b);
	f->now = w.content[BOARD_ENV_FILE];
	for (int slot = 0; slot < JOTA_SLOT_COUNT; slot++) {
		for (int role = 0; role < JOTA_ROLE_COUNT; role++)
			w.content[board_file_of((enum jota_slot)slot, role)] = b->old[slot][role];
	}
	return w;
}

/* What stood in memory is gone with the power. */
static void forget_memory(struct board *b)
{
	static const char *const names[] = { JOTA_REBOOT_PENDING, JOTA_SESSION_LOCK,
					     JOTA_RUN_DIR "/env.lock" };
	char path[PATH_MAX * 2];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		tree_path(&b->tree, names[i], path, sizeof(path));
		(void)unlink(path);
	}
}

void board_load_off(struct board *b, const struct world *w)
{
	for (int i = 0; i < BOARD_FILES; i++) {
		struct board_file *f = &b->file[i];

		if (f->now == w->content[i])
			continue;
		write_file(f->path, contents_data(w->content[i]), f->size_bytes, f->offset_bytes);
		f->now = w->content[i];
	}
	forget_memory(b);
}

/* Never the one that is stored: no boot has the id of another. Otherwise always the same, so that runs can be repeated. */
static void write_boot_id(struct board *b, const struct env_view *env)
{
	static const char *const id[2] = { "00000000-0000-4000-8000-00000000000a",
					   "00000000-0000-4000-8000-00000000000b" };
	char text[64];

	(void)snprintf(text, sizeof(text), "%s\n", id[strcmp(env->boot_id, id[0]) == 0]);
	tree_write_file(&b->tree, "/proc/sys/kernel/random/boot_id", text);
}

void board_load(struct board *b, const struct world *w, enum jota_slot running)
{
	board_load_off(b, w);
	tree_reboot_into(&b->tree, running);
	b->running = running;
	write_boot_id(b, env_view_of(w->content[BOARD_ENV_FILE]));
}

void board_adopt(struct board *b, const struct world *w)
{
	for (int i = 0; i < BOARD_FILES; i++)
		b->file[i].now = w->content[i];
}
