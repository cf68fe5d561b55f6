/* SPDX-License-Identifier: Apache-2.0 */
/* http against a server that answers, refuses, stays silent, hangs up: everything arrives,
 * and nothing is committed before it has. */
#include "http_body.h"
#include "output_kit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* ---- the server ---- */

#define STREAMS   4
#define SEQ_MAX   2000
#define BODY_ROOM (4u << 20)

enum { HANG = -1, HANG_UP = -2, HALF_ANSWER = -3 };

struct server {
	int fd, port;
	pthread_t thread;
	atomic_bool ends;
	/* What to answer: a status, or one of the above. */
	int (*answer)(struct server *s, const char *body, unsigned request);
	const char *says; /* body and extra headers of an answer that is no 2xx */
	const char *header;
	unsigned requests;
	pthread_mutex_t lock;
	unsigned got[STREAMS][SEQ_MAX]; /* how often a sequence came in a body with 2xx */
	char path[256], authorization[256], type[128];
	char *latest; /* body with 2xx */
	size_t largest;
};

static long find_number(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at ? atol(at + strlen(key)) : -1;
}

/* kit_frame()'s host is called sN, its free memory is the sequence. */
static void note_line(struct server *s, const char *line)
{
	long stream = find_number(line, "host=s"), seq = find_number(line, "ram_Free=");

	if (stream < 0) {
		stream = find_number(line, "\"host_name\":\"s");
		seq = find_number(line, "\"seq\":");
	}
	if (stream >= 0 && stream < STREAMS && seq > 0 && seq < SEQ_MAX)
		s->got[stream][seq]++;
}

static void note_body(struct server *s, char *body)
{
	pthread_mutex_lock(&s->lock);
	free(s->latest);
	s->latest = strdup(body);
	for (char *line = strtok(body, "\n"); line; line = strtok(NULL, "\n"))
		note_line(s, line);
	pthread_mutex_unlock(&s->lock);
}

static bool wait_readable(struct server *s, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (!atomic_load(&s->ends))
		if (poll(&p, 1, 20) > 0)
			return true;
	return false;
}

/* One request; NULL when the client has gone.  The body is the caller's. */
static char *read_request(struct server *s, int fd)
{
	char *text = malloc(BODY_ROOM), *end = NULL, *body;
	size_t n = 0, length = 0;

	for (;;) {
		ssize_t r;

		if (!wait_readable(s, fd))
			break;
		r = recv(fd, text + n, BODY_ROOM - 1 - n, 0);
		if (r <= 0)
			break;
		n += (size_t)r;
		text[n] = '\0';
		if (!end && (end = strstr(text, "\r\n\r\n"))) {
			const char *at = strcasestr(text, "content-length:");
			const char *who = strcasestr(text, "authorization:");
			const char *type = strcasestr(text, "content-type:");

			length = at ? strtoul(at + 15, NULL, 10) : 0;
			pthread_mutex_lock(&s->lock);
			sscanf(text, "POST %255s", s->path);
			s->authorization[0] = '\0';
			if (who && who < end)
				sscanf(who + 14, " %255[^\r]", s->authorization);
			if (type && type < end)
				sscanf(type + 13, " %127[^\r]", s->type);
			if (length > s->largest)
				s->largest = length;
			pthread_mutex_unlock(&s->lock);
		}
		if (end && n - (size_t)(end + 4 - text) >= length) {
			body = strndup(end + 4, length);
			free(text);
			return body;
		}
	}
	free(text);
	return NULL;
}

static void say(int fd, const char *text)
{
	ssize_t r = send(fd, text, strlen(text), MSG_NOSIGNAL);

	(void)r;
}

/* False: the connection ends. */
static bool serve_one(struct server *s, int fd)
{
	char *body = read_request(s, fd), reply[1024];
	int status;

	if (!body)
		return false;
	status = s->answer ? s->answer(s, body, ++s->requests) : 204;
	if (status == HANG) {
		while (wait_readable(s, fd) && recv(fd, reply, sizeof(reply), 0) > 0)
			;
	} else if (status == HALF_ANSWER) {
		say(fd, "HTTP/1.1 204 No Con");
	} else if (status > 0) {
		if (status < 300)
			note_body(s, body);
		snprintf(reply, sizeof(reply), "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n\r\n%s",
			 status, s->header && status >= 300 ? s->header : "",
			 s->says && status >= 300 ? strlen(s->says) : 0,
			 s->says && status >= 300 ? s->says : "");
		say(fd, reply);
	}
	free(body);
	return status > 0;
}

static void *serve(void *arg)
{
	struct server *s = arg;

	while (wait_readable(s, s->fd)) {
		int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);

		while (fd >= 0 && serve_one(s, fd))
			;
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

static void server_start(struct server *s)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int yes = 1;

	a.sin_port = htons((uint16_t)s->port);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(s->fd, (struct sockaddr *)&a, n) < 0 || listen(s->fd, 8) < 0)
		fail_msg("no server: %s", strerror(errno));
	getsockname(s->fd, (struct sockaddr *)&a, &n);
	s->port = ntohs(a.sin_port);
	atomic_store(&s->ends, false);
	pthread_create(&s->thread, NULL, serve, s);
}

static void server_stop(struct server *s)
{
	if (!s->port)
		return;
	atomic_store(&s->ends, true);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

/* Given to the kit: is it at the server? */
static bool has_arrived(void *arg, uint32_t stream, uint64_t sequence)
{
	struct server *s = arg;
	bool yes;

	pthread_mutex_lock(&s->lock);
	yes = s->got[stream][sequence] > 0;
	pthread_mutex_unlock(&s->lock);
	return yes;
}

struct both {
	struct kit *kit;
	struct server server;
	struct capture stderr_;
};

static int setup(void **state)
{
	struct both *b = calloc(1, sizeof(*b));

	kit_setup((void **)&b->kit);
	pthread_mutex_init(&b->server.lock, NULL);
	b->kit->arrived = has_arrived;
	b->kit->arg = &b->server;
	capture_begin(&b->stderr_);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct both *b = *state;

	kit_teardown((void **)&b->kit);
	server_stop(&b->server);
	capture_end(&b->stderr_);
	pthread_mutex_destroy(&b->server.lock);
	free(b->server.latest);
	free(b);
	return 0;
}

static void put_all(struct both *b, uint32_t streams, uint64_t each, unsigned vms)
{
	char host[16];

	for (uint64_t seq = 1; seq <= each; seq++)
		for (uint32_t s = 0; s < streams; s++) {
			snprintf(host, sizeof(host), "s%u", s);
			kit_put(b->kit, host, s, seq, vms);
		}
}

/* Every one at the server, and committed once, in order. */
static void check_all(struct both *b, uint32_t streams, uint64_t each, unsigned at_most)
{
	kit_wait(b->kit, (unsigned)(streams * each), "all");
	kit_check_order(b->kit, streams, each);
	for (uint32_t s = 0; s < streams; s++)
		for (uint64_t seq = 1; seq <= each; seq++)
			if (!b->server.got[s][seq] || b->server.got[s][seq] > at_most)
				fail_msg("stream %u: %llu came %u times", s,
					 (unsigned long long)seq, b->server.got[s][seq]);
}

/* ---- tests ---- */

static void all_well(void **state)
{
	struct both *b = *state;
	struct output_stats st;

	server_start(&b->server);
	kit_open(b->kit, "influx+http://127.0.0.1:%d/write?db=x&scopes=host&precision=s",
		 b->server.port);
	put_all(b, 3, 50, 2);
	check_all(b, 3, 50, 1);
	assert_string_equal(b->server.path, "/write?db=x&precision=s");
	assert_string_equal(b->server.type, "text/plain; charset=utf-8");
	assert_string_equal(b->server.authorization, "");
	output_stats(b->kit->output, &st);
	assert_int_equal(st.queued, 0);
	assert_int_equal(st.queued_bytes, 0);
	assert_int_equal(st.sent, 150);
	assert_int_equal(st.failures, 0);
	assert_int_equal(st.dead_for_ns, 0);
	assert_string_equal(st.error, "");
	assert_true(st.bytes > 150 * 50);
}

static void json_lines(void **state)
{
	struct both *b = *state;

	server_start(&b->server);
	kit_open(b->kit, "json+http://127.0.0.1:%d/in?pass-a=b", b->server.port);
	put_all(b, 1, 3, 1);
	check_all(b, 1, 3, 1);
	assert_string_equal(b->server.path, "/in?a=b");
	assert_string_equal(b->server.type, "application/x-ndjson");
}

static void v2_token(void **state)
{
	struct both *b = *state;
	char path[] = "/tmp/proxtop-token-XXXXXX", why[256], url[256];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "first token\n", 12), 12);
	server_start(&b->server);
	kit_open(b->kit,
		 "influx+http://127.0.0.1:%d/api/v2/write?org=o&bucket=b&scopes=host&token-file=%s",
		 b->server.port, path);
	kit_put(b->kit, "s0", 0, 1, 0);
	kit_wait(b->kit, 1, "v2");
	assert_string_equal(b->server.path, "/api/v2/write?org=o&bucket=b");
	assert_string_equal(b->server.authorization, "Token first token");
	assert_null(strstr(output_info(b->kit->output)->url, "first"));
	/* A new one without a restart */
	assert_int_equal(pwrite(fd, "other", 5, 0), 5);
	output_reopen(b->kit->output);
	kit_put(b->kit, "s0", 0, 2, 0);
	kit_wait(b->kit, 2, "new token");
	assert_string_equal(b->server.authorization, "Token other token");
	output_close(b->kit->output, 0);
	b->kit->output = NULL;
	/* Others can read it, or it is not there */
	fchmod(fd, 0644);
	snprintf(url, sizeof(url), "influx+http://127.0.0.1:%d/api/v2/write?token-file=%s",
		 b->server.port, path);
	assert_true(kit_try_open(b->kit, url, why, sizeof(why)) < 0);
	assert_non_null(strstr(why, "--output: token-file: "));
	assert_non_null(strstr(why, "0644"));
	close(fd);
	unlink(path);
	assert_true(kit_try_open(b->kit, url, why, sizeof(why)) < 0);
	assert_non_null(strstr(why, "No such file"));
}

/* Each third request fails in another way. */
static int troubled(struct server *s, const char *body, unsigned request)
{
	static const int faults[] = {500, HANG_UP, 429, HALF_ANSWER, 503, 408};

	(void)s;
	(void)body;
	return request % 3 ? 204 : faults[request / 3 % 6];
}

static void troubles(void **state)
{
	struct both *b = *state;
	struct output_stats st;

	b->server.answer = troubled;
	server_start(&b->server);
	kit_open(b->kit, "influx+http://127.0.0.1:%d/write?scopes=host", b->server.port);
	for (uint64_t seq = 1; seq <= 9; seq++) {
		kit_put(b->kit, "s0", 0, seq, 1);
		kit_wait(b->kit, (unsigned)seq, "troubles");
	}
	check_all(b, 1, 9, 1); /* it said 2xx once each */
	output_stats(b->kit->output, &st);
	/* What ends without a word on a connection that was used before, libcurl repeats. */
	assert_in_range(st.failures, 2, 4);
	assert_int_equal(b->server.requests, 13);
	assert_int_equal(st.refused, 0);
	assert_string_equal(st.error, "");
	assert_int_equal(capture_count(&b->stderr_, "http 429"), 1);
}

static int broken(struct server *s, const char *body, unsigned request)
{
	(void)body;
	(void)request;
	return s->header ? 503 : 500;
}

static void dead_and_back(void **state)
{
	struct both *b = *state;
	struct output_stats st;

	b->server.answer = broken;
	b->server.says = "{\"error\":\"engine\n is on fire\"}\n";
	server_start(&b->server);
	kit_open(b->kit, "influx+http://127.0.0.1:%d/write?scopes=host", b->server.port);
	put_all(b, 1, 5, 1);
	assert_true(capture_wait(&b->stderr_,
				 "http 500: {\"error\":\"engine  is on fire\"}; trying again"));
	pause_ms(50);
	output_stats(b->kit->output, &st);
	assert_int_equal(st.queued, 5);
	assert_true(st.queued_bytes > 0 && st.failures >= 1 && st.sent == 0);
	assert_true(st.dead_for_ns >= 50 * KIT_S / 1000 && st.dead_for_ns < 60 * KIT_S);
	assert_non_null(strstr(st.error, "engine"));
	assert_int_equal(kit_count(b->kit), 0);
	server_stop(&b->server);
	b->server.answer = NULL;
	server_start(&b->server);
	check_all(b, 1, 5, 1);
	assert_true(capture_wait(&b->stderr_, "works again"));
	output_stats(b->kit->output, &st);
	assert_int_equal(st.dead_for_ns, 0);
	assert_int_equal(st.queued, 0);
	assert_string_equal(st.error, "");
}

/* Until it is there nothing can arrive. */
static void nobody_listens(void **state)
{
	struct both *b = *state;

	server_start(&b->server);
	server_stop(&b->server);
	kit_open(b->kit, "influx+http://127.0.0.1:%d/write?scopes=host", b->server.port);
	put_all(b, 1, 3, 1);
	assert_true(capture_wait(&b->stderr_, "cannot post"));
	assert_int_equal(kit_count(b->kit), 0);
	server_start(&b->server);
	check_all(b, 1, 3, 1);
}

/* A body with the line of the VM called "bad" is refused, as InfluxDB 2 does it: whole. */
static int particular(struct server *s, const char *body, unsigned request)
{
	(void)s;
	(void)request;
	return strstr(body, "ram_Free=7i") ? 400 : 204;
}

static void one_bad_line(void **state)
{
	struct both *b = *state;
	struct output_stats st;

	b->server.answer = particular;
	b->server.says = "unable to parse: field type conflict";
	server_start(&b->server);
	kit_open(b->kit, "influx+http://127.0.0.1:%d/write?scopes=host,vm", b->server.port);
	b->kit->arrived = NULL; /* the bad one never does */
	put_all(b, 1, 20, 3);
	kit_wait(b->kit, 20, "with a bad line");
	kit_check_order(b->kit, 1, 20);
	for (uint64_t seq = 1; seq <= 20; seq++)
		if (b->server.got[0][seq] != (seq == 7 ? 0 : 1))
			fail_msg("%llu came %u times", (unsigned long long)seq,
				 b->server.got[0][seq]);
	output_stats(b->kit->output, &st);
	assert_int_equal(st.refused, 1);
	assert_int_equal(st.queued, 0);
	assert_int_equal(st.failures, 0);
	assert_int_equal(capture_count(&b->stderr_, "refused, 1 records are dropped"), 1);
	assert_int_equal(capture_count(&b->stderr_, "http 400: unable to parse: field type"), 1);
	assert_non_null(strstr(st.error, "unable to parse"));
}

static int refusing(struct server *s, const char *body, unsigned request)
{
	(void)s;
	(void)body;
	(void)request;
	return 400;
}

/* It is dropped, counted and committed, and said once; it does not hold the rest. */
static void all_bad(void **state)
{
	struct both *b = *state;
	struct output_stats st;

	b->server.answer = refusing;
	server_start(&b->server);
	kit_open(b->kit, "influx+http://127.0.0.1:%d/write?scopes=host,vm", b->server.port);
	b->kit->arrived = NULL;
	put_all(b, 2, 40, 10);
	kit_wait(b->kit, 80, "refused");
	kit_check_order(b->kit, 2, 40);
	output_stats(b->kit->output, &st);
	assert_int_equal(st.refused, 80 * 11);
	assert_int_equal(capture_count(&b->stderr_, "refused"), 1);
	assert_int_equal(capture_count(&b->stderr_, "http 400"), 1);
}

static int unauthorized(struct server *s, const char *body, unsigned request)
{
	(void)body;
	(void)request;
	return s->header ? 404 : 401;
}

/* That can be mended: it waits for as long as give-up allows. */
static void denied(void **state)
{
	struct both *b = *state;
	struct output_stats st;

	b->server.answer = unauthorized;
	b->server.says = "unauthorized access";
	server_start(&b->server);
	kit_open(b->kit, "influx+http://127.0.0.1:%d/write?scopes=host&give-up=700ms",
		 b->server.port);
	b->kit->arrived = NULL;
	put_all(b, 1, 3, 1);
	assert_true(capture_wait(&b->stderr_, "http 401: unauthorized access"));
	assert_int_equal(kit_count(b->kit), 0);
	kit_wait(b->kit, 3, "given up");
	output_stats(b->kit->output, &st);
	assert_int_equal(st.refused, 3);
	assert_true(st.failures >= 2);
	/* and then no longer for each one */
	put_all(b, 1, 3, 1);
	kit_wait(b->kit, 6, "given up at once");
}

static int hanging(struct server *s, const char *body, unsigned request)
{
	(void)s;
	(void)body;
	(void)request;
	return HANG;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void close_in_time(void **state)
{
	struct both *b = *state;
	int64_t before;

	b->server.answer = hanging;
	server_start(&b->server);
	kit_open(b->kit, "influx+http://127.0.0.1:%d/write?scopes=host", b->server.port);
	put_all(b, 1, 3, 1);
	pause_ms(50);
	before = now_ms();
	output_close(b->kit->output, 200);
	b->kit->output = NULL;
	if (now_ms() - before < 190 || now_ms() - before > 1500)
		fail_msg("closing took %lld ms", (long long)(now_ms() - before));
	assert_int_equal(kit_count(b->kit), 0);
	assert_int_equal(capture_count(&b->stderr_, "3 samples had not arrived in time"), 1);
}

static void close_flushes(void **state)
{
	struct both *b = *state;

	server_start(&b->server);
	kit_open(b->kit, "influx+http://127.0.0.1:%d/write?scopes=host", b->server.port);
	put_all(b, 2, 100, 5);
	output_close(b->kit->output, 20000);
	b->kit->output = NULL;
	check_all(b, 2, 100, 1);
}

/* Requests stay below the bound, and the queue says no before it has no end. */
static void bounds(void **state)
{
	struct both *b = *state;
	struct output_stats st;
	struct output_item i = {.stream = 0};

	b->server.answer = broken;
	server_start(&b->server);
	kit_open(b->kit, "json-vm+http://127.0.0.1:%d/?verbose=1", b->server.port);
	b->kit->arrived = NULL;
	i.now = kit_frame("s0", 1, 1, 20);
	for (unsigned n = 0; n < 8192; n++)
		if (!output_put(b->kit->output, &i))
			fail_msg("full after %u", n);
	assert_false(output_put(b->kit->output, &i));
	output_stats(b->kit->output, &st);
	assert_int_equal(st.queued, 8192);
	assert_int_equal(b->kit->rooms, 0);
	server_stop(&b->server);
	b->server.answer = NULL;
	server_start(&b->server);
	kit_wait(b->kit, 4096, "half");
	kit_wait(b->kit, 8192, "all");
	assert_int_equal(b->kit->rooms, 1);
	assert_true(b->server.largest > HTTP_BODY_MAX / 2);
	assert_true(b->server.largest <= HTTP_BODY_MAX);
	frame_unref(i.now);
}

static void bodies(void **state)
{
	struct http_body b;
	size_t n, lines = 0, want = 0;
	char line[1000];

	(void)state;
	http_body_init(&b);
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	/* An empty one takes more than a request may have: it becomes several. */
	for (unsigned i = 0; i < HTTP_BODY_MAX / 1000; i++)
		assert_true(http_body_add(&b, line, sizeof(line)));
	assert_false(http_body_add(&b, line, sizeof(line)));
	http_body_ready(&b);
	assert_int_equal(b.n, 1);
	assert_int_equal(http_body_lines(&b), HTTP_BODY_MAX / 1000);
	http_body_clear(&b);
	{
		size_t size = 3 * (size_t)HTTP_BODY_MAX;
		char *large = malloc(size);

		memset(large, 'y', size);
		for (size_t i = 999; i < size; i += 1000)
			large[i] = '\n';
		large[size - 1] = '\n';
		/* one line that is longer than a request may be */
		memset(large + 100000, 'z', HTTP_BODY_MAX + 5000);
		for (size_t i = 0; i < size; i++)
			want += large[i] == '\n';
		assert_true(http_body_add(&b, large, size));
		free(large);
	}
	http_body_ready(&b);
	for (; !http_body_is_empty(&b); http_body_pop(&b)) {
		const char *data = http_body_top(&b, &n);

		if (n > HTTP_BODY_MAX && http_body_lines(&b) != 1)
			fail_msg("%zu bytes in %llu lines", n,
				 (unsigned long long)http_body_lines(&b));
		assert_int_equal(data[n - 1], '\n');
		lines += http_body_lines(&b);
	}
	assert_int_equal(lines, want);
	http_body_clear(&b);
	/* Halves until there is one line. */
	assert_true(http_body_add(&b, "a\nbb\nccc\n", 9));
	http_body_ready(&b);
	assert_true(http_body_split(&b));
	assert_int_equal(b.n, 2);
	assert_int_equal(http_body_lines(&b), 2);
	assert_true(http_body_split(&b));
	assert_memory_equal(http_body_top(&b, &n), "a\n", 2);
	assert_int_equal(n, 2);
	assert_false(http_body_split(&b));
	http_body_pop(&b);
	assert_memory_equal(http_body_top(&b, &n), "bb\n", 3);
	http_body_pop(&b);
	assert_memory_equal(http_body_top(&b, &n), "ccc\n", 4);
	assert_int_equal(n, 4);
	http_body_fini(&b);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(all_well),
		T(json_lines),
		T(v2_token),
		T(troubles),
		T(dead_and_back),
		T(nobody_listens),
		T(one_bad_line),
		T(all_bad),
		T(denied),
		T(close_in_time),
		T(close_flushes),
		T(bounds),
		cmocka_unit_test(bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
