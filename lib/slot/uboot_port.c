/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * What libubootenv 0.3.2 does (read in its source, src/uboot_env.c), and what follows here:
 * - a device name longer than 255 characters is cut, an offset beyond 2 GiB becomes a negative int: refused before;
 * - '.flags' is written back with other letters than were read: refused before;
 * - store gives -1 for every I/O error, and its errno may be an older one: not used;
 * - the image that is written is not initialised behind the last variable: see clean_heap().
 */
#include "slot/uboot_port.h"

#include "base/err.h"
#include "base/io.h"

#include <libuboot.h>

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int find_path(const struct jota_io *io, const char *device, char *buf, size_t buf_bytes,
		     struct jota_err *err)
{
	int r = jota_io_path(io, device, buf, buf_bytes, err);

	if (r < 0)
		return r;
	if (strlen(buf) >= DEVNAME_MAX_LENGTH)
		return jota_fail(err, ENOTSUP,
				 "the path '%.60s...' of the U-Boot environment has %zu characters, "
				 "libubootenv takes at most %d.",
				 buf, strlen(buf), DEVNAME_MAX_LENGTH - 1);
	return 0;
}

int jota_uboot_port_check(const struct jota_io *io, const struct jota_fw_env *where,
			  const struct jota_env *stored, struct jota_err *err)
{
	char path[PATH_MAX];

	for (int i = 0; i < JOTA_ENV_COPIES; i++) {
		const struct jota_fw_env_copy *copy = &where->copy[i];
		int r = find_path(io, copy->device, path, sizeof(path), err);

		if (r < 0)
			return r;
		if (copy->offset_bytes > INT_MAX - where->size_bytes)
			return jota_fail(err, ENOTSUP,
					 "copy %d of the U-Boot environment is at 0x%" PRIx64
					 " of '%s': libubootenv reaches only the first 2 GiB, move "
					 "it there.",
					 i, copy->offset_bytes, copy->device);
	}
	if (stored && jota_env_get(stored, ".flags"))
		return jota_fail(err, ENOTSUP,
				 "the U-Boot environment has a variable '.flags', which libubootenv "
				 "would not write back as it is: delete it, and give the flags to "
				 "U-Boot when it is built (CONFIG_ENV_FLAGS_LIST_STATIC).");
	return 0;
}

/*
 * libubootenv writes an image that it takes from malloc() and fills only up to the last variable, so that
 * what this process last kept in that memory would stay in the environment for ever. The block it gets is
 * in all likelihood the one freed here. Twice: freeing a block that was mapped makes malloc() take the next
 * one of its size from the heap.
 */
static void clean_heap(size_t len_bytes)
{
	for (int i = 0; i < 2; i++) {
		void *block = malloc(len_bytes);

		if (!block)
			return;
		explicit_bzero(block, len_bytes);
		free(block);
	}
}

static int open_context(const struct jota_io *io, const struct jota_fw_env *where,
			struct uboot_ctx **ret, struct jota_err *err)
{
	struct uboot_env_device device[JOTA_ENV_COPIES] = { 0 };
	char path[JOTA_ENV_COPIES][PATH_MAX];
	int r;

	for (int i = 0; i < JOTA_ENV_COPIES; i++) {
		r = find_path(io, where->copy[i].device, path[i], sizeof(path[i]), err);
		if (r < 0)
			return r;
		device[i].devname = path[i];
		device[i].offset = (long long)where->copy[i].offset_bytes;
		device[i].envsize = (size_t)where->size_bytes;
	}
	r = libuboot_initialize(ret, NULL);
	if (r < 0)
		return jota_fail(err, -r, "initialise libubootenv");
	r = libuboot_configure(*ret, device);
	if (r < 0) {
		libuboot_exit(*ret);
		return jota_fail(err, EIO,
				 "libubootenv cannot use '%s' and '%s' for the U-Boot environment.",
				 path[0], path[1]);
	}
	return 0;
}

/* Under libubootenv's lock: nobody else changed the environment since it was compared. */
static int compare_loaded(struct uboot_ctx *ctx, const struct jota_env *stored, struct jota_err *err)
{
	size_t count = 0;

	for (void *at = libuboot_iterator(ctx, NULL); at; at = libuboot_iterator(ctx, at)) {
		const char *value = jota_env_get(stored, libuboot_getname(at));

		if (!value || strcmp(value, libuboot_getvalue(at)) != 0)
			return jota_fail(err, ESTALE,
					 "U-Boot variable '%.40s' was changed by another program in "
					 "this moment, nothing was written: try again.",
					 libuboot_getname(at));
		count++;
	}
	if (count != stored->count)
		return jota_fail(err, ESTALE,
				 "the U-Boot environment was changed by another program in this "
				 "moment, nothing was written: try again.");
	return 0;
}

static int set_variables(struct uboot_ctx *ctx, const struct jota_env *stored,
			 const struct jota_env *meant, struct jota_err *err)
{
	for (size_t i = 0; i < meant->count; i++) {
		const struct jota_env_var *var = &meant->var[i];
		const char *old = jota_env_get(stored, var->name);
		int r;

		if (old && strcmp(old, var->value) == 0)
			continue;
		r = libuboot_set_env(ctx, var->name, var->value);
		if (r != 0)
			return jota_fail(err, r < 0 ? -r : EIO, "set U-Boot variable '%s'",
					 var->name);
	}
	for (size_t i = 0; i < stored->count; i++) {
		const char *name = stored->var[i].name;

		if (!jota_env_get(meant, name) && libuboot_set_env(ctx, name, NULL) != 0)
			return jota_fail(err, EIO, "delete U-Boot variable '%s'", name);
	}
	return 0;
}

static int store_opened(struct uboot_ctx *ctx, const struct jota_fw_env *where,
			const struct jota_env *stored, const struct jota_env *meant,
			struct jota_err *err)
{
	int r = libuboot_open(ctx);

	if (r < 0)
		return jota_fail(err, EIO,
				 "libubootenv cannot load the U-Boot environment (its error %d), "
				 "nothing was written.",
				 r);
	r = compare_loaded(ctx, stored, err);
	if (r == 0)
		r = set_variables(ctx, stored, meant, err);
	if (r < 0)
		return r;
	clean_heap((size_t)where->size_bytes + 8);
	r = libuboot_env_store(ctx);
	if (r != 0)
		return jota_fail(err, EIO,
				 "libubootenv cannot store the U-Boot environment (its error %d); "
				 "the copy in use is as it was.",
				 r);
	return 0;
}

int jota_uboot_port_store(const struct jota_io *io, const struct jota_fw_env *where,
			  const struct jota_env *stored, const struct jota_env *meant,
			  struct jota_err *err)
{
	struct uboot_ctx *ctx = NULL;
	int r = jota_uboot_port_check(io, where, stored, err);

	if (r == 0)
		r = open_context(io, where, &ctx, err);
	if (r < 0)
		return r;
	r = store_opened(ctx, where, stored, meant, err);
	libuboot_close(ctx);
	libuboot_exit(ctx);
	return r;
}
