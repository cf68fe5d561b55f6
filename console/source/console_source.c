/* SPDX-License-Identifier: Apache-2.0 */
#include "console_source.h"

#include "source_ops.h"

void source_close(struct console_source *s)
{
	if (s)
		s->ops->close(s);
}

int source_fd(const struct console_source *s)
{
	return s->ops->fd(s);
}

struct moment *source_take(struct console_source *s)
{
	return s->ops->take(s);
}

void source_go(struct console_source *s, enum source_where where, uint64_t wall_ns)
{
	s->ops->go(s, where, wall_ns);
}

void source_follow(struct console_source *s, const char *host_id, uint32_t n)
{
	s->ops->follow(s, host_id, n);
}

void source_set_interval(struct console_source *s, uint64_t interval_ns)
{
	s->ops->set_interval(s, interval_ns);
}

void source_on_frame(struct console_source *s, void (*each)(void *arg, struct frame *f), void *arg)
{
	s->ops->on_frame(s, each, arg);
}

void source_status(struct console_source *s, struct source_status *ret)
{
	*ret = (struct source_status){0};
	s->ops->status(s, ret);
}
