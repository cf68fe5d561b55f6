/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles of series from stdin, as text: what profile_oracle.py compares with its own.
 *
 *   settings STATES HISTORY BUFFERSIZE FILTER FIXED METRICS LIKELINESS PHASE_HISTORY [PERIOD...]
 *   bounds LOW HIGH          of each metric
 *   values VALUE...          a tick; nan: none
 *   gap TICKS
 *   part                     what follows is a profile of its own, merged at the end
 *   end                      prints; the next series may follow
 */
#include "profile_kit.h"

#include <stdlib.h>
#include <string.h>

struct dump {
	struct profile_settings s;
	struct profile whole, part;
	unsigned bounds;
	bool open, parted; /* open: `part` is a profile */
};

static _Noreturn void die(const char *line)
{
	fprintf(stderr, "profile_dump: %s", line);
	exit(1);
}

/* ---- printing ---- */

static void print_counts(const char *what, unsigned of, unsigned metric,
			 const struct markov_counts *c, const struct markov_settings *s)
{
	uint32_t rows = 1;

	for (unsigned h = 1; h <= s->history; h++) {
		rows *= s->states;
		for (uint32_t i = 0; i < rows * s->states; i++)
			if (markov_row(c, s, h, 0)[i])
				printf("%s %u %u %u %u %u\n", what, of, metric, h, i,
				       markov_row(c, s, h, 0)[i]);
	}
}

static void print_stats(const char *what, unsigned of, unsigned metric,
			const struct markov_stats *s)
{
	if (s->count)
		printf("%s %u %u %lu %lu %.17g %.17g %.17g %.17g\n", what, of, metric,
		       (unsigned long)s->count, (unsigned long)s->filtered, s->min, s->max, s->mean,
		       markov_deviation(s));
}

static void print_metric(const struct dump *d, unsigned i)
{
	const struct markov *m = &d->whole.metric[i];

	print_stats("values", 0, i, &m->stats);
	if (m->states_seen)
		printf("states %u %lu %u %.17g %.17g\n", i, (unsigned long)m->states_seen,
		       m->counts.transitions, markov_state_begin(m, 0), markov_state_begin(m, 1));
	print_counts("count", 0, i, &m->counts, &d->s.markov);
}

static void print_periods(const struct periods *p, const struct profile_settings *s)
{
	for (uint32_t i = 0; i < p->leaves; i++)
		for (unsigned m = 0; p->leaf[i] && m < s->n_metrics; m++) {
			print_stats("leaf", i, m, &p->leaf[i][m].stats);
			print_counts("leaf-count", i, m, &p->leaf[i][m].counts, &s->markov);
		}
}

static void print_phases(const struct phases *p, const struct profile_settings *s)
{
	printf("phases %u %u %u %.6g\n", p->n, p->current, p->leaves, (double)p->likeliness);
	for (unsigned i = 0; i < p->n * p->n; i++)
		if (p->tx[i])
			printf("phase-to-phase %u %u %lu\n", i / p->n, i % p->n,
			       (unsigned long)p->tx[i]);
	for (unsigned k = 0; k < p->n; k++)
		for (unsigned m = 0; m < s->n_metrics; m++)
			print_counts("phase-count", k, m, phases_counts(p, s, k, m), &s->markov);
}

static void print(const struct dump *d)
{
	printf("ticks %lu\n", (unsigned long)d->whole.ticks);
	for (unsigned i = 0; i < d->s.n_metrics; i++)
		print_metric(d, i);
	if (d->whole.periods)
		print_periods(d->whole.periods, &d->s);
	if (d->whole.phases)
		print_phases(d->whole.phases, &d->s);
	puts("end");
}

/* ---- reading ---- */

static unsigned numbers(char *text, double *to, unsigned max)
{
	unsigned n = 0;

	for (char *word = strtok(text, " \n"); word && n < max; word = strtok(NULL, " \n"))
		to[n++] = strtod(word, NULL);
	return n;
}

static void take_settings(struct dump *d, const double *v, unsigned n)
{
	d->s = kit_settings((unsigned)v[0], (unsigned)v[5]);
	d->s.markov.history = (unsigned)v[1];
	d->s.markov.buffersize = (uint32_t)v[2];
	d->s.markov.filter = v[3];
	d->s.markov.fixed = v[4] != 0;
	d->s.phase_likeliness = v[6];
	d->s.phase_history = (uint32_t)v[7];
	d->s.n_periods = n - 8;
	for (unsigned i = 8; i < n; i++)
		d->s.period[i - 8] = (uint32_t)v[i];
	d->bounds = 0;
	d->parted = false;
}

static void open_part(struct dump *d)
{
	if (d->open)
		return;
	if (profile_settings_wrong(&d->s))
		die(profile_settings_wrong(&d->s));
	profile_init(&d->part, &d->s);
	d->open = true;
}

/* The part goes into the whole. */
static void close_part(struct dump *d)
{
	open_part(d);
	if (!d->parted) {
		d->whole = d->part;
	} else {
		if (profile_merge(&d->whole, &d->part, &d->s))
			die("merging fails\n");
		profile_fini(&d->part, &d->s);
	}
	d->parted = true;
	d->open = false;
}

static void take(struct dump *d, char *line)
{
	double v[PROFILE_METRICS_MAX];
	char *word = strtok(line, " \n");
	unsigned n = numbers(NULL, v, PROFILE_METRICS_MAX);

	if (!word) {
		die("an empty line\n");
	} else if (!strcmp(word, "settings") && n >= 8 && n <= 8 + PROFILE_PERIODS_MAX) {
		take_settings(d, v, n);
	} else if (!strcmp(word, "bounds") && n == 2 && d->bounds < d->s.n_metrics) {
		d->s.metric[d->bounds].low = v[0];
		d->s.metric[d->bounds++].high = v[1];
	} else if (!strcmp(word, "values") && n == d->s.n_metrics) {
		open_part(d);
		profile_put(&d->part, &d->s, v, NULL);
	} else if (!strcmp(word, "gap") && n == 1) {
		open_part(d);
		profile_gap(&d->part, &d->s, (uint64_t)v[0]);
	} else if (!strcmp(word, "part")) {
		close_part(d);
	} else if (!strcmp(word, "end")) {
		close_part(d);
		print(d);
		profile_fini(&d->whole, &d->s);
	} else {
		die("a line that is none\n");
	}
}

int main(void)
{
	struct dump *d = calloc(1, sizeof(*d));
	char *line = NULL;
	size_t room = 0;

	if (!d)
		die("no memory\n");
	while (getline(&line, &room, stdin) > 0)
		take(d, line);
	free(line);
	free(d);
	return 0;
}
