/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE /* asprintf */
#include "swu/rootfs.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "swu/rootfs_ext4.h"
#include "swu/rootfs_tar.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>

#define READ_BYTES 65536u
#define CHILD_FD 3
#define CHILD_PATH "/proc/self/fd/3"
/* The tools take 0 for "now". */
#define EPOCH_DEFAULT 1
#define DIGEST_BYTES 32u
#define UUID_BYTES 16u
#define UUID_TEXT_BYTES 37u

/* Fixed, whatever the machine's own defaults are: kernels and e2fsck of old L4T releases know these. */
static const char features[] = "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,"
			       "64bit,flex_bg,sparse_super,large_file,huge_file,dir_nlink,"
			       "extra_isize,metadata_csum";

bool jota_rootfs_is_tar(const char *path)
{
	static const char *const ends[] = { ".tar",	".tar.gz", ".tgz",
					    ".tar.zst", ".tar.xz", ".tar.bz2" };
	size_t len = strlen(path);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (len > strlen(ends[i]) && strcmp(path + len - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

static int digest_file(const char *path, uint8_t ret[DIGEST_BYTES], struct jota_err *err)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	CLEANUP_FREE uint8_t *block = malloc(READ_BYTES);
	EVP_MD_CTX *ctx;
	ssize_t n = 0;
	int ok;

	if (fd < 0)
		return jota_fail(err, errno, "open '%s'", path);
	ctx = EVP_MD_CTX_new();
	ok = block && ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
	while (ok && (n = read(fd, block, READ_BYTES)) > 0)
		ok = EVP_DigestUpdate(ctx, block, (size_t)n) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, ret, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	if (n < 0)
		return jota_fail(err, errno, "read '%s'", path);
	return ok ? 0 : jota_fail(err, ENOMEM, "digest of '%s'", path);
}

/* Random by its looks, but the same for the same archive: version 8, "custom". */
static void format_uuid(const uint8_t digest[UUID_BYTES], char text[UUID_TEXT_BYTES])
{
	static const char digit[] = "0123456789abcdef";
	uint8_t uuid[UUID_BYTES];
	size_t at = 0;

	memcpy(uuid, digest, sizeof(uuid));
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x80);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < UUID_BYTES; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[at++] = '-';
		text[at++] = digit[uuid[i] >> 4];
		text[at++] = digit[uuid[i] & 15];
	}
	text[at] = '\0';
}

/* An ordinary user's PATH does not lead to them. */
static int spawn_tool(const char *tool, char *const *argv, char *const *env,
		      const posix_spawn_file_actions_t *actions, pid_t *ret_pid)
{
	static const char *const folder[] = { "/usr/sbin/", "/sbin/" };
	char path[64];
	int rc = ENOENT;

	for (size_t i = 0; i < sizeof(folder) / sizeof(folder[0]) && rc != 0; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", folder[i], tool);
		rc = posix_spawn(ret_pid, path, actions, NULL, argv, env);
	}
	return rc == 0 ? 0 : posix_spawnp(ret_pid, tool, actions, NULL, argv, env);
}

/* Runs with the image as descriptor 3 and says nothing. Returns its exit code or -errno. */
static int run_tool(char *const *argv, char *const *env, int image_fd, struct jota_err *err)
{
	posix_spawn_file_actions_t actions;
	int status = 0, rc;
	pid_t pid;

	(void)posix_spawn_file_actions_init(&actions);
	rc = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDERR_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, image_fd, CHILD_FD);
	if (rc == 0)
		rc = spawn_tool(argv[0], argv, env, &actions, &pid);
	(void)posix_spawn_file_actions_destroy(&actions);
	if (rc == ENOENT)
		return jota_fail(err, ENOENT, "%s is missing: install Debian's package e2fsprogs.",
				 argv[0]);
	if (rc != 0)
		return jota_fail(err, rc, "start %s", argv[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return jota_fail(err, errno, "wait for %s", argv[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256;
}

static int make_empty(const struct jota_rootfs *r, int64_t epoch_s, struct jota_err *err)
{
	uint8_t digest[DIGEST_BYTES];
	char uuid[UUID_TEXT_BYTES], seed[UUID_TEXT_BYTES], time[48], extended[160], blocks[24];
	char *const env[] = { time, "MKE2FS_CONFIG=/nonexistent", "LC_ALL=C", NULL };
	/* clang-format off */
	char *const argv[] = { "mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-I", "256",
			       "-O", (char *)features, "-U", uuid, "-E", extended,
			       "-L", (char *)(r->label ? r->label : ""), CHILD_PATH, blocks, NULL };
	/* clang-format on */
	int rc = digest_file(r->tar_path, digest, err);

	if (rc < 0)
		return rc;
	format_uuid(digest, uuid);
	format_uuid(digest + UUID_BYTES, seed);
	(void)snprintf(time, sizeof(time), "E2FSPROGS_FAKE_TIME=%" PRId64, epoch_s);
	(void)snprintf(
		extended, sizeof(extended),
		"hash_seed=%s,root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0,nodiscard",
		seed);
	(void)snprintf(blocks, sizeof(blocks), "%" PRIu64, r->image_bytes / 4096);
	rc = run_tool(argv, env, r->image_fd, err);
	if (rc <= 0)
		return rc;
	return jota_fail(err, EIO, "mke2fs cannot make an ext4 of %" PRIu64 " bytes (exit code %d).",
			 r->image_bytes, rc);
}

static int check_image(const struct jota_rootfs *r, struct jota_err *err)
{
	char *const env[] = { "LC_ALL=C", NULL };
	char *const argv[] = { "e2fsck", "-f", "-n", CHILD_PATH, NULL };
	int rc = run_tool(argv, env, r->image_fd, err);

	if (rc <= 0)
		return rc;
	return jota_fail(err, EIO, "e2fsck finds errors in the ext4 made from '%s' (exit code %d).",
			 r->tar_path, rc);
}

int jota_rootfs_make(const struct jota_rootfs *r, struct jota_err *err)
{
	int64_t epoch_s = r->epoch_s > 0 ? r->epoch_s : EPOCH_DEFAULT;
	struct jota_ext4 *fs = NULL;
	CLEANUP_FREE char *path = NULL;
	int rc, closed;

	if (asprintf(&path, "/proc/self/fd/%d", r->image_fd) < 0) {
		path = NULL;
		return jota_fail(err, ENOMEM, "make a file system");
	}
	if (ftruncate(r->image_fd, (off_t)r->image_bytes) < 0)
		return jota_fail(err, errno, "make a file of %" PRIu64 " bytes", r->image_bytes);
	rc = make_empty(r, epoch_s, err);
	if (rc == 0)
		rc = jota_ext4_open(path, epoch_s, &fs, err);
	if (rc < 0)
		return rc;
	rc = jota_rootfs_copy_tar(r, fs, err);
	closed = jota_ext4_close(fs, rc < 0 ? NULL : err);
	rc = rc < 0 ? rc : closed;
	return rc < 0 ? rc : check_image(r, err);
}
