/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* A unit of a new root and its drop-ins. Input: their texts, a NUL behind each; at most four count. */
#include "fuzz/fuzz.h"

#include "health/new_unit.h"

#include <errno.h>

#define TEXTS_MAX 4

static void judge(const struct jota_new_unit *unit, const char *const from[TEXTS_MAX])
{
	for (size_t list = 0; list < JOTA_UNIT_LIST_COUNT; list++) {
		PROMISE(unit->list[list].count <= JOTA_UNIT_VALUES_MAX);
		for (size_t i = 0; i < unit->list[list].count; i++) {
			const struct jota_unit_value *value = &unit->list[list].value[i];
			size_t known = 0;

			while (known < TEXTS_MAX && value->from != from[known])
				known++;
			PROMISE(known < TEXTS_MAX && value->key[0] != '\0');
			PROMISE(value->text[0] != '\0' && !strchr(value->text, '\n'));
		}
	}
	/* Seeds have two at most. */
	fuzz_plant(unit->list[JOTA_UNIT_CONDITION].count > 3, "ConditionPathExists");
}

/* An empty value takes back what was set. */
static void judge_taken_back(struct jota_new_unit *unit)
{
	char text[] = "[Service]\nExecStart=\n[Unit]\nConditionUser=\nAssertUser=\n";

	PROMISE(jota_unit_apply(unit, "end", text, NULL) == 0);
	PROMISE(unit->list[JOTA_UNIT_START].count == 0);
	PROMISE(unit->list[JOTA_UNIT_CONDITION].count == 0);
	PROMISE(unit->list[JOTA_UNIT_ASSERT].count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	static const char *const from[TEXTS_MAX] = { "unit", "1.conf", "2.conf", "3.conf" };
	struct jota_new_unit *unit = calloc(1, sizeof(*unit));
	struct jota_err err = { 0 };
	char *text[TEXTS_MAX] = { NULL };
	int r = 0;

	PROMISE(unit != NULL);
	for (size_t i = 0; r == 0 && i < TEXTS_MAX && len_bytes > 0; i++) {
		const uint8_t *end = memchr(data, '\0', len_bytes);
		size_t len = end ? (size_t)(end - data) : len_bytes;

		text[i] = fuzz_copy(data, len, len + 1);
		data += len;
		len_bytes -= len;
		if (end) {
			data++;
			len_bytes--;
		}
		r = jota_unit_apply(unit, from[i], text[i], &err);
	}
	PROMISE(r == 0 || r == -E2BIG);
	fuzz_check_result(r, &err);
	judge(unit, from);
	judge_taken_back(unit);
	for (size_t i = 0; i < TEXTS_MAX; i++)
		free(text[i]);
	free(unit);
	return 0;
}
