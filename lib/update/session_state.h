/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The inside of a session, shared by the files that move it: session.c, keep.c, session_end.c. */
#pragma once

#include "base/io.h"
#include "slot/config.h"
#include "slot/slot.h"
#include "update/survey.h"
#include "update/session.h"

struct jota_target;

enum session_phase {
	SESSION_NEW,	 /* nothing of the device was changed, no lock held */
	SESSION_BEGUN,	 /* store 1 made, lock held */
	SESSION_ARMED,	 /* the same, and flip is allowed */
	SESSION_FLIPPED, /* over, well */
	SESSION_DEAD,	 /* over, target EMPTY */
};

enum session_role_state {
	ROLE_ABSENT,
	ROLE_WRITING, /* a piece streams */
	ROLE_BETWEEN, /* a part ended well, the next one must come */
	ROLE_WRITTEN,
	ROLE_KEPT
};

/** What this session did with a role's partition of the target slot. */
struct session_role {
	enum session_role_state state;
	char *name[JOTA_PARTS_MAX]; /* of the pieces that came, heap */
	size_t name_count;
	bool in_parts;
	uint64_t end_bytes;   /* of the last piece, in the image */
	uint64_t total_bytes; /* of the image */
};

struct jota_session {
	struct jota_io io;
	struct jota_config config;
	enum session_phase phase;
	struct jota_survey survey; /* open while begun or armed */
	enum jota_slot target;	   /* valid once begun */
	struct session_role role[JOTA_ROLE_COUNT];
	struct jota_writer *writer; /* of the role in state ROLE_WRITING or ROLE_BETWEEN */
};

/**
 * The session failed after store 1: closes the image being written, releases everything. Returns
 * rc.
 */
int jota_session_die(struct jota_session *s, int rc);

/** -EPROTO with a sentence when the session is over, flipped or dead. */
int jota_session_check_alive(const struct jota_session *s, struct jota_err *err);

/** The role whose image is not complete, NULL: none. */
struct session_role *jota_session_unfinished(struct jota_session *s);

/** -EPROTO with a sentence when an image is not complete. what: subject, "image 'x' begins". */
int jota_session_check_finished(struct jota_session *s, const char *what, struct jota_err *err);

/**
 * Refuse what the session alone can refuse: it is over or armed, another image is being written,
 * the role had its turn. what: subject of the sentence. -EPROTO, -EEXIST.
 */
int jota_session_check_turn(struct jota_session *s, enum jota_role role, const char *what,
			    struct jota_err *err);

/**
 * Partition of a role in the target slot; errors of jota_target_resolve, -EFBIG when the image
 * does not fit.
 */
int jota_session_resolve(const struct jota_session *s, enum jota_role role, const char *what,
			 uint64_t image_bytes, struct jota_target *ret, struct jota_err *err);
