/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Between the files of the description's parser; not for others. */
#pragma once

#include <libconfig.h>

#include "swu/description.h"

#define ROOT_NAME "software"

/* What is being read: libconfig's tree, and our entries with the setting that each came from. */
struct jota_swu_tree {
	const char *name; /* for messages */
	const config_t *config;
	struct jota_swu_description *d;
	const config_setting_t *entry_from[JOTA_SWU_ENTRIES_MAX];
	const config_setting_t *bootenv_from[JOTA_SWU_ENTRIES_MAX];
};

/** Dotted path of the groups around a setting, below software; heap, NULL: no memory. */
char *jota_swu_tree_selection(const config_setting_t *setting);
/** Is this the name of a section or of another thing that SWUpdate reads, so no selection? */
bool jota_swu_tree_is_field(const char *name);
/** Text of a setting, NULL when it is none. */
const char *jota_swu_tree_text(const config_setting_t *setting);
/** Append a copy. -ENOMEM. */
int jota_swu_names_add(struct jota_swu_names *names, const char *name);
void jota_swu_names_done(struct jota_swu_names *names);
/** Fill one entry from a group; on failure it can be freed all the same. -ENOMEM, -EBADMSG. */
int jota_swu_entry_take(struct jota_swu_tree *tree, const config_setting_t *setting,
			struct jota_swu_entry *entry, struct jota_err *err);
void jota_swu_entry_done(struct jota_swu_entry *entry);
/** Index of the entry for a setting in a section, made when it is new. -ENOMEM, -EBADMSG. */
int jota_swu_tree_entry(struct jota_swu_tree *tree, enum jota_swu_section section,
			const config_setting_t *setting, size_t *ret_index, struct jota_err *err);
/** Index of the bootloader variable for a setting, made when it is new. -ENOMEM, -EBADMSG. */
int jota_swu_tree_bootenv(struct jota_swu_tree *tree, const config_setting_t *setting,
			  size_t *ret_index, struct jota_err *err);
/** Fill d->view. -ENOMEM, -EBADMSG. */
int jota_swu_tree_views(struct jota_swu_tree *tree, struct jota_err *err);
void jota_swu_view_done(struct jota_swu_view *view);
