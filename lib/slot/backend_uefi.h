/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The uefi backend's own struct, for its files; everybody else uses backend.h. */
#pragma once

#include "base/io.h"
#include "slot/backend.h"
#include "slot/uefi_record.h"
#include "slot/uefi_state.h"

struct jota_uefi {
	struct jota_backend base;
	struct jota_io io;
};

/** All that is stored, read once. */
struct jota_uefi_stored {
	struct jota_uefi_firmware fw;
	bool has_record;
	struct jota_uefi_record record; /* zero without one */
	struct jota_boot_state state;	/* what holds */
	const struct jota_env *vars;	/* in the record; NULL: none */
};

/** Read; jota_uefi_stored_done() frees. The struct must not move meanwhile. */
int jota_uefi_stored_read(const struct jota_uefi *u, struct jota_uefi_stored *ret,
			  struct jota_err *err);
void jota_uefi_stored_done(struct jota_uefi_stored *stored);

/** jota_backend_store() of this backend, under its lock. */
int jota_uefi_store_locked(const struct jota_uefi *u, const struct jota_boot_state *cur,
			   const struct jota_boot_state *want, const struct jota_change *change,
			   size_t change_count, struct jota_err *err);

/** jota_backend_count_boot() of this backend, under its lock. */
int jota_uefi_count_locked(const struct jota_uefi *u, const char *boot_id, struct jota_err *err);

/** jota_backend_check() of this backend. */
void jota_uefi_check(struct jota_backend *b, const struct jota_blockdevs *devs,
		     struct jota_problems *problems);
