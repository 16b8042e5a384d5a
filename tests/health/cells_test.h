/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What test_cells.c stands on: storage that does not answer, servers, and something that vanishes between two looks. */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "health/newroot_test.h"
#include "health/server_test.h"

#include <mntent.h>
#include <stdarg.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>

enum situation { IS_WELL, IS_BAD, IS_SILENT, IS_GARBAGE, VANISHES };
#define SITUATION_COUNT 5

static const char *const situation_names[SITUATION_COUNT] = { "well", "bad", "silent", "garbage",
							      "vanishes" };

struct want {
	enum jota_status status;
	enum jota_reason reason;
};

/*
 * A path that never answers, as a file server that is gone: these replace the C library's functions in this program. Set only
 * before the run, so it is the workers of the checks that hang.
 */
static const char *silent_path;

static inline void hang_at(const char *path)
{
	size_t len = silent_path ? strlen(silent_path) : 0, have = strlen(path);

	if (len > 0 && have >= len && strcmp(path + have - len, silent_path) == 0)
		for (;;)
			(void)pause();
}

int open(const char *path, int flags, ...)
{
	va_list args;
	unsigned mode;

	va_start(args, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, unsigned) : 0;
	va_end(args);
	hang_at(path);
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int stat(const char *restrict path, struct stat *restrict ret)
{
	hang_at(path);
	return fstatat(AT_FDCWD, path, ret, 0);
}

int statvfs(const char *restrict path, struct statvfs *restrict ret)
{
	int fd, r;

	hang_at(path);
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_PATH | O_CLOEXEC, 0);
	r = fd < 0 ? -1 : fstatvfs(fd, ret);
	if (fd >= 0)
		(void)close(fd);
	return r;
}

FILE *setmntent(const char *path, const char *mode)
{
	hang_at(path);
	return fopen(path, mode);
}

static inline void hang_if(enum situation s, const char *path)
{
	silent_path = s == IS_SILENT ? path : NULL;
}

static inline void link_to(const char *path, const char *to)
{
	char full[PATH_MAX];

	scratch_path(&scratch, path, full);
	ck_assert_int_eq(symlink(to, full), 0);
}

static inline void garbage_program(const char *path)
{
	char full[PATH_MAX];

	scratch_text(&scratch, path,
		     "\x7f"
		     "ELF nonsense");
	scratch_path(&scratch, path, full);
	ck_assert_int_eq(chmod(full, 0755), 0);
}

/* The second check of the plan is what lets the thing vanish: so it is there first, and then it is not. */
static bool has_vanisher;

static inline void vanish_by(enum situation s, const char *shell)
{
	char body[1024];

	has_vanisher = s == VANISHES;
	(void)snprintf(body, sizeof(body), "root='%s'; %s", scratch.root, shell);
	if (has_vanisher)
		script("/opt/vanish", body);
}

/* A server that says one thing to everybody, or nothing at all. */
static inline void serve_for_ever(int listener, const void *what)
{
	const char *say = what;

	for (;;) {
		int fd = accept(listener, NULL, NULL);
		char request[4096];

		if (fd < 0)
			_exit(1);
		while (!say)
			(void)pause();
		if (strncmp(say, "HTTP", 4) == 0)
			(void)!read(fd, request, sizeof(request));
		(void)!write(fd, say, strlen(say));
		(void)shutdown(fd, SHUT_WR);
		(void)close(fd);
	}
}

/* bad NULL: nobody listens. */
static inline void serve_cell(enum situation s, const char *well, const char *bad,
			      const char *garbage)
{
	int fd = take_port();
	char shell[64];

	if (s == IS_BAD && !bad)
		(void)close(fd);
	else
		server_start(fd, serve_for_ever,
			     s == IS_SILENT  ? NULL :
			     s == IS_BAD     ? bad :
			     s == IS_GARBAGE ? garbage :
					       well);
	(void)snprintf(shell, sizeof(shell), "kill -9 %d", (int)server_pid);
	vanish_by(s, shell);
}

/* Nobody accepts: once the queue is full, further connections get no answer. Left open for the whole test. */
static int queue_fd[9];
static bool queue_is_full;

static inline void fill_queue(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	queue_fd[0] = take_port();
	queue_is_full = true;
	ck_assert_int_eq(listen(queue_fd[0], 0), 0);
	address.sin_port = htons((uint16_t)port);
	for (size_t i = 1; i < sizeof(queue_fd) / sizeof(queue_fd[0]); i++) {
		queue_fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(queue_fd[i], (struct sockaddr *)&address, sizeof(address));
	}
}

static inline void serve_bus(const char *say)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	make_dir("/run", 0755);
	make_dir("/run/dbus", 0755);
	(void)snprintf(address.sun_path, sizeof(address.sun_path),
		       "%.70s/run/dbus/system_bus_socket", scratch.root);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	server_start(fd, serve_for_ever, say);
	has_vanisher = false;
}

static inline const char *with_port(const char *format)
{
	static char text[256];
	const char *at = strstr(format, "%u");

	ck_assert_ptr_nonnull(at);
	(void)snprintf(text, sizeof(text), "%.*s%u%s", (int)(at - format), format, port, at + 2);
	return text;
}

static inline void cell_teardown(void)
{
	server_stop();
	for (size_t i = 0; queue_is_full && i < sizeof(queue_fd) / sizeof(queue_fd[0]); i++)
		(void)close(queue_fd[i]);
	queue_is_full = false;
	silent_path = NULL;
	teardown();
}

/*
 * One check, or with something that vanishes: first the check, then what lets it vanish, then the check again, which is what counts. After a
 * reboot that is the stability window; before the flip there is none, so it stands in the plan twice.
 */
static inline const struct jota_result *run_in(enum situation s, const char *check, bool preflip)
{
	char update_dir[PATH_MAX];
	const struct jota_health_context context = {
		.phase = preflip ? JOTA_PHASE_PREFLIP : JOTA_PHASE_POSTBOOT,
		.slot = "B",
		.target_device = preflip ? "/image" : NULL,
		.target_kernel = preflip ? "/images/boot.img" : NULL,
		.update_dir = preflip ? update_dir : NULL,
	};
	const char *phase = preflip ? "phase = \"preflip\"; " : "";
	const char *limit = s == IS_SILENT ? "deadline_s = 0.2; " : "deadline_s = 30.0; ";
	const char *user = geteuid() == 0 ? "user = \"root\"; " : "";
	char text[4096];
	int n = snprintf(text, sizeof(text), "{ name = \"it\"; %s%s%s }", check, phase, limit);
	struct jota_plan plan;
	size_t last = 0;

	scratch_path(&scratch, "/update", update_dir);
	if (has_vanisher)
		n += snprintf(
			text + n, sizeof(text) - (size_t)n,
			",{ name = \"vanish\"; kind = \"command\"; argv = [ \"/opt/vanish\" ]; %s%s "
			"once = true; deadline_s = 30.0; }",
			user, phase);
	if (has_vanisher && preflip)
		(void)snprintf(text + n, sizeof(text) - (size_t)n, ",{ name = \"again\"; %s%s%s }",
			       check, phase, limit);
	if (preflip)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
			       ",{ name = \"boot\"; kind = \"kernel-modules\"; }");
	plan_from(has_vanisher ? "stability_s = 0.1;" : "stability_s = 0;", text, &plan);
	run_plan(&plan, &context, NULL);
	jota_plan_done(&plan);
	if (has_vanisher) {
		ck_assert_msg(report.result[1].status == JOTA_PASS, "%s", report.result[1].message);
		last = preflip ? 2 : 0;
		ck_assert_msg(!preflip || report.result[0].status == JOTA_PASS, "%s",
			      report.result[0].message);
		ck_assert_msg(preflip || strstr(report.result[0].message, "passed at first"), "%s",
			      report.result[0].message);
	}
	return &report.result[last];
}
