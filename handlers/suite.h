/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * What image handlers, hook and bootloader interface share: one update session and the rules that
 * decide whose call may move it.
 *
 * Threads: SWUpdate runs one installer thread; handlers, hook, apply_list, and the states 7, 3
 * and 1 of an update
 * come from it. Its network thread meanwhile serves anybody's "get state" and "set state". So
 * the session belongs to the
 * installer thread and is touched by nobody else; the network thread sees the flags under the
 * mutex.
 * Nothing is logged while the mutex is held: SWUpdate's notify() holds its own lock while it
 * calls our
 * notifier, which takes this one.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/io.h"
#include "pending.h"
#include "slot/config.h"

struct jota_session;

#define JOTA_INTERFACE "jetson"
#define JOTA_HOOK_TYPE "jetson-postinstall"
#define JOTA_SEEN_MAX 4

struct jota_suite {
	pthread_mutex_t mutex;
	pid_t main_pid;
	bool listening;			       /* our notifier is registered */
	pid_t seen_in_progress[JOTA_SEEN_MAX]; /* threads that stored ustate 7 in this session */
	unsigned seen_count;
	pid_t installer; /* thread of the handlers, 0 before the first one of a session */
	pid_t ustate_by; /* thread that set pending.ustate */
	bool active;	 /* mirrors jota_session_begun() for other threads */
	bool armed;	 /* mirrors jota_session_armed() */
	struct jota_pending pending;

	/* installer thread only */
	struct jota_io io;
	struct jota_config config;
	struct jota_session *session;
};

/** The one suite of this process. */
struct jota_suite *jota_suite(void);

/**
 * Register handlers, hook and bootloader interface with the host. Returns 0, or -1 after saying
 * on stderr what the host refused.
 */
int jota_suite_register(void);

/** First call of anything: hear of session boundaries from now on (R1). */
void jota_suite_listen(struct jota_suite *s);

/**
 * May this thread work on the update? R2: our bootloader interface is selected and ustate 7 was
 * stored by this very thread in this session; else the flip would silently never
 * happen. what: "jetson-rootfs". Marks the thread as the installer. -EPERM with what to do.
 */
int jota_suite_admit(struct jota_suite *s, const char *what, struct jota_err *err);

/**
 * Session for the update in progress, opened (configuration read) if there is none. Installer
 * thread only.
 */
int jota_suite_session(struct jota_suite *s, struct jota_session **ret, struct jota_err *err);

/** Update the flags after the session changed. */
void jota_suite_sync(struct jota_suite *s);

/** End the session without a flip and forget what was pending for it. Installer thread only. */
void jota_suite_abort(struct jota_suite *s);

/** The bootloader interface's functions (boot_iface.c). */
int jota_iface_register(void);
/** The image handlers (image_handler.c). */
int jota_image_register(void);
/** The hook (hook.c). */
int jota_hook_register(void);

/**
 * Let jetson-health look at the slot just written (preflip.c). 0: it may be booted, or nothing is there to look at it and nothing
 * asks for that; -errno with the sentence of the check that refuses. Blocks up to preflip_deadline_s.
 */
int jota_suite_preflip(struct jota_suite *s, struct jota_err *err);

/**
 * Progress of long work after the stream ended, for jota_progress_fn: ctx is a struct jota_said.
 */
struct jota_said {
	const char *what; /* "verifying rootfs.ext4.zst" */
	unsigned percent;
};
void jota_say_progress(void *ctx, uint64_t done_bytes, uint64_t total_bytes);
