/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/slot.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const char *const role_names[JOTA_ROLE_COUNT] = {
	[JOTA_ROLE_KERNEL] = "kernel",
	[JOTA_ROLE_BOOTLOADER] = "bootloader",
	[JOTA_ROLE_ROOTFS] = "rootfs",
};

const char *jota_slot_name(enum jota_slot slot)
{
	return slot == JOTA_SLOT_A ? "A" : "B";
}

const char *jota_role_name(enum jota_role role)
{
	return (size_t)role < JOTA_ROLE_COUNT ? role_names[role] : "unknown role";
}

const char *jota_condition_name(enum jota_condition condition)
{
	switch (condition) {
	case JOTA_EMPTY:
		return "empty";
	case JOTA_READY:
		return "ready";
	case JOTA_TRIAL:
		return "trial";
	case JOTA_GOOD:
		return "good";
	}
	return "unknown condition";
}

enum jota_slot jota_slot_other(enum jota_slot slot)
{
	return slot == JOTA_SLOT_A ? JOTA_SLOT_B : JOTA_SLOT_A;
}

int jota_slot_parse(const char *text, enum jota_slot *ret_slot)
{
	if (text[0] == '\0' || text[1] != '\0')
		return -EINVAL;
	if (text[0] == 'A' || text[0] == 'a')
		*ret_slot = JOTA_SLOT_A;
	else if (text[0] == 'B' || text[0] == 'b')
		*ret_slot = JOTA_SLOT_B;
	else
		return -EINVAL;
	return 0;
}

int jota_role_parse(const char *text, enum jota_role *ret_role)
{
	for (size_t i = 0; i < JOTA_ROLE_COUNT; i++) {
		if (strcmp(text, role_names[i]) == 0) {
			*ret_role = (enum jota_role)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *jota_boot_state_difference(const struct jota_boot_state *a,
				       const struct jota_boot_state *b)
{
	if (a->factory != b->factory)
		return "whether a slot was ever chosen";
	if (!a->factory) {
		if (a->next != b->next)
			return "the slot to boot next";
		if (a->slot[JOTA_SLOT_A] != b->slot[JOTA_SLOT_A])
			return "the condition of slot A";
		if (a->slot[JOTA_SLOT_B] != b->slot[JOTA_SLOT_B])
			return "the condition of slot B";
		if (a->boots_counted != b->boots_counted)
			return "the count of boots";
		if (a->record.has_target != b->record.has_target ||
		    (a->record.has_target && a->record.target != b->record.target))
			return "the slot of the last update";
	}
	if (a->boot_limit != b->boot_limit)
		return "the limit of boots";
	if (a->record.ustate != b->record.ustate)
		return "ustate";
	if (strcmp(a->record.boot_id, b->record.boot_id) != 0)
		return "the boot_id of the last flip";
	if (strcmp(a->record.reason, b->record.reason) != 0)
		return "the reason";
	return NULL;
}
