/* SPDX-License-Identifier: Apache-2.0 */
#include "senders.h"

#include "aggregator_clock.h"

#include <stdio.h>

/* So many messages that look late are not late: that clock is slow. */
#define LATE_MAX 3u

static bool silent(const struct sender *s, uint64_t now_ns, uint64_t silent_ns)
{
	return !s->number || clock_since(now_ns, s->heard_ns) >= silent_ns;
}

static void hear(struct sender *s, const char *name, uint64_t epoch, uint64_t wall_ns,
		 uint64_t now_ns)
{
	snprintf(s->name, sizeof(s->name), "%s", name);
	if (epoch > s->epoch)
		s->epoch = epoch;
	if (wall_ns > s->wall_ns)
		s->wall_ns = wall_ns;
	s->heard_ns = now_ns;
}

static void meet(struct sender *s, uint64_t number, const char *name, uint64_t epoch,
		 uint64_t wall_ns, uint64_t now_ns)
{
	*s = (struct sender){
		.number = number, .first_ns = now_ns, .first_wall_ns = wall_ns, .wall_ns = wall_ns};
	hear(s, name, epoch, wall_ns, now_ns);
}

static void swap(struct senders *s)
{
	struct sender was = s->now;

	s->now = s->other;
	s->other = was;
	s->other.late = 0;
}

/* Each has spoken after the other one had come, and neither has been silent since. */
static enum sender_verdict settle(struct senders *s, bool from_other, uint64_t now_ns,
				  uint64_t silent_ns)
{
	if (silent(from_other ? &s->now : &s->other, now_ns, silent_ns)) {
		s->conflict = false;
		if (from_other)
			swap(s);
		return SENDER_LIVE;
	}
	if (s->now.heard_ns > s->other.first_ns && s->other.heard_ns > s->now.first_ns)
		s->conflict = true;
	if (s->conflict)
		return SENDER_CONFLICT;
	return from_other ? SENDER_WAITS : SENDER_LIVE;
}

static enum sender_verdict hear_other(struct senders *s, const char *name, uint64_t epoch,
				      uint64_t wall_ns, uint64_t now_ns, uint64_t silent_ns)
{
	struct sender *o = &s->other;
	/* It was replaced: what it said before that may still arrive. */
	bool replaced = o->first_ns < s->now.first_ns;

	if (wall_ns <= o->wall_ns)
		return SENDER_OLD;
	if (replaced && !s->conflict && wall_ns <= s->now.first_wall_ns && o->late < LATE_MAX) {
		o->late++;
		o->wall_ns = wall_ns;
		return SENDER_OLD;
	}
	hear(o, name, epoch, wall_ns, now_ns);
	return settle(s, true, now_ns, silent_ns);
}

enum sender_verdict senders_hear(struct senders *s, uint64_t number, const char *name,
				 uint64_t epoch, uint64_t wall_ns, uint64_t now_ns,
				 uint64_t silent_ns)
{
	if (!s->now.number) {
		meet(&s->now, number, name, epoch, wall_ns, now_ns);
		return SENDER_LIVE;
	}
	if (number == s->now.number) {
		/* Alone, its clock may do as it likes. */
		if (wall_ns <= s->now.wall_ns && !silent(&s->other, now_ns, silent_ns))
			return SENDER_OLD;
		hear(&s->now, name, epoch, wall_ns, now_ns);
		return s->other.number ? settle(s, false, now_ns, silent_ns) : SENDER_LIVE;
	}
	if (number == s->other.number)
		return hear_other(s, name, epoch, wall_ns, now_ns, silent_ns);

	if (s->conflict && !silent(&s->now, now_ns, silent_ns) &&
	    !silent(&s->other, now_ns, silent_ns))
		return SENDER_CONFLICT; /* a third one */
	s->conflict = false;
	if (epoch > s->now.epoch || silent(&s->now, now_ns, silent_ns)) {
		s->other = s->now;
		s->other.late = 0;
		meet(&s->now, number, name, epoch, wall_ns, now_ns);
		return SENDER_LIVE;
	}
	meet(&s->other, number, name, epoch, wall_ns, now_ns);
	return SENDER_WAITS;
}
