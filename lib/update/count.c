/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Boots of a trial, where no boot stage counts them durably. */
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "slot/policy.h"
#include "update/session.h"
#include "update/survey.h"

/* The limit was passed: this boot was only taken to find that out. */
static int give_up(struct jota_survey *d, struct jota_err *err)
{
	struct jota_boot_state given_up;
	int rc = jota_policy_rollback(&d->state, d->evidence.running, &given_up, err);

	if (rc < 0)
		return rc;
	(void)snprintf(given_up.record.reason, sizeof(given_up.record.reason), "%s",
		       JOTA_BOOT_LIMIT_REASON);
	rc = jota_survey_store(d, rc, &given_up, NULL, 0, err);
	if (rc < 0)
		return rc;
	(void)jota_marker_set(d->io, given_up.next, NULL);
	return JOTA_COUNT_LIMIT;
}

static int count(struct jota_survey *d, struct jota_err *err)
{
	int rc;

	if (!jota_backend_needs_count(d->backend) ||
	    jota_policy_situation(&d->state, d->evidence.running) != JOTA_ON_TRIAL)
		return JOTA_COUNT_NONE;
	rc = jota_backend_count_boot(d->backend, d->boot_id, err);
	if (rc == 0)
		rc = jota_backend_load(d->backend, &d->state, err);
	if (rc < 0)
		return rc;
	if (d->state.boots_counted <= d->state.boot_limit)
		return JOTA_COUNT_DONE;
	rc = give_up(d, err);
	/* There is no other slot: better this one than none. */
	return rc == -EPERM ? JOTA_COUNT_DONE : rc;
}

int jota_count_boot(const struct jota_io *io, const struct jota_config *config,
		    struct jota_boot_state *ret_state, struct jota_err *err)
{
	struct jota_survey survey;
	int rc = jota_survey_init(&survey, io, config, "the count of a boot", err);

	if (rc < 0)
		return rc;
	rc = count(&survey, err);
	if (rc >= 0)
		*ret_state = survey.state;
	jota_survey_done(&survey);
	return rc;
}
