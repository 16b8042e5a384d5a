/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Boot state <-> variables of the U-Boot environment. Pure.
 *
 * variable           values     meaning
 * boot_slot          A B        slot that the boot script takes
 * slotA_ok slotB_ok  0 1        0: the script must not boot it
 * upgrade_available  0 1        1: boot_slot is on trial, U-Boot counts its boots
 * bootcount          decimal    boots counted; absent is 0
 * bootlimit          decimal    boots that a trial may take; absent or 0: U-Boot does not limit
 * them
 * update_target      A B        slot of the last flip; may be absent
 * ustate             0 1 2 3 7  SWUpdate's update state; may be absent
 * jota_boot_id       text       the kernel's boot_id at the flip; may be absent
 * jota_reason        text       why the last trial was given up; may be absent
 *
 * boot_slot, slotA_ok, slotB_ok, upgrade_available and update_target all absent: factory state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "slot/backend.h"
#include "slot/env_codec.h"
#include "slot/slot.h"

struct jota_err;

/**
 * -EBADMSG: a variable is missing or has a value that does not belong there; it is named with
 * value and accepted values.
 */
int jota_uboot_state_read(const struct jota_env *env, struct jota_boot_state *ret,
			  struct jota_err *err);

/**
 * The environment as it is to be after a store: `stored` with the variables of `want`, then the
 * changes. Variables whose value means
 * the same already stay as they are. jota_env_done() frees.
 * -EINVAL: the environment cannot express `want`, or a change has an impossible name or value;
 * -EPERM: a change names a
 * variable of ours; -ENOMEM.
 */
int jota_uboot_plan(const struct jota_env *stored, const struct jota_boot_state *cur,
		    const struct jota_boot_state *want, const struct jota_change *change,
		    size_t change_count, struct jota_env *ret_meant, struct jota_err *err);

/** Bytes that an environment takes in a copy, header and terminator included. */
size_t jota_uboot_env_bytes(const struct jota_env *env);
