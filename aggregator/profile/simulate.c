/* SPDX-License-Identifier: Apache-2.0 */
#include "simulate.h"
#include "capacity.h"

#include <string.h>

static uint64_t splitmix(uint64_t *x)
{
	uint64_t z = *x += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

static uint64_t rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static uint64_t next_random(uint64_t *x)
{
	uint64_t ret = rotate(x[1] * 5, 7) * 9, t = x[1] << 17;

	x[2] ^= x[0];
	x[3] ^= x[1];
	x[1] ^= x[2];
	x[0] ^= x[3];
	x[2] ^= t;
	x[3] = rotate(x[3], 45);
	return ret;
}

/* Each of 0 .. n - 1 as likely as the others; n > 0. */
static uint64_t below(uint64_t *x, uint64_t n)
{
	uint64_t rest = -n % n, r; /* 2^64 mod n */

	do
		r = next_random(x);
	while (r < rest);
	return r % n;
}

bool simulate_init(struct simulate *sim, const struct markov *m, const struct markov_settings *s,
		   uint64_t seed)
{
	memset(sim, 0, sizeof(*sim));
	for (unsigned i = 0; i < 4; i++)
		sim->x[i] = splitmix(&seed);
	sim->length = m->tail_length < s->history ? m->tail_length : (uint8_t)s->history;
	memcpy(sim->tail, m->tail + m->tail_length - sim->length, sim->length);
	return m->range.known && m->counts.transitions > 0;
}

/* By counts; false: there are none. */
static bool draw(struct simulate *sim, const uint64_t *count, unsigned states, unsigned *state)
{
	uint64_t all = 0, at;

	for (unsigned i = 0; i < states; i++)
		all += count[i];
	if (!all)
		return false;
	at = below(sim->x, all);
	for (*state = 0; at >= count[*state]; ++*state)
		at -= count[*state];
	return true;
}

static bool draw_after(struct simulate *sim, const struct markov *m,
		       const struct markov_settings *s, unsigned h, unsigned *state)
{
	uint64_t count[MARKOV_STATES_MAX];
	const uint32_t *row;
	uint32_t context = 0;

	for (unsigned i = sim->length - h; i < sim->length; i++)
		context = context * s->states + sim->tail[i];
	row = markov_row(&m->counts, s, h, context);
	for (unsigned i = 0; i < s->states; i++)
		count[i] = row[i];
	return draw(sim, count, s->states, state);
}

static unsigned draw_state(struct simulate *sim, const struct markov *m,
			   const struct markov_settings *s)
{
	uint64_t count[MARKOV_STATES_MAX] = {0};
	unsigned state = 0;

	for (unsigned h = sim->length; h > 0; h--)
		if (draw_after(sim, m, s, h, &state))
			return state;
	for (unsigned from = 0; from < s->states; from++)
		for (unsigned i = 0; i < s->states; i++)
			count[i] += markov_row(&m->counts, s, 1, from)[i];
	draw(sim, count, s->states, &state);
	return state;
}

unsigned simulate_next(struct simulate *sim, const struct markov *m,
		       const struct markov_settings *s, double *value)
{
	unsigned state = draw_state(sim, m, s);
	double low, high, part;

	if (sim->length == s->history)
		memmove(sim->tail, sim->tail + 1, --sim->length);
	sim->tail[sim->length++] = (uint8_t)state;
	part = (double)(next_random(sim->x) >> 11) / 9007199254740992.0;
	if (value) {
		capacity_bounds(m, s, state, &low, &high);
		*value = low * (1 - part) + high * part;
	}
	return state;
}
