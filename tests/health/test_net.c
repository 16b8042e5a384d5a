/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Servers that answer, and servers that do everything else; a bus that does not behave. */
#include "health/health_test.h"
#include "health/server_test.h"

#include <sys/un.h>

/* A server in a process of its own: takes connections, sends `first` once, then `again` for ever. */
struct server {
	const char *first, *again;
	bool silent; /* sends nothing and keeps the connection */
};

static int held_fd = -1;

static void serve(int listener, const void *what)
{
	const struct server *s = what;

	for (;;) {
		int fd = accept(listener, NULL, NULL);
		char request[4096];

		if (fd < 0)
			_exit(1);
		if (s->silent)
			for (;;)
				(void)pause();
		if (s->first && strncmp(s->first, "HTTP", 4) == 0)
			(void)!read(fd, request, sizeof(request));
		if (s->first)
			(void)!write(fd, s->first, strlen(s->first));
		while (s->again && write(fd, s->again, strlen(s->again)) > 0)
			;
		(void)shutdown(fd, SHUT_WR);
		(void)close(fd);
	}
}

static void start_tcp(const struct server *s)
{
	server_start(take_port(), serve, s);
}

static void stop(void)
{
	server_stop();
	if (held_fd >= 0)
		(void)close(held_fd);
	held_fd = -1;
}

/* From here on `port` is one that refuses. A killed server may still listen for a moment, and its port may be taken by others. */
static void refuse(void)
{
	stop();
	held_fd = take_port();
}

static void teardown(void)
{
	stop();
	health_teardown();
}

static const char *http_of(bool is_silent, const char *fields)
{
	static char text[512];

	(void)snprintf(text, sizeof(text),
		       "kind = \"http\"; url = \"http://127.0.0.1:%u/health\"; deadline_s = %d; %s",
		       port, is_silent ? 1 : 30, fields);
	return text;
}

static const char *http(const char *fields)
{
	return http_of(false, fields);
}

#define OK_HEAD "HTTP/1.1 200 OK\r\nConnection: close\r\n"

START_TEST(http_compares_status_and_body)
{
	const struct server s = { .first = OK_HEAD "\r\n{\"state\": \"ready\"}\n" };

	start_tcp(&s);
	ck_pass(http(""), "status 200");
	ck_pass(http("contains = \"ready\";"), "");
	ck_pass(http("matches = \"\\\"state\\\": *\\\"ready\\\"\";"), "");
	ck_fail(http("contains = \"busy\";"), JOTA_WHY_CONTENT, "no 'busy' in: {\"state\"");
	ck_fail(http("matches = \"^ready\";"), JOTA_WHY_CONTENT, "does not match");
	ck_fail(http("status = 204;"), JOTA_WHY_HTTP_STATUS, "status 200, expected 204");
	ck_fail(http("max_bytes = 5;"), JOTA_WHY_TOO_LARGE, "more than 5 bytes");
}
END_TEST

START_TEST(http_follows_no_redirect)
{
	const struct server s = {
		.first = "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n"
	};

	start_tcp(&s);
	ck_fail(http(""), JOTA_WHY_HTTP_STATUS, "status 302");
}
END_TEST

static const struct {
	struct server server;
	enum jota_status status;
	enum jota_reason reason;
} bad_servers[] = {
	{ { .silent = true }, JOTA_TIMEOUT, JOTA_WHY_DEADLINE },
	{ { .first = OK_HEAD "\r\n", .again = "endless body " }, JOTA_FAIL, JOTA_WHY_TOO_LARGE },
	{ { .first = OK_HEAD, .again = "X-Endless: header\r\n" }, JOTA_FAIL, JOTA_WHY_BAD_ANSWER },
	{ { .first = OK_HEAD "X-Line: ", .again = "without an end " },
	  JOTA_FAIL,
	  JOTA_WHY_BAD_ANSWER },
	{ { .first = "\x16\x03\x01 garbage \xff\xfe\r\n\r\n" }, JOTA_FAIL, JOTA_WHY_BAD_ANSWER },
	{ { .first = "" }, JOTA_FAIL, JOTA_WHY_BAD_ANSWER },
	{ { .first = OK_HEAD "Content-Length: 100\r\n\r\nshort" }, JOTA_FAIL, JOTA_WHY_BAD_ANSWER },
	{ { .first = OK_HEAD "Content-Length: 99999999999999999999\r\n\r\nx" },
	  JOTA_PASS,
	  JOTA_WHY_OK },
	{ { .first = OK_HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n" },
	  JOTA_FAIL,
	  JOTA_WHY_BAD_ANSWER },
};
#define BAD_SERVER_COUNT ((int)(sizeof(bad_servers) / sizeof(bad_servers[0])))

START_TEST(http_is_bounded_whatever_the_server_does)
{
	uint64_t began_ms;
	const struct jota_result *r;

	start_tcp(&bad_servers[_i].server);
	began_ms = jota_now_ms();
	r = run_one(http_of(bad_servers[_i].server.silent, ""));
	ck_assert_uint_lt(jota_now_ms() - began_ms, LATE_MS);
	ck_assert_msg(r->status == bad_servers[_i].status && (r->reason == bad_servers[_i].reason ||
							      r->reason == JOTA_WHY_BAD_ANSWER),
		      "%d: %s %s %s", _i, jota_status_name(r->status), jota_reason_word(r->reason),
		      r->message);
	/* Ours, not the larger limit that newer versions of libcurl have themselves. */
	if (strstr(bad_servers[_i].server.again ? bad_servers[_i].server.again : "", "header"))
		ck_assert_ptr_nonnull(strstr(r->message, "65536 bytes of headers"));
}
END_TEST

START_TEST(http_tells_why_there_is_no_connection)
{
	const struct server s = { .first = "SSH-2.0-nothing here\r\n" };
	char text[256];

	start_tcp(&s);
	(void)snprintf(text, sizeof(text), "kind = \"http\"; url = \"https://127.0.0.1:%u/\";",
		       port);
	ck_fail(text, JOTA_WHY_TLS, "https://");
	refuse();
	ck_fail(http(""), JOTA_WHY_CONNECT, "127.0.0.1");
	ck_fail("kind = \"http\"; url = \"http://no-such-host.invalid/\"; deadline_s = 60;",
		JOTA_WHY_NO_ADDRESS, "no-such-host");
}
END_TEST

START_TEST(http_takes_no_proxy_from_the_environment)
{
	const struct server s = { .first = OK_HEAD "\r\n" };

	ck_assert_int_eq(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
	start_tcp(&s);
	ck_pass(http(""), "");
	ck_assert_int_eq(unsetenv("http_proxy"), 0);
}
END_TEST

START_TEST(tcp_tells_whether_somebody_listens)
{
	const struct server s = { .silent = true };
	char text[160];

	start_tcp(&s);
	(void)snprintf(text, sizeof(text), "kind = \"tcp\"; host = \"127.0.0.1\"; port = %u;", port);
	ck_pass(text, "127.0.0.1");
	refuse();
	(void)snprintf(text, sizeof(text), "kind = \"tcp\"; host = \"127.0.0.1\"; port = %u;", port);
	ck_fail(text, JOTA_WHY_CONNECT, "refused");
	ck_fail("kind = \"tcp\"; host = \"no-such-host.invalid\"; port = 1; deadline_s = 60;",
		JOTA_WHY_NO_ADDRESS, "no-such-host");
}
END_TEST

START_TEST(tcp_to_a_full_queue_ends_at_its_deadline)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), filler[8];
	char text[160];

	/* Nobody accepts: once the queue is full, further connections get no answer. */
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(listener, 0), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	for (size_t i = 0; i < 8; i++) {
		filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(filler[i], (struct sockaddr *)&address, len);
	}
	(void)snprintf(text, sizeof(text),
		       "kind = \"tcp\"; host = \"127.0.0.1\"; port = %u; deadline_s = 0.3;",
		       ntohs(address.sin_port));
	ck_result(text, JOTA_TIMEOUT, JOTA_WHY_DEADLINE, "does not answer");
	for (size_t i = 0; i < 8; i++)
		(void)close(filler[i]);
	(void)close(listener);
}
END_TEST

/* The update server: named by swupdate's own configuration. */
static const char *update_server(void)
{
	char text[256];

	(void)snprintf(
		text, sizeof(text),
		"globals: { verbose = true; };\nsuricatta: { url = \"http://127.0.0.1:%u\"; };\n",
		port);
	scratch_text(&scratch, "/etc/swupdate.cfg", text);
	return "kind = \"update-server\"; deadline_s = 30;";
}

START_TEST(update_server_is_well_when_it_answers_at_all)
{
	const struct server forbidden = {
		.first = "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n"
	};
	const struct server broken = {
		.first = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n"
	};

	start_tcp(&forbidden);
	ck_pass(update_server(), "answers with status 401");
	refuse();
	ck_fail(update_server(), JOTA_WHY_CONNECT, "");
	start_tcp(&broken);
	ck_fail(update_server(), JOTA_WHY_HTTP_STATUS, "status 503");
}
END_TEST

/* As suricatta: the proxy of the configuration, and none because of the environment. */
START_TEST(update_server_is_asked_through_the_proxy_of_the_configuration)
{
	const struct server proxy = {
		.first = "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n"
	};
	char text[256];

	start_tcp(&proxy);
	(void)snprintf(
		text, sizeof(text),
		"suricatta: { url = \"http://updates.invalid\"; proxy = \"http://127.0.0.1:%u\"; };\n",
		port);
	scratch_text(&scratch, "/etc/swupdate.cfg", text);
	ck_pass("kind = \"update-server\"; deadline_s = 30;", "answers with status 403");
	(void)snprintf(text, sizeof(text), "http://127.0.0.1:%u", port);
	ck_assert_int_eq(setenv("http_proxy", text, 1), 0);
	held_fd = take_port(); /* refuses; the proxy runs on */
	ck_fail(update_server(), JOTA_WHY_CONNECT, "");
	ck_assert_int_eq(unsetenv("http_proxy"), 0);
}
END_TEST

START_TEST(update_server_that_nobody_configured_is_told)
{
	ck_fail("kind = \"update-server\";", JOTA_WHY_NO_SERVER, "/etc/swupdate.cfg");
	scratch_text(&scratch, "/etc/swupdate.cfg", "suricatta: { url = \"\"; };");
	ck_fail("kind = \"update-server\";", JOTA_WHY_NO_SERVER, "/etc/swupdate.cfg");
	scratch_text(&scratch, "/etc/swupdate.cfg", "garbage {{{");
	ck_fail("kind = \"update-server\";", JOTA_WHY_NO_SERVER, "/etc/swupdate.cfg");
	scratch_text(&scratch, "/etc/swupdate.cfg",
		     "suricatta: { url = \"http://h\"; cafile = \"/etc/none\"; };");
	ck_fail("kind = \"update-server\";", JOTA_WHY_MISSING, "/etc/none");
}
END_TEST

/* What a bus may do wrong. That units are judged rightly is asked of a real systemd, elsewhere. */
static void start_bus(const struct server *s)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	make_dir("/run", 0755);
	make_dir("/run/dbus", 0755);
	(void)snprintf(address.sun_path, sizeof(address.sun_path),
		       "%.70s/run/dbus/system_bus_socket", scratch.root);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	server_start(fd, serve, s);
}

static const struct {
	struct server server;
	enum jota_status status;
} bad_buses[] = {
	{ { .silent = true }, JOTA_TIMEOUT },
	{ { .first = "" }, JOTA_ERROR },
	{ { .first = "REJECTED\r\n" }, JOTA_ERROR },
	{ { .first = "OK 0123456789abcdef0123456789abcdef\r\n" }, JOTA_ERROR },
	{ { .first = "OK 0123456789abcdef0123456789abcdef\r\nAGREE_UNIX_FD\r\n",
	    .again = "garbage" },
	  JOTA_ERROR },
	{ { .again = "garbage without any line end" }, JOTA_ERROR },
};
#define BAD_BUS_COUNT ((int)(sizeof(bad_buses) / sizeof(bad_buses[0])))

START_TEST(a_bus_that_does_not_behave_is_told_in_time)
{
	uint64_t began_ms;
	const struct jota_result *r;

	start_bus(&bad_buses[_i].server);
	began_ms = jota_now_ms();
	r = run_one("kind = \"systemd-unit\"; unit = \"app.service\"; deadline_s = 0.5;");
	ck_assert_uint_lt(jota_now_ms() - began_ms, LATE_MS);
	ck_assert_msg(r->status == bad_buses[_i].status || r->status == JOTA_TIMEOUT, "%d: %s %s %s",
		      _i, jota_status_name(r->status), jota_reason_word(r->reason), r->message);
	ck_assert(!report.healthy);
}
END_TEST

START_TEST(no_bus_at_all_is_told)
{
	ck_result("kind = \"systemd-unit\"; unit = \"app.service\";", JOTA_ERROR, JOTA_WHY_NO_BUS,
		  "/run/dbus/system_bus_socket");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net");
	TCase *tcase = tcase_create("net");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, health_setup, teardown);
	tcase_add_test(tcase, http_compares_status_and_body);
	tcase_add_test(tcase, http_follows_no_redirect);
	tcase_add_loop_test(tcase, http_is_bounded_whatever_the_server_does, 0, BAD_SERVER_COUNT);
	tcase_add_test(tcase, http_tells_why_there_is_no_connection);
	tcase_add_test(tcase, http_takes_no_proxy_from_the_environment);
	tcase_add_test(tcase, tcp_tells_whether_somebody_listens);
	tcase_add_test(tcase, tcp_to_a_full_queue_ends_at_its_deadline);
	tcase_add_test(tcase, update_server_is_well_when_it_answers_at_all);
	tcase_add_test(tcase, update_server_is_asked_through_the_proxy_of_the_configuration);
	tcase_add_test(tcase, update_server_that_nobody_configured_is_told);
	tcase_add_loop_test(tcase, a_bus_that_does_not_behave_is_told_in_time, 0, BAD_BUS_COUNT);
	tcase_add_test(tcase, no_bus_at_all_is_told);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
