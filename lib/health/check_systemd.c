/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * A unit as systemd's D-Bus interface tells it (org.freedesktop.systemd1(5)). The first round notes invocation and restarts;
 * in the second, after the stability window, both must be the same.
 */
#define _GNU_SOURCE
#include "base/err.h"
#include "base/io.h"
#include "health/kind.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define BUS_PATH "/run/dbus/system_bus_socket"
#define SYSTEMD "org.freedesktop.systemd1"
#define UNIT_NAME_MAX 255u

enum { UNIT, MAX_RESTARTS };
static const struct jota_field fields[] = {
	[UNIT] = { .name = "unit",
		   .type = JOTA_FIELD_TEXT,
		   .required = true,
		   .about = "with its suffix: app.service" },
	[MAX_RESTARTS] = { .name = "max_restarts",
			   .type = JOTA_FIELD_NUMBER,
			   .min = 0,
			   .max = 1000,
			   .about = "automatic restarts since boot that are still well; default any" },
};

/* As far as we look at a unit. Strings that do not fit are cut: then they are none of those we know. */
struct unit {
	char load[32], active[32], sub[32], result[32];
	uint32_t restarts;
	char invocation[33];
};

static const char *conflict(const struct jota_check *check)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789:-_.\\@";
	const char *unit = check->value[UNIT].text;

	if (strlen(unit) > UNIT_NAME_MAX || unit[strspn(unit, letters)] != '\0')
		return "unit is no name of a systemd unit";
	if (!strchr(unit, '.'))
		return "unit needs its suffix, such as '.service'";
	return NULL;
}

static void close_bus(sd_bus **bus)
{
	*bus = sd_bus_close_unref(*bus);
}

static void free_error(sd_bus_error *error)
{
	sd_bus_error_free(error);
}

static void unref_message(sd_bus_message **message)
{
	*message = sd_bus_message_unref(*message);
}

static int connect_bus(const struct jota_check_run *run, sd_bus **ret)
{
	char full[PATH_MAX], address[PATH_MAX + 16];
	int r = jota_io_path(run->io, BUS_PATH, full, sizeof(full), NULL);

	if (r < 0)
		return r;
	(void)snprintf(address, sizeof(address), "unix:path=%s", full);
	r = sd_bus_new(ret);
	if (r >= 0)
		r = sd_bus_set_address(*ret, address);
	if (r >= 0)
		r = sd_bus_set_bus_client(*ret, 1);
	if (r >= 0)
		r = sd_bus_set_method_call_timeout(
			*ret, (uint64_t)jota_left_ms(run->deadline_ms) * 1000u + 1u);
	return r < 0 ? r : sd_bus_start(*ret);
}

static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property,
		    char *buf, size_t buf_bytes, sd_bus_error *error)
{
	char *text = NULL;
	int r = sd_bus_get_property_string(bus, SYSTEMD, path, interface, property, error, &text);

	if (r >= 0)
		(void)snprintf(buf, buf_bytes, "%s", text);
	free(text);
	return r;
}

static int get_invocation(sd_bus *bus, const char *path, struct unit *ret, sd_bus_error *error)
{
	__attribute__((cleanup(unref_message))) sd_bus_message *reply = NULL;
	const void *bytes = NULL;
	size_t count = 0;
	int r = sd_bus_get_property(bus, SYSTEMD, path, SYSTEMD ".Unit", "InvocationID", error,
				    &reply, "ay");

	if (r >= 0)
		r = sd_bus_message_read_array(reply, 'y', &bytes, &count);
	for (size_t i = 0; r >= 0 && i < count && i < 16; i++)
		(void)snprintf(ret->invocation + 2 * i, 3, "%02x", ((const uint8_t *)bytes)[i]);
	return r;
}

static int get_unit(sd_bus *bus, const char *name, struct unit *ret, sd_bus_error *error)
{
	__attribute__((cleanup(unref_message))) sd_bus_message *reply = NULL;
	const char *path = NULL;
	int r;

	/* LoadUnit also answers for a unit that does not exist, with LoadState "not-found". */
	r = sd_bus_call_method(bus, SYSTEMD, "/org/freedesktop/systemd1", SYSTEMD ".Manager",
			       "LoadUnit", error, &reply, "s", name);
	if (r >= 0)
		r = sd_bus_message_read(reply, "o", &path);
	if (r >= 0)
		r = get_text(bus, path, SYSTEMD ".Unit", "LoadState", ret->load, sizeof(ret->load),
			     error);
	if (r >= 0)
		r = get_text(bus, path, SYSTEMD ".Unit", "ActiveState", ret->active,
			     sizeof(ret->active), error);
	if (r >= 0)
		r = get_text(bus, path, SYSTEMD ".Unit", "SubState", ret->sub, sizeof(ret->sub),
			     error);
	if (r >= 0)
		r = get_invocation(bus, path, ret, error);
	if (r < 0 || !strstr(name, ".service"))
		return r;
	r = sd_bus_get_property_trivial(bus, SYSTEMD, path, SYSTEMD ".Service", "NRestarts", error,
					'u', &ret->restarts);
	if (r >= 0)
		r = get_text(bus, path, SYSTEMD ".Service", "Result", ret->result,
			     sizeof(ret->result), error);
	return r;
}

static void say_state(const char *name, const struct unit *u, enum jota_reason reason,
		      struct jota_finding *ret)
{
	jota_found(ret, JOTA_FAIL, reason, "%.100s is %s (%s)%s%s, %" PRIu32 " restarts", name,
		   u->active, u->sub, u->result[0] ? ", result " : "", u->result, u->restarts);
}

static void judge(const struct jota_check_run *run, const struct unit *u, struct jota_finding *ret)
{
	const struct jota_value *value = run->check->value;
	const char *name = value[UNIT].text;
	char token[JOTA_TOKEN_BYTES];

	(void)snprintf(token, sizeof(token), "%s %" PRIu32, u->invocation, u->restarts);
	if (strcmp(u->load, "loaded") != 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_NO_UNIT, "%.120s is %s", name, u->load);
	else if (run->token && run->token[0] && strcmp(run->token, token) != 0)
		say_state(name, u, JOTA_WHY_UNIT_RESTARTED, ret);
	else if (strcmp(u->active, "failed") == 0)
		say_state(name, u, JOTA_WHY_UNIT_FAILED, ret);
	else if (strcmp(u->active, "active") != 0 && strcmp(u->active, "reloading") != 0)
		say_state(name, u, JOTA_WHY_UNIT_INACTIVE, ret);
	else if (value[MAX_RESTARTS].set && u->restarts > (uint64_t)value[MAX_RESTARTS].number)
		say_state(name, u, JOTA_WHY_UNIT_RESTARTS, ret);
	else {
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "%.120s is active (%s)", name, u->sub);
		memcpy(ret->token, token, sizeof(token));
	}
}

static void explain(int r, const char *name, const sd_bus_error *error, struct jota_finding *ret)
{
	const char *said = error->message ? error->message : strerror(-r);

	if (r == -ETIMEDOUT || sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) ||
	    sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT))
		jota_found(ret, JOTA_TIMEOUT, JOTA_WHY_DEADLINE, "%.100s: %s", name, said);
	else if (sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
		 sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER) || r == -ENOTCONN ||
		 r == -ECONNRESET)
		jota_found(ret, JOTA_ERROR, JOTA_WHY_NO_BUS, "%.100s: %s", name, said);
	else
		jota_found(ret, JOTA_ERROR, JOTA_WHY_BAD_ANSWER, "%.100s: %s", name, said);
}

static void run_unit(const struct jota_check_run *run, struct jota_finding *ret)
{
	__attribute__((cleanup(close_bus))) sd_bus *bus = NULL;
	__attribute__((cleanup(free_error))) sd_bus_error error = SD_BUS_ERROR_NULL;
	const char *name = run->check->value[UNIT].text;
	struct unit unit = { .load = "" };
	int r = connect_bus(run, &bus);

	if (r < 0) {
		jota_found(ret, JOTA_ERROR, JOTA_WHY_NO_BUS, "connect to " BUS_PATH ": %s",
			   strerror(-r));
		return;
	}
	r = get_unit(bus, name, &unit, &error);
	if (r < 0)
		explain(r, name, &error, ret);
	else
		judge(run, &unit, ret);
}

const struct jota_check_kind jota_kind_systemd_unit = {
	.name = "systemd-unit",
	.about = "a unit is active, and stays so through the stability window",
	.phases = 1u << JOTA_PHASE_POSTBOOT | 1u << JOTA_PHASE_BASELINE,
	.field = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.conflict = conflict,
	.run = run_unit,
};
