/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Boot state in the redundant U-Boot environment.
 *
 * One store rewrites the copy that firmware does not use, with the next serial number. A power cut leaves
 *  before the first byte     two good copies, the old state
 *  inside the write          one copy whose CRC fails; firmware takes the other, the old state
 *  after the last byte       the old state or the new one, by what the device kept
 *  after the sync            the new state
 */
#include "slot/backend_uboot.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "slot/config.h"
#include "slot/uboot_copies.h"
#include "slot/uboot_port.h"
#include "slot/uboot_state.h"
#include "slot/variables.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define ENV_LOCK JOTA_RUN_DIR "/env.lock"
#define ENV_LOCK_WAIT_MS 5000u
/*
 * Kept free for U-Boot itself: it saves its run-time variables along with bootcount, and a save that does not
 * fit would leave the boots of a trial uncounted.
 */
#define FIRMWARE_RESERVE_BYTES 1024u

static int open_backend(const struct jota_io *io, const struct jota_config *config,
			struct jota_backend **ret, struct jota_err *err)
{
	struct jota_uboot *u = calloc(1, sizeof(*u));

	if (!u)
		return jota_fail(err, ENOMEM, "open the uboot backend");
	u->base.ops = &jota_backend_uboot;
	u->io = *io;
	memcpy(u->env_config, config->env_config, sizeof(u->env_config));
	*ret = &u->base;
	return 0;
}

static void free_backend(struct jota_backend *b)
{
	free(b);
}

static struct jota_uboot *from_base(struct jota_backend *b)
{
	_Static_assert(offsetof(struct jota_uboot, base) == 0, "base comes first");
	return (struct jota_uboot *)b;
}

static int read_env(const struct jota_uboot *u, struct jota_uboot_copies *copies,
		    struct jota_env *env, struct jota_err *err)
{
	int r = jota_uboot_copies_read(&u->io, u->env_config, copies, err);

	if (r < 0)
		return r;
	r = jota_uboot_copies_decode(copies, env, err);
	if (r < 0)
		jota_uboot_copies_done(copies);
	return r;
}

static int load(struct jota_backend *b, struct jota_boot_state *ret, struct jota_err *err)
{
	struct jota_uboot_copies copies = { 0 };
	struct jota_env env = { 0 };
	int r = read_env(from_base(b), &copies, &env, err);

	if (r < 0)
		return r;
	r = jota_uboot_state_read(&env, ret, err);
	jota_env_done(&env);
	jota_uboot_copies_done(&copies);
	return r;
}

static int get(struct jota_backend *b, const char *name, char **ret_value, struct jota_err *err)
{
	struct jota_uboot_copies copies = { 0 };
	struct jota_env env = { 0 };
	const char *value;
	char *copy = NULL;
	int r = read_env(from_base(b), &copies, &env, err);

	if (r < 0)
		return r;
	value = jota_env_get(&env, name);
	if (value) {
		copy = strdup(value);
		if (!copy)
			r = jota_fail(err, ENOMEM, "get U-Boot variable '%s'", name);
	}
	if (r == 0)
		*ret_value = copy;
	jota_env_done(&env);
	jota_uboot_copies_done(&copies);
	return r;
}

/* The compare half of compare and swap. */
static int compare_stored(const struct jota_env *stored, const struct jota_boot_state *cur,
			  struct jota_err *err)
{
	struct jota_boot_state now;
	const char *what;
	int r = jota_uboot_state_read(stored, &now, err);

	if (r < 0)
		return r;
	what = jota_boot_state_difference(&now, cur);
	if (what)
		return jota_fail(err, ESTALE,
				 "the stored boot state was changed by another program meanwhile "
				 "(%s), nothing was written: look at it and try again.",
				 what);
	return 0;
}

static int check_room(const struct jota_env *meant, uint64_t size_bytes, struct jota_err *err)
{
	size_t needed_bytes = jota_uboot_env_bytes(meant) + FIRMWARE_RESERVE_BYTES;

	if (needed_bytes > size_bytes)
		return jota_fail(
			err, ENOSPC,
			"the U-Boot environment would need %zu bytes (%u of them for U-Boot "
			"itself), but a copy has %zu: delete variables with fw_setenv.",
			needed_bytes, FIRMWARE_RESERVE_BYTES, (size_t)size_bytes);
	return 0;
}

static int fail_read_back(const char *what, const struct jota_uboot_copies *before, int written,
			  struct jota_err *err)
{
	return jota_fail(err, EBADMSG,
			 "copy %d of the U-Boot environment on '%s' was written, but reads back "
			 "wrong (%.60s): the device is failing, or another program wrote at the "
			 "same time; copy %d with the state before is still there.",
			 written, before->where.copy[written].device, what, 1 - written);
}

/* Everything that a reader of the device could find fault with, our own change or not. */
static int compare_read_back(const struct jota_uboot_copies *before,
			     const struct jota_uboot_copies *after, const struct jota_env *meant,
			     struct jota_err *err)
{
	int kept = before->chosen, written = 1 - kept;
	struct jota_env env = { 0 };
	const char *what;
	int r;

	if (!after->valid[written])
		return fail_read_back("its checksum fails", before, written, err);
	if (memcmp(before->bytes[kept], after->bytes[kept], (size_t)before->where.size_bytes) != 0)
		return fail_read_back("the other copy changed too", before, written, err);
	if (after->chosen != written ||
	    after->bytes[written][4] != (uint8_t)(before->bytes[kept][4] + 1))
		return fail_read_back("firmware would not take it", before, written, err);
	r = jota_uboot_copies_decode(after, &env, err);
	if (r < 0)
		return fail_read_back("it cannot be decoded", before, written, err);
	what = jota_variables_difference(meant, &env);
	if (what)
		r = fail_read_back(what, before, written, err);
	jota_env_done(&env);
	return r;
}

static int verify(const struct jota_uboot *u, const int device[JOTA_ENV_COPIES],
		  const struct jota_uboot_copies *before, struct jota_uboot_copies *after,
		  const struct jota_env *meant, struct jota_err *err)
{
	if (jota_uboot_copies_read_back(&u->io, device, after, err) < 0)
		return jota_wrap(err, "the U-Boot environment was written, but whether it is on the "
				      "device is unknown: ");
	return compare_read_back(before, after, meant, err);
}

static int write_and_verify(const struct jota_uboot *u, const struct jota_uboot_copies *before,
			    const struct jota_env *stored, const struct jota_env *meant,
			    struct jota_err *err)
{
	struct jota_uboot_copies after = { .where = before->where };
	CLEANUP_FD int fd0 = -1;
	CLEANUP_FD int fd1 = -1;
	size_t len = (size_t)before->where.size_bytes;
	int r;

	/*
	 * Opened before the write: the kernel tells a write error to every descriptor that was open then, also
	 * when libubootenv has already fetched, and ignored, its own.
	 */
	fd0 = jota_io_open(&u->io, before->where.copy[0].device, O_RDWR | O_NOCTTY, 0, err);
	if (fd0 < 0)
		return fd0;
	fd1 = jota_io_open(&u->io, before->where.copy[1].device, O_RDWR | O_NOCTTY, 0, err);
	if (fd1 < 0)
		return fd1;
	for (int i = 0; i < JOTA_ENV_COPIES; i++)
		after.bytes[i] = malloc(len);
	r = after.bytes[0] && after.bytes[1] ? 0 : jota_fail(err, ENOMEM, "store the boot state");
	if (r == 0)
		r = jota_uboot_port_store(&u->io, &before->where, stored, meant, err);
	if (r == 0)
		r = verify(u, (const int[]){ fd0, fd1 }, before, &after, meant, err);
	jota_uboot_copies_done(&after);
	return r;
}

static int store_locked(const struct jota_uboot *u, const struct jota_boot_state *cur,
			const struct jota_boot_state *want, const struct jota_change *change,
			size_t change_count, struct jota_err *err)
{
	struct jota_uboot_copies copies = { 0 };
	struct jota_env stored = { 0 }, meant = { 0 };
	int r = read_env(u, &copies, &stored, err);

	if (r < 0)
		return r;
	r = compare_stored(&stored, cur, err);
	if (r == 0)
		r = jota_uboot_plan(&stored, cur, want, change, change_count, &meant, err);
	if (r == 0 && jota_variables_difference(&stored, &meant)) {
		r = check_room(&meant, copies.where.size_bytes, err);
		if (r == 0)
			r = write_and_verify(u, &copies, &stored, &meant, err);
	}
	jota_env_done(&meant);
	jota_env_done(&stored);
	jota_uboot_copies_done(&copies);
	return r;
}

static int store(struct jota_backend *b, const struct jota_boot_state *cur,
		 const struct jota_boot_state *want, const struct jota_change *change,
		 size_t change_count, struct jota_err *err)
{
	struct jota_uboot *u = from_base(b);
	int lock, r;

	lock = jota_io_lock(&u->io, ENV_LOCK, "store of the boot state", ENV_LOCK_WAIT_MS, err);
	if (lock < 0)
		return lock;
	r = store_locked(u, cur, want, change, change_count, err);
	jota_io_unlock(lock);
	return r;
}

const struct jota_backend_ops jota_backend_uboot = {
	.name = "uboot",
	.open = open_backend,
	.load = load,
	.store = store,
	.get = get,
	.owns = jota_variables_owned,
	.check = jota_uboot_check,
	.free = free_backend,
};
