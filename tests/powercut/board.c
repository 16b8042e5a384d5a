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

#include "slot/backend.h"
#include "slot/layout.h"
#include "support/tree_env.h"
#include "support/update.h"

#define KIB 1024u
#define PAD_BYTES 4096u
#define ENV_BYTES (2u * TREE_ENV_SIZE_BYTES)
#define RESETS_MAX 8

static const struct tree_options sizes = {
	.kernel_bytes = 1536 * KIB,
	.bootloader_bytes = 256 * KIB,
	.rootfs_bytes = 3072 * KIB,
};

extern char **environ;

static void read_file(const char *path, uint8_t *data, size_t len_bytes, uint64_t offset_bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || pread(fd, data, len_bytes, (off_t)offset_bytes) != (ssize_t)len_bytes)
		tree_die("read %s", path);
	(void)close(fd);
}

static void write_file(const char *path, const uint8_t *data, size_t len_bytes,
		       uint64_t offset_bytes)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, data, len_bytes, (off_t)offset_bytes) != (ssize_t)len_bytes)
		tree_die("write %s", path);
	(void)close(fd);
}

static uint8_t *allocate(size_t len_bytes)
{
	uint8_t *data = calloc(1, len_bytes);

	if (!data)
		tree_die("memory");
	return data;
}

/* Something like a release: a boot image that the model can start, a root file system by its magic. */
static void make_release(const struct board *b, enum jota_role role, uint8_t seed, uint8_t *data,
			 size_t len_bytes)
{
	const struct model_bootimg_spec spec = {
		.page_size_bytes = 2048,
		.kernel_size_bytes = 1190 * KIB,
		.ramdisk_size_bytes = 6 * KIB,
		.seed = seed,
		.with_id = true,
		.cmdline = "quiet",
	};
	struct image pattern;
	char path[PATH_MAX * 2];
	struct stat st;

	image_make(&pattern, role, "", len_bytes, seed);
	memcpy(data, pattern.data, len_bytes);
	image_done(&pattern);
	if (role == JOTA_ROLE_ROOTFS)
		memcpy(data + 1024 + 56, "\x53\xef", 2);
	if (role != JOTA_ROLE_KERNEL)
		return;
	tree_path(&b->tree, "/tmp/boot.img", path, sizeof(path));
	(void)unlink(path);
	if (model_bootimg_write(path, &spec) < 0 || stat(path, &st) < 0 ||
	    (size_t)st.st_size > len_bytes)
		tree_die("make a boot image of at most %zu bytes", len_bytes);
	read_file(path, data, (size_t)st.st_size, 0);
}

static void make_image(struct board *b, enum jota_role role, const char *name, size_t size_bytes)
{
	struct board_image *image = &b->image[role];
	size_t padded_bytes = (size_bytes + PAD_BYTES - 1) / PAD_BYTES * PAD_BYTES;

	*image = (struct board_image){ .name = name, .size_bytes = size_bytes };
	image->data = allocate(padded_bytes);
	make_release(b, role, 3, image->data, size_bytes);
}

static void make_part(struct board *b, enum jota_slot slot, enum jota_role role)
{
	const char *label = b->config.layout->role[role].label[slot];
	struct board_part *part = &b->part[slot][role];
	char *path = tree_partition_path(&b->tree, label);
	struct stat st;

	if (stat(path, &st) < 0)
		tree_die("stat %s", path);
	(void)snprintf(part->path, sizeof(part->path), "%s", path);
	free(path);
	part->size_bytes = (size_t)st.st_size;
	part->before = allocate(part->size_bytes);
	make_release(b, role, (uint8_t)(1 + slot), part->before, part->size_bytes);
	if (model_machine_add_part(&b->machine, label, part->path) < 0)
		tree_die("add %s to the model", label);
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
	char disk[PATH_MAX * 2], joined[PATH_MAX * 2];

	memset(b, 0, sizeof(*b));
	/* Memory instead of a disk: nothing here depends on what the machine's own disk does. */
	if (!getenv("TMPDIR") && access("/dev/shm", W_OK | X_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 1);
	tree_make(&b->tree, &sizes);
	update_config(&b->tree, &b->config);
	tree_path(&b->tree, "/dev/mmcblk0", disk, sizeof(disk));
	tree_path(&b->tree, "/joined.env", joined, sizeof(joined));
	join_environment(joined);
	model_machine_init(&b->machine, disk, joined);
	for (int slot = 0; slot < JOTA_SLOT_COUNT; slot++) {
		for (int role = 0; role < JOTA_ROLE_COUNT; role++)
			make_part(b, (enum jota_slot)slot, (enum jota_role)role);
	}
	make_image(b, JOTA_ROLE_KERNEL, "boot.img", 1229 * KIB);
	make_image(b, JOTA_ROLE_BOOTLOADER, "u-boot.bin", 256 * KIB);
	make_image(b, JOTA_ROLE_ROOTFS, "rootfs.ext4", 2560 * KIB + 100);
	b->env = allocate(ENV_BYTES);
}

void board_remove(struct board *b)
{
	tree_remove(&b->tree);
	for (int role = 0; role < JOTA_ROLE_COUNT; role++) {
		free(b->image[role].data);
		for (int slot = 0; slot < JOTA_SLOT_COUNT; slot++)
			free(b->part[slot][role].before);
	}
	free(b->env);
}

static void restore_parts(struct board *b)
{
	for (int slot = 0; slot < JOTA_SLOT_COUNT; slot++) {
		for (int role = 0; role < JOTA_ROLE_COUNT; role++) {
			const struct board_part *part = &b->part[slot][role];

			write_file(part->path, part->before, part->size_bytes, 0);
		}
	}
}

void board_prepare(struct board *b, enum jota_slot running, const char *const *assignment,
		   size_t count)
{
	restore_parts(b);
	b->running = running;
	tree_reboot_into(&b->tree, running);
	if (model_env_init(&b->machine, b->machine.default_env_path) < 0)
		tree_die("store the factory environment");
	if (count > 0 && model_env_set(&b->machine, assignment, count) < 0)
		tree_die("set %s", assignment[0]);
	read_file(b->machine.env_path, b->env, ENV_BYTES, TREE_ENV_OFFSET_BYTES);
}

void board_restore(struct board *b)
{
	restore_parts(b);
	tree_reboot_into(&b->tree, b->running);
	write_file(b->machine.env_path, b->env, ENV_BYTES, TREE_ENV_OFFSET_BYTES);
}

bool board_boot(struct board *b, enum jota_slot *ret_slot, char why[BOARD_WHY_BYTES])
{
	struct model_result result;

	model_boot_until_up(&b->machine, RESETS_MAX, &result);
	if (result.outcome != MODEL_BOOTED) {
		(void)snprintf(why, BOARD_WHY_BYTES, "does not boot: %s, %s",
			       model_outcome_name(result.outcome), result.why);
		return false;
	}
	if (result.used_default_env) {
		(void)snprintf(why, BOARD_WHY_BYTES, "both copies of the environment are lost");
		return false;
	}
	*ret_slot = result.slot == 'A' ? JOTA_SLOT_A : JOTA_SLOT_B;
	tree_reboot_into(&b->tree, *ret_slot);
	return true;
}

bool board_load(const struct board *b, struct jota_boot_state *ret, char why[BOARD_WHY_BYTES])
{
	struct jota_backend *backend = NULL;
	struct jota_err err = { 0 };
	int rc;

	rc = jota_backend_open(&b->tree.io, &b->config, &backend, &err);
	if (rc == 0)
		rc = jota_backend_load(backend, ret, &err);
	jota_backend_free(backend);
	if (rc < 0)
		(void)snprintf(why, BOARD_WHY_BYTES, "cannot load the state: %.300s", err.msg);
	return rc == 0;
}

static int write_images(struct board *b, struct jota_session *s, const bool keep[JOTA_ROLE_COUNT],
			struct jota_err *err)
{
	int rc = 0;

	for (int role = 0; rc == 0 && role < JOTA_ROLE_COUNT; role++) {
		struct image image = {
			.role = (enum jota_role)role,
			.name = b->image[role].name,
			.data = b->image[role].data,
			.size_bytes = b->image[role].size_bytes,
		};

		if (!keep || !keep[role])
			rc = update_write(s, &image, err);
	}
	for (int role = 0; rc == 0 && role < JOTA_ROLE_COUNT; role++) {
		if (keep && keep[role])
			rc = jota_session_keep(s, (enum jota_role)role, NULL, NULL, err);
	}
	return rc;
}

int board_update(struct board *b, const bool keep[JOTA_ROLE_COUNT], struct jota_err *err)
{
	const char *name[JOTA_ROLE_COUNT];
	struct jota_session *s;
	bool marker_missing;
	size_t count = 0;
	int rc;

	for (int role = 0; role < JOTA_ROLE_COUNT; role++) {
		if (!keep || !keep[role])
			name[count++] = b->image[role].name;
	}
	rc = jota_session_open(&b->tree.io, &b->config, &s, err);
	if (rc < 0)
		return rc;
	rc = write_images(b, s, keep, err);
	if (rc == 0)
		rc = jota_session_arm(s, name, count, err);
	if (rc == 0)
		rc = jota_session_flip(s, NULL, 0, &marker_missing, err);
	jota_session_free(s);
	return rc;
}
