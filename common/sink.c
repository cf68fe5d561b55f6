/* SPDX-License-Identifier: Apache-2.0 */
#include "sink.h"

#include "clock.h"
#include "sink_ops.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Both in the same order. */
const char *const sink_outputs[] = {"stdout", "file", "tcp", "udp", NULL};
static const struct sink_ops *const kinds[] = {&sink_stdout, &sink_file, &sink_tcp, &sink_udp};

static int unknown_output(const char *output, char *why, size_t why_size)
{
	int used = snprintf(why, why_size, "--output: \"%.100s\" is unknown; allowed:", output);

	for (int i = 0; sink_outputs[i] && used >= 0 && (size_t)used < why_size; i++)
		used += snprintf(why + used, why_size - (size_t)used, "%s %s", i ? "," : "",
				 sink_outputs[i]);
	return -EINVAL;
}

int sink_open(struct sink **ret, const struct sink_options *o, char *why, size_t why_size)
{
	const struct sink_ops *ops = NULL;
	int r;

	*ret = NULL;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(sink_outputs[i], o->output))
			ops = kinds[i];
	if (!ops)
		return unknown_output(o->output, why, why_size);
	if (ops->needs && (!o->target || !*o->target)) {
		snprintf(why, why_size, "--target: missing; --output=%s needs %s", o->output,
			 ops->needs);
		return -EINVAL;
	}
	r = ops->open(ret, o, why, why_size);
	if (r < 0)
		return r;
	(*ret)->ops = ops;
	return 0;
}

size_t sink_record_max(const struct sink *s)
{
	return s->ops->record_max;
}

int sink_write(struct sink *s, const char *data, size_t n)
{
	return n ? s->ops->write(s, data, n) : 0;
}

void sink_reopen(struct sink *s)
{
	if (s->ops->reopen)
		s->ops->reopen(s);
}

void sink_stats(struct sink *s, struct sink_stats *ret)
{
	ret->records = atomic_load_explicit(&s->records, memory_order_relaxed);
	ret->dropped = atomic_load_explicit(&s->dropped, memory_order_relaxed);
	ret->bytes = atomic_load_explicit(&s->bytes, memory_order_relaxed);
}

void sink_close(struct sink *s, int timeout_ms)
{
	if (s)
		s->ops->close(s, timeout_ms);
}

int64_t sink_now_ms(void)
{
	return (int64_t)(clock_monotonic_ns() / 1000000);
}
