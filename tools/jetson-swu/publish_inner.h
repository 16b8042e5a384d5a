/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What the steps of publishing share: reading answers, searching, waiting. */
#pragma once

#include "publish.h"

/** Modules and sets that differ in their type alone. */
#define PUBLISH_PAGE "limit=100"

static inline void publish_put_json(json_object **object)
{
	(void)json_object_put(*object);
}
#define CLEANUP_JSON __attribute__((cleanup(publish_put_json)))

/** -EBADMSG with a sentence about an answer of the wrong shape. */
int publish_nonsense(const char *where, struct jota_err *err);
/** A string of an object, which keeps it; NULL. */
const char *publish_text(json_object *object, const char *name);
bool publish_is_text(json_object *object, const char *name, const char *want);
/** A number from 0 on; -1 when there is none. */
int64_t publish_number(json_object *object, const char *name);
/** The list in a page of a search, which keeps it; NULL. */
json_object *publish_list(json_object *page);

/**
 * All of a kind with the plan's name and version, or, without versions, with its rollout's name. The
 * server's search knows patterns and no case: what it finds is to be compared once more.
 */
int publish_search(struct publisher *p, const char *kind, bool versions, json_object **ret,
		   struct jota_err *err);
/** Sleep; -ECANCELED. */
int publish_pause(struct publisher *p, unsigned seconds, struct jota_err *err);

/** Steps behind the distribution set; each does nothing when it was not asked for. */
int publish_ensure_rollout(struct publisher *p, struct jota_err *err);
int publish_ensure_assignment(struct publisher *p, struct jota_err *err);
