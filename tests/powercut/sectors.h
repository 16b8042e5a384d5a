/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What an interrupted writer left in a partition, sector by sector. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** Numbers of contents (contents.h). */
struct sectors_question {
	uint32_t before, now, wanted;
	size_t wanted_bytes; /* of the image with its padding; behind them nothing changes */
};

/** NULL, or which promise of the writer is broken: "got a body before ...". Answers are kept. */
const char *sectors_find_fault(const struct sectors_question *question);
