/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Between the files of the linter; not for others. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "swu/description.h"
#include "swu/findings.h"
#include "swu/lint.h"

struct jota_lint {
	const struct jota_swu_description *d;
	const struct jota_layout *layout; /* NULL: any */
	struct jota_swu_findings *f;
};

/** One rule. Exactly one of the functions is set; each returns 0 or -ENOMEM. */
struct jota_lint_rule {
	const char *code;
	bool fatal;
	const char *meaning; /* for the manual */
	int (*entry)(const struct jota_lint *l, const struct jota_lint_rule *rule,
		     const struct jota_swu_entry *entry);
	int (*view)(const struct jota_lint *l, const struct jota_lint_rule *rule,
		    const struct jota_swu_view *view);
	int (*whole)(const struct jota_lint *l, const struct jota_lint_rule *rule);
};

extern const struct jota_lint_rule jota_lint_entry_rules[], jota_lint_value_rules[],
	jota_lint_view_rules[], jota_lint_hook_rules[], jota_lint_part_rules[];
extern const size_t jota_lint_entry_rule_count, jota_lint_value_rule_count,
	jota_lint_view_rule_count, jota_lint_hook_rule_count, jota_lint_part_rule_count;

#define REPORT(l, rule, line, ...)                                                                 \
	jota_swu_finding_add((l)->f, (rule)->fatal, line, (rule)->code, __VA_ARGS__)

/** What SWUpdate knows about a handler; NULL: neither it nor we have one of that name. */
struct jota_lint_type {
	const char *name;
	unsigned sections; /* bits, 1 << enum jota_swu_section */
	bool no_data;
};
const struct jota_lint_type *jota_lint_type_find(const char *name);

/** How a message calls an entry: its file, else its type. */
const char *jota_lint_label(const struct jota_swu_entry *entry);
/** Is the text there and not empty? */
bool jota_lint_given(const char *text);
/** Is it one of our images? */
bool jota_lint_is_image(const struct jota_swu_entry *entry);
bool jota_lint_is_hook(const struct jota_swu_entry *entry);
/** i-th entry of a view. */
const struct jota_swu_entry *jota_lint_entry(const struct jota_lint *l,
					     const struct jota_swu_view *view, size_t i);
/** "software" or the view's name, for messages. */
const char *jota_lint_view_label(const struct jota_swu_view *view);

/** Words of a property, separated by blanks. Walk with at = text; false at the end. */
bool jota_lint_next_word(const char **at, const char **ret_word, size_t *ret_len);
/** Is the word one of the words of the text? text may be NULL. */
bool jota_lint_has_word(const char *text, const char *word);
