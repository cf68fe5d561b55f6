/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server over real sockets: methods, paths, queries, token, TLS (openssl's own
 * client), many connections, and clients that are slow, silent, or talk nonsense. */
#include "http_server.h"

#include "capture.h"
#include "xalloc.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define TOKEN "correct-horse-battery"
#define LARGE (100u << 20)

static char dir[] = "/tmp/test_http.XXXXXX";
static struct http_server *server;
static atomic_int asked, waiting;

static unsigned get_hello(void *arg, const struct http_request *r, struct buf *body)
{
	const char *name = http_query(r, "name"), *none = http_query(r, "none");

	assert_ptr_equal(arg, dir);
	atomic_fetch_add(&asked, 1);
	buf_lit(body, "hello ");
	buf_text(body, name ? name : "nobody");
	if (none)
		buf_lit(body, "!");
	return 200;
}

static unsigned get_state(void *arg, const struct http_request *r, struct buf *body)
{
	(void)arg;
	(void)r;
	buf_lit(body, "not yet\n");
	return 503;
}

static unsigned get_empty(void *arg, const struct http_request *r, struct buf *body)
{
	(void)arg;
	(void)r;
	(void)body;
	return 200;
}

static unsigned get_large(void *arg, const struct http_request *r, struct buf *body)
{
	char *at = buf_room(body, LARGE);

	(void)arg;
	(void)r;
	memset(at, 'x', LARGE);
	at[0] = '<';
	at[LARGE - 1] = '>';
	body->used = LARGE;
	return 200;
}

static unsigned get_too_large(void *arg, const struct http_request *r, struct buf *body)
{
	(void)arg;
	(void)r;
	buf_lit(body, "begun");
	buf_room(body, HTTP_BODY_MAX);
	return 200;
}

/* Until two of it are asked at once. */
static unsigned get_both(void *arg, const struct http_request *r, struct buf *body)
{
	(void)arg;
	(void)r;
	atomic_fetch_add(&waiting, 1);
	for (int i = 0; i < PATIENCE_S * 1000 && atomic_load(&waiting) < 2; i++)
		pause_ms(1);
	buf_text(body, atomic_load(&waiting) >= 2 ? "both" : "alone");
	return 200;
}

static void upper(struct buf *to, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_byte(to, (char)toupper((unsigned char)text[i]));
}

#define ROUTE(name, type, fn, all) .path = name, .content_type = type, .get = fn, .open = all

static const struct http_route routes[] = {
	{ROUTE("/hello", "text/x-hello", get_hello, false)},
	{ROUTE("/healthz", "text/plain", get_state, true)},
	{ROUTE("/empty", "text/plain", get_empty, false)},
	{ROUTE("/large", "text/plain", get_large, false)},
	{ROUTE("/too-large", "text/plain", get_too_large, false)},
	{ROUTE("/both", "text/plain", get_both, false)},
	{ROUTE("/forms", "text/x-hello", get_hello, false), .only_for = "text/x-hello",
	 .plain_type = "text/x-upper", .plain = upper},
};

static const struct http_options plain = {
	.address = "127.0.0.1:0",
	.routes = routes,
	.n_routes = sizeof(routes) / sizeof(*routes),
	.arg = dir,
};

static void open_server(const struct http_options *o)
{
	char why[512] = "";
	int r = http_server_open(&server, o, why, sizeof(why));

	if (r)
		fail_msg("%s: %d, %s", o->address, r, why);
	assert_true(http_server_port(server) > 0);
}

static int close_server(void **state)
{
	(void)state;
	http_server_close(server);
	server = NULL;
	return 0;
}

static int open_plain(void **state)
{
	(void)state;
	open_server(&plain);
	return 0;
}

static const char *in_dir(const char *name)
{
	static char path[8][128];
	static unsigned n;
	char *p = path[n++ % 8];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static const char *write_file(const char *name, const char *text, mode_t mode)
{
	const char *path = in_dir(name);
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(path, mode);
	return path;
}

/* ---- a client ---- */

static int connect_to(unsigned port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_addr = {htonl(INADDR_LOOPBACK)},
		.sin_port = htons((uint16_t)port),
	};
	struct timeval patience = {PATIENCE_S, 0};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* All up to the end of the connection; false when it was reset instead. */
static bool hear(int fd, struct buf *b)
{
	ssize_t r;

	buf_clear(b);
	for (;;) {
		char *at = buf_room(b, 1u << 20);

		assert_non_null(at);
		r = recv(fd, at, 1u << 20, 0);
		if (r <= 0)
			break;
		b->used += (size_t)r;
	}
	buf_byte(b, '\0');
	return r == 0;
}

static struct buf heard;

/* Asks on a connection of its own; what came is in heard.  Returns the status, 0 when
 * there was none. */
static int ask(const char *request)
{
	int fd = connect_to(http_server_port(server)), status = 0;

	say(fd, request);
	hear(fd, &heard);
	close(fd);
	if (sscanf(heard.data, "HTTP/1.%*d %d ", &status) != 1)
		return 0;
	return status;
}

static const char *body(void)
{
	const char *at = strstr(heard.data, "\r\n\r\n");

	return at ? at + 4 : "";
}

static void is(const char *request, int status, const char *text)
{
	int got = ask(request);

	if (got != status || (text && strcmp(body(), text)))
		fail_msg("%s: %d, %s", request, got, heard.data);
}

static void has_header(const char *line)
{
	if (!strcasestr(heard.data, line) || strcasestr(heard.data, line) > body())
		fail_msg("no \"%s\" in %s", line, heard.data);
}

/* ---- requests ---- */

static void test_get(void **state)
{
	(void)state;
	is("GET /hello HTTP/1.0\r\n\r\n", 200, "hello nobody");
	has_header("\r\nContent-Type: text/x-hello\r\n");
	has_header("\r\nContent-Length: 12\r\n");
	is("GET /hello?name=me HTTP/1.0\r\n\r\n", 200, "hello me");
	is("GET /hello?x=1&name=a%20b%26c+d&y HTTP/1.0\r\n\r\n", 200, "hello a b&c d");
	is("GET /hello?none&name= HTTP/1.0\r\n\r\n", 200, "hello ");
	is("GET /hello?none=1 HTTP/1.0\r\n\r\n", 200, "hello nobody!");
	is("GET /empty HTTP/1.0\r\n\r\n", 200, "");
	is("GET /healthz HTTP/1.0\r\n\r\n", 503, "not yet\n");
	is("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200, "hello nobody");
}

/* Another form for who does not ask for the first one. */
static void test_forms(void **state)
{
	(void)state;
	is("GET /forms HTTP/1.0\r\n\r\n", 200, "HELLO NOBODY");
	is("GET /forms HTTP/1.0\r\nAccept: text/html, */*\r\n\r\n", 200, "HELLO NOBODY");
	is("GET /forms HTTP/1.0\r\nAccept: a/b;q=0.5, Text/X-Hello;version=1\r\n\r\n", 200,
	   "hello nobody");
}

static void test_head(void **state)
{
	(void)state;
	is("HEAD /hello?name=me HTTP/1.0\r\n\r\n", 200, "");
	has_header("\r\nContent-Length: 8\r\n");
	is("HEAD /nowhere HTTP/1.0\r\n\r\n", 404, "");
}

static void test_other_paths(void **state)
{
	static const char *const paths[] = {
		"/", "/hell", "/hello/", "/hello2", "//hello", "/HELLO", "/../hello", "/%00", "*",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		char request[128];

		snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n\r\n", paths[i]);
		is(request, 404, NULL);
		assert_non_null(strstr(body(), "/hello /healthz"));
		assert_int_equal(strcspn(body(), "\n"), strlen(body()) - 1);
	}
	has_header("\r\nContent-Type: text/plain");
}

static void test_methods(void **state)
{
	static const char *const methods[] = {"POST",  "PUT", "DELETE", "OPTIONS",
					      "TRACE", "get", "PATCH"};
	int before = atomic_load(&asked);

	(void)state;
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		char request[128];

		snprintf(request, sizeof(request),
			 "%s /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", methods[i]);
		is(request, 405, "allowed are GET and HEAD\n");
		has_header("\r\nAllow: GET, HEAD\r\n");
	}
	/* A body is not waited for. */
	is("POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nx", 405, NULL);
	is("GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nx", 400, NULL);
	is("GET /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\nx", 400,
	   NULL);
	assert_int_equal(atomic_load(&asked), before);
}

static void test_keep_alive(void **state)
{
	int fd = connect_to(http_server_port(server));
	char text[4096];

	(void)state;
	for (int i = 0; i < 3; i++) {
		size_t n = 0;

		say(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
		do {
			ssize_t r = recv(fd, text + n, sizeof(text) - 1 - n, 0);

			assert_true(r > 0);
			n += (size_t)r;
			text[n] = '\0';
		} while (!strstr(text, "hello nobody"));
	}
	close(fd);
}

static void test_nonsense(void **state)
{
	static const char *const words[] = {
		"\r\n\r\n\r\n",
		"nonsense\r\n\r\n",
		"GET\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n: :\r\n\r\n",
	};
	struct buf long_one;

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		/* It may be the beginning of something: the server has patience. */
		struct timeval soon = {0, 50000};
		int fd = connect_to(http_server_port(server));

		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
		say(fd, words[i]);
		hear(fd, &heard);
		close(fd);
		if (strstr(heard.data, " 200 ") && i != 4)
			fail_msg("\"%s\": %s", words[i], heard.data);
	}
	/* Headers without an end. */
	buf_init(&long_one, 1u << 20);
	buf_lit(&long_one, "GET /hello HTTP/1.1\r\nHost: x\r\nX: ");
	while (long_one.used < 100000)
		buf_lit(&long_one, "and so on ");
	buf_byte(&long_one, '\0');
	for (int query = 0; query < 2; query++) {
		int fd = connect_to(http_server_port(server)), status = 0;

		if (query)
			memcpy(long_one.data, "GET /hello?name=ab&", 19);
		send(fd, long_one.data, long_one.used, MSG_NOSIGNAL);
		hear(fd, &heard);
		close(fd);
		sscanf(heard.data, "HTTP/1.%*d %d ", &status);
		if (status && status / 100 != 4)
			fail_msg("endless headers: %s", heard.data);
	}
	buf_fini(&long_one);
	is("GET /hello HTTP/1.0\r\n\r\n", 200, "hello nobody");
}

static void test_sizes(void **state)
{
	(void)state;
	assert_int_equal(ask("GET /large HTTP/1.0\r\n\r\n"), 200);
	assert_int_equal(heard.used - 1 - (size_t)(body() - heard.data), LARGE);
	assert_int_equal(body()[0], '<');
	assert_int_equal(heard.data[heard.used - 2], '>');
	is("GET /too-large HTTP/1.0\r\n\r\n", 500, "the answer is larger than is allowed\n");
}

/* ---- many ---- */

static void *ask_both(void *arg)
{
	int fd = connect_to(http_server_port(server));
	struct buf b;
	bool *well = arg;

	buf_init(&b, 2u << 20);
	say(fd, "GET /both HTTP/1.0\r\n\r\n");
	hear(fd, &b);
	*well = strstr(b.data, "both");
	buf_fini(&b);
	close(fd);
	return NULL;
}

static void test_threads(void **state)
{
	bool well[16] = {false};
	pthread_t t[16];

	(void)state;
	/* Which thread a connection falls to is chance: several, of which two must meet. */
	for (unsigned i = 0; i < 16; i++)
		pthread_create(&t[i], NULL, ask_both, &well[i]);
	for (unsigned i = 0; i < 16; i++) {
		pthread_join(t[i], NULL);
		assert_true(well[i]);
	}
}

/* 200 that want to stay: never more than are allowed at once, those that ask in time are
 * answered, and afterwards everything is as before. */
static void test_200(void **state)
{
	struct http_stats stats;
	unsigned open = 0;
	int fd[200];

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		fd[i] = connect_to(http_server_port(server));
		is("GET /hello HTTP/1.0\r\n\r\n", 200, "hello nobody");
		http_server_stats(server, &stats);
		/* Of one address 32, and what is just being let in. */
		assert_in_range(stats.connections, 0, 32 + 4);
	}
	assert_true(stats.refused >= 200 - 32);
	/* Those that are left may still ask, and they are not more than may be. */
	for (unsigned i = 0; i < 200; i++) {
		struct timeval soon = {2, 0};
		char text[16];

		setsockopt(fd[i], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
		send(fd[i], "GET /hello HTTP/1.0\r\n\r\n", 23, MSG_NOSIGNAL);
		open += recv(fd[i], text, sizeof(text), 0) == sizeof(text);
		close(fd[i]);
	}
	assert_in_range(open, 1, 32 + 4);
	is("GET /hello HTTP/1.0\r\n\r\n", 200, "hello nobody");
}

/* Clients that never get to the end of their question, and ones that do not take their
 * answer, hold up nobody. */
static void test_slow(void **state)
{
	int drip[40], deaf[8];

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		int small = 4096;

		deaf[i] = connect_to(http_server_port(server));
		setsockopt(deaf[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
		if (i < 4)
			say(deaf[i], "GET /large HTTP/1.0\r\n\r\n");
	}
	for (unsigned i = 0; i < 40; i++) {
		drip[i] = connect_to(http_server_port(server));
		say(drip[i], "GET /hel");
	}
	for (unsigned n = 0; n < 5; n++) {
		is("GET /hello HTTP/1.0\r\n\r\n", 200, "hello nobody");
		for (unsigned i = 0; i < 40; i++)
			send(drip[i], "x", 1, MSG_NOSIGNAL);
	}
	for (unsigned i = 0; i < 8; i++)
		close(deaf[i]);
	for (unsigned i = 0; i < 40; i++)
		close(drip[i]);
}

static void test_resets(void **state)
{
	struct linger now = {1, 0};

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		int fd = connect_to(http_server_port(server));

		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		if (i % 3)
			send(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", i % 3 == 1 ? 10 : 32,
			     MSG_NOSIGNAL);
		close(fd);
		if (i % 50 == 0)
			is("GET /hello HTTP/1.0\r\n\r\n", 200, "hello nobody");
	}
	is("GET /hello HTTP/1.0\r\n\r\n", 200, "hello nobody");
}

/* ---- token ---- */

static void test_token(void **state)
{
	static const struct {
		const char *header;
		int status;
	} given[] = {
		{"", 401},
		{"Authorization: Bearer " TOKEN "\r\n", 200},
		{"authorization: bearer   " TOKEN "\r\n", 200},
		{"Authorization: Bearer " TOKEN "x\r\n", 401},
		{"Authorization: Bearer correct-horse-batterx\r\n", 401},
		{"Authorization: Bearer Correct-horse-battery\r\n", 401},
		{"Authorization: Bearer\r\n", 401},
		{"Authorization: Bearer \r\n", 401},
		{"Authorization: " TOKEN "\r\n", 401},
		{"Authorization: Basic " TOKEN "\r\n", 401},
	};
	struct http_options o = plain;

	(void)state;
	o.token_file = write_file("token", TOKEN "\n", 0600);
	open_server(&o);
	for (size_t i = 0; i < sizeof(given) / sizeof(*given); i++) {
		char request[256];

		snprintf(request, sizeof(request), "GET /hello HTTP/1.0\r\n%s\r\n",
			 given[i].header);
		is(request, given[i].status, given[i].status == 200 ? "hello nobody" : NULL);
		if (given[i].status == 401)
			has_header("\r\nWWW-Authenticate: Bearer realm=\"proxtop\"");
		assert_null(strstr(heard.data, TOKEN));
	}
	is("GET /healthz HTTP/1.0\r\n\r\n", 503, "not yet\n");
	is("GET /nowhere HTTP/1.0\r\n\r\n", 401, NULL);
	is("GET /hello?token=" TOKEN " HTTP/1.0\r\n\r\n", 401, NULL);
}

/* ---- what cannot be started ---- */

static void refused(const char *what, const struct http_options *o, int code, const char *say_so)
{
	struct http_server *s = NULL;
	char why[512] = "";
	int r = http_server_open(&s, o, why, sizeof(why));

	if (r == 0)
		http_server_close(s);
	if (r != code || !strstr(why, say_so) || strchr(why, '\n'))
		fail_msg("%s: %d, \"%s\"", what, r, why);
}

static void test_addresses(void **state)
{
	static const char *const bad[] = {
		"",
		":",
		"127.0.0.1",
		"127.0.0.1:",
		":8080",
		"127.0.0.1:65536",
		"127.0.0.1:x",
		"127.0.0.1:-1",
		"::1:80",
		"http://127.0.0.1:80",
	};
	struct http_options o = plain;
	char taken[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		o.address = bad[i];
		refused(bad[i], &o, -EINVAL, "is not ADDRESS:PORT");
	}
	o.address = "nowhere.invalid:80";
	refused(o.address, &o, -EINVAL, "nowhere.invalid:80: ");
	open_server(&plain);
	snprintf(taken, sizeof(taken), "127.0.0.1:%u", http_server_port(server));
	o.address = taken;
	refused("in use", &o, -EADDRINUSE, ": Address already in use");
}

static void test_v6(void **state)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct http_options o = plain;

	(void)state;
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a))) {
		print_message("a machine without IPv6: not tried\n");
		close(fd);
		return;
	}
	close(fd);
	o.address = "[::1]:0";
	open_server(&o);
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	a.sin6_port = htons((uint16_t)http_server_port(server));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	say(fd, "GET /hello HTTP/1.0\r\n\r\n");
	hear(fd, &heard);
	close(fd);
	assert_string_equal(body(), "hello nobody");
}

static void test_secrets(void **state)
{
	struct http_options o = plain;
	char long_one[600];

	(void)state;
	o.token_file = write_file("t1", TOKEN "\n", 0644);
	refused("an open token file", &o, -EACCES, "chmod 600");
	o.token_file = write_file("t2", "too-short\n", 0600);
	refused("a short token", &o, -EINVAL, "16 to 512");
	o.token_file = write_file("t3", "with a blank between\n", 0600);
	refused("a token with blanks", &o, -EINVAL, "16 to 512");
	o.token_file = write_file("t4", TOKEN "\n" TOKEN "\n", 0600);
	refused("two tokens", &o, -EINVAL, "16 to 512");
	memset(long_one, 'a', sizeof(long_one));
	long_one[513] = '\0';
	o.token_file = write_file("t5", long_one, 0600);
	refused("a long token", &o, -EINVAL, "16 to 512");
	o.token_file = in_dir("none");
	refused("no token file", &o, -ENOENT, "No such file");
	o.token_file = NULL;
	o.cert_file = write_file("c1", "nonsense\n", 0644);
	refused("no key", &o, -EINVAL, "both");
	o.key_file = write_file("k1", "nonsense\n", 0644);
	refused("an open key", &o, -EACCES, "chmod 600");
	chmod(o.key_file, 0600);
	refused("nonsense", &o, -EINVAL, "127.0.0.1:0: ");
	o.cert_file = NULL;
	refused("no certificate", &o, -EINVAL, "both");
	o.cert_file = in_dir("none");
	refused("no such certificate", &o, -ENOENT, "No such file");
}

/* ---- TLS ---- */

/* The first line that a command says, or "". */
static const char *run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static const char *run(const char *format, ...)
{
	static char said[4096];
	char command[1024];
	va_list args;
	FILE *p;
	size_t n;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	p = popen(command, "re");
	assert_non_null(p);
	n = fread(said, 1, sizeof(said) - 1, p);
	said[n] = '\0';
	pclose(p);
	return said;
}

static const char *ask_openssl(const char *options)
{
	return run("printf 'GET /hello HTTP/1.0\\r\\n\\r\\n' | timeout 20 openssl s_client -quiet "
		   "-connect 127.0.0.1:%u -CAfile %s -verify_return_error -verify_ip 127.0.0.1 %s "
		   "2>&1",
		   http_server_port(server), in_dir("cert"), options);
}

static void test_tls(void **state)
{
	struct http_options o = plain;
	const char *said;
	int silent;

	(void)state;
	run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
	    "-subj /CN=proxtop -addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>&1",
	    in_dir("key"), in_dir("cert"));
	o.cert_file = in_dir("cert");
	o.key_file = in_dir("key");
	open_server(&o);
	silent = connect_to(http_server_port(server));
	if (!strstr(ask_openssl("-tls1_3"), "hello nobody"))
		fail_msg("TLS 1.3: %s", ask_openssl("-tls1_3"));
	if (!strstr(ask_openssl("-tls1_2"), "hello nobody"))
		fail_msg("TLS 1.2: %s", ask_openssl("-tls1_2"));
	/* The server ends it, with or without saying why; not the client, which would say
	 * "no protocols available". */
	said = ask_openssl("-tls1_1 -cipher DEFAULT@SECLEVEL=0");
	if (strstr(said, "hello") || !(strstr(said, "alert") || strstr(said, "unexpected eof")))
		fail_msg("TLS 1.1: %s", said);
	/* In the clear there is nothing. */
	assert_int_equal(ask("GET /hello HTTP/1.0\r\n\r\n"), 0);
	close(silent);
}

static int make_dir(void **state)
{
	(void)state;
	buf_init(&heard, 256u << 20);
	return !mkdtemp(dir);
}

static int remove_dir(void **state)
{
	char command[64];

	(void)state;
	buf_fini(&heard);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

#define PLAIN(test) cmocka_unit_test_setup_teardown(test, open_plain, close_server)
#define OWN(test)   cmocka_unit_test_teardown(test, close_server)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN(test_get),         PLAIN(test_forms),   PLAIN(test_head),
		PLAIN(test_other_paths), PLAIN(test_methods), PLAIN(test_keep_alive),
		PLAIN(test_nonsense),    PLAIN(test_sizes),   PLAIN(test_threads),
		PLAIN(test_200),         PLAIN(test_slow),    PLAIN(test_resets),
		OWN(test_token),         OWN(test_addresses), OWN(test_v6),
		OWN(test_secrets),       OWN(test_tls),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
