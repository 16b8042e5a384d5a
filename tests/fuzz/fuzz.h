/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What the fuzz targets share: the entry point, promises, and the defect that proves them able to fail. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** One input. Called by libFuzzer, or by replay.c for each file of a corpus. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

/** End the process with the promise that this input broke; bad memory is the sanitizers' part. */
#define PROMISE(holds)                                                                             \
	do {                                                                                       \
		if (!(holds))                                                                      \
			fuzz_broken(#holds, __FILE__, __LINE__);                                   \
	} while (0)

_Noreturn static inline void fuzz_broken(const char *promise, const char *file, int line)
{
	(void)fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, promise);
	abort();
}

/** A refusal carries its errno and one printable line; success carries nothing. */
static inline void fuzz_check_result(int r, const struct jota_err *err)
{
	if (r >= 0)
		return;
	PROMISE(err->errnum == -r);
	PROMISE(err->msg[0] != '\0' && memchr(err->msg, '\0', sizeof(err->msg)));
	for (const char *p = err->msg; *p != '\0'; p++)
		PROMISE((unsigned char)*p >= 0x20 && *p != 0x7f);
}

/**
 * A block of exactly room_bytes that starts with the len_bytes given, the rest zero: a sanitizer sees
 * a read past it. Caller frees.
 */
static inline void *fuzz_copy(const uint8_t *data, size_t len_bytes, size_t room_bytes)
{
	void *copy = calloc(1, room_bytes);

	PROMISE(copy != NULL && len_bytes <= room_bytes);
	if (len_bytes > 0)
		memcpy(copy, data, len_bytes);
	return copy;
}

#ifdef JOTA_FUZZ_PLANT
#define FUZZ_PLANTED true
#else
#define FUZZ_PLANTED false
#endif

/**
 * The self-test's defect, in its own build only: a decoded field is copied into a buffer of 8 bytes
 * when `deep` holds, a condition that no seed meets. Byte by byte and volatile, so that no compiler
 * drops a copy that nobody reads; a function of its own, so that the stack names it.
 */
static __attribute__((noinline, unused)) void fuzz_plant(bool deep, const char *field)
{
	volatile char *buffer;

	if (!FUZZ_PLANTED || !deep)
		return;
	buffer = malloc(8);
	PROMISE(buffer != NULL);
	for (size_t i = 0; i <= strlen(field); i++)
		buffer[i] = field[i];
	free((void *)buffer);
}
