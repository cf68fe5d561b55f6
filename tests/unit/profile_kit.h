/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROFILE_KIT_H
#define PROXTOP_PROFILE_KIT_H

/* Random numbers that are the same everywhere, random settings, sums of counts. */
#include "periods.h"
#include "phases.h"
#include "profile.h"

#include <math.h>
#include <stdio.h>

/* xorshift64*; x is not 0. */
static inline double kit_random(uint64_t *x)
{
	*x ^= *x >> 12;
	*x ^= *x << 25;
	*x ^= *x >> 27;
	return (double)((*x * 0x2545F4914F6CDD1Dull) >> 11) / 9007199254740992.0;
}

static inline unsigned kit_below(uint64_t *x, unsigned n)
{
	return (unsigned)(kit_random(x) * n);
}

static inline struct profile_settings kit_settings(unsigned states, unsigned metrics)
{
	struct profile_settings s = {
		.markov = {.states = states, .history = 1, .buffersize = 1, .fixed = true},
		.n_metrics = metrics};

	for (unsigned i = 0; i < metrics; i++) {
		snprintf(s.metric[i].name, sizeof(s.metric[i].name), "m%u", i);
		s.metric[i].high = 100;
	}
	return s;
}

static inline struct profile_settings kit_random_settings(uint64_t *x)
{
	struct profile_settings s = kit_settings(2 + kit_below(x, 6), 1 + kit_below(x, 3));

	s.markov.history = 1 + kit_below(x, 3);
	s.markov.buffersize = 1 + kit_below(x, 3) * kit_below(x, 2);
	s.markov.fixed = kit_below(x, 2);
	s.n_periods = kit_below(x, 4);
	for (unsigned i = 0; i < s.n_periods; i++)
		s.period[i] = 1 + kit_below(x, 5);
	s.phase_likeliness = kit_below(x, 2) ? 0.1 + 0.9 * kit_random(x) : 0;
	s.phase_history = 1 + kit_below(x, 20);
	return s;
}

/* Sum of the cells of contexts of length h. */
static inline uint64_t kit_total(const struct markov_counts *c, const struct markov_settings *s,
				 unsigned h)
{
	uint64_t n = 0;
	uint32_t cells = s->states;

	for (unsigned i = 0; i < h; i++)
		cells *= s->states;
	for (uint32_t i = 0; i < cells; i++)
		n += markov_row(c, s, h, 0)[i];
	return n;
}

/* A chain's next state, by the row of its matrix. */
static inline unsigned kit_next(uint64_t *x, const double *row, unsigned states)
{
	double u = kit_random(x);
	unsigned to = 0;

	while (to < states - 1 && u >= row[to])
		u -= row[to++];
	return to;
}

/* All matrices of states x states as likely as each other. */
static inline void kit_random_chain(uint64_t *x, double *chain, unsigned states)
{
	for (unsigned i = 0; i < states; i++) {
		double sum = 0;

		for (unsigned j = 0; j < states; j++)
			sum += chain[i * states + j] = -log(1 - kit_random(x));
		for (unsigned j = 0; j < states; j++)
			chain[i * states + j] /= sum;
	}
}

#endif
