/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* sw-description and every rule about it. Input: the text, as far as a NUL. */
#include "fuzz/fuzz.h"

#include "slot/layout.h"
#include "swu/description.h"
#include "swu/findings.h"
#include "swu/lint.h"

#include <errno.h>

static void judge_entry(const struct jota_swu_entry *e)
{
	struct jota_part part;
	struct jota_err err = { 0 };
	uint64_t bytes = 0;
	int r;

	PROMISE(e->section < JOTA_SWU_SECTION_COUNT && e->selection != NULL);
	PROMISE(e->property_count <= JOTA_SWU_PROPERTIES_MAX);
	for (size_t i = 0; i < e->property_count; i++)
		PROMISE(jota_swu_property_get(e, e->property[i].name) != NULL);
	PROMISE(jota_swu_entry_type(e) != NULL);
	r = jota_swu_entry_size(e, &bytes, &err);
	fuzz_check_result(r, &err);
	PROMISE(r < 0 || bytes <= INT64_MAX);
	err = (struct jota_err){ 0 };
	r = jota_swu_entry_part(e, &part, &err);
	fuzz_check_result(r, &err);
	PROMISE(r <= 0 || (part.number >= 1 && part.number <= JOTA_PARTS_MAX &&
			   part.offset_bytes % JOTA_PART_UNIT_BYTES == 0 &&
			   part.offset_bytes < part.total_bytes));
	fuzz_plant(e->unknown.count > 0, "a name that is longer than the room");
}

static void judge(const struct jota_swu_description *d)
{
	PROMISE(d->entry_count <= JOTA_SWU_ENTRIES_MAX && d->bootenv_count <= JOTA_SWU_ENTRIES_MAX);
	for (size_t i = 0; i < d->entry_count; i++)
		judge_entry(&d->entry[i]);
	for (size_t i = 0; i < d->view_count; i++) {
		const struct jota_swu_view *view = &d->view[i];

		PROMISE(view->name != NULL && view->entry_count <= JOTA_SWU_ENTRIES_MAX);
		for (size_t j = 0; j < view->entry_count; j++)
			PROMISE(view->entry[j] < d->entry_count);
		for (size_t j = 0; j < view->bootenv_count; j++)
			PROMISE(view->bootenv[j] < d->bootenv_count);
	}
}

static void judge_findings(const struct jota_swu_description *d, const struct jota_layout *layout)
{
	struct jota_swu_findings f = { 0 };
	struct jota_err err = { 0 };

	PROMISE(jota_swu_lint(d, layout, &f, &err) == 0);
	for (size_t i = 0; i < f.count; i++) {
		PROMISE(f.finding[i].code[0] != '\0' && f.finding[i].text[0] != '\0');
		for (const char *p = f.finding[i].text; *p != '\0'; p++)
			PROMISE((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f);
	}
	PROMISE(jota_swu_findings_fatal(&f) <= f.count);
	jota_swu_findings_done(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	struct jota_swu_description d, untouched;
	struct jota_err err = { 0 };
	char *text = fuzz_copy(data, len_bytes, len_bytes + 1);
	int r;

	memset(&d, 0xa5, sizeof(d));
	untouched = d;
	r = jota_swu_description_parse("input", text, &d, &err);
	fuzz_check_result(r, &err);
	PROMISE(!strstr(err.msg, "cannot open include file"));
	if (r == 0) {
		judge(&d);
		judge_findings(&d, NULL);
		for (size_t i = 0; jota_layout_at(i); i++)
			judge_findings(&d, jota_layout_at(i));
		jota_swu_description_done(&d);
	} else {
		PROMISE(r == -EBADMSG);
		PROMISE(memcmp(&d, &untouched, sizeof(d)) == 0);
	}
	free(text);
	return 0;
}
