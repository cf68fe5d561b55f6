/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of profiles: what was saved is there again, whenever the program was killed;
 * damage costs what is damaged, and is said.
 */
#include "capture.h"
#include "profile_store.h"
#include "xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define S    UINT64_C(1000000000)
#define WALL (UINT64_C(1790000000) * S)
#define VMS  300u
#define PATH 512

static const struct profile_settings settings = {
	.markov = {.states = 4, .history = 1, .buffersize = 2},
	.n_metrics = 1,
	.metric = {{.name = "a"}},
};

struct world {
	char dir[PATH];
	struct capture stderr_;
	char why[1024];
};

static bool said(struct world *w, const char *words)
{
	char *text = capture_text(&w->stderr_);
	bool found = strstr(text, words);

	free(text);
	return found;
}

static struct profiler *new_of(const struct profile_settings *s)
{
	const struct profiler_options o = {
		.settings = s, .max_vms = VMS * 2, .max_hosts = 4, .max_bytes = UINT64_MAX};

	return profiler_new(&o);
}

static void run(const struct world *w, const char *command)
{
	char line[PATH * 2];

	snprintf(line, sizeof(line), "cd %s && %s", w->dir, command);
	if (system(line) != 0)
		fail_msg("%s", line);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	/* In memory where that is possible: each save waits for its disk. */
	snprintf(w->dir, sizeof(w->dir), "%s/test_profile_store.XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(w->dir))
		return -1;
	capture_begin(&w->stderr_);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	char command[PATH + 16];

	capture_end(&w->stderr_);
	snprintf(command, sizeof(command), "rm -rf %s", w->dir);
	if (system(command) != 0)
		return -1;
	free(w);
	return 0;
}

static struct profile_store *open_store(struct world *w, struct profiler *p)
{
	struct profile_store *s;
	int r = profile_store_open(&s, w->dir, p, w->why, sizeof(w->why));

	if (r < 0)
		fail_msg("%s: %s", strerror(-r), w->why);
	return s;
}

static void save(struct world *w, struct profile_store *s)
{
	int r = profile_store_save(s, w->why, sizeof(w->why));

	if (r < 0)
		fail_msg("%s: %s", strerror(-r), w->why);
}

/* The samples from..to of VMs first..VMS-1; returns how many counted. */
static unsigned count(struct profiler *p, uint64_t from, uint64_t to, unsigned first)
{
	unsigned n = 0;

	for (uint64_t i = from; i <= to; i++) {
		struct profiler_sample s = {.host_id = "h",
					    .host_name = "h",
					    .epoch = 5,
					    .sequence = i,
					    .boot_ns = i * S,
					    .wall_ns = WALL + i * S,
					    .interval_ns = S};

		for (unsigned v = first; v < VMS; v++) {
			double value = (double)(i + v);
			char uuid[16];
			struct profiler_vm vm = {
				.uuid = uuid, .name = "x", .running = true, .values = &value};

			snprintf(uuid, sizeof(uuid), "vm-%u", v);
			n += profiler_count(p, &s, &vm) == PROFILER_COUNTED;
		}
		profiler_host(p, &s);
	}
	return n;
}

struct sums {
	unsigned vms;
	uint64_t values, least, most;
};

static void add(void *arg, const struct profiler_one *vm)
{
	struct sums *s = arg;
	uint64_t n = vm->profile->metric[0].stats.count;

	s->vms++;
	s->values += n;
	s->least = s->vms == 1 || n < s->least ? n : s->least;
	s->most = n > s->most ? n : s->most;
}

static struct sums sums_of(struct profiler *p)
{
	struct sums s = {.vms = 0};

	for (uint64_t cursor = 0; profiler_walk(p, &cursor, add, &s);)
		;
	return s;
}

static void all_is_there_again(void **state)
{
	struct world *w = *state;
	struct profiler *p = new_of(&settings), *q = new_of(&settings);
	struct profile_store *s = open_store(w, p);
	struct sums sums;

	count(p, 1, 10, 0);
	save(w, s);
	run(w, "test $(ls shard-??.profiles | wc -l) -gt 55 && ! ls *.new 2>/dev/null");
	profile_store_close(s);
	s = open_store(w, q);
	sums = sums_of(q);
	assert_int_equal(sums.vms, VMS);
	assert_int_equal(sums.values, VMS * 10);
	assert_int_equal(count(q, 5, 10, 0), 0);
	assert_int_equal(count(q, 5, 12, 0), VMS * 2);
	profile_store_close(s);
	profiler_free(p);
	profiler_free(q);
}

static void what_has_not_changed_is_not_written(void **state)
{
	struct world *w = *state;
	struct profiler *p = new_of(&settings);
	struct profile_store *s = open_store(w, p);

	count(p, 1, 2, 0);
	save(w, s);
	run(w, "touch -d @1 shard-*.profiles");
	count(p, 3, 3, VMS - 1);
	save(w, s);
	run(w, "test $(find . -name 'shard-*' -newermt @2 | wc -l) -eq 1");
	profile_store_close(s);
	profiler_free(p);
}

/* As when it is killed between two files: some are of the later save. */
static void files_of_different_moments_agree(void **state)
{
	struct world *w = *state;
	struct profiler *p = new_of(&settings);
	struct profile_store *s = open_store(w, p);
	struct sums sums;

	count(p, 1, 10, 0);
	save(w, s);
	run(w, "mkdir old && cp shard-* old");
	count(p, 11, 20, 0);
	save(w, s);
	run(w, "for i in 1 3 5 7 9 b d f; do cp old/shard-?$i.profiles .; done; "
	       "echo half > shard-01.profiles.new");
	profile_store_close(s);
	profiler_free(p);
	p = new_of(&settings);
	s = open_store(w, p);
	run(w, "! test -e shard-01.profiles.new");
	sums = sums_of(p);
	assert_int_equal(sums.vms, VMS);
	assert_int_equal(sums.least, 10);
	assert_int_equal(sums.most, 20);
	/* Nothing was committed after 10: the agent has all of it. */
	assert_int_equal(count(p, 8, 25, 0), VMS * 25 - sums.values);
	sums = sums_of(p);
	assert_int_equal(sums.least, 25);
	assert_int_equal(sums.most, 25);
	profile_store_close(s);
	profiler_free(p);
}

/* A program that counts and saves on and on, killed at any moment: what it said to be saved is. */
static void child(struct world *w, int said)
{
	struct profiler *p = new_of(&settings);
	struct profile_store *s = open_store(w, p);
	struct sums sums = sums_of(p);
	uint64_t i = sums.vms ? sums.least : 0;

	for (;;) {
		count(p, i ? i - 1 : 1, i + 1, 0);
		i++;
		save(w, s);
		if (write(said, &i, sizeof(i)) != (ssize_t)sizeof(i))
			_exit(1);
	}
}

/* After it has said something, and so much later. */
static uint64_t kill_one(struct world *w, unsigned after_us)
{
	uint64_t i, last;
	int said[2];
	pid_t pid;

	assert_int_equal(pipe(said), 0);
	pid = fork();
	if (!pid)
		child(w, said[1]);
	close(said[1]);
	assert_int_equal(read(said[0], &last, sizeof(last)), sizeof(last));
	usleep(after_us);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	while (read(said[0], &i, sizeof(i)) == (ssize_t)sizeof(i))
		last = i;
	close(said[0]);
	return last;
}

static void killed_at_any_moment(void **state)
{
	struct world *w = *state;
	uint64_t last = 0;

	for (unsigned k = 0; k < 12; k++) {
		uint64_t said = kill_one(w, k * 7919 % 40000);
		struct profiler *p = new_of(&settings);
		struct profile_store *s = open_store(w, p);
		struct sums sums = sums_of(p);

		last = said > last ? said : last;
		if (last && (sums.vms != VMS || sums.least < last || sums.most > last + 1))
			fail_msg("kill %u: %lu were saved, there are %lu to %lu of %u VMs", k, last,
				 sums.least, sums.most, sums.vms);
		profile_store_close(s);
		profiler_free(p);
	}
	assert_true(last > 0);
	assert_false(said(w, "damaged"));
}

static void damage_costs_what_is_damaged(void **state)
{
	static const char *const damages[] = {
		": > shard-05.profiles",
		"truncate -s 20 shard-05.profiles",
		"truncate -s -1 shard-05.profiles",
		"echo >> shard-05.profiles",
		"cp shard-06.profiles shard-05.profiles",
		"printf X | dd of=shard-05.profiles bs=1 seek=0 conv=notrunc status=none",
		"printf X | dd of=shard-05.profiles bs=1 seek=18 conv=notrunc status=none",
		"printf X | dd of=shard-05.profiles bs=1 seek=21 conv=notrunc status=none",
		"printf X | dd of=shard-05.profiles bs=1 seek=27 conv=notrunc status=none",
		"printf X | dd of=shard-05.profiles bs=1 seek=300 conv=notrunc status=none",
	};
	struct world *w = *state;
	struct profiler *p = new_of(&settings);
	struct profile_store *s = open_store(w, p);
	unsigned whole;

	count(p, 1, 3, 0);
	save(w, s);
	profile_store_close(s);
	profiler_free(p);
	run(w, "mkdir whole && cp shard-* whole");
	for (unsigned i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		run(w, "cp whole/* .");
		run(w, damages[i]);
		p = new_of(&settings);
		s = open_store(w, p);
		whole = sums_of(p).vms;
		if (whole >= VMS || whole < VMS / 2)
			fail_msg("%s: %u of %u VMs are left", damages[i], whole, VMS);
		run(w, "test -e shard-05.profiles.damaged && ! test -e shard-05.profiles");
		/* It goes on: what is there is saved again, and those that are gone anew. */
		assert_int_equal(count(p, 3, 3, 0), VMS - whole);
		save(w, s);
		profile_store_close(s);
		profiler_free(p);
		p = new_of(&settings);
		s = open_store(w, p);
		assert_int_equal(sums_of(p).vms, VMS);
		profile_store_close(s);
		profiler_free(p);
	}
	assert_true(said(w, "shard-05.profiles is damaged"));
}

static void refused(struct world *w, const struct profile_settings *with, int error,
		    const char *word)
{
	struct profiler *p = new_of(with);
	struct profile_store *s;

	assert_int_equal(profile_store_open(&s, w->dir, p, w->why, sizeof(w->why)), error);
	assert_null(s);
	if (!strstr(w->why, word) || strchr(w->why, '\n'))
		fail_msg("%s is not in: %s", word, w->why);
	profiler_free(p);
}

static void other_settings_are_refused(void **state)
{
	struct profile_settings others[5];
	struct world *w = *state;
	struct profiler *p = new_of(&settings);
	struct profile_store *s = open_store(w, p);

	count(p, 1, 3, 0);
	save(w, s);
	refused(w, &settings, -EBUSY, "another program uses it");
	profile_store_close(s);
	profiler_free(p);
	for (unsigned i = 0; i < 5; i++)
		others[i] = settings;
	others[0].markov.states = 5;
	others[1].markov.history = 2;
	others[2].markov.buffersize = 3;
	snprintf(others[3].metric[0].name, sizeof(others[3].metric[0].name), "b");
	others[4].markov.fixed = true;
	others[4].metric[0].high = 100;
	for (unsigned i = 0; i < 5; i++)
		refused(w, &others[i], -EINVAL, "other settings: states=4 history=1");
	run(w, "for i in shard-*; do "
	       "printf '\\002' | dd of=$i bs=1 seek=8 conv=notrunc status=none; done");
	p = new_of(&settings);
	s = open_store(w, p); /* a version that the checksum does not fit is damage */
	assert_int_equal(sums_of(p).vms, 0);
	profile_store_close(s);
	profiler_free(p);
}

static void a_disk_that_is_full_is_tried_again(void **state)
{
	struct world *w = *state;
	struct profiler *p = new_of(&settings);
	struct profile_store *s = open_store(w, p);
	struct rlimit before, small;

	count(p, 1, 3, 0);
	save(w, s);
	count(p, 4, 4, 0);
	getrlimit(RLIMIT_FSIZE, &before);
	small = (struct rlimit){.rlim_cur = 100, .rlim_max = before.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	assert_int_equal(profile_store_save(s, w->why, sizeof(w->why)), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_non_null(strstr(w->why, ".profiles: "));
	assert_non_null(strstr(w->why, w->dir));
	run(w, "! ls *.new 2>/dev/null");
	save(w, s);
	profile_store_close(s);
	profiler_free(p);
	p = new_of(&settings);
	s = open_store(w, p);
	assert_int_equal(sums_of(p).least, 4);
	profile_store_close(s);
	profiler_free(p);
}

static void a_place_that_is_none_is_refused(void **state)
{
	struct world *w = *state;
	struct profiler *p = new_of(&settings);
	struct profile_store *s;
	char path[PATH + 16];

	snprintf(path, sizeof(path), "%s/not/there", w->dir);
	assert_int_equal(profile_store_open(&s, path, p, w->why, sizeof(w->why)), -ENOENT);
	assert_non_null(strstr(w->why, path));
	run(w, "touch file");
	snprintf(path, sizeof(path), "%s/file", w->dir);
	assert_int_equal(profile_store_open(&s, path, p, w->why, sizeof(w->why)), -ENOTDIR);
	profiler_free(p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_is_there_again),
		TEST(what_has_not_changed_is_not_written),
		TEST(files_of_different_moments_agree),
		TEST(killed_at_any_moment),
		TEST(damage_costs_what_is_damaged),
		TEST(other_settings_are_refused),
		TEST(a_disk_that_is_full_is_tried_again),
		TEST(a_place_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
