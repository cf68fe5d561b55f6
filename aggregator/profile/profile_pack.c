/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_pack.h"
#include "periods.h"
#include "phases.h"
#include "profile_pack_internal.h"
#include "wire_pack.h"

#include <math.h>

static uint32_t hash(uint32_t h, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 16777619u;
	return h;
}

static uint64_t bits(double v)
{
	uint64_t u;

	memcpy(&u, &v, sizeof(u));
	return u;
}

/* Little-endian, on all machines. */
static uint32_t hash_u64(uint32_t h, uint64_t v)
{
	uint8_t byte[8];

	for (unsigned i = 0; i < 8; i++)
		byte[i] = (uint8_t)(v >> 8 * i);
	return hash(h, byte, sizeof(byte));
}

uint32_t pack_settings_hash(const struct profile_settings *s)
{
	const struct markov_settings *m = &s->markov;
	uint32_t h = 2166136261u;

	h = hash_u64(hash_u64(h, m->states), m->history);
	h = hash_u64(hash_u64(h, m->buffersize), m->fixed);
	h = hash_u64(h, m->filter > 0 ? bits(m->filter) : 0);
	h = hash_u64(h, s->n_metrics);
	for (unsigned i = 0; i < s->n_metrics; i++) {
		h = hash(h, s->metric[i].name, strlen(s->metric[i].name) + 1);
		if (m->fixed)
			h = hash_u64(hash_u64(h, bits(s->metric[i].low)), bits(s->metric[i].high));
	}
	h = hash_u64(h, s->n_periods);
	for (unsigned i = 0; i < s->n_periods; i++)
		h = hash_u64(h, s->period[i]);
	if (s->phase_likeliness > 0)
		h = hash_u64(hash_u64(h, bits(s->phase_likeliness)), s->phase_history);
	return h;
}

static void put_u64(msgpack_packer *pk, uint64_t v)
{
	msgpack_pack_uint64(pk, v);
}

/* Its bits: 0 is one byte. */
static void put_double(msgpack_packer *pk, double v)
{
	put_u64(pk, bits(v));
}

/* Three numbers: twice the exponent and the sign; 128 bits of its fraction, which is as much as
 * any machine has. */
static void put_long(msgpack_packer *pk, long double v)
{
	int exponent;
	long double fraction = ldexpl(frexpl(fabsl(v), &exponent), 64);
	uint64_t high = (uint64_t)fraction;

	msgpack_pack_int64(pk, 2 * (int64_t)exponent + (signbit(v) != 0));
	put_u64(pk, high);
	put_u64(pk, (uint64_t)ldexpl(fraction - (long double)high, 64));
}

/* A count above 0 as it is, so many counts of 0 in a row as a negative number. */
static uint32_t put_cells(msgpack_packer *pk, const uint32_t *cell, size_t n)
{
	uint32_t elements = 0;

	for (size_t i = 0; i < n; elements++) {
		int64_t zeros = 0;

		while (i < n && !cell[i]) {
			zeros++;
			i++;
		}
		if (zeros && pk)
			msgpack_pack_int64(pk, -zeros);
		else if (!zeros && pk)
			put_u64(pk, cell[i]);
		i += !zeros;
	}
	return elements;
}

static void put_counts(msgpack_packer *pk, const struct markov_counts *c,
		       const struct markov_settings *s)
{
	msgpack_pack_array(pk, put_cells(NULL, c->cell, pack_cells(s)));
	put_cells(pk, c->cell, pack_cells(s));
}

static void put_stats(msgpack_packer *pk, const struct markov_stats *s)
{
	put_u64(pk, s->count);
	put_u64(pk, s->filtered);
	put_double(pk, s->min);
	put_double(pk, s->max);
	put_double(pk, s->mean);
	put_long(pk, s->m2);
}

static void put_metric(msgpack_packer *pk, const struct markov *m, const struct markov_settings *s)
{
	msgpack_pack_array(pk, PACK_METRIC);
	put_stats(pk, &m->stats);
	put_u64(pk, m->states_seen);
	put_double(pk, m->least);
	put_double(pk, m->greatest);
	put_double(pk, m->average);
	put_u64(pk, m->pending);
	put_u64(pk, m->values);
	put_long(pk, m->sum);
	wire_pack_bin(pk, m->head, m->head_length);
	wire_pack_bin(pk, m->tail, m->tail_length);
	put_u64(pk, m->broken);
	put_counts(pk, &m->counts, s);
}

static void put_periods(msgpack_packer *pk, const struct periods *p,
			const struct profile_settings *s)
{
	msgpack_pack_array(pk, p ? p->leaves : 0);
	for (uint32_t i = 0; p && i < p->leaves; i++) {
		msgpack_pack_array(pk, p->leaf[i] ? s->n_metrics : 0);
		for (unsigned m = 0; p->leaf[i] && m < s->n_metrics; m++) {
			msgpack_pack_array(pk, PACK_LEAF);
			put_stats(pk, &p->leaf[i][m].stats);
			put_counts(pk, &p->leaf[i][m].counts, &s->markov);
		}
	}
}

static void put_phases(msgpack_packer *pk, const struct phases *p, const struct profile_settings *s)
{
	uint32_t likeliness;

	if (!p) {
		msgpack_pack_array(pk, 0);
		return;
	}
	memcpy(&likeliness, &p->likeliness, sizeof(likeliness));
	msgpack_pack_array(pk, PACK_PHASES);
	put_u64(pk, p->n);
	put_u64(pk, p->current);
	put_u64(pk, p->leaves);
	put_u64(pk, likeliness);
	put_u64(pk, p->settled);
	msgpack_pack_bin(pk, p->ring_used * s->n_metrics);
	for (uint32_t i = 0; i < p->ring_used; i++)
		msgpack_pack_bin_body(pk, phases_column(p, s, i), s->n_metrics);
	msgpack_pack_array(pk, p->n * p->n);
	for (unsigned i = 0; i < p->n * p->n; i++)
		put_u64(pk, p->tx[i]);
	msgpack_pack_array(pk, p->n * s->n_metrics);
	for (unsigned i = 0; i < p->n * s->n_metrics; i++)
		put_counts(pk, &p->counts[i], &s->markov);
}

void profile_pack(struct buf *to, const struct profile *p, const struct profile_settings *s)
{
	msgpack_packer pk;

	wire_pack_init(&pk, to);
	wire_pack_versioned(&pk, PROFILE_PACK_VERSION, PACK_MEMBERS);
	wire_pack_u64(&pk, "settings", pack_settings_hash(s));
	wire_pack_u64(&pk, "ticks", p->ticks);
	wire_pack_str(&pk, "metrics");
	msgpack_pack_array(&pk, s->n_metrics);
	for (unsigned i = 0; i < s->n_metrics; i++)
		put_metric(&pk, &p->metric[i], &s->markov);
	wire_pack_str(&pk, "periods");
	put_periods(&pk, p->periods, s);
	wire_pack_str(&pk, "phases");
	put_phases(&pk, p->phases, s);
}
