/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE /* explicit_bzero */
#include "passphrase.h"

#include "base/cleanup.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Up to the end of the line. Returns its length, or a negative errno. */
static ssize_t read_line(int fd, char *buf, size_t buf_bytes, const atomic_bool *cancel)
{
	size_t used = 0;

	for (;;) {
		ssize_t n = read(fd, buf + used, 1);

		if (n < 0 && errno == EINTR) {
			if (cancel && atomic_load(cancel))
				return -ECANCELED;
			continue;
		}
		if (n < 0)
			return -errno;
		if (n == 0 || buf[used] == '\n')
			break;
		if (++used == buf_bytes)
			return -E2BIG;
	}
	if (used > 0 && buf[used - 1] == '\r')
		used--;
	buf[used] = '\0';
	return (ssize_t)used;
}

static int from_file(const struct passphrase_source *s, char *buf, size_t buf_bytes,
		     struct jota_err *err)
{
	CLEANUP_FD int fd = open(s->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return jota_fail(err, errno, "open '%s'", s->file);
	n = read_line(fd, buf, buf_bytes, s->cancel);
	if (n == 0)
		return jota_fail(err, EINVAL, "the first line of '%s' is empty.", s->file);
	return n < 0 ? jota_fail(err, (int)-n, "read '%s'", s->file) : 0;
}

static int from_variable(const struct passphrase_source *s, char *buf, size_t buf_bytes,
			 struct jota_err *err)
{
	const char *value = getenv(s->variable);
	int n;

	if (!value || value[0] == '\0')
		return jota_fail(err, EINVAL, "the environment variable %s is not set.",
				 s->variable);
	n = snprintf(buf, buf_bytes, "%s", value);
	if (n < 0 || (size_t)n >= buf_bytes)
		return jota_fail(err, EINVAL, "the passphrase in %s is too long.", s->variable);
	return 0;
}

/* The terminal itself, whatever standard input and output are. */
static int from_terminal(const struct passphrase_source *s, const char *what, char *buf,
			 size_t buf_bytes, struct jota_err *err)
{
	CLEANUP_FD int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios before, silent;
	ssize_t n;

	if (fd < 0 || tcgetattr(fd, &before) < 0)
		return jota_fail(err, EACCES,
				 "'%s' needs a passphrase and there is no terminal to ask at; give "
				 "--passphrase-file or --passphrase-env.",
				 what);
	silent = before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
	silent.c_lflag |= ECHONL;
	/* Silent before the question: an answer that is quick must be neither shown nor lost. */
	(void)tcsetattr(fd, TCSAFLUSH, &silent);
	(void)dprintf(fd, "Passphrase for %s: ", what);
	n = read_line(fd, buf, buf_bytes, s->cancel);
	(void)tcsetattr(fd, TCSAFLUSH, &before);
	if (n == -ECANCELED)
		return jota_fail(err, ECANCELED, "interrupted.");
	return n < 0 ? jota_fail(err, (int)-n, "read the passphrase") : 0;
}

int passphrase_get(const struct passphrase_source *source, const char *what, char *buf,
		   size_t buf_bytes, struct jota_err *err)
{
	int rc;

	if (source->file)
		rc = from_file(source, buf, buf_bytes, err);
	else if (source->variable)
		rc = from_variable(source, buf, buf_bytes, err);
	else
		rc = from_terminal(source, what, buf, buf_bytes, err);
	if (rc < 0)
		explicit_bzero(buf, buf_bytes);
	return rc;
}
