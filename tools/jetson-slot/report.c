/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "report.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "slot/blockdev.h"
#include "slot/layout.h"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_FILE_BYTES 64

/** Keep the first reason; every reason is also a problem to show. */
static void note_error(struct report *r, const struct jota_err *err)
{
	if (!r->error.errnum)
		r->error = *err;
	jota_problem_add(&r->problems, true, "%s", err->msg);
}

/** The same boot id as at the flip: the device has not been rebooted since. */
static bool is_same_boot(const struct jota_io *io, const char *boot_id)
{
	CLEANUP_FREE char *text = NULL;

	if (!boot_id[0] ||
	    jota_io_read_file(io, BOOT_ID_PATH, BOOT_ID_FILE_BYTES, &text, NULL, NULL) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, boot_id) == 0;
}

static void classify(const struct jota_io *io, struct report *r,
		     const struct jota_boot_state *stored)
{
	enum jota_slot running = r->evidence.running;
	struct jota_err err = { 0 };

	r->situation = jota_policy_situation(stored, running);
	r->state = jota_policy_settle(stored, running);
	r->reboot_pending = is_same_boot(io, stored->record.boot_id);
	r->has_state = true;
	if (r->situation != JOTA_BROKEN)
		return;
	(void)jota_fail(
		&err, EINVAL,
		"the stored boot state and the running slot contradict each other: slot %s runs, slot %s is next, A is %s, B is %s; see the runbook before changing anything.",
		jota_slot_name(running), jota_slot_name(stored->next),
		jota_condition_name(stored->slot[JOTA_SLOT_A]),
		jota_condition_name(stored->slot[JOTA_SLOT_B]));
	note_error(r, &err);
}

static void gather_state(const struct jota_io *io, struct report *r,
			 const struct jota_blockdevs *devs)
{
	struct jota_backend *backend = NULL;
	struct jota_boot_state stored;
	struct jota_err err = { 0 };

	if (jota_backend_open(io, &r->config, &backend, &err) < 0) {
		note_error(r, &err);
		return;
	}
	jota_backend_check(backend, devs, &r->problems);
	if (jota_backend_load(backend, &stored, &err) < 0)
		note_error(r, &err);
	else if (r->evidence.known)
		classify(io, r, &stored);
	jota_backend_free(backend);
}

int report_gather(const struct jota_io *io, struct report *ret, struct jota_err *err)
{
	struct jota_blockdevs devs = { 0 };
	struct jota_err failed = { 0 };
	int rc;

	memset(ret, 0, sizeof(*ret));
	rc = jota_config_read(io, &ret->config, err);
	if (rc < 0)
		return rc;
	if (jota_blockdevs_read(io, &devs, &failed) < 0 ||
	    jota_evidence_read(io, ret->config.layout, &devs, &ret->evidence, &failed) < 0)
		note_error(ret, &failed);
	gather_state(io, ret, &devs);
	jota_blockdevs_done(&devs);
	return 0;
}

struct slot_view report_slot(const struct report *r, enum jota_slot slot)
{
	const struct jota_boot_state *state = &r->state;
	enum jota_condition condition = state->slot[slot];
	struct slot_view view = {
		.condition = jota_condition_name(condition),
		.running = r->evidence.running == slot,
		.next = state->next == slot,
		.bootable = condition == JOTA_TRIAL || condition == JOTA_GOOD,
		.successful = condition == JOTA_GOOD,
		.has_tries = condition == JOTA_TRIAL && state->boot_limit,
	};

	view.pending = view.next && !view.running;
	if (view.has_tries && state->boots_counted < state->boot_limit)
		view.tries_left = state->boot_limit - state->boots_counted;
	return view;
}

const char *report_ustate_name(enum jota_ustate ustate)
{
	switch (ustate) {
	case JOTA_USTATE_NONE:
		return "none";
	case JOTA_USTATE_OK:
		return "ok";
	case JOTA_USTATE_INSTALLED:
		return "installed";
	case JOTA_USTATE_TESTING:
		return "testing";
	case JOTA_USTATE_FAILED:
		return "failed";
	case JOTA_USTATE_IN_PROGRESS:
		return "in-progress";
	}
	return "unknown";
}

void report_clean(const char *text, char *buf, size_t buf_bytes)
{
	size_t len = 0;

	for (; text[len] && len + 1 < buf_bytes; len++) {
		buf[len] = text[len];
		if (text[len] < ' ' || text[len] > '~')
			buf[len] = '?';
	}
	buf[len] = '\0';
}
