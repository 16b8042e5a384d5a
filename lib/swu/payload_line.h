/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Blocks that move from thread to thread; inner to the payload. A block is in one queue or in the
 * hands of one thread. No queue can overflow: it has room for all blocks there are.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define JOTA_BLOCK_BYTES (512u * 1024u)
/* a cipher may add a block of its own at the end */
#define JOTA_BLOCK_ROOM 32u
#define JOTA_BLOCKS_MAX 12u

struct jota_block {
	size_t len_bytes;
	uint8_t data[JOTA_BLOCK_BYTES + JOTA_BLOCK_ROOM];
};

struct jota_queue {
	pthread_cond_t changed;
	struct jota_block *block[JOTA_BLOCKS_MAX];
	unsigned first, count;
	bool closed;
};

/** What all threads of one payload share. */
struct jota_line {
	pthread_mutex_t mutex;
	struct jota_err err; /* of the first that failed */
	bool failed;
	struct jota_queue **queue; /* all of them, to wake everybody */
	size_t queue_count;
};

void jota_line_init(struct jota_line *line, struct jota_queue **queue, size_t queue_count);
void jota_line_done(struct jota_line *line);
/** The first failure is kept; everybody stops. */
void jota_line_fail(struct jota_line *line, const struct jota_err *err);
bool jota_line_failed(struct jota_line *line);

/** Next block: 1; 0: the queue is closed and empty; -ECANCELED: the line has failed. */
int jota_queue_pop(struct jota_line *line, struct jota_queue *q, struct jota_block **ret);
void jota_queue_push(struct jota_line *line, struct jota_queue *q, struct jota_block *block);
/** No more blocks will come. */
void jota_queue_close(struct jota_line *line, struct jota_queue *q);
/** Fill a queue with new blocks. -ENOMEM; what was made stays in it. */
int jota_queue_fill(struct jota_queue *q, unsigned count);
