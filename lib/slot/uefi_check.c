/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What can be wrong with a board's UEFI variables, found by reading alone. */
#include "slot/backend_uefi.h"

#include "base/bytes.h"
#include "base/err.h"
#include "slot/config.h"
#include "slot/uefi_vars.h"

#include <limits.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define NVBOOTCTRL "/usr/sbin/nvbootctrl"
#define MODE_EXTLINUX 1u
#define STATUS_IN_PROGRESS 1u
/* UEFI specification, EFI_OS_INDICATIONS_FILE_CAPSULE_DELIVERY_SUPPORTED. */
#define CAPSULE_ON_DISK UINT64_C(4)
#define INDICATIONS_BYTES 8

/* As jota_uefi_boot_mode: its attributes say nothing. */
static const struct jota_efivar redundancy = { "RootfsRedundancyLevel", JOTA_NVIDIA_GUID, 0 };
static const struct jota_efivar indications = { "OsIndications", JOTA_EFI_GLOBAL_GUID,
						JOTA_EFI_STORED };

/* 1: *ret is the value. 0: absent or unreadable, and the latter is said. */
static int look(const struct jota_uefi *u, const struct jota_efivar *var, uint32_t *ret,
		struct jota_problems *problems)
{
	struct jota_err err = { 0 };
	int r = jota_efivar_read_u32(&u->io, var, ret, &err);

	if (r < 0)
		jota_problem_add(problems, true, "%s", err.msg);
	return r > 0;
}

static void check_mount(const struct jota_uefi *u, struct jota_problems *problems)
{
	char path[PATH_MAX];
	struct statvfs fs;

	if (jota_io_path(&u->io, JOTA_EFIVARS, path, sizeof(path), NULL) == 0 &&
	    statvfs(path, &fs) == 0 && (fs.f_flag & ST_RDONLY))
		jota_problem_add(problems, true,
				 "efivarfs is mounted read-only: 'mount -o remount,rw " JOTA_EFIVARS
				 "'.");
}

static void check_redundancy(const struct jota_uefi *u, struct jota_problems *problems)
{
	uint32_t level = 0;
	size_t before = problems->count;

	if (look(u, &redundancy, &level, problems)) {
		if (level != 1)
			jota_problem_add(problems, true,
					 "RootfsRedundancyLevel is %u, expected 1: the firmware "
					 "boots the root file system of slot A whatever is chosen; "
					 "flash the board with A/B of the root file system.",
					 level);
	} else if (problems->count == before) {
		jota_problem_add(problems, true,
				 "UEFI variable '%s' is absent: L4TLauncher would not look at the "
				 "slots; mend the firmware's device tree.",
				 redundancy.name);
	}
}

static void check_slots(const struct jota_uefi *u, struct jota_problems *problems)
{
	for (int i = 0; i < JOTA_SLOT_COUNT; i++) {
		const struct jota_efivar *var = &jota_uefi_slot_status[i];
		size_t before = problems->count;
		uint32_t value = 0;

		if (!look(u, var, &value, problems) && problems->count == before)
			jota_problem_add(problems, true,
					 "UEFI variable '%s' is absent: L4TLauncher would not look "
					 "at the slots; mend the firmware's device tree.",
					 var->name);
	}
}

static void check_requests(const struct jota_uefi *u, const struct jota_uefi_stored *stored,
			   struct jota_problems *problems)
{
	uint8_t buf[INDICATIONS_BYTES];
	struct jota_err err = { 0 };
	size_t len = 0;
	int r;

	if (stored->fw.has_status && stored->fw.status == STATUS_IN_PROGRESS)
		jota_problem_add(problems, true,
				 "BootChainFwStatus is 1, the firmware has not finished a change of "
				 "its boot chain: reboot first.");
	r = jota_efivar_read(&u->io, &jota_uefi_boot_next, buf, sizeof(buf), &len, &err);
	if (r != 0)
		jota_problem_add(problems, true,
				 "UEFI variable 'BootNext' exists, with it the firmware refuses to "
				 "change the slot: delete it (efibootmgr -N).");
	r = jota_efivar_read(&u->io, &indications, buf, sizeof(buf), &len, &err);
	if (r < 0)
		jota_problem_add(problems, true, "%s", err.msg);
	else if (r > 0 && len == sizeof(buf) && (get_le64(buf) & CAPSULE_ON_DISK))
		jota_problem_add(problems, true,
				 "OsIndications says that a firmware capsule waits for the next "
				 "boot, which flips the slot itself: reboot first, or delete it.");
}

static void check_running(const struct jota_uefi *u, const struct jota_uefi_stored *stored,
			  struct jota_problems *problems)
{
	uint32_t value = 0;

	if (look(u, &jota_uefi_os_current, &value, problems) &&
	    value != (uint32_t)stored->fw.current)
		jota_problem_add(problems, true,
				 "the firmware runs chain %u, but L4TLauncher booted slot %u: "
				 "reboot; should it stay so, look at its boot options.",
				 (unsigned)stored->fw.current, value);
	if (look(u, &jota_uefi_boot_mode, &value, problems) && value == MODE_EXTLINUX)
		jota_problem_add(problems, false,
				 "L4TDefaultBootMode is 1: the kernel comes from /boot of the root "
				 "file system, the kernel partition that updates write is only the "
				 "fallback; 2 makes it the first choice.");
}

/* In factory state `next` carries no meaning, so nothing else would tell. */
static void check_unrecorded_flip(const struct jota_uefi_stored *stored,
				  struct jota_problems *problems)
{
	enum jota_slot next = jota_uefi_next(&stored->fw);

	if (!stored->has_record && next != stored->fw.current)
		jota_problem_add(problems, false,
				 "the firmware boots slot %s next, and no record says why: another "
				 "program asked for it, or the variable 'JotaSlots' was lost; that "
				 "boot will not be a trial. The next update takes it back.",
				 jota_slot_name(next));
}

static void check_verifier(const struct jota_uefi *u, struct jota_problems *problems)
{
	char path[PATH_MAX];

	if (jota_io_path(&u->io, NVBOOTCTRL, path, sizeof(path), NULL) == 0 &&
	    access(path, X_OK) < 0)
		jota_problem_add(problems, true,
				 NVBOOTCTRL " is missing: L4TLauncher takes a try of the slot at "
					    "each boot, and only 'nvbootctrl verify' at each boot "
					    "gives it back; install NVIDIA's boot tools and their "
					    "service.");
}

void jota_uefi_check(struct jota_backend *b, const struct jota_blockdevs *devs,
		     struct jota_problems *problems)
{
	const struct jota_uefi *u = (const struct jota_uefi *)b;
	struct jota_uefi_stored stored;
	struct jota_err err = { 0 };

	(void)devs;
	if (jota_uefi_stored_read(u, &stored, &err) < 0) {
		jota_problem_add(problems, true, "%s", err.msg);
		jota_uefi_stored_done(&stored);
		return;
	}
	check_mount(u, problems);
	check_redundancy(u, problems);
	check_slots(u, problems);
	check_requests(u, &stored, problems);
	check_unrecorded_flip(&stored, problems);
	check_running(u, &stored, problems);
	check_verifier(u, problems);
	jota_uefi_stored_done(&stored);
}
