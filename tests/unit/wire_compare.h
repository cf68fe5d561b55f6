/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_WIRE_COMPARE_H
#define TEST_WIRE_COMPARE_H

/* Are two samples the same in all that travels?  What is not the same is printed. */
#include "sample.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static inline bool wire_travels(enum metric_id m, enum scope scope)
{
	return metrics[m].kind != DERIVED && (metrics[m].scopes & (1u << scope)) &&
	       !metric_is_rollup(m, scope);
}

static inline uint64_t wire_previous(const struct sample *s, enum scope scope, uint32_t row, int m)
{
	const struct table *t = &s->table[scope];

	return t->previous[m] ? t->previous[m][row] : ABSENT;
}

static inline unsigned wire_differs(const char *where, int scope, uint32_t row, const char *what,
				    uint64_t want, uint64_t have)
{
	if (want == have)
		return 0;
	printf("%s: %s row %u, %s: %" PRIu64 ", should be %" PRIu64 "\n", where, scope_names[scope],
	       row, what, have, want);
	return 1;
}

static inline unsigned wire_cell_differs(const char *where, const struct sample *want,
					 const struct sample *have, int scope, uint32_t row, int m)
{
	const char *a, *b;
	unsigned n = 0;

	if (metrics[m].kind == INFO) {
		a = sample_text(want, scope, row, m);
		b = sample_text(have, scope, row, m);
		if ((!a != !b) || (a && strcmp(a, b))) {
			printf("%s: %s row %u, %s: '%s', should be '%s'\n", where,
			       scope_names[scope], row, metrics[m].name, b ? b : "(absent)",
			       a ? a : "(absent)");
			n++;
		}
		return n;
	}
	n += wire_differs(where, scope, row, metrics[m].name, sample_get(want, scope, row, m),
			  sample_get(have, scope, row, m));
	if (metrics[m].kind == COUNTER && (metrics[m].flags & OWN_TIME) &&
	    sample_get(want, scope, row, m) != ABSENT)
		n += wire_differs(where, scope, row, "reading before",
				  wire_previous(want, scope, row, m),
				  wire_previous(have, scope, row, m));
	return n;
}

/* How many differences there are. */
static inline unsigned wire_compare(const char *where, const struct sample *want,
				    const struct sample *have)
{
	unsigned n = 0;

	n += wire_differs(where, 0, 0, "boot_ns", want->boot_ns, have->boot_ns);
	n += wire_differs(where, 0, 0, "wall_ns", want->wall_ns, have->wall_ns);
	n += wire_differs(where, 0, 0, "epoch", want->epoch, have->epoch);
	n += wire_differs(where, 0, 0, "sequence", want->sequence, have->sequence);
	for (int i = 0; i < SCOPES; i++) {
		const struct table *a = &want->table[i], *b = &have->table[i];

		if (wire_differs(where, i, 0, "rows", a->rows, b->rows)) {
			n++;
			continue;
		}
		for (uint32_t r = 0; r < a->rows; r++) {
			n += wire_differs(where, i, r, "id", a->id[r], b->id[r]);
			n += wire_differs(where, i, r, "parent", a->parent[r], b->parent[r]);
			n += wire_differs(where, i, r, "counted", a->counted[r], b->counted[r]);
			n += wire_differs(where, i, r, "read_ns", a->read_ns[r], b->read_ns[r]);
			n += wire_differs(where, i, r, "prev_ns", a->prev_ns[r], b->prev_ns[r]);
			for (int m = 0; m < METRICS; m++)
				if (wire_travels(m, i))
					n += wire_cell_differs(where, want, have, i, r, m);
		}
	}
	return n;
}

/* Is there nothing in it? */
static inline bool wire_is_clear(const struct sample *s)
{
	for (int i = 0; i < SCOPES; i++)
		if (s->table[i].rows)
			return false;
	return true;
}

#endif
