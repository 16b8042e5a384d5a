/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * jetson-health attributes: what the update server is told beside swupdate's own report.
 *
 * swupdate reports the end of an update first and its attributes afterwards, with texts that are the same for every failure. So
 * that the reason is there when the report comes, it is sent from here, before swupdate starts. Later releases of swupdate replace
 * all attributes by their own: so that they stay, swupdate is told too, when it runs.
 */
#include "attributes.h"
#include "boot.h"
#include "hawkbit.h"
#include "health_tool.h"
#include "identify.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "base/err.h"

#define TRY_MS_MAX 10000u
#define PAUSE_NS 1000000000L

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int show(const struct attribute *attributes, bool as_json, struct jota_err *err)
{
	struct json_object *object;

	if (!as_json) {
		for (size_t i = 0; i < ATTRIBUTE_COUNT; i++)
			(void)printf("%-20s%s\n", attributes[i].name, attributes[i].value);
		return 0;
	}
	object = json_object_new_object();
	for (size_t i = 0; object && i < ATTRIBUTE_COUNT; i++)
		if (json_object_object_add(object, attributes[i].name,
					   json_object_new_string(attributes[i].value)) < 0) {
			json_object_put(object);
			object = NULL;
		}
	return json_print(object, err);
}

/* Until the server took them, refused them, or the time is over; once in any case. */
static int send(const struct jota_suricatta *server, const struct attribute *attributes,
		unsigned wait_s, struct jota_err *err)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS - 1 };
	int64_t until_ms = now_ms() + (int64_t)wait_s * 1000;

	for (;;) {
		int64_t left_ms = until_ms - now_ms();
		unsigned try_ms = left_ms > 0 && left_ms < TRY_MS_MAX ? (unsigned)left_ms :
									TRY_MS_MAX;
		int r;

		*err = (struct jota_err){ 0 };
		r = hawkbit_put_attributes(server, attributes, ATTRIBUTE_COUNT, try_ms, err);
		if (r != -EAGAIN || now_ms() >= until_ms)
			return r;
		(void)nanosleep(&pause, NULL);
	}
}

static int tell_server(const struct jota_io *io, const struct tell_options *tell,
		       const struct attribute *attributes, struct jota_err *err)
{
	struct jota_suricatta server;
	int r = hawkbit_read(io, JOTA_SWUPDATE_CFG, tell->setting, tell->setting_count, &server,
			     err);

	if (r == -ENOENT) {
		(void)fprintf(stderr, "jetson-health: nothing is sent: %s\n", err->msg);
		*err = (struct jota_err){ 0 };
		return EXIT_WELL;
	}
	if (r < 0)
		return EXIT_UNREADABLE;
	r = send(&server, attributes, tell->wait_s, err);
	jota_suricatta_done(&server);
	return r < 0 ? EXIT_UNWELL : EXIT_WELL;
}

int verb_attributes(const struct jota_io *io, const struct options *options, const char *argument,
		    struct jota_err *err)
{
	const struct tell_options *tell = &options->tell;
	struct attribute attributes[ATTRIBUTE_COUNT];
	struct jota_err unread = { 0 };
	struct boot boot;

	(void)argument;
	/* A device whose boot state cannot be read is one that somebody wants to hear of. */
	if (boot_read(io, &boot, &unread) < 0)
		(void)fprintf(stderr, "jetson-health: warning: %s\n", unread.msg);
	attributes_read(io, &boot, attributes);
	if (show(attributes, options->json, err) < 0)
		return EXIT_UNREADABLE;
	if (tell->to_swupdate)
		return identify_tell(io, attributes, ATTRIBUTE_COUNT,
				     now_ms() + (int64_t)tell->wait_s * 1000, err) < 0 ?
			       EXIT_UNWELL :
			       EXIT_WELL;
	return tell->to_server ? tell_server(io, tell, attributes, err) : EXIT_WELL;
}
