/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE /* open_memstream */
#include "swu/emit.h"

#include "base/err.h"
#include "swu/lint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The type that writes a role; the handlers register these names. */
static const char *const role_types[JOTA_ROLE_COUNT] = {
	[JOTA_ROLE_KERNEL] = "jetson-bootimg",
	[JOTA_ROLE_BOOTLOADER] = "jetson-bootloader",
	[JOTA_ROLE_ROOTFS] = "jetson-rootfs",
};

void jota_emit_hex(const uint8_t *data, size_t len_bytes, char *buf)
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < len_bytes; i++) {
		buf[2 * i] = digit[data[i] >> 4];
		buf[2 * i + 1] = digit[data[i] & 15];
	}
	buf[2 * len_bytes] = '\0';
}

/* In one line, as long as a whole image needs but one of them. */
static void put_properties(FILE *f, const struct jota_emit_file *file)
{
	bool compressed = file->compression != JOTA_COMPRESSION_NONE;
	const struct jota_part *part = &file->part;

	if (!compressed && !file->encrypt && part->number == 0)
		return;
	(void)fputs("\t\t\t\tproperties: {", f);
	if (part->number > 0)
		(void)fprintf(f,
			      " part = \"%" PRIu64 "\"; offset = \"%" PRIu64
			      "\"; total = \"%" PRIu64 "\";",
			      part->number, part->offset_bytes, part->total_bytes);
	if (compressed || file->encrypt)
		(void)fprintf(f, " %s = \"%" PRIu64 "\";",
			      compressed ? "decompressed-size" : "decrypted-size",
			      file->content_bytes);
	(void)fputs(" };\n", f);
}

static void put_image(FILE *f, const struct jota_emit_file *file)
{
	char hex[2 * JOTA_SHA256_BYTES + 1];
	bool compressed = file->compression != JOTA_COMPRESSION_NONE;

	(void)fprintf(f, "\t\t\t{\n\t\t\t\tfilename = \"%s\";\n\t\t\t\ttype = \"%s\";\n",
		      file->name, role_types[file->role]);
	if (compressed)
		(void)fprintf(f, "\t\t\t\tcompressed = \"%s\";\n",
			      jota_compression_name(file->compression));
	if (file->encrypt) {
		jota_emit_hex(file->iv, JOTA_AES_IV_BYTES, hex);
		(void)fprintf(f, "\t\t\t\tencrypted = true;\n\t\t\t\tivt = \"%s\";\n", hex);
	}
	jota_emit_hex(file->sha256, JOTA_SHA256_BYTES, hex);
	(void)fprintf(f, "\t\t\t\tinstalled-directly = true;\n\t\t\t\tsha256 = \"%s\";\n", hex);
	put_properties(f, file);
	(void)fprintf(f, "\t\t\t}");
}

static void put_sbom(FILE *f, const struct jota_emit_file *file)
{
	char hex[2 * JOTA_SHA256_BYTES + 1];

	jota_emit_hex(file->sha256, JOTA_SHA256_BYTES, hex);
	(void)fprintf(f, "\t\t\t{\n\t\t\t\tfilename = \"%s\";\n\t\t\t\tsha256 = \"%s\";\n\t\t\t}",
		      file->name, hex);
}

/* A list of all files that are, or are not, SBOMs. */
static void put_list(FILE *f, const char *name, bool sbom, const struct jota_emit_file *file,
		     size_t count)
{
	bool first = true;

	for (size_t i = 0; i < count; i++) {
		if (file[i].is_sbom != sbom)
			continue;
		(void)fputs(first ? "\t\t" : ",\n", f);
		if (first)
			(void)fprintf(f, "%s: (\n", name);
		if (sbom)
			put_sbom(f, &file[i]);
		else
			put_image(f, &file[i]);
		first = false;
	}
	if (!first)
		(void)fputs("\n\t\t);\n", f);
}

static void put_hook(FILE *f, const struct jota_recipe *recipe, const struct jota_emit_file *file,
		     size_t count)
{
	const char *space = "";

	(void)fprintf(f,
		      "\t\tscripts: (\n\t\t\t{\n\t\t\t\ttype = \"%s\";\n"
		      "\t\t\t\tproperties: {\n\t\t\t\t\timages = \"",
		      JOTA_SWU_HOOK_TYPE);
	for (size_t i = 0; i < count; i++) {
		if (file[i].is_sbom)
			continue;
		(void)fprintf(f, "%s%s", space, file[i].name);
		space = " ";
	}
	(void)fputs("\";\n", f);
	space = "\t\t\t\t\tkeep = \"";
	for (size_t i = 0; i < recipe->component_count; i++) {
		if (!recipe->component[i].keep)
			continue;
		(void)fprintf(f, "%s%s", space, jota_role_name(recipe->component[i].role));
		space = " ";
	}
	if (space[0] == ' ')
		(void)fputs("\";\n", f);
	(void)fputs("\t\t\t\t};\n\t\t\t}\n\t\t);\n", f);
}

static void put_board(FILE *f, const struct jota_recipe *recipe,
		      const struct jota_recipe_board *board, const struct jota_emit_file *file,
		      size_t count)
{
	(void)fprintf(f, "\n\t%s =\n\t{\n\t\thardware-compatibility: [ ", board->board);
	for (size_t i = 0; i < board->revisions.count; i++)
		(void)fprintf(f, "%s\"%s\"", i ? ", " : "", board->revisions.item[i]);
	(void)fputs(" ];\n", f);
	put_list(f, "images", false, file, count);
	put_hook(f, recipe, file, count);
	put_list(f, "sbom", true, file, count);
	(void)fputs("\t};\n", f);
}

int jota_emit_made(const struct jota_recipe *recipe, const struct jota_emit_file *file,
		   size_t count, char **ret_text, struct jota_err *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int failed;

	if (!f)
		return jota_fail(err, errno, "write sw-description");
	(void)fprintf(f, "software =\n{\n\tversion = \"%s\";\n", recipe->version);
	if (recipe->text)
		(void)fprintf(f, "\tdescription = \"%s\";\n", recipe->text);
	for (size_t i = 0; i < recipe->board_count; i++)
		put_board(f, recipe, &recipe->board[i], file, count);
	(void)fputs("}\n", f);
	failed = ferror(f);
	if (fclose(f) != 0 || failed) {
		free(text);
		return jota_fail(err, ENOMEM, "write sw-description");
	}
	*ret_text = text;
	return 0;
}
