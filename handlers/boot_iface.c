/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * SWUpdate's bootloader interface "jetson". What SWUpdate stores through it is mostly
 * bookkeeping, kept in memory until the
 * next store of the session; but its last fallible act of an update, ustate = 1, is the flip.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "slot/backend.h"
#include "suite.h"
#include "update/session.h"

#define USTATE "ustate"
#define LINE_BYTES 2048

/*
 * Children of swupdate are copies of it: what they changed in memory would be lost, and a flip
 * from there is no last act.
 */
static int refuse_child(const struct jota_suite *s, const char *name, struct jota_err *err)
{
	if (getpid() == s->main_pid)
		return 0;
	return jota_fail(
		err, EPERM,
		"environment variable '%.64s' is set from a child process of swupdate; only "
		"its main process may.",
		name);
}

/* What is not stored is shown to those who ask, but only as the installer's own word. */
static void note_ustate(struct jota_suite *s, enum jota_ustate ustate)
{
	pid_t self = gettid();

	if (s->installer && s->installer != self)
		return;
	s->pending.ustate = (char)ustate;
	s->ustate_by = self;
}

static void note_in_progress(struct jota_suite *s)
{
	pid_t self = gettid();

	note_ustate(s, JOTA_USTATE_IN_PROGRESS);
	/*
	 * The network thread may say it too, for whoever forged it: the installer is recognised
	 * by being among them.
	 */
	for (unsigned i = 0; i < s->seen_count; i++)
		if (s->seen_in_progress[i] == self)
			return;
	if (s->seen_count < JOTA_SEEN_MAX)
		s->seen_in_progress[s->seen_count++] = self;
}

/* The last fallible act (R4): only the thread that armed may flip, and only once. */
static int flip(struct jota_suite *s, struct jota_err *err)
{
	bool ours, active, armed, marker_missing = false;
	enum jota_slot target;
	int rc;

	pthread_mutex_lock(&s->mutex);
	ours = s->installer == gettid();
	active = s->active;
	armed = s->armed;
	pthread_mutex_unlock(&s->mutex);
	if (!ours)
		return jota_fail(
			err, EPERM,
			"ustate=1 (installed) is refused: it comes from outside an update, or "
			"from one without an A/B image; only an update that wrote and "
			"verified a slot may select it.");
	if (!active)
		return jota_fail(err, EPROTO,
				 "this update wrote no A/B image, so there is no slot to select.");
	if (!armed)
		return jota_fail(err, EPROTO,
				 "the images are written but no script of type '" JOTA_HOOK_TYPE
				 "' checked them: sw-description "
				 "must contain scripts: ( { type = \"" JOTA_HOOK_TYPE
				 "\"; ... } ). The running slot stays selected.");
	target = jota_session_target(s->session);
	rc = jota_session_flip(s->session, s->pending.change, s->pending.count, &marker_missing,
			       err);
	if (rc < 0) {
		jota_suite_abort(s);
		return rc;
	}
	INFO("slot %s is selected: the next boot tries it, at most %u times until it is confirmed",
	     jota_slot_name(target), s->config.boot_tries);
	if (marker_missing)
		WARN("cannot create '%s': a restart of swupdate before the reboot would look like a cancel",
		     JOTA_REBOOT_PENDING);
	jota_suite_abort(s); /* the session is over; nothing is taken back */
	return 0;
}

/*
 * "0" from SWUpdate: reported, or cancelled on the server. While an update is being written it
 * can only be forged.
 */
static int acknowledge(struct jota_suite *s, struct jota_err *err)
{
	struct jota_io io;
	struct jota_config config;
	bool active;
	int rc;

	pthread_mutex_lock(&s->mutex);
	active = s->active;
	pthread_mutex_unlock(&s->mutex);
	if (active)
		return jota_fail(err, EBUSY,
				 "ustate=0 while an update is being installed is refused.");
	rc = jota_io_init(&io, NULL, err);
	if (!rc)
		rc = jota_config_read(&io, &config, err);
	if (!rc)
		rc = jota_transition_apply(&io, &config, JOTA_DO_ACKNOWLEDGE, NULL, 0, NULL, err);
	return rc < 0 ? rc : 0;
}

static int set_ustate(struct jota_suite *s, const char *value, struct jota_err *err)
{
	bool ours;

	if (!value || strlen(value) != 1)
		return jota_fail(err, EINVAL, "ustate: '%.16s' is no state of SWUpdate.",
				 value ? value : "");
	switch (value[0]) {
	case JOTA_USTATE_IN_PROGRESS:
		pthread_mutex_lock(&s->mutex);
		note_in_progress(s);
		pthread_mutex_unlock(&s->mutex);
		return 0;
	case JOTA_USTATE_FAILED:
		/*
		 * In memory only (R6): stored, it would be reported for the next action of the
		 * server.
		 */
		pthread_mutex_lock(&s->mutex);
		note_ustate(s, JOTA_USTATE_FAILED);
		ours = s->installer == gettid();
		pthread_mutex_unlock(&s->mutex);
		if (ours)
			jota_suite_abort(s);
		return 0;
	case JOTA_USTATE_INSTALLED:
		return flip(s, err);
	case JOTA_USTATE_OK:
		return acknowledge(s, err);
	default:
		return jota_fail(err, EPERM,
				 "ustate=%c is refused: a slot is confirmed with jetson-slot "
				 "mark-success, nothing else marks it.",
				 value[0]);
	}
}

static bool is_state_variable(const char *name)
{
	return jota_backend_uboot.owns(name);
}

static int buffer(struct jota_suite *s, const char *name, const char *value, struct jota_err *err)
{
	int rc;

	if (is_state_variable(name))
		return jota_fail(
			err, EPERM,
			"'%.64s' belongs to the slot state: a bootenv section must not set it; the slot is "
			"selected by the update itself.",
			name);
	pthread_mutex_lock(&s->mutex);
	rc = jota_pending_set(&s->pending, name, value, err);
	pthread_mutex_unlock(&s->mutex);
	return rc;
}

static int change(const char *name, const char *value)
{
	struct jota_suite *s = jota_suite();
	struct jota_err err = { 0 };
	int rc;

	jota_suite_listen(s);
	rc = refuse_child(s, name, &err);
	if (!rc)
		rc = strcmp(name, USTATE) ? buffer(s, name, value, &err) :
					    set_ustate(s, value, &err);
	if (rc < 0)
		ERROR("%s", err.msg);
	return rc < 0 ? -1 : 0;
}

static int env_set(const char *name, const char *value)
{
	return change(name, value);
}

static int env_unset(const char *name)
{
	return change(name, NULL);
}

/*
 * What waits in memory is what SWUpdate believes to be stored. True when *ret_value (heap or
 * NULL) is the answer.
 */
static bool get_pending(struct jota_suite *s, const char *name, char **ret_value)
{
	const char *value = NULL;
	char digit[2] = { 0 };
	bool found;

	pthread_mutex_lock(&s->mutex);
	if (!strcmp(name, USTATE)) {
		digit[0] = s->pending.ustate;
		found = digit[0] && s->installer && s->ustate_by == s->installer;
		value = digit;
	} else {
		found = jota_pending_get(&s->pending, name, &value);
	}
	*ret_value = found && value ? strdup(value) : NULL;
	pthread_mutex_unlock(&s->mutex);
	return found;
}

static int get_stored(const char *name, char **ret_value, struct jota_err *err)
{
	struct jota_backend *backend = NULL;
	struct jota_config config;
	struct jota_io io;
	int rc = jota_io_init(&io, NULL, err);

	if (!rc)
		rc = jota_config_read(&io, &config, err);
	if (!rc)
		rc = jota_backend_open(&io, &config, &backend, err);
	if (!rc)
		rc = jota_backend_get(backend, name, ret_value, err);
	jota_backend_free(backend);
	return rc;
}

static char *env_get(const char *name)
{
	struct jota_suite *s = jota_suite();
	struct jota_err err = { 0 };
	char *value = NULL;

	/*
	 * A child sees the stored values only: the mutex it inherited may be held by nobody it
	 * knows.
	 */
	if (getpid() == s->main_pid && get_pending(s, name, &value))
		return value;
	if (get_stored(name, &value, &err) < 0) {
		ERROR("read environment variable '%.64s': %s", name, err.msg);
		return NULL;
	}
	/*
	 * A device that was never updated has no state; to SWUpdate that means that nothing is
	 * outstanding.
	 */
	if (!value && !strcmp(name, USTATE))
		value = strdup("0");
	return value;
}

/*
 * SWUpdate cuts names and values of a description to one length, without a word: what has that length
 * may once have been longer.
 */
static bool may_be_cut(const char *text)
{
	return strlen(text) == SWUPDATE_GENERAL_STRING_SIZE - 1;
}

/* Buffered into the flip's store (R7): a failed flip then leaves nothing behind. */
static int apply_line(struct jota_suite *s, char *line, const char *path, struct jota_err *err)
{
	char *value = strchr(line, '=');

	line[strcspn(line, "\n")] = '\0';
	if (!*line)
		return 0;
	if (!value || value == line)
		return jota_fail(err, EINVAL, "'%s': the line '%.64s' is not name=value.", path,
				 line);
	*value++ = '\0';
	if (may_be_cut(line) || may_be_cut(value))
		return jota_fail(
			err, E2BIG,
			"'%.32s' has a name or value of %d bytes or more, which SWUpdate cuts: "
			"make it shorter.",
			line, SWUPDATE_GENERAL_STRING_SIZE - 1);
	return buffer(s, line, *value ? value : NULL, err);
}

static int read_list(struct jota_suite *s, FILE *file, const char *path, struct jota_err *err)
{
	char line[LINE_BYTES];

	while (fgets(line, sizeof(line), file)) {
		int rc;

		if (!strchr(line, '\n') && !feof(file))
			return jota_fail(err, E2BIG, "'%s': a line is longer than %d bytes.", path,
					 LINE_BYTES - 2);
		rc = apply_line(s, line, path, err);
		if (rc < 0)
			return rc;
	}
	return ferror(file) ? jota_fail(err, EIO, "read '%s'", path) : 0;
}

static int apply_list(const char *path)
{
	struct jota_suite *s = jota_suite();
	struct jota_err err = { 0 };
	FILE *file;
	int rc;

	jota_suite_listen(s);
	rc = refuse_child(s, path, &err);
	if (!rc) {
		file = fopen(path, "re");
		rc = file ? read_list(s, file, path, &err) :
			    jota_fail(&err, errno, "open '%s'", path);
		if (file)
			(void)fclose(file);
	}
	if (rc < 0)
		ERROR("bootenv: %s", err.msg);
	return rc < 0 ? -1 : 0;
}

int jota_iface_register(void)
{
	static bootloader interface = {
		.env_set = env_set,
		.env_unset = env_unset,
		.env_get = env_get,
		.apply_list = apply_list,
	};

	if (register_bootloader(JOTA_INTERFACE, &interface) < 0) {
		fprintf(stderr,
			"jetson handlers: swupdate does not take the bootloader interface '" JOTA_INTERFACE
			"'.\n");
		return -1;
	}
	return 0;
}
