/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "suite.h"
#include "update/session.h"

/*
 * The only mutable object with static storage in the suite: SWUpdate's callbacks carry no
 * context of ours.
 */
static struct jota_suite the_suite = { .mutex = PTHREAD_MUTEX_INITIALIZER };

struct jota_suite *jota_suite(void)
{
	return &the_suite;
}

void jota_suite_sync(struct jota_suite *s)
{
	pthread_mutex_lock(&s->mutex);
	s->active = s->session && jota_session_begun(s->session);
	s->armed = s->session && jota_session_armed(s->session);
	pthread_mutex_unlock(&s->mutex);
}

/* The session object goes, whatever became of it; what SWUpdate had set for it is void with it. */
static void end_session(struct jota_suite *s)
{
	jota_session_free(s->session);
	s->session = NULL;
	jota_suite_sync(s);
	pthread_mutex_lock(&s->mutex);
	jota_pending_clear(&s->pending);
	pthread_mutex_unlock(&s->mutex);
}

void jota_suite_abort(struct jota_suite *s)
{
	if (s->session)
		jota_session_abort(s->session);
	end_session(s);
}

static void forget_threads(struct jota_suite *s)
{
	pthread_mutex_lock(&s->mutex);
	s->seen_count = 0;
	s->installer = 0;
	pthread_mutex_unlock(&s->mutex);
}

/*
 * Called with SWUpdate's notifier lock held: no logging from here. START and IDLE come from the
 * installer thread,
 * which owns the session. FAILURE is no boundary: every ERROR() of anybody arrives as one.
 */
static void hear(RECOVERY_STATUS status, int error, int level, const char *msg)
{
	struct jota_suite *s = &the_suite;
	bool lost, foreign;

	(void)error;
	(void)level;
	(void)msg;
	switch ((int)status) {
	case SUCCESS:
		pthread_mutex_lock(&s->mutex);
		lost = s->armed;
		pthread_mutex_unlock(&s->mutex);
		if (lost)
			dprintf(STDERR_FILENO,
				"jetson handlers: SWUpdate reports success, but the new slot was NOT "
				"selected: it never stored the state 'installed'.\n");
		break;
	case START:
	case IDLE:
		pthread_mutex_lock(&s->mutex);
		foreign = s->installer && s->installer != gettid();
		pthread_mutex_unlock(&s->mutex);
		if (foreign)
			break;
		jota_suite_abort(s);
		forget_threads(s);
		break;
	default:
		break;
	}
}

void jota_suite_listen(struct jota_suite *s)
{
	bool first;

	pthread_mutex_lock(&s->mutex);
	first = !s->listening;
	s->listening = true;
	pthread_mutex_unlock(&s->mutex);
	/* Not in the constructor: the host empties its list of notifiers when it starts. */
	if (first)
		register_notifier(hear);
}

int jota_suite_admit(struct jota_suite *s, const char *what, struct jota_err *err)
{
	const char *interface = get_bootloader();
	pid_t self = gettid();
	bool seen = false;

	jota_suite_listen(s);
	if (!interface || strcmp(interface, JOTA_INTERFACE) != 0)
		return jota_fail(
			err, EPERM,
			"%s: SWUpdate's bootloader interface is '%s', it must be '" JOTA_INTERFACE
			"', else the new slot would never be selected: start swupdate with -B " JOTA_INTERFACE
			" or set bootloader in swupdate.cfg. Nothing was written.",
			what, interface ? interface : "none");
	pthread_mutex_lock(&s->mutex);
	for (unsigned i = 0; i < s->seen_count; i++)
		seen |= s->seen_in_progress[i] == self;
	if (seen)
		s->installer = self;
	pthread_mutex_unlock(&s->mutex);
	if (!seen)
		return jota_fail(
			err, EPERM,
			"%s: SWUpdate did not mark this update as in progress (ustate=7): its state marker is off, and "
			"the new slot would never be selected: remove -m / --no-state-marker from swupdate's options and "
			"bootloader_state_marker = false from sw-description. Nothing was written.",
			what);
	return 0;
}

int jota_suite_session(struct jota_suite *s, struct jota_session **ret, struct jota_err *err)
{
	int rc;

	if (!s->session) {
		rc = jota_io_init(&s->io, NULL, err);
		if (!rc)
			rc = jota_config_read(&s->io, &s->config, err);
		if (!rc)
			rc = jota_session_open(&s->io, &s->config, &s->session, err);
		if (rc < 0)
			return rc;
		if (!jota_io_is_real_root(&s->io))
			WARN("jetson handlers: all paths are below '%s' (JOTA_ROOT is set)",
			     s->io.root);
	}
	*ret = s->session;
	return 0;
}

void jota_say_progress(void *ctx, uint64_t done_bytes, uint64_t total_bytes)
{
	struct jota_said *said = ctx;
	unsigned percent = total_bytes ? (unsigned)(done_bytes * 100 / total_bytes) : 100;
	char text[160];

	if (percent < said->percent + 10 && percent != 100)
		return;
	if (percent == said->percent)
		return;
	said->percent = percent;
	(void)snprintf(text, sizeof(text), "%s: %u %%", said->what, percent);
	swupdate_progress_info(RUN, 0, text);
}

int jota_suite_register(void)
{
	the_suite.main_pid = getpid();
	if (jota_image_register() < 0 || jota_hook_register() < 0 || jota_iface_register() < 0)
		return -1;
	return 0;
}
