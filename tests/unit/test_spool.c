/* SPDX-License-Identifier: Apache-2.0 */
/* What is owed to a receiver: order, commit, bounds; and what a directory keeps through
 * kills, damage and a full disk. */
#include "crc32c.h"
#include "log.h"
#include "make_frame.h"
#include "spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ROOM 5000

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/proxtop-spool-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static struct spool *open_spool(size_t size, const char *in)
{
	struct spool_options o = {.size = size, .dir = in};
	struct spool *s = NULL;
	char why[256] = "";

	if (spool_open(&s, &o, why, sizeof(why)) < 0)
		fail_msg("spool_open: %s", why);
	return s;
}

static void add(struct spool *s, uint64_t epoch, uint64_t from, uint64_t to, unsigned size)
{
	for (uint64_t i = from; i <= to; i++)
		spool_add(s, make_frame("host", epoch, i, size));
}

/* The epochs as "EPOCH[OLDEST-NEWEST cCOMMITTED lLOST e]". */
static const char *states(struct spool *s)
{
	static char text[2048];
	static struct spool_state st[64];
	unsigned n = spool_states(s, st, 64);
	size_t used = 0;

	*text = '\0';
	for (unsigned i = 0; i < n && i < 64; i++)
		used += (size_t)snprintf(
			text + used, sizeof(text) - used, "%s%llu[%llu-%llu c%llu l%llu%s]",
			i ? " " : "", (unsigned long long)st[i].epoch,
			(unsigned long long)st[i].oldest, (unsigned long long)st[i].newest,
			(unsigned long long)st[i].committed, (unsigned long long)st[i].lost,
			st[i].ended ? " e" : "");
	return text;
}

/* What is given, as "FIRST-LAST"; every frame must be what was put there. */
static const char *get(struct spool *s, uint64_t epoch, uint64_t from, unsigned max, size_t bytes)
{
	static struct frame *frames[ROOM];
	static char text[64];
	unsigned n = spool_get(s, epoch, from, frames, max, bytes, NULL);

	strcpy(text, "none");
	for (unsigned i = 0; i < n; i++) {
		struct frame *f = frames[i];
		struct frame *want = make_frame("host", epoch, f->sequence, 0);

		if (f->epoch != epoch || (i && f->sequence != frames[i - 1]->sequence + 1))
			fail_msg("frame %u is epoch %llu, sequence %llu", i,
				 (unsigned long long)f->epoch, (unsigned long long)f->sequence);
		assert_int_equal(f->wall_ns, want->wall_ns);
		frame_unref(want);
	}
	if (n)
		snprintf(text, sizeof(text), "%llu-%llu", (unsigned long long)frames[0]->sequence,
			 (unsigned long long)frames[n - 1]->sequence);
	for (unsigned i = 0; i < n; i++)
		frame_unref(frames[i]);
	return text;
}

#define get_all(s, epoch, from) get(s, epoch, from, ROOM, SIZE_MAX)

static void test_crc(void **state)
{
	(void)state;
	/* RFC 3720, B.4: the check value, and 32 bytes of zeros. */
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(0, (char[32]){0}, 32), 0x8a9136aa);
	assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

/* ---- in memory ---- */

static void test_commit(void **state)
{
	struct spool *s = open_spool(1 << 20, NULL);
	struct spool_stats st;

	(void)state;
	assert_string_equal(states(s), "");
	assert_string_equal(get_all(s, 1, 1), "none");
	add(s, 1, 1, 10, 100);
	assert_string_equal(states(s), "1[1-10 c0 l0]");
	assert_string_equal(get_all(s, 1, 0), "1-10");
	assert_string_equal(get_all(s, 1, 4), "4-10");
	assert_string_equal(get(s, 1, 4, 2, SIZE_MAX), "4-5");
	assert_string_equal(get(s, 1, 4, 5, 1), "4-4");
	assert_string_equal(get_all(s, 1, 11), "none");
	assert_string_equal(get_all(s, 2, 1), "none");
	/* The last committed one stays: the base of the first rate. */
	spool_commit(s, 1, 4);
	assert_string_equal(states(s), "1[4-10 c4 l0]");
	assert_string_equal(get_all(s, 1, 1), "4-10");
	spool_commit(s, 1, 2);
	assert_string_equal(states(s), "1[4-10 c4 l0]");
	spool_commit(s, 1, 99);
	assert_string_equal(states(s), "1[10-10 c10 l0]");
	spool_stats(s, &st);
	assert_int_equal(st.uncommitted, 0);
	assert_int_equal(st.committed, 10);
	assert_int_equal(st.frames, 1);
	spool_commit(s, 7, 1);
	spool_close(s);
	spool_close(NULL);
}

static void test_epochs(void **state)
{
	struct spool *s = open_spool(1 << 20, NULL);
	struct spool_state st[2];

	(void)state;
	add(s, 5, 1, 3, 100);
	add(s, 9, 1, 2, 100);
	assert_string_equal(states(s), "5[1-3 c0 l0 e] 9[1-2 c0 l0]");
	assert_int_equal(spool_states(s, st, 1), 2);
	assert_string_equal(st[0].host_id, "host");
	assert_string_equal(st[0].host_name, "name of host");
	assert_int_equal(st[0].interval_ns, 1000000000);
	/* Its base is worth nothing any more: no rate crosses epochs. */
	spool_commit(s, 5, 3);
	assert_string_equal(states(s), "9[1-2 c0 l0]");
	/* The rest of an ended run may come later than the new one (a next tier's view). */
	add(s, 5, 4, 5, 100);
	assert_string_equal(states(s), "5[4-5 c0 l0 e] 9[1-2 c0 l0]");
	assert_true(spool_new_epoch(s, 0) > 9);
	assert_int_equal(spool_new_epoch(s, 77000), 77);
	assert_int_equal(spool_new_epoch(s, 77000), 78);
	spool_close(s);
}

static void test_full(void **state)
{
	struct frame *one = make_frame("host", 1, 1, 1000);
	size_t size = one->size;
	struct spool *s = open_spool(5 * size + size / 2, NULL);
	struct spool_stats st;

	(void)state;
	frame_unref(one);
	add(s, 1, 1, 3, 1000);
	spool_commit(s, 1, 2);
	add(s, 1, 4, 6, 1000);
	assert_string_equal(states(s), "1[2-6 c2 l0]");
	/* The base goes first, which is no loss; then what nobody has. */
	add(s, 1, 7, 7, 1000);
	assert_string_equal(states(s), "1[3-7 c2 l0]");
	add(s, 1, 8, 9, 1000);
	assert_string_equal(states(s), "1[5-9 c2 l2]");
	/* An earlier run goes first. */
	add(s, 2, 1, 4, 1000);
	assert_string_equal(states(s), "1[9-9 c2 l6 e] 2[1-4 c0 l0]");
	add(s, 2, 5, 7, 1000);
	/* Of the first nothing is left but what must be told. */
	assert_string_equal(states(s), "1[10-9 c2 l7 e] 2[3-7 c0 l2]");
	spool_stats(s, &st);
	assert_int_equal(st.lost, 9);
	assert_int_equal(st.committed, 2);
	spool_commit(s, 1, 9);
	assert_string_equal(states(s), "2[3-7 c0 l2]");
	/* What was lost is not committed, wherever the receiver has gone on. */
	spool_commit(s, 2, 4);
	spool_stats(s, &st);
	assert_int_equal(st.lost, 9);
	assert_int_equal(st.committed, 4);
	/* One that is larger than all: it stays, alone. */
	add(s, 2, 8, 8, 20000);
	assert_string_equal(states(s), "2[8-8 c4 l5]");
	spool_close(s);
}

/* What a lower tier's sender had lost is missing here too. */
static void test_gap(void **state)
{
	struct spool *s = open_spool(1 << 20, NULL);

	(void)state;
	add(s, 1, 1, 3, 100);
	add(s, 1, 10, 12, 100);
	add(s, 1, 20, 20, 100);
	assert_string_equal(states(s), "1[1-3 c0 l0]");
	assert_string_equal(get_all(s, 1, 1), "1-3");
	spool_commit(s, 1, 2);
	assert_string_equal(states(s), "1[2-3 c2 l0]");
	spool_commit(s, 1, 3);
	assert_string_equal(states(s), "1[10-12 c3 l0]");
	/* Asked for what is not there, it gives what comes next. */
	assert_string_equal(get_all(s, 1, 4), "10-12");
	spool_commit(s, 1, 20);
	assert_string_equal(states(s), "1[20-20 c20 l0]");
	/* What came before is not taken again. */
	add(s, 1, 15, 15, 100);
	assert_string_equal(states(s), "1[20-20 c20 l0]");
	spool_close(s);
}

static void test_references(void **state)
{
	struct spool *s = open_spool(1 << 20, NULL);

	(void)state;
	spool_ref(s);
	add(s, 1, 1, 1, 10);
	spool_close(s);
	assert_string_equal(get_all(s, 1, 1), "1-1");
	spool_close(s);
}

/* ---- with a directory ---- */

static void test_reopen(void **state)
{
	struct spool *s = open_spool(1 << 20, dir);
	uint64_t epoch;

	(void)state;
	epoch = spool_new_epoch(s, 1000);
	assert_int_equal(epoch, 1);
	add(s, 1, 1, 10, 300);
	spool_commit(s, 1, 4);
	spool_close(s);
	s = open_spool(1 << 20, dir);
	assert_string_equal(states(s), "1[4-10 c4 l0 e]");
	assert_string_equal(get_all(s, 1, 1), "4-10");
	/* The clock may have gone back. */
	assert_int_equal(spool_new_epoch(s, 0), 2);
	add(s, 2, 1, 3, 300);
	assert_string_equal(states(s), "1[4-10 c4 l0 e] 2[1-3 c0 l0]");
	spool_commit(s, 1, 10);
	spool_close(s);
	s = open_spool(1 << 20, dir);
	assert_string_equal(states(s), "2[1-3 c0 l0 e]");
	spool_commit(s, 2, 3);
	spool_close(s);
	s = open_spool(1 << 20, dir);
	assert_string_equal(states(s), "");
	/* Nothing is there any more, but which epochs there were. */
	assert_int_equal(spool_new_epoch(s, 0), 3);
	spool_close(s);
}

/* Without its position more is sent again, nothing less. */
static void test_no_position(void **state)
{
	struct spool *s = open_spool(1 << 20, dir);
	char path[128];

	(void)state;
	add(s, 1, 1, 10, 300);
	spool_commit(s, 1, 4);
	spool_close(s);
	snprintf(path, sizeof(path), "%s/position", dir);
	assert_int_equal(truncate(path, 20), 0);
	s = open_spool(1 << 20, dir);
	assert_string_equal(states(s), "1[1-10 c0 l0 e]");
	spool_close(s);
}

static void test_lock(void **state)
{
	struct spool_options o = {.size = 1 << 20, .dir = dir};
	struct spool *s = open_spool(1 << 20, dir), *other = NULL;
	char why[256] = "";

	(void)state;
	assert_int_equal(spool_open(&other, &o, why, sizeof(why)), -EBUSY);
	assert_non_null(strstr(why, dir));
	spool_close(s);
	s = open_spool(1 << 20, dir);
	spool_close(s);
}

static void test_no_directory(void **state)
{
	char path[128], why[256] = "";
	struct spool_options o = {.size = 1 << 20, .dir = path};
	struct spool *s = NULL;

	(void)state;
	snprintf(path, sizeof(path), "%s/file", dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(spool_open(&s, &o, why, sizeof(why)), -ENOTDIR);
	assert_non_null(strstr(why, path));
	snprintf(path, sizeof(path), "%s/none/below", dir);
	assert_int_equal(spool_open(&s, &o, why, sizeof(why)), -ENOENT);
	/* Made when only the last part is missing. */
	snprintf(path, sizeof(path), "%s/new", dir);
	s = open_spool(1 << 20, path);
	spool_close(s);
}

/* More than is held in memory: read back from the files. */
static void test_from_disk(void **state)
{
	struct spool *s = open_spool(64 << 20, dir);

	(void)state;
	add(s, 1, 1, 300, 20000);
	assert_string_equal(get_all(s, 1, 1), "1-300");
	/* 256 KiB of some 20,000 bytes each. */
	assert_string_equal(get(s, 1, 100, 50, 1 << 18), "100-113");
	spool_close(s);
	s = open_spool(64 << 20, dir);
	assert_string_equal(get_all(s, 1, 1), "1-300");
	spool_close(s);
}

/* Path and size of the only segment. */
static off_t segment(char path[400])
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	struct stat st = {0};
	unsigned n = 0;

	while ((e = readdir(d)))
		if (strstr(e->d_name, ".spool")) {
			snprintf(path, 400, "%s/%s", dir, e->d_name);
			n++;
		}
	closedir(d);
	assert_int_equal(n, 1);
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void test_damaged_tail(void **state)
{
	struct spool *s = open_spool(1 << 20, dir);
	char path[400], copy[128];
	off_t four, five;

	(void)state;
	add(s, 1, 1, 4, 100);
	four = segment(path);
	add(s, 1, 5, 5, 100);
	five = segment(path);
	spool_close(s);
	snprintf(copy, sizeof(copy), "%s/copy", dir);
	assert_int_equal(rename(path, copy), 0);
	for (off_t size = four; size <= five;
	     size += size < four + 12 || size > five - 12 ? 1 : 37) {
		char command[600];

		snprintf(command, sizeof(command), "cp %s %s", copy, path);
		assert_int_equal(system(command), 0);
		assert_int_equal(truncate(path, size), 0);
		s = open_spool(1 << 20, dir);
		if (strcmp(get_all(s, 1, 1), size == five ? "1-5" : "1-4"))
			fail_msg("%ld of %ld bytes: %s", (long)size, (long)five, get_all(s, 1, 1));
		/* A new run is as if nothing had happened. */
		add(s, 2, 1, 2, 100);
		assert_string_equal(get_all(s, 2, 1), "1-2");
		spool_commit(s, 2, 2);
		add(s, 3, 1, 1, 10);
		spool_commit(s, 3, 1);
		spool_close(s);
	}
}

static void flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	char c = 0;

	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 0x40;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

static void test_damaged_middle(void **state)
{
	struct spool *s = open_spool(1 << 20, dir);
	char path[400];
	off_t two, three;

	(void)state;
	add(s, 1, 1, 2, 200);
	two = segment(path);
	add(s, 1, 3, 3, 200);
	three = segment(path);
	add(s, 1, 4, 9, 200);
	spool_close(s);
	/* Length, sum, first and last byte of the third record. */
	for (int i = 0; i < 4; i++) {
		const off_t at[] = {two, two + 5, two + 8, three - 1};

		flip(path, at[i]);
		s = open_spool(1 << 20, dir);
		if (strcmp(get_all(s, 1, 1), "1-2"))
			fail_msg("byte %ld: %s", (long)at[i], get_all(s, 1, 1));
		spool_close(s);
		flip(path, at[i]);
	}
	flip(path, 3); /* not even its head is ours */
	s = open_spool(1 << 20, dir);
	assert_string_equal(states(s), "");
	spool_close(s);
}

/* It goes bad while it is in use: what cannot be read is lost and counted. */
static void test_damaged_later(void **state)
{
	struct spool *s = open_spool(1 << 20, dir);
	char path[400];
	off_t two;

	(void)state;
	add(s, 1, 1, 2, 200);
	two = segment(path);
	add(s, 1, 3, 9, 200);
	spool_close(s);
	s = open_spool(1 << 20, dir);
	flip(path, two + 20);
	assert_string_equal(get_all(s, 1, 1), "1-2");
	assert_string_equal(get_all(s, 1, 3), "4-9");
	assert_string_equal(states(s), "1[4-9 c0 l3 e]");
	spool_close(s);
}

static void test_foreign_files(void **state)
{
	const char *const names[] = {"notes.txt",
				     "1-1.spool.bak",
				     "01-1.spool",
				     "-1.spool",
				     "99999999999999999999-1.spool",
				     "position.old"};
	char path[400];

	(void)state;
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		close(open(path, O_CREAT | O_WRONLY, 0600));
	}
	spool_close(open_spool(1 << 20, dir));
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (access(path, F_OK))
			fail_msg("%s is gone", names[i]);
	}
}

static uint64_t bytes_on_disk(void)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	uint64_t n = 0;

	while ((e = readdir(d))) {
		char path[400];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (strstr(e->d_name, ".spool") && !stat(path, &st))
			n += (uint64_t)st.st_size;
	}
	closedir(d);
	return n;
}

static void test_full_directory(void **state)
{
	struct spool *s = open_spool(200000, dir);
	struct spool_state st;
	struct spool_stats all;
	uint64_t lost;

	(void)state;
	add(s, 1, 1, 300, 2000);
	spool_sync(s);
	assert_int_equal(spool_states(s, &st, 1), 1);
	assert_true(st.lost > 150);
	assert_int_equal(st.lost, st.oldest - 1);
	assert_int_equal(st.newest, 300);
	assert_in_range(bytes_on_disk(), 100000, 200000);
	lost = st.lost;
	spool_close(s);
	s = open_spool(200000, dir);
	spool_stats(s, &all);
	assert_int_equal(all.lost, lost);
	assert_int_equal(spool_states(s, &st, 1), 1);
	assert_int_equal(st.lost, lost);
	assert_int_equal(st.oldest, lost + 1);
	/* The rest is dropped too, by a later run: counted, and told at the next opening. */
	add(s, 2, 1, 300, 2000);
	spool_states(s, &st, 1);
	assert_int_equal(st.epoch, 1);
	assert_int_equal(st.frames, 0);
	assert_int_equal(st.lost, 300);
	spool_close(s);
	s = open_spool(200000, dir);
	spool_stats(s, &all);
	assert_int_equal(all.lost_epochs, 1);
	assert_int_equal(spool_states(s, &st, 1), 1);
	assert_int_equal(st.epoch, 2);
	spool_close(s);
}

/* What is committed leaves the disk. */
static void test_committed_goes(void **state)
{
	struct spool *s = open_spool(200000, dir);

	(void)state;
	for (uint64_t i = 1; i <= 300; i++) {
		add(s, 1, i, i, 2000);
		spool_commit(s, 1, i);
	}
	spool_sync(s);
	assert_string_equal(states(s), "1[300-300 c300 l0]");
	assert_in_range(bytes_on_disk(), 1, 60000);
	spool_close(s);
}

/* A file size limit is a full disk that one can take away again. */
static void test_disk_full(void **state)
{
	struct rlimit before, small = {0};
	struct spool *s = open_spool(1 << 20, dir);
	struct spool_stats st;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	add(s, 1, 1, 10, 500);
	small = (struct rlimit){3000, before.rlim_max};
	setrlimit(RLIMIT_FSIZE, &small);
	add(s, 1, 11, 30, 500);
	spool_stats(s, &st);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_true(st.failing);
	assert_int_equal(st.frames, 30);
	assert_string_equal(get_all(s, 1, 1), "1-30");
	/* It is tried again after a second. */
	for (int i = 0; i < 300 && st.failing; i++) {
		nanosleep(&(struct timespec){0, 10000000}, NULL);
		spool_stats(s, &st);
	}
	assert_false(st.failing);
	add(s, 1, 31, 31, 500);
	spool_close(s);
	s = open_spool(1 << 20, dir);
	assert_string_equal(get_all(s, 1, 1), "1-31");
	spool_close(s);
}

/* With the disk full for good, memory is bounded too. */
static void test_disk_full_bound(void **state)
{
	struct rlimit before, small = {0};
	struct spool *s = open_spool(100000, dir);
	struct spool_state st;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	add(s, 1, 1, 10, 2000);
	small = (struct rlimit){3000, before.rlim_max};
	setrlimit(RLIMIT_FSIZE, &small);
	add(s, 1, 11, 300, 2000);
	spool_states(s, &st, 1);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_in_range(st.bytes, 50000, 100000);
	assert_int_equal(st.newest, 300);
	assert_int_equal(st.lost, st.oldest - 1);
	spool_close(s);
	s = open_spool(100000, dir);
	assert_int_equal(spool_states(s, &st, 1), 1);
	assert_int_equal(st.newest, 300);
	assert_int_equal(st.lost, st.oldest - 1);
	spool_close(s);
}

/* The child says what it has added, and is killed in the middle. */
static uint64_t run_and_kill(unsigned after_us, uint64_t epoch)
{
	int pipes[2];
	uint64_t last = 0, got;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (!pid) {
		struct spool *s = open_spool(64 << 20, dir);

		for (uint64_t i = 1;; i++) {
			add(s, epoch, i, i, 3000);
			if (i % 10 == 9)
				spool_commit(s, epoch, i - 8);
			if (write(pipes[1], &i, sizeof(i)) < 0)
				_exit(1);
		}
	}
	close(pipes[1]);
	if (read(pipes[0], &last, sizeof(last)) != sizeof(last))
		last = 0;
	nanosleep(&(struct timespec){0, after_us * 1000}, NULL);
	kill(pid, SIGKILL);
	while (read(pipes[0], &got, sizeof(got)) == (ssize_t)sizeof(got))
		last = got;
	close(pipes[0]);
	waitpid(pid, NULL, 0);
	return last;
}

static void test_kill(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 12; round++) {
		uint64_t last = run_and_kill(2000 + round * 3137, round + 1);
		struct spool *s = open_spool(64 << 20, dir);
		struct spool_state st = {0};
		char want[64];

		assert_int_equal(spool_states(s, &st, 1), 1);
		assert_int_equal(st.epoch, round + 1);
		assert_int_equal(st.lost, 0);
		/* Not committed is at most what the last nine added; one more may be there than
		 * the child came to say. */
		if (st.newest < last || st.newest > last + 1 || st.oldest > last)
			fail_msg("round %u: %llu were added, %s are there", round,
				 (unsigned long long)last, states(s));
		snprintf(want, sizeof(want), "%llu-%llu", (unsigned long long)st.oldest,
			 (unsigned long long)st.newest);
		assert_string_equal(get_all(s, st.epoch, 1), want);
		spool_commit(s, st.epoch, st.newest);
		spool_close(s);
	}
}

#define on_disk(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc),
		cmocka_unit_test(test_commit),
		cmocka_unit_test(test_epochs),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_references),
		on_disk(test_reopen),
		on_disk(test_no_position),
		on_disk(test_lock),
		on_disk(test_no_directory),
		on_disk(test_from_disk),
		on_disk(test_damaged_tail),
		on_disk(test_damaged_middle),
		on_disk(test_damaged_later),
		on_disk(test_foreign_files),
		on_disk(test_full_directory),
		on_disk(test_committed_goes),
		on_disk(test_disk_full),
		on_disk(test_disk_full_bound),
		on_disk(test_kill),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
