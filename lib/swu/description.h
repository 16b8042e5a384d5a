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

/** More text, entries or properties of one entry are refused. */
#define JOTA_SWU_TEXT_MAX (1024u * 1024u)
#define JOTA_SWU_ENTRIES_MAX 256
#define JOTA_SWU_PROPERTIES_MAX 64

struct jota_swu_property {
	char *name;
	char *value;
	unsigned line;
};

/** A growing list of names. */
struct jota_swu_names {
	char **name;
	size_t count;
};

enum jota_swu_section {
	JOTA_SWU_IMAGES,
	JOTA_SWU_FILES,
	JOTA_SWU_SCRIPTS,
	JOTA_SWU_PARTITIONS,
	JOTA_SWU_BOOTENV, /* a script for the bootloader, among the variables */
	JOTA_SWU_SBOM,	  /* carried and signed, not installed: SWUpdate passes over the section */
};
#define JOTA_SWU_SECTION_COUNT 6

/** One entry of images, files, scripts, partitions, sbom. Strings are heap, NULL when not given. */
struct jota_swu_entry {
	enum jota_swu_section section;
	/* dotted path of the group it stands in below software: "" or "stable.copy1" or a board */
	char *selection;
	char *filename;
	char *type; /* as given: SWUpdate's defaults are not filled in */
	char *device, *path, *volume, *mtdname, *offset;
	char *name, *version;
	bool install_if_different, install_if_higher;
	bool installed_directly;
	char *compressed; /* "zlib", "zstd", "xz", "true" or what stands there; NULL none */
	bool encrypted;
	char *ivt;
	char *sha256;
	char *data;
	char *ref; /* a link that leads nowhere; one that leads somewhere is no entry */
	struct jota_swu_property *property;
	size_t property_count;
	/* attributes that SWUpdate passes over: value of a wrong kind, name it does not know */
	struct jota_swu_names ignored, unknown;
	unsigned line;
};

/**
 * What one kind of device finds in the description. SWUpdate looks for each section on its own: in
 * BOARD.SET.MODE, then SET.MODE, then BOARD, then in software itself. There is one view for each
 * group that has a section of its own, and one for software if it has.
 */
struct jota_swu_view {
	char *name;    /* "" or the group's dotted path */
	size_t *entry; /* indices into the description's entries, in SWUpdate's order */
	size_t entry_count;
	size_t *bootenv; /* indices into the description's bootenv */
	size_t bootenv_count;
	bool has_version, has_hardware, has_embedded_script;
	bool has_reboot, reboot;
	bool state_marker_off, transaction_marker_off;
	unsigned line;
};

struct jota_swu_description {
	char *version, *text_description;
	bool has_reboot, reboot; /* the 'reboot' flag, when given; false wins */
	bool state_marker_off, transaction_marker_off; /* in any view */
	/* hardware-compatibility of all sections, as "board:rev" or "rev" */
	char **hardware;
	size_t hardware_count;
	struct jota_swu_entry *entry;
	size_t entry_count;
	struct jota_swu_property *bootenv;
	size_t bootenv_count;
	struct jota_swu_view *view;
	size_t view_count;
};

/**
 * Parse text (NUL-terminated, at most JOTA_SWU_TEXT_MAX). name: for messages. -EBADMSG with the
 * line; @include, links that go round and JSON are refused. jota_swu_description_done() frees; on
 * failure there is nothing to free.
 */
int jota_swu_description_parse(const char *name, const char *text, struct jota_swu_description *ret,
			       struct jota_err *err);
void jota_swu_description_done(struct jota_swu_description *d);
/** Value of an entry's property; NULL. */
const char *jota_swu_property_get(const struct jota_swu_entry *entry, const char *name);
/** "images", "files", ...; static storage. */
const char *jota_swu_section_name(enum jota_swu_section section);
/** Type of an entry as SWUpdate takes it, its default filled in; "" when there is none. */
const char *jota_swu_entry_type(const struct jota_swu_entry *entry);
/** 64 hexadecimal digits that are not all zero: SWUpdate takes everything else for "no hash". */
bool jota_swu_hash_parse(const char *text, uint8_t ret_hash[32]);
