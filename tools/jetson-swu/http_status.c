/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "http_status.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "http.h"

#define JSON_DEPTH 32
#define SAID_BYTES 176

static json_object *parse(const struct http_reply *r)
{
	json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH);
	json_object *made = NULL;

	if (tokener && r->text && r->text_bytes < INT_MAX) {
		/* With its NUL: a number at the end is only then known to end. */
		made = json_tokener_parse_ex(tokener, r->text, (int)r->text_bytes + 1);
		if (json_tokener_get_error(tokener) != json_tokener_success ||
		    json_tokener_get_parse_end(tokener) < r->text_bytes) {
			(void)json_object_put(made);
			made = NULL;
		}
	}
	if (tokener)
		json_tokener_free(tokener);
	return made;
}

/* What the server itself says: ", it says: ..." or nothing. */
static const char *said(const struct http_reply *r, char buf[SAID_BYTES])
{
	json_object *root = parse(r), *message = NULL;
	const char *text = NULL;

	buf[0] = '\0';
	if (json_object_is_type(root, json_type_object) &&
	    (json_object_object_get_ex(root, "message", &message) ||
	     json_object_object_get_ex(root, "error", &message)) &&
	    json_object_is_type(message, json_type_string))
		text = json_object_get_string(message);
	if (text && text[0] != '\0')
		(void)snprintf(buf, SAID_BYTES, ", it says: '%.150s'", text);
	(void)json_object_put(root);
	return buf;
}

static int fail_client(const struct http_reply *r, const char *says, struct jota_err *err)
{
	switch (r->status) {
	case 401:
		return jota_fail(
			err, EACCES,
			"'%s' does not know user '%.60s' with this password (401); with several "
			"tenants it wants tenant, backslash, user.",
			r->base, r->user);
	case 403:
		return jota_fail(
			err, EPERM,
			"'%s' does not let user '%.60s' do this (403)%s; look at the user's "
			"roles and the tenant's quotas.",
			r->base, r->user, says);
	case 404:
		/* What is no resource of hawkBit's has the words of its web server, if any. */
		return says[0] && !strstr(says, "Not Found") ?
			       jota_fail(err, ENOENT, "'%s' refuses (404)%s.", r->base, says) :
			       jota_fail(err, ENOENT,
					 "'%s' has no management interface (404); expected the "
					 "address of a hawkBit server, without '/rest/v1'.",
					 r->base);
	case 409:
		return jota_fail(err, EEXIST, "'%s' has such a thing already (409)%s.", r->base,
				 says);
	case 413:
		if (r->upload)
			return jota_fail(err, EFBIG,
					 "'%.100s' of %" PRIu64 " bytes is larger than '%s', or a "
					 "proxy before it, takes (413)%s.",
					 r->upload->name, r->upload->size_bytes, r->base, says);
		return jota_fail(err, EFBIG, "'%s' finds the request too large (413)%s.", r->base,
				 says);
	case 408:
	case 425:
	case 429:
		return jota_fail(err, EAGAIN, "'%s' is too busy (%ld)%s.", r->base, r->status, says);
	default:
		return jota_fail(err, EPROTO, "'%s' refuses the request (%ld)%s.", r->base,
				 r->status, says);
	}
}

int http_reply_judge(const struct http_reply *r, json_object **ret, struct jota_err *err)
{
	char says[SAID_BYTES];

	*ret = NULL;
	if (r->status >= 500)
		return jota_fail(err, EAGAIN, "'%s' has an error of its own (%ld)%s.", r->base,
				 r->status, said(r, says));
	if (r->status >= 400)
		return fail_client(r, said(r, says), err);
	if (r->status >= 300)
		return jota_fail(err, EPROTO,
				 "'%s' sends us elsewhere (%ld), which is not followed; give the "
				 "server's own address, with https if that is it.",
				 r->base, r->status);
	if (r->status < 200)
		return jota_fail(err, EAGAIN, "'%s' gave no answer (%ld).", r->base, r->status);
	if (r->text_bytes == 0)
		return 0;
	*ret = parse(r);
	if (*ret)
		return 0;
	return jota_fail(
		err, EBADMSG,
		"'%s' answered %ld with what is no JSON ('%.40s'...); is it an update server?",
		r->base, r->status, r->text);
}
