/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/payload_line.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

void jota_line_init(struct jota_line *line, struct jota_queue **queue, size_t queue_count)
{
	(void)pthread_mutex_init(&line->mutex, NULL);
	line->queue = queue;
	line->queue_count = queue_count;
	for (size_t i = 0; i < queue_count; i++)
		(void)pthread_cond_init(&queue[i]->changed, NULL);
}

void jota_line_done(struct jota_line *line)
{
	for (size_t i = 0; i < line->queue_count; i++) {
		struct jota_queue *q = line->queue[i];

		for (unsigned k = 0; k < q->count; k++)
			free(q->block[(q->first + k) % JOTA_BLOCKS_MAX]);
		(void)pthread_cond_destroy(&q->changed);
	}
	(void)pthread_mutex_destroy(&line->mutex);
}

void jota_line_fail(struct jota_line *line, const struct jota_err *err)
{
	(void)pthread_mutex_lock(&line->mutex);
	if (!line->failed)
		line->err = *err;
	line->failed = true;
	for (size_t i = 0; i < line->queue_count; i++)
		(void)pthread_cond_broadcast(&line->queue[i]->changed);
	(void)pthread_mutex_unlock(&line->mutex);
}

bool jota_line_failed(struct jota_line *line)
{
	bool failed;

	(void)pthread_mutex_lock(&line->mutex);
	failed = line->failed;
	(void)pthread_mutex_unlock(&line->mutex);
	return failed;
}

int jota_queue_pop(struct jota_line *line, struct jota_queue *q, struct jota_block **ret)
{
	int rc = 0;

	(void)pthread_mutex_lock(&line->mutex);
	while (q->count == 0 && !q->closed && !line->failed)
		(void)pthread_cond_wait(&q->changed, &line->mutex);
	if (line->failed) {
		rc = -ECANCELED;
	} else if (q->count > 0) {
		*ret = q->block[q->first];
		q->first = (q->first + 1) % JOTA_BLOCKS_MAX;
		q->count--;
		rc = 1;
	}
	(void)pthread_mutex_unlock(&line->mutex);
	return rc;
}

static void append(struct jota_queue *q, struct jota_block *block)
{
	assert(q->count < JOTA_BLOCKS_MAX);
	q->block[(q->first + q->count) % JOTA_BLOCKS_MAX] = block;
	q->count++;
}

void jota_queue_push(struct jota_line *line, struct jota_queue *q, struct jota_block *block)
{
	(void)pthread_mutex_lock(&line->mutex);
	append(q, block);
	(void)pthread_cond_signal(&q->changed);
	(void)pthread_mutex_unlock(&line->mutex);
}

void jota_queue_close(struct jota_line *line, struct jota_queue *q)
{
	(void)pthread_mutex_lock(&line->mutex);
	q->closed = true;
	(void)pthread_cond_broadcast(&q->changed);
	(void)pthread_mutex_unlock(&line->mutex);
}

int jota_queue_fill(struct jota_queue *q, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct jota_block *block = malloc(sizeof(*block));

		if (!block)
			return -ENOMEM;
		append(q, block);
	}
	return 0;
}
