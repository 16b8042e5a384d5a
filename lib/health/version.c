/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "health/version.h"

#include "base/number.h"

#include <errno.h>
#include <string.h>

struct reader {
	const char *at;
	bool ended; /* no further number */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int start(struct reader *r, const char *text)
{
	*r = (struct reader){ .at = text };
	if (*r->at == 'v' || *r->at == 'V' || *r->at == 'r' || *r->at == 'R')
		r->at++;
	return is_digit(*r->at) ? 0 : -EINVAL;
}

/* The next number; 0 behind the last one. */
static int next_number(struct reader *r, uint32_t *ret)
{
	*ret = 0;
	if (r->ended)
		return 0;
	while (is_digit(*r->at)) {
		if (__builtin_mul_overflow(*ret, 10u, ret) ||
		    __builtin_add_overflow(*ret, (uint32_t)(*r->at - '0'), ret))
			return -EINVAL;
		r->at++;
	}
	if (*r->at == '.' && is_digit(r->at[1]))
		r->at++;
	else
		r->ended = true;
	return 0;
}

/* A release has no rest; a build does not count as one. */
static int compare_rest(const char *a, const char *b)
{
	bool pre_a = *a == '-' || *a == '~', pre_b = *b == '-' || *b == '~';

	if (*a == '+')
		a = "";
	if (*b == '+')
		b = "";
	if (pre_a != pre_b)
		return pre_a ? -1 : 1;
	return strcmp(a, b);
}

int jota_version_compare(const char *a, const char *b, int *ret_order)
{
	struct reader left, right;

	if (start(&left, a) < 0 || start(&right, b) < 0)
		return -EINVAL;
	while (!left.ended || !right.ended) {
		uint32_t x, y;

		if (next_number(&left, &x) < 0 || next_number(&right, &y) < 0)
			return -EINVAL;
		if (x != y) {
			*ret_order = x < y ? -1 : 1;
			return 0;
		}
	}
	*ret_order = compare_rest(left.at, right.at);
	return 0;
}

int jota_firmware_version_parse(const char *text, uint32_t *ret)
{
	uint32_t part[3] = { 0 };
	struct reader reader;
	uint64_t number = 0;
	size_t count = 0;

	if (!strchr(text, '.')) {
		if (jota_parse_u64("version", text, 0, UINT32_MAX, &number, NULL) < 0)
			return -EINVAL;
		*ret = (uint32_t)number;
		return 0;
	}
	if (start(&reader, text) < 0)
		return -EINVAL;
	while (!reader.ended) {
		if (count == 3 || next_number(&reader, &part[count++]) < 0)
			return -EINVAL;
	}
	if (*reader.at != '\0' || part[0] > 0xffff || part[1] > 0xff || part[2] > 0xff)
		return -EINVAL;
	*ret = part[0] << 16 | part[1] << 8 | part[2];
	return 0;
}
