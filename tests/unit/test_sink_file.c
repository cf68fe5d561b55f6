/* SPDX-License-Identifier: Apache-2.0 */
/* Sinks that are files: appended to, reopened, full, written whole. */
#include "sink_kit.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_file_append), TEST(test_file_reopen), TEST(test_file_full),
		TEST(test_file_fifo),   TEST(test_whole_file),  TEST(test_whole_file_atomic),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
