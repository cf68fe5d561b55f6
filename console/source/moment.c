/* SPDX-License-Identifier: Apache-2.0 */
#include "moment.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

#define MS             1000000u
#define STALE_AFTER    3u /* intervals */
#define FIRST_ROOM     4u
#define UNKNOWN_HOST   "unknown"
#define DEFAULT_PERIOD 1000000000u /* of a frame that does not say its interval */
#define CLOCK_WRONG_MS 5000        /* more than a message takes */

bool moment_is_stale(uint64_t age_ms, uint64_t interval_ns)
{
	uint64_t ms = interval_ns ? (interval_ns - 1) / MS + 1 : DEFAULT_PERIOD / MS;

	return age_ms / STALE_AFTER >= ms;
}

struct moment *moment_new(void)
{
	struct moment *m = xcalloc(1, sizeof(*m));

	m->refs = 1;
	return m;
}

struct moment *moment_ref(struct moment *m)
{
	if (m)
		__atomic_add_fetch(&m->refs, 1, __ATOMIC_RELAXED);
	return m;
}

static void drop_series(struct moment *m)
{
	for (uint32_t i = 0; i < m->n_series; i++)
		frame_unref(m->series[i]);
	free(m->series);
	m->series = NULL;
	m->n_series = 0;
	*m->series_host = '\0';
}

void moment_unref(struct moment *m)
{
	if (!m || __atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL))
		return;
	for (uint32_t i = 0; i < m->n; i++) {
		frame_unref(m->hosts[i].now);
		frame_unref(m->hosts[i].before);
		frame_unref(m->hosts[i].notes);
	}
	free(m->hosts);
	drop_series(m);
	free(m);
}

/* What nobody told of a host, from its frame. */
static void about_from_frame(struct feed_host *about, const struct frame *f, uint64_t now_wall_ns)
{
	struct frame_head head;
	uint64_t age_ns = now_wall_ns > f->wall_ns ? now_wall_ns - f->wall_ns : 0;

	*about = (struct feed_host){0};
	if (frame_head_decode(&head, f->bytes, f->size)) {
		/* Frames are looked at when they arrive; one that lies is shown as such. */
		strcpy(about->host_id, UNKNOWN_HOST);
		strcpy(about->host_name, UNKNOWN_HOST);
		return;
	}
	memcpy(about->host_id, head.host_id, sizeof(about->host_id));
	memcpy(about->host_name, head.host_name, sizeof(about->host_name));
	memcpy(about->version, head.version, sizeof(about->version));
	about->interval_ns = head.interval_ns;
	about->age_ms = age_ns / MS;
	about->stale = moment_is_stale(about->age_ms, head.interval_ns);
}

void moment_add(struct moment *m, const struct feed_host *about, struct frame *now,
		struct frame *before, uint64_t now_wall_ns)
{
	struct moment_host *h;
	uint64_t wall_ns;

	/* Room is doubled at the powers of two. */
	if (m->n < FIRST_ROOM ? !m->hosts : !(m->n & (m->n - 1)))
		m->hosts = xrealloc(m->hosts, m->n < FIRST_ROOM ? FIRST_ROOM : 2 * (size_t)m->n,
				    sizeof(*m->hosts));
	h = &m->hosts[m->n++];
	*h = (struct moment_host){.now = frame_ref(now)};
	if (before)
		h->before = frame_ref(before);
	h->told = about != NULL;
	if (about)
		h->about = *about;
	else
		about_from_frame(&h->about, now, now_wall_ns);
	wall_ns = now->wall_ns;
	/* One host whose clock is wrong does not say what time it is. */
	if (about && llabs(about->skew_ms) > CLOCK_WRONG_MS)
		wall_ns -= (uint64_t)(about->skew_ms * (int64_t)MS);
	if (wall_ns > m->wall_ns)
		m->wall_ns = wall_ns;
}

void moment_note(struct moment *m, struct frame *notes)
{
	m->hosts[m->n - 1].notes = frame_ref(notes);
}

static int by_name(const void *a, const void *b)
{
	const struct feed_host *x = &((const struct moment_host *)a)->about;
	const struct feed_host *y = &((const struct moment_host *)b)->about;
	int r = strcmp(x->host_name, y->host_name);

	return r ? r : strcmp(x->host_id, y->host_id);
}

void moment_sort(struct moment *m)
{
	if (m->n)
		qsort(m->hosts, m->n, sizeof(*m->hosts), by_name);
}

void moment_series(struct moment *m, const char *host_id, struct frame *const *frames, uint32_t n)
{
	size_t id_n = strnlen(host_id, HOST_ID_MAX);

	drop_series(m);
	memcpy(m->series_host, host_id, id_n);
	m->series_host[id_n] = '\0';
	if (!n)
		return;
	m->series = xcalloc(n, sizeof(struct frame *));
	m->n_series = n;
	for (uint32_t i = 0; i < n; i++)
		m->series[i] = frame_ref(frames[i]);
}
