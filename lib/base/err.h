/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Why a call failed: an errno and one sentence. */
#pragma once

#define JOTA_ERR_MSG_BYTES 512

/** Fixed size, so that reporting a failure cannot itself fail. Zero-initialise before use. */
struct jota_err {
	int errnum; /* positive errno, 0 when nothing failed */
	char msg[JOTA_ERR_MSG_BYTES];
};

/**
 * Record a failure; returns -errnum, so that a whole failure path is
 * `return jota_fail(err, errno, "open '%s'", path);`.
 * errnum: positive errno. The message gets ": <strerror>" appended, unless the format ends with
 * a full stop: then it is already the whole sentence. err may be NULL.
 */
int jota_fail(struct jota_err *err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Put a prefix ("uboot backend: ") before the recorded message; returns the recorded -errnum. */
int jota_wrap(struct jota_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
