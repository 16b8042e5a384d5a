/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "health/preflip.h"

#include "base/err.h"
#include "health/kind.h"
#include "health/plan.h"
#include "health/plan_parse.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define PREFLIP_BIT (1u << JOTA_PHASE_PREFLIP)
#define CHECK(name, kind, seconds, fields)                                                         \
	"{ name = \"" name "\"; kind = \"" kind "\"; phase = \"preflip\"; deadline_s = " seconds   \
	"; " fields " }"

/* clang-format off */
/* A plan must be able to judge a boot too, hence the last one; it has no part in this phase. */
static const char builtin[] =
	"deadline_s = 480; stability_s = 0; checks = ("
	CHECK("new-filesystem", "new-filesystem", "240", "") ","
	CHECK("new-init", "new-init", "30", "") ","
	CHECK("new-release", "new-release", "30", "") ","
	CHECK("new-modules", "new-modules", "60", "") ","
	CHECK("new-command-line", "new-command-line", "30", "") ","
	CHECK("new-units", "new-units", "30",
	      "units = [ \"swupdate.service\", \"jetson-health.service\", "
	      "\"jetson-health-confirm.service\", \"jetson-slot-count.service\" ]; "
	      "as_running = true;") ","
	CHECK("new-anchor", "new-anchor", "30", "") ","
	CHECK("new-health", "new-health", "30", "") ","
	"{ name = \"kernel-modules\"; kind = \"kernel-modules\"; } );";
/* clang-format on */

static bool has_kind(const struct jota_plan *plan, const struct jota_check_kind *kind)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->check[i].kind == kind && (plan->check[i].phases & PREFLIP_BIT))
			return true;
	return false;
}

/* Moves what belongs into the phase; what stays behind is freed with its plan. */
static void move(struct jota_plan *from, const struct jota_plan *except, struct jota_plan *to)
{
	for (size_t i = 0; i < from->count; i++) {
		struct jota_check *check = &from->check[i];

		if (!(check->phases & PREFLIP_BIT) || (except && has_kind(except, check->kind)))
			jota_plan_free_fields(check);
		else
			to->check[to->count++] = *check;
	}
	from->count = 0;
}

static int join(struct jota_plan *own, struct jota_plan *configured, struct jota_plan *ret,
		struct jota_err *err)
{
	struct jota_plan plan = configured->count > 0 ? *configured : *own;

	plan.count = 0;
	plan.check = calloc(own->count + configured->count, sizeof(*plan.check));
	if (!plan.check)
		return jota_fail(err, ENOMEM, "read the health checks");
	if (plan.deadline_ms < own->deadline_ms)
		plan.deadline_ms = own->deadline_ms;
	/* The built-in ones first; which of them are left is asked before the configured ones move. */
	move(own, configured, &plan);
	move(configured, NULL, &plan);
	*ret = plan;
	if (plan.count <= JOTA_CHECKS_MAX)
		return 0;
	jota_plan_done(ret);
	return jota_fail(err, E2BIG, "more than %d checks before the flip, built-in ones included.",
			 JOTA_CHECKS_MAX);
}

int jota_preflip_plan(const struct jota_io *io, struct jota_plan *ret, struct jota_err *err)
{
	struct jota_plan own = { 0 }, configured = { 0 };
	int r = jota_plan_read(io, JOTA_HEALTH_CONF, &configured, err);

	if (r < 0 && r != -ENOENT)
		return r;
	r = jota_plan_parse("built-in checks", builtin, &own, err);
	if (r == 0)
		r = join(&own, &configured, ret, err);
	jota_plan_done(&own);
	jota_plan_done(&configured);
	return r;
}
