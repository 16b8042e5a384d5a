/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "boot.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "slot/backend.h"
#include "slot/blockdev.h"
#include "slot/evidence.h"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_FILE_BYTES 64

static void read_boot_id(const struct jota_io *io, struct boot *boot)
{
	CLEANUP_FREE char *text = NULL;
	size_t len;

	if (jota_io_read_file(io, BOOT_ID_PATH, BOOT_ID_FILE_BYTES, &text, NULL, NULL) < 0)
		return;
	len = strcspn(text, "\n");
	if (len >= sizeof(boot->boot_id))
		return;
	memcpy(boot->boot_id, text, len);
}

static int read_running(const struct jota_io *io, struct boot *boot, struct jota_err *err)
{
	struct jota_blockdevs devs = { 0 };
	struct jota_evidence evidence = { 0 };
	int r = jota_blockdevs_read(io, &devs, err);

	if (r == 0)
		r = jota_evidence_read(io, boot->config.layout, &devs, &evidence, err);
	jota_blockdevs_done(&devs);
	boot->running = evidence.running;
	return r;
}

static int read_state(const struct jota_io *io, struct boot *boot, struct jota_err *err)
{
	struct jota_backend *backend = NULL;
	struct jota_boot_state stored;
	int r = jota_backend_open(io, &boot->config, &backend, err);

	if (r == 0)
		r = jota_backend_load(backend, &stored, err);
	jota_backend_free(backend);
	if (r < 0)
		return r;
	boot->situation = jota_policy_situation(&stored, boot->running);
	boot->state = jota_policy_settle(&stored, boot->running);
	boot->reboot_pending = boot->boot_id[0] != '\0' &&
			       strcmp(boot->boot_id, stored.record.boot_id) == 0;
	if (boot->situation == JOTA_BROKEN)
		return jota_fail(err, EINVAL,
				 "the stored boot state and the running slot contradict each other: "
				 "look at 'jetson-slot info'.");
	return 0;
}

int boot_read(const struct jota_io *io, struct boot *ret, struct jota_err *err)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	read_boot_id(io, ret);
	r = jota_config_read(io, &ret->config, err);
	ret->has_config = r == 0;
	if (r == 0)
		r = read_running(io, ret, err);
	if (r == 0)
		r = read_state(io, ret, err);
	ret->has_state = r == 0;
	return r;
}

bool boot_fell_back(const struct boot *boot)
{
	const struct jota_record *record = &boot->state.record;

	return boot->has_state && !boot->reboot_pending && record->has_target &&
	       record->target != boot->running && record->ustate == JOTA_USTATE_INSTALLED &&
	       boot->situation != JOTA_PENDING;
}

const char *boot_slot(const struct boot *boot)
{
	return boot->has_state ? jota_slot_name(boot->running) : NULL;
}
