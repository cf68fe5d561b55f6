/* SPDX-License-Identifier: Apache-2.0 */
#include "transport.h"

#include <poll.h>

const struct transport_ops *transport_ops_of(const struct output_url *u)
{
	static const struct transport_ops *const by[OUTPUT_TRANSPORTS] = {
		[BY_TCP] = &transport_tcp,   [BY_UDP] = &transport_udp,
		[BY_HTTP] = &transport_http, [BY_HTTPS] = &transport_http,
		[BY_FILE] = &transport_file, [BY_STDOUT] = &transport_file,
	};

	return u->format == FORMAT_OPENMETRICS ? &transport_whole_file : by[u->transport];
}

int transport_open(struct transport **ret, const struct output_url *u, struct parcel_line *line,
		   struct output_report *report, char *why, size_t why_size)
{
	const struct transport_ops *ops = transport_ops_of(u);
	int r = ops->open(ret, u, why, why_size);

	if (r < 0)
		return r;
	(*ret)->ops = ops;
	(*ret)->u = u;
	(*ret)->line = line;
	(*ret)->report = report;
	return 0;
}

void transport_failed(struct transport *t, const char *what, const char *why)
{
	output_report_failure(t->report, what, why);
	t->retry_ms =
		output_now_ms() + (t->closing ? OUTPUT_DELAY_MIN_MS : output_delay_next(&t->delay));
}

void transport_works(struct transport *t)
{
	t->delay.ms = 0;
	t->retry_ms = 0;
	output_report_well(t->report);
}

struct parcel *transport_next(struct transport *t)
{
	struct parcel *p = t->line->first;

	while (p && p->sent)
		p = p->next;
	return p;
}

short transport_poll(int wake_fd, int fd, short events, int64_t until_ms, int64_t or_ms)
{
	struct pollfd p[] = {{.fd = wake_fd, .events = POLLIN}, {.fd = fd, .events = events}};
	int64_t ms = (or_ms < until_ms ? or_ms : until_ms) - output_now_ms();

	if (ms < 0)
		ms = 0;
	if (ms > OUTPUT_DELAY_MAX_MS)
		ms = OUTPUT_DELAY_MAX_MS;
	return poll(p, 2, (int)ms) > 0 ? p[1].revents : 0;
}
