/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * A sw-description as data, read with libconfig, with the line of each entry, for lint, verify,
 * inspect, diff and for completing a user's own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jota_err;

struct jota_swu_property {
	char *name;
	char *value;
};

/**
 * One entry of images, files, scripts (or the bootenv list). Strings are heap, NULL when not
 * given.
 */
struct jota_swu_entry {
	enum jota_swu_section {
		JOTA_SWU_IMAGES,
		JOTA_SWU_FILES,
		JOTA_SWU_SCRIPTS,
		JOTA_SWU_PARTITIONS
	} section;
	/*
	 * dotted path of the group it stands in below software: "" or "stable.copy1" or a
	 * board's name
	 */
	char *selection;
	char *filename;
	char *type;
	char *device, *path, *volume, *mtdname, *offset;
	char *name, *version;
	bool install_if_different, install_if_higher;
	bool installed_directly;
	char *compressed; /* "zlib", "zstd", "xz", "true"; NULL none */
	bool encrypted;
	char *ivt;
	char *sha256;
	char *data;
	struct jota_swu_property *property;
	size_t property_count;
	unsigned line;
};

struct jota_swu_description {
	char *version, *text_description;
	bool has_reboot, reboot; /* the 'reboot' flag, when given */
	bool state_marker_off, transaction_marker_off;
	/* hardware-compatibility of all sections, as "board:rev" or "rev" */
	char **hardware;
	size_t hardware_count;
	struct jota_swu_entry *entry;
	size_t entry_count;
	struct jota_swu_property *bootenv;
	size_t bootenv_count;
};

/**
 * Parse text (NUL-terminated, at most 1 MiB). name: for messages. -EBADMSG with line; @include
 * is refused. jota_swu_description_done() frees.
 */
int jota_swu_description_parse(const char *name, const char *text, struct jota_swu_description *ret,
			       struct jota_err *err);
void jota_swu_description_done(struct jota_swu_description *d);
/** Value of an entry's property; NULL. */
const char *jota_swu_property_get(const struct jota_swu_entry *entry, const char *name);

/** One thing that is wrong with a description or a .swu. */
struct jota_swu_finding {
	bool fatal;	/* the device would refuse it; else a warning */
	unsigned line;	/* in sw-description, 0: not about a line */
	char code[32];	/* stable, "half-slot", "missing-script-type": for --json and tests */
	char text[320]; /* one sentence: object, expected, found, what to do */
};
struct jota_swu_findings {
	struct jota_swu_finding *finding;
	size_t count;
};
int jota_swu_finding_add(struct jota_swu_findings *f, bool fatal, unsigned line, const char *code,
			 const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void jota_swu_findings_done(struct jota_swu_findings *f);

struct jota_layout;
/**
 * Everything that SWUpdate's parser, our handlers or our hook would refuse, found without the
 * payload: unknown types, scripts without type, missing sha256, half a slot for the layout
 * (layout NULL:
 * any of the known ones must be satisfied), hook list and images that differ, device or path on
 * A/B images, install-if-different on them, unknown properties, missing
 * decompressed-size/decrypted-size, reboot = false, state marker off, bootenv setting slot
 * variables, the same role twice, parts of a split image (properties part, offset, total) with
 * gaps. -ENOMEM only.
 */
int jota_swu_lint(const struct jota_swu_description *d, const struct jota_layout *layout,
		  struct jota_swu_findings *ret, struct jota_err *err);
