/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What a board does: boot, tell its state, update. */
#include <stdio.h>

#include "powercut/board.h"
#include "slot/backend.h"
#include "support/update.h"

#define RESETS_MAX 8
#define PART_NAME_BYTES 24
#define ROOTFS_PARTS_MAX 4

bool board_boot(struct board *b, enum jota_slot *ret_slot, char why[BOARD_WHY_BYTES])
{
	struct model_result result;

	model_boot_until_up(&b->machine, RESETS_MAX, &result);
	if (result.outcome != MODEL_BOOTED) {
		(void)snprintf(why, BOARD_WHY_BYTES, "does not boot: %s, %s",
			       model_outcome_name(result.outcome), result.why);
		return false;
	}
	if (result.used_default_env) {
		(void)snprintf(why, BOARD_WHY_BYTES, "both copies of the environment are lost");
		return false;
	}
	*ret_slot = result.slot == 'A' ? JOTA_SLOT_A : JOTA_SLOT_B;
	return true;
}

int board_state(const struct board *b, struct jota_boot_state *ret, struct jota_err *err)
{
	struct jota_backend *backend = NULL;
	int rc = jota_backend_open(&b->tree.io, &b->config, &backend, err);

	if (rc == 0)
		rc = jota_backend_load(backend, ret, err);
	jota_backend_free(backend);
	return rc;
}

static void name_part(unsigned number, char name[PART_NAME_BYTES])
{
	(void)snprintf(name, PART_NAME_BYTES, "rootfs.part%02u", number);
}

/* Borders that are no multiple of anything that the device has. */
static int write_parts(struct jota_session *s, const struct image *image, unsigned count,
		       struct jota_err *err)
{
	uint64_t each = image->size_bytes / count + 1;
	int rc = JOTA_PARTS_TO_COME;

	for (unsigned i = 0; rc == JOTA_PARTS_TO_COME && i < count; i++) {
		uint64_t left = image->size_bytes - i * each;
		char name[PART_NAME_BYTES];
		const struct image_part part = { name, i + 1, i * each, left < each ? left : each };

		name_part(i + 1, name);
		rc = update_write_part(s, image, &part, err);
	}
	return rc;
}

static int write_images(struct board *b, struct jota_session *s, const bool keep[JOTA_ROLE_COUNT],
			const enum jota_role order[JOTA_ROLE_COUNT], unsigned rootfs_parts,
			struct jota_err *err)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < JOTA_ROLE_COUNT; i++) {
		const struct board_image *from = &b->image[order[i]];
		struct image image = {
			.role = order[i],
			.name = from->name,
			.data = from->data,
			.size_bytes = from->size_bytes,
		};

		if (keep[order[i]])
			continue;
		if (order[i] == JOTA_ROLE_ROOTFS && rootfs_parts > 0)
			rc = write_parts(s, &image, rootfs_parts, err);
		else
			rc = update_write(s, &image, err);
	}
	for (int i = 0; rc == 0 && i < JOTA_ROLE_COUNT; i++) {
		if (keep[order[i]])
			rc = jota_session_keep(s, order[i], NULL, NULL, err);
	}
	return rc;
}

int board_update(struct board *b, const bool keep[JOTA_ROLE_COUNT],
		 const enum jota_role order[JOTA_ROLE_COUNT], unsigned rootfs_parts,
		 struct jota_err *err)
{
	const char *name[JOTA_ROLE_COUNT + ROOTFS_PARTS_MAX];
	char part_name[ROOTFS_PARTS_MAX][PART_NAME_BYTES];
	struct jota_session *s;
	bool marker_missing;
	size_t count = 0;
	int rc;

	for (int role = 0; role < JOTA_ROLE_COUNT; role++) {
		if (!keep[role] && (role != JOTA_ROLE_ROOTFS || rootfs_parts == 0))
			name[count++] = b->image[role].name;
	}
	for (unsigned i = 0; i < rootfs_parts; i++) {
		name_part(i + 1, part_name[i]);
		name[count++] = part_name[i];
	}
	rc = jota_session_open(&b->tree.io, &b->config, &s, err);
	if (rc < 0)
		return rc;
	rc = write_images(b, s, keep, order, rootfs_parts, err);
	if (rc == 0)
		rc = jota_session_arm(s, name, count, err);
	if (rc == 0)
		rc = jota_session_flip(s, NULL, 0, &marker_missing, err);
	jota_session_free(s);
	return rc;
}

/* A role of the slot as an update with or without keep makes it. */
static bool role_is_new(const struct board *b, const struct world *w, enum jota_slot slot, int role,
			bool kept)
{
	uint32_t now = w->content[board_file_of(slot, role)];
	enum jota_slot other = jota_slot_other(slot);

	return kept ? now == b->old[other][role] || now == b->new[other][role] :
		      now == b->new[slot][role];
}

bool board_slot_new(const struct board *b, const struct world *w, enum jota_slot slot,
		    const bool keep[JOTA_ROLE_COUNT])
{
	bool plain = true, with_kept = true;

	for (int role = 0; role < JOTA_ROLE_COUNT; role++) {
		plain &= role_is_new(b, w, slot, role, false);
		with_kept &= role_is_new(b, w, slot, role, keep[role]);
	}
	return plain || with_kept;
}

bool board_slot_complete(const struct board *b, const struct world *w, enum jota_slot slot,
			 const bool keep[JOTA_ROLE_COUNT])
{
	bool old = true;

	for (int role = 0; role < JOTA_ROLE_COUNT; role++)
		old &= w->content[board_file_of(slot, role)] == b->old[slot][role];
	return old || board_slot_new(b, w, slot, keep);
}
