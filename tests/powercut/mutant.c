/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Defects, planted one at a time: a check that finds none of them would be worthless. */
#include <stdlib.h>
#include <string.h>

#include "powercut/scenario.h"
#include "slot/backend.h"
#include "slot/evidence.h"
#include "slot/policy.h"
#include "update/survey.h"
#include "write/target.h"
#include "write/writer.h"

static bool is_slot(uint8_t file)
{
	return file != BOARD_ENV_FILE;
}

static bool is_environment(uint8_t file)
{
	return file == BOARD_ENV_FILE;
}

static bool drop_slot_sync(const struct disk_log *log, uint8_t file, unsigned nth)
{
	(void)log;
	(void)nth;
	return is_slot(file);
}

static bool drop_erase_sync(const struct disk_log *log, uint8_t file, unsigned nth)
{
	(void)log;
	return is_slot(file) && nth == 0;
}

static bool drop_body_sync(const struct disk_log *log, uint8_t file, unsigned nth)
{
	(void)log;
	return is_slot(file) && nth == 1;
}

static bool drop_release_sync(const struct disk_log *log, uint8_t file, unsigned nth)
{
	(void)log;
	return is_slot(file) && nth == 2;
}

static bool drop_env_sync(const struct disk_log *log, uint8_t file, unsigned nth)
{
	(void)log;
	(void)nth;
	return is_environment(file);
}

/** Store 1 is the one before any slot is written. */
static bool drop_mark_sync(const struct disk_log *log, uint8_t file, unsigned nth)
{
	(void)nth;
	for (uint32_t i = 0; i < log->count; i++) {
		if (is_slot(log->operation[i].file))
			return false;
	}
	return is_environment(file);
}

static bool drop_erase(const struct disk_log *log, uint8_t file, const void *data, size_t len_bytes,
		       uint64_t offset_bytes)
{
	const uint8_t *bytes = data;

	(void)log;
	return is_slot(file) && offset_bytes == 0 && !bytes[0] &&
	       memcmp(bytes, bytes + 1, len_bytes - 1) == 0;
}

static int write_image(struct board *b, const struct jota_survey *d, enum jota_role role,
		       enum jota_slot slot, struct jota_err *err)
{
	const struct board_image *image = &b->image[role];
	struct jota_write_report report;
	struct jota_target target;
	struct jota_writer *w;
	int rc;

	rc = jota_target_resolve(&b->tree.io, &b->config, &d->devs, &d->evidence, role, slot,
				 &target, err);
	if (rc < 0)
		return rc;
	rc = jota_writer_open(&b->tree.io, &target, image->size_bytes, &w, err);
	if (rc < 0)
		return rc;
	rc = jota_writer_push(w, image->data, image->size_bytes, err);
	if (rc == 0)
		rc = jota_writer_finish(w, NULL, NULL, &report, err);
	jota_writer_free(w);
	return rc;
}

static int flip_then_write(struct board *b, struct jota_survey *d, struct jota_err *err)
{
	enum jota_slot running = d->evidence.running, target;
	struct jota_boot_state want;
	int rc;

	rc = jota_policy_begin(&d->state, running, &want, &target, err);
	if (rc >= 0)
		rc = jota_survey_store(d, rc, &want, NULL, 0, err);
	if (rc == 0)
		rc = jota_policy_flip(&d->state, running, target, b->config.boot_tries, d->boot_id,
				      &want, err);
	if (rc >= 0)
		rc = jota_survey_store(d, rc, &want, NULL, 0, err);
	for (int role = 0; rc == 0 && role < JOTA_ROLE_COUNT; role++)
		rc = write_image(b, d, (enum jota_role)role, target, err);
	return rc;
}

/** An update made of the library's own parts, in the wrong order. */
static int act_flip_first(struct board *b, const struct scenario *s, struct jota_err *err)
{
	struct jota_survey survey;
	int rc;

	(void)s;
	rc = jota_survey_init(&survey, &b->tree.io, &b->config, "mutant", err);
	if (rc < 0)
		return rc;
	rc = flip_then_write(b, &survey, err);
	jota_survey_done(&survey);
	return rc;
}

const struct mutant mutants[] = {
	{ "no-slot-sync", "no sync of a slot does anything", { .drops_sync = drop_slot_sync }, NULL },
	{ "no-erase", "the old first block is not erased", { .drops_write = drop_erase }, NULL },
	{ "no-erase-sync",
	  "the erased first block is not synced",
	  { .drops_sync = drop_erase_sync },
	  NULL },
	{ "no-body-sync",
	  "the first block is written before the body is durable",
	  { .drops_sync = drop_body_sync },
	  NULL },
	{ "no-release-sync",
	  "the flip comes before the first block is durable",
	  { .drops_sync = drop_release_sync },
	  NULL },
	{ "no-mark-sync",
	  "the slot is written before its mark is durable",
	  { .drops_sync = drop_mark_sync },
	  NULL },
	{ "no-env-sync", "no store is durable", { .drops_sync = drop_env_sync }, NULL },
	{ "flip-first",
	  "the flip is stored before the images are written",
	  { NULL, NULL },
	  act_flip_first },
};
const size_t mutant_count = sizeof(mutants) / sizeof(mutants[0]);
