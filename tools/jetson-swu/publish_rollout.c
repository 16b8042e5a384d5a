/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE /* asprintf */
#include "publish_inner.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"

#define ROLLOUT_WAIT_S 120u

/* Finds the rollout by its name; *ret_status is "" when there is none. */
static int find_rollout(struct publisher *p, char *ret_status, size_t status_bytes,
			struct jota_err *err)
{
	CLEANUP_JSON json_object *page = NULL;
	json_object *list;
	int rc = publish_search(p, "rollouts", false, &page, err);

	if (rc < 0)
		return rc;
	list = publish_list(page);
	if (!list)
		return publish_nonsense("rollouts", err);
	ret_status[0] = '\0';
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *one = json_object_array_get_idx(list, i);
		const char *status = publish_text(one, "status");

		if (!publish_is_text(one, "name", p->plan->rollout))
			continue;
		p->result->rollout_id = publish_number(one, "id");
		if (!status || p->result->rollout_id <= 0)
			return publish_nonsense("rollouts", err);
		if (publish_number(one, "distributionSetId") != p->result->set_id ||
		    !publish_is_text(one, "targetFilterQuery", p->plan->filter))
			return jota_fail(
				err, EEXIST,
				"the server has a rollout '%s' with another distribution set "
				"or filter; give this one another name.",
				p->plan->rollout);
		(void)snprintf(ret_status, status_bytes, "%s", status);
		return 0;
	}
	return 0;
}

static json_object *condition(const char *name, const char *value, const char *expression)
{
	json_object *made = json_object_new_object();

	(void)json_object_object_add(made, name, json_object_new_string(value));
	(void)json_object_object_add(made, "expression", json_object_new_string(expression));
	return made;
}

/* A group must have succeeded as a whole before the next begins, and the first failure pauses. */
static int make_rollout(struct publisher *p, struct jota_err *err)
{
	CLEANUP_JSON json_object *body = json_object_new_object(), *answer = NULL;
	const struct publish_plan *plan = p->plan;
	int rc;

	(void)json_object_object_add(body, "name", json_object_new_string(plan->rollout));
	(void)json_object_object_add(body, "distributionSetId",
				     json_object_new_int64(p->result->set_id));
	(void)json_object_object_add(body, "targetFilterQuery",
				     json_object_new_string(plan->filter));
	(void)json_object_object_add(body, "amountGroups", json_object_new_int64(plan->groups));
	(void)json_object_object_add(body, "type", json_object_new_string("forced"));
	(void)json_object_object_add(body, "successCondition",
				     condition("condition", "THRESHOLD", "100"));
	(void)json_object_object_add(body, "successAction", condition("action", "NEXTGROUP", ""));
	(void)json_object_object_add(body, "errorCondition",
				     condition("condition", "THRESHOLD", "1"));
	(void)json_object_object_add(body, "errorAction", condition("action", "PAUSE", ""));
	rc = http_post(p->http, "/rest/v1/rollouts", body, &answer, err);
	return rc == -EEXIST ? -EAGAIN : rc;
}

/* The server makes a rollout's groups in its own time; only then it can be started. */
static int start_rollout(struct publisher *p, char *status, size_t status_bytes,
			 struct jota_err *err)
{
	CLEANUP_JSON json_object *answer = NULL;
	CLEANUP_FREE char *path = NULL;
	int rc = 0;

	for (unsigned s = 0; rc == 0 && s < ROLLOUT_WAIT_S && strcmp(status, "creating") == 0; s++) {
		rc = publish_pause(p, 1, err);
		if (rc == 0)
			rc = find_rollout(p, status, status_bytes, err);
	}
	if (rc < 0 || strcmp(status, "ready") != 0)
		return rc;
	if (asprintf(&path, "/rest/v1/rollouts/%" PRId64 "/start", p->result->rollout_id) < 0) {
		path = NULL;
		return jota_fail(err, ENOMEM, "start the rollout");
	}
	return http_post(p->http, path, NULL, &answer, err);
}

int publish_ensure_rollout(struct publisher *p, struct jota_err *err)
{
	char status[32] = "";
	int rc;

	if (!p->plan->rollout)
		return 0;
	rc = find_rollout(p, status, sizeof(status), err);
	if (rc == 0 && status[0] == '\0') {
		rc = make_rollout(p, err);
		p->result->rollout_made |= rc == 0;
		if (rc == 0)
			rc = find_rollout(p, status, sizeof(status), err);
	}
	if (rc == 0)
		rc = start_rollout(p, status, sizeof(status), err);
	if (rc < 0)
		return rc;
	if (strcmp(status, "creating") == 0 || status[0] == '\0')
		return jota_fail(err, EAGAIN, "the rollout '%s' is still being made.",
				 p->plan->rollout);
	if (strcmp(status, "waiting_for_approval") == 0)
		p->say(p->say_ctx, "rollout '%s' waits for somebody's approval on the server",
		       p->plan->rollout);
	return 0;
}

int publish_ensure_assignment(struct publisher *p, struct jota_err *err)
{
	CLEANUP_JSON json_object *body = json_object_new_array(), *answer = NULL;
	CLEANUP_FREE char *path = NULL;
	int64_t made, before;
	int rc;

	if (p->plan->target_count == 0)
		return 0;
	for (size_t i = 0; i < p->plan->target_count; i++) {
		json_object *one = json_object_new_object();

		(void)json_object_object_add(one, "id", json_object_new_string(p->plan->target[i]));
		(void)json_object_object_add(one, "type", json_object_new_string("forced"));
		(void)json_object_array_add(body, one);
	}
	if (asprintf(&path, "/rest/v1/distributionsets/%" PRId64 "/assignedTargets",
		     p->result->set_id) < 0) {
		path = NULL;
		return jota_fail(err, ENOMEM, "assign the update");
	}
	rc = http_post(p->http, path, body, &answer, err);
	if (rc < 0)
		return rc;
	made = publish_number(answer, "assigned");
	before = publish_number(answer, "alreadyAssigned");
	if (made < 0 || before < 0)
		return publish_nonsense("an assignment", err);
	p->result->assigned = (uint64_t)made;
	p->result->already_assigned = (uint64_t)before;
	/* It answers 200 for a target that it does not know. */
	if ((uint64_t)made + (uint64_t)before != p->plan->target_count)
		return jota_fail(err, ENOENT,
				 "the update is published, but of %zu targets the server knows only "
				 "%" PRIu64 "; look at --assign.",
				 p->plan->target_count, (uint64_t)made + (uint64_t)before);
	return 0;
}
