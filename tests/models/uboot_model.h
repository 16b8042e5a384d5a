/* SPDX-License-Identifier: LGPL-2.1-or-later
 * SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
 *
 * A model of U-Boot: it follows U-Boot's documented rules for the redundant environment and the
 * boot counter, and it interprets the boot script as found in the stored environment. It shares
 * no code with lib/, so that an error there cannot hide here. It is strict: a command or syntax
 * that it does not know ends in MODEL_ERROR.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define MODEL_PARTS_MAX 32
#define MODEL_PART_NAME_MAX 36 /* what a GPT entry holds */
#define MODEL_TEXT_MAX 4096

/** One partition of the modelled disk: a byte range of a file. */
struct model_part {
	char name[MODEL_PART_NAME_MAX + 1];
	char path[PATH_MAX];
	uint64_t offset_bytes;
	uint64_t size_bytes; /* 0: to the end of the file */
};

/** The model's only writes. NULL members mean pwrite(2) and fsync(2). A function that fails with
 *  errno ECANCELED says that the power is gone: the model stops there with MODEL_POWER_CUT. */
struct model_io {
	ssize_t (*pwrite)(void *user, int fd, const void *data, size_t len_bytes, off_t at_bytes);
	int (*fsync)(void *user, int fd);
	void *user;
};

struct model_machine {
	char env_path[PATH_MAX];
	uint64_t env_offset_bytes[2];
	size_t env_size_bytes;		 /* of one copy, header included */
	char default_env_path[PATH_MAX]; /* name=value lines, as compiled into U-Boot */
	struct model_part parts[MODEL_PARTS_MAX];
	size_t part_count;
	struct model_io io;
	void (*log)(void *user, const char *line); /* console; NULL: silent */
	void *log_user;
};

enum model_outcome {
	MODEL_BOOTED,	 /* a kernel was started with an existing root partition */
	MODEL_RESET,	 /* the board reset itself, or a watchdog did */
	MODEL_PROMPT,	 /* U-Boot waits for a human: a brick in the field */
	MODEL_POWER_CUT, /* struct model_io said so */
	MODEL_ERROR,	 /* the script uses what the model does not know: fix one of them */
};

struct model_result {
	enum model_outcome outcome;
	char slot;				   /* MODEL_BOOTED: from jota.slot= */
	char kernel_part[MODEL_PART_NAME_MAX + 1]; /* the partition the kernel was read from */
	char root_part[MODEL_PART_NAME_MAX + 1];   /* from root=PARTLABEL= */
	char cmdline[MODEL_TEXT_MAX];
	unsigned long bootcount; /* stored before the script ran; 0 when not on trial */
	unsigned int env_saves;	 /* over all resets */
	unsigned int resets;	 /* by model_boot_until_up() */
	bool used_altbootcmd;	 /* in the last power-on */
	bool used_default_env;	 /* in the last power-on */
	char why[256];		 /* one sentence for every outcome but MODEL_BOOTED */
};

/** Set the mission's environment geometry (0x20000 bytes at 0x700000 and 0x720000), no partitions. */
void model_machine_init(struct model_machine *m, const char *env_path, const char *default_env_path);

/** Add a partition that is a whole file. 0, -EINVAL (name or path too long, name twice), -ENOSPC. */
int model_machine_add_part(struct model_machine *m, const char *name, const char *path);

const char *model_outcome_name(enum model_outcome outcome);

/** One power-on until a kernel runs, the board resets, or nothing more happens. */
void model_boot(const struct model_machine *m, struct model_result *ret_result);

/** Power-ons in a row until the outcome is not MODEL_RESET, at most max_resets resets. */
void model_boot_until_up(const struct model_machine *m, unsigned int max_resets,
			 struct model_result *ret_result);

/** Can this slot be booted and mounted: valid boot.img in jota_kernel_X, ext4 superblock magic in
 *  jota_root_X? The labels come from the environment that U-Boot would use. Returns 1 complete,
 *  0 not (ret_why says what), negative errno when that cannot be found out. */
int model_slot_complete(const struct model_machine *m, char slot, char *ret_why,
			size_t why_size_bytes);

/** SHA-1 of the first len_bytes of a partition (0: all of it) as 40 hex digits and a NUL, for
 *  "is it still what was written". Negative errno: no such partition, unreadable, too short. */
int model_part_digest(const struct model_machine *m, const char *name, uint64_t len_bytes,
		      char ret_hex[41]);

/** Write the environment a factory would: both copies valid, content of the joined text. Creates
 *  or extends the file. Negative errno. */
int model_env_init(const struct model_machine *m, const char *joined_path);

/** Copy out a variable of the environment U-Boot would use. Negative errno: -ENOENT not set,
 *  -ENODATA both copies bad, -ENOSPC value too long. */
int model_env_get(const struct model_machine *m, const char *name, char *ret_value,
		  size_t value_size_bytes);

/** Store assignments ("name=value", "name=" deletes) in one write to the other copy, as fw_setenv
 *  does. Negative errno: -ENODATA both copies bad, -EINVAL, -ENOSPC too large, -EIO... */
int model_env_set(const struct model_machine *m, const char *const *assignments, size_t count);

/** Print the environment that U-Boot would use, sorted. Returns the number (0 or 1) of the copy it
 *  came from, 2 for the default environment, negative errno. */
int model_env_print(const struct model_machine *m, FILE *out);

/** What to put into a boot image. Sizes in bytes; contents are a pattern made from the seed. */
struct model_bootimg_spec {
	uint32_t header_version; /* 0, 1 or 2 */
	uint32_t page_size_bytes;
	uint32_t kernel_size_bytes; /* >= 64: an arm64 Image header is put at its start */
	uint32_t ramdisk_size_bytes;
	uint8_t seed;
	bool with_id; /* else the id field stays zero */
	const char *cmdline;
};

/** Write a boot image at the start of path, which is created or kept (the rest is untouched).
 *  Negative errno. */
int model_bootimg_write(const char *path, const struct model_bootimg_spec *spec);
