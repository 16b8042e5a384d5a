/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The new slot is looked at before it may boot, by jetson-health in a process of its own: this one is a threaded daemon with root's
 * rights, and reads no file system that somebody else made. Only the sentence comes back.
 *
 *  preflip      jetson-health   health.conf
 *  "off"        -               -             not looked at, said so
 *  "auto"       there           -             looked at; must pass
 *  "auto"       absent          there         refused: somebody wants checks that cannot be made
 *  "auto"       absent          absent        not looked at, said so
 *  "required"   absent          -             refused
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/spawn.h"
#include "host.h"
#include "suite.h"
#include "update/session.h"
#include "write/target.h"

#define PROGRAM "/usr/sbin/jetson-health"
#define HEALTH_CONF "/etc/swupdate-jetson/health.conf"
#define COMMAND_LINE_BYTES 65536u
#define ARGUMENTS_MAX 16
#define WARNING "warning: "
#define VERDICT "verdict: "
#define REFUSE "refuse: "
#define SENTENCE_MAX 300u

static bool exists(const struct jota_io *io, const char *path)
{
	char full[PATH_MAX];
	struct stat st;

	return jota_io_path(io, path, full, sizeof(full), NULL) == 0 && stat(full, &st) == 0;
}

/* 1 run it, 0 there is none and nobody asks for it, -errno. */
static int find_program(const struct jota_suite *s, char full[PATH_MAX], struct jota_err *err)
{
	struct stat st;
	int rc;

	if (s->config.preflip == JOTA_PREFLIP_OFF) {
		WARN("the new slot is not checked before it boots: preflip is 'off' in " JOTA_CONFIG_PATH);
		return 0;
	}
	rc = jota_io_path(&s->io, PROGRAM, full, PATH_MAX, err);
	if (rc < 0)
		return rc;
	if (stat(full, &st) < 0) {
		if (s->config.preflip == JOTA_PREFLIP_REQUIRED || exists(&s->io, HEALTH_CONF))
			return jota_fail(
				err, ENOENT,
				"the new slot cannot be checked before it boots: '%s' is not "
				"installed, and %s asks for it; the running slot stays selected.",
				PROGRAM,
				s->config.preflip == JOTA_PREFLIP_REQUIRED ?
					"preflip in " JOTA_CONFIG_PATH :
					HEALTH_CONF);
		INFO("the new slot is not checked before it boots: there is no " PROGRAM);
		return 0;
	}
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111) || (st.st_mode & (S_IWGRP | S_IWOTH)) ||
	    (st.st_uid != 0 && (jota_io_is_real_root(&s->io) || st.st_uid != geteuid())))
		return jota_fail(
			err, EPERM,
			"'%s' belongs to user %u with mode %04o, expected a program that only "
			"root can change; the new slot is not checked and not booted.",
			PROGRAM, (unsigned)st.st_uid, (unsigned)(st.st_mode & 07777));
	return 1;
}

/* "-k FILE" of swupdate's own command line: what the running slot trusts. false: not told there. */
static bool find_anchor(char *text, size_t bytes, char anchor[PATH_MAX])
{
	const char *found = NULL;

	for (size_t at = 0; at < bytes; at += strlen(text + at) + 1) {
		const char *word = text + at;
		size_t next = at + strlen(word) + 1;

		if (!strncmp(word, "--key=", 6))
			found = word + 6;
		else if ((!strcmp(word, "-k") || !strcmp(word, "--key")) && next < bytes)
			found = text + next;
	}
	if (!found || found[0] != '/' || strlen(found) >= PATH_MAX)
		return false;
	memcpy(anchor, found, strlen(found) + 1);
	return true;
}

static bool read_anchor(const struct jota_suite *s, char anchor[PATH_MAX])
{
	char *text = NULL;
	size_t bytes = 0;
	bool found;

	/* Below another root, the paths of the command line are not those of the slot. */
	if (!jota_io_is_real_root(&s->io) ||
	    jota_io_read_file(&s->io, "/proc/self/cmdline", COMMAND_LINE_BYTES, &text, &bytes,
			      NULL) < 0)
		return false;
	found = find_anchor(text, bytes, anchor);
	free(text);
	return found;
}

/* What jetson-health is told, with the storage for it. */
struct call {
	char program[PATH_MAX], anchor[PATH_MAX], update_dir[PATH_MAX];
	struct jota_target rootfs, kernel;
	char *argv[ARGUMENTS_MAX];
	size_t count;
};

static void add(struct call *call, const char *option, const char *value)
{
	call->argv[call->count++] = (char *)option;
	call->argv[call->count++] = (char *)value;
}

static int fill_call(const struct jota_suite *s, struct call *call, struct jota_err *err)
{
	int rc = jota_session_locate(s->session, JOTA_ROLE_ROOTFS, &call->rootfs, err);
	struct jota_err none = { 0 };

	if (rc < 0)
		return jota_wrap(err, "check of the new slot: ");
	call->argv[call->count++] = call->program;
	if (!jota_io_is_real_root(&s->io))
		add(call, "--root", s->io.root);
	call->argv[call->count++] = (char *)"preflip";
	add(call, "--slot", jota_slot_name(jota_session_target(s->session)));
	add(call, "--target-device", call->rootfs.path);
	/* A layout without such a partition has its kernel elsewhere. */
	if (jota_session_locate(s->session, JOTA_ROLE_KERNEL, &call->kernel, &none) == 0)
		add(call, "--kernel-device", call->kernel.path);
	(void)snprintf(call->update_dir, sizeof(call->update_dir), "%s", get_tmpdir());
	if (call->update_dir[0] == '/')
		add(call, "--update-dir", call->update_dir);
	if (read_anchor(s, call->anchor))
		add(call, "--anchor", call->anchor);
	return 0;
}

/* Printable, so that nothing that a root file system brings reaches the log as a command to a terminal. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (*text != '\n' && (*text < ' ' || *text > '~'))
			*text = '?';
}

/* Reads what was printed, cut into lines in place. Returns the last verdict, NULL: none. */
static const char *read_lines(char *text)
{
	const char *verdict = NULL;

	make_printable(text);
	for (char *line = text, *end; line; line = end) {
		end = strchr(line, '\n');
		/* A line without its end was cut off. */
		if (!end)
			break;
		*end++ = '\0';
		if (!strncmp(line, WARNING, strlen(WARNING)))
			WARN("%s", line + strlen(WARNING));
		if (!strncmp(line, VERDICT, strlen(VERDICT)))
			verdict = line + strlen(VERDICT);
	}
	return verdict;
}

static int fail_without_verdict(const struct jota_spawned *ended, unsigned deadline_s,
				struct jota_err *err)
{
	const char *end = "the new slot is not booted";

	if (ended->timed_out)
		return jota_fail(err, ETIMEDOUT,
				 "check of the new slot: " PROGRAM
				 " did not end within %u s (preflip_deadline_s)%s; %s.",
				 deadline_s, ended->stuck ? ", and the kernel cannot end it" : "",
				 end);
	if (ended->too_much)
		return jota_fail(err, EMSGSIZE,
				 "check of the new slot: " PROGRAM
				 " printed more than %zu bytes and was ended; %s.",
				 JOTA_SPAWN_OUTPUT_MAX, end);
	if (ended->status_known && WIFSIGNALED(ended->status))
		return jota_fail(err, EIO,
				 "check of the new slot: " PROGRAM " was killed by signal %d; %s.",
				 WTERMSIG(ended->status), end);
	return jota_fail(err, EIO,
			 "check of the new slot: " PROGRAM
			 " ended without a verdict (exit status %d); %s.",
			 ended->status_known ? WEXITSTATUS(ended->status) : -1, end);
}

/* What it said before it had to be ended does not count. */
static int judge(struct jota_spawned *ended, unsigned deadline_s, struct jota_err *err)
{
	const char *sentence;
	size_t len;
	const char *verdict = read_lines(ended->tail);
	bool died = ended->timed_out || ended->too_much ||
		    (ended->status_known && !WIFEXITED(ended->status));

	if (!verdict || died)
		return fail_without_verdict(ended, deadline_s, err);
	if (!strncmp(verdict, REFUSE, strlen(REFUSE))) {
		sentence = verdict + strlen(REFUSE);
		len = strnlen(sentence, SENTENCE_MAX);
		while (len > 0 && sentence[len - 1] == '.')
			len--;
		return jota_fail(
			err, EBADMSG,
			"the new slot is not booted, the running slot stays selected: %.*s.",
			(int)len, sentence);
	}
	if (strcmp(verdict, "pass") != 0 || (ended->status_known && WEXITSTATUS(ended->status) != 0))
		return fail_without_verdict(ended, deadline_s, err);
	INFO("the new slot passed the checks before its first boot");
	return 0;
}

int jota_suite_preflip(struct jota_suite *s, struct jota_err *err)
{
	struct jota_spawned *ended = calloc(1, sizeof(*ended));
	struct call *call = calloc(1, sizeof(*call));
	unsigned deadline_s = s->config.preflip_deadline_s;
	int rc = ended && call ? 0 : jota_fail(err, ENOMEM, "check of the new slot");

	if (rc == 0)
		rc = find_program(s, call->program, err);
	if (rc > 0) {
		rc = fill_call(s, call, err);
		if (rc == 0)
			rc = jota_spawn_run(call->argv, deadline_s * 1000u, ended, err);
		if (rc == 0)
			rc = judge(ended, deadline_s, err);
	}
	free(call);
	free(ended);
	return rc;
}
