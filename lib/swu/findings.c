/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/findings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char cut_mark[] = "...";

static void make_printable(char *text)
{
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			*p = '?';
}

static bool is_known(const struct jota_swu_findings *f, const struct jota_swu_finding *wanted)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct jota_swu_finding *is = &f->finding[i];

		if (is->line == wanted->line && strcmp(is->code, wanted->code) == 0 &&
		    strcmp(is->text, wanted->text) == 0)
			return true;
	}
	return false;
}

int jota_swu_finding_add(struct jota_swu_findings *f, bool fatal, unsigned line, const char *code,
			 const char *fmt, ...)
{
	struct jota_swu_finding next = { .fatal = fatal, .line = line }, *grown;
	va_list args;
	int n;

	(void)snprintf(next.code, sizeof(next.code), "%s", code);
	va_start(args, fmt);
	n = vsnprintf(next.text, sizeof(next.text), fmt, args);
	va_end(args);
	if (n < 0)
		next.text[0] = '\0';
	if (n >= (int)sizeof(next.text))
		memcpy(next.text + sizeof(next.text) - sizeof(cut_mark), cut_mark, sizeof(cut_mark));
	make_printable(next.text);
	if (is_known(f, &next))
		return 0;
	grown = reallocarray(f->finding, f->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	f->finding = grown;
	f->finding[f->count++] = next;
	return 0;
}

size_t jota_swu_findings_fatal(const struct jota_swu_findings *f)
{
	size_t fatal = 0;

	for (size_t i = 0; i < f->count; i++)
		fatal += f->finding[i].fatal;
	return fatal;
}

bool jota_swu_findings_has(const struct jota_swu_findings *f, const char *code)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->finding[i].code, code) == 0)
			return true;
	return false;
}

void jota_swu_findings_done(struct jota_swu_findings *f)
{
	free(f->finding);
	*f = (struct jota_swu_findings){ 0 };
}
