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

#define PAUSE_S_MAX 30u

/** Id of the one with name, version and type; 0 when there is none. */
static int find(struct publisher *p, const char *kind, const char *type, int64_t *ret_id,
		struct jota_err *err)
{
	CLEANUP_JSON json_object *page = NULL;
	json_object *list;
	int rc = publish_search(p, kind, true, &page, err);

	if (rc < 0)
		return rc;
	list = publish_list(page);
	if (!list)
		return publish_nonsense(kind, err);
	*ret_id = 0;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *one = json_object_array_get_idx(list, i);

		if (!publish_is_text(one, "name", p->plan->name) ||
		    !publish_is_text(one, "version", p->plan->version) ||
		    (type && !publish_is_text(one, "type", type)))
			continue;
		*ret_id = publish_number(one, "id");
		return *ret_id > 0 ? 0 : publish_nonsense(kind, err);
	}
	return 0;
}

static json_object *new_thing(const struct publish_plan *plan, const char *type)
{
	json_object *one = json_object_new_object();

	(void)json_object_object_add(one, "name", json_object_new_string(plan->name));
	(void)json_object_object_add(one, "version", json_object_new_string(plan->version));
	(void)json_object_object_add(one, "type", json_object_new_string(type));
	return one;
}

/* One of a kind; somebody may have been quicker, then the next try finds it. */
static int make(struct publisher *p, const char *kind, json_object *one, int64_t *ret_id,
		struct jota_err *err)
{
	CLEANUP_JSON json_object *body = json_object_new_array(), *answer = NULL;
	CLEANUP_FREE char *path = NULL;
	int rc;

	(void)json_object_array_add(body, one);
	if (asprintf(&path, "/rest/v1/%s", kind) < 0) {
		path = NULL;
		return jota_fail(err, ENOMEM, "make one of '%s'", kind);
	}
	rc = http_post(p->http, path, body, &answer, err);
	if (rc == -EEXIST)
		return -EAGAIN;
	if (rc < 0)
		return rc;
	if (!json_object_is_type(answer, json_type_array) || json_object_array_length(answer) != 1)
		return publish_nonsense(kind, err);
	*ret_id = publish_number(json_object_array_get_idx(answer, 0), "id");
	return *ret_id > 0 ? 0 : publish_nonsense(kind, err);
}

static int ensure_module(struct publisher *p, struct jota_err *err)
{
	struct publish_result *r = p->result;
	int rc = find(p, "softwaremodules", p->plan->module_type, &r->module_id, err);

	if (rc < 0 || r->module_id > 0)
		return rc;
	rc = make(p, "softwaremodules", new_thing(p->plan, p->plan->module_type), &r->module_id,
		  err);
	r->module_made = rc == 0;
	return rc;
}

/* Is this file of the server the one that is to be there? */
static int judge_artifact(struct publisher *p, json_object *one, struct jota_err *err)
{
	const struct publish_plan *plan = p->plan;
	const char *name = publish_text(one, "providedFilename"), *sha256 = NULL;
	json_object *hashes;
	int64_t size_bytes = publish_number(one, "size");

	if (json_object_is_type(one, json_type_object) &&
	    json_object_object_get_ex(one, "hashes", &hashes))
		sha256 = publish_text(hashes, "sha256");
	p->result->artifact_id = publish_number(one, "id");
	if (!name || !sha256 || size_bytes < 0 || p->result->artifact_id <= 0)
		return publish_nonsense("artifacts", err);
	if (strcasecmp(sha256, plan->sha256_hex) == 0 &&
	    (uint64_t)size_bytes == plan->upload.size_bytes && strcmp(name, plan->upload.name) == 0)
		return 0;
	return jota_fail(
		err, EEXIST,
		"the server has '%.64s' version '%.64s' with other content: '%.64s', %" PRId64
		" bytes, sha256 %.16s..., expected '%.64s', %" PRIu64
		" bytes, sha256 %.16s...; a version is published once: give the update "
		"another version.",
		plan->name, plan->version, name, size_bytes, sha256, plan->upload.name,
		plan->upload.size_bytes, plan->sha256_hex);
}

static int find_artifact(struct publisher *p, bool *ret_found, struct jota_err *err)
{
	CLEANUP_JSON json_object *list = NULL;
	CLEANUP_FREE char *path = NULL;
	int rc;

	if (asprintf(&path, "/rest/v1/softwaremodules/%" PRId64 "/artifacts",
		     p->result->module_id) < 0) {
		path = NULL;
		return jota_fail(err, ENOMEM, "ask for artifacts");
	}
	rc = http_get(p->http, path, &list, err);
	if (rc < 0)
		return rc;
	if (!json_object_is_type(list, json_type_array))
		return publish_nonsense("artifacts", err);
	*ret_found = json_object_array_length(list) > 0;
	/* A device installs every .swu of a module: one more is other content, too. */
	for (size_t i = 0; i < json_object_array_length(list) && rc == 0; i++)
		rc = judge_artifact(p, json_object_array_get_idx(list, i), err);
	return rc;
}

static int ensure_artifact(struct publisher *p, struct jota_err *err)
{
	CLEANUP_JSON json_object *answer = NULL;
	CLEANUP_FREE char *path = NULL, *name = http_escape(p->http, p->plan->upload.name);
	struct http_upload upload = p->plan->upload;
	bool found = false;
	int rc = find_artifact(p, &found, err);

	if (rc < 0 || found)
		return rc;
	if (!name ||
	    asprintf(&path,
		     "/rest/v1/softwaremodules/%" PRId64 "/artifacts?filename=%s&sha256sum=%s",
		     p->result->module_id, name, p->plan->sha256_hex) < 0) {
		path = NULL;
		return jota_fail(err, ENOMEM, "send '%s'", upload.name);
	}
	rc = http_post_file(p->http, path, &upload, &answer, err);
	if (rc == -EEXIST)
		return -EAGAIN;
	if (rc == 0)
		rc = judge_artifact(p, answer, err);
	p->result->artifact_made = rc == 0;
	return rc;
}

/* A set that is there already must hold our module and nothing else. */
static int check_set(struct publisher *p, struct jota_err *err)
{
	CLEANUP_JSON json_object *page = NULL;
	CLEANUP_FREE char *path = NULL;
	json_object *list;
	int rc;

	if (asprintf(&path, "/rest/v1/distributionsets/%" PRId64 "/assignedSM?" PUBLISH_PAGE,
		     p->result->set_id) < 0) {
		path = NULL;
		return jota_fail(err, ENOMEM, "ask for the modules of a set");
	}
	rc = http_get(p->http, path, &page, err);
	if (rc < 0)
		return rc;
	list = publish_list(page);
	if (!list)
		return publish_nonsense("the modules of a distribution set", err);
	if (json_object_array_length(list) == 1 &&
	    publish_number(json_object_array_get_idx(list, 0), "id") == p->result->module_id)
		return 0;
	return jota_fail(
		err, EEXIST,
		"the server has a distribution set '%s' version '%s' that does not hold just "
		"this update; remove that set, or give the update another version.",
		p->plan->name, p->plan->version);
}

static int ensure_set(struct publisher *p, struct jota_err *err)
{
	struct publish_result *r = p->result;
	json_object *set, *modules, *module;
	/* Of whatever type: the server knows a set by name and version. */
	int rc = find(p, "distributionsets", NULL, &r->set_id, err);

	if (rc < 0)
		return rc;
	if (r->set_id > 0)
		return check_set(p, err);
	module = json_object_new_object();
	(void)json_object_object_add(module, "id", json_object_new_int64(r->module_id));
	modules = json_object_new_array();
	(void)json_object_array_add(modules, module);
	set = new_thing(p->plan, p->plan->set_type);
	(void)json_object_object_add(set, "modules", modules);
	rc = make(p, "distributionsets", set, &r->set_id, err);
	r->set_made = rc == 0;
	return rc;
}

static int with_tries(struct publisher *p, int (*step)(struct publisher *, struct jota_err *),
		      struct jota_err *err)
{
	unsigned wait_s = 1;
	int rc;

	for (unsigned left = p->tries; (rc = step(p, err)) == -EAGAIN && left > 1; left--) {
		p->say(p->say_ctx, "%s Trying again in %u s, %u of %u tries left.", err->msg,
		       wait_s, left - 1, p->tries);
		rc = publish_pause(p, wait_s, err);
		if (rc < 0)
			return rc;
		wait_s = wait_s * 2 > PAUSE_S_MAX ? PAUSE_S_MAX : wait_s * 2;
	}
	if (rc == -EAGAIN && p->tries > 1)
		return jota_wrap(err, "gave up after %u tries: ", p->tries);
	return rc;
}

int publish_run(struct publisher *p, struct jota_err *err)
{
	/* The set comes after the file: no device is offered half of it. */
	static int (*const steps[])(struct publisher *, struct jota_err *) = {
		ensure_module,		ensure_artifact,	   ensure_set,
		publish_ensure_rollout, publish_ensure_assignment,
	};
	int rc = 0;

	*p->result = (struct publish_result){ 0 };
	for (size_t i = 0; rc == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		rc = with_tries(p, steps[i], err);
	return rc;
}
