/* SPDX-License-Identifier: Apache-2.0 */
#include "parcel.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

struct parcel *parcel_new(const char *data, size_t size, const uint32_t *cut, unsigned n_cuts)
{
	struct parcel *p = xcalloc(1, sizeof(*p) + size);

	p->size = size;
	if (size)
		memcpy(p->data, data, size);
	p->cut = xcalloc(n_cuts ? n_cuts : 1, sizeof(*cut));
	if (n_cuts)
		memcpy(p->cut, cut, n_cuts * sizeof(*cut));
	p->n_cuts = n_cuts;
	return p;
}

void parcel_free(struct parcel *p)
{
	if (!p)
		return;
	free(p->commit);
	free(p->cut);
	free(p);
}

void parcel_add_commit(struct parcel *p, const struct parcel_commit *c)
{
	if (p->n_commits == p->commit_room) {
		p->commit_room = p->commit_room ? p->commit_room * 2 : 1;
		p->commit = xrealloc(p->commit, p->commit_room, sizeof(*p->commit));
	}
	p->commit[p->n_commits++] = *c;
}

void parcel_append(struct parcel_line *l, struct parcel *p)
{
	p->next = NULL;
	if (l->last)
		l->last->next = p;
	else
		l->first = p;
	l->last = p;
	l->bytes += p->size;
	l->n++;
}

struct parcel *parcel_take_done(struct parcel_line *l)
{
	struct parcel *p = l->first;

	if (!p || !p->done)
		return NULL;
	l->first = p->next;
	if (!l->first)
		l->last = NULL;
	l->bytes -= p->size;
	l->n--;
	return p;
}

void parcel_line_clear(struct parcel_line *l)
{
	struct parcel *p;

	while ((p = l->first)) {
		p->done = true;
		parcel_free(parcel_take_done(l));
	}
}
