/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE /* asprintf */
#include "publish_inner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"

int publish_check_word(const char *what, const char *word, struct jota_err *err)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
		"._+-:~ ";
	size_t len = strlen(word);

	if (len == 0 || len > PUBLISH_NAME_MAX)
		return jota_fail(err, EINVAL,
				 "%s '%.80s' has %zu characters, the server takes 1 to %d.", what,
				 word, len, PUBLISH_NAME_MAX);
	if (strspn(word, letters) != len || word[0] == ' ' || word[len - 1] == ' ')
		return jota_fail(
			err, EINVAL,
			"%s '%.80s' has characters other than letters, digits and . _ + - : "
			"~, or a space at an end.",
			what, word);
	return 0;
}

int publish_nonsense(const char *where, struct jota_err *err)
{
	return jota_fail(err, EBADMSG,
			 "the answer about %s is not what hawkBit's management interface gives; is "
			 "the address right?",
			 where);
}

const char *publish_text(json_object *object, const char *name)
{
	json_object *value;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, name, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

bool publish_is_text(json_object *object, const char *name, const char *want)
{
	const char *text = publish_text(object, name);

	return text && strcmp(text, want) == 0;
}

int64_t publish_number(json_object *object, const char *name)
{
	json_object *value;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, name, &value) ||
	    !json_object_is_type(value, json_type_int))
		return -1;
	return json_object_get_int64(value);
}

json_object *publish_list(json_object *page)
{
	json_object *list;

	if (!json_object_is_type(page, json_type_object) ||
	    !json_object_object_get_ex(page, "content", &list) ||
	    !json_object_is_type(list, json_type_array))
		return NULL;
	return list;
}

int publish_search(struct publisher *p, const char *kind, bool versions, json_object **ret,
		   struct jota_err *err)
{
	CLEANUP_FREE char *query = NULL, *escaped = NULL, *path = NULL;
	const struct publish_plan *plan = p->plan;
	int n = versions ? asprintf(&query, "name==\"%s\";version==\"%s\"", plan->name,
				    plan->version) :
			   asprintf(&query, "name==\"%s\"", plan->rollout);

	if (n < 0)
		query = NULL;
	escaped = query ? http_escape(p->http, query) : NULL;
	if (!escaped || asprintf(&path, "/rest/v1/%s?" PUBLISH_PAGE "&q=%s", kind, escaped) < 0) {
		path = NULL;
		return jota_fail(err, ENOMEM, "ask for '%s'", kind);
	}
	return http_get(p->http, path, ret, err);
}

int publish_pause(struct publisher *p, unsigned seconds, struct jota_err *err)
{
	for (unsigned i = 0; i < 10 * seconds; i++) {
		struct timespec tenth = { .tv_nsec = 100 * 1000 * 1000 };

		if (p->cancel && atomic_load(p->cancel))
			return jota_fail(err, ECANCELED, "interrupted.");
		(void)nanosleep(&tenth, NULL);
	}
	return 0;
}
