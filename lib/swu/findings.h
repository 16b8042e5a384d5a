/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What is wrong with a description or a .swu: a list of sentences with stable codes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** One thing that is wrong. */
struct jota_swu_finding {
	bool fatal;	/* must not go to a device: it, or we, refuse it; else a warning */
	unsigned line;	/* in sw-description, 0: not about a line */
	char code[32];	/* stable, "half-slot", "missing-script-type": for --json and tests */
	char text[320]; /* one sentence, printable: object, expected, found, what to do */
};

struct jota_swu_findings {
	struct jota_swu_finding *finding;
	size_t count;
};

/** Add one; the same code, line and text twice is kept once. -ENOMEM. */
int jota_swu_finding_add(struct jota_swu_findings *f, bool fatal, unsigned line, const char *code,
			 const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/** How many are fatal. */
size_t jota_swu_findings_fatal(const struct jota_swu_findings *f);
/** Is there one with that code? */
bool jota_swu_findings_has(const struct jota_swu_findings *f, const char *code);
void jota_swu_findings_done(struct jota_swu_findings *f);
