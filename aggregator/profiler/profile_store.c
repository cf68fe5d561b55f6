/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_store.h"

#include "crc32c.h"
#include "log.h"
#include "store_bytes.h"
#include "xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC        "proxprof"
#define VERSION      1u
#define HEAD         32u /* bytes */
#define CRC_AT       20u
#define FILE_MAX     (UINT64_C(4) << 30)
#define NAME_BYTES   48u
#define SETTINGS_MAX 16384u

struct profile_store {
	struct profiler *profiler;
	char *path;
	int dir, lock;
	bool dir_changed; /* and not yet on the disk */
	struct buf out;
	char settings[SETTINGS_MAX];
};

static int fail(int error, char *why, size_t why_size, const struct profile_store *s,
		const char *what)
{
	snprintf(why, why_size, "--profile-dir=%s: %s: %s", s->path, what, strerrordesc_np(-error));
	return error;
}

/* ---- settings as text: what profiles must have in common to be of one directory ---- */

static size_t add_text(char *to, size_t used, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static size_t add_text(char *to, size_t used, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(to + used, SETTINGS_MAX - used, format, args);
	va_end(args);
	return n > 0 && used + (size_t)n < SETTINGS_MAX ? used + (size_t)n : SETTINGS_MAX - 1;
}

static void settings_text(char *to, const struct profile_settings *s)
{
	const struct markov_settings *m = &s->markov;
	size_t n = add_text(to, 0, "states=%u history=%u buffersize=%u filterstddevs=%.17g",
			    m->states, m->history, m->buffersize, m->filter > 0 ? m->filter : -1.0);

	n = add_text(to, n, " phaselikeliness=%.17g phasehistory=%u", s->phase_likeliness,
		     s->phase_likeliness > 0 ? s->phase_history : 0);
	n = add_text(to, n, " periodsize=");
	for (unsigned i = 0; i < s->n_periods; i++)
		n = add_text(to, n, "%s%u", i ? "," : "", s->period[i]);
	n = add_text(to, n, " metrics=");
	for (unsigned i = 0; i < s->n_metrics; i++) {
		const struct profile_metric *metric = &s->metric[i];

		n = add_text(to, n, "%s%s", i ? "," : "", metric->name);
		if (m->fixed)
			n = add_text(to, n, "[%.17g..%.17g]", metric->low, metric->high);
	}
}

/* ---- reading ---- */

static void name_of(char *to, unsigned shard, const char *suffix)
{
	snprintf(to, NAME_BYTES, "shard-%02x.profiles%s", shard, suffix);
}

/* The bytes of a file; NULL with 0: there is none. */
static int read_all(struct profile_store *s, const char *name, char **ret, size_t *ret_n)
{
	int fd = openat(s->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	size_t n = 0;
	ssize_t got = 1;

	*ret = NULL;
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size > FILE_MAX) {
		close(fd);
		return -EFBIG;
	}
	*ret = xcalloc((size_t)st.st_size + 1, 1);
	while (n < (size_t)st.st_size && got > 0) {
		got = read(fd, *ret + n, (size_t)st.st_size - n);
		n += got > 0 ? (size_t)got : 0;
	}
	close(fd);
	if (got < 0) {
		free(*ret);
		*ret = NULL;
		return -errno;
	}
	*ret_n = n;
	return 0;
}

static uint32_t checksum(const char *bytes, size_t n)
{
	uint32_t crc = crc32c(0, bytes, CRC_AT);

	return crc32c(crc, bytes + CRC_AT + 4, n - CRC_AT - 4);
}

/* 0, -EBADMSG: damaged; -EPROTO: of a later version; -EINVAL: of other settings. */
static int take(struct profile_store *s, unsigned shard, const char *bytes, size_t n, char *theirs)
{
	uint64_t settings, records;

	if (n < HEAD || memcmp(bytes, MAGIC, 8))
		return -EBADMSG;
	settings = bytes_get(bytes + 16, 4);
	records = bytes_get(bytes + 24, 8);
	if (settings >= SETTINGS_MAX || records > FILE_MAX || n != HEAD + settings + records ||
	    bytes_get(bytes + CRC_AT, 4) != checksum(bytes, n))
		return -EBADMSG;
	if (bytes_get(bytes + 8, 4) != VERSION)
		return -EPROTO;
	if (bytes_get(bytes + 12, 4) != shard)
		return -EBADMSG;
	memcpy(theirs, bytes + HEAD, settings);
	theirs[settings] = '\0';
	if (strcmp(theirs, s->settings))
		return -EINVAL;
	return profiler_unpack(s->profiler, shard, bytes + HEAD + settings, records);
}

static int set_aside(struct profile_store *s, unsigned shard, const char *name, char *why,
		     size_t why_size)
{
	char aside[NAME_BYTES];

	name_of(aside, shard, ".damaged");
	if (renameat(s->dir, name, s->dir, aside) < 0)
		return fail(-errno, why, why_size, s, name);
	s->dir_changed = true;
	log_error("%s/%s is damaged: the profiles of its VMs begin anew; it is now %s", s->path,
		  name, aside);
	return 0;
}

static int load_shard(struct profile_store *s, unsigned shard, char *why, size_t why_size)
{
	char name[NAME_BYTES], unfinished[NAME_BYTES], theirs[SETTINGS_MAX];
	char *bytes;
	size_t n;
	int r;

	name_of(unfinished, shard, ".new");
	if (unlinkat(s->dir, unfinished, 0) < 0 && errno != ENOENT)
		return fail(-errno, why, why_size, s, unfinished);
	name_of(name, shard, "");
	r = read_all(s, name, &bytes, &n);
	if (r < 0)
		return fail(r, why, why_size, s, name);
	if (!bytes)
		return 0;
	r = take(s, shard, bytes, n, theirs);
	free(bytes);
	if (r == -EBADMSG)
		return set_aside(s, shard, name, why, why_size);
	if (r == -EPROTO)
		snprintf(why, why_size,
			 "--profile-dir=%s: %s is of a version that is not known here", s->path,
			 name);
	if (r == -EINVAL)
		snprintf(why, why_size,
			 "--profile-dir=%s holds profiles of other settings: %.300s; now: %.300s; "
			 "give another directory, or the same settings",
			 s->path, theirs, s->settings);
	return r;
}

/* ---- opening ---- */

static int open_dir(struct profile_store *s, char *why, size_t why_size)
{
	if (mkdir(s->path, 0750) < 0 && errno != EEXIST)
		return fail(-errno, why, why_size, s, "cannot be made");
	s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0)
		return fail(-errno, why, why_size, s, "cannot be opened");
	s->lock = openat(s->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (s->lock < 0)
		return fail(-errno, why, why_size, s, "lock");
	if (flock(s->lock, LOCK_EX | LOCK_NB) < 0) {
		int r = -errno;

		if (r != -EWOULDBLOCK)
			return fail(r, why, why_size, s, "lock");
		snprintf(why, why_size, "--profile-dir=%s: another program uses it", s->path);
		return -EBUSY;
	}
	return 0;
}

int profile_store_open(struct profile_store **ret, const char *dir, struct profiler *p, char *why,
		       size_t why_size)
{
	struct profile_store *s = xcalloc(1, sizeof(*s));
	int r;

	*ret = NULL;
	s->profiler = p;
	s->path = xstrdup(dir);
	s->dir = s->lock = -1;
	buf_init(&s->out, FILE_MAX);
	settings_text(s->settings, profiler_settings(p));
	r = open_dir(s, why, why_size);
	for (unsigned i = 0; i < PROFILER_SHARDS && r == 0; i++)
		r = load_shard(s, i, why, why_size);
	if (r < 0)
		profile_store_close(s);
	else
		*ret = s;
	return r;
}

void profile_store_close(struct profile_store *s)
{
	if (!s)
		return;
	if (s->lock >= 0)
		close(s->lock);
	if (s->dir >= 0)
		close(s->dir);
	buf_fini(&s->out);
	free(s->path);
	free(s);
}

/* ---- writing ---- */

static void put_head(struct profile_store *s, unsigned shard)
{
	char *head = buf_room(&s->out, HEAD);

	if (!head)
		return;
	memset(head, 0, HEAD);
	memcpy(head, MAGIC, 8);
	bytes_set(head + 8, 4, VERSION);
	bytes_set(head + 12, 4, shard);
	bytes_set(head + 16, 4, strlen(s->settings));
	s->out.used += HEAD;
	buf_text(&s->out, s->settings);
}

static void finish_head(struct profile_store *s)
{
	size_t records = s->out.used - HEAD - strlen(s->settings);

	bytes_set(s->out.data + 24, 8, records);
	bytes_set(s->out.data + CRC_AT, 4, checksum(s->out.data, s->out.used));
}

static int write_all(int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t w = write(fd, data, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		data += w;
		n -= (size_t)w;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int write_file(struct profile_store *s, unsigned shard, char *name)
{
	char unfinished[NAME_BYTES];
	int fd, r;

	name_of(unfinished, shard, ".new");
	fd = openat(s->dir, unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		    0640);
	if (fd < 0)
		return -errno;
	r = write_all(fd, s->out.data, s->out.used);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat(s->dir, unfinished, s->dir, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(s->dir, unfinished, 0);
	else
		s->dir_changed = true;
	return r;
}

static int save_shard(struct profile_store *s, unsigned shard, char *why, size_t why_size)
{
	char name[NAME_BYTES];
	bool changed;
	int r;

	buf_clear(&s->out);
	put_head(s, shard);
	profiler_pack(s->profiler, shard, &s->out, &changed);
	if (!changed)
		return 0;
	name_of(name, shard, "");
	r = s->out.error;
	if (r == 0) {
		finish_head(s);
		r = write_file(s, shard, name);
	}
	if (r < 0) {
		profiler_not_kept(s->profiler, shard);
		fail(r, why, why_size, s, name);
	}
	return r;
}

int profile_store_save(struct profile_store *s, char *why, size_t why_size)
{
	for (unsigned i = 0; i < PROFILER_SHARDS; i++) {
		int r = save_shard(s, i, why, why_size);

		if (r < 0)
			return r;
	}
	if (s->dir_changed && fsync(s->dir) < 0)
		return fail(-errno, why, why_size, s, "fsync");
	s->dir_changed = false;
	return 0;
}
