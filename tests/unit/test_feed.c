/* SPDX-License-Identifier: Apache-2.0 */
/* Feed server and client together: live and history, long polls, slow readers, restarts,
 * keys. */
#include "feed_client.h"
#include "feed_server.h"
#include "log.h"
#include "make_frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define HOSTS    3u
#define PATIENCE 3000 /* ms */

struct source {
	struct history *history;
	struct feed_server *server;
	uint64_t sequence[HOSTS];
	bool stale[HOSTS];
	struct frame *notes[HOSTS];
	char url[64];
	struct feed_client *client;
};

static bool host(void *arg, uint32_t number, struct feed_host *ret)
{
	const struct source *s = arg;

	if (number >= HOSTS)
		return false;
	*ret = (struct feed_host){.interval_ns = 1000000000u, .stale = s->stale[number]};
	snprintf(ret->host_id, sizeof(ret->host_id), "h%u", number);
	snprintf(ret->host_name, sizeof(ret->host_name), "name%u", number);
	return true;
}

static struct frame *notes(void *arg, uint32_t number)
{
	const struct source *s = arg;

	return s->notes[number] ? frame_ref(s->notes[number]) : NULL;
}

static uint32_t hosts(void *arg)
{
	(void)arg;
	return HOSTS;
}

static long number(void *arg, const char *id)
{
	(void)arg;
	return id[0] == 'h' && id[1] >= '0' && id[1] < '0' + (int)HOSTS ? id[1] - '0' : -1;
}

static void serve(struct source *s, uint64_t instance, const struct keyring *keys)
{
	struct feed_server_options o = {.url = *s->url ? s->url : "tcp://127.0.0.1:0",
					.keys = keys,
					.instance = instance,
					.history = s->history,
					.host = host,
					.notes = notes,
					.hosts = hosts,
					.host_number = number,
					.arg = s};
	char why[256] = "";

	if (feed_server_open(&s->server, &o, why, sizeof(why)))
		fail_msg("feed_server_open: %s", why);
	snprintf(s->url, sizeof(s->url), "tcp://127.0.0.1:%u", feed_server_port(s->server));
}

static void attach(struct source *s, const struct keyring *keys)
{
	char why[256] = "";

	if (feed_client_open(&s->client, s->url, keys, why, sizeof(why)))
		fail_msg("feed_client_open: %s", why);
}

static void begin(struct source *s, uint64_t keep_ns, const struct keyring *keys)
{
	struct history_options h = {.keep_ns = keep_ns, .keep_bytes = 64 << 20};

	*s = (struct source){.history = history_new(&h)};
	serve(s, 4711, keys);
	attach(s, keys);
}

static void finish(struct source *s)
{
	feed_client_close(s->client);
	feed_server_close(s->server);
	history_free(s->history);
}

static void add(struct source *s, uint32_t n, unsigned size)
{
	char id[16];
	struct frame *f;

	snprintf(id, sizeof(id), "h%u", n);
	f = make_frame(id, 1, ++s->sequence[n], size);
	history_add(s->history, n, f, 0);
	frame_unref(f);
	feed_server_poke(s->server);
}

/* The reply as "h0:1 h2:5 @CURSOR -SKIPPED", "hosts: ..." when there are any. */
static const char *text_of(const struct feed_reply *r)
{
	static char text[4096];
	size_t used = 0;

	for (uint32_t i = 0; i < r->n_frames; i++) {
		struct frame_head h;

		assert_int_equal(frame_head_decode(&h, r->frames[i].p, r->frames[i].n), 0);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s:%llu ", h.host_id,
					 (unsigned long long)h.sequence);
	}
	used += (size_t)snprintf(text + used, sizeof(text) - used, "@%llu -%llu",
				 (unsigned long long)r->cursor, (unsigned long long)r->skipped);
	for (uint32_t i = 0; i < r->n_hosts; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%s",
					 i ? " " : " hosts: ", r->hosts[i].host_name,
					 r->hosts[i].stale ? "!" : "");
	return text;
}

static const char *ask(struct source *s, struct feed_request q)
{
	struct feed_reply reply;
	bool restarted;
	int r = feed_client_ask(s->client, &q, &reply, &restarted, PATIENCE);

	if (r)
		fail_msg("feed_client_ask: %s", strerror(-r));
	return text_of(&reply);
}

#define assert_ask(s, want, ...)                                                                   \
	assert_string_equal(ask(s, (struct feed_request){__VA_ARGS__}), want)

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void test_history_and_live(void **state)
{
	struct source s;

	(void)state;
	begin(&s, UINT64_MAX, NULL);
	add(&s, 0, 50);
	add(&s, 0, 50);
	add(&s, 2, 50);
	/* All that is kept, and what is known of all hosts. */
	assert_ask(&s, "h0:1 h0:2 h2:1 @3 -0 hosts: name0 name1 name2", .cursor = 0);
	assert_ask(&s, "h0:2 h2:1 @3 -0 hosts: name0 name1 name2", .cursor = FEED_LIVE);
	add(&s, 2, 50);
	/* From then on: who has something new. */
	assert_ask(&s, "h2:2 @4 -0 hosts: name2", .cursor = 3);
	s.stale[1] = true;
	add(&s, 0, 50);
	assert_ask(&s, "h0:3 @5 -0 hosts: name0 name1!", .cursor = 4);
	/* Nothing new, and no wish to wait. */
	assert_ask(&s, "@5 -0 hosts: name0 name1! name2", .cursor = 5);
	finish(&s);
}

static void test_choice(void **state)
{
	char two[2][HOST_ID_MAX + 1] = {"h1", "nobody"};
	uint64_t zero = make_head("", 1, 0).wall_ns;
	struct source s;

	(void)state;
	begin(&s, UINT64_MAX, NULL);
	for (unsigned i = 0; i < 4; i++) {
		add(&s, 0, 50);
		add(&s, 1, 50);
	}
	assert_ask(&s, "h1:1 h1:2 h1:3 h1:4 @8 -0 hosts: name1", .cursor = 0, .hosts = two,
		   .n_hosts = 2);
	assert_ask(&s, "@8 -0", .cursor = 0, .hosts = two + 1, .n_hosts = 1);
	assert_ask(&s, "h0:2 h1:2 h0:3 h1:3 @8 -0 hosts: name0 name1 name2", .cursor = 0,
		   .from_wall_ns = zero + 2000000000u, .to_wall_ns = zero + 3000000000u);
	assert_ask(&s, "h0:4 h1:4 @8 -5 hosts: name0 name1", .cursor = 1, .latest_only = true);
	/* As much as the reader takes, then the rest. */
	assert_ask(&s, "h0:1 @1 -0 hosts: name0 name1 name2", .cursor = 0, .max_bytes = 10);
	assert_ask(&s, "h1:1 @2 -0 hosts: name1", .cursor = 1, .max_bytes = 10);
	finish(&s);
}

struct later {
	struct source *s;
	unsigned after_ms, times;
};

static void *add_later(void *arg)
{
	const struct later *l = arg;

	for (unsigned i = 0; i < l->times; i++) {
		nanosleep(&(struct timespec){0, l->after_ms * 1000000}, NULL);
		add(l->s, 1, 50);
	}
	return NULL;
}

static void test_long_poll(void **state)
{
	char other[1][HOST_ID_MAX + 1] = {"h0"};
	struct source s;
	struct later l = {&s, 100, 1};
	pthread_t thread;
	double began;

	(void)state;
	begin(&s, UINT64_MAX, NULL);
	add(&s, 0, 50);
	began = seconds();
	pthread_create(&thread, NULL, add_later, &l);
	assert_ask(&s, "h0:1 @1 -0 hosts: name0 name1 name2", .cursor = FEED_LIVE, .wait_ms = 2000);
	assert_ask(&s, "h1:1 @2 -0 hosts: name1", .cursor = 1, .wait_ms = 2000);
	assert_true(seconds() - began > 0.09 && seconds() - began < 0.5);
	pthread_join(thread, NULL);
	/* Until the time is over. */
	began = seconds();
	assert_ask(&s, "@2 -0 hosts: name0 name1 name2", .cursor = 2, .wait_ms = 150);
	assert_true(seconds() - began > 0.14 && seconds() - began < 0.6);
	/* What it does not want does not end its waiting, and its cursor moves on. */
	l.after_ms = 20;
	l.times = 3;
	pthread_create(&thread, NULL, add_later, &l);
	assert_ask(&s, "@5 -0 hosts: name0", .cursor = 2, .wait_ms = 250, .hosts = other,
		   .n_hosts = 1);
	pthread_join(thread, NULL);
	finish(&s);
}

/* An empty server: who asks for what is live waits for the first sample of all. */
static void test_first_of_all(void **state)
{
	struct source s;
	struct later l = {&s, 50, 1};
	pthread_t thread;

	(void)state;
	begin(&s, UINT64_MAX, NULL);
	pthread_create(&thread, NULL, add_later, &l);
	assert_ask(&s, "h1:1 @1 -0 hosts: name0 name1 name2", .cursor = FEED_LIVE, .wait_ms = 2000);
	pthread_join(thread, NULL);
	finish(&s);
}

/* One that asks rarely is told what it missed; only the newest is kept here. */
static void test_slow(void **state)
{
	struct source s;

	(void)state;
	begin(&s, 0, NULL);
	add(&s, 0, 50);
	assert_ask(&s, "h0:1 @1 -0 hosts: name0 name1 name2", .cursor = FEED_LIVE);
	for (unsigned i = 0; i < 10; i++)
		add(&s, 0, 50);
	assert_ask(&s, "h0:11 @11 -9 hosts: name0", .cursor = 1);
	finish(&s);
}

/* A peer that asks for 3 MB and never reads: SP over TCP (nng's wire: a greeting, then
 * length, request id, body), by hand. */
static int ask_and_never_read(const struct source *s, unsigned times)
{
	static const uint8_t greeting[8] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)feed_server_port(s->server)),
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 4096;
	struct feed_request q = {.cursor = 0};
	uint8_t id[REQUEST_ID_BYTES] = {1};
	struct buf plain, sealed;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(write(fd, greeting, 8), 8);
	buf_init(&plain, 4096);
	buf_init(&sealed, 4096);
	feed_request_encode(&plain, &q);
	assert_int_equal(seal(&sealed, NULL, ENVELOPE_FEED_REQUEST, id, plain.data, plain.used), 0);
	for (unsigned i = 0; i < times; i++) {
		size_t n = sealed.used + 4;
		uint8_t head[12] = {0,          0,    0, 0, 0,         0, (uint8_t)(n >> 8),
				    (uint8_t)n, 0x80, 0, 0, (uint8_t)i};

		assert_int_equal(write(fd, head, 12), 12);
		assert_int_equal(write(fd, sealed.data, sealed.used), sealed.used);
	}
	buf_fini(&plain);
	buf_fini(&sealed);
	return fd;
}

static void test_stuck_reader(void **state)
{
	struct feed_server_stats st = {0};
	struct source s;
	int stuck[8];
	double began;

	(void)state;
	begin(&s, UINT64_MAX, NULL);
	for (unsigned i = 0; i < 100; i++)
		add(&s, 0, 30000);
	assert_ask(&s, "h0:100 @100 -0 hosts: name0 name1 name2", .cursor = FEED_LIVE);
	for (unsigned i = 0; i < 8; i++)
		stuck[i] = ask_and_never_read(&s, 3);
	for (int i = 0; i < 300 && st.requests < 1 + 8; i++) {
		nanosleep(&(struct timespec){0, 10000000}, NULL);
		feed_server_stats(s.server, &st);
	}
	assert_true(st.requests >= 1 + 8);
	began = seconds();
	for (unsigned i = 0; i < 20; i++)
		assert_ask(&s, "h0:100 @100 -0 hosts: name0", .cursor = 99);
	assert_true(seconds() - began < 1);
	for (unsigned i = 0; i < 8; i++)
		close(stuck[i]);
	finish(&s);
}

static void test_restart(void **state)
{
	struct feed_request q = {.cursor = FEED_LIVE};
	struct feed_reply reply;
	struct source s;
	bool restarted;

	(void)state;
	begin(&s, UINT64_MAX, NULL);
	for (unsigned i = 0; i < 5; i++)
		add(&s, 0, 50);
	assert_int_equal(feed_client_ask(s.client, &q, &reply, &restarted, PATIENCE), 0);
	assert_false(restarted);
	assert_int_equal(reply.instance, 4711);
	feed_server_close(s.server);
	serve(&s, 4712, NULL);
	add(&s, 0, 50);
	add(&s, 1, 50);
	q.cursor = reply.cursor;
	/* The lost connection may cost one try. */
	for (int i = 0, r = -1; r; i++) {
		r = feed_client_ask(s.client, &q, &reply, &restarted, PATIENCE);
		if (r && i == 3)
			fail_msg("after the restart: %s", strerror(-r));
	}
	assert_true(restarted);
	/* Its cursor is nothing here: the newest of every host, and all is told. */
	assert_string_equal(text_of(&reply), "h0:6 h1:1 @7 -0 hosts: name0 name1 name2");
	q.cursor = reply.cursor;
	add(&s, 1, 50);
	assert_int_equal(feed_client_ask(s.client, &q, &reply, &restarted, PATIENCE), 0);
	assert_false(restarted);
	assert_string_equal(text_of(&reply), "h1:2 @8 -0 hosts: name1");
	finish(&s);
}

static void test_keys(void **state)
{
	struct keyring a = {.n = 1, .key = {{1}}}, b = {.n = 1, .key = {{2}}};
	const struct keyring *const wrong[] = {NULL, &b};
	struct feed_request q = {.cursor = 0};
	struct feed_server_stats st;
	struct feed_reply reply;
	struct source s;
	bool restarted;

	(void)state;
	begin(&s, UINT64_MAX, &a);
	add(&s, 0, 50);
	assert_ask(&s, "h0:1 @1 -0 hosts: name0 name1 name2", .cursor = 0);
	for (unsigned i = 0; i < 2; i++) {
		struct feed_client *c;
		char why[256];

		assert_int_equal(feed_client_open(&c, s.url, wrong[i], why, sizeof(why)), 0);
		/* It is told at once, not by waiting in vain. */
		assert_int_equal(feed_client_ask(c, &q, &reply, &restarted, PATIENCE),
				 -EKEYREJECTED);
		feed_client_close(c);
	}
	feed_server_stats(s.server, &st);
	assert_int_equal(st.requests, 3);
	assert_int_equal(st.refused, 2);
	assert_int_equal(st.frames, 1);
	finish(&s);
}

/* Closing does not wait for readers that do. */
struct waiter {
	struct source *s;
	int result;
};

static void *wait_long(void *arg)
{
	struct waiter *w = arg;
	struct feed_request q = {.cursor = FEED_LIVE, .wait_ms = 20000};
	struct feed_reply reply;
	bool restarted;

	w->result = feed_client_ask(w->s->client, &q, &reply, &restarted, PATIENCE);
	return NULL;
}

static void test_close_while_waiting(void **state)
{
	struct source s;
	struct waiter w = {&s, 0};
	struct feed_server_stats st = {0};
	pthread_t thread;
	double began;

	(void)state;
	begin(&s, UINT64_MAX, NULL);
	pthread_create(&thread, NULL, wait_long, &w);
	for (int i = 0; i < 200 && !st.waiting; i++) {
		nanosleep(&(struct timespec){0, 10000000}, NULL);
		feed_server_stats(s.server, &st);
	}
	assert_int_equal(st.waiting, 1);
	began = seconds();
	feed_server_close(s.server);
	assert_true(seconds() - began < 1);
	feed_client_cancel(s.client);
	pthread_join(thread, NULL);
	assert_int_not_equal(w.result, 0);
	s.server = NULL;
	finish(&s);
}

static void test_bad_url(void **state)
{
	struct feed_server_options o = {.url = "ipc:///tmp/x"};
	struct feed_server *server;
	struct feed_client *client;
	char why[256] = "";

	(void)state;
	assert_int_equal(feed_server_open(&server, &o, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "tcp://HOST:PORT"));
	assert_int_equal(feed_client_open(&client, "nonsense", NULL, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "nonsense"));
	feed_server_close(NULL);
	feed_client_close(NULL);
}

static void test_notes(void **state)
{
	struct feed_request q = {.cursor = FEED_LIVE, .wait_ms = 100, .max_bytes = 1 << 20};
	struct feed_reply reply;
	struct source s;
	bool restarted;

	(void)state;
	begin(&s, 0, NULL);
	s.notes[1] = make_frame("h1", 1, 99, 100);
	for (unsigned round = 0; round < 3; round++) {
		add(&s, 1, 100);
		assert_int_equal(feed_client_ask(s.client, &q, &reply, &restarted, PATIENCE), 0);
		assert_int_equal(reply.n_frames, 1);
		for (uint32_t i = 0; i < reply.n_hosts; i++) {
			bool has = !strcmp(reply.hosts[i].host_id, "h1");
			const struct message_bytes *b = &reply.hosts[i].notes;

			assert_int_equal(b->n, has ? s.notes[1]->size : 0);
			if (has)
				assert_memory_equal(b->p, s.notes[1]->bytes, b->n);
		}
		assert_true(reply.n_hosts >= 1);
		q.cursor = reply.cursor;
		q.instance = reply.instance;
	}
	finish(&s);
	assert_int_equal(s.notes[1]->refs, 1);
	frame_unref(s.notes[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notes),        cmocka_unit_test(test_history_and_live),
		cmocka_unit_test(test_choice),       cmocka_unit_test(test_long_poll),
		cmocka_unit_test(test_first_of_all), cmocka_unit_test(test_slow),
		cmocka_unit_test(test_stuck_reader), cmocka_unit_test(test_restart),
		cmocka_unit_test(test_keys),         cmocka_unit_test(test_close_while_waiting),
		cmocka_unit_test(test_bad_url),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
