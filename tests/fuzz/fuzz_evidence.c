/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Which slot runs, and what an update would write. Input: the texts of several files of a device,
 * separated by NUL bytes: kernel command line, mountinfo, uevent of the partition that holds slot B's
 * root file system, backing file of a loop device.
 */
#include "fuzz/fuzz.h"

#include "fuzz/device.h"
#include "slot/blockdev.h"
#include "slot/config.h"
#include "slot/evidence.h"
#include "slot/layout.h"
#include "write/target.h"

#include <errno.h>

static void judge_evidence(const struct jota_evidence *ev, int r)
{
	size_t speakers = 0;

	for (size_t i = 0; i < JOTA_WITNESS_COUNT; i++) {
		PROMISE(memchr(ev->witness[i].detail, '\0', sizeof(ev->witness[i].detail)));
		PROMISE(!ev->known || !ev->witness[i].speaks || ev->witness[i].says == ev->running);
		speakers += ev->witness[i].speaks;
	}
	PROMISE(ev->known == (r == 0));
	PROMISE(r == 0	     ? speakers > 0 :
		r == -ENOENT ? speakers == 0 :
			       r == -EBADMSG || r == -EFBIG);
	fuzz_plant(speakers >= 3 && ev->witness[3].speaks && ev->known, ev->witness[0].detail);
}

/* Whatever the machine seems to say: the running slot and what is mounted are never a target. */
static void judge_target(const struct jota_io *io, const struct jota_blockdevs *devs,
			 const struct jota_evidence *ev, enum jota_slot slot)
{
	const struct jota_config config = { .layout = jota_layout_find("mission") };
	const struct jota_partition *p;
	struct jota_target target;
	struct jota_err err = { 0 };
	int r = jota_target_resolve(io, &config, devs, ev, JOTA_ROLE_ROOTFS, slot, &target, &err);

	fuzz_check_result(r, &err);
	if (r < 0)
		return;
	p = jota_blockdevs_find(devs, target.path + strlen("/dev/"));
	PROMISE(ev->known && slot != ev->running && p && !p->mounted && !p->held);
	PROMISE(strcmp(p->name, devs->root_name) != 0 && strcmp(p->label, target.label) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	static const char *const path[] = { "/proc/cmdline", "/proc/self/mountinfo",
					    "/sys/class/block/mmcblk0p6/uevent",
					    "/sys/class/block/loop0/loop/backing_file" };
	const struct jota_io *io = fuzz_device_fill(path, 4, data, len_bytes);
	struct jota_blockdevs devs = { 0 };
	struct jota_evidence ev;
	struct jota_err err = { 0 };
	int r = jota_blockdevs_read(io, &devs, &err);

	fuzz_check_result(r, &err);
	if (r < 0)
		return 0;
	PROMISE(devs.root_name[0] == '\0' || jota_blockdevs_find(&devs, devs.root_name));
	r = jota_evidence_read(io, jota_layout_find("mission"), &devs, &ev, &err);
	fuzz_check_result(r, &err);
	judge_evidence(&ev, r);
	judge_target(io, &devs, &ev, JOTA_SLOT_A);
	judge_target(io, &devs, &ev, JOTA_SLOT_B);
	jota_blockdevs_done(&devs);
	return 0;
}
