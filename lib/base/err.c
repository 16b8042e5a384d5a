/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char cut_mark[] = "...";

/* A message carries names from files and partitions: one line, no terminal escapes. */
static void make_printable(char *msg)
{
	for (char *p = msg; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}

/* What does not fit is marked as cut, so that nobody reads half a path as a whole one. */
static void mark_cut(char *msg)
{
	memcpy(msg + JOTA_ERR_MSG_BYTES - sizeof(cut_mark), cut_mark, sizeof(cut_mark));
}

static bool ends_with_full_stop(const char *fmt)
{
	size_t len = strlen(fmt);

	return len > 0 && fmt[len - 1] == '.';
}

int jota_fail(struct jota_err *err, int errnum, const char *fmt, ...)
{
	char reason[96] = "";
	va_list args;
	size_t used;
	int n;

	if (errnum <= 0)
		errnum = EIO;
	if (!err)
		return -errnum;

	err->errnum = errnum;
	va_start(args, fmt);
	n = vsnprintf(err->msg, sizeof(err->msg), fmt, args);
	va_end(args);
	used = n < 0 ? 0 : (size_t)n;
	err->msg[n < 0 ? 0 : sizeof(err->msg) - 1] = '\0';
	if (used < sizeof(err->msg) && !ends_with_full_stop(fmt)) {
		if (strerror_r(errnum, reason, sizeof(reason)) != 0)
			(void)snprintf(reason, sizeof(reason), "error %d", errnum);
		n = snprintf(err->msg + used, sizeof(err->msg) - used, "%s%s", used ? ": " : "",
			     reason);
		used += n < 0 ? 0 : (size_t)n;
	}
	if (used >= sizeof(err->msg))
		mark_cut(err->msg);
	make_printable(err->msg);
	return -errnum;
}

int jota_wrap(struct jota_err *err, const char *fmt, ...)
{
	char inner[JOTA_ERR_MSG_BYTES];
	va_list args;
	size_t used;
	int n;

	if (!err || err->errnum <= 0)
		return -EIO;

	memcpy(inner, err->msg, sizeof(inner));
	inner[sizeof(inner) - 1] = '\0';
	va_start(args, fmt);
	n = vsnprintf(err->msg, sizeof(err->msg), fmt, args);
	va_end(args);
	used = n < 0 ? 0 : (size_t)n;
	if (used < sizeof(err->msg)) {
		n = snprintf(err->msg + used, sizeof(err->msg) - used, "%s", inner);
		used += n < 0 ? 0 : (size_t)n;
	}
	if (used >= sizeof(err->msg))
		mark_cut(err->msg);
	make_printable(err->msg);
	return -err->errnum;
}
