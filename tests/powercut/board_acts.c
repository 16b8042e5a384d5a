/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What a board does: boot, tell its state, update. */
#include <stdio.h>

#include "powercut/board.h"
#include "slot/backend.h"
#include "support/update.h"

#define RESETS_MAX 8

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

static int write_images(struct board *b, struct jota_session *s, const bool keep[JOTA_ROLE_COUNT],
			const enum jota_role order[JOTA_ROLE_COUNT], struct jota_err *err)
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

		if (!keep[order[i]])
			rc = update_write(s, &image, err);
	}
	for (int i = 0; rc == 0 && i < JOTA_ROLE_COUNT; i++) {
		if (keep[order[i]])
			rc = jota_session_keep(s, order[i], NULL, NULL, err);
	}
	return rc;
}

int board_update(struct board *b, const bool keep[JOTA_ROLE_COUNT],
		 const enum jota_role order[JOTA_ROLE_COUNT], struct jota_err *err)
{
	const char *name[JOTA_ROLE_COUNT];
	struct jota_session *s;
	bool marker_missing;
	size_t count = 0;
	int rc;

	for (int role = 0; role < JOTA_ROLE_COUNT; role++) {
		if (!keep[role])
			name[count++] = b->image[role].name;
	}
	rc = jota_session_open(&b->tree.io, &b->config, &s, err);
	if (rc < 0)
		return rc;
	rc = write_images(b, s, keep, order, err);
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
