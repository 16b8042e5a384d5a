/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What works before an update: only that must work after it. The update hook asks for it, through the verb preflip. */
#include "boot.h"
#include "health_tool.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "health/plan.h"

/* The hook waits for all of preflip, preflip_deadline_s: what has no turn in this time does not count, and that is no harm. */
#define DEADLINE_MAX_MS 90000u

int baseline_forget(const struct jota_io *io, const char *data_dir, struct jota_err *err)
{
	char path[PATH_MAX], full[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/health-%s", data_dir,
			 jota_phase_name(JOTA_PHASE_BASELINE));
	int r;

	if (n < 0 || (size_t)n >= sizeof(path))
		return jota_fail(err, ENAMETOOLONG, "forget the baseline in '%.80s'", data_dir);
	r = jota_io_path(io, path, full, sizeof(full), err);
	if (r < 0)
		return r;
	if (unlink(full) < 0 && errno != ENOENT && errno != ENOTDIR)
		return jota_fail(err, errno, "forget the baseline of an earlier update, '%s'", path);
	return 0;
}

static bool is_asked_for(const struct jota_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->check[i].baseline)
			return true;
	return false;
}

static void say_failed(const struct jota_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct jota_result *r = &report->result[i];

		if (jota_status_is_bad(r->status))
			(void)printf(
				"warning: check '%s' fails before the update (%s: %.120s), so it "
				"will not count after it\n",
				r->name, jota_reason_word(r->reason), r->message);
	}
}

static int run_and_keep(const struct jota_io *io, struct jota_plan *plan, struct jota_err *err)
{
	CLEANUP_FREE struct jota_report *report = calloc(1, sizeof(*report));
	struct jota_health_context context = { .phase = JOTA_PHASE_BASELINE };
	struct boot boot;
	int r;

	if (!report)
		return jota_fail(err, ENOMEM, "take the baseline");
	/* Which slot, and which boot: for people who read the report. */
	(void)boot_read(io, &boot, NULL);
	context.slot = boot_slot(&boot);
	context.boot_id = boot.boot_id;
	if (plan->deadline_ms > DEADLINE_MAX_MS)
		plan->deadline_ms = DEADLINE_MAX_MS;
	r = jota_health_run(io, plan, &context, NULL, report, err);
	if (r == 0)
		r = jota_report_save(io, plan->data_dir, jota_phase_name(JOTA_PHASE_BASELINE),
				     report, err);
	if (r == 0)
		say_failed(report);
	return r;
}

int baseline_take(const struct jota_io *io, bool *ret_required, struct jota_err *err)
{
	struct jota_plan plan = { 0 };
	struct jota_err none = { 0 };
	int r = jota_plan_read(io, JOTA_HEALTH_CONF, &plan, &none);

	*ret_required = false;
	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		*err = none;
		return r;
	}
	*ret_required = plan.baseline_required;
	r = baseline_forget(io, plan.data_dir, err);
	if (r == 0 && is_asked_for(&plan))
		r = run_and_keep(io, &plan, err);
	jota_plan_done(&plan);
	return r;
}
