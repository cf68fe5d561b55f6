/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DELIVERY_H
#define PROXTOP_DELIVERY_H

/*
 * Which frame goes to which output next, what is wanted of a sender, and what is
 * committed.
 *
 * A stream is one epoch of one host: frames numbered without gaps.  Each output has its
 * own position in each stream.  An output whose queue is full stays behind and holds
 * nobody: once it has room the sender is asked to go back, and who is ahead ignores what
 * it has.  Live frames and frames for those behind take turns, so that neither starves.
 *
 * committed = the least position that every required output has done.  Left out are
 * outputs marked required=no and those dead for longer than they may be.  What a
 * target's interval thins counts as done once everything before it is.
 *
 * Knows neither hosts nor outputs (a target is a function), neither locks nor time: a
 * stream is guarded by its owner (the host's lock); what concerns a whole target
 * (room, left out) may be said from any thread.  A frame is owned by count: the latest
 * one taken for a target is kept as the base of its next rate.
 */
#include "frame.h"

#include <stdbool.h>

#define DELIVERY_TARGETS_MAX 32u

struct delivery;        /* the targets */
struct delivery_stream; /* the positions in one stream */

struct delivery_item {
	struct frame *before; /* base of the rates, NULL when there is none */
	struct frame *now;
	uint32_t stream, host; /* the numbers given to delivery_stream_new() */
};

struct delivery_target {
	uint64_t interval_ns; /* 0: every frame, else one for each of these of wall time */
	bool required;
	/* Takes references of its own; false: full, and delivery_room() will be said. */
	bool (*put)(void *arg, const struct delivery_item *item);
	void *arg;
};

struct delivery *delivery_new(void);
void delivery_free(struct delivery *d); /* NULL is fine; after all of its streams */

/* All targets come before the first stream.  Returns the target's number, or -ENOSPC. */
int delivery_add(struct delivery *d, const struct delivery_target *t);

/* The target, which had been full, has room again. */
void delivery_room(struct delivery *d, unsigned target);
/* Leaves a required target out of what is committed, or takes it back in. */
void delivery_leave_out(struct delivery *d, unsigned target, bool out);
bool delivery_left_out(const struct delivery *d, unsigned target); /* also: not required */

/* What the sender says it has; committed <= newest, oldest <= newest + 1. */
struct delivery_sender {
	uint64_t oldest;    /* the first sequence it still has; newest + 1: none */
	uint64_t newest;    /* the last one it has made; 0: none */
	uint64_t committed; /* what it was told is committed; 0: nothing */
};

/* Nothing is known but the stream's number, and its host's. */
struct delivery_stream *delivery_stream_new(const struct delivery *d, uint32_t number,
					    uint32_t host);
void delivery_stream_free(struct delivery_stream *st); /* NULL is fine */

/*
 * Before each request's frames: passes over what nobody can send any more.  Returns how
 * many frames of the stream were lost by that (committed by nobody, delivered to no
 * target).  What was committed to another receiver is not lost.
 */
uint64_t delivery_sender_has(struct delivery_stream *st, const struct delivery_sender *s);

/* Is a frame of this sequence of use to anybody?  Cheap: asked before it is decoded. */
bool delivery_wants(const struct delivery *d, const struct delivery_stream *st, uint64_t sequence);

/* Takes the frame that delivery_wants(); f->sequence > delivery_top() + 1 is refused with
 * false.  True in *ret_fresh: it is the stream's newest now (the base may be one). */
bool delivery_take(struct delivery *d, struct delivery_stream *st, struct frame *f,
		   bool *ret_fresh);

/* The frame of this sequence, wanted now, is of no use to anybody: nobody waits for it. */
void delivery_pass_over(struct delivery_stream *st, uint64_t sequence);

/* The target has done all items of the stream up to this one. */
void delivery_done(struct delivery_stream *st, unsigned target, uint64_t sequence);

/* The last sequence received in order; 0: none. */
uint64_t delivery_top(const struct delivery_stream *st);

/* The sequence that is wanted of the sender now; changes whose turn it is. */
uint64_t delivery_next(const struct delivery *d, struct delivery_stream *st,
		       const struct delivery_sender *s);
/* Never goes back. */
uint64_t delivery_committed(const struct delivery *d, struct delivery_stream *st);
/* The same for a stream that is not known (st NULL) or may not be changed. */
uint64_t delivery_peek_next(const struct delivery_stream *st, const struct delivery_sender *s);

/* Does a target still have items of it in hand? */
bool delivery_busy(const struct delivery_stream *st);
/* Frames that the target was never given because nobody had them any more. */
uint64_t delivery_missed(const struct delivery_stream *st, unsigned target);
/* The same of all streams together, also of those that are forgotten; from any thread. */
uint64_t delivery_missed_all(const struct delivery *d, unsigned target);
/* How far the target is: everything up to here is done. */
uint64_t delivery_position(const struct delivery_stream *st, unsigned target);

#endif
