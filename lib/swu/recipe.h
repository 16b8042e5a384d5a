/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * What a .swu is made of: update.conf, read with libconfig. docs/man/jetson-swu.conf.5 describes
 * each key. Relative paths in it are meant from the folder of the file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slot/slot.h"

struct jota_err;
struct jota_layout;

enum jota_compression {
	JOTA_COMPRESSION_NONE,
	JOTA_COMPRESSION_ZLIB,
	JOTA_COMPRESSION_ZSTD,
	JOTA_COMPRESSION_XZ,
	JOTA_COMPRESSION_COUNT
};
/** As SWUpdate's attribute `compressed` spells it: "none", "zlib", "zstd", "xz". Static storage. */
const char *jota_compression_name(enum jota_compression c);

enum jota_sign_method { JOTA_SIGN_CMS, JOTA_SIGN_RSA, JOTA_SIGN_RSA_PSS, JOTA_SIGN_METHOD_COUNT };
/** "cms", "rsa", "rsa-pss". Static storage. */
const char *jota_sign_method_name(enum jota_sign_method method);
/** -EINVAL: text is none of them; *ret is not written. */
int jota_sign_method_parse(const char *text, enum jota_sign_method *ret);

/** Content that no compressor makes smaller, encrypted, still fits into a file of a .swu. */
#define JOTA_RECIPE_SPLIT_GIB 3u
#define JOTA_RECIPE_SPLIT_GIB_MAX 64u

/** With a user's own sw-description each part of an image is one of these. */
#define JOTA_RECIPE_COMPONENTS_MAX 80u
#define JOTA_RECIPE_SIGNERS_MAX 8u
#define JOTA_RECIPE_BOARDS_MAX 8u
#define JOTA_RECIPE_SBOMS_MAX 8u

/** Strings are heap, NULL when not given; so everywhere below. */
struct jota_strings {
	char **item;
	size_t count;
};

/** One file of the .swu; with `description` it is an entry of `files`, without role. */
struct jota_recipe_component {
	bool has_role;
	enum jota_role role;
	bool keep;  /* copied from the running slot; no file */
	char *file; /* path */
	char *name; /* in the .swu; made from file when not given */
	enum jota_compression compression;
	bool has_level;
	int level;
	bool encrypt;
	uint64_t image_bytes; /* file is a tar, to become an ext4 of this size; else 0 */
	char *label;	      /* of that ext4 */
	unsigned split_gib;   /* content above this comes in parts of this; 0: the default */
	unsigned line;
};

/** One signature: a certificate and a key in one of three forms. */
struct jota_recipe_signer {
	char *certificate;
	char *public_key;	     /* plain RSA with a command and without certificate */
	char *key;		     /* path of a PEM file or a pkcs11: URI */
	struct jota_strings command; /* program and arguments */
	bool command_takes_data;     /* else it gets the digest */
	unsigned timeout_s;
	unsigned line;
};

struct jota_recipe_signing {
	bool given;
	enum jota_sign_method method;
	char *digest;  /* OpenSSL's name; default sha256 */
	char *purpose; /* emailProtection (default) or codeSigning */
	char *chain;   /* further certificates, PEM */
	unsigned margin_days;
	struct jota_recipe_signer signer[JOTA_RECIPE_SIGNERS_MAX];
	size_t signer_count;
	unsigned line;
};

struct jota_recipe_board {
	char *board;
	struct jota_strings revisions;
	unsigned line;
};

struct jota_recipe_sbom {
	char *file;
	char *name; /* in the .swu */
	unsigned line;
};

struct jota_recipe {
	char *path; /* of update.conf, for messages */
	char *version;
	char *text;			  /* for people, optional */
	char *description;		  /* path of the user's own sw-description, or NULL */
	const struct jota_layout *layout; /* NULL: any */
	struct jota_recipe_board board[JOTA_RECIPE_BOARDS_MAX];
	size_t board_count;
	struct jota_recipe_component component[JOTA_RECIPE_COMPONENTS_MAX];
	size_t component_count;
	struct jota_recipe_signing signing;
	char *aes_key; /* path */
	struct jota_recipe_sbom sbom[JOTA_RECIPE_SBOMS_MAX];
	size_t sbom_count;
	/* what the devices run: year * 100 + month of SWUpdate's version, 202212 when not given */
	unsigned device_swupdate;
	bool has_device_signature;
	enum jota_sign_method device_signature;
};

/**
 * Read and check update.conf. Errors name file and line: -ENOENT, -EFBIG (above 64 KiB), -EINVAL for
 * syntax, unknown key, wrong type, unknown role or layout, a role given twice, keep beside a file,
 * names that no .swu can carry or that are given twice, encryption without key, compression that the
 * devices' SWUpdate cannot undo. Files are not opened. jota_recipe_done() frees.
 */
int jota_recipe_read(const char *path, struct jota_recipe *ret, struct jota_err *err);
/** The same from text; path names the file in messages and gives the folder of relative paths. */
int jota_recipe_parse(const char *path, const char *text, struct jota_recipe *ret,
		      struct jota_err *err);
void jota_recipe_done(struct jota_recipe *r);
/** The component that is packed under this name; NULL. */
const struct jota_recipe_component *jota_recipe_find(const struct jota_recipe *r, const char *name);
/**
 * A name that a .swu can carry and the hook's list can hold: letters, digits, . _ + -, neither '.'
 * nor '-' in front, at most 254 characters, none of the archive's own names. -EINVAL with the reason.
 */
int jota_recipe_check_name(const char *name, struct jota_err *err);
/** Letters, digits and . _ + -, at most 200. -EINVAL. */
int jota_recipe_check_version(const char *version, struct jota_err *err);
