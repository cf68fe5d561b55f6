/* SPDX-License-Identifier: Apache-2.0 */
#include "markov_counts.h"
#include "xalloc.h"

#include <stdlib.h>

static uint32_t power(uint32_t base, unsigned exponent)
{
	uint32_t p = 1;

	while (exponent--)
		p *= base;
	return p;
}

/* Cells of contexts shorter than h: where those of h begin. */
static size_t cells_before(const struct markov_settings *s, unsigned h)
{
	size_t n = 0;

	for (unsigned i = 1; i < h; i++)
		n += power(s->states, i + 1);
	return n;
}

static size_t cells(const struct markov_settings *s)
{
	return cells_before(s, s->history + 1);
}

size_t markov_counts_size(const struct markov_settings *s)
{
	return cells(s) * sizeof(uint32_t);
}

void markov_counts_init(struct markov_counts *c, const struct markov_settings *s)
{
	c->cell = xcalloc(cells(s), sizeof(*c->cell));
	c->transitions = 0;
}

void markov_counts_fini(struct markov_counts *c)
{
	free(c->cell);
	c->cell = NULL;
}

const uint32_t *markov_row(const struct markov_counts *c, const struct markov_settings *s,
			   unsigned h, uint32_t context)
{
	return c->cell + cells_before(s, h) + (size_t)context * s->states;
}

void markov_counts_step_from(struct markov_counts *c, const struct markov_settings *s,
			     const uint8_t *run, unsigned length, unsigned shortest)
{
	if (length < 2 || (shortest == 1 && c->transitions == UINT32_MAX))
		return;
	for (unsigned h = shortest; h <= s->history && h < length; h++) {
		size_t at = 0;

		for (unsigned i = length - 1 - h; i < length; i++)
			at = at * s->states + run[i];
		c->cell[cells_before(s, h) + at]++;
		if (h == 1)
			c->transitions++;
	}
}

void markov_counts_step(struct markov_counts *c, const struct markov_settings *s,
			const uint8_t *run, unsigned length)
{
	markov_counts_step_from(c, s, run, length, 1);
}

void markov_counts_add(struct markov_counts *c, const struct markov_counts *other,
		       const struct markov_settings *s)
{
	for (size_t i = 0; i < cells(s); i++)
		c->cell[i] += other->cell[i];
	c->transitions += other->transitions;
}

void markov_counts_remap(struct markov_counts *c, const struct markov_settings *s,
			 const uint8_t *map)
{
	uint32_t *grown = xcalloc(cells(s), sizeof(*grown));

	for (unsigned h = 1; h <= s->history; h++) {
		size_t base = cells_before(s, h);

		for (uint32_t i = 0; i < power(s->states, h + 1); i++) {
			uint32_t left = i, to = 0, digit = 1;

			if (!c->cell[base + i])
				continue;
			for (unsigned d = 0; d <= h; d++, digit *= s->states, left /= s->states)
				to += map[left % s->states] * digit;
			grown[base + to] += c->cell[base + i];
		}
	}
	free(c->cell);
	c->cell = grown;
}
