/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Boot state in NVIDIA's UEFI variables and a record beside them. docs/uefi.md has the orders of writes and what a cut leaves. */
#include "slot/backend_uefi.h"

#include "base/err.h"
#include "slot/config.h"
#include "slot/uefi_vars.h"
#include "slot/variables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VARS_LOCK JOTA_RUN_DIR "/efivars.lock"
#define VARS_LOCK_WAIT_MS 5000u

static int open_backend(const struct jota_io *io, const struct jota_config *config,
			struct jota_backend **ret, struct jota_err *err)
{
	struct jota_uefi *u = calloc(1, sizeof(*u));

	(void)config;
	if (!u)
		return jota_fail(err, ENOMEM, "open the uefi backend");
	u->base.ops = &jota_backend_uefi;
	u->io = *io;
	*ret = &u->base;
	return 0;
}

static void free_backend(struct jota_backend *b)
{
	free(b);
}

static struct jota_uefi *from_base(struct jota_backend *b)
{
	_Static_assert(offsetof(struct jota_uefi, base) == 0, "base comes first");
	return (struct jota_uefi *)b;
}

static int read_record(const struct jota_uefi *u, struct jota_uefi_stored *stored,
		       struct jota_err *err)
{
	uint8_t bytes[JOTA_UEFI_RECORD_BYTES];
	size_t len = 0;
	int r = jota_efivar_read(&u->io, &jota_uefi_record, bytes, sizeof(bytes), &len, err);

	if (r <= 0)
		return r;
	r = jota_uefi_record_decode(bytes, len, &stored->record, err);
	stored->has_record = r == 0;
	return r;
}

int jota_uefi_stored_read(const struct jota_uefi *u, struct jota_uefi_stored *ret,
			  struct jota_err *err)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	r = jota_uefi_firmware_read(&u->io, &ret->fw, err);
	if (r == 0)
		r = read_record(u, ret, err);
	if (r == 0)
		ret->state = jota_uefi_resolve(ret->has_record ? &ret->record : NULL, &ret->fw,
					       &ret->vars);
	return r;
}

void jota_uefi_stored_done(struct jota_uefi_stored *stored)
{
	jota_uefi_record_done(&stored->record);
}

static int load(struct jota_backend *b, struct jota_boot_state *ret, struct jota_err *err)
{
	struct jota_uefi_stored stored;
	int r = jota_uefi_stored_read(from_base(b), &stored, err);

	if (r == 0)
		*ret = stored.state;
	jota_uefi_stored_done(&stored);
	return r;
}

/* SWUpdate asks for these two by the names that they have in a U-Boot environment. */
static const char *state_value(const struct jota_boot_state *state, const char *name, char digit[2])
{
	digit[0] = (char)state->record.ustate;
	digit[1] = '\0';
	if (strcmp(name, "ustate") == 0)
		return digit[0] ? digit : NULL;
	if (strcmp(name, "boot_slot") == 0)
		return state->factory ? NULL : jota_slot_name(state->next);
	return NULL;
}

static int get(struct jota_backend *b, const char *name, char **ret_value, struct jota_err *err)
{
	struct jota_uefi_stored stored;
	const char *value;
	char *copy = NULL, digit[2];
	int r = jota_uefi_stored_read(from_base(b), &stored, err);

	if (r == 0) {
		value = jota_variables_owned(name) ? state_value(&stored.state, name, digit) :
			stored.vars		   ? jota_env_get(stored.vars, name) :
						     NULL;
		copy = value ? strdup(value) : NULL;
		if (value && !copy)
			r = jota_fail(err, ENOMEM, "get variable '%s'", name);
	}
	if (r == 0)
		*ret_value = copy;
	jota_uefi_stored_done(&stored);
	return r;
}

static int store(struct jota_backend *b, const struct jota_boot_state *cur,
		 const struct jota_boot_state *want, const struct jota_change *change,
		 size_t change_count, struct jota_err *err)
{
	struct jota_uefi *u = from_base(b);
	int lock, r;

	lock = jota_io_lock(&u->io, VARS_LOCK, "store of the boot state", VARS_LOCK_WAIT_MS, err);
	if (lock < 0)
		return lock;
	r = jota_uefi_store_locked(u, cur, want, change, change_count, err);
	jota_io_unlock(lock);
	return r;
}

static int count_boot(struct jota_backend *b, const char *boot_id, struct jota_err *err)
{
	struct jota_uefi *u = from_base(b);
	int lock, r;

	lock = jota_io_lock(&u->io, VARS_LOCK, "count of a boot", VARS_LOCK_WAIT_MS, err);
	if (lock < 0)
		return lock;
	r = jota_uefi_count_locked(u, boot_id, err);
	jota_io_unlock(lock);
	return r;
}

const struct jota_backend_ops jota_backend_uefi = {
	.name = "uefi",
	.open = open_backend,
	.load = load,
	.store = store,
	.get = get,
	.owns = jota_variables_owned,
	.check = jota_uefi_check,
	.free = free_backend,
	.count_boot = count_boot,
};
