/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that are told again and again: rounds, a last one, bounds, and what is no URL. */
#include "capture.h"
#include "documents.h"
#include "xalloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>

#include <cmocka.h>

#define S           UINT64_C(1000000000)
#define PATIENCE_MS 20000

struct source {
	unsigned n;        /* documents */
	unsigned at_once;  /* that next() gives */
	unsigned long_one; /* this one is longer than any datagram; n: none */
	unsigned asked;    /* __atomic: rounds that were begun */
};

static bool next(void *arg, uint64_t *cursor, struct buf *to)
{
	struct source *s = arg;

	if (!*cursor)
		__atomic_add_fetch(&s->asked, 1, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < s->at_once && *cursor < s->n; i++, ++*cursor) {
		buf_lit(to, "{\"number\":");
		buf_u64(to, *cursor);
		for (unsigned j = 0; *cursor == s->long_one && j < 70000; j++)
			buf_byte(to, ' ');
		buf_lit(to, "}\n");
	}
	return *cursor < s->n;
}

struct lab {
	struct source source;
	char path[64];
	struct capture stderr_;
	char why[512];
};

static int setup(void **state)
{
	struct lab *l = xcalloc(1, sizeof(*l));
	int fd;

	l->source = (struct source){.n = 100, .at_once = 3, .long_one = 100};
	strcpy(l->path, "/tmp/test_documents.XXXXXX");
	fd = mkstemp(l->path);
	if (fd < 0)
		return -1;
	close(fd);
	signal(SIGPIPE, SIG_IGN);
	capture_begin(&l->stderr_);
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	struct lab *l = *state;

	capture_end(&l->stderr_);
	unlink(l->path);
	free(l);
	return 0;
}

static int try(struct lab *l, const char *url, uint64_t every_ns, struct documents **ret)
{
	struct documents_options o = {.url = url,
				      .option = "--told",
				      .every_ns = every_ns,
				      .next = next,
				      .arg = &l->source};

	return documents_open(ret, &o, l->why, sizeof(l->why));
}

static struct documents *open_at(struct lab *l, const char *url, uint64_t every_ns)
{
	struct documents *d;

	if (try(l, url, every_ns, &d) < 0)
		fail_msg("%s", l->why);
	return d;
}

static void wait_sent(struct documents *d, uint64_t n)
{
	struct output_stats st;

	for (int i = 0; i < PATIENCE_MS; i++) {
		documents_stats(d, &st);
		if (st.sent >= n)
			return;
		usleep(1000);
	}
	fail_msg("%lu of %lu were sent: %s", st.sent, n, st.error);
}

/* Lines of the file: each is the next document, from the first one on after the last. */
static unsigned rounds_in(struct lab *l)
{
	FILE *f = fopen(l->path, "r");
	unsigned n = 0, number;

	while (fscanf(f, "{\"number\":%u }\n", &number) == 1) {
		assert_int_equal(number, n % l->source.n);
		n++;
	}
	assert_true(feof(f));
	fclose(f);
	assert_int_equal(n % l->source.n, 0);
	return n / l->source.n;
}

static void every_round_has_all(void **state)
{
	struct lab *l = *state;
	char url[128];
	struct documents *d;

	snprintf(url, sizeof(url), "json+file://%s", l->path);
	d = open_at(l, url, S / 10);
	assert_string_equal(documents_url(d), url);
	wait_sent(d, 3 * l->source.n);
	documents_close(d, 5000);
	assert_true(rounds_in(l) >= 4);
}

static void the_first_comes_after_the_time_and_the_last_at_the_end(void **state)
{
	struct lab *l = *state;
	char url[128];
	struct documents *d;

	snprintf(url, sizeof(url), "json+file://%s", l->path);
	d = open_at(l, url, 3600 * S);
	usleep(50000);
	documents_close(d, 5000);
	assert_int_equal(rounds_in(l), 1);
	d = open_at(l, url, 3600 * S);
	documents_close(d, 0);
	assert_int_equal(rounds_in(l), 1);
}

/* Nobody listens: nothing piles up, and closing does not take longer than it may. */
static void a_peer_that_is_away(void **state)
{
	struct lab *l = *state;
	struct output_stats st;
	struct documents *d;

	l->source.n = l->source.long_one = 2000000;
	l->source.at_once = 100;
	d = open_at(l, "json+tcp://127.0.0.1:1", S / 100);
	for (int i = 0; i < PATIENCE_MS; i++) {
		documents_stats(d, &st);
		if (st.failures && st.queued > 100000)
			break;
		usleep(1000);
	}
	assert_true(st.failures > 0);
	usleep(100000);
	documents_stats(d, &st);
	assert_in_range(st.queued, 100000, 400000); /* the window, in bytes 4 MiB */
	assert_int_equal(st.sent, 0);
	documents_close(d, 200);
	assert_int_equal(__atomic_load_n(&l->source.asked, __ATOMIC_RELAXED), 1);
}

static void what_is_too_large_for_a_datagram(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct lab *l = *state;
	socklen_t n = sizeof(a);
	struct output_stats st;
	struct documents *d;
	char url[64];

	assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
	getsockname(fd, (struct sockaddr *)&a, &n);
	snprintf(url, sizeof(url), "json+udp://127.0.0.1:%u", ntohs(a.sin_port));
	l->source.long_one = 50;
	d = open_at(l, url, S / 10);
	wait_sent(d, l->source.n - 1);
	documents_stats(d, &st);
	assert_true(st.refused >= 1);
	documents_close(d, 0);
	close(fd);
}

static void what_is_no_url(void **state)
{
	static const struct {
		const char *url, *word;
	} cases[] = {
		{"json", "--told: \"json\": FORMAT+TRANSPORT"},
		{"influx+tcp://x:1", "--told: \"influx\": allowed is json only"},
		{"json+tcp://x", "--told: \"x\": host:port expected"},
		{"json+file://", "--told: a path is missing"},
		{"json+tcp://x:1?interval=5", "are for samples only"},
		{"json+tcp://x:1?metrics=cpu*", "are for samples only"},
		{"json+tcp://x:1?nonsense=5", "nonsense"},
		{"json+file:///not/there/at/all", "/not/there/at/all"},
	};
	struct lab *l = *state;
	struct documents *d;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int r = try(l, cases[i].url, S, &d);

		if (r >= 0 || d || !strstr(l->why, cases[i].word) || strchr(l->why, '\n'))
			fail_msg("%s: %d: %s", cases[i].url, r, l->why);
	}
}

#define LAB(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB(every_round_has_all),
		LAB(the_first_comes_after_the_time_and_the_last_at_the_end),
		LAB(a_peer_that_is_away),
		LAB(what_is_too_large_for_a_datagram),
		LAB(what_is_no_url),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
