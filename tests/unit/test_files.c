/* SPDX-License-Identifier: Apache-2.0 */
/* Held files, files read whole, and what happens when descriptors run out. */
#include "files.h"

#include "capture.h"
#include "fakedir.h"
#include "log.h"
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

static struct fakedir dir;
static struct files files;

static int setup(void **state)
{
	(void)state;
	fake_new(&dir);
	files_init(&files, dir.path, NULL, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	files_fini(&files);
	fake_free(&dir);
	return 0;
}

static void roots(void **state)
{
	struct files f;

	(void)state;
	files_init(&f, NULL, NULL, NULL);
	assert_string_equal(f.procfs, "/proc");
	assert_string_equal(f.sysfs, "/sys");
	assert_string_equal(f.rootfs, "");
	files_fini(&f);
	files_init(&f, "/host/proc/", "/host/sys//", "/host/");
	assert_string_equal(f.procfs, "/host/proc");
	assert_string_equal(f.sysfs, "/host/sys");
	assert_string_equal(f.rootfs, "/host");
	files_fini(&f);
	files_init(&f, "/", "", "//");
	assert_string_equal(f.procfs, "");
	assert_string_equal(f.rootfs, "");
	files_fini(&f);
}

static void held_files_are_read_again_and_again(void **state)
{
	struct held h;
	char text[64];

	(void)state;
	fake_write(&dir, "stat", "one 1\n");
	assert_int_equal(held_open(&files, &h, "%s/stat", files.procfs), 0);
	assert_true(held_is_open(&h));
	assert_int_equal(files.held, 1);
	assert_int_equal(held_read(&h, text, sizeof(text)), 6);
	assert_string_equal(text, "one 1\n");
	fake_write(&dir, "stat", "a longer line\n");
	assert_int_equal(held_read(&h, text, sizeof(text)), 14);
	fake_write(&dir, "stat", "2\n");
	assert_int_equal(held_read(&h, text, sizeof(text)), 2);
	assert_string_equal(text, "2\n"); /* nothing of before behind it */
	fake_write(&dir, "stat", "");
	assert_int_equal(held_read(&h, text, sizeof(text)), -ENODATA);
	assert_string_equal(text, "");
	held_close(&files, &h);
	assert_false(held_is_open(&h));
	assert_int_equal(files.held, 0);
	held_close(&files, &h); /* of nothing */
	assert_int_equal(files.held, 0);
	assert_int_equal(held_read(&h, text, sizeof(text)), -ENOENT);
}

static void what_does_not_fit_is_cut(void **state)
{
	struct held h;
	char text[8];

	(void)state;
	fake_write(&dir, "long", "0123456789\n");
	assert_int_equal(held_open(&files, &h, "%s/long", files.procfs), 0);
	memset(text, 'x', sizeof(text));
	assert_int_equal(held_read(&h, text, sizeof(text)), 7);
	assert_string_equal(text, "0123456");
	assert_int_equal(held_read_all(&h, text, sizeof(text)), 7);
	assert_string_equal(text, "0123456");
	held_close(&files, &h);
	assert_int_equal(file_read(text, sizeof(text), "%s/long", files.procfs), 7);
	assert_string_equal(text, "0123456");
	assert_int_equal(file_read(text, 1, "%s/long", files.procfs), -ENODATA);
	assert_string_equal(text, "");
}

static void what_cannot_be_opened(void **state)
{
	char text[16] = "before", name[PATH_MAX_OURS + 1];
	struct held h;

	(void)state;
	assert_int_equal(held_open(&files, &h, "%s/none", files.procfs), -ENOENT);
	assert_false(held_is_open(&h));
	assert_int_equal(held_read(&h, text, sizeof(text)), -ENOENT);
	assert_string_equal(text, "");
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(held_open(&files, &h, "/%s", name), -ENAMETOOLONG);
	assert_int_equal(file_read(text, sizeof(text), "/%s", name), -ENAMETOOLONG);
	assert_int_equal(file_read(text, sizeof(text), "%s/none", files.procfs), -ENOENT);
	assert_int_equal(file_read(text, sizeof(text), "%s", files.procfs), -EISDIR);
	assert_string_equal(text, "");
	assert_int_equal(files.held, 0);
}

/* Reading a pipe nobody writes to must not hang. */
static void a_pipe_does_not_hang(void **state)
{
	char path[128], text[16];

	(void)state;
	snprintf(path, sizeof(path), "%s/pipe", dir.path);
	fake_must(mkfifo(path, 0600) == 0, path);
	alarm(20);
	assert_true(file_read(text, sizeof(text), "%s", path) < 0);
	alarm(0);
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t want;
	} cases[] = {
		{"0\n", 0},
		{"2400000\n", 2400000},
		{"17", 17},
		{"  5 more", 5},
		{"-1\n", ABSENT},
		{"", ABSENT},
		{"\n", ABSENT},
		{"abc\n", ABSENT},
		{"18446744073709551614\n", UINT64_MAX - 1},
		{"18446744073709551615\n", ABSENT}, /* would be taken for absent */
		{"18446744073709551616\n", ABSENT},
		{"99999999999999999999999999999999999999999999999999999999999999\n", ABSENT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fake_write(&dir, "number", cases[i].text);
		if (file_number("%s/number", files.procfs) != cases[i].want)
			fail_msg("'%s' is %llu", cases[i].text,
				 (unsigned long long)file_number("%s/number", files.procfs));
	}
	assert_true(file_number("%s/none", files.procfs) == ABSENT);
}

#define FILES 300

static void read_in_place(struct held *held, unsigned round)
{
	char text[64], want[64];

	for (unsigned i = 0; i < FILES; i++) {
		snprintf(want, sizeof(want), "file %u round %u\n", i, round);
		fake_put(&dir, want, "%u/stat", i);
		if (held_read(&held[i], text, sizeof(text)) != (long)strlen(want) ||
		    strcmp(text, want))
			fail_msg("round %u, file %u: '%s'", round, i, text);
		if (held_read_all(&held[i], text, sizeof(text)) != (long)strlen(want) ||
		    strcmp(text, want))
			fail_msg("round %u, file %u, read to the end: '%s'", round, i, text);
	}
}

static unsigned n_opened_each_time(const struct held *held)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FILES; i++)
		n += held[i].path != NULL;
	return n;
}

/* The limit of what we may hold: the others are opened for each reading. */
static void beyond_what_may_be_held(void **state)
{
	struct held held[FILES];
	struct capture said;
	char text[64];

	(void)state;
	files.most = 100;
	capture_begin(&said);
	for (unsigned i = 0; i < FILES; i++) {
		fake_put(&dir, "x", "%u/stat", i);
		if (held_open(&files, &held[i], "%s/%u/stat", files.procfs, i))
			fail_msg("file %u cannot be opened", i);
	}
	assert_int_equal(capture_count(&said, "RLIMIT_NOFILE"), 1);
	assert_int_equal(capture_count(&said, "100 files"), 1);
	capture_end(&said);
	assert_int_equal(files.held, 100);
	assert_int_equal(n_opened_each_time(held), FILES - 100);
	read_in_place(held, 1);
	read_in_place(held, 2);
	/* opened by its path, so it can go and come back */
	fake_remove(&dir, "299/stat");
	assert_int_equal(held_read(&held[299], text, sizeof(text)), -ENOENT);
	fake_write(&dir, "299/stat", "back\n");
	assert_int_equal(held_read(&held[299], text, sizeof(text)), 5);
	/* room again */
	held_close(&files, &held[3]);
	assert_int_equal(held_open(&files, &held[3], "%s/%u/stat", files.procfs, 3u), 0);
	assert_true(held[3].fd >= 0);
	for (unsigned i = 0; i < FILES; i++)
		held_close(&files, &held[i]);
	assert_int_equal(files.held, 0);
}

/* The kernel's limit, reached although we counted less: somebody else holds some. */
static void descriptors_run_out(void **state)
{
	struct held held[FILES];
	struct rlimit before, low;
	struct capture said;
	char text[64];
	int others[200], n = 0, last;

	(void)state;
	log_over("nofile", NULL);
	getrlimit(RLIMIT_NOFILE, &before);
	low = before;
	low.rlim_cur = 160;
	files.most = 1000;
	for (unsigned i = 0; i < FILES; i++)
		fake_put(&dir, "x", "%u/stat", i);
	capture_begin(&said);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	for (unsigned i = 0; i < FILES; i++) {
		int r = held_open(&files, &held[i], "%s/%u/stat", files.procfs, i);

		if (r)
			fail_msg("file %u: error %d", i, r);
	}
	assert_true(files.held > 100 && files.held < 160);
	assert_int_equal(n_opened_each_time(held), FILES - files.held);
	/* Not one is left: reading says so, and nothing is made up. */
	assert_int_equal(held_read(&held[FILES - 1], text, sizeof(text)), -EMFILE);
	assert_string_equal(text, "");
	setrlimit(RLIMIT_NOFILE, &before);
	read_in_place(held, 1);
	/* Others may have as many as they like, ours stay readable while one is free. */
	while (n < 200 && (others[n] = dup(STDERR_FILENO)) >= 0)
		n++;
	last = n;
	read_in_place(held, 2);
	while (n)
		close(others[--n]);
	assert_int_equal(capture_count(&said, "RLIMIT_NOFILE"), 1);
	capture_end(&said);
	for (unsigned i = 0; i < FILES; i++)
		held_close(&files, &held[i]);
	assert_int_equal(files.held, 0);
	assert_true(last > 0);
}

static void the_limit_is_raised_as_far_as_allowed(void **state)
{
	struct rlimit before, low, now;
	struct files f;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &before);
	assert_true(before.rlim_max > 1024);
	low = before;
	low.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	files_init(&f, NULL, NULL, NULL);
	getrlimit(RLIMIT_NOFILE, &now);
	assert_true(now.rlim_cur == before.rlim_max);
	/* some are left for sockets and the like */
	assert_true(f.most > 64 && f.most < now.rlim_cur);
	files_fini(&f);
	setrlimit(RLIMIT_NOFILE, &before);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(roots),
		TEST(held_files_are_read_again_and_again),
		TEST(what_does_not_fit_is_cut),
		TEST(what_cannot_be_opened),
		TEST(a_pipe_does_not_hang),
		TEST(numbers),
		TEST(beyond_what_may_be_held),
		TEST(descriptors_run_out),
		TEST(the_limit_is_raised_as_far_as_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
