/* SPDX-License-Identifier: Apache-2.0 */
/* The outputs that need no thread: what --output and --target may be, stdout, files, udp;
 * with real pipes, files and sockets. */
#include "sink.h"

#include "capture.h"
#include "fake_resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cmocka.h>

static struct capture c;

/* Time as the sinks see it: this takes the place of the C library's. */
static atomic_long ahead_s;

int clock_gettime(clockid_t clock, struct timespec *t)
{
	long r = syscall(SYS_clock_gettime, clock, t);

	t->tv_sec += atomic_load(&ahead_s);
	return (int)r;
}

static char dir[64];

static char *in_dir(const char *name)
{
	static char path[4][128];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static struct sink *must_open(const char *output, const char *target, bool whole)
{
	struct sink_options o = {.output = output, .target = target, .whole_file = whole};
	char why[256] = "";
	struct sink *s;

	if (sink_open(&s, &o, why, sizeof(why)) < 0)
		fail_msg("%s to %s: %s", output, target, why);
	return s;
}

static void put(struct sink *s, const char *text)
{
	int r = sink_write(s, text, strlen(text));

	if (r < 0)
		fail_msg("\"%s\": %s", text, strerror(-r));
}

static void stats_are(struct sink *s, uint64_t records, uint64_t bytes, uint64_t dropped)
{
	struct sink_stats have;

	sink_stats(s, &have);
	if (have.records != records || have.bytes != bytes || have.dropped != dropped)
		fail_msg("%lu records, %lu bytes, %lu dropped; not %lu, %lu, %lu",
			 (unsigned long)have.records, (unsigned long)have.bytes,
			 (unsigned long)have.dropped, (unsigned long)records, (unsigned long)bytes,
			 (unsigned long)dropped);
}

static void test_refused(void **state)
{
	static const struct {
		const char *output, *target;
		int error;
		const char *why;
	} cases[] = {
		{"foo", NULL, -EINVAL,
		 "--output: \"foo\" is unknown; allowed: stdout, file, tcp, udp"},
		{"", NULL, -EINVAL, "--output: \"\" is unknown; allowed: stdout, file, tcp, udp"},
		{"file", NULL, -EINVAL, "--target: missing; --output=file needs a path"},
		{"file", "", -EINVAL, "--target: missing; --output=file needs a path"},
		{"tcp", NULL, -EINVAL,
		 "--target: missing; --output=tcp needs host:port, port 1 to 65535"},
		{"udp", NULL, -EINVAL,
		 "--target: missing; --output=udp needs host:port, port 1 to 65535"},
		{"tcp", "foo", -EINVAL, "--target: \"foo\": host:port expected, port 1 to 65535"},
		{"udp", "foo", -EINVAL, "--target: \"foo\": host:port expected, port 1 to 65535"},
		{"tcp", "foo:", -EINVAL, NULL},
		{"tcp", ":80", -EINVAL, NULL},
		{"tcp", "foo:0", -EINVAL, NULL},
		{"tcp", "foo:00000", -EINVAL, NULL},
		{"tcp", "foo:65536", -EINVAL, NULL},
		{"tcp", "foo:99999999999999999999", -EINVAL, NULL},
		{"tcp", "foo:-1", -EINVAL, NULL},
		{"tcp", "foo:+1", -EINVAL, NULL},
		{"tcp", "foo: 1", -EINVAL, NULL},
		{"tcp", "foo:80x", -EINVAL, NULL},
		{"tcp", "foo:http", -EINVAL, NULL},
		{"tcp", "[::1]", -EINVAL, NULL},
		{"tcp", "[::1]:", -EINVAL, NULL},
		{"tcp", "[::1]80", -EINVAL, NULL},
		{"tcp", "[::1:80", -EINVAL, NULL},
		{"tcp", "[]:80", -EINVAL, NULL},
		{"tcp", "::1:80", -EINVAL,
		 "--target: \"::1:80\": host:port expected, port 1 to 65535; IPv6 as [::1]:port"},
		{"file", "/nowhere/at/all", -ENOENT,
		 "--target: \"/nowhere/at/all\" cannot be opened for appending: No such file or "
		 "directory"},
		{"file", "/", -EISDIR, NULL},
	};
	char name[400] = "";
	struct sink_options o = {.output = "tcp", .target = name};
	char why[300];
	struct sink *s;
	int r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sink_options each = {.output = cases[i].output, .target = cases[i].target};

		*why = '\0';
		r = sink_open(&s, &each, why, sizeof(why));
		if (r != cases[i].error || s || !*why ||
		    (cases[i].why && strcmp(why, cases[i].why)))
			fail_msg("%s, %s: %d, \"%s\"", each.output, each.target, r, why);
	}
	/* A name that is too long, and a reason that has little room. */
	memset(name, 'n', 300);
	strcpy(name + 300, ":80");
	assert_int_equal(sink_open(&s, &o, why, sizeof(why)), -EINVAL);
	o.output = name;
	for (size_t room = 1; room < 80; room++) {
		memset(why, 'x', sizeof(why));
		assert_int_equal(sink_open(&s, &o, why, room), -EINVAL);
		assert_int_equal(why[strlen(why) + 1], 'x');
		assert_true(strlen(why) < room);
	}
}

/* --- stdout --- */

struct pipes {
	int before, reader;
};

/* From here stdout is a pipe. */
static void pipe_begin(struct pipes *p)
{
	int fd[2];

	fflush(stdout);
	p->before = dup(STDOUT_FILENO);
	if (pipe2(fd, O_CLOEXEC) < 0)
		abort();
	p->reader = fd[0];
	dup2(fd[1], STDOUT_FILENO);
	close(fd[1]);
}

static void pipe_end(struct pipes *p)
{
	dup2(p->before, STDOUT_FILENO);
	close(p->before);
	if (p->reader >= 0)
		close(p->reader);
}

struct reading {
	int fd;
	size_t n;
	bool right;
};

static void *read_slowly(void *arg)
{
	struct reading *r = arg;
	char part[3000];
	ssize_t n;

	r->right = true;
	while ((n = read(r->fd, part, sizeof(part))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			r->right &= part[i] == (char)('a' + (r->n + (size_t)i) % 23);
		r->n += (size_t)n;
	}
	return NULL;
}

static void stdout_whole(const char *what, int flags)
{
	const size_t size = 1000003;
	char *data = malloc(size);
	struct sink *s;
	struct pipes p;
	struct reading r;
	pthread_t thread;
	int done;

	for (size_t i = 0; i < size; i++)
		data[i] = (char)('a' + i % 23);
	pipe_begin(&p);
	fcntl(STDOUT_FILENO, F_SETFL, flags);
	s = must_open("stdout", NULL, false);
	r = (struct reading){.fd = p.reader};
	pthread_create(&thread, NULL, read_slowly, &r);
	done = sink_write(s, data, size);
	dup2(p.before, STDOUT_FILENO);
	pthread_join(thread, NULL);
	pipe_end(&p);
	free(data);
	if (done || r.n != size || !r.right)
		fail_msg("%s: %d, %zu bytes, %s", what, done, r.n, r.right ? "right" : "wrong");
	stats_are(s, 1, size, 0);
	sink_close(s, 0);
}

static void test_stdout_whole(void **state)
{
	(void)state;
	stdout_whole("blocking", 0);
	stdout_whole("non-blocking", O_NONBLOCK);
}

static void test_stdout_closed(void **state)
{
	struct sink *s = must_open("stdout", NULL, false);
	struct pipes p;
	unsigned said;
	int first, second;

	(void)state;
	capture_begin(&c);
	pipe_begin(&p);
	first = sink_write(s, "a\n", 2);
	close(p.reader);
	p.reader = -1;
	second = sink_write(s, "b\n", 2);
	pipe_end(&p);
	said = capture_count(&c, "proxtop");
	capture_end(&c);
	assert_int_equal(first, 0);
	assert_int_equal(second, -EPIPE);
	assert_int_equal(said, 0); /* quietly */
	stats_are(s, 1, 2, 1);
	sink_close(s, 0);
}

static void test_stdout_full(void **state)
{
	struct sink *s = must_open("stdout", NULL, false);
	int before, full, r[2], fine;
	unsigned lost, again;

	(void)state;
	capture_begin(&c);
	fflush(stdout);
	before = dup(STDOUT_FILENO);
	full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	dup2(full, STDOUT_FILENO);
	r[0] = sink_write(s, "a\n", 2);
	r[1] = sink_write(s, "b\n", 2);
	dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
	fine = sink_write(s, "c\n", 2);
	dup2(before, STDOUT_FILENO);
	close(before);
	close(full);
	lost = capture_count(&c, "stdout: cannot write, output is lost: No space left");
	again = capture_count(&c, "stdout: can be written again");
	capture_end(&c);
	assert_int_equal(r[0], -ENOSPC);
	assert_int_equal(r[1], -ENOSPC);
	assert_int_equal(fine, 0);
	assert_int_equal(lost, 1);
	assert_int_equal(again, 1);
	stats_are(s, 1, 2, 2);
	sink_close(s, 0);
}

/* A reader that does not read must not keep the program from being ended; and what was
 * cut does not run into what comes after. */
static void test_stdout_stuck(void **state)
{
	const size_t size = 1u << 20;
	char *data = malloc(size), *have = calloc(1, size + 64);
	struct sink *s;
	struct pipes p;
	sigset_t term, before;
	size_t n = 0;
	ssize_t part;
	int r, again, sig;

	(void)state;
	memset(data, 'x', size);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &term, &before);
	pipe_begin(&p);
	s = must_open("stdout", NULL, false);
	kill(getpid(), SIGTERM);
	r = sink_write(s, data, size);
	sigwait(&term, &sig);
	fcntl(p.reader, F_SETFL, O_NONBLOCK);
	while ((part = read(p.reader, have + n, size - n)) > 0)
		n += (size_t)part;
	again = sink_write(s, "next\n", 5);
	while ((part = read(p.reader, have + n, size - n)) > 0)
		n += (size_t)part;
	pipe_end(&p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	assert_int_equal(r, -EINTR);
	assert_int_equal(again, 0);
	assert_in_range(n, 7, size - 1);
	assert_string_equal(have + n - 7, "x\nnext\n");
	sink_close(s, 0);
	free(data);
	free(have);
}

/* --- files --- */

static void file_is(const char *path, const char *want)
{
	char have[512] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, have, sizeof(have) - 1);

	if (fd >= 0)
		close(fd);
	if (n < 0 || strcmp(have, want))
		fail_msg("%s is \"%s\" (%zd), not \"%s\"", path, have, n, want);
}

static void file_make(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail_msg("%s: %s", path, strerror(errno));
	close(fd);
}

static void test_file_append(void **state)
{
	const char *path = in_dir("append");
	struct sink *s = must_open("file", path, false);
	struct stat st;
	mode_t mask = umask(0);

	(void)state;
	umask(mask);
	put(s, "one\n");
	put(s, "");
	put(s, "two\n");
	stats_are(s, 2, 8, 0);
	assert_true(sink_record_max(s) == SIZE_MAX);
	sink_close(s, 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644 & ~mask);
	s = must_open("file", path, false);
	put(s, "three\n");
	sink_close(s, 0);
	file_is(path, "one\ntwo\nthree\n");
	/* Half a line that a crash has left. */
	file_make(path, "hal");
	s = must_open("file", path, false);
	put(s, "four\n");
	put(s, "five\n");
	sink_close(s, 0);
	file_is(path, "hal\nfour\nfive\n");
	sink_close(NULL, 0);
}

static void test_file_reopen(void **state)
{
	const char *path = in_dir("log"), *old = in_dir("log.1"), *older = in_dir("log.2");
	struct sink *s = must_open("file", path, false);
	unsigned failed, back, lines;

	(void)state;
	put(s, "one\n");
	assert_int_equal(rename(path, old), 0);
	put(s, "two\n"); /* still the old file */
	sink_reopen(s);
	put(s, "three\n");
	file_is(old, "one\ntwo\n");
	file_is(path, "three\n");

	/* It cannot be reopened: the descriptor that works is kept. */
	assert_int_equal(rename(path, older), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	capture_begin(&c);
	sink_reopen(s);
	sink_reopen(s);
	put(s, "four\n");
	assert_int_equal(rmdir(path), 0);
	sink_reopen(s);
	put(s, "five\n");
	failed = capture_count(&c, "cannot be reopened, the old file is still written: Is a dir");
	back = capture_count(&c, "log: reopened\n");
	lines = capture_count(&c, "\n");
	capture_end(&c);
	assert_int_equal(failed, 1);
	assert_int_equal(back, 1);
	assert_int_equal(lines, 2);
	sink_close(s, 0);
	file_is(older, "three\nfour\n");
	file_is(path, "five\n");
}

static void limit_files(rlim_t bytes)
{
	struct rlimit now;

	getrlimit(RLIMIT_FSIZE, &now);
	now.rlim_cur = bytes == RLIM_INFINITY ? now.rlim_max : bytes;
	setrlimit(RLIMIT_FSIZE, &now);
}

/* A file that takes a part only (here by a limit, which acts as a full disk does; it must
 * leave room for what is said, that is captured in a file as well). */
static void test_file_full(void **state)
{
	const char *path = in_dir("full");
	struct sink *s = must_open("file", path, false);
	char data[500], want[500];
	unsigned lost, again;
	int r[2];

	(void)state;
	put(s, "first\n");
	capture_begin(&c);
	memset(data, 'x', sizeof(data));
	memset(want, 'x', 400);
	memcpy(want, "first\n", 6);
	strcpy(want + 400, "\nnext\nlast\n");
	limit_files(400);
	r[0] = sink_write(s, data, sizeof(data));
	r[1] = sink_write(s, data, sizeof(data));
	limit_files(RLIM_INFINITY);
	put(s, "next\n");
	put(s, "last\n");
	lost = capture_count(&c, "full: cannot be written, output is lost: File too large");
	again = capture_count(&c, "full: can be written again");
	capture_end(&c);
	assert_int_equal(r[0], -EFBIG);
	assert_int_equal(r[1], -EFBIG);
	assert_int_equal(lost, 1);
	assert_int_equal(again, 1);
	stats_are(s, 3, 16, 2);
	sink_close(s, 0);
	file_is(path, want);

	s = must_open("file", "/dev/full", false);
	capture_begin(&c);
	r[0] = sink_write(s, "a\n", 2);
	r[1] = sink_write(s, "b\n", 2);
	lost = capture_count(&c, "/dev/full: cannot be written, output is lost: No space left");
	capture_end(&c);
	assert_int_equal(r[0], -ENOSPC);
	assert_int_equal(r[1], -ENOSPC);
	assert_int_equal(lost, 1);
	sink_close(s, 0);
}

/* A FIFO without a reader: neither a wait nor the end of the program. */
static void test_file_fifo(void **state)
{
	const char *path = in_dir("fifo");
	struct sink_options o = {.output = "file", .target = path};
	char why[256], got[16];
	struct sink *s;
	int fd, r;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(sink_open(&s, &o, why, sizeof(why)), -ENXIO);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	s = must_open("file", path, false);
	put(s, "a\n");
	assert_int_equal(read(fd, got, sizeof(got)), 2);
	close(fd);
	capture_begin(&c);
	r = sink_write(s, "b\n", 2);
	capture_end(&c);
	assert_int_equal(r, -EIO);
	sink_close(s, 0);
}

static void nothing_beside(const char *path)
{
	char temp[256];

	snprintf(temp, sizeof(temp), "%s.tmp-%ld", path, (long)getpid());
	if (access(temp, F_OK) == 0)
		fail_msg("%s is left", temp);
}

static void test_whole_file(void **state)
{
	const char *path = in_dir("metrics.prom"), *other = in_dir("other"), *link = in_dir("link");
	struct sink *s = must_open("file", path, true);
	struct sink_options o = {.output = "file", .whole_file = true};
	char why[256], temp[256], data[500];
	struct stat st;
	unsigned lost, again;
	bool left;
	int r;

	(void)state;
	put(s, "one\n");
	file_is(path, "one\n");
	put(s, "two, longer\n");
	file_is(path, "two, longer\n");
	/* Of a process that had our number, or from somebody who wants us to follow. */
	file_make(other, "untouched");
	snprintf(temp, sizeof(temp), "%s.tmp-%ld", path, (long)getpid());
	assert_int_equal(symlink(other, temp), 0);
	put(s, "three\n");
	file_is(path, "three\n");
	file_is(other, "untouched");
	nothing_beside(path);
	/* No room: what was there stays. */
	capture_begin(&c);
	memset(data, 'x', sizeof(data));
	limit_files(400);
	r = sink_write(s, data, sizeof(data));
	limit_files(RLIM_INFINITY);
	left = !access(temp, F_OK);
	file_is(path, "three\n");
	put(s, "five\n");
	lost = capture_count(&c, "metrics.prom: cannot be written, output is lost: File too large");
	again = capture_count(&c, "metrics.prom: can be written again");
	capture_end(&c);
	assert_int_equal(r, -EFBIG);
	assert_false(left);
	assert_int_equal(lost, 1);
	assert_int_equal(again, 1);
	nothing_beside(path);
	sink_reopen(s); /* nothing to do */
	put(s, "six\n");
	stats_are(s, 5, 31, 1);
	sink_close(s, 0);
	file_is(path, "six\n");

	/* A link stays one. */
	assert_int_equal(symlink(path, link), 0);
	s = must_open("file", link, true);
	put(s, "seven\n");
	sink_close(s, 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	file_is(path, "seven\n");

	/* A device would be gone after a rename. */
	o.target = "/dev/null";
	assert_int_equal(sink_open(&s, &o, why, sizeof(why)), -ENOTSUP);
	assert_string_equal(why, "--target: \"/dev/null\" cannot be replaced: not a regular file");
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	o.target = dir;
	assert_int_equal(sink_open(&s, &o, why, sizeof(why)), -EISDIR);
	o.target = in_dir("none/at/all");
	assert_int_equal(sink_open(&s, &o, why, sizeof(why)), -ENOENT);
}

struct looking {
	const char *path;
	atomic_bool end;
	unsigned looks;
	char wrong[64];
};

/* Whoever opens the file must find one record, whole. */
static void *look(void *arg)
{
	struct looking *l = arg;
	static char have[70000];

	while (!atomic_load(&l->end) && !*l->wrong) {
		int fd = open(l->path, O_RDONLY | O_CLOEXEC);
		ssize_t n = 0, r;

		if (fd < 0) {
			strcpy(l->wrong, "not there");
			break;
		}
		while ((r = read(fd, have + n, sizeof(have) - (size_t)n)) > 0)
			n += r;
		close(fd);
		/* A record of size n is n - 1 times the letter n % 26, and a line end. */
		if (n < 1 || have[n - 1] != '\n' || memcmp(have, have + 1, (size_t)n - 2) ||
		    *have != (char)('a' + n % 26))
			snprintf(l->wrong, sizeof(l->wrong), "%zd bytes", n);
		l->looks++;
	}
	return NULL;
}

static void test_whole_file_atomic(void **state)
{
	struct looking l = {.path = in_dir("atomic")};
	struct sink *s = must_open("file", l.path, true);
	static char data[60000];
	pthread_t thread;

	(void)state;
	atomic_init(&l.end, false);
	for (size_t i = 0; i < 400; i++) {
		size_t n = i % 2 ? 3 + i : 50000 + i;

		memset(data, 'a' + (int)(n % 26), n - 1);
		data[n - 1] = '\n';
		if (sink_write(s, data, n))
			fail_msg("record %zu", i);
		if (i == 0)
			pthread_create(&thread, NULL, look, &l);
	}
	atomic_store(&l.end, true);
	pthread_join(thread, NULL);
	sink_close(s, 0);
	if (*l.wrong)
		fail_msg("after %u looks: %s", l.looks, l.wrong);
}

/* --- udp --- */

/* A socket on loopback; port 0: any, *port: which. */
static int receiver(int family, uint16_t *port)
{
	struct sockaddr_storage a = {.ss_family = (sa_family_t)family};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a;
	socklen_t n = family == AF_INET ? sizeof(*v4) : sizeof(*v6);
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), big = 1 << 20, yes = 1;

	if (family == AF_INET) {
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		v4->sin_port = htons(*port);
	} else {
		v6->sin6_addr = in6addr_loopback;
		v6->sin6_port = htons(*port);
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) < 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
	getsockname(fd, (struct sockaddr *)&a, &n);
	*port = ntohs(family == AF_INET ? v4->sin_port : v6->sin6_port);
	return fd;
}

/* The size of the next datagram, -1 when there is none for so long. */
static ssize_t receive(int fd, char *data, size_t room, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms) > 0 ? recv(fd, data, room, 0) : -1;
}

static void test_udp_sizes(void **state)
{
	static char data[SINK_UDP_MAX + 1], have[SINK_UDP_MAX + 1];
	char target[64];
	struct sink *s;
	uint16_t port = 0;
	int fd = receiver(AF_INET, &port), r[2];
	unsigned said;

	(void)state;
	assert_true(fd >= 0);
	snprintf(target, sizeof(target), "127.0.0.1:%u", port);
	s = must_open("udp", target, false);
	assert_int_equal(sink_record_max(s), SINK_UDP_MAX);
	put(s, "small\n");
	assert_int_equal(receive(fd, have, sizeof(have), 60000), 6);
	assert_memory_equal(have, "small\n", 6);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)i;
	assert_int_equal(sink_write(s, data, SINK_UDP_MAX), 0);
	assert_int_equal(receive(fd, have, sizeof(have), 60000), SINK_UDP_MAX);
	assert_memory_equal(have, data, SINK_UDP_MAX);
	capture_begin(&c);
	r[0] = sink_write(s, data, SINK_UDP_MAX + 1);
	r[1] = sink_write(s, data, SINK_UDP_MAX + 1);
	said = capture_count(&c, "65508 bytes do not fit into a datagram (at most 65507), dropped");
	capture_end(&c);
	assert_int_equal(r[0], -EMSGSIZE);
	assert_int_equal(r[1], -EMSGSIZE);
	assert_int_equal(said, 1);
	stats_are(s, 2, SINK_UDP_MAX + 6, 2);
	sink_close(s, 0);
	close(fd);
}

static void test_udp_v6(void **state)
{
	char target[64], have[16];
	struct sink *s;
	uint16_t port = 0;
	int fd = receiver(AF_INET6, &port);

	(void)state;
	if (fd < 0)
		skip(); /* a machine without IPv6 */
	snprintf(target, sizeof(target), "[::1]:%u", port);
	s = must_open("udp", target, false);
	put(s, "six\n");
	assert_int_equal(receive(fd, have, sizeof(have), 60000), 4);
	sink_close(s, 0);
	close(fd);
}

/* Connected to somebody else, a socket keeps its port and takes nothing from us. */
static void deaf(int fd, bool yes)
{
	struct sockaddr_in other = {.sin_family = yes ? AF_INET : AF_UNSPEC,
				    .sin_port = htons(1),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	assert_int_equal(connect(fd, (struct sockaddr *)&other, sizeof(other)), 0);
}

/* Nobody listens, then somebody does. */
static void test_udp_refused(void **state)
{
	struct sink_stats have = {0};
	struct sink *s;
	uint16_t port = 0;
	char target[64], got[16];
	int fd = receiver(AF_INET, &port);
	unsigned refused, closed, written = 0;
	bool came = false;
	int same;

	(void)state;
	/* A port that was asked for by its number stays when the socket is disconnected. */
	same = receiver(AF_INET, &port);
	close(fd);
	fd = same;
	deaf(fd, true);
	snprintf(target, sizeof(target), "127.0.0.1:%u", port);
	s = must_open("udp", target, false);
	capture_begin(&c);
	/* The answer to one comes with the next, at the earliest. */
	while (have.dropped < 3 && written < 1000) {
		put(s, "lost\n");
		written++;
		sink_stats(s, &have);
		pause_ms(1);
	}
	deaf(fd, false);
	for (int i = 0; i < 20 && !came; i++) {
		put(s, "there\n");
		came = receive(fd, got, sizeof(got), 3000) == 6;
	}
	sink_close(s, 0);
	refused = capture_count(&c, ": cannot send: Connection refused; datagrams are lost");
	closed = capture_count(&c, ": closed; ");
	capture_end(&c);
	close(fd);
	assert_int_equal(refused, 1);
	assert_int_equal(closed, 1);
	assert_int_equal(have.dropped, 3);
	assert_int_equal(have.records, written - 3);
	assert_int_equal(have.bytes, have.records * 5);
	assert_true(came);
}

/* A name with two addresses; the receiver listens on the second. */
static void test_udp_other_address(void **state)
{
	char got[16];
	struct sink *s;
	uint16_t port = 0;
	char target[64];
	int fd = receiver(AF_INET, &port);
	bool came = false;

	(void)state;
	snprintf(target, sizeof(target), "both.test:%u", port);
	capture_begin(&c);
	s = must_open("udp", target, false);
	for (int i = 0; i < 20 && !came; i++) {
		sink_write(s, "x\n", 2);
		came = receive(fd, got, sizeof(got), 500) == 2;
	}
	/* And there it stays. */
	for (int i = 0; i < 5 && came; i++) {
		sink_write(s, "y\n", 2);
		came = receive(fd, got, sizeof(got), 60000) == 2;
	}
	sink_close(s, 0);
	capture_end(&c);
	close(fd);
	assert_true(came);
}

/* A name that the resolver knows later; what could not be sent is counted, and it is said
 * when that is over. */
static void test_udp_late_name(void **state)
{
	struct sink *s;
	uint16_t port = 0;
	char target[64], got[16];
	int fd = receiver(AF_INET, &port), r, written = 0, asked;
	unsigned said, lines, over;
	bool came = false, refused = true;

	(void)state;
	snprintf(target, sizeof(target), "late.test:%u", port);
	atomic_store(&resolver_failures, 1000);
	capture_begin(&c);
	s = must_open("udp", target, false);
	while (written < 50) {
		r = sink_write(s, "x\n", 2);
		refused &= r < 0 && r != -EPIPE;
		written++;
		pause_ms(1);
	}
	/* When it was opened; since then it is too soon for another question. */
	asked = 1000 - atomic_exchange(&resolver_failures, 0);
	atomic_fetch_add(&ahead_s, 11);
	r = sink_write(s, "x\n", 2);
	written++;
	refused &= r < 0 && r != -EPIPE;
	while (!came && written < 200) {
		sink_write(s, "there\n", 6);
		written++;
		came = receive(fd, got, sizeof(got), 50) == 6;
	}
	stats_are(s, 1, 6, (uint64_t)written - 1);
	atomic_fetch_add(&ahead_s, 11);
	put(s, "again\n");
	said = capture_count(&c, ": the name cannot be resolved: Temporary failure");
	over = capture_count(&c, ": no errors any more; ");
	lines = capture_count(&c, "\n");
	sink_close(s, 0);
	capture_end(&c);
	close(fd);
	assert_true(came);
	assert_true(refused);
	assert_int_equal(asked, 1);
	assert_int_equal(said, 1);
	assert_int_equal(over, 1);
	assert_int_equal(lines, 2);
}

/* A resolver that does not answer: opening waits a moment, writing and closing do not. */
static void test_udp_slow_name(void **state)
{
	struct sink *s;
	unsigned said;
	int r;

	(void)state;
	capture_begin(&c);
	s = must_open("udp", "slow.test:9", false);
	r = sink_write(s, "x\n", 2);
	sink_close(s, 24 * 3600 * 1000);
	said = capture_count(&c, "udp slow.test:9: the name cannot be resolved: still asking");
	capture_end(&c);
	assert_true(r < 0 && r != -EPIPE);
	assert_int_equal(said, 1);
	assert_int_equal(atomic_load(&resolver_released), 0);
	atomic_store(&resolver_released, 1);
	while (atomic_load(&resolver_busy))
		pause_ms(1);
}

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_sink.XXXXXX");
	signal(SIGPIPE, SIG_IGN); /* as the program does */
	signal(SIGXFSZ, SIG_IGN);
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	static const char *const names[] = {"append", "log",  "log.1", "log.2",  "full",
					    "fifo",   "link", "other", "atomic", "metrics.prom"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(in_dir(names[i]));
	/* Anything else in there should not be. */
	return rmdir(dir);
}

static int end(void **state)
{
	(void)state;
	capture_end(&c);
	return 0;
}

#define TEST(f) cmocka_unit_test_teardown(f, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_refused),
		TEST(test_stdout_whole),
		TEST(test_stdout_closed),
		TEST(test_stdout_full),
		TEST(test_stdout_stuck),
		TEST(test_file_append),
		TEST(test_file_reopen),
		TEST(test_file_full),
		TEST(test_file_fifo),
		TEST(test_whole_file),
		TEST(test_whole_file_atomic),
		TEST(test_udp_sizes),
		TEST(test_udp_v6),
		TEST(test_udp_refused),
		TEST(test_udp_other_address),
		TEST(test_udp_late_name),
		TEST(test_udp_slow_name),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
