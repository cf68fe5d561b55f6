/* SPDX-License-Identifier: Apache-2.0 */
/* tcp, udp, file and stdout: readers that die mid-way, are slow, or not there yet. */
#include "fake_resolver.h"
#include "output_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define SEQ_MAX 5000

struct peer {
	int fd, port;
	atomic_uint got[SEQ_MAX]; /* how often a whole line with the sequence came */
};

struct both {
	struct kit *kit;
	struct peer peer;
	struct capture stderr_;
	char path[64];
};

static int setup(void **state)
{
	struct both *b = calloc(1, sizeof(*b));

	kit_setup((void **)&b->kit);
	b->peer.fd = -1;
	capture_begin(&b->stderr_);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct both *b = *state;

	kit_teardown((void **)&b->kit);
	capture_end(&b->stderr_);
	if (b->peer.fd >= 0)
		close(b->peer.fd);
	if (*b->path)
		unlink(b->path);
	free(b);
	return 0;
}

static void peer_bind(struct peer *p, int type)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int yes = 1;

	a.sin_port = htons((uint16_t)p->port);
	p->fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(p->fd, (struct sockaddr *)&a, n) < 0 ||
	    (type == SOCK_STREAM && listen(p->fd, 8) < 0))
		fail_msg("no peer: %s", strerror(errno));
	getsockname(p->fd, (struct sockaddr *)&a, &n);
	p->port = ntohs(a.sin_port);
}

static int peer_accept(struct peer *p)
{
	struct pollfd f = {.fd = p->fd, .events = POLLIN};

	if (poll(&f, 1, PATIENCE_S * 1000) != 1)
		fail_msg("nobody connects");
	return accept4(p->fd, NULL, NULL, SOCK_CLOEXEC);
}

static void reset(int fd)
{
	struct linger now = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

/* The sequence of a whole line, or -1. */
static long line_sequence(const char *line, size_t n)
{
	static const char key[] = "\"seq\":";
	const char *at;

	if (n < 3 || line[0] != '{' || line[n - 1] != '}')
		return -1;
	at = memmem(line, n, key, sizeof(key) - 1);
	return at ? atol(at + sizeof(key) - 1) : -1;
}

struct lines {
	char *data;
	size_t used;
	unsigned broken, whole;
};

static void take_lines(struct lines *l, struct peer *p)
{
	char *start = l->data, *end;

	while ((end = memchr(start, '\n', l->used - (size_t)(start - l->data)))) {
		long seq = line_sequence(start, (size_t)(end - start));

		if (seq > 0 && seq < SEQ_MAX) {
			atomic_fetch_add(&p->got[seq], 1);
			l->whole++;
		} else {
			l->broken++;
		}
		start = end + 1;
	}
	l->used -= (size_t)(start - l->data);
	memmove(l->data, start, l->used);
}

/* Reads until there are so many whole lines, or so many bytes, or the end. */
static size_t read_lines(struct lines *l, struct peer *p, int fd, unsigned whole, size_t bytes)
{
	size_t have = 0;

	if (!l->data)
		l->data = malloc(1 << 20);
	while (l->whole < whole && have < bytes) {
		struct pollfd f = {.fd = fd, .events = POLLIN};
		size_t room = (1 << 20) - l->used;
		ssize_t r;

		if (poll(&f, 1, PATIENCE_S * 1000) != 1)
			fail_msg("after %u lines nothing comes", l->whole);
		r = read(fd, l->data + l->used, bytes - have < room ? bytes - have : room);
		if (r <= 0)
			break;
		have += (size_t)r;
		l->used += (size_t)r;
		take_lines(l, p);
	}
	return have;
}

static void check_got(struct peer *p, uint64_t n)
{
	for (uint64_t seq = 1; seq <= n; seq++)
		if (!atomic_load(&p->got[seq]))
			fail_msg("%llu never came", (unsigned long long)seq);
}

/* ---- tcp ---- */

static void tcp_in_order(void **state)
{
	struct both *b = *state;
	struct lines l = {.data = NULL};
	struct output_stats st;
	int fd;

	peer_bind(&b->peer, SOCK_STREAM);
	kit_open(b->kit, "json+tcp://127.0.0.1:%d", b->peer.port);
	fd = peer_accept(&b->peer);
	for (uint64_t seq = 1; seq <= 200; seq++)
		kit_put(b->kit, "s0", 0, seq, 3);
	read_lines(&l, &b->peer, fd, 200, SIZE_MAX);
	kit_wait(b->kit, 200, "tcp");
	kit_check_order(b->kit, 1, 200);
	check_got(&b->peer, 200);
	assert_int_equal(l.broken, 0);
	output_stats(b->kit->output, &st);
	assert_int_equal(st.sent, 200);
	assert_int_equal(st.queued, 0);
	assert_int_equal(st.failures, 0);
	close(fd);
	free(l.data);
}

/* It is killed with half a line read, and more in its kernel and ours, again and again. */
static void tcp_killed(void **state)
{
	struct both *b = *state;
	struct lines l = {.data = NULL};
	int fd, size = 4096;

	peer_bind(&b->peer, SOCK_STREAM);
	setsockopt(b->peer.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	kit_open(b->kit, "json+tcp://127.0.0.1:%d", b->peer.port);
	for (uint64_t seq = 1; seq <= 300; seq++)
		kit_put(b->kit, "s0", 0, seq, 20);
	for (unsigned kill = 0; kill < 3; kill++) {
		fd = peer_accept(&b->peer);
		read_lines(&l, &b->peer, fd, UINT32_MAX, 30001 * (kill + 1));
		l.used = 0; /* half a line is lost with the process */
		reset(fd);
	}
	fd = peer_accept(&b->peer);
	for (unsigned before = l.whole; !atomic_load(&b->peer.got[300]); before = l.whole)
		read_lines(&l, &b->peer, fd, before + 1, SIZE_MAX);
	kit_wait(b->kit, 300, "killed");
	kit_check_order(b->kit, 1, 300);
	assert_int_equal(l.broken, 0); /* none begins in the middle */
	/* What the killed one's kernel had acknowledged is gone with it; nothing else is. */
	for (uint64_t seq = 1, lost = 0; seq <= 300; seq++) {
		lost += !atomic_load(&b->peer.got[seq]);
		if (lost > 60)
			fail_msg("%llu and others never came", (unsigned long long)seq);
	}
	assert_true(capture_count(&b->stderr_, "connection lost") >= 1);
	close(fd);
	free(l.data);
}

/* Whole lines that the peer's kernel has and nobody has read. */
static unsigned lines_there(int fd, char *room, size_t size)
{
	ssize_t n = recv(fd, room, size, MSG_PEEK | MSG_DONTWAIT);
	unsigned lines = 0;

	for (ssize_t i = 0; i < n; i++)
		lines += room[i] == '\n';
	return lines;
}

/* It reads nothing: committed is what its kernel has; never more, and soon no less. */
static void tcp_silent(void **state)
{
	struct both *b = *state;
	char *room = malloc(8 << 20);
	unsigned committed = 0, there = 1;
	int fd;

	peer_bind(&b->peer, SOCK_STREAM);
	kit_open(b->kit, "json+tcp://127.0.0.1:%d?verbose=1", b->peer.port);
	fd = peer_accept(&b->peer);
	for (uint64_t seq = 1; seq <= 3000; seq++)
		kit_put(b->kit, "s0", 0, seq, 20);
	for (unsigned i = 0; committed != there || committed < 10; i++) {
		committed = kit_count(b->kit);
		there = lines_there(fd, room, 8 << 20);
		if (committed > there || i > PATIENCE_S * 100) {
			capture_end(&b->stderr_); /* so that it is seen */
			fail_msg("%u committed, %u arrived", committed, there);
		}
		pause_ms(10);
	}
	assert_true(committed < 3000);
	close(fd);
	free(room);
}

static void tcp_away(void **state)
{
	struct both *b = *state;
	struct lines l = {.data = NULL};
	struct output_stats st;
	int fd;

	peer_bind(&b->peer, SOCK_STREAM);
	close(b->peer.fd);
	kit_open(b->kit, "json+tcp://127.0.0.1:%d", b->peer.port);
	for (uint64_t seq = 1; seq <= 10; seq++)
		kit_put(b->kit, "s0", 0, seq, 1);
	assert_true(capture_wait(&b->stderr_, "cannot connect: Connection refused; trying again"));
	output_stats(b->kit->output, &st);
	assert_true(st.dead_for_ns > 0);
	assert_string_equal(st.error, "cannot connect: Connection refused");
	assert_int_equal(kit_count(b->kit), 0);
	peer_bind(&b->peer, SOCK_STREAM);
	fd = peer_accept(&b->peer);
	read_lines(&l, &b->peer, fd, 10, SIZE_MAX);
	kit_wait(b->kit, 10, "away");
	check_got(&b->peer, 10);
	assert_true(capture_wait(&b->stderr_, "works again"));
	close(fd);
	free(l.data);
}

/* A resolver that hangs does not hold the end; the second address is tried. */
static void tcp_names(void **state)
{
	struct both *b = *state;
	struct lines l = {.data = NULL};
	struct timespec t0, t1;
	int fd;

	peer_bind(&b->peer, SOCK_STREAM);
	kit_open(b->kit, "json+tcp://both.test:%d", b->peer.port);
	fd = peer_accept(&b->peer);
	kit_put(b->kit, "s0", 0, 1, 1);
	read_lines(&l, &b->peer, fd, 1, SIZE_MAX);
	kit_wait(b->kit, 1, "both");
	close(fd);
	output_close(b->kit->output, 0);
	b->kit->n = 0;
	kit_open(b->kit, "json+tcp://slow.test:%d", b->peer.port);
	kit_put(b->kit, "s0", 0, 2, 1);
	while (!atomic_load(&resolver_busy))
		pause_ms(1);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	output_close(b->kit->output, 100);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	b->kit->output = NULL;
	assert_true(t1.tv_sec - t0.tv_sec <= 2);
	atomic_store(&resolver_released, 1);
	while (atomic_load(&resolver_busy))
		pause_ms(1);
	free(l.data);
}

static void two_outputs(void **state)
{
	struct both *b = *state;
	struct lines l = {.data = NULL};
	struct kit *dead;
	int fd;

	kit_setup((void **)&dead);
	peer_bind(&b->peer, SOCK_STREAM);
	kit_open(dead, "json+tcp://127.0.0.1:1");
	kit_open(b->kit, "json+tcp://127.0.0.1:%d", b->peer.port);
	fd = peer_accept(&b->peer);
	for (uint64_t seq = 1; seq <= 100; seq++) {
		kit_put(dead, "s0", 0, seq, 1);
		kit_put(b->kit, "s0", 0, seq, 1);
	}
	read_lines(&l, &b->peer, fd, 100, SIZE_MAX);
	kit_wait(b->kit, 100, "the other is dead");
	assert_int_equal(kit_count(dead), 0);
	kit_teardown((void **)&dead);
	close(fd);
	free(l.data);
}

/* ---- udp ---- */

static size_t datagram(struct peer *p, char *to, size_t size)
{
	struct pollfd f = {.fd = p->fd, .events = POLLIN};
	ssize_t r;

	if (poll(&f, 1, PATIENCE_S * 1000) != 1)
		fail_msg("no datagram");
	r = recv(p->fd, to, size - 1, 0);
	if (r < 0)
		fail_msg("recv: %s", strerror(errno));
	to[r] = '\0';
	return (size_t)r;
}

static void udp_lines(void **state)
{
	struct both *b = *state;
	char text[70000];
	unsigned lines = 0, datagrams = 0;

	peer_bind(&b->peer, SOCK_DGRAM);
	kit_open(b->kit, "influx+udp://127.0.0.1:%d?scopes=vm,host", b->peer.port);
	kit_put(b->kit, "s0", 0, 1, 50);
	while (lines < 51) {
		size_t n = datagram(&b->peer, text, sizeof(text));

		/* Full, but for the last one, and never half a line. */
		if (n > 1400 || (n < 1100 && lines < 45))
			fail_msg("%zu bytes", n);
		if (strncmp(text, "proxtop_", 8) || text[n - 1] != '\n')
			fail_msg("not whole lines: %s", text);
		for (size_t i = 0; i < n; i++)
			lines += text[i] == '\n';
		datagrams++;
	}
	assert_int_equal(lines, 51);
	assert_true(datagrams < 12);
	kit_wait(b->kit, 1, "udp");
}

static void udp_events(void **state)
{
	struct both *b = *state;
	char text[70000];

	peer_bind(&b->peer, SOCK_DGRAM);
	kit_open(b->kit, "json-vm+udp://127.0.0.1:%d", b->peer.port);
	kit_put(b->kit, "s0", 0, 1, 5);
	for (unsigned i = 0; i < 6; i++) {
		size_t n = datagram(&b->peer, text, sizeof(text));

		if (line_sequence(text, n - 1) != 1 || strchr(text, '\n') != text + n - 1)
			fail_msg("not one event: %s", text);
	}
	kit_wait(b->kit, 1, "udp");
}

/* json is split as it is by proxtop itself; what no datagram can hold is counted. */
static void udp_parts(void **state)
{
	struct both *b = *state;
	char text[70000];
	unsigned vms = 0, parts = 0;

	peer_bind(&b->peer, SOCK_DGRAM);
	kit_open(b->kit, "json+udp://127.0.0.1:%d", b->peer.port);
	kit_put(b->kit, "s0", 0, 1, 900);
	while (vms < 900) {
		size_t n = datagram(&b->peer, text, sizeof(text));

		parts++;
		assert_true(n <= 65507);
		assert_int_equal(line_sequence(text, n - 1), 1);
		for (char *at = text; (at = strstr(at, "\"UUID\"")); at++)
			vms++;
	}
	assert_int_equal(vms, 900);
	assert_true(parts >= 2);
	kit_wait(b->kit, 1, "udp");
}

/* Nobody listens: said once, counted, and later ones are sent. */
static void udp_refused(void **state)
{
	struct both *b = *state;
	struct output_stats st;
	char text[70000];

	peer_bind(&b->peer, SOCK_DGRAM);
	close(b->peer.fd);
	kit_open(b->kit, "json+udp://127.0.0.1:%d", b->peer.port);
	for (uint64_t seq = 1; seq <= 4; seq++) {
		kit_put(b->kit, "s0", 0, seq, 1);
		kit_wait(b->kit, (unsigned)seq, "udp");
		pause_ms(5);
	}
	output_stats(b->kit->output, &st);
	assert_true(st.failures >= 1);
	assert_int_equal(capture_count(&b->stderr_, "nobody listens"), 1);
	peer_bind(&b->peer, SOCK_DGRAM);
	kit_put(b->kit, "s0", 0, 5, 1);
	assert_int_equal(line_sequence(text, datagram(&b->peer, text, sizeof(text)) - 1), 5);
}

/* ---- files ---- */

static void make_path(struct both *b, const char *end)
{
	snprintf(b->path, sizeof(b->path), "/tmp/proxtop-output-%ld%s", (long)getpid(), end);
	unlink(b->path);
}

static char *read_file(const char *path)
{
	char *text = calloc(1, 1 << 20);
	FILE *f = fopen(path, "r");

	if (!f || !fread(text, 1, (1 << 20) - 1, f))
		fail_msg("%s: %s", path, strerror(errno));
	fclose(f);
	return text;
}

static void file_appends(void **state)
{
	struct both *b = *state;
	struct lines l = {.data = NULL};
	char moved[80];
	int fd;

	make_path(b, ".json");
	fd = open(b->path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "half a line", 11), 11);
	close(fd);
	kit_open(b->kit, "json+file://%s", b->path);
	for (uint64_t seq = 1; seq <= 50; seq++)
		kit_put(b->kit, "s0", 0, seq, 2);
	kit_wait(b->kit, 50, "file");
	/* logrotate */
	snprintf(moved, sizeof(moved), "%s.1", b->path);
	assert_int_equal(rename(b->path, moved), 0);
	output_reopen(b->kit->output);
	for (uint64_t seq = 51; seq <= 60; seq++)
		kit_put(b->kit, "s0", 0, seq, 2);
	kit_wait(b->kit, 60, "reopened");
	fd = open(moved, O_RDONLY);
	read_lines(&l, &b->peer, fd, UINT32_MAX, SIZE_MAX);
	assert_int_equal(l.broken, 1); /* what was there before */
	close(fd);
	unlink(moved);
	fd = open(b->path, O_RDONLY);
	read_lines(&l, &b->peer, fd, UINT32_MAX, SIZE_MAX);
	close(fd);
	check_got(&b->peer, 60);
	assert_int_equal(l.whole, 60);
	free(l.data);
}

/* No reader, a slow one, one that leaves: nothing is lost but what it had taken. */
static void fifo(void **state)
{
	struct both *b = *state;
	struct lines l = {.data = NULL};
	int fd;

	make_path(b, ".fifo");
	assert_int_equal(mkfifo(b->path, 0600), 0);
	kit_open(b->kit, "json+file://%s", b->path);
	for (uint64_t seq = 1; seq <= 100; seq++)
		kit_put(b->kit, "s0", 0, seq, 10);
	assert_true(capture_wait(&b->stderr_, "cannot be opened"));
	assert_int_equal(kit_count(b->kit), 0);
	fd = open(b->path, O_RDONLY);
	for (unsigned i = 1; i <= 100; i++)
		read_lines(&l, &b->peer, fd, i, SIZE_MAX);
	kit_wait(b->kit, 100, "fifo");
	check_got(&b->peer, 100);
	assert_int_equal(l.broken, 0);
	close(fd);
	free(l.data);
}

static void not_there(void **state)
{
	struct both *b = *state;
	char why[256];

	assert_int_equal(kit_try_open(b->kit, "json+file:///nowhere/x", why, sizeof(why)), -ENOENT);
	assert_string_equal(why, "--output: \"/nowhere/x\" cannot be opened for appending: No such "
				 "file or directory");
	assert_int_equal(
		kit_try_open(b->kit, "openmetrics+file:///nowhere/x.prom", why, sizeof(why)),
		-ENOENT);
	assert_non_null(strstr(why, "--output: \"/nowhere/x.prom\" cannot be replaced"));
}

/* All hosts in one exposition, each file whole. */
static void openmetrics(void **state)
{
	struct both *b = *state;
	char host[16], *text;

	make_path(b, ".txt");
	kit_open(b->kit, "openmetrics+file://%s?metrics=ram_*,io_syscr", b->path);
	for (uint64_t seq = 1; seq <= 3; seq++)
		for (uint32_t s = 0; s < 5; s++) {
			snprintf(host, sizeof(host), "s%u", s);
			kit_put(b->kit, host, s, seq, 2);
		}
	/* The end does not wait for the next time a file is due. */
	output_close(b->kit->output, 10000);
	b->kit->output = NULL;
	kit_wait(b->kit, 15, "openmetrics");
	kit_check_order(b->kit, 5, 3);
	text = read_file(b->path);
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	for (uint32_t s = 0; s < 5; s++) {
		snprintf(host, sizeof(host), "=\"s%u\"", s);
		if (!strstr(text, host))
			fail_msg("no %s in %s", host, text);
	}
	assert_null(strstr(text, "cpu_cores")); /* not wanted */
	assert_non_null(strstr(text, "proxtop_host_mem_free_bytes{"));
	assert_non_null(strstr(text, "} 3072\n")); /* the latest: 3 KiB */
	assert_null(strstr(text, "} 2048\n"));
	free(text);
}

static void stdout_pipe(void **state)
{
	struct both *b = *state;
	struct lines l = {.data = NULL};
	int before = dup(STDOUT_FILENO), ends[2];

	fflush(stdout);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	dup2(ends[1], STDOUT_FILENO);
	close(ends[1]);
	kit_open(b->kit, "json+stdout://");
	for (uint64_t seq = 1; seq <= 100; seq++)
		kit_put(b->kit, "s0", 0, seq, 20);
	pause_ms(20);
	read_lines(&l, &b->peer, ends[0], 100, SIZE_MAX);
	kit_wait(b->kit, 100, "stdout");
	/* The reader goes: no end of the program, and the close is in time. */
	close(ends[0]);
	kit_put(b->kit, "s0", 0, 101, 20);
	assert_true(capture_wait(&b->stderr_, "Broken pipe"));
	output_close(b->kit->output, 50);
	b->kit->output = NULL;
	dup2(before, STDOUT_FILENO);
	close(before);
	check_got(&b->peer, 100);
	assert_int_equal(l.broken, 0);
	assert_int_equal(kit_count(b->kit), 100);
	free(l.data);
}

/* What is no sample is counted, committed and does not hold the rest. */
static void no_sample(void **state)
{
	struct both *b = *state;
	struct frame_head h = {.epoch = 1, .sequence = 1, .host_id = "x"};
	struct output_item i = {.now = frame_new(&h, "\xc1\xc1\xc1", 3), .stream = 0};
	struct output_stats st;

	make_path(b, ".json");
	kit_open(b->kit, "json+file://%s", b->path);
	assert_true(output_put(b->kit->output, &i));
	frame_unref(i.now);
	kit_put(b->kit, "s0", 0, 2, 1);
	kit_wait(b->kit, 2, "no sample");
	output_stats(b->kit->output, &st);
	assert_int_equal(st.refused, 1);
	assert_true(capture_wait(&b->stderr_, "not a sample"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(tcp_in_order), T(tcp_killed),  T(tcp_silent),   T(tcp_away),
		T(tcp_names),    T(two_outputs), T(udp_lines),    T(udp_events),
		T(udp_parts),    T(udp_refused), T(file_appends), T(fifo),
		T(not_there),    T(openmetrics), T(stdout_pipe),  T(no_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
