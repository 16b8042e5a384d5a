/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE /* asprintf, mkostemp */
#include "swu/build_plan.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "slot/layout.h"
#include "swu/container.h"
#include "swu/decoder.h"
#include "swu/description.h"
#include "swu/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#define MEASURE_BYTES 65536u

static int open_input(struct jota_plan_input *in, const char *path, struct jota_err *err)
{
	struct stat st;

	in->path = strdup(path);
	if (!in->path)
		return jota_fail(err, ENOMEM, "open '%s'", path);
	/* A pipe would otherwise wait for its writer. */
	in->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (in->fd < 0 || fstat(in->fd, &st) < 0)
		return jota_fail(err, errno, "open '%s'", path);
	if (!S_ISREG(st.st_mode))
		return jota_fail(err, EINVAL, "'%s' is no plain file.", path);
	if (st.st_size <= 0)
		return jota_fail(err, EINVAL, "'%s' is empty.", path);
	in->in_bytes = (uint64_t)st.st_size;
	in->seen = st;
	return 0;
}

/* What is stored as it is must fit; what is compressed is known when it is done. */
int jota_plan_check_size(const struct jota_emit_file *file, const struct jota_plan_input *in,
			 struct jota_err *err)
{
	if (in->in_bytes <= JOTA_SWU_MEMBER_MAX || file->compression != JOTA_COMPRESSION_NONE)
		return 0;
	return jota_fail(err, EFBIG,
			 "'%s' has %" PRIu64 " bytes; a file in a .swu ends at 4 GiB - 1: set %s.",
			 file->part.number > 0 ? file->name : in->path, in->in_bytes,
			 file->part.number > 0 ? "split = 3, or compress = \"zstd\"" :
						 "compress = \"zstd\"");
}

struct jota_emit_file *jota_plan_add(struct jota_plan *plan, const char *name, struct jota_err *err)
{
	struct jota_emit_file *file = &plan->file[plan->count];

	if (plan->count == JOTA_BUILD_FILES_MAX) {
		(void)jota_fail(err, E2BIG, "more than %u files for one .swu.",
				JOTA_BUILD_FILES_MAX);
		return NULL;
	}
	file->name = strdup(name);
	if (!file->name) {
		(void)jota_fail(err, ENOMEM, "'%s'", name);
		return NULL;
	}
	plan->input[plan->count].fd = -1;
	plan->count++;
	/* Not zero: that is what SWUpdate takes for no digest. */
	memset(file->sha256, 0xff, sizeof(file->sha256));
	return file;
}

/* The image stands beside the output, on the disk with the room, and has no name once it is open. */
static int make_rootfs(const struct jota_build *b, const struct jota_recipe_component *c,
		       struct jota_plan_input *in, struct jota_err *err)
{
	struct jota_rootfs r = { .tar_path = c->file,
				 .image_bytes = c->image_bytes,
				 .label = c->label,
				 .epoch_s = b->epoch_s,
				 .cancel = b->talk.cancel };
	CLEANUP_FREE char *temp = NULL;
	CLEANUP_FD int fd = -1;
	int rc;

	if (asprintf(&temp, "%s.ext4.XXXXXX", b->out_path) < 0) {
		temp = NULL;
		return jota_fail(err, ENOMEM, "make a file system");
	}
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return jota_fail(err, errno, "make '%s'", temp);
	(void)unlink(temp);
	r.image_fd = fd;
	rc = jota_rootfs_make(&r, err);
	if (rc < 0)
		return rc;
	if (fstat(fd, &in->seen) < 0)
		return jota_fail(err, errno, "look at '%s'", temp);
	in->path = strdup(c->file);
	if (!in->path)
		return jota_fail(err, ENOMEM, "make a file system");
	in->fd = take_fd(&fd);
	in->in_bytes = c->image_bytes;
	return 0;
}

int jota_plan_choose_iv(struct jota_emit_file *file, struct jota_err *err)
{
	if (!file->encrypt || RAND_bytes(file->iv, (int)sizeof(file->iv)) == 1)
		return 0;
	return jota_fail(err, EIO, "no random numbers for the IV of '%s'.", file->name);
}

/* A component, or an entry of the user's description that update.conf lists under files. */
static int take_component(struct jota_plan *plan, const struct jota_recipe_component *c,
			  struct jota_err *err)
{
	struct jota_plan_input *in = &plan->input[plan->count];
	struct jota_emit_file *file = jota_plan_add(plan, c->name, err);
	int rc;

	if (!file)
		return -err->errnum;
	file->has_role = c->has_role;
	file->role = c->role;
	file->compression = c->compression;
	file->encrypt = c->encrypt;
	in->level = c->level;
	in->is_boot_image = c->has_role && c->role == JOTA_ROLE_KERNEL;
	if (c->image_bytes > 0)
		rc = make_rootfs(plan->build, c, in, err);
	else if (c->has_role && jota_rootfs_is_tar(c->file))
		rc = jota_fail(
			err, EINVAL,
			"%s line %u: '%s' is a tar, and slots hold images: set image_size to "
			"the size of the file system to make of it, not above the partition.",
			plan->build->recipe->path, c->line, c->file);
	else
		rc = open_input(in, c->file, err);
	if (rc < 0)
		return rc;
	file->content_bytes = in->in_bytes;
	rc = jota_plan_choose_iv(file, err);
	if (rc == 0 && c->has_role && c->role == JOTA_ROLE_ROOTFS)
		rc = jota_plan_split(plan, c, err);
	return rc;
}

static int count_bytes(void *ctx, const uint8_t *data, size_t len_bytes, struct jota_err *err)
{
	uint64_t *total = ctx;

	(void)data;
	(void)err;
	*total += len_bytes;
	return 0;
}

/* Compressed by somebody else: its exact content size is found by looking inside. */
static int measure(const struct jota_plan_input *in, enum jota_compression method,
		   uint64_t *ret_bytes, struct jota_err *err)
{
	CLEANUP_FREE uint8_t *block = malloc(MEASURE_BYTES);
	struct jota_swu_decoder *decoder = NULL;
	uint64_t total = 0;
	int rc;

	if (!block)
		return jota_fail(err, ENOMEM, "'%s'", in->path);
	rc = jota_swu_decoder_open(method, NULL, NULL, count_bytes, &total, &decoder, err);
	for (uint64_t at = 0; rc == 0 && at < in->in_bytes;) {
		size_t take = in->in_bytes - at < MEASURE_BYTES ? (size_t)(in->in_bytes - at) :
								  MEASURE_BYTES;

		rc = jota_io_pread_all(in->fd, block, take, at, in->path, err);
		if (rc == 0)
			rc = jota_swu_decoder_feed(decoder, block, take, err);
		at += take;
	}
	if (rc == 0)
		rc = jota_swu_decoder_finish(decoder, err);
	jota_swu_decoder_free(decoder);
	if (rc < 0)
		return jota_wrap(err, "'%s' as %s: ", in->path, jota_compression_name(method));
	*ret_bytes = total;
	return 0;
}

static enum jota_compression compression_of(const struct jota_swu_entry *e)
{
	for (int c = JOTA_COMPRESSION_ZLIB; e->compressed && c < JOTA_COMPRESSION_COUNT; c++)
		if (strcmp(e->compressed, jota_compression_name((enum jota_compression)c)) == 0)
			return (enum jota_compression)c;
	return JOTA_COMPRESSION_NONE;
}

/* The folder of the description holds what it names and update.conf does not list. */
static int take_as_is(struct jota_plan *plan, const struct jota_swu_entry *e, struct jota_err *err)
{
	const struct jota_recipe *recipe = plan->build->recipe;
	const char *slash = strrchr(recipe->description, '/');
	int folder = slash ? (int)(slash - recipe->description) + 1 : 0;
	struct jota_plan_input *in = &plan->input[plan->count];
	struct jota_emit_file *file = jota_plan_add(plan, e->filename, err);
	CLEANUP_FREE char *path = NULL;
	int rc;

	if (!file)
		return -err->errnum;
	if (asprintf(&path, "%.*s%s", folder, recipe->description, e->filename) < 0) {
		path = NULL;
		return jota_fail(err, ENOMEM, "'%s'", e->filename);
	}
	file->as_is = true;
	file->encrypt = e->encrypted;
	in->is_boot_image = strcmp(jota_swu_entry_type(e), "jetson-bootimg") == 0 &&
			    !e->compressed && !e->encrypted;
	rc = open_input(in, path, err);
	if (rc == 0)
		rc = jota_plan_check_size(file, in, err);
	if (rc < 0)
		return rc;
	if (e->encrypted && !e->ivt)
		return jota_fail(
			err, EINVAL,
			"%s line %u: '%s' is encrypted but has no ivt: give it, or list the "
			"file under files with encrypt = true.",
			recipe->description, e->line, e->filename);
	/* What is encrypted cannot be looked into: its size must stand there already. */
	if (e->encrypted || compression_of(e) == JOTA_COMPRESSION_NONE)
		return 0;
	file->compression = compression_of(e);
	return measure(in, file->compression, &file->content_bytes, err);
}

bool jota_plan_has(const struct jota_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(plan->file[i].name, name) == 0)
			return true;
	return false;
}

static int take_entry(struct jota_plan *plan, const struct jota_swu_description *d,
		      const struct jota_swu_entry *e, struct jota_err *err)
{
	const struct jota_recipe_component *c;
	int rc;

	if (!e->filename || e->section == JOTA_SWU_PARTITIONS || jota_plan_has(plan, e->filename))
		return 0;
	/* Several boards may name one file. SBOMs of update.conf come later, with their own path. */
	for (size_t i = 0; i < plan->build->recipe->sbom_count; i++)
		if (strcmp(plan->build->recipe->sbom[i].name, e->filename) == 0)
			return 0;
	rc = jota_swu_name_check(e->filename, err);
	if (rc < 0)
		return jota_wrap(err, "%s line %u: ", plan->build->recipe->description, e->line);
	c = jota_recipe_find(plan->build->recipe, e->filename);
	if (!c)
		return take_as_is(plan, e, err);
	rc = take_component(plan, c, err);
	if (rc == 0)
		rc = jota_plan_slice(plan, d, e, err);
	if (rc == 0 && strcmp(jota_swu_entry_type(e), "jetson-bootimg") == 0)
		plan->input[plan->count - 1].is_boot_image = true;
	return rc;
}

static int refuse_unused(const struct jota_plan *plan, struct jota_err *err)
{
	const struct jota_recipe *r = plan->build->recipe;

	for (size_t i = 0; i < r->component_count; i++)
		if (!jota_plan_has(plan, r->component[i].name))
			return jota_fail(err, EINVAL, "%s line %u: '%s' is named nowhere in '%s'.",
					 r->path, r->component[i].line, r->component[i].name,
					 r->description);
	return 0;
}

static int read_own(struct jota_plan *plan, struct jota_err *err)
{
	const char *path = plan->build->recipe->description;
	struct jota_plan_input in = { .fd = -1 };
	int rc = open_input(&in, path, err);

	if (rc == 0 && in.in_bytes > JOTA_SWU_TEXT_MAX)
		rc = jota_fail(err, EFBIG, "'%s' is larger than 1 MiB.", path);
	if (rc == 0) {
		plan->own_text = calloc(1, (size_t)in.in_bytes + 1);
		rc = plan->own_text ? jota_io_pread_all(in.fd, plan->own_text, (size_t)in.in_bytes,
							0, path, err) :
				      jota_fail(err, ENOMEM, "'%s'", path);
	}
	if (rc == 0 && strlen(plan->own_text) != in.in_bytes)
		rc = jota_fail(err, EINVAL, "'%s' is not a text file: NUL byte at %zu.", path,
			       strlen(plan->own_text));
	if (in.fd >= 0)
		(void)close(in.fd);
	free(in.path);
	return rc;
}

static int take_own(struct jota_plan *plan, struct jota_err *err)
{
	struct jota_swu_description d;
	int rc = read_own(plan, err);

	if (rc < 0)
		return rc;
	rc = jota_swu_description_parse(plan->build->recipe->description, plan->own_text, &d, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < d.entry_count; i++)
		rc = take_entry(plan, &d, &d.entry[i], err);
	jota_swu_description_done(&d);
	return rc < 0 ? rc : refuse_unused(plan, err);
}

static int take_sboms(struct jota_plan *plan, struct jota_err *err)
{
	const struct jota_recipe *r = plan->build->recipe;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->sbom_count; i++) {
		struct jota_plan_input *in = &plan->input[plan->count];
		struct jota_emit_file *file = jota_plan_add(plan, r->sbom[i].name, err);

		if (!file)
			return -err->errnum;
		file->is_sbom = true;
		rc = open_input(in, r->sbom[i].file, err);
		if (rc == 0)
			rc = jota_plan_check_size(file, in, err);
		file->content_bytes = in->in_bytes;
	}
	return rc;
}

static int read_aes(struct jota_plan *plan, struct jota_err *err)
{
	const struct jota_sign_talk *talk = &plan->build->talk;
	const char *path = plan->build->recipe->aes_key;
	struct jota_swu_aes_key key;
	struct stat st;
	int rc;

	if (!path)
		return 0;
	rc = jota_swu_aes_key_read(path, &key, err);
	if (rc == 0 && key.key_bytes != JOTA_AES_KEY_BYTES)
		rc = jota_fail(err, EINVAL, "'%s' has a key of %zu bits, AES-256 needs 256.", path,
			       key.key_bytes * 8);
	if (rc == 0) {
		memcpy(plan->aes_key, key.key, sizeof(plan->aes_key));
		plan->has_aes_key = true;
	}
	OPENSSL_cleanse(&key, sizeof(key));
	if (rc == 0 && stat(path, &st) == 0 && (st.st_mode & 077) != 0 && talk->warn) {
		char text[PATH_MAX + 100];

		(void)snprintf(text, sizeof(text),
			       "'%s' can be read by others than its owner: chmod 0600.", path);
		talk->warn(talk->ctx, text);
	}
	return rc;
}

int jota_plan_make(const struct jota_build *build, struct jota_plan *ret, struct jota_err *err)
{
	const struct jota_recipe *r = build->recipe;
	int rc;

	memset(ret, 0, sizeof(*ret));
	ret->build = build;
	rc = read_aes(ret, err);
	if (rc == 0 && r->description)
		rc = take_own(ret, err);
	for (size_t i = 0; rc == 0 && !r->description && i < r->component_count; i++)
		if (!r->component[i].keep)
			rc = take_component(ret, &r->component[i], err);
	if (rc == 0 && ret->count == 0)
		rc = jota_fail(err, EINVAL, "%s: there is nothing to pack.", r->path);
	for (size_t i = 0; rc == 0 && i < ret->count; i++)
		rc = jota_plan_check_size(&ret->file[i], &ret->input[i], err);
	return rc < 0 ? rc : take_sboms(ret, err);
}

void jota_build_plan_done(struct jota_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		free(plan->file[i].name);
		free(plan->input[i].path);
		if (plan->input[i].fd >= 0)
			(void)close(plan->input[i].fd);
	}
	OPENSSL_cleanse(plan->aes_key, sizeof(plan->aes_key));
	free(plan->own_text);
	memset(plan, 0, sizeof(*plan));
}

int jota_plan_describe(const struct jota_plan *plan, char **ret_text, struct jota_err *err)
{
	const struct jota_recipe *r = plan->build->recipe;

	if (r->description)
		return jota_emit_own(r, r->description, plan->own_text, plan->file, plan->count,
				     ret_text, err);
	return jota_emit_made(r, plan->file, plan->count, ret_text, err);
}
