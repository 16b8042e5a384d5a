/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * What a change of the boot state knows of the device: the session lock held, which slot runs,
 * what is stored.
 * An update session keeps one from its first store to its end, a transition for one store.
 */
#pragma once

#include <stddef.h>

#include "slot/backend.h"
#include "slot/blockdev.h"
#include "slot/evidence.h"
#include "slot/slot.h"

struct jota_config;
struct jota_err;
struct jota_io;

#define JOTA_BOOT_ID_BYTES 37

struct jota_survey {
	const struct jota_io *io;	  /* the caller's, must outlive this */
	const struct jota_config *config; /* the same */
	int lock_fd;			  /* session lock; -1: this object is closed */
	struct jota_blockdevs devs;
	struct jota_evidence evidence; /* known */
	struct jota_backend *backend;
	struct jota_boot_state state; /* as loaded, or as stored last */
	char boot_id[JOTA_BOOT_ID_BYTES];
};

/**
 * Take the session lock (-EBUSY names the holder), then read, without writing: block devices,
 * evidence
 * (-ENOENT nobody speaks, -EBADMSG contradiction), the stored state (errors of
 * jota_backend_load) and the boot
 * id. On failure nothing is held. holder: what the lock says about us to others.
 */
int jota_survey_init(struct jota_survey *d, const struct jota_io *io,
		     const struct jota_config *config, const char *holder, struct jota_err *err);

/**
 * Give everything back, the lock last. Fine on an object that was never opened if lock_fd is -1.
 */
void jota_survey_done(struct jota_survey *d);

/** Read the block devices anew: mounts change while an update runs. */
int jota_survey_refresh(struct jota_survey *d, struct jota_err *err);

/** -EPERM with the sentence of the first problem that blocks an update. */
int jota_survey_preflight(struct jota_survey *d, struct jota_err *err);

/**
 * One store: `want` if verdict is JOTA_CHANGE, else the state as it is, with the changes.
 * Nothing is written when
 * the verdict is JOTA_KEEP and there is no change; a backend writes nothing when nothing differs. Updates d->state. Errors of
 * jota_backend_store.
 */
int jota_survey_store(struct jota_survey *d, int verdict, const struct jota_boot_state *want,
		      const struct jota_change *change, size_t change_count, struct jota_err *err);

/**
 * Create or replace the marker that keeps swupdate from starting before the reboot; it holds the
 * slot's letter.
 */
int jota_marker_set(const struct jota_io *io, enum jota_slot next, struct jota_err *err);
/** Remove it; an absent one is fine. */
int jota_marker_clear(const struct jota_io *io, struct jota_err *err);
