/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/uefi_state.h"

#include <stddef.h>

enum jota_slot jota_uefi_next(const struct jota_uefi_firmware *fw)
{
	return fw->next_known && !fw->has_status ? fw->next : fw->current;
}

/* BootChainFwNext alone decides which of two states holds: so one write is the flip. */
static const struct jota_uefi_side *choose_side(const struct jota_uefi_record *record,
						enum jota_slot next)
{
	return record->has_to && record->to.state.next == next ? &record->to : &record->is;
}

struct jota_boot_state jota_uefi_resolve(const struct jota_uefi_record *record,
					 const struct jota_uefi_firmware *fw,
					 const struct jota_env **ret_vars)
{
	struct jota_boot_state state = { .factory = true };
	enum jota_slot next = jota_uefi_next(fw);
	const struct jota_uefi_side *side;

	if (ret_vars)
		*ret_vars = NULL;
	if (!record)
		return state;
	side = choose_side(record, next);
	if (ret_vars)
		*ret_vars = &side->vars;
	state = side->state;
	if (state.factory)
		return state;
	state.next = next;
	for (int i = 0; i < JOTA_SLOT_COUNT; i++) {
		/* The firmware left it, or never took it: a trial that goes on elsewhere is over. */
		bool left = state.slot[i] == JOTA_TRIAL && (enum jota_slot)i != next;

		if (fw->bad[i] || left)
			state.slot[i] = JOTA_EMPTY;
	}
	if (state.slot[next] != JOTA_TRIAL)
		state.boots_counted = 0;
	return state;
}
