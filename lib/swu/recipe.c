/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/recipe.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "slot/layout.h"
#include "swu/recipe_check.h"
#include "swu/recipe_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define FILE_BYTES_MAX 65536u
#define MARGIN_DAYS_DEFAULT 30
#define TIMEOUT_S_DEFAULT 60
#define DEVICE_SWUPDATE_DEFAULT 202212
#define LENGTH(table) (sizeof(table) / sizeof((table)[0]))

static const char *const compression_names[JOTA_COMPRESSION_COUNT] = {
	[JOTA_COMPRESSION_NONE] = "none",
	[JOTA_COMPRESSION_ZLIB] = "zlib",
	[JOTA_COMPRESSION_ZSTD] = "zstd",
	[JOTA_COMPRESSION_XZ] = "xz",
};
static const char *const method_names[JOTA_SIGN_METHOD_COUNT] = {
	[JOTA_SIGN_CMS] = "cms",
	[JOTA_SIGN_RSA] = "rsa",
	[JOTA_SIGN_RSA_PSS] = "rsa-pss",
};

const char *jota_compression_name(enum jota_compression c)
{
	return (size_t)c < JOTA_COMPRESSION_COUNT ? compression_names[c] : "unknown compression";
}

const char *jota_sign_method_name(enum jota_sign_method method)
{
	return (size_t)method < JOTA_SIGN_METHOD_COUNT ? method_names[method] : "unknown method";
}

static int find_name(const char *const *names, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], text) == 0)
			return (int)i;
	return -EINVAL;
}

int jota_sign_method_parse(const char *text, enum jota_sign_method *ret)
{
	int found = find_name(method_names, LENGTH(method_names), text);

	if (found < 0)
		return found;
	*ret = (enum jota_sign_method)found;
	return 0;
}

/* A text out of a short table of words. */
static int take_choice(const struct jota_key_reader *reader, const config_setting_t *setting,
		       const char *const *names, size_t count, int *ret, struct jota_err *err)
{
	CLEANUP_FREE char *text = NULL;
	int r = jota_key_text(reader, setting, &text, err);

	if (r < 0)
		return r;
	*ret = find_name(names, count, text);
	if (*ret >= 0)
		return 0;
	return jota_key_fail(reader, config_setting_source_line(setting), err,
			     "%s '%.40s' is not known, there are: %s, %s, %s%s%s",
			     config_setting_name(setting), text, names[0], names[1], names[2],
			     count > 3 ? ", " : "", count > 3 ? names[3] : "");
}

static int take_role(const struct jota_key_reader *reader, const config_setting_t *setting,
		     void *object, struct jota_err *err)
{
	struct jota_recipe_component *c = object;
	CLEANUP_FREE char *text = NULL;
	int r = jota_key_text(reader, setting, &text, err);

	if (r < 0)
		return r;
	if (jota_role_parse(text, &c->role) < 0)
		return jota_key_fail(
			reader, config_setting_source_line(setting), err,
			"role '%.40s' is not known, there are: kernel, bootloader, rootfs", text);
	c->has_role = true;
	return 0;
}

static int take_compress(const struct jota_key_reader *reader, const config_setting_t *setting,
			 void *object, struct jota_err *err)
{
	struct jota_recipe_component *c = object;
	int found = 0;
	int r = take_choice(reader, setting, compression_names, LENGTH(compression_names), &found,
			    err);

	if (r == 0)
		c->compression = (enum jota_compression)found;
	return r;
}

static int take_level(const struct jota_key_reader *reader, const config_setting_t *setting,
		      void *object, struct jota_err *err)
{
	struct jota_recipe_component *c = object;

	if (config_setting_type(setting) != CONFIG_TYPE_INT)
		return jota_key_fail(reader, config_setting_source_line(setting), err,
				     "level must be a whole number");
	c->level = config_setting_get_int(setting);
	c->has_level = true;
	return 0;
}

#define COMPONENT(field) offsetof(struct jota_recipe_component, field)
static const struct jota_key component_keys[] = {
	{ .name = "role", .type = JOTA_KEY_CALL, .take = take_role },
	{ .name = "file", .type = JOTA_KEY_PATH, .offset_bytes = COMPONENT(file) },
	{ .name = "keep", .type = JOTA_KEY_BOOL, .offset_bytes = COMPONENT(keep) },
	{ .name = "name", .type = JOTA_KEY_TEXT, .offset_bytes = COMPONENT(name) },
	{ .name = "compress", .type = JOTA_KEY_CALL, .take = take_compress },
	{ .name = "level", .type = JOTA_KEY_CALL, .take = take_level },
	{ .name = "encrypt", .type = JOTA_KEY_BOOL, .offset_bytes = COMPONENT(encrypt) },
	{ .name = "image_size", .type = JOTA_KEY_BYTES, .offset_bytes = COMPONENT(image_bytes) },
	{ .name = "label", .type = JOTA_KEY_TEXT, .offset_bytes = COMPONENT(label) },
	{ .name = "split",
	  .type = JOTA_KEY_UINT,
	  .offset_bytes = COMPONENT(split_gib),
	  .min = 1,
	  .max = JOTA_RECIPE_SPLIT_GIB_MAX },
};

static int take_command_input(const struct jota_key_reader *reader, const config_setting_t *setting,
			      void *object, struct jota_err *err)
{
	struct jota_recipe_signer *s = object;
	CLEANUP_FREE char *text = NULL;
	int r = jota_key_text(reader, setting, &text, err);

	if (r < 0)
		return r;
	if (strcmp(text, "data") != 0 && strcmp(text, "digest") != 0)
		return jota_key_fail(reader, config_setting_source_line(setting), err,
				     "command_input '%.40s' is not known, there are: digest, data",
				     text);
	s->command_takes_data = strcmp(text, "data") == 0;
	return 0;
}

#define SIGNER(field) offsetof(struct jota_recipe_signer, field)
static const struct jota_key signer_keys[] = {
	{ .name = "certificate", .type = JOTA_KEY_PATH, .offset_bytes = SIGNER(certificate) },
	{ .name = "public_key", .type = JOTA_KEY_PATH, .offset_bytes = SIGNER(public_key) },
	{ .name = "key", .type = JOTA_KEY_PATH, .offset_bytes = SIGNER(key) },
	{ .name = "command", .type = JOTA_KEY_WORDS, .offset_bytes = SIGNER(command) },
	{ .name = "command_input", .type = JOTA_KEY_CALL, .take = take_command_input },
	{ .name = "command_timeout",
	  .type = JOTA_KEY_UINT,
	  .offset_bytes = SIGNER(timeout_s),
	  .min = 1,
	  .max = 3600 },
};

static int take_method(const struct jota_key_reader *reader, const config_setting_t *setting,
		       void *object, struct jota_err *err)
{
	struct jota_recipe_signing *s = object;
	int found = 0;
	int r = take_choice(reader, setting, method_names, LENGTH(method_names), &found, err);

	if (r == 0)
		s->method = (enum jota_sign_method)found;
	return r;
}

/* The groups of a list, one after the other, each into the next element of an array. */
static int take_list(const struct jota_key_reader *reader, const config_setting_t *list,
		     const struct jota_key *keys, size_t key_count, char *array, size_t stride,
		     size_t line_at, size_t max, size_t *ret_count, struct jota_err *err)
{
	bool one = config_setting_is_group(list);
	int count = one ? 1 : config_setting_length(list);
	unsigned line = config_setting_source_line(list);

	if (!one && !config_setting_is_list(list))
		return jota_key_fail(reader, line, err, "%s must be a list of groups: ( { ... } )",
				     config_setting_name(list));
	if (count == 0 || (size_t)count > max)
		return jota_key_fail(reader, line, err, "%s has %d entries, expected 1 to %zu",
				     config_setting_name(list), count, max);
	for (int i = 0; i < count; i++) {
		const config_setting_t *group = one ? list :
						      config_setting_get_elem(list, (unsigned)i);
		char *object = array + (size_t)i * stride;
		int r;

		*(unsigned *)(void *)(object + line_at) = config_setting_source_line(group);
		/* Counted first: a half-filled one is freed with the rest. */
		*ret_count = (size_t)i + 1;
		r = jota_keys_take(reader, group, keys, key_count, object, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int take_signers(const struct jota_key_reader *reader, const config_setting_t *setting,
			void *object, struct jota_err *err)
{
	struct jota_recipe_signing *s = object;

	return take_list(reader, setting, signer_keys, LENGTH(signer_keys), (char *)s->signer,
			 sizeof(s->signer[0]), SIGNER(line), JOTA_RECIPE_SIGNERS_MAX,
			 &s->signer_count, err);
}

#define SIGNING(field) offsetof(struct jota_recipe_signing, field)
static const struct jota_key signing_keys[] = {
	{ .name = "method", .type = JOTA_KEY_CALL, .take = take_method },
	{ .name = "signers", .type = JOTA_KEY_CALL, .take = take_signers },
	{ .name = "digest", .type = JOTA_KEY_TEXT, .offset_bytes = SIGNING(digest) },
	{ .name = "purpose", .type = JOTA_KEY_TEXT, .offset_bytes = SIGNING(purpose) },
	{ .name = "chain", .type = JOTA_KEY_PATH, .offset_bytes = SIGNING(chain) },
	{ .name = "margin_days",
	  .type = JOTA_KEY_UINT,
	  .offset_bytes = SIGNING(margin_days),
	  .max = 36500 },
};

static int take_signing(const struct jota_key_reader *reader, const config_setting_t *setting,
			void *object, struct jota_err *err)
{
	struct jota_recipe *r = object;

	r->signing.given = true;
	r->signing.line = config_setting_source_line(setting);
	return jota_keys_take(reader, setting, signing_keys, LENGTH(signing_keys), &r->signing, err);
}

static int take_components(const struct jota_key_reader *reader, const config_setting_t *setting,
			   void *object, struct jota_err *err)
{
	struct jota_recipe *r = object;

	if (r->component_count > 0)
		return jota_key_fail(reader, config_setting_source_line(setting), err,
				     "components and files are given, expected one of them");
	return take_list(reader, setting, component_keys, LENGTH(component_keys),
			 (char *)r->component, sizeof(r->component[0]), COMPONENT(line),
			 JOTA_RECIPE_COMPONENTS_MAX, &r->component_count, err);
}

#define BOARD(field) offsetof(struct jota_recipe_board, field)
static const struct jota_key board_keys[] = {
	{ .name = "board", .type = JOTA_KEY_TEXT, .offset_bytes = BOARD(board) },
	{ .name = "revisions", .type = JOTA_KEY_WORDS, .offset_bytes = BOARD(revisions) },
};

static int take_hardware(const struct jota_key_reader *reader, const config_setting_t *setting,
			 void *object, struct jota_err *err)
{
	struct jota_recipe *r = object;

	return take_list(reader, setting, board_keys, LENGTH(board_keys), (char *)r->board,
			 sizeof(r->board[0]), BOARD(line), JOTA_RECIPE_BOARDS_MAX, &r->board_count,
			 err);
}

#define SBOM(field) offsetof(struct jota_recipe_sbom, field)
static const struct jota_key sbom_keys[] = {
	{ .name = "file", .type = JOTA_KEY_PATH, .offset_bytes = SBOM(file) },
	{ .name = "name", .type = JOTA_KEY_TEXT, .offset_bytes = SBOM(name) },
};

static int take_sbom(const struct jota_key_reader *reader, const config_setting_t *setting,
		     void *object, struct jota_err *err)
{
	struct jota_recipe *r = object;

	return take_list(reader, setting, sbom_keys, LENGTH(sbom_keys), (char *)r->sbom,
			 sizeof(r->sbom[0]), SBOM(line), JOTA_RECIPE_SBOMS_MAX, &r->sbom_count, err);
}

static int take_layout(const struct jota_key_reader *reader, const config_setting_t *setting,
		       void *object, struct jota_err *err)
{
	struct jota_recipe *recipe = object;
	CLEANUP_FREE char *text = NULL;
	char known[128];
	int r = jota_key_text(reader, setting, &text, err);

	if (r < 0)
		return r;
	recipe->layout = jota_layout_find(text);
	if (recipe->layout)
		return 0;
	jota_layout_names(known, sizeof(known));
	return jota_key_fail(reader, config_setting_source_line(setting), err,
			     "layout '%.40s' is not known, there are: %s", text, known);
}

static const struct jota_key encryption_keys[] = {
	{ .name = "key",
	  .type = JOTA_KEY_PATH,
	  .offset_bytes = offsetof(struct jota_recipe, aes_key) },
};

static int take_encryption(const struct jota_key_reader *reader, const config_setting_t *setting,
			   void *object, struct jota_err *err)
{
	return jota_keys_take(reader, setting, encryption_keys, LENGTH(encryption_keys), object,
			      err);
}

static int take_device_signature(const struct jota_key_reader *reader,
				 const config_setting_t *setting, void *object, struct jota_err *err)
{
	struct jota_recipe *recipe = object;
	int found = 0;
	int r = take_choice(reader, setting, method_names, LENGTH(method_names), &found, err);

	if (r < 0)
		return r;
	recipe->device_signature = (enum jota_sign_method)found;
	recipe->has_device_signature = true;
	return 0;
}

static int take_device_swupdate(const struct jota_key_reader *reader,
				const config_setting_t *setting, void *object, struct jota_err *err)
{
	struct jota_recipe *recipe = object;
	CLEANUP_FREE char *text = NULL;
	int r = jota_key_text(reader, setting, &text, err);

	if (r < 0)
		return r;
	if (jota_recipe_parse_release(text, &recipe->device_swupdate) == 0)
		return 0;
	return jota_key_fail(reader, config_setting_source_line(setting), err,
			     "swupdate '%.40s' is not a release, expected for example \"2022.12\"",
			     text);
}

static const struct jota_key device_keys[] = {
	{ .name = "swupdate", .type = JOTA_KEY_CALL, .take = take_device_swupdate },
	{ .name = "signature", .type = JOTA_KEY_CALL, .take = take_device_signature },
};

static int take_device(const struct jota_key_reader *reader, const config_setting_t *setting,
		       void *object, struct jota_err *err)
{
	return jota_keys_take(reader, setting, device_keys, LENGTH(device_keys), object, err);
}

#define RECIPE(field) offsetof(struct jota_recipe, field)
static const struct jota_key recipe_keys[] = {
	{ .name = "version", .type = JOTA_KEY_TEXT, .offset_bytes = RECIPE(version) },
	{ .name = "text", .type = JOTA_KEY_TEXT, .offset_bytes = RECIPE(text) },
	{ .name = "hardware", .type = JOTA_KEY_CALL, .take = take_hardware },
	{ .name = "layout", .type = JOTA_KEY_CALL, .take = take_layout },
	{ .name = "components", .type = JOTA_KEY_CALL, .take = take_components },
	{ .name = "description", .type = JOTA_KEY_PATH, .offset_bytes = RECIPE(description) },
	{ .name = "files", .type = JOTA_KEY_CALL, .take = take_components },
	{ .name = "signing", .type = JOTA_KEY_CALL, .take = take_signing },
	{ .name = "encryption", .type = JOTA_KEY_CALL, .take = take_encryption },
	{ .name = "sbom", .type = JOTA_KEY_CALL, .take = take_sbom },
	{ .name = "device", .type = JOTA_KEY_CALL, .take = take_device },
};

static void set_defaults(struct jota_recipe *r)
{
	struct jota_recipe_signing *s = &r->signing;

	r->device_swupdate = DEVICE_SWUPDATE_DEFAULT;
	s->margin_days = MARGIN_DAYS_DEFAULT;
	for (size_t i = 0; i < JOTA_RECIPE_SIGNERS_MAX; i++)
		s->signer[i].timeout_s = TIMEOUT_S_DEFAULT;
}

/* What would pull in another file would also escape the line numbers of this one. */
static int refuse_include(const struct jota_key_reader *reader, const char *text,
			  struct jota_err *err)
{
	unsigned line = 1;

	for (const char *at = text; at; line++) {
		at += strspn(at, " \t");
		if (strncmp(at, "@include", 8) == 0)
			return jota_key_fail(reader, line, err, "@include is not allowed");
		at = strchr(at, '\n');
		if (at)
			at++;
	}
	return 0;
}

static int parse_text(const struct jota_key_reader *reader, const char *text,
		      struct jota_recipe *recipe, struct jota_err *err)
{
	config_t parsed;
	int r = refuse_include(reader, text, err);

	if (r < 0)
		return r;
	config_init(&parsed);
	if (config_read_string(&parsed, text) == CONFIG_TRUE)
		r = jota_keys_take(reader, config_root_setting(&parsed), recipe_keys,
				   LENGTH(recipe_keys), recipe, err);
	else
		r = jota_key_fail(reader, (unsigned)config_error_line(&parsed), err, "%s",
				  config_error_text(&parsed));
	config_destroy(&parsed);
	return r;
}

int jota_recipe_parse(const char *path, const char *text, struct jota_recipe *ret,
		      struct jota_err *err)
{
	const char *slash = strrchr(path, '/');
	CLEANUP_FREE char *folder = strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
	CLEANUP_FREE struct jota_recipe *recipe = calloc(1, sizeof(*recipe));
	struct jota_key_reader reader = { .path = path, .folder = folder };
	int r;

	if (!folder || !recipe)
		return jota_fail(err, ENOMEM, "%s", path);
	set_defaults(recipe);
	recipe->path = strdup(path);
	r = recipe->path ? parse_text(&reader, text, recipe, err) :
			   jota_fail(err, ENOMEM, "%s", path);
	if (r == 0)
		r = jota_recipe_check(&reader, recipe, err);
	if (r < 0) {
		jota_recipe_done(recipe);
		return r;
	}
	*ret = *recipe;
	return 0;
}

int jota_recipe_read(const char *path, struct jota_recipe *ret, struct jota_err *err)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	CLEANUP_FREE char *text = calloc(1, FILE_BYTES_MAX + 1);
	size_t used = 0;
	ssize_t n = 1;

	if (fd < 0)
		return jota_fail(err, errno, "open '%s'", path);
	if (!text)
		return jota_fail(err, ENOMEM, "read '%s'", path);
	while (n != 0 && used < FILE_BYTES_MAX) {
		n = read(fd, text + used, FILE_BYTES_MAX - used);
		if (n < 0 && errno != EINTR)
			return jota_fail(err, errno, "read '%s'", path);
		used += n > 0 ? (size_t)n : 0;
	}
	if (used == FILE_BYTES_MAX)
		return jota_fail(err, EFBIG, "'%s' is no update.conf: 64 KiB or more.", path);
	if (strlen(text) != used)
		return jota_fail(err, EINVAL, "'%s' is not a text file: NUL byte at %zu.", path,
				 strlen(text));
	return jota_recipe_parse(path, text, ret, err);
}
