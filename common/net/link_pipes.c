/* SPDX-License-Identifier: Apache-2.0 */
#include "link_pipes.h"

#include <stddef.h>

void link_pipes_remove(struct link_pipes *all, struct link_pipe *p)
{
	if (p->next)
		p->next->prev = p->prev;
	if (p->prev)
		p->prev->next = p->next;
	else
		all->first = p->next;
	all->n--;
}

/* Who has never been answered goes before who is silent, the oldest first. */
static struct link_pipe *weakest(const struct link_pipes *all, uint64_t now_ms)
{
	struct link_pipe *found = NULL;

	for (struct link_pipe *p = all->first; p; p = p->next) {
		if (p->answered && (p->calls || now_ms - p->since_ms < LINK_PIPE_SILENT_MS))
			continue;
		if (!found || p->answered < found->answered ||
		    (p->answered == found->answered && p->since_ms < found->since_ms))
			found = p;
	}
	return found;
}

struct link_pipe *link_pipes_admit(struct link_pipes *all, struct link_pipe *p, uint64_t now_ms)
{
	struct link_pipe *out = NULL;

	if (all->n >= all->max) {
		out = weakest(all, now_ms);
		if (!out)
			return p;
		link_pipes_remove(all, out);
	}
	*p = (struct link_pipe){.next = all->first, .since_ms = now_ms};
	if (p->next)
		p->next->prev = p;
	all->first = p;
	all->n++;
	return out;
}
