/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "powercut/sectors.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "powercut/contents.h"
#include "support/tree_env.h"
#include "write/writer.h"

#define SECTOR_BYTES 512u

/* What the sectors of one range are; a sector that is several of these at once counts for none. */
struct census {
	bool any_old, any_new; /* old alone, new alone */
	bool all_new;
	bool touched; /* some sector is not as before */
	bool strange; /* neither old, nor zero where that is allowed, nor new */
};

struct bytes {
	const uint8_t *before, *now, *wanted;
};

static struct census count_sectors(const struct bytes *b, size_t from_bytes, size_t to_bytes,
				   bool may_be_zero)
{
	static const uint8_t zeros[SECTOR_BYTES];
	struct census c = { .all_new = true };

	for (size_t at = from_bytes; at < to_bytes; at += SECTOR_BYTES) {
		bool old = memcmp(b->now + at, b->before + at, SECTOR_BYTES) == 0;
		bool new = memcmp(b->now + at, b->wanted + at, SECTOR_BYTES) == 0;
		bool zero = may_be_zero && memcmp(b->now + at, zeros, SECTOR_BYTES) == 0;

		c.any_old |= old && !new && !zero;
		c.any_new |= new && !old && !zero;
		c.all_new &= new;
		c.touched |= !old;
		c.strange |= !old && !new && !zero;
	}
	return c;
}

static const char *look(const struct sectors_question *q)
{
	const struct bytes b = { contents_data(q->before), contents_data(q->now),
				 contents_data(q->wanted) };
	size_t first_bytes = q->wanted_bytes < JOTA_WRITER_BLOCK_BYTES ? q->wanted_bytes :
									 JOTA_WRITER_BLOCK_BYTES;
	struct census first = count_sectors(&b, 0, first_bytes, true);
	struct census body = count_sectors(&b, first_bytes, q->wanted_bytes, false);
	size_t rest_bytes = contents_size_bytes(q->before) - q->wanted_bytes;

	if (first.strange || body.strange)
		return "holds bytes that nobody wrote";
	if (memcmp(b.now + q->wanted_bytes, b.before + q->wanted_bytes, rest_bytes) != 0)
		return "was changed behind its image";
	if (body.touched && first.any_old)
		return "got a body before its old first block was erased (I3)";
	if (first.any_new && first.any_old)
		return "got its first block over the old one (I3)";
	if (first.any_new && !body.all_new)
		return "got its first block before its body was durable (I4)";
	return NULL;
}

const char *sectors_find_fault(const struct sectors_question *question)
{
	static struct {
		struct keyset known;
		const char **answer;
		uint32_t room;
	} kept;
	uint32_t count = kept.known.count;
	/* Not the structure itself: it may have padding. */
	const uint64_t key[] = { question->before, question->now, question->wanted,
				 question->wanted_bytes };
	uint32_t number = keyset_number(&kept.known, key, sizeof(key));

	if (number < count)
		return kept.answer[number];
	if (number >= kept.room) {
		kept.room = kept.room ? 2 * kept.room : 1024;
		kept.answer = reallocarray(kept.answer, kept.room, sizeof(*kept.answer));
		if (!kept.answer)
			tree_die("memory for answers");
	}
	kept.answer[number] = look(question);
	return kept.answer[number];
}
