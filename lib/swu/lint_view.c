/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Rules about what one kind of device finds as a whole. */
#include "swu/lint_rules.h"

#include "slot/backend.h"
#include "slot/layout.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RULE(function)                                                                             \
	static int function(const struct jota_lint *l, const struct jota_lint_rule *rule,          \
			    const struct jota_swu_view *v)

static int check_any(const struct jota_lint *l, const struct jota_lint_rule *rule)
{
	for (size_t i = 0; i < l->d->view_count; i++)
		if (l->d->view[i].entry_count > 0 || l->d->view[i].bootenv_count > 0)
			return 0;
	return REPORT(l, rule, 0, "the description installs nothing; SWUpdate refuses it.");
}

RULE(check_version)
{
	if (v->has_version)
		return 0;
	return REPORT(l, rule, v->line, "'%.80s' has no version; SWUpdate refuses it.",
		      jota_lint_view_label(v));
}

/* Sections may get theirs from the board's group, which other sections than ours stand beside. */
RULE(check_hardware)
{
	if (v->has_hardware || l->d->hardware_count > 0)
		return 0;
	return REPORT(l, rule, v->line,
		      "'%.80s' has no hardware-compatibility; a SWUpdate that checks the hardware "
		      "refuses it. List the revisions, such as [ \"1.0\" ].",
		      jota_lint_view_label(v));
}

static int check_revisions(const struct jota_lint *l, const struct jota_lint_rule *rule)
{
	for (size_t i = 0; i < l->d->hardware_count; i++) {
		const char *text = l->d->hardware[i];
		const char *colon = strchr(text, ':');
		const char *revision = colon && strchr(colon + 1, ':') ? colon + 1 : NULL;

		/* "board:rev" of our own making has one colon; a pattern may have any. */
		if (!revision || strncmp(revision, "#RE:", 4) == 0 || strncmp(text, "#RE:", 4) == 0)
			continue;
		if (REPORT(l, rule, 0,
			   "hardware-compatibility '%.60s' names a board; SWUpdate compares the "
			   "revision only, so it matches nothing. The board is the name of the group.",
			   revision) < 0)
			return -ENOMEM;
	}
	return 0;
}

RULE(check_reboot)
{
	if (!v->has_reboot || v->reboot)
		return 0;
	return REPORT(
		l, rule, v->line,
		"'%.80s' has reboot = false: an A/B update takes effect by the reboot; leave it "
		"out.",
		jota_lint_view_label(v));
}

RULE(check_state_marker)
{
	if (!v->state_marker_off)
		return 0;
	return REPORT(
		l, rule, v->line,
		"'%.80s' has bootloader_state_marker = false: the slot is selected by that very "
		"marker, so the device refuses the update; leave it out.",
		jota_lint_view_label(v));
}

RULE(check_transaction_marker)
{
	if (!v->transaction_marker_off)
		return 0;
	return REPORT(
		l, rule, v->line,
		"'%.80s' has bootloader_transaction_marker = false: an interrupted update leaves "
		"no trace.",
		jota_lint_view_label(v));
}

RULE(check_bootenv)
{
	for (size_t i = 0; i < v->bootenv_count; i++) {
		const struct jota_swu_property *p = &l->d->bootenv[v->bootenv[i]];

		if (jota_backend_uboot.owns(p->name) &&
		    REPORT(l, rule, p->line,
			   "the bootloader variable '%.60s' belongs to the slot state; the device "
			   "refuses the update. Leave it out.",
			   p->name) < 0)
			return -ENOMEM;
	}
	return 0;
}

RULE(check_embedded_script)
{
	if (!v->has_embedded_script)
		return 0;
	return REPORT(l, rule, v->line,
		      "'%.80s' has an embedded-script, which is Lua; a SWUpdate built without Lua "
		      "refuses it.",
		      jota_lint_view_label(v));
}

RULE(check_files_once)
{
	for (size_t i = 0; i < v->entry_count; i++) {
		const struct jota_swu_entry *e = jota_lint_entry(l, v, i);

		for (size_t j = 0; jota_lint_given(e->filename) && j < i; j++) {
			const struct jota_swu_entry *other = jota_lint_entry(l, v, j);

			if (!jota_lint_given(other->filename) ||
			    strcmp(e->filename, other->filename) != 0)
				continue;
			if (REPORT(l, rule, e->line,
				   "the file '%.80s' has two entries in '%.60s'; give each entry a "
				   "file of its own.",
				   e->filename, jota_lint_view_label(v)) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

#define BIT(role) (1u << (role))

static unsigned roles_brought(const struct jota_lint *l, const struct jota_swu_view *v)
{
	unsigned roles = 0;

	for (size_t i = 0; i < v->entry_count; i++) {
		enum jota_role role;

		if (jota_swu_entry_role(jota_lint_entry(l, v, i), &role) == 0)
			roles |= BIT(role);
	}
	return roles;
}

static unsigned roles_kept(const struct jota_lint *l, const struct jota_swu_view *v)
{
	unsigned roles = 0;

	for (size_t i = 0; i < v->entry_count; i++) {
		const struct jota_swu_entry *e = jota_lint_entry(l, v, i);

		for (unsigned r = 0; jota_lint_is_hook(e) && r < JOTA_ROLE_COUNT; r++)
			if (jota_lint_has_word(jota_swu_property_get(e, "keep"),
					       jota_role_name((enum jota_role)r)))
				roles |= BIT(r);
	}
	return roles;
}

static unsigned roles_missing(const struct jota_layout *layout, unsigned roles)
{
	unsigned missing = 0;

	for (unsigned r = 0; r < JOTA_ROLE_COUNT; r++)
		if (layout->role[r].required && !(roles & BIT(r)))
			missing |= BIT(r);
	return missing;
}

static unsigned roles_foreign(const struct jota_layout *layout, unsigned roles)
{
	unsigned foreign = 0;

	for (unsigned r = 0; r < JOTA_ROLE_COUNT; r++)
		if ((roles & BIT(r)) && (!layout->role[r].label[0] ||
					 layout->role[r].selected_by == JOTA_SELECTED_BY_NONE))
			foreign |= BIT(r);
	return foreign;
}

/* The layout to measure with: the one given, else the known one that fits best. */
static const struct jota_layout *find_layout(const struct jota_lint *l, unsigned roles)
{
	const struct jota_layout *best = NULL, *next;
	int best_wrong = 0;

	if (l->layout)
		return l->layout;
	for (size_t i = 0; (next = jota_layout_at(i)); i++) {
		int wrong = __builtin_popcount(roles_missing(next, roles)) +
			    2 * __builtin_popcount(roles_foreign(next, roles));

		if (!best || wrong < best_wrong) {
			best = next;
			best_wrong = wrong;
		}
	}
	return best;
}

RULE(check_complete)
{
	unsigned brought = roles_brought(l, v), roles = brought | roles_kept(l, v);
	const struct jota_layout *layout = find_layout(l, roles);
	unsigned missing = roles_missing(layout, roles);

	for (unsigned r = 0; brought && r < JOTA_ROLE_COUNT; r++)
		if ((missing & BIT(r)) &&
		    REPORT(l, rule, v->line,
			   "'%.60s' is half a slot: layout '%s' requires the role %s; add the image, "
			   "or keep = \"%s\" to the hook.",
			   jota_lint_view_label(v), layout->name, jota_role_name((enum jota_role)r),
			   jota_role_name((enum jota_role)r)) < 0)
			return -ENOMEM;
	return 0;
}

RULE(check_roles)
{
	unsigned roles = roles_brought(l, v) | roles_kept(l, v);
	const struct jota_layout *layout = find_layout(l, roles);
	unsigned foreign = roles_foreign(layout, roles);

	for (unsigned r = 0; r < JOTA_ROLE_COUNT; r++)
		if ((foreign & BIT(r)) &&
		    REPORT(l, rule, v->line,
			   "'%.60s' brings the role %s, for which layout '%s' has no pair of "
			   "partitions.",
			   jota_lint_view_label(v), jota_role_name((enum jota_role)r),
			   layout->name) < 0)
			return -ENOMEM;
	return 0;
}

RULE(check_any_image)
{
	if (roles_brought(l, v) || (v->entry_count == 0 && v->bootenv_count == 0))
		return 0;
	return REPORT(
		l, rule, v->line,
		"'%.80s' has no A/B image; the device ends such an update as failed, for there is "
		"no slot to select.",
		jota_lint_view_label(v));
}

const struct jota_lint_rule jota_lint_view_rules[] = {
	{ "nothing-to-install", true, "a description that installs nothing", .whole = check_any },
	{ "missing-version", true, "a description without a version", .view = check_version },
	{ "missing-hardware", true, "no hardware-compatibility for a board",
	  .view = check_hardware },
	{ "hardware-names-board", true, "a revision with a board in front, which matches nothing",
	  .whole = check_revisions },
	{ "reboot-false", true, "reboot = false", .view = check_reboot },
	{ "state-marker-off", true, "bootloader_state_marker = false", .view = check_state_marker },
	{ "transaction-marker-off", false, "bootloader_transaction_marker = false",
	  .view = check_transaction_marker },
	{ "slot-variable", true, "a bootloader variable of the slot state", .view = check_bootenv },
	{ "embedded-script", false, "an embedded script in Lua", .view = check_embedded_script },
	{ "same-file-twice", true, "two entries with one file", .view = check_files_once },
	{ "no-image", true, "no A/B image at all", .view = check_any_image },
	{ "half-slot", true, "a role that the layout requires is neither brought nor kept",
	  .view = check_complete },
	{ "role-not-in-layout", true, "a role that the layout does not have", .view = check_roles },
};
const size_t jota_lint_view_rule_count =
	sizeof(jota_lint_view_rules) / sizeof(jota_lint_view_rules[0]);
