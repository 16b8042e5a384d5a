/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The table of kinds, and the words of phases, states and severities. */
#include "health/kind.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct jota_check_kind *const kinds[] = {
	&jota_kind_systemd_unit,
	&jota_kind_command,
	&jota_kind_http,
	&jota_kind_tcp,
	&jota_kind_mount,
	&jota_kind_space,
	&jota_kind_device,
	&jota_kind_file,
	&jota_kind_esrt,
	&jota_kind_kernel_modules,
	&jota_kind_update_path,
	&jota_kind_update_server,
	&jota_kind_new_filesystem,
	&jota_kind_new_init,
	&jota_kind_new_release,
	&jota_kind_new_modules,
	&jota_kind_new_command_line,
	&jota_kind_new_units,
	&jota_kind_new_anchor,
	&jota_kind_new_health,
};
#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

const struct jota_check_kind *jota_kind_at(size_t i)
{
	return i < KIND_COUNT ? kinds[i] : NULL;
}

const struct jota_check_kind *jota_kind_find(const char *name)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}

static int find_word(const char *const *words, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], text) == 0)
			return (int)i;
	return -EINVAL;
}

static const char *const phase_words[JOTA_PHASE_COUNT] = { "preflip", "postboot", "baseline" };
static const char *const status_words[JOTA_STATUS_COUNT] = { "pass", "fail", "timeout", "error",
							     "skipped" };
static const char *const severity_words[] = { "critical", "warning" };

const char *jota_phase_name(enum jota_phase phase)
{
	return (size_t)phase < JOTA_PHASE_COUNT ? phase_words[phase] : "unknown";
}

int jota_phase_parse(const char *text, enum jota_phase *ret)
{
	int i = find_word(phase_words, JOTA_PHASE_COUNT, text);

	if (i >= 0)
		*ret = (enum jota_phase)i;
	return i < 0 ? i : 0;
}

const char *jota_status_name(enum jota_status status)
{
	return (size_t)status < JOTA_STATUS_COUNT ? status_words[status] : "unknown";
}

int jota_status_parse(const char *text, enum jota_status *ret)
{
	int i = find_word(status_words, JOTA_STATUS_COUNT, text);

	if (i >= 0)
		*ret = (enum jota_status)i;
	return i < 0 ? i : 0;
}

const char *jota_severity_name(enum jota_severity severity)
{
	return severity_words[severity == JOTA_WARNING];
}

int jota_severity_parse(const char *text, enum jota_severity *ret)
{
	int i = find_word(severity_words, 2, text);

	if (i >= 0)
		*ret = (enum jota_severity)i;
	return i < 0 ? i : 0;
}

bool jota_status_is_bad(enum jota_status status)
{
	return status == JOTA_FAIL || status == JOTA_TIMEOUT || status == JOTA_ERROR;
}

void jota_make_printable(char *text)
{
	size_t len = strlen(text), lead = strspn(text, " \t\r\n");

	memmove(text, text + lead, len - lead + 1);
	len -= lead;
	while (len > 0 && strchr(" \t\r\n", text[len - 1]))
		text[--len] = '\0';
	for (; *text != '\0'; text++) {
		if (*text == '\n' || *text == '\t' || *text == '\r')
			*text = ' ';
		else if (*text < ' ' || *text > '~')
			*text = '?';
	}
}

void jota_found(struct jota_finding *ret, enum jota_status status, enum jota_reason reason,
		const char *fmt, ...)
{
	va_list args;

	ret->status = status;
	ret->reason = reason;
	va_start(args, fmt);
	/* A message that does not fit is cut: it is for people. */
	if (vsnprintf(ret->message, sizeof(ret->message), fmt, args) < 0)
		ret->message[0] = '\0';
	va_end(args);
	jota_make_printable(ret->message);
}

uint64_t jota_now_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

uint32_t jota_left_ms(uint64_t deadline_ms)
{
	uint64_t now_ms = jota_now_ms();

	if (now_ms >= deadline_ms)
		return 0;
	return deadline_ms - now_ms > INT32_MAX ? INT32_MAX : (uint32_t)(deadline_ms - now_ms);
}
