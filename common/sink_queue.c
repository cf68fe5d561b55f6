/* SPDX-License-Identifier: Apache-2.0 */
#include "sink_queue.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

struct sink_record {
	struct sink_record *next;
	size_t size;
	uint64_t end; /* flying: where in this connection's bytes it ends */
	char data[];
};

static void append(struct sink_list *l, struct sink_record *r)
{
	r->next = NULL;
	if (l->last)
		l->last->next = r;
	else
		l->first = r;
	l->last = r;
}

static struct sink_record *take(struct sink_list *l)
{
	struct sink_record *r = l->first;

	if (!r)
		return NULL;
	l->first = r->next;
	if (!l->first)
		l->last = NULL;
	return r;
}

static void prepend(struct sink_list *l, struct sink_record *r)
{
	r->next = l->first;
	l->first = r;
	if (!l->last)
		l->last = r;
}

static void discard(struct sink_queue *q, struct sink_record *r)
{
	q->bytes -= r->size;
	q->n--;
	free(r);
}

void sink_queue_init(struct sink_queue *q, size_t bytes_max, unsigned n_max)
{
	*q = (struct sink_queue){.bytes_max = bytes_max, .n_max = n_max};
}

struct sink_record *sink_record_new(const char *data, size_t n)
{
	struct sink_record *r = xrealloc(NULL, sizeof(*r) + n, 1);

	*r = (struct sink_record){.size = n};
	memcpy(r->data, data, n);
	return r;
}

static int fits(const struct sink_queue *q, size_t size, size_t less_bytes, unsigned less_n)
{
	return q->bytes - less_bytes + size <= q->bytes_max && q->n - less_n < q->n_max;
}

unsigned sink_queue_push(struct sink_queue *q, struct sink_record *r, int *refused)
{
	size_t bytes = 0;
	unsigned n = 0;
	const struct sink_record *w = q->waiting.first;

	/* First see, so that nothing goes for a record that does not fit anyway. */
	for (; w && !fits(q, r->size, bytes, n); w = w->next) {
		bytes += w->size;
		n++;
	}
	*refused = !fits(q, r->size, bytes, n);
	if (*refused) {
		free(r);
		return 1;
	}
	for (unsigned i = 0; i < n; i++)
		discard(q, take(&q->waiting));
	q->bytes += r->size;
	q->n++;
	append(&q->waiting, r);
	return n;
}

size_t sink_queue_next(struct sink_queue *q, const char **ret_data)
{
	if (!q->current)
		q->current = take(&q->waiting);
	if (!q->current)
		return 0;
	*ret_data = q->current->data + q->current_sent;
	return q->current->size - q->current_sent;
}

void sink_queue_sent(struct sink_queue *q, size_t n)
{
	struct sink_record *r = q->current;

	q->written += n;
	q->current_sent += n;
	if (q->current_sent < r->size)
		return;
	r->end = q->written;
	append(&q->flying, r);
	q->current = NULL;
	q->current_sent = 0;
}

void sink_queue_acked(struct sink_queue *q, uint64_t unacked, void (*done)(void *arg, size_t n),
		      void *arg)
{
	uint64_t arrived = unacked < q->written ? q->written - unacked : 0;

	while (q->flying.first && q->flying.first->end <= arrived) {
		struct sink_record *r = take(&q->flying);

		done(arg, r->size);
		discard(q, r);
	}
}

void sink_queue_rewind(struct sink_queue *q)
{
	if (q->current)
		prepend(&q->waiting, q->current);
	q->current = NULL;
	q->current_sent = 0;
	q->written = 0;
	if (q->flying.last) {
		q->flying.last->next = q->waiting.first;
		if (!q->waiting.last)
			q->waiting.last = q->flying.last;
		q->waiting.first = q->flying.first;
		q->flying = (struct sink_list){NULL, NULL};
	}
}

void sink_queue_clear(struct sink_queue *q)
{
	struct sink_record *r;

	sink_queue_rewind(q);
	while ((r = take(&q->waiting)))
		discard(q, r);
}
