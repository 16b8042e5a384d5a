/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* For people. */
#include <stdlib.h>

#include "report.h"
#include "slot/layout.h"

static void show_evidence(const struct jota_evidence *evidence, FILE *out)
{
	char detail[sizeof(evidence->witness[0].detail)];

	for (size_t i = 0; i < JOTA_WITNESS_COUNT; i++) {
		const struct jota_witness *w = &evidence->witness[i];

		if (!w->source)
			continue;
		report_clean(w->detail, detail, sizeof(detail));
		(void)fprintf(out, "  %-38s %-4s%s%s\n", w->source,
			      w->speaks ? jota_slot_name(w->says) : "-", detail[0] ? " " : "",
			      detail);
	}
}

static void show_slots(const struct report *r, FILE *out)
{
	(void)fprintf(out, "\nslot      state  bootable  successful  tries left\n");
	for (int i = 0; i < JOTA_SLOT_COUNT; i++) {
		struct slot_view v = report_slot(r, (enum jota_slot)i);
		char tries[16] = "-";

		if (v.has_tries)
			(void)snprintf(tries, sizeof(tries), "%u", v.tries_left);
		(void)fprintf(out, "%s%s%s  %-5s  %-8s  %-10s  %s\n",
			      jota_slot_name((enum jota_slot)i), v.running ? " runs" : "     ",
			      v.next ? " >" : "  ", v.condition, v.bootable ? "yes" : "no",
			      v.successful ? "yes" : "no", tries);
	}
}

static void show_record(const struct report *r, FILE *out)
{
	const struct jota_record *record = &r->state.record;

	(void)fprintf(out, "\nlast update  ");
	if (record->has_target)
		(void)fprintf(out, "slot %s, ", jota_slot_name(record->target));
	(void)fprintf(out, "%s%s\n", report_ustate_name(record->ustate),
		      r->reboot_pending ? ", not rebooted since" : "");
	if (record->reason[0] != '\0')
		(void)fprintf(out, "last trial   given up: %s\n", record->reason);
}

static void show_problems(const struct jota_problems *problems, FILE *out)
{
	char text[JOTA_PROBLEM_BYTES];

	(void)fprintf(out, "problems     %s\n", problems->count ? "" : "none");
	for (size_t i = 0; i < problems->count; i++) {
		report_clean(problems->problem[i].text, text, sizeof(text));
		(void)fprintf(out, "  %s: %s\n",
			      problems->problem[i].blocks_update ? "blocks updates" : "warning",
			      text);
	}
}

void report_show_table(const struct report *r, FILE *out)
{
	(void)fprintf(out, "layout       %s (backend %s)\n", r->config.layout->name,
		      r->config.backend);
	(void)fprintf(out, "running      %s\n",
		      r->evidence.known ? jota_slot_name(r->evidence.running) : "unknown");
	show_evidence(&r->evidence, out);
	if (r->has_state) {
		(void)fprintf(out, "next         %s\n", jota_slot_name(r->state.next));
		(void)fprintf(out, "situation    %s\n", jota_situation_name(r->situation));
		show_slots(r, out);
		show_record(r, out);
	} else {
		(void)fprintf(out, "next         unknown\n");
	}
	show_problems(&r->problems, out);
}
