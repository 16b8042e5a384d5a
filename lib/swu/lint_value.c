/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Rules about one entry: compression, encryption, properties, lengths. */
#include "swu/lint_rules.h"

#include "base/err.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define RULE(function)                                                                             \
	static int function(const struct jota_lint *l, const struct jota_lint_rule *rule,          \
			    const struct jota_swu_entry *e)
/* SWUpdate keeps texts in 256 bytes and cuts longer ones, with a warning only. */
#define TEXT_CHARS_MAX 255

static bool compression_is(const struct jota_swu_entry *e, const char *name)
{
	return e->compressed && strcmp(e->compressed, name) == 0;
}

RULE(check_compression)
{
	if (!e->compressed || compression_is(e, "zlib") || compression_is(e, "zstd") ||
	    compression_is(e, "xz") || compression_is(e, "true"))
		return 0;
	return REPORT(l, rule, e->line,
		      "'%.80s': compressed is '%.40s', SWUpdate takes \"zlib\" or \"zstd\".",
		      jota_lint_label(e), e->compressed);
}

RULE(check_xz)
{
	if (!compression_is(e, "xz"))
		return 0;
	return REPORT(
		l, rule, e->line,
		"'%.80s' is compressed with xz, which SWUpdate up to 2024.12 refuses; use zstd "
		"unless all devices run a newer one.",
		jota_lint_label(e));
}

RULE(check_boolean_compression)
{
	if (!compression_is(e, "true"))
		return 0;
	return REPORT(
		l, rule, e->line,
		"'%.80s': compressed = true is SWUpdate's old form; write compressed = \"zlib\".",
		jota_lint_label(e));
}

static bool is_iv(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (!isxdigit((unsigned char)*p))
			return false;
	return strlen(text) == 32;
}

RULE(check_iv)
{
	if (!jota_lint_given(e->ivt) || is_iv(e->ivt))
		return 0;
	return REPORT(
		l, rule, e->line,
		"'%.80s': ivt is '%.40s', expected 32 hexadecimal digits; SWUpdate would decrypt "
		"with the vector of its key file instead.",
		jota_lint_label(e), e->ivt);
}

RULE(check_iv_given)
{
	if (!e->encrypted || jota_lint_given(e->ivt))
		return 0;
	return REPORT(
		l, rule, e->line,
		"'%.80s' is encrypted without an ivt of its own: equal content gives equal bytes "
		"in every file; give each one a fresh ivt.",
		jota_lint_label(e));
}

RULE(check_size_given)
{
	const char *property = e->compressed ? "decompressed-size" : "decrypted-size";

	if (!jota_lint_is_image(e) || !(e->compressed || e->encrypted) ||
	    jota_swu_property_get(e, property))
		return 0;
	return REPORT(l, rule, e->line,
		      "'%.80s' (%s) is %s, so properties must give its exact size as %s.",
		      jota_lint_label(e), jota_swu_entry_type(e),
		      e->compressed ? "compressed" : "encrypted", property);
}

RULE(check_size_form)
{
	struct jota_err err = { 0 };
	const char *property = e->compressed ? "decompressed-size" : "decrypted-size";
	uint64_t bytes;

	if (!(e->compressed || e->encrypted) || !jota_swu_property_get(e, property) ||
	    jota_swu_entry_size(e, &bytes, &err) == 0)
		return 0;
	return REPORT(l, rule, e->line, "'%.80s': %.220s", jota_lint_label(e), err.msg);
}

/* The size behind decryption is harmless beside the one that counts. */
RULE(check_size_needed)
{
	const char *unused = e->compressed				? NULL :
			     e->encrypted				? "decompressed-size" :
			     jota_swu_property_get(e, "decrypted-size") ? "decrypted-size" :
									  "decompressed-size";

	if (!jota_lint_is_image(e) || !unused || !jota_swu_property_get(e, unused))
		return 0;
	return REPORT(l, rule, e->line, "'%.80s' gives %s but is not %s; nobody reads it.",
		      jota_lint_label(e), unused,
		      strcmp(unused, "decrypted-size") == 0 ? "encrypted" : "compressed");
}

RULE(check_properties)
{
	static const char *const of_image[] = {
		"decompressed-size", "decrypted-size", "part", "offset", "total", NULL
	};
	static const char *const of_hook[] = { "images", "keep", NULL };
	const char *const *known = jota_lint_is_image(e) ? of_image :
				   jota_lint_is_hook(e)	 ? of_hook :
							   NULL;

	for (size_t i = 0; known && i < e->property_count; i++) {
		size_t k = 0;

		while (known[k] && strcmp(known[k], e->property[i].name) != 0)
			k++;
		if (known[k])
			continue;
		if (REPORT(l, rule, e->property[i].line,
			   "'%.80s' (%s): the property '%.60s' is not known; there are %s.",
			   jota_lint_label(e), jota_swu_entry_type(e), e->property[i].name,
			   known == of_hook ?
				   "images and keep" :
				   "decompressed-size, decrypted-size, part, offset and total") < 0)
			return -ENOMEM;
	}
	return 0;
}

RULE(check_property_once)
{
	if (!jota_lint_is_image(e) && !jota_lint_is_hook(e))
		return 0;
	for (size_t i = 0; i < e->property_count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(e->property[i].name, e->property[j].name) == 0)
				return REPORT(
					l, rule, e->property[i].line,
					"'%.80s' (%s): the property '%.60s' has several values.",
					jota_lint_label(e), jota_swu_entry_type(e),
					e->property[i].name);
	return 0;
}

RULE(check_ignored)
{
	for (size_t i = 0; i < e->ignored.count; i++)
		if (REPORT(l, rule, e->line,
			   "'%.80s': the value of %.60s has the wrong kind (text, number or boolean); "
			   "SWUpdate passes over it without a word.",
			   jota_lint_label(e), e->ignored.name[i]) < 0)
			return -ENOMEM;
	return 0;
}

RULE(check_unknown)
{
	for (size_t i = 0; i < e->unknown.count; i++)
		if (REPORT(l, rule, e->line,
			   "'%.80s': SWUpdate does not know the attribute '%.60s'.",
			   jota_lint_label(e), e->unknown.name[i]) < 0)
			return -ENOMEM;
	return 0;
}

RULE(check_lengths)
{
	const struct {
		const char *name, *value;
	} text[] = {
		{ "type", e->type },	 { "name", e->name },	    { "version", e->version },
		{ "device", e->device }, { "path", e->path },	    { "volume", e->volume },
		{ "data", e->data },	 { "mtdname", e->mtdname },
	};

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		if (text[i].value && strlen(text[i].value) > TEXT_CHARS_MAX &&
		    REPORT(l, rule, e->line,
			   "'%.80s': %s has %zu characters, SWUpdate cuts it after %d.",
			   jota_lint_label(e), text[i].name, strlen(text[i].value),
			   TEXT_CHARS_MAX) < 0)
			return -ENOMEM;
	return 0;
}

const struct jota_lint_rule jota_lint_value_rules[] = {
	{ "unknown-compression", true, "a compression that SWUpdate does not have",
	  .entry = check_compression },
	{ "needs-xz", false, "xz, which only newer SWUpdates decompress", .entry = check_xz },
	{ "boolean-compression", false, "compressed = true, SWUpdate's old word for zlib",
	  .entry = check_boolean_compression },
	{ "bad-ivt", true, "an initialisation vector of another form, which SWUpdate replaces",
	  .entry = check_iv },
	{ "missing-ivt", false, "encryption with the vector of the key file",
	  .entry = check_iv_given },
	{ "missing-size", true, "a compressed or encrypted A/B image without its exact size",
	  .entry = check_size_given },
	{ "bad-size", true, "a size that is no number from 1 to 2^63-1", .entry = check_size_form },
	{ "unused-size", false, "a size that nobody reads", .entry = check_size_needed },
	{ "unknown-property", true, "a property that our handler or hook refuses",
	  .entry = check_properties },
	{ "several-values", true, "a property with several values", .entry = check_property_once },
	{ "wrong-kind", true, "a value of a kind that SWUpdate passes over",
	  .entry = check_ignored },
	{ "unknown-attribute", false, "an attribute that SWUpdate does not know",
	  .entry = check_unknown },
	{ "too-long", true, "a text that SWUpdate cuts", .entry = check_lengths },
};
const size_t jota_lint_value_rule_count =
	sizeof(jota_lint_value_rules) / sizeof(jota_lint_value_rules[0]);
