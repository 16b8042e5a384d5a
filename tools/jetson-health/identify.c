/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * swupdate's control socket. A request and its answer are one message of this form, in the byte order of the machine
 * (SWUpdate 2022.12 to 2024.12, include/network_ipc.h, seen from its only reader here):
 *
 *  offset  size  field
 *       0     4  magic
 *       4     4  type: 5 for a process of swupdate; in the answer 1 taken, 2 not taken
 *       8     4  process: 2 its hawkBit client
 *      12     4  command: 1 configure, 3 status
 *      16     4  seconds that its main process waits for the client
 *      20     4  length of the text
 *      24  2048  text, JSON
 *           ...  zero, up to the largest kind of message
 */
#include "identify.h"
#include "attributes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"

#define MESSAGE_BYTES 3120u
#define TEXT_AT 24u
#define TEXT_BYTES 2048u
#define MAGIC 0x14052001u
#define TYPE_TAKEN 1u
#define TYPE_TO_PROCESS 5u
#define TO_SURICATTA 2u
#define COMMAND_CONFIGURE 1u
#define COMMAND_STATUS 3u
#define ANSWER_S 10u
#define PAUSE_NS 200000000L

static const char *const sockets[] = { "/run/swupdate/sockinstctrl", "/tmp/sockinstctrl" };

static int64_t left_ms(int64_t until_ms)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return until_ms - ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

static void put(unsigned char *message, size_t at, uint32_t value)
{
	memcpy(message + at, &value, sizeof(value));
}

static int connect_to(const struct jota_io *io, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval limit = { .tv_sec = ANSWER_S + 5 };
	CLEANUP_FD int fd = -1;

	if (jota_io_path(io, path, address.sun_path, sizeof(address.sun_path), NULL) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return take_fd(&fd);
}

static bool send_all(int fd, const unsigned char *data, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t n = send(fd, data + done, bytes - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static bool receive_all(int fd, unsigned char *data, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t n = recv(fd, data + done, bytes - done, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* One command. text: in and out, TEXT_BYTES. True when it was taken. */
static bool ask(const struct jota_io *io, uint32_t command, char *text)
{
	unsigned char message[MESSAGE_BYTES] = { 0 };
	uint32_t magic, type;
	CLEANUP_FD int fd = -1;

	for (size_t i = 0; fd < 0 && i < sizeof(sockets) / sizeof(sockets[0]); i++)
		fd = connect_to(io, sockets[i]);
	if (fd < 0)
		return false;
	put(message, 0, MAGIC);
	put(message, 4, TYPE_TO_PROCESS);
	put(message, 8, TO_SURICATTA);
	put(message, 12, command);
	put(message, 16, ANSWER_S);
	put(message, 20, (uint32_t)strnlen(text, TEXT_BYTES - 1));
	memcpy(message + TEXT_AT, text, strnlen(text, TEXT_BYTES - 1));
	if (!send_all(fd, message, sizeof(message)) || !receive_all(fd, message, sizeof(message)))
		return false;
	memcpy(&magic, message, sizeof(magic));
	memcpy(&type, message + 4, sizeof(type));
	memcpy(text, message + TEXT_AT, TEXT_BYTES);
	text[TEXT_BYTES - 1] = '\0';
	return magic == MAGIC && type == TYPE_TAKEN;
}

/*
 * Its client answers before it has set itself up, and then forgets what it was told. From then on it knows a time of its last word
 * with the server.
 */
static bool is_set_up(const struct jota_io *io)
{
	char text[TEXT_BYTES] = "";
	const char *at;

	if (!ask(io, COMMAND_STATUS, text))
		return false;
	at = strstr(text, "\"time\":\"");
	return at && strncmp(at + 8, "1970-01-01", 10) != 0 &&
	       strncmp(at + 8, "1969-12-31", 10) != 0;
}

static int make_text(const struct attribute *attributes, size_t count, char text[TEXT_BYTES],
		     struct jota_err *err)
{
	size_t len = 0;
	int n = 0;

	/* Values have no character that JSON would want escaped. */
	for (size_t i = 0; i < count; i++) {
		n = snprintf(text + len, TEXT_BYTES - len, "%s{\"name\":\"%s\",\"value\":\"%s\"}",
			     i == 0 ? "{\"identify\":[" : ",", attributes[i].name,
			     attributes[i].value);
		if (n < 0 || (size_t)n >= TEXT_BYTES - len)
			return jota_fail(err, EOVERFLOW, "the attributes for swupdate");
		len += (size_t)n;
	}
	n = snprintf(text + len, TEXT_BYTES - len, "]}");
	return n < 0 || (size_t)n >= TEXT_BYTES - len ?
		       jota_fail(err, EOVERFLOW, "the attributes for swupdate") :
		       0;
}

int identify_tell(const struct jota_io *io, const struct attribute *attributes, size_t count,
		  int64_t until_ms, struct jota_err *err)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	char text[TEXT_BYTES] = "";
	int r = make_text(attributes, count, text, err);

	if (r < 0)
		return r;
	/* A board without a clock is in 1970 for ever: tell it all the same in the end. */
	while (!is_set_up(io) && left_ms(until_ms) > 0)
		(void)nanosleep(&pause, NULL);
	return ask(io, COMMAND_CONFIGURE, text) ?
		       0 :
		       jota_fail(err, EAGAIN,
				 "no swupdate with a hawkBit client takes the attributes at '%s' or "
				 "'%s'.",
				 sockets[0], sockets[1]);
}
