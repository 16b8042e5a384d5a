/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Rules about the postinstall hook: the signed list of images, and what is kept. */
#include "swu/lint_rules.h"

#include <errno.h>
#include <string.h>

#define RULE(function)                                                                             \
	static int function(const struct jota_lint *l, const struct jota_lint_rule *rule,          \
			    const struct jota_swu_view *v)

/* The i-th entry of a view if it is a hook. */
static const struct jota_swu_entry *hook_at(const struct jota_lint *l,
					    const struct jota_swu_view *v, size_t i)
{
	const struct jota_swu_entry *e = jota_lint_entry(l, v, i);

	return jota_lint_is_hook(e) ? e : NULL;
}

RULE(check_hook)
{
	bool image = false, hook = false;

	for (size_t i = 0; i < v->entry_count; i++) {
		image |= jota_lint_is_image(jota_lint_entry(l, v, i));
		hook |= hook_at(l, v, i) != NULL;
	}
	if (!image || hook)
		return 0;
	return REPORT(l, rule, v->line,
		      "'%.60s' has A/B images but no script of type \"" JOTA_SWU_HOOK_TYPE
		      "\"; the new slot would never be selected.",
		      jota_lint_view_label(v));
}

RULE(check_hook_list)
{
	for (size_t i = 0; i < v->entry_count; i++) {
		const struct jota_swu_entry *e = hook_at(l, v, i);

		if (e && !jota_swu_property_get(e, "images") &&
		    REPORT(l, rule, e->line,
			   "the hook has no property images; it names all A/B images, as in images = "
			   "\"boot.img rootfs.ext4\".") < 0)
			return -ENOMEM;
	}
	return 0;
}

static bool is_image_word(const struct jota_lint *l, const struct jota_swu_view *v,
			  const char *word, size_t len)
{
	for (size_t i = 0; i < v->entry_count; i++) {
		const struct jota_swu_entry *e = jota_lint_entry(l, v, i);

		if (jota_lint_is_image(e) && e->filename && strlen(e->filename) == len &&
		    memcmp(e->filename, word, len) == 0)
			return true;
	}
	return false;
}

/* Words of the list that no image has. */
static int check_words(const struct jota_lint *l, const struct jota_lint_rule *rule,
		       const struct jota_swu_view *v, const struct jota_swu_entry *hook,
		       const char *list)
{
	const char *word;
	size_t len;

	while (jota_lint_next_word(&list, &word, &len)) {
		int shown = len < 80 ? (int)len : 80;

		if (!is_image_word(l, v, word, len) &&
		    REPORT(l, rule, hook->line,
			   "the hook's list names '%.*s', which is no A/B image of '%.60s'.", shown,
			   word, jota_lint_view_label(v)) < 0)
			return -ENOMEM;
	}
	return 0;
}

RULE(check_hook_names)
{
	for (size_t i = 0; i < v->entry_count; i++) {
		const struct jota_swu_entry *hook = hook_at(l, v, i);
		const char *list = hook ? jota_swu_property_get(hook, "images") : NULL;

		if (!list)
			continue;
		if (check_words(l, rule, v, hook, list) < 0)
			return -ENOMEM;
		for (size_t j = 0; j < v->entry_count; j++) {
			const struct jota_swu_entry *e = jota_lint_entry(l, v, j);

			if (jota_lint_is_image(e) && e->filename &&
			    !jota_lint_has_word(list, e->filename) &&
			    REPORT(l, rule, hook->line,
				   "the hook's list does not name '%.80s'; it must name every A/B "
				   "image.",
				   e->filename) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static int check_count(const struct jota_lint *l, const struct jota_lint_rule *rule,
		       const struct jota_swu_entry *e, const char *property)
{
	const char *at = jota_swu_property_get(e, property), *word;
	size_t count = 0, len;

	while (at && jota_lint_next_word(&at, &word, &len))
		count++;
	if (count <= JOTA_SWU_HOOK_WORDS_MAX)
		return 0;
	return REPORT(l, rule, e->line,
		      "the hook's property %s has %zu words, at most %d are taken.", property,
		      count, JOTA_SWU_HOOK_WORDS_MAX);
}

RULE(check_words_count)
{
	for (size_t i = 0; i < v->entry_count; i++) {
		const struct jota_swu_entry *e = hook_at(l, v, i);

		if (e &&
		    (check_count(l, rule, e, "images") < 0 || check_count(l, rule, e, "keep") < 0))
			return -ENOMEM;
	}
	return 0;
}

static bool is_brought(const struct jota_lint *l, const struct jota_swu_view *v,
		       enum jota_role wanted)
{
	for (size_t i = 0; i < v->entry_count; i++) {
		enum jota_role role;

		if (jota_swu_entry_role(jota_lint_entry(l, v, i), &role) == 0 && role == wanted)
			return true;
	}
	return false;
}

static int check_kept(const struct jota_lint *l, const struct jota_lint_rule *rule,
		      const struct jota_swu_view *v, const struct jota_swu_entry *e,
		      const char *word, size_t len, unsigned *seen)
{
	char name[32];
	enum jota_role role;

	if (len >= sizeof(name))
		len = sizeof(name) - 1;
	memcpy(name, word, len);
	name[len] = '\0';
	if (jota_role_parse(name, &role) < 0)
		return REPORT(l, rule, e->line,
			      "the hook keeps '%s'; it takes kernel, bootloader and rootfs.", name);
	if (role == JOTA_ROLE_ROOTFS)
		return REPORT(l, rule, e->line,
			      "the hook keeps the rootfs, which is in use while the device runs and "
			      "cannot be copied; bring the image.");
	if (is_brought(l, v, role))
		return REPORT(
			l, rule, e->line,
			"the hook keeps the %s, but '%.60s' also brings an image of it; one of "
			"both.",
			name, jota_lint_view_label(v));
	if (*seen & (1u << role))
		return REPORT(l, rule, e->line, "the hook keeps the %s twice.", name);
	*seen |= 1u << role;
	return 0;
}

RULE(check_keep)
{
	for (size_t i = 0; i < v->entry_count; i++) {
		const struct jota_swu_entry *e = hook_at(l, v, i);
		const char *at = e ? jota_swu_property_get(e, "keep") : NULL, *word;
		unsigned seen = 0;
		size_t len;

		while (at && jota_lint_next_word(&at, &word, &len))
			if (check_kept(l, rule, v, e, word, len, &seen) < 0)
				return -ENOMEM;
	}
	return 0;
}

const struct jota_lint_rule jota_lint_hook_rules[] = {
	{ "missing-hook", true, "A/B images without the hook that checks and selects the slot",
	  .view = check_hook },
	{ "missing-hook-list", true, "a hook without its list of images", .view = check_hook_list },
	{ "hook-list-differs", true, "a hook whose list is not the set of A/B images",
	  .view = check_hook_names },
	{ "too-many-words", true, "a hook's list that is too long", .view = check_words_count },
	{ "bad-keep", true, "a role to keep that is unknown, brought, in use or named twice",
	  .view = check_keep },
};
const size_t jota_lint_hook_rule_count =
	sizeof(jota_lint_hook_rules) / sizeof(jota_lint_hook_rules[0]);
