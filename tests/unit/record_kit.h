/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TEST_RECORD_KIT_H
#define PROXTOP_TEST_RECORD_KIT_H

/* What the tests of recordings share: small frames with times of one's own, files, and
 * what a recording gives as text. */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define KIT_START  UINT64_C(1700000000000000000)
#define KIT_SECOND UINT64_C(1000000000)

static char kit_dir[64];
static char kit_path[128];

static inline int kit_make_dir(void **state)
{
	(void)state;
	strcpy(kit_dir, "/tmp/proxtop-record-XXXXXX");
	if (!mkdtemp(kit_dir))
		return -1;
	snprintf(kit_path, sizeof(kit_path), "%s/recording", kit_dir);
	return 0;
}

static inline int kit_remove_dir(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", kit_dir);
	return system(command);
}

/* A frame of a host, wall_ms after KIT_START. */
static inline struct frame *kit_frame(const char *host, uint64_t epoch, uint64_t sequence,
				      uint64_t wall_ms, uint64_t interval_ms)
{
	struct frame_head h = {.epoch = epoch,
			       .sequence = sequence,
			       .boot_ns = wall_ms * 1000000,
			       .wall_ns = KIT_START + wall_ms * 1000000,
			       .interval_ns = interval_ms * 1000000};
	struct sample *s = sample_new();
	struct frame *f = NULL;
	struct buf b;

	snprintf(h.host_id, sizeof(h.host_id), "%s", host);
	snprintf(h.host_name, sizeof(h.host_name), "name of %s", host);
	sample_set(s, SCOPE_VM, sample_row(s, SCOPE_VM, NO_ROW, 1), M_VPSI_SOME_IO, sequence);
	buf_init(&b, FRAME_MAX);
	if (!frame_encode(&b, &h, s))
		f = frame_new(&h, b.data, b.used);
	buf_fini(&b);
	sample_free(s);
	return f;
}

static inline struct record_writer *kit_create(const char *path, size_t block_bytes)
{
	struct record_writer_options o = {.block_bytes = block_bytes, .version = "test"};
	struct record_writer *w = NULL;
	char why[256] = "";

	if (record_create(&w, path, &o, why, sizeof(why)) < 0)
		fail_msg("record_create: %s", why);
	return w;
}

/* Adds it, and lets go of it. */
static inline void kit_add(struct record_writer *w, struct frame *f)
{
	record_add(w, f);
	frame_unref(f);
}

/* Until all that was added is in the file; of who has a block for each frame. */
static inline void kit_wait_for_bytes(struct record_writer *w)
{
	struct record_stats st;
	uint64_t before;

	for (unsigned still = 0; still < 20;) {
		record_stats(w, &st);
		before = st.bytes;
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
		record_stats(w, &st);
		still = st.bytes == before && !st.waiting ? still + 1 : 0;
	}
}

/* n frames, a second apart, of hosts h0, h1, ... in turn; each a block of its own when blocks
 * is set. */
static inline void kit_write(const char *path, unsigned hosts, unsigned n, bool blocks)
{
	struct record_writer *w = kit_create(path, blocks ? 1 : 0);

	for (unsigned i = 0; i < n; i++) {
		char host[16];

		snprintf(host, sizeof(host), "h%u", i % hosts);
		kit_add(w, kit_frame(host, 1, i / hosts + 1, i / hosts * 1000, 1000));
	}
	if (record_close(w) != 0)
		fail_msg("record_close");
}

static inline struct record_reader *kit_open(const char *path)
{
	struct record_reader *r = NULL;
	char why[256] = "";

	if (record_open(&r, path, why, sizeof(why)) < 0)
		fail_msg("record_open: %s", why);
	return r;
}

struct kit_text {
	char text[65536];
	size_t used;
	unsigned n;
};

static inline void kit_say(struct kit_text *t, const struct frame *f)
{
	struct frame_head h;

	if (frame_head_decode(&h, f->bytes, f->size) < 0)
		fail_msg("a frame is none");
	t->used += (size_t)snprintf(t->text + t->used, sizeof(t->text) - t->used, "%s%s:%" PRIu64,
				    t->n++ ? " " : "", h.host_id, h.sequence);
}

static inline bool kit_each(void *arg, struct frame *f)
{
	kit_say(arg, f);
	return true;
}

/* All frames as "h0:1 h1:1 h0:2"; valid until the next call. */
static inline const char *kit_all(struct record_reader *r)
{
	static struct kit_text t;

	t.used = t.n = 0;
	*t.text = '\0';
	record_read(r, 0, UINT64_MAX, NULL, kit_each, &t);
	return t.text;
}

/* ---- files ---- */

struct kit_bytes {
	uint8_t *p;
	size_t n;
};

static inline struct kit_bytes kit_load(const char *path)
{
	struct kit_bytes b = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	b.n = (size_t)st.st_size;
	b.p = malloc(b.n + 1);
	if (!b.p || read(fd, b.p, b.n) != (ssize_t)b.n)
		fail_msg("%s: not read", path);
	close(fd);
	return b;
}

static inline void kit_save(const char *path, const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
		fail_msg("%s: not written", path);
	close(fd);
}

#endif
