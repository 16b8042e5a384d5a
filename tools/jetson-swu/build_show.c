/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "build_show.h"

#include "base/err.h"
#include "swu/build.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#define BAR_CELLS 30u
#define BINARY_UNIT 1024.0

void build_show_start(struct build_show *s, bool json, bool quiet)
{
	s->json = json;
	s->quiet = quiet;
	s->terminal = !quiet && isatty(STDERR_FILENO) == 1;
	s->warnings = json_object_new_array();
}

void build_show_done(struct build_show *s)
{
	build_show_end(s);
	(void)json_object_put(s->warnings);
	s->warnings = NULL;
}

void build_show_end(struct build_show *s)
{
	if (s->line_open)
		(void)fputs("\r\033[K", stderr);
	s->line_open = false;
}

void build_show_warning(struct build_show *s, const char *sentence)
{
	build_show_end(s);
	(void)fprintf(stderr, "jetson-swu build: warning: %s\n", sentence);
	(void)json_object_array_add(s->warnings, json_object_new_string(sentence));
}

/* "1.50 GiB" */
static void format_size(uint64_t bytes, char *buf, size_t buf_bytes)
{
	static const char *const unit[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	size_t u = 0;

	while (value >= BINARY_UNIT && u + 1 < sizeof(unit) / sizeof(unit[0])) {
		value /= BINARY_UNIT;
		u++;
	}
	(void)snprintf(buf, buf_bytes, u ? "%.2f %s" : "%.0f %s", value, unit[u]);
}

static void show_bar(struct build_show *s, const char *name, uint64_t total_bytes)
{
	char bar[BAR_CELLS + 1], size[32];
	unsigned full = s->last_percent * BAR_CELLS / 100;

	for (unsigned i = 0; i < BAR_CELLS; i++)
		bar[i] = i < full ? '#' : '.';
	bar[BAR_CELLS] = '\0';
	format_size(total_bytes, size, sizeof(size));
	(void)fprintf(stderr, "\r\033[K%.40s [%s] %3u %% of %s", name, bar, s->last_percent, size);
	(void)fflush(stderr);
	s->line_open = true;
}

void build_show_progress(void *ctx, const char *name, uint64_t done_bytes, uint64_t total_bytes)
{
	struct build_show *s = ctx;
	unsigned percent =
		total_bytes ? (unsigned)((double)done_bytes * 100 / (double)total_bytes) : 100;
	bool other = strcmp(s->last, name) != 0;
	char size[32];

	if (s->quiet || (!other && percent == s->last_percent))
		return;
	(void)snprintf(s->last, sizeof(s->last), "%s", name);
	s->last_percent = percent;
	if (s->terminal) {
		show_bar(s, name, total_bytes);
	} else if (other) {
		format_size(total_bytes, size, sizeof(size));
		(void)fprintf(stderr, "packing %s, %s\n", name, size);
	}
}

static void add_text(json_object *to, const char *name, const char *text)
{
	(void)json_object_object_add(to, name, text ? json_object_new_string(text) : NULL);
}

static void add_number(json_object *to, const char *name, uint64_t value)
{
	(void)json_object_object_add(to, name, json_object_new_uint64(value));
}

static json_object *part_json(const struct jota_part *part)
{
	json_object *o = json_object_new_object();

	add_number(o, "number", part->number);
	add_number(o, "offset", part->offset_bytes);
	add_number(o, "total", part->total_bytes);
	return o;
}

static json_object *file_json(const struct jota_emit_file *file)
{
	json_object *o = json_object_new_object();
	char hex[2 * JOTA_SHA256_BYTES + 1];

	jota_emit_hex(file->sha256, JOTA_SHA256_BYTES, hex);
	add_text(o, "name", file->name);
	add_text(o, "role",
		 file->is_sbom	? "sbom" :
		 file->has_role ? jota_role_name(file->role) :
				  NULL);
	if (file->part.number > 0)
		(void)json_object_object_add(o, "part", part_json(&file->part));
	else
		(void)json_object_object_add(o, "part", NULL);
	/* What was packed as it came and is not compressed is its own content. */
	add_number(o, "content_bytes",
		   file->content_bytes ? file->content_bytes : file->packed_bytes);
	add_number(o, "packed_bytes", file->packed_bytes);
	add_text(o, "compressed", jota_compression_name(file->compression));
	(void)json_object_object_add(o, "encrypted", json_object_new_boolean(file->encrypt));
	add_text(o, "sha256", hex);
	return o;
}

static void print_json(struct build_show *s, const char *out, const struct jota_recipe *recipe,
		       const struct jota_build_report *report)
{
	json_object *root = json_object_new_object(), *files = json_object_new_array();

	add_text(root, "output", out);
	add_text(root, "version", recipe->version);
	add_number(root, "bytes", report->out_bytes);
	add_text(root, "signature", report->signature);
	for (size_t i = 0; i < report->file_count; i++)
		(void)json_object_array_add(files, file_json(&report->file[i]));
	(void)json_object_object_add(root, "files", files);
	(void)json_object_object_add(root, "warnings", json_object_get(s->warnings));
	(void)puts(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
								JSON_C_TO_STRING_NOSLASHESCAPE));
	(void)json_object_put(root);
}

static void print_lines(const char *out, const struct jota_build_report *report)
{
	char size[32], content[32];

	for (size_t i = 0; i < report->file_count; i++) {
		const struct jota_emit_file *f = &report->file[i];

		format_size(f->packed_bytes, size, sizeof(size));
		format_size(f->content_bytes ? f->content_bytes : f->packed_bytes, content,
			    sizeof(content));
		(void)printf("  %-32s %11s of %11s%s%s%s\n", f->name, size, content,
			     f->compression != JOTA_COMPRESSION_NONE ? ", " : "",
			     f->compression != JOTA_COMPRESSION_NONE ?
				     jota_compression_name(f->compression) :
				     "",
			     f->encrypt ? ", AES-256" : "");
	}
	format_size(report->out_bytes, size, sizeof(size));
	(void)printf("%s: %s, signed (%s)\n", out, size, report->signature);
}

int build_show_report(struct build_show *s, const char *out, const struct jota_recipe *recipe,
		      const struct jota_build_report *report, struct jota_err *err)
{
	if (s->json)
		print_json(s, out, recipe, report);
	else if (!s->quiet)
		print_lines(out, report);
	if (fflush(stdout) == EOF || ferror(stdout))
		return jota_fail(err, EIO, "'%s' is built, but its summary cannot be written", out);
	return 0;
}
