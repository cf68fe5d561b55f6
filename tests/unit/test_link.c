/* SPDX-License-Identifier: Apache-2.0 */
/* Links over real sockets: answers at once and late, bounds, what is lost and when, and
 * that an answer is never taken for another. */
#include "link_server_kit.h"

#include "xalloc.h"

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void is_code(const char *what, int r, int want)
{
	if (r != want)
		fail_msg("%s: %d (%s), not %d", what, r, strerror(-r), want);
}

/* ---- one question and one answer ---- */

static void test_round_trip(void **state)
{
	static const size_t sizes[] = {0, 1, 1000, 1u << 20};
	struct link_stats stats;
	struct link_client *c;
	struct station s;
	struct buf b;
	char *text = xcalloc(1, 1u << 20);

	(void)state;
	for (size_t i = 0; i < 1u << 20; i++)
		text[i] = (char)(i * 7 + i / 256);
	buf_init(&b, 2u << 20);
	station_open(&s, 2, 4, 2u << 20);
	c = dial(&s);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t n = sizes[i];

		is_code("ask", link_ask(c, text, n, &b, PATIENCE_S * 1000), 0);
		if (b.used != n + 3 || memcmp(b.data + 3, text, n))
			fail_msg("%zu bytes came back as %zu others", n, b.used);
	}
	assert_true(link_connected(c));
	link_stats(s.server, &stats);
	assert_int_equal(stats.requests, 4);
	assert_int_equal(stats.bytes_in, 1001 + (1u << 20));
	assert_int_equal(stats.bytes_out, 1001 + (1u << 20) + 4 * 3);
	assert_int_equal(stats.pipes, 1);
	assert_int_equal(stats.refused_pipes, 0);
	assert_int_equal(stats.send_failed, 0);
	link_client_close(c);
	station_close(&s);
	buf_fini(&b);
	free(text);
}

static void test_urls(void **state)
{
	static const char *const bad[] = {
		"",
		"tcp://",
		"127.0.0.1:7410",
		"ipc:///tmp/x",
		"tls+tcp://127.0.0.1:7410",
		"tcp://127.0.0.1",
		"tcp://127.0.0.1:",
		"tcp://127.0.0.1:65536",
		"tcp://127.0.0.1:74x",
		"tcp://*:7410",
		"tcp://eth0;127.0.0.1:7410",
		"tcp://::1:7410",
		"tcp://[::1:7410",
		"tcp://[127.0.0.1]:7410",
		"tcp://127.0.0.1:7410/x",
	};
	struct link_options o = {.contexts = 1, .max_pipes = 1, .max_message = 100};
	struct link_client *c;
	struct link_server *s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		o.url = bad[i];
		is_code(bad[i], link_listen(&s, &o, station_serve, NULL), -EINVAL);
		is_code(bad[i], link_dial(&c, &o), -EINVAL);
	}
	o.url = "tcp://127.0.0.1:0";
	o.contexts = 0;
	is_code("no contexts", link_listen(&s, &o, station_serve, NULL), -EINVAL);
	o.contexts = 1;
	o.max_pipes = 0;
	is_code("no pipes", link_listen(&s, &o, station_serve, NULL), -EINVAL);
}

static void test_hosts(void **state)
{
	static const char *const hosts[][2] = {
		{"localhost", "127.0.0.1"},
		{"127.0.0.1", "localhost"},
		{"[::1]", "[::1]"},
	};
	struct link_options o = {.max_message = 100, .contexts = 1, .max_pipes = 2};

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		struct station s = {.lock = PTHREAD_MUTEX_INITIALIZER};
		struct link_client *c;
		char url[64];
		int r;

		snprintf(url, sizeof(url), "tcp://%s:0", hosts[i][0]);
		o.url = url;
		r = link_listen(&s.server, &o, station_serve, &s);
		if (r == -EADDRNOTAVAIL && hosts[i][0][0] == '[')
			continue; /* a machine without IPv6 */
		is_code(url, r, 0);
		snprintf(url, sizeof(url), "tcp://%s:%u", hosts[i][1], link_port(s.server));
		is_code(url, link_dial(&c, &o), 0);
		ask_well(c, url, "hello");
		link_client_close(c);
		link_server_close(s.server);
	}
}

static void test_in_use(void **state)
{
	struct link_options o = {.contexts = 1, .max_pipes = 1, .max_message = 100};
	struct link_server *other;
	struct station s;

	(void)state;
	station_open(&s, 1, 1, 100);
	o.url = s.url;
	is_code("the same port", link_listen(&other, &o, station_serve, &s), -EADDRINUSE);
	station_close(&s);
}

/* ---- many at once ---- */

#define MANY 64u

struct asker {
	struct station *s;
	unsigned number, times;
	bool hold;
	pthread_t thread;
};

static void *ask_often(void *arg)
{
	struct asker *a = arg;
	struct link_client *c = dial(a->s);

	for (unsigned i = 0; i < a->times; i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s %u of %u", a->hold ? "hold" : "take", i,
			 a->number);
		ask_well(c, "one of many", text);
	}
	link_client_close(c);
	return NULL;
}

static void ask_many(struct station *s, struct asker *a, unsigned times, bool hold)
{
	for (unsigned i = 0; i < MANY; i++) {
		a[i] = (struct asker){.s = s, .number = i, .times = times, .hold = hold};
		assert_int_equal(pthread_create(&a[i].thread, NULL, ask_often, &a[i]), 0);
	}
}

static void join_many(struct asker *a)
{
	for (unsigned i = 0; i < MANY; i++)
		pthread_join(a[i].thread, NULL);
}

/* More than there are contexts. */
static void test_parallel(void **state)
{
	struct asker a[MANY];
	struct link_stats stats;
	struct station s;

	(void)state;
	station_open(&s, 8, MANY, 1000);
	ask_many(&s, a, 20, false);
	join_many(a);
	link_stats(s.server, &stats);
	assert_int_equal(stats.requests, MANY * 20);
	station_close(&s);
}

/* All wait at the same time, and the last to come is answered first. */
static void test_long_polls(void **state)
{
	struct asker a[MANY];
	struct station s;

	(void)state;
	station_open(&s, MANY, MANY, 1000);
	ask_many(&s, a, 1, true);
	station_wait(&s, MANY);
	for (unsigned i = MANY; i-- > 0;)
		answer(s.held[i]);
	s.n_held = 0;
	join_many(a);
	station_close(&s);
}

/* Two contexts, 64 that want to wait: they get their turns. */
static void test_contexts(void **state)
{
	struct asker a[MANY];
	struct station s;

	(void)state;
	station_open(&s, 2, MANY, 1000);
	ask_many(&s, a, 1, true);
	for (unsigned i = 0; i < MANY; i += 2) {
		station_wait(&s, 2);
		assert_int_equal(s.n_held, 2);
		answer(station_take(&s));
		answer(station_take(&s));
	}
	join_many(a);
	station_close(&s);
}

/* ---- what does not come, comes late, or is lost ---- */

static void test_timeout(void **state)
{
	struct link_call *late;
	struct link_client *c;
	struct station s;
	struct buf b;
	uint64_t begun;

	(void)state;
	buf_init(&b, 1000);
	station_open(&s, 4, 4, 1000);
	c = dial(&s);
	for (int i = 0; i < 5; i++) {
		begun = now_ms();
		is_code("no answer", link_ask(c, "hold", 4, &b, 30), -ETIMEDOUT);
		assert_true(now_ms() - begun >= 29);
		assert_int_equal(b.used, 0);
		late = station_take(&s);
		/* Sometimes before the next question, sometimes while it waits. */
		if (i % 2)
			answer(late);
		ask_well(c, "after a time-out", "take this");
		if (i % 2 == 0)
			answer(late);
	}
	is_code("no time", link_ask(c, "hold", 4, &b, 0), -ETIMEDOUT);
	ask_well(c, "in the end", "take that");
	link_client_close(c);
	station_close(&s);
	buf_fini(&b);
}

static void test_nobody_there(void **state)
{
	struct link_options o = {.max_message = 100};
	struct link_client *c;
	struct station s;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	station_open(&s, 1, 1, 100); /* for a port that is then free */
	station_close(&s);
	o.url = s.url;
	is_code("dial", link_dial(&c, &o), 0);
	is_code("ask", link_ask(c, "x", 1, &b, 30), -ETIMEDOUT);
	assert_false(link_connected(c));
	link_client_close(c);
	buf_fini(&b);
}

static void *cancel_soon(void *arg)
{
	pause_ms(30);
	link_cancel(arg);
	return NULL;
}

static void test_cancel(void **state)
{
	struct link_client *c;
	struct station s;
	struct buf b;
	pthread_t t;

	(void)state;
	buf_init(&b, 1000);
	station_open(&s, 2, 2, 1000);
	for (int connected = 0; connected < 2; connected++) {
		if (!connected)
			strcpy(s.url, "tcp://127.0.0.1:1"); /* nobody there */
		else
			snprintf(s.url, sizeof(s.url), "tcp://127.0.0.1:%u", link_port(s.server));
		c = dial(&s);
		pthread_create(&t, NULL, cancel_soon, c);
		is_code("meanwhile", link_ask(c, "hold", 4, &b, PATIENCE_S * 1000), -ECANCELED);
		is_code("later", link_ask(c, "take", 4, &b, PATIENCE_S * 1000), -ECANCELED);
		pthread_join(t, NULL);
		link_client_close(c);
	}
	link_drop(station_take(&s));
	station_close(&s);
	buf_fini(&b);
}

static void test_drop(void **state)
{
	struct link_client *c;
	struct station s;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	station_open(&s, 1, 4, 1000);
	c = dial(&s);
	for (int i = 0; i < 5; i++) {
		is_code("dropped", link_ask(c, "drop", 4, &b, PATIENCE_S * 1000), -ECONNRESET);
		ask_well(c, "after a drop", "take");
	}
	link_client_close(c);
	station_close(&s);
	buf_fini(&b);
}

static void *ask_in_vain(void *arg)
{
	struct link_client *c = arg;
	struct buf b;
	int r;

	buf_init(&b, 1000);
	r = link_ask(c, "hold", 4, &b, PATIENCE_S * 1000);
	buf_fini(&b);
	return (void *)(intptr_t)r;
}

/* The server goes while it owes an answer; what comes after that harms nobody; another
 * takes its place and the client goes on by itself. */
static void test_restart(void **state)
{
	struct link_options o = {.contexts = 4, .max_pipes = 4, .max_message = 1000};
	struct link_call *orphan[2];
	struct link_client *c;
	struct station s;
	pthread_t t;
	void *r;

	(void)state;
	station_open(&s, 4, 4, 1000);
	c = dial(&s);
	for (int i = 0; i < 2; i++) {
		pthread_create(&t, NULL, ask_in_vain, c);
		orphan[i] = station_take(&s);
		link_server_close(s.server);
		pthread_join(t, &r);
		is_code("the server went", (int)(intptr_t)r, -ECONNRESET);
		assert_true(link_call_lost(orphan[i]));
		o.url = s.url;
		is_code("again", link_listen(&s.server, &o, station_serve, &s), 0);
		ask_well(c, "after a restart", "take");
	}
	answer(orphan[0]);
	link_drop(orphan[1]);
	link_client_close(c);
	station_close(&s);
}

static void test_lost(void **state)
{
	struct link_call *call;
	struct link_client *c;
	struct station s;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	station_open(&s, 4, 4, 1000);
	c = dial(&s);
	is_code("no answer", link_ask(c, "hold", 4, &b, 30), -ETIMEDOUT);
	link_client_close(c);
	call = station_take(&s);
	for (int i = 0; i < PATIENCE_S * 1000 && !link_call_lost(call); i++)
		pause_ms(1);
	assert_true(link_call_lost(call));
	answer(call);
	station_close(&s);
	buf_fini(&b);
}

struct answerer {
	struct station *s;
	pthread_t thread;
};

static void *answer_all(void *arg)
{
	struct station *s = arg;

	for (unsigned i = 0; i < MANY; i++)
		answer(station_take(s));
	return NULL;
}

/* Threads answer while the server is closed under them. */
static void test_close_meanwhile(void **state)
{
	(void)state;
	for (int round = 0; round < 8; round++) {
		struct link_client *c[MANY];
		struct station s;
		pthread_t asker[MANY], t;

		station_open(&s, MANY, MANY, 1000);
		for (unsigned i = 0; i < MANY; i++) {
			c[i] = dial(&s);
			pthread_create(&asker[i], NULL, ask_in_vain, c[i]);
		}
		station_wait(&s, MANY);
		pthread_create(&t, NULL, answer_all, &s);
		link_server_close(s.server);
		s.server = NULL;
		pthread_join(t, NULL);
		for (unsigned i = 0; i < MANY; i++) {
			void *r;

			pthread_join(asker[i], &r);
			if (r && (intptr_t)r != -ECONNRESET)
				fail_msg("one of those that waited: %d", (int)(intptr_t)r);
			link_client_close(c[i]);
		}
		station_close(&s);
	}
}

/* ---- sizes ---- */

static void test_sizes(void **state)
{
	struct link_client *c, *other;
	struct link_options o = {.max_message = 1000};
	struct station s;
	struct buf b;
	char text[3000];

	(void)state;
	memset(text, 'x', sizeof(text));
	buf_init(&b, 1500);
	station_open(&s, 2, 4, 2000);
	other = dial(&s);
	c = dial(&s);
	is_code("too large", link_ask(c, text, 3000, &b, PATIENCE_S * 1000), -ECONNRESET);
	ask_well(other, "another", "is served");
	is_code("the answer does not fit", link_ask(c, text, 1900, &b, PATIENCE_S * 1000),
		-EMSGSIZE);
	ask_well(c, "after that", "take");
	link_client_close(c);
	o.url = s.url;
	is_code("dial", link_dial(&c, &o), 0);
	is_code("the answer is too large", link_ask(c, text, 1400, &b, PATIENCE_S * 1000),
		-ECONNRESET);
	ask_well(c, "after that", "take");
	link_client_close(c);
	link_client_close(other);
	station_close(&s);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_urls),
		cmocka_unit_test(test_hosts),        cmocka_unit_test(test_in_use),
		cmocka_unit_test(test_parallel),     cmocka_unit_test(test_long_polls),
		cmocka_unit_test(test_contexts),     cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_nobody_there), cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_drop),         cmocka_unit_test(test_restart),
		cmocka_unit_test(test_lost),         cmocka_unit_test(test_close_meanwhile),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
