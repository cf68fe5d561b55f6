/* SPDX-License-Identifier: Apache-2.0 */
/* --predict: of each metric what is expected, step by step, and how wrong one step was so far. */
#include "document.h"

#include "xalloc.h"

#include <stdlib.h>

#define INSIDE 0.9

static void put_array(struct buf *to, const char *name, const double *value, unsigned n)
{
	buf_text(to, name);
	buf_byte(to, '[');
	for (unsigned i = 0; i < n; i++) {
		if (i)
			buf_byte(to, ',');
		document_number(to, value[i]);
	}
	buf_byte(to, ']');
}

/* Three rows of n: expectation, low, high. */
static void predict_steps(struct predict *p, const struct markov *m,
			  const struct markov_settings *s, double *rows, unsigned n)
{
	double share[MARKOV_STATES_MAX];

	for (unsigned i = 0; i < n; i++) {
		struct prediction one;

		predict_step(p, share);
		one = predict_values(m, s, share, INSIDE);
		rows[i] = one.expectation;
		rows[n + i] = one.low;
		rows[2 * n + i] = one.high;
	}
}

static void put_error(struct buf *to, const struct predict_error *e)
{
	buf_lit(to, ",\"error\":{\"model\":");
	document_number(to, predict_error_model(e));
	buf_lit(to, ",\"last_value_stays\":");
	document_number(to, predict_error_stays(e));
	buf_lit(to, ",\"steps\":");
	buf_u64(to, e->n);
	buf_byte(to, '}');
}

static void put_metric(struct buf *to, const struct document *d, unsigned i, double *rows,
		       unsigned steps)
{
	const struct markov *m = &d->profile->metric[i];
	const struct markov_settings *s = &d->settings->markov;
	struct predict *p = predict_new(m, s);
	unsigned n = p ? steps : 0;

	if (p)
		predict_steps(p, m, s, rows, n);
	predict_free(p);
	buf_lit(to, "{\"metric\":");
	buf_json_string(to, d->settings->metric[i].name);
	put_array(to, ",\"expectation\":", rows, n);
	put_array(to, ",\"low\":", rows + n, n);
	put_array(to, ",\"high\":", rows + 2 * (size_t)n, n);
	if (d->errors)
		put_error(to, &d->errors[i]);
	buf_byte(to, '}');
}

void document_predict(struct buf *to, const struct document *d, unsigned steps)
{
	double *rows = xcalloc(steps, 3 * sizeof(*rows));

	buf_lit(to, "\"prediction\":{\"name\":");
	buf_json_string(to, d->name);
	buf_lit(to, ",\"step\":");
	buf_u64(to, d->settings->markov.buffersize);
	buf_lit(to, ",\"inside\":");
	document_number(to, INSIDE);
	buf_lit(to, ",\"metrics\":[");
	for (unsigned i = 0; i < d->settings->n_metrics; i++) {
		if (i)
			buf_byte(to, ',');
		put_metric(to, d, i, rows, steps);
	}
	buf_lit(to, "]}");
	free(rows);
}
