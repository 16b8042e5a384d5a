/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#define _GNU_SOURCE
#include "health/kind.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOST, PORT };
static const struct jota_field fields[] = {
	[HOST] = { .name = "host",
		   .type = JOTA_FIELD_TEXT,
		   .required = true,
		   .about = "name or address" },
	[PORT] = { .name = "port",
		   .type = JOTA_FIELD_NUMBER,
		   .required = true,
		   .min = 1,
		   .max = 65535,
		   .about = "port" },
};

/* 0 connected, or the errno of why not. */
static int connect_one(const struct addrinfo *address, uint64_t deadline_ms)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int failed = 0, r;

	if (fd < 0)
		return errno;
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0)
		failed = errno;
	if (failed == EINPROGRESS) {
		r = poll(&ready, 1, (int)jota_left_ms(deadline_ms));
		if (r == 0)
			failed = ETIMEDOUT;
		else if (r < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) < 0)
			failed = errno;
	}
	(void)close(fd);
	return failed;
}

static void run_tcp(const struct jota_check_run *run, struct jota_finding *ret)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	const char *host = run->check->value[HOST].text;
	int64_t port = run->check->value[PORT].number;
	struct addrinfo *found = NULL;
	char service[8];
	int failed = 0, r;

	(void)snprintf(service, sizeof(service), "%u", (unsigned)port);
	r = getaddrinfo(host, service, &hints, &found);
	if (r != 0) {
		jota_found(ret, JOTA_FAIL, JOTA_WHY_NO_ADDRESS, "'%.100s': %s", host,
			   gai_strerror(r));
		return;
	}
	for (const struct addrinfo *a = found; a; a = a->ai_next) {
		failed = connect_one(a, run->deadline_ms);
		if (failed == 0 || failed == ETIMEDOUT)
			break;
	}
	freeaddrinfo(found);
	if (failed == 0)
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "'%.100s' port %" PRId64, host, port);
	else if (jota_left_ms(run->deadline_ms) == 0)
		jota_found(ret, JOTA_TIMEOUT, JOTA_WHY_DEADLINE,
			   "'%.100s' port %" PRId64 " does not answer", host, port);
	else
		jota_found(ret, JOTA_FAIL, JOTA_WHY_CONNECT, "'%.100s' port %" PRId64 ": %s", host,
			   port, strerror(failed));
}

const struct jota_check_kind jota_kind_tcp = {
	.name = "tcp",
	.about = "somebody takes a connection",
	.phases = JOTA_PHASES_ALL,
	.field = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.run = run_tcp,
};
