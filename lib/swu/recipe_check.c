/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE /* asprintf */
#include "swu/recipe_check.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/number.h"
#include "slot/layout.h"
#include "swu/container.h"
#include "swu/recipe.h"
#include "swu/recipe_keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define IMAGE_BYTES_MIN (16u << 20)
#define WORD LETTERS "._+-"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* Levels of each method, and the first release of SWUpdate that can undo it. */
static const struct {
	int level_min, level_max;
	unsigned since;
	const char *suffix;
} methods[JOTA_COMPRESSION_COUNT] = {
	[JOTA_COMPRESSION_NONE] = { 0, 0, 0, "" },
	[JOTA_COMPRESSION_ZLIB] = { 1, 9, 0, ".gz" },
	[JOTA_COMPRESSION_ZSTD] = { 1, 19, 201911, ".zst" },
	[JOTA_COMPRESSION_XZ] = { 1, 9, 202512, ".xz" },
};

int jota_recipe_parse_release(const char *text, unsigned *ret)
{
	char year[5] = "", month[3] = "";
	uint64_t y, m;

	if (strspn(text, "0123456789.") != strlen(text) || strlen(text) < 7 || text[4] != '.')
		return -EINVAL;
	memcpy(year, text, 4);
	memcpy(month, text + 5, 2);
	/* What follows is the number of a correction. */
	if ((text[7] != '\0' && text[7] != '.') ||
	    jota_parse_u64("year", year, 2013, 2199, &y, NULL) < 0)
		return -EINVAL;
	if (month[0] == '0') {
		month[0] = month[1];
		month[1] = '\0';
	}
	if (jota_parse_u64("month", month, 1, 12, &m, NULL) < 0)
		return -EINVAL;
	*ret = (unsigned)(y * 100 + m);
	return 0;
}

int jota_recipe_check_name(const char *name, struct jota_err *err)
{
	if (name[0] == '\0' || name[0] == '.' || name[0] == '-' ||
	    name[strspn(name, LETTERS "._+-")] != '\0')
		return jota_fail(err, EINVAL,
				 "'%.80s' is not a name for a file in a .swu: letters, digits and "
				 ". _ + - only, not beginning with . or -.",
				 name);
	if (strlen(name) > JOTA_SWU_NAME_BYTES - 2)
		return jota_fail(err, EINVAL,
				 "'%.40s...' has %zu characters, a name in a .swu has at most %d.",
				 name, strlen(name), JOTA_SWU_NAME_BYTES - 2);
	if (strcmp(name, JOTA_SWU_DESCRIPTION) == 0 || strcmp(name, JOTA_SWU_SIGNATURE) == 0 ||
	    strcmp(name, JOTA_SWU_TRAILER) == 0)
		return jota_fail(err, EINVAL, "'%s' is a name that the .swu needs for itself.",
				 name);
	return 0;
}

static int check_name(const struct jota_key_reader *reader, unsigned line, const char *name,
		      struct jota_err *err)
{
	int r = jota_recipe_check_name(name, err);

	return r < 0 ? jota_wrap(err, "%s line %u: ", reader->path, line) : 0;
}

/* Board and version end up as a libconfig name and text. */
static int check_word(const struct jota_key_reader *reader, unsigned line, const char *key,
		      const char *text, const char *allowed, struct jota_err *err)
{
	if (text && text[0] != '\0' && text[strspn(text, allowed)] == '\0' && strlen(text) <= 200)
		return 0;
	return jota_key_fail(
		reader, line, err,
		"%s '%.60s' has other characters than letters, digits and %s, or more than 200",
		key, text ? text : "", allowed + sizeof(LETTERS) - 1);
}

int jota_recipe_check_version(const char *version, struct jota_err *err)
{
	if (version[0] != '\0' && version[strspn(version, WORD)] == '\0' && strlen(version) <= 200)
		return 0;
	return jota_fail(err, EINVAL,
			 "version '%.60s' has other characters than letters, digits and . _ + -, or "
			 "more than 200.",
			 version);
}

static int check_board(const struct jota_key_reader *reader, const struct jota_recipe_board *b,
		       struct jota_err *err)
{
	int r;

	if (!b->board || b->revisions.count == 0)
		return jota_key_fail(reader, b->line, err,
				     "hardware needs board and revisions, for example "
				     "{ board = \"jetson-demo\"; revisions = [ \"1.0\" ]; }");
	/* The name of a group in libconfig begins with a letter. */
	if (strspn(b->board, "0123456789_-") > 0)
		return jota_key_fail(reader, b->line, err, "board '%.60s' must begin with a letter",
				     b->board);
	r = check_word(reader, b->line, "board", b->board, LETTERS "_-", err);
	for (size_t i = 0; r == 0 && i < b->revisions.count; i++)
		r = check_word(reader, b->line, "revision", b->revisions.item[i], LETTERS "._+-",
			       err);
	return r;
}

static int check_boards(const struct jota_key_reader *reader, const struct jota_recipe *r,
			struct jota_err *err)
{
	if (r->board_count == 0)
		return jota_key_fail(
			reader, 0, err,
			"hardware is missing: the board and its revisions that may take "
			"this update, without which a device refuses it");
	for (size_t i = 0; i < r->board_count; i++) {
		int rc = check_board(reader, &r->board[i], err);

		if (rc < 0)
			return rc;
		for (size_t k = 0; k < i; k++)
			if (strcmp(r->board[i].board, r->board[k].board) == 0)
				return jota_key_fail(reader, r->board[i].line, err,
						     "board '%s' is given twice", r->board[i].board);
	}
	return 0;
}

/* "/x/rootfs.ext4" with zstd and encryption: "rootfs.ext4.zst.enc"; a tar is no longer one. */
static int make_name(const struct jota_key_reader *reader, struct jota_recipe_component *c,
		     struct jota_err *err)
{
	const char *slash = strrchr(c->file, '/');
	const char *base = slash ? slash + 1 : c->file;
	const char *tar = c->image_bytes > 0 ? strstr(base, ".tar") : NULL;
	int stem = (int)(tar ? (size_t)(tar - base) : strlen(base));

	if (c->name)
		return 0;
	if (asprintf(&c->name, "%.*s%s%s%s", stem, base, c->image_bytes > 0 ? ".ext4" : "",
		     methods[c->compression].suffix, c->encrypt ? ".enc" : "") < 0) {
		c->name = NULL;
		return jota_fail(err, ENOMEM, "%s", reader->path);
	}
	return 0;
}

static int check_compression(const struct jota_key_reader *reader, const struct jota_recipe *r,
			     const struct jota_recipe_component *c, struct jota_err *err)
{
	int low = methods[c->compression].level_min, high = methods[c->compression].level_max;
	unsigned since = methods[c->compression].since;

	if (c->has_level && c->compression == JOTA_COMPRESSION_NONE)
		return jota_key_fail(reader, c->line, err, "level without compress");
	if (c->has_level && (c->level < low || c->level > high))
		return jota_key_fail(reader, c->line, err, "level is %d, %s takes %d to %d",
				     c->level, jota_compression_name(c->compression), low, high);
	if (r->device_swupdate < since)
		return jota_key_fail(
			reader, c->line, err,
			"SWUpdate before %u.%02u cannot unpack %s and the devices have %u.%02u: take "
			"zstd, or say device: { swupdate = \"...\"; } when they have a newer one",
			since / 100, since % 100, jota_compression_name(c->compression),
			r->device_swupdate / 100, r->device_swupdate % 100);
	return 0;
}

static int check_kept(const struct jota_key_reader *reader, const struct jota_recipe_component *c,
		      struct jota_err *err)
{
	if (c->file || c->name || c->compression != JOTA_COMPRESSION_NONE || c->encrypt ||
	    c->image_bytes > 0 || c->label || c->split_gib > 0)
		return jota_key_fail(reader, c->line, err,
				     "%s is kept, so no other key than role can stand beside keep",
				     jota_role_name(c->role));
	return 0;
}

static int check_component(const struct jota_key_reader *reader, const struct jota_recipe *r,
			   struct jota_recipe_component *c, struct jota_err *err)
{
	int rc;

	if (!r->description && !c->has_role)
		return jota_key_fail(reader, c->line, err,
				     "role is missing, there are: kernel, bootloader, rootfs");
	if (r->description && (c->has_role || c->keep))
		return jota_key_fail(reader, c->line, err,
				     "%s is for components: your own sw-description says it",
				     c->keep ? "keep" : "role");
	if (c->keep)
		return check_kept(reader, c, err);
	if (!c->file)
		return jota_key_fail(reader, c->line, err,
				     "file is missing (or keep = true, to copy the running slot's)");
	if (c->image_bytes > 0 && c->has_role && c->role != JOTA_ROLE_ROOTFS)
		return jota_key_fail(reader, c->line, err,
				     "image_size is for the rootfs given as a tar");
	if (c->image_bytes > 0 && (c->image_bytes < IMAGE_BYTES_MIN || c->image_bytes % 4096 != 0))
		return jota_key_fail(reader, c->line, err,
				     "image_size must be at least 16 MiB and a multiple of 4096");
	if (c->label && (c->image_bytes == 0 || strlen(c->label) > 16))
		return jota_key_fail(reader, c->line, err,
				     "label is that of an ext4 made from a tar, 16 bytes at most");
	if (c->split_gib > 0 && (!c->has_role || c->role != JOTA_ROLE_ROOTFS))
		return jota_key_fail(reader, c->line, err, "split is for %s",
				     r->description ? "components: your own sw-description "
						      "names the parts of an image itself" :
						      "the rootfs, others come whole");
	if (c->encrypt && !r->aes_key)
		return jota_key_fail(reader, c->line, err,
				     "encrypt needs encryption: { key = \"file\"; }");
	rc = check_compression(reader, r, c, err);
	if (rc == 0)
		rc = make_name(reader, c, err);
	return rc < 0 ? rc : check_name(reader, c->line, c->name, err);
}

static int check_role_once(const struct jota_key_reader *reader, const struct jota_recipe *r,
			   size_t i, struct jota_err *err)
{
	for (size_t k = 0; k < i; k++)
		if (r->component[i].has_role && r->component[k].has_role &&
		    r->component[i].role == r->component[k].role)
			return jota_key_fail(reader, r->component[i].line, err,
					     "role %s is given twice, the first time in line %u",
					     jota_role_name(r->component[i].role),
					     r->component[k].line);
	return 0;
}

static int check_components(const struct jota_key_reader *reader, struct jota_recipe *r,
			    struct jota_err *err)
{
	if (!r->description && r->component_count == 0)
		return jota_key_fail(reader, 0, err,
				     "components is missing, and so is a description of your own");
	for (size_t i = 0; i < r->component_count; i++) {
		int rc = check_component(reader, r, &r->component[i], err);

		if (rc == 0)
			rc = check_role_once(reader, r, i, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_sboms(const struct jota_key_reader *reader, struct jota_recipe *r,
		       struct jota_err *err)
{
	for (size_t i = 0; i < r->sbom_count; i++) {
		struct jota_recipe_sbom *s = &r->sbom[i];
		const char *slash;
		int rc;

		if (!s->file)
			return jota_key_fail(reader, s->line, err, "sbom needs file");
		slash = strrchr(s->file, '/');
		if (!s->name)
			s->name = strdup(slash ? slash + 1 : s->file);
		if (!s->name)
			return jota_fail(err, ENOMEM, "%s", reader->path);
		rc = check_name(reader, s->line, s->name, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Component and SBOM i of all of them, for the search for names given twice. */
static const char *name_at(const struct jota_recipe *r, size_t i, unsigned *ret_line)
{
	if (i < r->component_count) {
		*ret_line = r->component[i].line;
		return r->component[i].name;
	}
	*ret_line = r->sbom[i - r->component_count].line;
	return r->sbom[i - r->component_count].name;
}

static int check_names_once(const struct jota_key_reader *reader, const struct jota_recipe *r,
			    struct jota_err *err)
{
	size_t count = r->component_count + r->sbom_count;

	for (size_t i = 0; i < count; i++) {
		unsigned line, other;
		const char *name = name_at(r, i, &line);

		for (size_t k = 0; name && k < i; k++) {
			const char *before = name_at(r, k, &other);

			if (before && strcmp(before, name) == 0)
				return jota_key_fail(reader, line, err,
						     "the name '%s' is given twice, the first time "
						     "in line %u: set name",
						     name, other);
		}
	}
	return 0;
}

static int check_signer(const struct jota_key_reader *reader, const struct jota_recipe_signing *s,
			const struct jota_recipe_signer *one, struct jota_err *err)
{
	bool cms = s->method == JOTA_SIGN_CMS;

	if ((one->key != NULL) == (one->command.count > 0))
		return jota_key_fail(reader, one->line, err, "a signer needs either key or command");
	if (cms && !one->certificate)
		return jota_key_fail(reader, one->line, err, "a cms signer needs its certificate");
	if (one->command.count > 0 && !one->certificate && !one->public_key)
		return jota_key_fail(reader, one->line, err,
				     "a signer by command needs certificate or public_key, to check "
				     "what the command gives");
	return 0;
}

static int set_default_text(const struct jota_key_reader *reader, char **text, const char *value,
			    struct jota_err *err)
{
	if (!*text)
		*text = strdup(value);
	return *text ? 0 : jota_fail(err, ENOMEM, "%s", reader->path);
}

static int check_signing(const struct jota_key_reader *reader, struct jota_recipe *r,
			 struct jota_err *err)
{
	struct jota_recipe_signing *s = &r->signing;
	int rc = set_default_text(reader, &s->digest, "sha256", err);

	if (rc == 0)
		rc = set_default_text(reader, &s->purpose, "emailProtection", err);
	if (rc < 0)
		return rc;
	if (!s->given || s->signer_count == 0)
		return jota_key_fail(reader, s->line, err,
				     "signing is missing or has no signers: a device takes signed "
				     "updates only");
	if (strcmp(s->purpose, "emailProtection") != 0 && strcmp(s->purpose, "codeSigning") != 0)
		return jota_key_fail(
			reader, s->line, err,
			"purpose '%.40s' is not known, there are: emailProtection, codeSigning",
			s->purpose);
	for (size_t i = 0; rc == 0 && i < s->signer_count; i++)
		rc = check_signer(reader, s, &s->signer[i], err);
	if (rc < 0 || s->method == JOTA_SIGN_CMS)
		return rc;
	if (s->signer_count > 1)
		return jota_key_fail(reader, s->line, err,
				     "%s has one signature, so one signer; several need cms",
				     jota_sign_method_name(s->method));
	if (strcmp(s->digest, "sha256") != 0)
		return jota_key_fail(reader, s->line, err,
				     "digest '%.40s': SWUpdate verifies %s with sha256 only",
				     s->digest, jota_sign_method_name(s->method));
	return 0;
}

int jota_recipe_check(const struct jota_key_reader *reader, struct jota_recipe *r,
		      struct jota_err *err)
{
	int rc = 0;

	if (!r->version && !r->description)
		rc = jota_key_fail(reader, 0, err, "version is missing");
	else if (r->version && jota_recipe_check_version(r->version, err) < 0)
		rc = jota_wrap(err, "%s: ", reader->path);
	if (rc == 0 && r->text && strpbrk(r->text, "\"\\\n\r\t"))
		rc = jota_key_fail(reader, 0, err, "text has quotes, backslashes or line ends");
	if (rc == 0 && r->description && r->board_count > 0)
		rc = jota_key_fail(reader, r->board[0].line, err,
				   "hardware is for components: your own sw-description says it");
	if (rc == 0 && !r->description)
		rc = check_boards(reader, r, err);
	if (rc == 0)
		rc = check_components(reader, r, err);
	if (rc == 0)
		rc = check_sboms(reader, r, err);
	if (rc == 0)
		rc = check_names_once(reader, r, err);
	return rc < 0 ? rc : check_signing(reader, r, err);
}

const struct jota_recipe_component *jota_recipe_find(const struct jota_recipe *r, const char *name)
{
	for (size_t i = 0; i < r->component_count; i++)
		if (r->component[i].name && strcmp(r->component[i].name, name) == 0)
			return &r->component[i];
	return NULL;
}

static void drop_strings(struct jota_strings *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->item[i]);
	free(s->item);
}

static void drop_signing(struct jota_recipe_signing *s)
{
	for (size_t i = 0; i < s->signer_count; i++) {
		free(s->signer[i].certificate);
		free(s->signer[i].public_key);
		free(s->signer[i].key);
		drop_strings(&s->signer[i].command);
	}
	free(s->digest);
	free(s->purpose);
	free(s->chain);
}

void jota_recipe_done(struct jota_recipe *r)
{
	for (size_t i = 0; i < r->board_count; i++) {
		free(r->board[i].board);
		drop_strings(&r->board[i].revisions);
	}
	for (size_t i = 0; i < r->component_count; i++) {
		free(r->component[i].file);
		free(r->component[i].name);
		free(r->component[i].label);
	}
	for (size_t i = 0; i < r->sbom_count; i++) {
		free(r->sbom[i].file);
		free(r->sbom[i].name);
	}
	drop_signing(&r->signing);
	free(r->path);
	free(r->version);
	free(r->text);
	free(r->description);
	free(r->aes_key);
	memset(r, 0, sizeof(*r));
}
