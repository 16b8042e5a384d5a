/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What can be wrong with a board's U-Boot environment, found by reading alone. */
#include "slot/backend_uboot.h"

#include "base/err.h"
#include "slot/blockdev.h"
#include "slot/uboot_copies.h"
#include "slot/uboot_port.h"
#include "slot/uboot_state.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define SECTOR_BYTES UINT64_C(512)
/* Protective MBR, header and 128 entries of 128 bytes; the backup lacks the MBR. */
#define GPT_SECTORS 34u

static const struct jota_partition *
find_device(const struct jota_uboot *u, const struct jota_blockdevs *devs, const char *device)
{
	char full[PATH_MAX];
	struct stat st;
	const char *slash = strrchr(device, '/');

	/* By number where there is one: the name may be a link. */
	if (jota_io_path(&u->io, device, full, sizeof(full), NULL) == 0 && stat(full, &st) == 0 &&
	    S_ISBLK(st.st_mode)) {
		for (size_t i = 0; i < devs->count; i++)
			if (devs->partition[i].major == major(st.st_rdev) &&
			    devs->partition[i].minor == minor(st.st_rdev))
				return &devs->partition[i];
		return NULL;
	}
	return slash ? jota_blockdevs_find(devs, slash + 1) : NULL;
}

static void check_neighbours(const struct jota_blockdevs *devs, const struct jota_partition *disk,
			     uint64_t start, uint64_t end, struct jota_problems *problems)
{
	bool has_partitions = false;

	for (size_t i = 0; i < devs->count; i++) {
		const struct jota_partition *p = &devs->partition[i];
		uint64_t p_end;

		if (!p->is_partition || strcmp(p->disk, disk->name) != 0)
			continue;
		has_partitions = true;
		if (__builtin_add_overflow(p->start_bytes, p->size_bytes, &p_end))
			p_end = UINT64_MAX;
		if (start < p_end && p->start_bytes < end)
			jota_problem_add(
				problems, true,
				"The U-Boot environment at 0x%" PRIx64 " to 0x%" PRIx64
				" of %s lies in partition %s '%.40s' (0x%" PRIx64 " to 0x%" PRIx64
				"), each would overwrite the other: leave a "
				"gap in the partition table or move the environment.",
				start, end, disk->name, p->name, p->label, p->start_bytes, p_end);
	}
	if (has_partitions && (start < GPT_SECTORS * SECTOR_BYTES ||
			       (disk->size_bytes > GPT_SECTORS * SECTOR_BYTES &&
				end > disk->size_bytes - (GPT_SECTORS - 1) * SECTOR_BYTES)))
		jota_problem_add(problems, true,
				 "The U-Boot environment at 0x%" PRIx64
				 " of %s lies in the partition table: move the environment.",
				 start, disk->name);
}

static void check_place(const struct jota_uboot *u, const struct jota_blockdevs *devs,
			const struct jota_fw_env *where, struct jota_problems *problems)
{
	for (int i = 0; i < JOTA_ENV_COPIES; i++) {
		const struct jota_partition *p = find_device(u, devs, where->copy[i].device);
		uint64_t start = where->copy[i].offset_bytes, end = start + where->size_bytes;

		if (!p)
			continue;
		if (end > p->size_bytes)
			jota_problem_add(problems, true,
					 "Copy %d of the U-Boot environment ends at 0x%" PRIx64
					 " of %s, which has only 0x%" PRIx64
					 " bytes: correct fw_env.config.",
					 i, end, p->name, p->size_bytes);
		if (p->is_partition && p->mounted)
			jota_problem_add(
				problems, true,
				"Copy %d of the U-Boot environment lies in %s '%.40s', which "
				"is mounted: correct fw_env.config.",
				i, p->name, p->label);
		if (!p->is_partition)
			check_neighbours(devs, p, start, end, problems);
	}
}

static void check_variables(const struct jota_uboot *u, const struct jota_uboot_copies *copies,
			    const struct jota_env *env, struct jota_problems *problems)
{
	const char *alternative = jota_env_get(env, "altbootcmd");
	struct jota_boot_state state;
	struct jota_err err = { 0 };

	if (jota_uboot_port_check(&u->io, &copies->where, env, &err) < 0)
		jota_problem_add(problems, true, "%s", err.msg);
	if (!alternative || alternative[0] == '\0')
		jota_problem_add(problems, true,
				 "U-Boot variable 'altbootcmd' is missing: a slot that fails would "
				 "end at U-Boot's prompt instead of falling back; install the "
				 "environment of boot/uboot/jetson-ab.env.");
	if (jota_uboot_state_read(env, &state, &err) < 0)
		jota_problem_add(problems, true, "%s", err.msg);
	else if (state.boot_limit == 0)
		jota_problem_add(problems, true,
				 "U-Boot variable 'bootlimit' is missing or 0: boots of a new slot "
				 "would not be limited; set it with 'fw_setenv bootlimit 3'.");
}

void jota_uboot_check(struct jota_backend *b, const struct jota_blockdevs *devs,
		      struct jota_problems *problems)
{
	const struct jota_uboot *u = (const struct jota_uboot *)b;
	struct jota_uboot_copies copies = { 0 };
	struct jota_env env = { 0 };
	struct jota_err err = { 0 };

	if (jota_uboot_copies_read(&u->io, u->env_config, &copies, &err) < 0) {
		jota_problem_add(problems, true, "%s", err.msg);
		return;
	}
	check_place(u, devs, &copies.where, problems);
	for (int i = 0; copies.chosen >= 0 && i < JOTA_ENV_COPIES; i++)
		if (!copies.valid[i])
			jota_problem_add(problems, false,
					 "Copy %d of the U-Boot environment ('%s' at 0x%" PRIx64
					 ") is not valid, copy %d is used; the next store writes it "
					 "anew.",
					 i, copies.where.copy[i].device,
					 copies.where.copy[i].offset_bytes, 1 - i);
	if (jota_uboot_copies_decode(&copies, &env, &err) < 0) {
		jota_problem_add(problems, true, "%s", err.msg);
	} else {
		check_variables(u, &copies, &env, problems);
		jota_env_done(&env);
	}
	jota_uboot_copies_done(&copies);
}
