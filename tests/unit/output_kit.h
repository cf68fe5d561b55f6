/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_OUTPUT_KIT_H
#define TEST_OUTPUT_KIT_H

/*
 * Frames to be put into an output, and a book of what it says is committed.
 */
#include "capture.h"
#include "output.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define KIT_S   UINT64_C(1000000000)
#define KIT_MAX 20000u

/* ---- frames ---- */

/* 2026-11-24T17:18:40.000Z plus the sequence in seconds */
#define KIT_WALL UINT64_C(1795540720000000000)

static inline struct frame *kit_frame_of(const struct sample *s, const char *host, uint64_t epoch,
					 uint64_t sequence)
{
	struct frame_head h = {
		.epoch = epoch,
		.sequence = sequence,
		.boot_ns = (1000 + sequence) * KIT_S,
		.wall_ns = KIT_WALL + sequence * KIT_S,
		.interval_ns = KIT_S,
	};
	struct frame *f;
	struct buf b;

	snprintf(h.host_name, sizeof(h.host_name), "%s", host);
	snprintf(h.host_id, sizeof(h.host_id), "id-%s", host);
	snprintf(h.version, sizeof(h.version), "test");
	buf_init(&b, FRAME_MAX);
	if (frame_encode(&b, &h, s) < 0)
		fail_msg("frame_encode");
	f = frame_new(&h, b.data, b.used);
	buf_fini(&b);
	return f;
}

/* One VM more than none, with values that follow from the sequence. */
static inline struct frame *kit_frame(const char *host, uint64_t epoch, uint64_t sequence,
				      unsigned vms)
{
	struct sample *s = sample_new();
	struct frame *f;
	char text[64];
	uint32_t r;

	sample_row(s, SCOPE_HOST, NO_ROW, 1);
	sample_set(s, SCOPE_HOST, 0, M_MEM_TOTAL, 16000000);
	sample_set(s, SCOPE_HOST, 0, M_MEM_FREE, sequence);
	for (unsigned i = 0; i < vms; i++) {
		r = sample_row(s, SCOPE_VM, 0, 100 + i);
		snprintf(text, sizeof(text), "%s-uuid-%u", host, i);
		sample_set_text(s, SCOPE_VM, r, M_UUID, text);
		snprintf(text, sizeof(text), "vm%u", i);
		sample_set_text(s, SCOPE_VM, r, M_NAME, text);
		sample_set(s, SCOPE_VM, r, M_VMID, 100 + i);
		sample_set(s, SCOPE_VM, r, M_UPTIME, sequence);
		sample_set(s, SCOPE_VM, r, M_CPU_CORES, 2);
		sample_set(s, SCOPE_VM, r, M_IO_SYSCR, 1000 + sequence * 10);
	}
	f = kit_frame_of(s, host, epoch, sequence);
	sample_free(s);
	return f;
}

/* ---- commits ---- */

struct kit {
	pthread_mutex_t lock;
	struct kit_commit {
		uint32_t stream;
		uint64_t epoch, sequence;
	} commit[KIT_MAX];
	unsigned n, rooms;
	/* Asked at each commit: has it really arrived?  False is remembered. */
	bool (*arrived)(void *arg, uint32_t stream, uint64_t sequence);
	void *arg;
	uint64_t ahead; /* the first sequence that was committed too early */
	struct output *output;
};

static inline void kit_committed(void *arg, struct output *o, uint32_t stream, uint64_t epoch,
				 uint64_t sequence)
{
	struct kit *k = arg;
	bool early = k->arrived && !k->arrived(k->arg, stream, sequence);

	(void)o;
	pthread_mutex_lock(&k->lock);
	if (k->n < KIT_MAX)
		k->commit[k->n++] = (struct kit_commit){stream, epoch, sequence};
	if (early && !k->ahead)
		k->ahead = sequence;
	pthread_mutex_unlock(&k->lock);
}

static inline void kit_room(void *arg, struct output *o)
{
	struct kit *k = arg;

	(void)o;
	pthread_mutex_lock(&k->lock);
	k->rooms++;
	pthread_mutex_unlock(&k->lock);
}

static inline int kit_try_open(struct kit *k, const char *url, char *why, size_t why_size)
{
	struct output_calls calls = {.committed = kit_committed, .room = kit_room, .arg = k};

	return output_open(&k->output, url, &calls, why, why_size);
}

static inline void kit_open(struct kit *k, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline void kit_open(struct kit *k, const char *format, ...)
{
	char url[512], why[256] = "";
	va_list args;

	va_start(args, format);
	vsnprintf(url, sizeof(url), format, args);
	va_end(args);
	if (kit_try_open(k, url, why, sizeof(why)) < 0)
		fail_msg("%s: %s", url, why);
}

static inline int kit_setup(void **state)
{
	struct kit *k = calloc(1, sizeof(*k));

	pthread_mutex_init(&k->lock, NULL);
	*state = k;
	return 0;
}

static inline int kit_teardown(void **state)
{
	struct kit *k = *state;

	output_close(k->output, 0);
	pthread_mutex_destroy(&k->lock);
	free(k);
	return 0;
}

/* Puts the sample; before is the one of the sequence before it, but for the first.  Waits
 * while the queue is full. */
static inline void kit_put(struct kit *k, const char *host, uint32_t stream, uint64_t sequence,
			   unsigned vms)
{
	struct output_item i = {.stream = stream};

	i.now = kit_frame(host, 1, sequence, vms);
	i.before = sequence > 1 ? kit_frame(host, 1, sequence - 1, vms) : NULL;
	while (!output_put(k->output, &i))
		pause_ms(1);
	frame_unref(i.now);
	frame_unref(i.before);
}

static inline unsigned kit_count(struct kit *k)
{
	unsigned n;

	pthread_mutex_lock(&k->lock);
	n = k->n;
	pthread_mutex_unlock(&k->lock);
	return n;
}

static inline void kit_wait(struct kit *k, unsigned n, const char *what)
{
	for (int i = 0; kit_count(k) < n; i++) {
		if (i > PATIENCE_S * 1000)
			fail_msg("%s: %u of %u items committed", what, kit_count(k), n);
		pause_ms(1);
	}
	pthread_mutex_lock(&k->lock);
	if (k->ahead)
		fail_msg("%s: %llu was committed before it had arrived", what,
			 (unsigned long long)k->ahead);
	pthread_mutex_unlock(&k->lock);
}

/* Each item once, in order within its stream. */
static inline void kit_check_order(struct kit *k, uint32_t streams, uint64_t each)
{
	for (uint32_t s = 0; s < streams; s++) {
		uint64_t last = 0;

		for (unsigned i = 0; i < k->n; i++) {
			if (k->commit[i].stream != s)
				continue;
			if (k->commit[i].sequence != last + 1)
				fail_msg("stream %u: %llu committed after %llu", s,
					 (unsigned long long)k->commit[i].sequence,
					 (unsigned long long)last);
			last++;
		}
		if (last != each)
			fail_msg("stream %u: %llu of %llu committed", s, (unsigned long long)last,
				 (unsigned long long)each);
	}
}

#endif
