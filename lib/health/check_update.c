/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Could this system be updated again? An image that cannot is a device that somebody has to visit.
 * update-path lets the installed swupdate check a small signed sample; update-server asks whether the server that its
 * configuration names answers.
 */
#define _GNU_SOURCE
#include "base/err.h"
#include "base/io.h"
#include "health/child.h"
#include "health/http_get.h"
#include "health/suricatta.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ARGS_MAX 48u
#define SOCKETS_DIR "/run/swupdate"
#define BODY_BYTES_MAX 65536u
#define ATTEMPTS_MAX 8

enum { P_PROGRAM, P_SAMPLE, P_CONFIG, P_ARGS };
static const struct jota_field path_fields[] = {
	[P_PROGRAM] = { .name = "program",
			.type = JOTA_FIELD_PATH,
			.fallback = "/usr/sbin/swupdate-jetson",
			.about = "what the device updates itself with" },
	[P_SAMPLE] = { .name = "sample",
		       .type = JOTA_FIELD_PATH,
		       .required = true,
		       .about =
			       "a signed .swu that swupdate must accept; it is checked, never installed" },
	[P_CONFIG] = { .name = "config",
		       .type = JOTA_FIELD_PATH,
		       .about = "swupdate's configuration (option -f)" },
	[P_ARGS] = { .name = "args",
		     .type = JOTA_FIELD_LIST,
		     .about = "further options, such as -H board:rev and -k certificate" },
};

enum { S_CONFIG, S_URL, S_CA_FILE, S_CERT, S_KEY };
static const struct jota_field server_fields[] = {
	[S_CONFIG] = { .name = "config",
		       .type = JOTA_FIELD_PATH,
		       .fallback = JOTA_SWUPDATE_CFG,
		       .about = "swupdate's configuration; its section suricatta names the server" },
	[S_URL] = { .name = "url",
		    .type = JOTA_FIELD_TEXT,
		    .about = "the server, where the configuration does not name it" },
	[S_CA_FILE] = { .name = "ca_file",
			.type = JOTA_FIELD_PATH,
			.about = "certificates to trust; default suricatta's cafile" },
	[S_CERT] = { .name = "certificate",
		     .type = JOTA_FIELD_PATH,
		     .about = "client certificate; default suricatta's sslcert" },
	[S_KEY] = { .name = "key",
		    .type = JOTA_FIELD_PATH,
		    .about = "its key; default suricatta's sslkey" },
};

static bool is_there(const char *path, struct jota_finding *ret)
{
	struct stat st;

	if (!path || (stat(path, &st) == 0 && S_ISREG(st.st_mode)))
		return true;
	jota_found(ret, JOTA_FAIL, JOTA_WHY_MISSING, "'%.120s' is not there", path);
	return false;
}

/* swupdate sees the paths that the check looked at, below a root prefix too. */
static bool map_path(const struct jota_check_run *run, const char *path, char full[PATH_MAX],
		     struct jota_finding *ret)
{
	struct jota_err err = { 0 };

	if (jota_io_path(run->io, path, full, PATH_MAX, &err) == 0)
		return is_there(full, ret);
	jota_found(ret, JOTA_ERROR, JOTA_WHY_INTERNAL, "%s", err.msg);
	return false;
}

/* The first line that swupdate marks as an error says more than its last one. */
static void quote(const char *output, char *buf, size_t buf_bytes)
{
	const char *error = strstr(output, "ERROR");
	char line[512];
	size_t len;

	if (!error) {
		jota_child_last_line(output, buf, buf_bytes);
		return;
	}
	len = strcspn(error, "\n");
	len = len < sizeof(line) - 1 ? len : sizeof(line) - 1;
	memcpy(line, error, len);
	line[len] = '\0';
	jota_child_last_line(line, buf, buf_bytes);
}

static void judge(const struct jota_check_run *run, const struct jota_child_end *end,
		  struct jota_finding *ret)
{
	char said[180];

	quote(end->tail, said, sizeof(said));
	if (end->timed_out)
		jota_found(ret, JOTA_TIMEOUT, JOTA_WHY_DEADLINE, "ended after %g s: %s",
			   run->check->deadline_ms / 1000.0, said);
	else if (WIFSIGNALED(end->status))
		jota_found(ret, JOTA_FAIL, JOTA_WHY_SIGNALLED, "signal %d: %s",
			   WTERMSIG(end->status), said);
	else if (WEXITSTATUS(end->status) != 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_SAMPLE, "exit status %d: %s",
			   WEXITSTATUS(end->status), said);
	else
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "the sample is accepted");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	(void)remove(path);
	return 0;
}

/*
 * swupdate replaces the sockets of whoever runs already, and would start what its configuration lists: it gets a directory of
 * its own for sockets and temporary files, and no network.
 * true: it ended without saying what it thinks of the sample.
 */
static bool run_apart(const struct jota_check_run *run, char *const *argv, struct jota_finding *ret)
{
	char tmp_dir[] = "/tmp/jetson-health-XXXXXX", sockets[PATH_MAX];
	struct jota_child child = { .argv = argv, .tmp_dir = tmp_dir, .no_network = true };
	struct jota_child_end end;
	bool said_nothing = false;

	if (!mkdtemp(tmp_dir)) {
		jota_found(ret, JOTA_ERROR, JOTA_WHY_INTERNAL, "make a directory in /tmp: %s",
			   strerror(errno));
		return false;
	}
	if (jota_io_path(run->io, SOCKETS_DIR, sockets, sizeof(sockets), NULL) == 0)
		child.hide_dir = sockets;
	if (jota_child_run(run, &child, &end, ret) == 0) {
		judge(run, &end, ret);
		said_nothing = WIFEXITED(end.status) && WEXITSTATUS(end.status) != 0 &&
			       !strstr(end.tail, "ERROR");
	}
	(void)nftw(tmp_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return said_nothing;
}

static void run_path(const struct jota_check_run *run, struct jota_finding *ret)
{
	static char check_option[] = "-c", file_option[] = "-i", config_option[] = "-f";
	const struct jota_value *value = run->check->value;
	char sample[PATH_MAX], config[PATH_MAX];
	char *argv[ARGS_MAX];
	size_t n = 0;

	if (!map_path(run, value[P_SAMPLE].text, sample, ret) ||
	    (value[P_CONFIG].set && !map_path(run, value[P_CONFIG].text, config, ret)))
		return;
	argv[n++] = value[P_PROGRAM].text;
	if (value[P_CONFIG].set) {
		argv[n++] = config_option;
		argv[n++] = config;
	}
	for (size_t i = 0; value[P_ARGS].list && value[P_ARGS].list[i]; i++)
		argv[n++] = value[P_ARGS].list[i];
	argv[n++] = check_option;
	argv[n++] = file_option;
	argv[n++] = sample;
	argv[n] = NULL;
	/*
	 * A sample this small is sent whole before swupdate's installer has woken; up to 2022.12 its client then asks for the
	 * result of an installation that has not begun, and swupdate ends with 1 over a sample that it accepts. A refusal
	 * names an error.
	 */
	for (int i = 0; i < ATTEMPTS_MAX; i++)
		if (!run_apart(run, argv, ret) || jota_left_ms(run->deadline_ms) == 0)
			return;
}

static int override(const struct jota_check_run *run, int field, const char *name,
		    struct jota_suricatta *server, struct jota_err *err)
{
	const struct jota_value *value = &run->check->value[field];

	return value->set ?
		       jota_suricatta_set(run->io, server, name, strlen(name), value->text, err) :
		       0;
}

/* A configuration that is not there is no error where the check itself names the server. */
static bool find_server(const struct jota_check_run *run, struct jota_suricatta *ret,
			struct jota_finding *why)
{
	const char *config = run->check->value[S_CONFIG].text;
	struct jota_err err = { 0 }, own = { 0 };
	bool ok;

	(void)jota_suricatta_read(run->io, config, ret, &err);
	ok = override(run, S_URL, "url", ret, &own) == 0 &&
	     override(run, S_CA_FILE, "cafile", ret, &own) == 0 &&
	     override(run, S_CERT, "sslcert", ret, &own) == 0 &&
	     override(run, S_KEY, "sslkey", ret, &own) == 0;
	if (!ok)
		jota_found(why, JOTA_ERROR, JOTA_WHY_INTERNAL, "%s", own.msg);
	else if (!ret->url || !jota_http_is_url(ret->url))
		jota_found(why, JOTA_FAIL, JOTA_WHY_NO_SERVER,
			   "'%.120s' has no usable suricatta.url%s%s", config,
			   err.errnum ? ": " : "", err.errnum ? err.msg : "");
	return ok && ret->url && jota_http_is_url(ret->url);
}

/* Any answer will do, also "forbidden": whether the device may update is asked by suricatta itself. */
static void ask(const struct jota_check_run *run, const struct jota_suricatta *s,
		struct jota_finding *ret)
{
	struct jota_http_request request = { .url = s->url,
					     .ca_file = s->cafile,
					     .certificate = s->sslcert,
					     .key = s->sslkey,
					     .proxy = s->proxy,
					     .max_bytes = BODY_BYTES_MAX };
	struct jota_http_answer answer;

	if (!is_there(s->cafile, ret) || !is_there(s->sslcert, ret) || !is_there(s->sslkey, ret))
		return;
	if (jota_http_get(run, &request, &answer, ret) < 0) {
		/* A page that is larger than we want to read is an answer all the same. */
		if (ret->reason == JOTA_WHY_TOO_LARGE)
			jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "'%.120s' answers", s->url);
		return;
	}
	if (answer.status >= 500)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_HTTP_STATUS, "'%.120s': status %ld", s->url,
			   answer.status);
	else
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "'%.120s' answers with status %ld", s->url,
			   answer.status);
	free(answer.body);
}

static void run_server(const struct jota_check_run *run, struct jota_finding *ret)
{
	struct jota_suricatta server = { .url = NULL };

	if (find_server(run, &server, ret))
		ask(run, &server, ret);
	jota_suricatta_done(&server);
}

static const char *server_conflict(const struct jota_check *check)
{
	if (check->value[S_URL].set && !jota_http_is_url(check->value[S_URL].text))
		return "url must begin with http:// or https:// and name a host";
	return NULL;
}

const struct jota_check_kind jota_kind_update_path = {
	.name = "update-path",
	.about = "the installed swupdate accepts a signed sample",
	.phases = JOTA_PHASES_ALL,
	.field = path_fields,
	.field_count = sizeof(path_fields) / sizeof(path_fields[0]),
	.run = run_path,
};

const struct jota_check_kind jota_kind_update_server = {
	.name = "update-server",
	.about = "the update server that swupdate is configured for answers",
	.phases = JOTA_PHASES_ALL,
	.field = server_fields,
	.field_count = sizeof(server_fields) / sizeof(server_fields[0]),
	.conflict = server_conflict,
	.run = run_server,
};
