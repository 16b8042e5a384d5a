/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Ending everything below this process. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jota_ended {
	size_t count;	/* processes that were reaped */
	bool survivors; /* some were still there when the time was over */
};

/**
 * Kill and reap every descendant of this process, which must be their subreaper: then those that forked away and changed
 * session have come to it too. spare: a pid that is reaped but not counted. Gives up at the time given.
 * Only for a process that has no children of anybody else: it waits for all of them.
 */
struct jota_ended jota_descendants_end(int spare, uint64_t deadline_ms);
