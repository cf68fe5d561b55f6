/* SPDX-License-Identifier: Apache-2.0 */
/* Sinks: what is refused; stdout. */
#include "sink_kit.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_refused),     TEST(test_stdout_whole), TEST(test_stdout_closed),
		TEST(test_stdout_full), TEST(test_stdout_stuck),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
