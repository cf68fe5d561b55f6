/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_notes.h"

#include "xalloc.h"

#include <pthread.h>
#include <stdlib.h>

struct profile_notes {
	struct sample *sample; /* of the one thread */
	struct buf out;
	pthread_mutex_t lock;
	unsigned max_hosts;
	struct frame **host; /* by number */
};

void profile_note(struct sample *to, uint32_t row, const struct profiler_opinion *o)
{
	if (o->learning) {
		sample_set_text(to, SCOPE_VM, row, M_ANOMALY_WHY, "learning");
		return;
	}
	sample_set(to, SCOPE_VM, row, M_ANOMALY, o->percent);
	sample_set(to, SCOPE_VM, row, M_ANOMALY_ALARM, o->alarm);
	if (o->alarm)
		sample_set_text(to, SCOPE_VM, row, M_ANOMALY_WHY, o->why);
}

struct profile_notes *profile_notes_new(unsigned max_hosts)
{
	struct profile_notes *n = xcalloc(1, sizeof(*n));

	n->sample = sample_new();
	buf_init(&n->out, FRAME_MAX);
	pthread_mutex_init(&n->lock, NULL);
	n->max_hosts = max_hosts;
	n->host = xcalloc(max_hosts, sizeof(struct frame *));
	return n;
}

void profile_notes_free(struct profile_notes *n)
{
	if (!n)
		return;
	for (unsigned i = 0; i < n->max_hosts; i++)
		frame_unref(n->host[i]);
	free(n->host);
	pthread_mutex_destroy(&n->lock);
	buf_fini(&n->out);
	sample_free(n->sample);
	free(n);
}

void profile_notes_begin(struct profile_notes *n)
{
	sample_clear(n->sample);
}

void profile_notes_add(struct profile_notes *n, uint64_t vm_id, const struct profiler_opinion *o)
{
	uint32_t row = sample_row(n->sample, SCOPE_VM, NO_ROW, vm_id);

	if (row != NO_ROW)
		profile_note(n->sample, row, o);
}

static void set(struct profile_notes *n, uint32_t host, struct frame *f)
{
	struct frame *before;

	pthread_mutex_lock(&n->lock);
	before = n->host[host];
	n->host[host] = f;
	pthread_mutex_unlock(&n->lock);
	frame_unref(before);
}

void profile_notes_keep(struct profile_notes *n, uint32_t host, const struct frame_head *head)
{
	struct frame *f = NULL;

	buf_clear(&n->out);
	if (n->sample->table[SCOPE_VM].rows && !frame_encode(&n->out, head, n->sample))
		f = frame_new(head, n->out.data, n->out.used);
	set(n, host, f);
}

struct frame *profile_notes_get(struct profile_notes *n, uint32_t host)
{
	struct frame *f = NULL;

	pthread_mutex_lock(&n->lock);
	if (host < n->max_hosts && n->host[host])
		f = frame_ref(n->host[host]);
	pthread_mutex_unlock(&n->lock);
	return f;
}

void profile_notes_forget(struct profile_notes *n, uint32_t host)
{
	set(n, host, NULL);
}
