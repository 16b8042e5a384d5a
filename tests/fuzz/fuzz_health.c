/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* health.conf, as it comes from the device or from the new slot. Input: the text, as far as a NUL. */
#include "fuzz/fuzz.h"

#include "health/kind.h"
#include "health/plan.h"

#include <errno.h>

static void judge_value(const struct jota_field *field, const struct jota_value *value)
{
	size_t count = 0;

	PROMISE(value->set || !field->required);
	if (!value->set)
		return;
	switch (field->type) {
	case JOTA_FIELD_NUMBER:
		PROMISE(value->number >= field->min && value->number <= field->max);
		break;
	case JOTA_FIELD_BOOL:
		PROMISE(value->number == 0 || value->number == 1);
		break;
	case JOTA_FIELD_PATH:
		PROMISE(value->text && value->text[0] == '/');
		break;
	case JOTA_FIELD_LIST:
		while (value->list && value->list[count])
			count++;
		PROMISE(count >= 1 && count <= 32);
		break;
	case JOTA_FIELD_TEXT:
	case JOTA_FIELD_WORD:
	case JOTA_FIELD_REGEX:
		PROMISE(value->text && value->text[0] != '\0');
		break;
	}
}

static void judge_check(const struct jota_plan *plan, const struct jota_check *check)
{
	PROMISE(check->name[0] != '\0' && memchr(check->name, '\0', sizeof(check->name)));
	PROMISE(jota_plan_find(plan, check->name) == check);
	PROMISE(check->kind == jota_kind_find(check->kind->name));
	PROMISE(check->phases && !(check->phases & ~check->kind->phases));
	PROMISE(check->deadline_ms >= 100 && check->deadline_ms <= plan->deadline_ms);
	PROMISE(check->retries <= 1000 && check->interval_ms <= 600000);
	for (size_t i = 0; i < check->kind->field_count; i++)
		judge_value(&check->kind->field[i], &check->value[i]);
	/* Seeds have 24 at most. */
	fuzz_plant(check->retries > 100, "a name that is longer than the room");
}

static void judge(const struct jota_plan *plan)
{
	bool decides = false;

	PROMISE(plan->count <= JOTA_CHECKS_MAX && plan->stability_ms < plan->deadline_ms);
	PROMISE(plan->deadline_ms >= 5000 && plan->deadline_ms <= 7200000);
	PROMISE(plan->data_dir[0] == '/' && memchr(plan->data_dir, '\0', sizeof(plan->data_dir)));
	for (size_t i = 0; i < plan->count; i++) {
		judge_check(plan, &plan->check[i]);
		decides |= plan->check[i].severity == JOTA_CRITICAL &&
			   (plan->check[i].phases & (1u << JOTA_PHASE_POSTBOOT));
	}
	PROMISE(decides);
}

/* libconfig's own words, and nothing that the input could have put there. */
static bool looks_for_another_file(const char *msg)
{
	unsigned line;
	int at = 0;

	(void)sscanf(msg, "input line %u: %n", &line, &at);
	return at > 0 && strcmp(msg + at, "cannot open include file.") == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	char *text = fuzz_copy(data, len_bytes, len_bytes + 1);
	struct jota_plan plan, untouched;
	struct jota_err err = { 0 };
	int r;

	memset(&plan, 0xa5, sizeof(plan));
	untouched = plan;
	r = jota_plan_parse("input", text, &plan, &err);
	fuzz_check_result(r, &err);
	PROMISE(!looks_for_another_file(err.msg));
	if (r == 0) {
		judge(&plan);
		jota_plan_done(&plan);
	} else {
		PROMISE(r == -EINVAL || r == -ENOTSUP || r == -ENOMEM);
		PROMISE(memcmp(&plan, &untouched, sizeof(plan)) == 0);
	}
	free(text);
	return 0;
}
