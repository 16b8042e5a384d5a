/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* nftw is an extension of X/Open. */
#define _GNU_SOURCE

#include "support/tree.h"

#include "base/err.h"
#include "slot/layout.h"
#include "support/tree_env.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (1024u * 1024u)
#define SECTOR_BYTES 512u
#define FIRST_PARTITION_BYTES (16u * MIB)
#define DISK "mmcblk0"
#define DISK_MAJOR 179
#define DISK_DIR "devices/platform/mmc/mmc_host/mmc0/mmc0:0001/block/" DISK
/* Which layout the tree was made with; outside of everything the library reads. */
#define LAYOUT_NOTE "/.layout"
#define TEXT_BYTES 4096

void tree_die(const char *fmt, ...)
{
	int saved = errno;
	va_list args;

	va_start(args, fmt);
	(void)fputs("tree: ", stderr);
	(void)vfprintf(stderr, fmt, args);
	(void)fprintf(stderr, " (errno %d: %s)\n", saved, strerror(saved));
	va_end(args);
	abort();
}

static void fill_text(char *buf, size_t buf_bytes, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void fill_text(char *buf, size_t buf_bytes, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(buf, buf_bytes, fmt, args);
	va_end(args);
	if (len < 0 || (size_t)len >= buf_bytes)
		tree_die("text too long: %s", fmt);
}

void tree_path(const struct tree *t, const char *path, char *buf, size_t buf_bytes)
{
	fill_text(buf, buf_bytes, "%s%s", t->root, path);
}

/* Make every directory above the last component. */
static void make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) != 0 && errno != EEXIST)
			tree_die("mkdir %s", path);
		*slash = '/';
	}
}

static void make_dir(struct tree *t, const char *path)
{
	char full[PATH_MAX];

	fill_text(full, sizeof(full), "%s%s/", t->root, path);
	make_parents(full);
}

void tree_write_file(struct tree *t, const char *path, const char *text)
{
	char full[PATH_MAX];
	FILE *f;

	tree_path(t, path, full, sizeof(full));
	make_parents(full);
	f = fopen(full, "we");
	if (!f)
		tree_die("create %s", full);
	if (fputs(text, f) < 0 || fclose(f) != 0)
		tree_die("write %s", full);
}

static void read_text(struct tree *t, const char *path, char *buf, size_t buf_bytes)
{
	char full[PATH_MAX];
	size_t len;
	FILE *f;

	tree_path(t, path, full, sizeof(full));
	f = fopen(full, "re");
	if (!f)
		tree_die("open %s", full);
	len = fread(buf, 1, buf_bytes - 1, f);
	if (ferror(f))
		tree_die("read %s", full);
	buf[len] = '\0';
	(void)fclose(f);
}

static void make_sparse(struct tree *t, const char *path, uint64_t size_bytes)
{
	char full[PATH_MAX];
	int fd;

	tree_path(t, path, full, sizeof(full));
	make_parents(full);
	fd = open(full, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0644);
	if (fd < 0 || ftruncate(fd, (off_t)size_bytes) != 0)
		tree_die("create %s", full);
	(void)close(fd);
}

static void make_link(struct tree *t, const char *path, const char *to)
{
	char full[PATH_MAX];

	tree_path(t, path, full, sizeof(full));
	make_parents(full);
	if (symlink(to, full) != 0)
		tree_die("symlink %s", full);
}

/* What sysfs has for a disk and for a partition alike. dir: below /sys. */
static void add_block(struct tree *t, const char *dir, const char *name, unsigned minor,
		      uint64_t size_bytes, const char *uevent)
{
	char path[PATH_MAX], text[TEXT_BYTES];

	fill_text(path, sizeof(path), "/sys/%s/uevent", dir);
	fill_text(text, sizeof(text), "MAJOR=%d\nMINOR=%u\nDEVNAME=%s\n%s", DISK_MAJOR, minor, name,
		  uevent);
	tree_write_file(t, path, text);
	fill_text(path, sizeof(path), "/sys/%s/dev", dir);
	fill_text(text, sizeof(text), "%d:%u\n", DISK_MAJOR, minor);
	tree_write_file(t, path, text);
	fill_text(path, sizeof(path), "/sys/%s/size", dir);
	fill_text(text, sizeof(text), "%" PRIu64 "\n", size_bytes / SECTOR_BYTES);
	tree_write_file(t, path, text);
	fill_text(path, sizeof(path), "/sys/%s/ro", dir);
	tree_write_file(t, path, "0\n");
	fill_text(path, sizeof(path), "/sys/%s/holders", dir);
	make_dir(t, path);

	fill_text(text, sizeof(text), "../../%s", dir);
	fill_text(path, sizeof(path), "/sys/class/block/%s", name);
	make_link(t, path, text);
	fill_text(path, sizeof(path), "/sys/dev/block/%d:%u", DISK_MAJOR, minor);
	make_link(t, path, text);
}

static void add_partition(struct tree *t, unsigned number, const char *label, uint64_t start_bytes,
			  uint64_t size_bytes)
{
	char dir[PATH_MAX], path[PATH_MAX + 32], name[64], text[TEXT_BYTES];

	fill_text(name, sizeof(name), DISK "p%u", number);
	fill_text(dir, sizeof(dir), DISK_DIR "/%s", name);
	fill_text(text, sizeof(text), "DEVTYPE=partition\nDISKSEQ=1\nPARTN=%u\nPARTNAME=%s\n",
		  number, label);
	add_block(t, dir, name, number, size_bytes, text);
	fill_text(path, sizeof(path), "/sys/%s/partition", dir);
	fill_text(text, sizeof(text), "%u\n", number);
	tree_write_file(t, path, text);
	fill_text(path, sizeof(path), "/sys/%s/start", dir);
	fill_text(text, sizeof(text), "%" PRIu64 "\n", start_bytes / SECTOR_BYTES);
	tree_write_file(t, path, text);
	fill_text(path, sizeof(path), "/dev/%s", name);
	make_sparse(t, path, size_bytes);
}

static uint64_t role_bytes(const struct tree_options *options, enum jota_role role)
{
	switch (role) {
	case JOTA_ROLE_KERNEL:
		return options->kernel_bytes ? options->kernel_bytes : 8u * MIB;
	case JOTA_ROLE_BOOTLOADER:
		return options->bootloader_bytes ? options->bootloader_bytes : MIB;
	case JOTA_ROLE_ROOTFS:
		return options->rootfs_bytes ? options->rootfs_bytes : 16u * MIB;
	}
	tree_die("no such role");
}

static void add_disk(struct tree *t, const struct jota_layout *layout,
		     const struct tree_options *options)
{
	uint64_t at_bytes = FIRST_PARTITION_BYTES;
	unsigned number = 0;

	for (int role = 0; role < JOTA_ROLE_COUNT; role++) {
		uint64_t size_bytes = role_bytes(options, (enum jota_role)role);

		for (int slot = 0; slot < JOTA_SLOT_COUNT; slot++) {
			const char *label = layout->role[role].label[slot];

			if (!label)
				continue;
			add_partition(t, ++number, label, at_bytes, size_bytes);
			at_bytes += (size_bytes + MIB - 1) / MIB * MIB;
		}
	}
	/* The backup GPT stands behind the last partition. */
	at_bytes += MIB;
	add_block(t, DISK_DIR, DISK, 0, at_bytes, "DEVTYPE=disk\nDISKSEQ=1\n");
	make_dir(t, "/sys/" DISK_DIR "/slaves");
	tree_write_file(t, "/sys/" DISK_DIR "/queue/logical_block_size", "512\n");
	make_sparse(t, "/dev/" DISK, at_bytes);
}

/* Number of the partition with a label on the tree's disk. */
static unsigned find_label(struct tree *t, const char *label)
{
	char path[PATH_MAX], full[PATH_MAX * 2], text[TEXT_BYTES], want[256];

	fill_text(want, sizeof(want), "\nPARTNAME=%s\n", label);
	for (unsigned number = 1; number < 128; number++) {
		fill_text(path, sizeof(path), "/sys/class/block/" DISK "p%u/uevent", number);
		tree_path(t, path, full, sizeof(full));
		if (access(full, F_OK) != 0)
			continue;
		read_text(t, path, text, sizeof(text));
		if (strstr(text, want))
			return number;
	}
	tree_die("no partition is called '%s'", label);
}

static void write_boot_id(struct tree *t)
{
	char text[64];
	uint16_t r[8];

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		tree_die("getrandom");
	fill_text(text, sizeof(text), "%04x%04x-%04x-4%03x-8%03x-%04x%04x%04x\n", r[0], r[1], r[2],
		  r[3] & 0xfffu, r[4] & 0xfffu, r[5], r[6], r[7]);
	tree_write_file(t, "/proc/sys/kernel/random/boot_id", text);
}

void tree_reboot_into(struct tree *t, enum jota_slot running)
{
	char layout_name[64], text[TEXT_BYTES], marker[PATH_MAX];
	const struct jota_layout *layout;
	const char *label;

	read_text(t, LAYOUT_NOTE, layout_name, sizeof(layout_name));
	layout = jota_layout_find(layout_name);
	if (!layout)
		tree_die("no layout '%s'", layout_name);
	label = layout->role[JOTA_ROLE_ROOTFS].label[running];

	fill_text(text, sizeof(text),
		  "console=ttyS0,115200 panic=10 root=PARTLABEL=%s rootwait jota.slot=%c\n", label,
		  running == JOTA_SLOT_A ? 'A' : 'B');
	tree_write_file(t, "/proc/cmdline", text);
	fill_text(text, sizeof(text),
		  "21 1 %d:%u / / rw,relatime shared:1 - ext4 /dev/root rw\n"
		  "22 21 0:5 / /dev rw,nosuid shared:2 - devtmpfs devtmpfs rw,size=4096k\n"
		  "23 21 0:20 / /proc rw,nosuid,nodev,noexec shared:3 - proc proc rw\n"
		  "24 21 0:21 / /sys rw,nosuid,nodev,noexec shared:4 - sysfs sysfs rw\n"
		  "25 21 0:22 / /run rw,nosuid,nodev shared:5 - tmpfs tmpfs rw,mode=755\n",
		  DISK_MAJOR, find_label(t, label));
	tree_write_file(t, "/proc/self/mountinfo", text);
	write_boot_id(t);
	tree_path(t, "/run/swupdate-jetson/reboot-pending", marker, sizeof(marker));
	if (unlink(marker) != 0 && errno != ENOENT)
		tree_die("unlink %s", marker);
}

void tree_make(struct tree *t, const struct tree_options *options)
{
	static const struct tree_options defaults = { .layout = NULL };
	const char *tmp = getenv("TMPDIR"), *layout_name;
	const struct jota_layout *layout;
	char text[TEXT_BYTES];
	struct jota_err err = { 0 };

	memset(t, 0, sizeof(*t));
	if (!options)
		options = &defaults;
	layout_name = options->layout ? options->layout : "mission";
	layout = jota_layout_find(layout_name);
	if (!layout)
		tree_die("no layout '%s'", layout_name);
	fill_text(t->root, sizeof(t->root), "%s/jota-tree-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(t->root))
		tree_die("mkdtemp %s", t->root);
	if (jota_io_init(&t->io, t->root, &err) < 0)
		tree_die("%s", err.msg);

	tree_write_file(t, LAYOUT_NOTE, layout_name);
	add_disk(t, layout, options);
	fill_text(text, sizeof(text), "layout = \"%s\";\n", layout_name);
	tree_write_file(t, "/etc/swupdate-jetson.conf", text);
	fill_text(text, sizeof(text),
		  "# device\toffset\tsize\n/dev/" DISK "\t0x%x\t0x%x\n/dev/" DISK "\t0x%x\t0x%x\n",
		  TREE_ENV_OFFSET_BYTES, TREE_ENV_SIZE_BYTES, TREE_ENV_REDUNDANT_OFFSET_BYTES,
		  TREE_ENV_SIZE_BYTES);
	tree_write_file(t, "/etc/fw_env.config", text);
	make_dir(t, "/run");
	make_dir(t, "/tmp");
	tree_reboot_into(t, options->running);
	if (!options->no_env)
		tree_env_factory(t);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void tree_remove(struct tree *t)
{
	if (t->root[0] && nftw(t->root, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		tree_die("remove %s", t->root);
	t->root[0] = '\0';
}

char *tree_partition_path(struct tree *t, const char *label)
{
	char path[PATH_MAX * 2];
	char *copy;

	fill_text(path, sizeof(path), "%s/dev/" DISK "p%u", t->root, find_label(t, label));
	copy = strdup(path);
	if (!copy)
		tree_die("strdup");
	return copy;
}

void tree_partition_fill(struct tree *t, const char *label, uint32_t seed, uint64_t bytes)
{
	char *path = tree_partition_path(t, label);
	uint32_t block[16384], x = seed * 2654435761u + 1;
	struct stat st;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0)
		tree_die("open %s", path);
	if (bytes == 0)
		bytes = (uint64_t)st.st_size;
	for (uint64_t at = 0; at < bytes; at += sizeof(block)) {
		size_t len = bytes - at < sizeof(block) ? (size_t)(bytes - at) : sizeof(block);

		for (size_t i = 0; i < sizeof(block) / sizeof(block[0]); i++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			block[i] = x;
		}
		if (pwrite(fd, block, len, (off_t)at) != (ssize_t)len)
			tree_die("fill %s", path);
	}
	(void)close(fd);
	free(path);
}
