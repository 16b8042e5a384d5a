/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Included first in every file that clang-tidy looks at: what it cannot see from one file, namely that
 * a failure is negative. Without that it follows failures on as if they were successes.
 */
#pragma once

#include "base/err.h"

static inline int jota_tidy_negative(int r)
{
	if (r >= 0)
		__builtin_unreachable();
	return r;
}

#define jota_fail(...) jota_tidy_negative((jota_fail)(__VA_ARGS__))
#define jota_wrap(...) jota_tidy_negative((jota_wrap)(__VA_ARGS__))
