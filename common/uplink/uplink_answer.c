/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink_state.h"

#include <string.h>

#define STALL_LEAST (50 * MS) /* the receiver took nothing of what it was given */
#define STALL_MOST  (2000 * MS)
#define ERROR_NS    (2000 * MS) /* it complained */
#define NO_ACK_NS   (500 * MS)  /* it said nothing of this stream */

/* The acks come in the order they were asked for, as a rule. */
static const struct uplink_ack *find_ack(const struct uplink_reply *reply, uint32_t hint,
					 const struct uplink_stream *r)
{
	for (uint32_t i = 0; i < reply->n_acks; i++) {
		const struct uplink_ack *a = &reply->acks[(hint + i) % reply->n_acks];

		if (a->epoch == r->epoch && !strcmp(a->host_id, r->host_id))
			return a;
	}
	return NULL;
}

static void take_ack(struct stream *st, const struct uplink_stream *r, const struct asked *asked,
		     const struct uplink_ack *ack, uint64_t now)
{
	bool stuck = r->n_frames && ack->next <= r->first;

	st->next = ack->next < 1 ? 1 : ack->next;
	if (st->next > asked->newest + 1)
		st->next = asked->newest + 1;
	st->known = true;
	st->answered_ns = now;
	st->hold_ns = 0;
	if (*ack->error) {
		st->hold_ns = now + ERROR_NS;
	} else if (stuck) {
		st->stall_ns = st->stall_ns ? st->stall_ns * 2 : STALL_LEAST;
		if (st->stall_ns > STALL_MOST)
			st->stall_ns = STALL_MOST;
		st->hold_ns = now + st->stall_ns;
	} else {
		st->stall_ns = 0;
	}
	if (ack->committed > st->committed)
		st->poll_ns = POLL_LEAST_NS;
	else if (st->poll_ns < POLL_MOST_NS)
		st->poll_ns += st->poll_ns / 2;
	st->committed = ack->committed;
	st->poll_due_ns = now + (*ack->error ? ERROR_NS : st->poll_ns);
}

void streams_answer(struct uplink_streams *s, const struct uplink_reply *reply, bool applied,
		    uint64_t now_ns, const char **ret_error)
{
	*ret_error = NULL;
	for (uint32_t i = 0; i < s->n; i++) {
		const struct asked *asked = &s->asked[i];
		const struct uplink_ack *ack = find_ack(reply, i, &s->request[i]);
		struct origin *o = &s->origins[asked->origin];
		struct stream *st = streams_of(o, asked->epoch);

		if (!ack) {
			/* It says nothing of this one: ask again, but not at once. */
			st->hold_ns = st->poll_due_ns = now_ns + NO_ACK_NS;
			continue;
		}
		if (*ack->error && !*ret_error)
			*ret_error = ack->error;
		take_ack(st, &s->request[i], asked, ack, now_ns);
		/* A run of which nothing is left has told what it had to tell. */
		if (applied && asked->nothing && !*ack->error && ack->next > asked->newest)
			spool_commit(o->spool, asked->epoch, asked->newest);
		else if (ack->committed)
			spool_commit(o->spool, asked->epoch,
				     ack->committed < asked->newest ? ack->committed
								    : asked->newest);
	}
	streams_drop_request(s);
}
