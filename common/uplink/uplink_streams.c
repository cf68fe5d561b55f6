/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink_state.h"

#include "clock.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POLL_CLOSE_NS  (20 * MS)
#define EPOCHS_AT_ONCE 64u /* of one source; the rest when these are committed */

struct uplink_streams *streams_new(const struct uplink_options *o)
{
	struct uplink_streams *s = xcalloc(1, sizeof(*s));

	s->o = *o;
	return s;
}

void streams_drop_request(struct uplink_streams *s)
{
	for (size_t i = 0; i < s->n_frames; i++)
		frame_unref(s->frames[i]);
	s->n_frames = 0;
	s->n = 0;
	s->load = (struct streams_load){0};
}

static void set_origin(struct origin *o, struct spool *spool)
{
	if (o->spool == spool) {
		spool_close(spool); /* one reference is enough */
		return;
	}
	spool_close(o->spool);
	free(o->streams);
	*o = (struct origin){.spool = spool};
}

void streams_free(struct uplink_streams *s)
{
	streams_drop_request(s);
	for (uint32_t i = 0; i < s->n_origins; i++)
		set_origin(&s->origins[i], NULL);
	free(s->origins);
	free(s->request);
	free(s->asked);
	free(s->frames);
	free(s->bytes);
	free(s);
}

void streams_forget(struct uplink_streams *s)
{
	for (uint32_t i = 0; i < s->n_origins; i++)
		for (unsigned k = 0; k < s->origins[i].n; k++) {
			s->origins[i].streams[k].known = false;
			s->origins[i].streams[k].hold_ns = 0;
			s->origins[i].streams[k].poll_due_ns = 0;
		}
}

struct streams_load streams_load(const struct uplink_streams *s)
{
	return s->load;
}

/* ---- building ---- */

struct stream *streams_of(struct origin *o, uint64_t epoch)
{
	for (unsigned i = 0; i < o->n; i++)
		if (o->streams[i].epoch == epoch)
			return &o->streams[i];
	o->streams = xrealloc(o->streams, o->n + 1, sizeof(*o->streams));
	o->streams[o->n] = (struct stream){.epoch = epoch, .poll_ns = POLL_LEAST_NS};
	return &o->streams[o->n++];
}

static void forget_gone(struct origin *o)
{
	unsigned n = 0;

	for (unsigned i = 0; i < o->n; i++)
		if (o->streams[i].seen)
			o->streams[n++] = o->streams[i];
	o->n = n;
	for (unsigned i = 0; i < n; i++)
		o->streams[i].seen = false;
}

static void sooner(uint64_t *due, uint64_t at)
{
	if (at < *due)
		*due = at;
}

struct build {
	struct uplink_streams *s;
	const struct streams_want *want;
	struct uplink_source source;
	uint32_t origin;
	uint64_t lost_epochs, wall_ns, due;
	size_t left; /* bytes of frames */
};

static void make_room(struct uplink_streams *s, size_t frames)
{
	if (s->n == s->room) {
		s->room = s->room ? s->room * 2 : 2;
		s->request = xrealloc(s->request, s->room, sizeof(*s->request));
		s->asked = xrealloc(s->asked, s->room, sizeof(*s->asked));
	}
	if (s->n_frames + frames > s->room_frames) {
		s->room_frames = s->n_frames + frames + 16;
		s->frames = xrealloc(s->frames, s->room_frames, sizeof(struct frame *));
		s->bytes = xrealloc(s->bytes, s->room_frames, sizeof(*s->bytes));
	}
}

/* Adds up to n frames from st->next on; state becomes what it is at that moment. */
static unsigned add_frames(struct build *b, struct stream *st, struct spool_state *state,
			   unsigned most)
{
	struct uplink_streams *s = b->s;
	struct frame **at = s->frames + s->n_frames;
	unsigned n = spool_get(b->source.spool, st->epoch, st->next, at, most, b->left, state);

	for (unsigned i = 0; i < n; i++) {
		s->bytes[s->n_frames + i] = (struct message_bytes){at[i]->bytes, at[i]->size};
		s->load.bytes += at[i]->size;
		b->left -= at[i]->size < b->left ? at[i]->size : b->left;
		s->load.repeated += at[i]->sequence <= st->sent;
	}
	if (n && at[n - 1]->sequence > st->sent)
		st->sent = at[n - 1]->sequence;
	s->load.frames += n;
	s->n_frames += n;
	return n;
}

static void add_stream(struct build *b, struct stream *st, struct spool_state *state, bool frames)
{
	struct uplink_streams *s = b->s;
	uint64_t waiting = frames ? state->newest - st->next + 1 : 0;
	unsigned most = waiting > MESSAGE_FRAMES_MAX ? MESSAGE_FRAMES_MAX : (unsigned)waiting, n;
	size_t frame;
	struct uplink_stream *r;

	make_room(s, most);
	frame = s->n_frames;
	n = most ? add_frames(b, st, state, most) : 0;
	r = &s->request[s->n];
	*r = (struct uplink_stream){
		.epoch = state->epoch,
		.sender = b->source.sender,
		.oldest = state->oldest,
		.newest = state->newest,
		.committed = state->committed,
		.lost = state->lost,
		.lost_epochs = b->lost_epochs,
		.spool_bytes = state->bytes,
		.interval_ns = state->interval_ns,
		.wall_ns = b->source.wall_ns ? b->source.wall_ns : b->wall_ns,
		.ended = state->ended,
		.first = n           ? s->frames[frame]->sequence
			 : st->known ? st->next
				     : 0,
		.n_frames = n,
	};
	memcpy(r->host_id, state->host_id, sizeof(r->host_id));
	memcpy(r->host_name, state->host_name, sizeof(r->host_name));
	memcpy(r->version, state->version, sizeof(r->version));
	s->asked[s->n++] = (struct asked){b->origin, state->epoch, state->newest, frame,
					  state->ended && !state->frames};
}

/* When all is over soon, it is asked more often. */
static uint64_t poll_due(const struct build *b, const struct stream *st)
{
	uint64_t soon = st->answered_ns + POLL_CLOSE_NS;

	return b->want->closing && soon < st->poll_due_ns ? soon : st->poll_due_ns;
}

/* What is to be said of one epoch now, if anything. */
static void visit(struct build *b, struct origin *o, struct spool_state *state)
{
	struct stream *st = streams_of(o, state->epoch);
	uint64_t now = b->want->now_ns;
	bool owes, frames;

	st->seen = true;
	if (!*state->host_id || b->s->n == MESSAGE_STREAMS_MAX)
		return;
	if (st->known && st->next > state->newest + 1)
		st->next = state->newest + 1;
	owes = state->committed < state->newest;
	frames = st->known && !b->want->hello && state->frames && st->next <= state->newest;
	if (frames && st->hold_ns > now) {
		sooner(&b->due, st->hold_ns);
		frames = false;
	}
	if (frames && !b->left) {
		b->due = now;
		frames = false;
	}
	if (!frames && st->known && !owes)
		return;
	if (!frames && !b->want->hello && poll_due(b, st) > now) {
		sooner(&b->due, poll_due(b, st));
		return;
	}
	add_stream(b, st, state, frames);
}

static bool build_origin(struct build *b, uint32_t i)
{
	struct uplink_streams *s = b->s;
	struct spool_state states[EPOCHS_AT_ONCE];
	struct spool_stats stats;
	struct origin *o;
	unsigned n;

	b->source = (struct uplink_source){0};
	if (!s->o.source(s->o.arg, i, &b->source))
		return false;
	if (i >= s->n_origins) {
		s->origins = xrealloc(s->origins, i + 1, sizeof(*s->origins));
		for (uint32_t k = s->n_origins; k <= i; k++)
			s->origins[k] = (struct origin){0};
		s->n_origins = i + 1;
	}
	o = &s->origins[i];
	set_origin(o, b->source.spool);
	if (!o->spool)
		return true;
	n = spool_states(o->spool, states, EPOCHS_AT_ONCE);
	if (n > EPOCHS_AT_ONCE)
		n = EPOCHS_AT_ONCE;
	spool_stats(o->spool, &stats);
	b->lost_epochs = stats.lost_epochs;
	b->origin = i;
	for (unsigned k = 0; k < n; k++)
		visit(b, o, &states[k]);
	forget_gone(o);
	return true;
}

bool streams_build(struct uplink_streams *s, const struct streams_want *want,
		   struct uplink_request *ret, uint64_t *ret_due)
{
	struct build b = {.s = s,
			  .want = want,
			  .wall_ns = clock_wall_ns(),
			  .due = UINT64_MAX,
			  .left = want->batch};
	uint32_t i, n;

	streams_drop_request(s);
	for (i = s->start; build_origin(&b, i); i++)
		;
	n = i;
	for (i = 0; i < s->start && i < n; i++)
		build_origin(&b, i);
	for (i = n; i < s->n_origins; i++)
		set_origin(&s->origins[i], NULL);
	/* When not all fitted in, the next request begins with the last one's origin. */
	s->start = b.left || !s->n ? 0 : s->asked[s->n - 1].origin;
	for (uint32_t k = 0; k < s->n; k++)
		s->request[k].frames = s->bytes + s->asked[k].frame;
	*ret = (struct uplink_request){.n_streams = s->n, .streams = s->request};
	*ret_due = b.due;
	return s->n;
}

bool streams_done(struct uplink_streams *s)
{
	for (uint32_t i = 0; i < s->n_origins; i++) {
		struct spool_stats stats;

		if (!s->origins[i].spool)
			continue;
		spool_stats(s->origins[i].spool, &stats);
		if (stats.uncommitted)
			return false;
	}
	return true;
}
