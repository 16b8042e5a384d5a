/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Rules about one entry: what it is and where it stands. */
#include "swu/lint_rules.h"

#include "base/err.h"
#include "swu/container.h"

#include <errno.h>
#include <string.h>

#define RULE(function)                                                                             \
	static int function(const struct jota_lint *l, const struct jota_lint_rule *rule,          \
			    const struct jota_swu_entry *e)

/* An entry that installs something, as opposed to one that is only carried. */
static bool is_installed(const struct jota_swu_entry *e)
{
	return e->section != JOTA_SWU_SBOM && e->section != JOTA_SWU_BOOTENV && !e->ref;
}

RULE(check_link)
{
	if (!e->ref)
		return 0;
	return REPORT(
		l, rule, e->line,
		"the link ref = \"%.80s\" in %s leads nowhere; a device would skip it or stop.",
		e->ref, jota_swu_section_name(e->section));
}

RULE(check_script_type)
{
	if (e->section != JOTA_SWU_SCRIPTS || e->ref || jota_lint_given(e->type))
		return 0;
	return REPORT(
		l, rule, e->line,
		"script '%.80s' has no type, so SWUpdate takes it for Lua; give a type such as "
		"\"" JOTA_SWU_HOOK_TYPE "\" or \"shellscript\".",
		jota_lint_label(e));
}

RULE(check_image_type)
{
	if (e->section != JOTA_SWU_IMAGES || e->ref || jota_swu_entry_type(e)[0] != '\0')
		return 0;
	return REPORT(l, rule, e->line,
		      "image '%.80s' has no type; SWUpdate finds no handler for it.",
		      jota_lint_label(e));
}

RULE(check_type_known)
{
	const char *type = jota_swu_entry_type(e);

	if (!is_installed(e) || type[0] == '\0' || jota_lint_type_find(type))
		return 0;
	return REPORT(l, rule, e->line,
		      "'%.80s': the type '%.60s' is no handler of SWUpdate and none of ours.",
		      jota_lint_label(e), type);
}

RULE(check_type_place)
{
	const struct jota_lint_type *type = jota_lint_type_find(jota_swu_entry_type(e));

	if (!is_installed(e) || !type || type->sections & (1u << e->section))
		return 0;
	return REPORT(l, rule, e->line,
		      "'%.80s': the type '%.60s' is not allowed in %s, SWUpdate refuses it there.",
		      jota_lint_label(e), type->name, jota_swu_section_name(e->section));
}

RULE(check_filename_given)
{
	bool needed = e->section == JOTA_SWU_IMAGES || e->section == JOTA_SWU_FILES ||
		      e->section == JOTA_SWU_SBOM;

	if (!needed || e->ref || e->filename)
		return 0;
	return REPORT(l, rule, e->line,
		      "an entry of %s has no filename; SWUpdate skips it without a word.",
		      jota_swu_section_name(e->section));
}

RULE(check_filename)
{
	struct jota_err err = { 0 };

	if (!e->filename || (e->section == JOTA_SWU_SCRIPTS && e->filename[0] == '\0'))
		return 0;
	if (jota_swu_name_check(e->filename, &err) < 0)
		return REPORT(l, rule, e->line, "filename in %s: %.240s",
			      jota_swu_section_name(e->section), err.msg);
	if (strcmp(e->filename, JOTA_SWU_DESCRIPTION) == 0 ||
	    strcmp(e->filename, JOTA_SWU_SIGNATURE) == 0)
		return REPORT(l, rule, e->line,
			      "filename '%s' belongs to the archive; an entry cannot have it.",
			      e->filename);
	return 0;
}

/* Scripts for the bootloader get no such question from SWUpdate, and would go unverified. */
RULE(check_hash)
{
	const struct jota_lint_type *type = jota_lint_type_find(jota_swu_entry_type(e));

	if (e->ref || (type && type->no_data && !jota_lint_given(e->filename)) ||
	    e->section == JOTA_SWU_PARTITIONS || jota_lint_given(e->sha256))
		return 0;
	return REPORT(l, rule, e->line,
		      "'%.80s' has no sha256; the signature would not cover its content.",
		      jota_lint_label(e));
}

RULE(check_hash_form)
{
	uint8_t hash[32];

	if (!jota_lint_given(e->sha256) || jota_swu_hash_parse(e->sha256, hash))
		return 0;
	return REPORT(
		l, rule, e->line,
		"'%.80s': sha256 is '%.64s' (%zu characters), expected 64 hexadecimal digits that "
		"are not all zero; SWUpdate takes it for no hash.",
		jota_lint_label(e), e->sha256, strlen(e->sha256));
}

static const char *place_of(const struct jota_swu_entry *e)
{
	return jota_lint_given(e->device)		? "device" :
	       jota_lint_given(e->path)			? "path" :
	       jota_lint_given(e->volume)		? "volume" :
	       jota_lint_given(e->mtdname)		? "mtdname" :
	       e->offset && strcmp(e->offset, "0") != 0 ? "offset" :
							  NULL;
}

RULE(check_place)
{
	const char *place = place_of(e);

	if (!jota_lint_is_image(e) || !place)
		return 0;
	return REPORT(
		l, rule, e->line,
		"'%.80s' (%s) gives %s; the device finds the inactive slot itself, leave it out.",
		jota_lint_label(e), jota_swu_entry_type(e), place);
}

RULE(check_conditional)
{
	if (!jota_lint_is_image(e) || !(e->install_if_different || e->install_if_higher))
		return 0;
	return REPORT(l, rule, e->line,
		      "'%.80s' (%s) has %s: it compares with the running slot, and a skipped image "
		      "would leave the new slot with an old part; leave it out.",
		      jota_lint_label(e), jota_swu_entry_type(e),
		      e->install_if_different ? "install-if-different" : "install-if-higher");
}

RULE(check_streamed)
{
	if (!jota_lint_is_image(e) || e->installed_directly)
		return 0;
	return REPORT(
		l, rule, e->line,
		"'%.80s' (%s) has no installed-directly = true: the device needs room for a copy "
		"of it in its temporary folder.",
		jota_lint_label(e), jota_swu_entry_type(e));
}

RULE(check_lua)
{
	if (!jota_lint_given(e->type) || strcmp(e->type, "lua") != 0)
		return 0;
	return REPORT(l, rule, e->line,
		      "script '%.80s' is Lua; a SWUpdate built without Lua refuses it.",
		      jota_lint_label(e));
}

RULE(check_reached)
{
	const struct jota_swu_description *d = l->d;

	if (e->section == JOTA_SWU_SBOM)
		return 0;
	for (size_t i = 0; i < d->view_count; i++)
		for (size_t j = 0; j < d->view[i].entry_count; j++)
			if (&d->entry[d->view[i].entry[j]] == e)
				return 0;
	return REPORT(l, rule, e->line,
		      "'%.80s' stands in 'software.%.60s', where no device looks for %s.",
		      jota_lint_label(e), e->selection, jota_swu_section_name(e->section));
}

const struct jota_lint_rule jota_lint_entry_rules[] = {
	{ "dangling-ref", true, "a link (ref) that leads nowhere", .entry = check_link },
	{ "missing-script-type", true, "a script without a type, which SWUpdate takes for Lua",
	  .entry = check_script_type },
	{ "missing-type", true, "an image without a type", .entry = check_image_type },
	{ "unknown-type", true, "a type that neither SWUpdate nor this project has",
	  .entry = check_type_known },
	{ "wrong-section", true, "a type in a section that it is not made for",
	  .entry = check_type_place },
	{ "missing-filename", true, "an image or file without a filename, which SWUpdate skips",
	  .entry = check_filename_given },
	{ "bad-filename", true, "a filename that no archive can or may carry",
	  .entry = check_filename },
	{ "missing-sha256", true, "content without a hash, which the signature does not cover",
	  .entry = check_hash },
	{ "bad-sha256", true, "a hash of another form, which SWUpdate takes for none",
	  .entry = check_hash_form },
	{ "fixed-place", true, "a device, path, volume or offset on an A/B image",
	  .entry = check_place },
	{ "install-if", true, "install-if-different or install-if-higher on an A/B image",
	  .entry = check_conditional },
	{ "not-streamed", false, "an A/B image that is copied to a temporary folder first",
	  .entry = check_streamed },
	{ "needs-lua", false, "a script in Lua", .entry = check_lua },
	{ "unreachable", false, "an entry that no device finds", .entry = check_reached },
};
const size_t jota_lint_entry_rule_count =
	sizeof(jota_lint_entry_rules) / sizeof(jota_lint_entry_rules[0]);
