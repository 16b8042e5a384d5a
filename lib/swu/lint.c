/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Runs the tables of rules over a description. */
#include "swu/lint.h"

#include "base/err.h"
#include "base/number.h"
#include "swu/lint_rules.h"

#include <errno.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
	const struct jota_lint_rule *rule;
	const size_t *count;
} tables[] = {
	{ jota_lint_entry_rules, &jota_lint_entry_rule_count },
	{ jota_lint_value_rules, &jota_lint_value_rule_count },
	{ jota_lint_view_rules, &jota_lint_view_rule_count },
	{ jota_lint_hook_rules, &jota_lint_hook_rule_count },
	{ jota_lint_part_rules, &jota_lint_part_rule_count },
};

static const struct {
	const char *type;
	enum jota_role role;
} our_images[] = {
	{ "jetson-bootimg", JOTA_ROLE_KERNEL },
	{ "jetson-bootloader", JOTA_ROLE_BOOTLOADER },
	{ "jetson-rootfs", JOTA_ROLE_ROOTFS },
};

#define IN(section) (1u << (section))
#define IMAGE IN(JOTA_SWU_IMAGES)
#define ANY_FILE (IN(JOTA_SWU_IMAGES) | IN(JOTA_SWU_FILES))
#define SCRIPT IN(JOTA_SWU_SCRIPTS)
#define PARTITION IN(JOTA_SWU_PARTITIONS)

/* What SWUpdate's own handlers register, 2022.12 to 2024.12; a build need not have them all. */
static const struct jota_lint_type types[] = {
	{ "jetson-bootimg", IMAGE, false },
	{ "jetson-bootloader", IMAGE, false },
	{ "jetson-rootfs", IMAGE, false },
	{ JOTA_SWU_HOOK_TYPE, SCRIPT, true },
	{ "archive", ANY_FILE, false },
	{ "bootloader", IMAGE, false },
	{ "btrfs", PARTITION, true },
	{ "btrfs-receive", IMAGE, false },
	{ "copy", SCRIPT, true },
	{ "delta", ANY_FILE, false },
	{ "diskformat", PARTITION, true },
	{ "diskpart", PARTITION, true },
	{ "docker_containercreate", SCRIPT, false },
	{ "docker_containerdelete", SCRIPT, true },
	{ "docker_containerstart", SCRIPT, true },
	{ "docker_containerstop", SCRIPT, true },
	{ "docker_imagedelete", SCRIPT, true },
	{ "docker_imageload", IMAGE, false },
	{ "docker_imageprune", SCRIPT, true },
	{ "docker_networkcreate", SCRIPT, false },
	{ "docker_networkdelete", SCRIPT, true },
	{ "docker_volumecreate", SCRIPT, false },
	{ "docker_volumedelete", SCRIPT, true },
	{ "dummy", ANY_FILE | SCRIPT | PARTITION, false },
	{ "emmc_boot", SCRIPT, true },
	{ "emmc_boot_toggle", SCRIPT, true },
	{ "executor", IMAGE, false },
	{ "flash", ANY_FILE, false },
	{ "flash-hamming1", ANY_FILE, false },
	{ "gptpart", IMAGE, false },
	{ "gptswap", SCRIPT, true },
	{ "lua", SCRIPT, false },
	{ "postinstall", SCRIPT, false },
	{ "preinstall", SCRIPT, false },
	{ "raw", IMAGE, false },
	{ "rawcopy", SCRIPT, true },
	{ "rawfile", IN(JOTA_SWU_FILES), false },
	{ "rdiff_file", IN(JOTA_SWU_FILES), false },
	{ "rdiff_image", IMAGE, false },
	{ "readback", SCRIPT, true },
	{ "remote", IMAGE, false },
	{ "shellscript", SCRIPT, false },
	{ "ssblswitch", SCRIPT, true },
	{ "swuforward", IMAGE, false },
	{ "tar", ANY_FILE, false },
	{ "toggleboot", SCRIPT, true },
	{ "ubipartition", PARTITION, true },
	{ "ubiswap", SCRIPT, true },
	{ "ubivol", IMAGE, false },
	{ "uboot", IMAGE, false },
	{ "ucfw", IMAGE, false },
	{ "uniqueuuid", PARTITION, true },
};

const struct jota_lint_type *jota_lint_type_find(const char *name)
{
	for (size_t i = 0; i < COUNT(types); i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

int jota_swu_entry_role(const struct jota_swu_entry *entry, enum jota_role *ret_role)
{
	for (size_t i = 0; i < COUNT(our_images); i++) {
		if (strcmp(our_images[i].type, jota_swu_entry_type(entry)) != 0)
			continue;
		*ret_role = our_images[i].role;
		return 0;
	}
	return -EINVAL;
}

int jota_swu_entry_size(const struct jota_swu_entry *entry, uint64_t *ret_bytes,
			struct jota_err *err)
{
	const char *property = entry->compressed ? "decompressed-size" :
			       entry->encrypted	 ? "decrypted-size" :
						   NULL;
	const char *text;

	*ret_bytes = 0;
	if (!property)
		return 0;
	text = jota_swu_property_get(entry, property);
	if (!text)
		return jota_fail(err, EINVAL,
				 "it is %s, so properties must give its exact size as %s.",
				 entry->compressed ? "compressed" : "encrypted", property);
	return jota_parse_u64(property, text, 1, INT64_MAX, ret_bytes, err);
}

int jota_swu_entry_part(const struct jota_swu_entry *entry, struct jota_part *ret,
			struct jota_err *err)
{
	return jota_part_parse(jota_swu_property_get(entry, "part"),
			       jota_swu_property_get(entry, "offset"),
			       jota_swu_property_get(entry, "total"), ret, err);
}

const char *jota_lint_label(const struct jota_swu_entry *entry)
{
	if (jota_lint_given(entry->filename))
		return entry->filename;
	if (jota_lint_given(entry->type))
		return entry->type;
	return jota_lint_given(entry->name) ? entry->name : "without a name";
}

bool jota_lint_given(const char *text)
{
	return text && text[0] != '\0';
}

bool jota_lint_is_image(const struct jota_swu_entry *entry)
{
	enum jota_role role;

	return jota_swu_entry_role(entry, &role) == 0;
}

bool jota_lint_is_hook(const struct jota_swu_entry *entry)
{
	return entry->section == JOTA_SWU_SCRIPTS &&
	       strcmp(jota_swu_entry_type(entry), JOTA_SWU_HOOK_TYPE) == 0;
}

const struct jota_swu_entry *jota_lint_entry(const struct jota_lint *l,
					     const struct jota_swu_view *view, size_t i)
{
	return &l->d->entry[view->entry[i]];
}

const char *jota_lint_view_label(const struct jota_swu_view *view)
{
	return view->name[0] ? view->name : "software";
}

bool jota_lint_next_word(const char **at, const char **ret_word, size_t *ret_len)
{
	*at += strspn(*at, " \t\n");
	*ret_word = *at;
	*ret_len = strcspn(*at, " \t\n");
	*at += *ret_len;
	return *ret_len > 0;
}

bool jota_lint_has_word(const char *text, const char *word)
{
	size_t len = strlen(word), found_len;
	const char *found;

	while (text && jota_lint_next_word(&text, &found, &found_len))
		if (found_len == len && memcmp(found, word, len) == 0)
			return true;
	return false;
}

static int run_rule(const struct jota_lint *l, const struct jota_lint_rule *rule)
{
	int rc = rule->whole ? rule->whole(l, rule) : 0;

	for (size_t i = 0; !rc && rule->entry && i < l->d->entry_count; i++)
		rc = rule->entry(l, rule, &l->d->entry[i]);
	for (size_t i = 0; !rc && rule->view && i < l->d->view_count; i++)
		rc = rule->view(l, rule, &l->d->view[i]);
	return rc;
}

int jota_swu_lint(const struct jota_swu_description *d, const struct jota_layout *layout,
		  struct jota_swu_findings *ret, struct jota_err *err)
{
	struct jota_lint l = { .d = d, .layout = layout, .f = ret };

	for (size_t t = 0; t < COUNT(tables); t++)
		for (size_t i = 0; i < *tables[t].count; i++)
			if (run_rule(&l, &tables[t].rule[i]) < 0)
				return jota_fail(err, ENOMEM, "keep what is wrong");
	return 0;
}

const char *jota_swu_lint_code(size_t i, const char **ret_meaning, bool *ret_fatal)
{
	for (size_t t = 0; t < COUNT(tables); t++) {
		if (i < *tables[t].count) {
			*ret_meaning = tables[t].rule[i].meaning;
			*ret_fatal = tables[t].rule[i].fatal;
			return tables[t].rule[i].code;
		}
		i -= *tables[t].count;
	}
	return NULL;
}
