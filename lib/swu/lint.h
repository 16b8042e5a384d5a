/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What can be said about a sw-description without its payload. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slot/slot.h"
#include "write/part.h"

struct jota_err;
struct jota_layout;
struct jota_swu_description;
struct jota_swu_entry;
struct jota_swu_findings;

#define JOTA_SWU_HOOK_TYPE "jetson-postinstall"
/** Words that a property of the hook may have; the hook on the device refuses more. */
#define JOTA_SWU_HOOK_WORDS_MAX JOTA_HOOK_NAMES_MAX

/**
 * Everything that SWUpdate's parser, our handlers or our hook would refuse, found without the
 * payload: unknown types, scripts without type, missing sha256, half a slot for the layout
 * (layout NULL: at least one of the known ones must be satisfied), hook list and images that
 * differ, device or path on A/B images, install-if-different on them, unknown properties, missing
 * decompressed-size or decrypted-size, reboot = false, state marker off, bootenv setting slot
 * variables, the same role twice, parts of a split image (properties part, offset, total) with
 * gaps. Whoever signs images needs a sha256 on each: that is taken for granted here.
 * -ENOMEM only; findings go to ret.
 */
int jota_swu_lint(const struct jota_swu_description *d, const struct jota_layout *layout,
		  struct jota_swu_findings *ret, struct jota_err *err);

/** What an entry's properties say about a part, as jota_part_parse() has it. */
int jota_swu_entry_part(const struct jota_swu_entry *entry, struct jota_part *ret,
			struct jota_err *err);
/**
 * Bytes that an entry's content has when it arrives, from its properties as SWUpdate reads them;
 * 0: they do not say. -EINVAL or -ERANGE with the reason: compressed or encrypted and no usable
 * size.
 */
int jota_swu_entry_size(const struct jota_swu_entry *entry, uint64_t *ret_bytes,
			struct jota_err *err);

/** Role that an entry's type writes; -EINVAL: it is none of our images. */
int jota_swu_entry_role(const struct jota_swu_entry *entry, enum jota_role *ret_role);

/** i-th rule's code and meaning, for --rules and the manual; NULL past the end. */
const char *jota_swu_lint_code(size_t i, const char **ret_meaning, bool *ret_fatal);
