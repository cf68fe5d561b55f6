/* SPDX-License-Identifier: Apache-2.0 */
#include "periods.h"
#include "phases.h"
#include "profile_pack.h"
#include "profile_pack_internal.h"
#include "profile_sound.h"
#include "wire_cursor.h"

#include <errno.h>
#include <math.h>

#define EXPONENT_MAX 20000 /* no long double has a larger one */

static uint64_t take_u64(struct wire_cursor *c, uint64_t max)
{
	struct wire_item it;

	if (wire_next(c, &it) && it.type == WIRE_UINT && it.v <= max)
		return it.v;
	wire_fail(c);
	return 0;
}

static double take_double(struct wire_cursor *c)
{
	uint64_t bits = take_u64(c, UINT64_MAX);
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static long double take_long(struct wire_cursor *c)
{
	struct wire_item it;
	int64_t exponent = 0;
	long double v;
	bool negative;

	if (wire_next(c, &it) && (it.type == WIRE_UINT || it.type == WIRE_NEGATIVE))
		exponent = (int64_t)it.v;
	else
		wire_fail(c);
	if (exponent < -2 * EXPONENT_MAX || exponent > 2 * EXPONENT_MAX) {
		wire_fail(c);
		return 0;
	}
	negative = exponent & 1;
	exponent = (exponent - negative) / 2;
	v = ldexpl((long double)take_u64(c, UINT64_MAX), (int)exponent - 64);
	v += ldexpl((long double)take_u64(c, UINT64_MAX), (int)exponent - 128);
	return negative ? -v : v;
}

/* Exactly so many elements. */
static void enter(struct wire_cursor *c, uint32_t n)
{
	if (wire_array(c, n) != n)
		wire_fail(c);
}

/* At most `most` bytes; returns how many. */
static uint32_t take_bytes(struct wire_cursor *c, uint8_t *to, uint32_t most)
{
	struct wire_item it;

	if (!wire_next(c, &it) || it.type != WIRE_BIN || it.n > most) {
		wire_fail(c);
		return 0;
	}
	memcpy(to, it.p, it.n);
	return it.n;
}

static void take_cells(struct wire_cursor *c, uint32_t *cell, size_t cells)
{
	uint32_t n = wire_array(c, (uint32_t)cells);
	struct wire_item it;
	size_t at = 0;

	for (uint32_t i = 0; i < n && wire_next(c, &it); i++) {
		if (it.type == WIRE_UINT && it.v && it.v <= UINT32_MAX && at < cells) {
			cell[at++] = (uint32_t)it.v;
		} else if (it.type == WIRE_NEGATIVE && -it.v <= cells - at) {
			at += -it.v; /* they are 0 */
		} else {
			wire_fail(c);
			return;
		}
	}
	if (at != cells)
		wire_fail(c);
}

static void take_counts(struct wire_cursor *c, struct markov_counts *counts,
			const struct markov_settings *s)
{
	uint64_t sum = 0;

	take_cells(c, counts->cell, pack_cells(s));
	for (unsigned i = 0; i < s->states * s->states; i++)
		sum += counts->cell[i];
	if (sum > UINT32_MAX)
		wire_fail(c);
	else
		counts->transitions = (uint32_t)sum;
}

static void take_stats(struct wire_cursor *c, struct markov_stats *s)
{
	s->count = take_u64(c, INT64_MAX);
	s->filtered = take_u64(c, INT64_MAX);
	s->min = take_double(c);
	s->max = take_double(c);
	s->mean = take_double(c);
	s->m2 = take_long(c);
}

static void take_metric(struct wire_cursor *c, struct markov *m, const struct markov_settings *s)
{
	enter(c, PACK_METRIC);
	take_stats(c, &m->stats);
	m->states_seen = take_u64(c, INT64_MAX);
	m->least = take_double(c);
	m->greatest = take_double(c);
	m->average = take_double(c);
	m->pending = (uint32_t)take_u64(c, UINT32_MAX);
	m->values = (uint32_t)take_u64(c, UINT32_MAX);
	m->sum = take_long(c);
	m->head_length = (uint8_t)take_bytes(c, m->head, sizeof(m->head));
	m->tail_length = (uint8_t)take_bytes(c, m->tail, sizeof(m->tail));
	m->broken = take_u64(c, 1);
	take_counts(c, &m->counts, s);
	if (c->bad || s->fixed || !m->states_seen)
		return;
	if (isfinite(m->least) && isfinite(m->greatest) && m->least <= m->greatest)
		m->range = markov_range_of(m->least, m->greatest, s->states);
}

static void take_periods(struct wire_cursor *c, struct periods *p, const struct profile_settings *s)
{
	enter(c, p ? p->leaves : 0);
	for (uint32_t i = 0; p && i < p->leaves && !c->bad; i++) {
		uint32_t n = wire_array(c, s->n_metrics);

		if (n && n != s->n_metrics)
			wire_fail(c);
		for (unsigned m = 0; m < n && !c->bad; m++) {
			struct period_metric *leaf = periods_leaf(p, s, i);

			enter(c, PACK_LEAF);
			take_stats(c, &leaf[m].stats);
			take_counts(c, &leaf[m].counts, &s->markov);
		}
	}
}

static void take_phases(struct wire_cursor *c, struct phases *p, const struct profile_settings *s)
{
	uint32_t likeliness, bytes;
	unsigned n;

	enter(c, p ? PACK_PHASES : 0);
	if (!p)
		return;
	n = (unsigned)take_u64(c, PROFILE_PHASES_MAX);
	while (p->n < n)
		phases_add(p, s);
	p->current = (uint8_t)take_u64(c, PROFILE_PHASES_MAX - 1);
	p->leaves = (uint32_t)take_u64(c, UINT32_MAX);
	likeliness = (uint32_t)take_u64(c, UINT32_MAX);
	memcpy(&p->likeliness, &likeliness, sizeof(likeliness));
	p->settled = (uint32_t)take_u64(c, UINT32_MAX);
	bytes = take_bytes(c, p->ring, phases_columns(s) * s->n_metrics);
	p->ring_used = bytes / s->n_metrics;
	if (!n || bytes % s->n_metrics ||
	    !(isnan(p->likeliness) || (p->likeliness >= 0 && p->likeliness <= 1)))
		wire_fail(c);
	enter(c, p->n * p->n);
	for (unsigned i = 0; i < p->n * p->n; i++)
		p->tx[i] = take_u64(c, INT64_MAX);
	enter(c, p->n * s->n_metrics);
	for (unsigned i = 0; i < p->n * s->n_metrics && !c->bad; i++)
		take_counts(c, &p->counts[i], &s->markov);
}

static void take_word(struct wire_cursor *c, const char *word)
{
	struct wire_item key;

	if (!wire_key(c, &key) || !wire_is(&key, word))
		wire_fail(c);
}

static bool take_profile(struct wire_cursor *c, struct profile *p, const struct profile_settings *s)
{
	take_word(c, "ticks");
	p->ticks = take_u64(c, INT64_MAX);
	take_word(c, "metrics");
	enter(c, s->n_metrics);
	for (unsigned i = 0; i < s->n_metrics && !c->bad; i++)
		take_metric(c, &p->metric[i], &s->markov);
	take_word(c, "periods");
	take_periods(c, p->periods, s);
	take_word(c, "phases");
	take_phases(c, p->phases, s);
	return wire_done(c) && !profile_unsound(p, s);
}

int profile_unpack(struct profile *ret, const struct profile_settings *s, const void *bytes,
		   size_t n)
{
	struct wire_cursor c;
	uint32_t more = 0;
	int err;

	wire_start(&c, bytes, n);
	err = wire_versioned(&c, PROFILE_PACK_VERSION, &more);
	if (err)
		return err;
	take_word(&c, "settings");
	if (take_u64(&c, UINT32_MAX) != pack_settings_hash(s) && !c.bad)
		return -EINVAL;
	if (c.bad || more != PACK_MEMBERS - 1)
		return -EBADMSG;
	profile_init(ret, s);
	if (take_profile(&c, ret, s))
		return 0;
	profile_fini(ret, s);
	return -EBADMSG;
}
