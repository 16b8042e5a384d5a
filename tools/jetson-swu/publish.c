/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* jetson-swu publish: a verified .swu goes to a hawkBit server. docs/man/jetson-swu.8 is its manual. */
#define _GNU_SOURCE /* explicit_bzero, basename */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "passphrase.h"
#include "publish.h"
#include "publish_words.h"
#include "show.h"
#include "swu/file_hash.h"
#include "swu/verify.h"
#include "verbs.h"

#define PASSWORD_BYTES 1024

/* What one run knows. */
struct run {
	struct publish_words words;
	struct publish_plan plan;
	struct publish_result result;
	struct jota_swu_report report;
	struct stat before;
	char name[PUBLISH_NAME_MAX + 1]; /* from the hardware that the update is for */
	bool terminal, line_open;
	unsigned last_percent;
};

static atomic_bool cancelled;
static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
	atomic_store(&cancelled, true);
}

static void catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct sigaction before;

		/* nohup and shells in the background ignore some on purpose. */
		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			(void)sigaction(numbers[i], &action, NULL);
	}
}

static void end_line(struct run *r)
{
	if (r->line_open)
		(void)fputs("\r\033[K", stderr);
	r->line_open = false;
}

static void show_bar(struct run *r, const char *what, uint64_t done_bytes, uint64_t total_bytes)
{
	unsigned percent =
		total_bytes ? (unsigned)((double)done_bytes * 100 / (double)total_bytes) : 100;

	if (!r->terminal || (r->line_open && percent == r->last_percent))
		return;
	r->last_percent = percent;
	(void)fprintf(stderr, "\r\033[K%s %s %3u %% of %s", what, ESCAPED(r->plan.upload.name),
		      percent, SIZE(total_bytes));
	r->line_open = true;
}

static void on_upload(void *ctx, uint64_t done_bytes, uint64_t total_bytes)
{
	show_bar(ctx, "uploading", done_bytes, total_bytes);
}

static void on_verify(void *ctx, const char *member, uint64_t done_bytes, uint64_t total_bytes)
{
	(void)member;
	show_bar(ctx, "verifying", done_bytes, total_bytes);
}

/* Lines for people, not in the way of --json. */
static void say(void *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(void *ctx, const char *fmt, ...)
{
	struct run *r = ctx;
	char text[JOTA_ERR_MSG_BYTES + 256];
	va_list args;

	if (r->words.quiet)
		return;
	end_line(r);
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	(void)fprintf(stderr, "jetson-swu publish: %s\n", ESCAPED(text));
}

static int verify(struct run *r, struct jota_err *err)
{
	struct jota_swu_verify_options options = r->words.verify;
	size_t fatal;
	int rc;

	options.progress = on_verify;
	options.progress_ctx = r;
	rc = jota_swu_verify(r->words.path, &options, &r->report, err);
	end_line(r);
	if (rc < 0)
		return rc;
	fatal = jota_swu_findings_fatal(&r->report.findings);
	if (!r->words.quiet || fatal > 0)
		show_findings(&r->report.findings, stderr);
	if (fatal > 0)
		return jota_fail(err, EBADMSG,
				 "'%s' is not published: a device would refuse it, for %zu reasons.",
				 r->words.path, fatal);
	return 0;
}

/* "jetson-demo:1.0" is the board jetson-demo. */
static int name_of_board(struct run *r, struct jota_err *err)
{
	const struct jota_swu_description *d = &r->report.description;
	size_t len = d->hardware_count > 0 ? strcspn(d->hardware[0], ":") : 0;

	if (r->words.name) {
		r->plan.name = r->words.name;
		return publish_check_word("the name", r->plan.name, err);
	}
	/* Without a colon it is a revision alone. */
	if (len == 0 || len > PUBLISH_NAME_MAX || d->hardware[0][len] != ':')
		return jota_fail(
			err, EINVAL,
			"'%s' names no board that could name it on the server; give --name.",
			r->words.path);
	memcpy(r->name, d->hardware[0], len);
	r->plan.name = r->name;
	return publish_check_word("the board's name", r->plan.name, err);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* What was verified by its name must be what the descriptor sends. */
static int check_unchanged(const struct run *r, struct jota_err *err)
{
	struct stat held, named;

	if (fstat(r->plan.upload.fd, &held) < 0 || stat(r->words.path, &named) < 0 ||
	    !is_same(&held, &r->before) || !is_same(&named, &r->before))
		return jota_fail(
			err, ESTALE,
			"'%s' changed while it was published; look at what is on the server.",
			r->words.path);
	return 0;
}

static int open_file(struct run *r, int *ret_fd, struct jota_err *err)
{
	const char *name = basename(r->words.path);
	size_t len = strlen(name);

	*ret_fd = open(r->words.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*ret_fd < 0 || fstat(*ret_fd, &r->before) < 0)
		return jota_fail(err, errno, "open '%s'", r->words.path);
	if (!S_ISREG(r->before.st_mode))
		return jota_fail(err, EINVAL, "'%s' is no regular file.", r->words.path);
	/* suricatta passes over files with another ending. */
	if (len < 5 || strcmp(name + len - 4, ".swu") != 0)
		return jota_fail(err, EINVAL,
				 "'%s' does not end with .swu: devices would not install it.", name);
	r->plan.upload = (struct http_upload){ .fd = *ret_fd,
					       .size_bytes = (uint64_t)r->before.st_size,
					       .name = name,
					       .progress = on_upload,
					       .progress_ctx = r };
	return publish_check_word("the file's name", name, err);
}

static int make_plan(struct run *r, struct jota_err *err)
{
	const struct publish_words *w = &r->words;
	struct publish_plan *plan = &r->plan;
	uint8_t sha256[JOTA_FILE_SHA256_BYTES];
	int rc = name_of_board(r, err);

	plan->version = r->report.description.version;
	plan->module_type = w->module_type;
	plan->set_type = w->set_type;
	plan->rollout = w->rollout;
	plan->filter = w->filter;
	plan->groups = w->groups;
	plan->target_count = w->target_count;
	memcpy(plan->target, w->target, sizeof(plan->target));
	if (rc == 0 && !plan->version)
		rc = jota_fail(err, EINVAL, "'%s' has no version.", w->path);
	if (rc == 0)
		rc = publish_check_word("the version", plan->version, err);
	if (rc == 0)
		rc = jota_swu_file_hash(plan->upload.fd, w->path, plan->upload.size_bytes,
					&cancelled, sha256, err);
	for (size_t i = 0; rc == 0 && i < sizeof(sha256); i++)
		(void)snprintf(plan->sha256_hex + 2 * i, 3, "%02x", sha256[i]);
	return rc < 0 ? rc : check_unchanged(r, err);
}

static int get_password(const struct publish_words *w, char *buf, struct jota_err *err)
{
	const struct passphrase_source source = { .file = w->password_file,
						  .variable = w->password_env,
						  .cancel = &cancelled };
	char what[128];
	int rc;

	(void)snprintf(what, sizeof(what), "user %.80s of the server", w->user);
	rc = passphrase_get(&source, what, buf, PASSWORD_BYTES, err);
	if (rc == -EACCES && !w->password_file)
		return jota_fail(err, EACCES,
				 "no password for user '%.80s': set HAWKBIT_PASSWORD, or give "
				 "--password-file or --password-env.",
				 w->user);
	return rc;
}

static int send(struct run *r, struct jota_err *err)
{
	char password[PASSWORD_BYTES];
	const struct http_options options = { .url = r->words.url,
					      .user = r->words.user,
					      .password = password,
					      .ca_file = r->words.ca_file,
					      .timeout_s = r->words.timeout_s,
					      .allow_http = r->words.allow_http,
					      .cancel = &cancelled };
	struct publisher p = { .plan = &r->plan,
			       .result = &r->result,
			       .tries = r->words.retries + 1,
			       .cancel = &cancelled,
			       .say = say,
			       .say_ctx = r };
	int rc = get_password(&r->words, password, err);

	if (rc == 0)
		rc = http_open(&options, &p.http, err);
	explicit_bzero(password, sizeof(password));
	if (rc == 0) {
		say(r, "%s version %s, %s, to %s", r->plan.name, r->plan.version,
		    SIZE(r->plan.upload.size_bytes), r->words.url);
		rc = publish_run(&p, err);
	}
	http_free(p.http);
	end_line(r);
	return rc < 0 ? rc : check_unchanged(r, err);
}

static int publish(struct run *r, struct jota_err *err)
{
	CLEANUP_FD int fd = -1;
	int rc = open_file(r, &fd, err);

	if (rc == 0)
		rc = verify(r, err);
	if (rc == 0)
		rc = make_plan(r, err);
	if (rc < 0)
		return rc;
	/* Up to here there is nothing to tidy up. */
	catch_signals();
	return send(r, err);
}

int verb_publish(int argc, char **argv)
{
	struct run r = { .terminal = isatty(STDERR_FILENO) == 1 };
	struct jota_err err = { 0 };
	int code = publish_words_parse(argc, argv, &r.words);

	if (code >= 0)
		return code;
	r.terminal = r.terminal && !r.words.quiet;
	if (publish(&r, &err) < 0) {
		end_line(&r);
		show_error("%s", err.msg);
		code = caught ? 128 + (int)caught : EXIT_REFUSED;
	} else {
		code = publish_show(&r.words, &r.plan, &r.result);
	}
	jota_swu_report_done(&r.report);
	return code;
}
