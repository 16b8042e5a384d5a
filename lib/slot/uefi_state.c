/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/uefi_state.h"

#include "base/err.h"
#include "slot/uboot_state.h"

#include <errno.h>
#include <string.h>

#define NAME_CHARS_MAX 64u

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

static bool is_printable(const char *text, char first)
{
	for (; *text != '\0'; text++)
		if (*text < first || *text > '~')
			return false;
	return true;
}

static int check_change(const struct jota_change *change, struct jota_err *err)
{
	size_t len = change->name ? strlen(change->name) : 0;

	if (len == 0 || len > NAME_CHARS_MAX || !is_printable(change->name, '!') ||
	    strchr(change->name, '=') || change->name[0] == '.')
		return jota_fail(err, EINVAL,
				 "'%.40s' cannot be the name of a stored variable: expected 1 to %u "
				 "printable characters without blanks and '=', not starting with a "
				 "dot.",
				 change->name ? change->name : "", NAME_CHARS_MAX);
	if (jota_uboot_owns(change->name))
		return jota_fail(
			err, EPERM,
			"variable '%s' belongs to the boot choice, nothing else may set it: "
			"take it out of the update.",
			change->name);
	if (change->value && !is_printable(change->value, ' '))
		return jota_fail(err, EINVAL, "the value of variable '%s' must be printable text.",
				 change->name);
	return 0;
}

int jota_uefi_vars_change(const struct jota_env *vars, const struct jota_change *change,
			  size_t change_count, struct jota_env *ret, struct jota_err *err)
{
	int r = vars ? jota_env_copy(vars, ret) : 0;

	if (r < 0)
		return jota_fail(err, -r, "store the boot state");
	for (size_t i = 0; i < change_count; i++) {
		r = check_change(&change[i], err);
		if (r < 0)
			return r;
		r = jota_env_put(ret, change[i].name, change[i].value);
		if (r < 0)
			return jota_fail(err, -r, "set variable '%s'", change[i].name);
	}
	return 0;
}
