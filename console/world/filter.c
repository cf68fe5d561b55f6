/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a filter: words, and what each of them means. */
#include "filter.h"
#include "filter_term.h"
#include "filter_text.h"

#include "xalloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct reader {
	struct filter *f;
	char *why;
	size_t why_size;
};

struct word {
	const char *p;
	size_t n;
};

/* The first complaint stays. */
static bool complain(struct reader *r, const struct word *word, const char *what)
{
	if (r->why_size && !*r->why)
		snprintf(r->why, r->why_size, "'%.*s' %s", (int)(word->n < 40 ? word->n : 40),
			 word->p, what);
	return false;
}

/* ---- which metric ---- */

/* The thing's own first, then of what it belongs to; what is called exactly so before what
 * is only called alike. */
static uint16_t column_or_metric(const struct filter *f, enum scope s, const struct word *name,
				 bool exact)
{
	uint16_t column =
		exact && f->columns.find ? f->columns.find(s, name->p, name->n) : FILTER_NONE;
	enum metric_id m;

	if (column != FILTER_NONE)
		return column;
	m = exact ? filter_metric_exact(s, name->p, name->n) : filter_metric(s, name->p, name->n);
	return m == METRICS ? FILTER_NONE : (uint16_t)m;
}

static struct term_metric metric_for(const struct filter *f, enum scope s, const struct word *name,
				     bool exact_only)
{
	struct term_metric none = {.metric = FILTER_NONE, .value = NAN};

	for (int exact = 1; exact >= exact_only; exact--)
		for (enum scope at = s;; at = scope_parent(at)) {
			uint16_t m = column_or_metric(f, at, name, exact);

			if (m != FILTER_NONE)
				return (struct term_metric){m, (uint8_t)at, NAN};
			if (at == SCOPE_HOST)
				break;
		}
	return none;
}

/* Is there one for any kind of thing? */
static bool find_metrics(const struct filter *f, struct term *t, const struct word *name,
			 bool exact_only)
{
	bool any = false;

	for (int s = 0; s < SCOPES; s++) {
		t->at[s] = metric_for(f, s, name, exact_only);
		any = any || t->at[s].metric != FILTER_NONE;
	}
	return any;
}

/* ---- words ---- */

/* Where the operator is; NULL: none. */
static const char *find_op(const struct word *w, enum term_op *op, size_t *n)
{
	for (size_t i = 1; i < w->n; i++) {
		bool equal = i + 1 < w->n && w->p[i + 1] == '=';

		*n = equal ? 2 : 1;
		switch (w->p[i]) {
		case '>':
			*op = equal ? OP_NOT_LESS : OP_GREATER;
			return w->p + i;
		case '<':
			*op = equal ? OP_NOT_GREATER : OP_LESS;
			return w->p + i;
		case '=':
			*op = OP_EQUAL;
			return w->p + i;
		case '!':
			*op = OP_UNEQUAL;
			if (equal)
				return w->p + i;
			break;
		default:
			break;
		}
	}
	return NULL;
}

static bool read_compare(struct reader *r, struct term *t, const struct word *name,
			 const struct word *value)
{
	bool text = false, number = false, usable = false;

	t->kind = TERM_COMPARE;
	t->text = value->p;
	t->n = value->n;
	if (!find_metrics(r->f, t, name, false))
		return complain(r, name, "is not a column's title: f and ?? list them");
	if (!value->n)
		return false;
	for (int s = 0; s < SCOPES; s++) {
		uint16_t m = t->at[s].metric;

		if (m == FILTER_NONE)
			continue;
		if (filter_is_text(r->f, m)) {
			text = true;
			usable = usable || t->op == OP_EQUAL || t->op == OP_UNEQUAL;
			continue;
		}
		number = true;
		t->at[s].value = filter_value(filter_unit(r->f, m), value->p, value->n);
		usable = usable || !isnan(t->at[s].value);
	}
	if (usable)
		return true;
	if (text && !number)
		return complain(r, name, "is text: only = and != compare it");
	return complain(r, value, "is not a number with k, M, G or T behind it or nothing");
}

static bool is_word(const struct word *w, const char *text)
{
	return w->n == strlen(text) && !memcmp(w->p, text, w->n);
}

/* field:text, where there is such a field; else the colon is a part of the text. */
static bool read_field(const struct filter *f, struct term *t, const struct word *field,
		       const struct word *text)
{
	if (is_word(field, "name"))
		t->kind = TERM_NAME;
	else if (is_word(field, "host"))
		t->kind = TERM_HOST;
	else if (is_word(field, "tag"))
		t->kind = TERM_FIELD;
	else if (find_metrics(f, t, field, true))
		t->kind = TERM_FIELD;
	else
		return false;
	if (is_word(field, "tag"))
		find_metrics(f, t,
			     &(struct word){metrics[M_TAGS].name, strlen(metrics[M_TAGS].name)},
			     true);
	t->text = text->p;
	t->n = text->n;
	return true;
}

static bool all_digits(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return n > 0;
}

static bool read_word(struct reader *r, struct term *t, struct word w)
{
	const char *colon, *at;
	enum term_op op = OP_EQUAL;
	size_t op_n = 0;

	if (w.n && *w.p == '!') {
		t->not = true;
		w = (struct word){w.p + 1, w.n - 1};
	}
	if (!w.n)
		return false;
	at = find_op(&w, &op, &op_n);
	if (at) {
		struct word name = {w.p, (size_t)(at - w.p)};
		struct word value = {at + op_n, w.n - name.n - op_n};

		t->op = (uint8_t)op;
		return read_compare(r, t, &name, &value);
	}
	t->kind = TERM_TEXT;
	t->text = w.p;
	t->n = w.n;
	colon = memchr(w.p, ':', w.n);
	if (colon && colon != w.p)
		read_field(r->f, t, &(struct word){w.p, (size_t)(colon - w.p)},
			   &(struct word){colon + 1, w.n - (size_t)(colon + 1 - w.p)});
	t->digits = all_digits(t->text, t->n);
	return t->n > 0;
}

static void add(struct filter *f, const struct term *t)
{
	if (f->n == f->room) {
		f->room = f->room ? f->room * 2 : 4;
		f->term = xrealloc(f->term, f->room, sizeof(*f->term));
	}
	f->term[f->n++] = *t;
}

struct filter *filter_new(const char *text, const struct filter_columns *columns, char *why,
			  size_t why_size)
{
	struct filter *f = xcalloc(1, sizeof(*f));
	struct reader r = {f, why, why_size};
	char *at;

	if (columns)
		f->columns = *columns;
	if (why_size)
		*why = '\0';
	f->text = xstrdup(text);
	text_lower(f->text, text, strlen(text));
	for (at = f->text + strspn(f->text, " \t"); *at; at += strspn(at, " \t")) {
		struct word w = {at, strcspn(at, " \t")};
		struct term t = {.kind = TERM_TEXT};

		at += w.n;
		if (*at)
			*at++ = '\0';
		if (read_word(&r, &t, w))
			add(f, &t);
	}
	return f;
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	free(f->text);
	free(f->term);
	free(f);
}

bool filter_is_empty(const struct filter *f)
{
	return !f->n;
}

bool filter_wants(const struct filter *f, const struct world *w, struct thing t)
{
	if (t.host >= w->n_hosts || t.scope >= SCOPES)
		return false;
	for (unsigned i = 0; i < f->n; i++)
		if (!term_matches(f, &f->term[i], w, t))
			return false;
	return true;
}
