/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * One update: begin -> image* -> keep* -> arm -> flip | abort. The only object that the handlers
 * share.
 *
 *  state     store                                      a power cut leaves
 *  new       none                                       everything as it was
 *  begun     1: target EMPTY, next=running, no trial    running slot boots
 *  (images)  none; written and verified                 running slot boots, target EMPTY
 *  (parts)   none; body written, first block zero       running slot boots, target EMPTY
 *  armed     none, memory only                          running slot boots, target EMPTY
 *  flipped   2: target next, on trial                   target boots, counted; may fall back
 *  dead      none; any failure after begin              running slot boots, target EMPTY
 *
 * An image comes whole, or as parts in ascending order (write/part.h), each announced and ended like
 * an image. Part 1 brings the total: resolution, capacity and store 1 are about the whole image, and
 * the writer is opened once. Between two parts the writer stays open with the first block zero on
 * the device, and nothing else can happen but the next part: any other image, keep or arm kills the
 * session, as does a part with a gap, an overlap, another number or total. Only the end of the last
 * part flushes, verifies and releases the first block. An update that stops between two parts is
 * ended by abort, the next one begins anew.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slot/backend.h"
#include "slot/slot.h"
#include "write/part.h"
#include "write/writer.h"

struct jota_bootimg;
struct jota_config;
struct jota_err;
struct jota_io;
struct jota_session;
struct jota_evidence;
struct jota_target;

#define JOTA_SESSION_LOCK JOTA_RUN_DIR "/session.lock"
#define JOTA_REBOOT_PENDING JOTA_RUN_DIR "/reboot-pending"

/** A session in state new. io and config are copied. Touches nothing. */
int jota_session_open(const struct jota_io *io, const struct jota_config *config,
		      struct jota_session **ret, struct jota_err *err);

/** What one file of the update brings: an image, or a part of one. */
struct jota_piece {
	enum jota_role role;
	const char *name; /* of the file; each once in an update */
	uint64_t bytes;	  /* of this piece, when it arrives */
	/* number 0: the image is whole. The offset need not be a multiple of anything here. */
	struct jota_part part;
};

/**
 * Announce the next piece of the update and get the writer for it (owned by the session; the
 * caller pushes into it).
 * All refusals come before the first byte: role or name given twice in this session, a part that is
 * not the next one (-EPROTO) or does not end within the total (-EINVAL), target resolution, image larger than the partition; for the first image also the session lock (-EBUSY
 * names the holder), boot state, running slot on trial, preflight problems that block, and the
 * targets of all other roles that the layout requires.
 * Only then store 1 is made (first image) and the writer opened.
 * change: variables that go into store 1.
 */
int jota_session_image(struct jota_session *s, const struct jota_piece *piece,
		       const struct jota_change *change, size_t change_count,
		       struct jota_writer **ret_writer, struct jota_err *err);

/** Returned for a part that was taken well but is not the last one. */
#define JOTA_PARTS_TO_COME 1

/**
 * The stream of the current piece ended well. Of an image or a last part: flush, verify, release the
 * first block, 0. Of another part: JOTA_PARTS_TO_COME, the report is not written. Failure makes the
 * session dead; -ENODATA: the piece has fewer bytes than announced.
 */
int jota_session_image_done(struct jota_session *s, jota_progress_fn progress, void *progress_ctx,
			    struct jota_write_report *ret_report, struct jota_err *err);

/**
 * Copy the running slot's partition of a role to the target through the writer. For roles that
 * the signed keep list names. -EPROTO before begin.
 */
int jota_session_keep(struct jota_session *s, enum jota_role role, jota_progress_fn progress,
		      void *progress_ctx, struct jota_err *err);

/**
 * Arm: the files written, each part by its name, must equal the signed names, both ways; every role that the layout
 * requires must be written or kept (-EPROTO, names the role: a .swu that brings half
 * a slot); session begun and not dead. Memory only. Repeated arming with the same set keeps.
 */
int jota_session_arm(struct jota_session *s, const char *const *name, size_t name_count,
		     struct jota_err *err);

/**
 * The one store that makes the new slot boot. -EPROTO unless armed. After it the session is over
 * and the reboot-pending marker exists (best effort, *ret_marker_missing tells).
 */
int jota_session_flip(struct jota_session *s, const struct jota_change *change, size_t change_count,
		      bool *ret_marker_missing, struct jota_err *err);

/**
 * End without flip: closes a half-written image (first block zeroed), releases the lock.
 * Idempotent. Target stays EMPTY.
 */
void jota_session_abort(struct jota_session *s);
void jota_session_free(struct jota_session *s);

bool jota_session_begun(
	const struct jota_session *s); /* store 1 made, lock held, not flipped nor dead */
bool jota_session_armed(const struct jota_session *s);
bool jota_session_flipped(const struct jota_session *s);
/** Slot being written; valid once begun. */
enum jota_slot jota_session_target(const struct jota_session *s);

/**
 * Partition of a role in the slot being written, for reading it back. -EPROTO before begin, -ENODEV the layout has none, other
 * errors of jota_target_locate().
 */
int jota_session_locate(const struct jota_session *s, enum jota_role role, struct jota_target *ret,
			struct jota_err *err);

/** One transition outside an update, for jetson-slot and SWUpdate's state calls. */
enum jota_transition {
	JOTA_DO_CONFIRM,
	JOTA_DO_ROLLBACK,
	JOTA_DO_CANCEL,
	JOTA_DO_SWITCH_A,
	JOTA_DO_SWITCH_B,
	JOTA_DO_ACKNOWLEDGE,
	JOTA_DO_CONCLUDE, /* the old slot runs again: the update has failed */
};

/**
 * Take the session lock (-EBUSY names the holder), read evidence and state, ask the policy,
 * store once if it says so; marker follows (created by a switch to the other slot, removed by
 * cancel).
 * Returns JOTA_KEEP or JOTA_CHANGE or -errno. ret_new may be NULL. change: further variables for
 * the same store (stored even if the state keeps).
 */
int jota_transition_apply(const struct jota_io *io, const struct jota_config *config,
			  enum jota_transition what, const struct jota_change *change,
			  size_t change_count, struct jota_boot_state *ret_new,
			  struct jota_err *err);

/**
 * JOTA_DO_ROLLBACK or JOTA_DO_CONCLUDE with its reason, in the same store. When there is nothing to change, the reason that is
 * stored stays: the first one is the cause. -EINVAL for another transition.
 */
int jota_transition_give_up(const struct jota_io *io, const struct jota_config *config,
			    enum jota_transition what, const char *reason,
			    struct jota_boot_state *ret_new, struct jota_err *err);

/** What became of the count of a boot. */
enum jota_count {
	JOTA_COUNT_NONE,  /* no trial runs, or the boot chain counts */
	JOTA_COUNT_DONE,  /* counted, now or earlier in this boot */
	JOTA_COUNT_LIMIT, /* one boot too many: given up, a reboot leads to the other slot */
};
#define JOTA_BOOT_LIMIT_REASON "firmware:-:boot-limit"

/**
 * Early in each boot, where the boot chain does not count itself: count a boot of the slot on trial, once per boot_id, and roll back when its
 * limit is passed; a slot without another one to go to goes on. Takes the session lock. Returns enum jota_count or -errno; *ret_state is written when
 * not negative.
 */
int jota_count_boot(const struct jota_io *io, const struct jota_config *config,
		    struct jota_boot_state *ret_state, struct jota_err *err);
