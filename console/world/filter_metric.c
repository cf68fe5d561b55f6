/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which metric somebody means.  Nothing here knows one: the table is searched, for what is
 * called exactly so, then for what begins with it, then for what contains it.
 */
#include "filter.h"
#include "filter_text.h"

#include <string.h>

enum { EXACT_KEY, EXACT_NAME, EXACT_TITLE, EXACT_REST, BEGINS, CONTAINS, NO_MATCH };

/* What follows the first _: the key without its family. */
static const char *rest_of(const char *key)
{
	const char *at = key ? strchr(key, '_') : NULL;

	return at && at[1] ? at + 1 : NULL;
}

static bool is(const char *text, const char *name, size_t n)
{
	return text && strlen(text) == n && text_begins(text, name, n);
}

static unsigned match(const struct metric *m, const char *name, size_t n)
{
	const char *rest = rest_of(m->key);

	if (is(m->key, name, n))
		return EXACT_KEY;
	if (is(m->name, name, n))
		return EXACT_NAME;
	if (is(m->title, name, n))
		return EXACT_TITLE;
	if (is(rest, name, n))
		return EXACT_REST;
	if ((m->key && text_begins(m->key, name, n)) || (rest && text_begins(rest, name, n)) ||
	    text_begins(m->name, name, n) || text_begins(m->title, name, n))
		return BEGINS;
	if ((m->key && text_contains(m->key, name, n)) || text_contains(m->name, name, n))
		return CONTAINS;
	return NO_MATCH;
}

/* What is shown is meant rather than what is hidden: what never is a column goes behind all
 * that are, when both are called exactly so. */
static unsigned rank(const struct metric *m, const char *name, size_t n)
{
	unsigned how = match(m, name, n);

	if (how < BEGINS && m->show == HIDDEN)
		how = EXACT_REST;
	return how == NO_MATCH ? UINT32_MAX
			       : how * 4 + (m->show == SHOWN     ? 0
					    : m->show == CLUSTER ? 1
					    : m->show == VERBOSE ? 2
								 : 3);
}

static enum metric_id best(enum scope s, const char *name, size_t n, unsigned worst)
{
	enum metric_id found = METRICS;
	char small[FILTER_NAME_MAX];

	if (!n || n > sizeof(small))
		return METRICS;
	text_lower(small, name, n);
	for (int m = 0; m < METRICS; m++) {
		unsigned r;

		if (!(metrics[m].scopes & (1u << s)))
			continue;
		r = rank(&metrics[m], small, n);
		if (r < worst) {
			worst = r;
			found = m;
		}
	}
	return found;
}

enum metric_id filter_metric(enum scope s, const char *name, size_t n)
{
	return best(s, name, n, UINT32_MAX);
}

enum metric_id filter_metric_exact(enum scope s, const char *name, size_t n)
{
	return best(s, name, n, BEGINS * 4);
}
