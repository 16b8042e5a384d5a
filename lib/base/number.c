/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "base/number.h"

#include "base/err.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* 0, -EINVAL, or -ERANGE for a number that 64 bits do not hold. */
static int scan_digits(const char *text, unsigned base, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool too_large = false;

	if (*text == '\0')
		return -EINVAL;
	for (; *text != '\0'; text++) {
		int digit = digit_value(*text);

		if (digit < 0 || (unsigned)digit >= base)
			return -EINVAL;
		/* Scanned to the end all the same: '99999999999999999999x' is no number at all. */
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, (unsigned)digit, &value))
			too_large = true;
	}
	*ret_value = value;
	return too_large ? -ERANGE : 0;
}

int jota_parse_u64(const char *what, const char *text, uint64_t min, uint64_t max,
		   uint64_t *ret_value, struct jota_err *err)
{
	uint64_t value = 0;
	int r;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		r = scan_digits(text + 2, 16, &value);
	else
		r = scan_digits(text, 10, &value);

	if (r == -EINVAL)
		return jota_fail(err, EINVAL,
				 "%s is '%.80s', which is not a number: expected %" PRIu64
				 " to %" PRIu64 ".",
				 what, text, min, max);
	if (r == -ERANGE || value < min || value > max)
		return jota_fail(err, ERANGE,
				 "%s is '%.80s', which is out of range: expected %" PRIu64
				 " to %" PRIu64 ".",
				 what, text, min, max);
	*ret_value = value;
	return 0;
}
