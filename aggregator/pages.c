/* SPDX-License-Identifier: Apache-2.0 */
#include "pages.h"

#include "prometheus_text.h"

#include <errno.h>

static unsigned metrics_page(void *arg, const struct http_request *r, struct buf *body)
{
	struct pages *p = arg;
	const char *host = http_query(r, "host");
	int n = status_metrics(p->status, host, body);

	if (n == -EMSGSIZE) {
		buf_clear(body);
		buf_lit(body, "too many hosts for one answer: ask for each with ?host=\n");
		return 503;
	}
	if (n == 0 && host) {
		buf_clear(body);
		buf_lit(body, "no such host\n");
		return 404;
	}
	return 200;
}

static unsigned hosts_page(void *arg, const struct http_request *r, struct buf *body)
{
	struct pages *p = arg;
	const char *host = http_query(r, "host");

	return status_hosts(p->status, host, body) || !host ? 200 : 404;
}

static unsigned health_page(void *arg, const struct http_request *r, struct buf *body)
{
	(void)arg;
	(void)r;
	buf_lit(body, "ok\n");
	return 200;
}

/* A dead output does not make it unready: samples are still taken, and agents that were
 * sent elsewhere would find it no better there. */
static unsigned ready_page(void *arg, const struct http_request *r, struct buf *body)
{
	struct pages *p = arg;

	(void)r;
	if (__atomic_load_n(&p->ready, __ATOMIC_RELAXED)) {
		buf_lit(body, "ok\n");
		return 200;
	}
	buf_lit(body, "no samples are taken now: starting or stopping\n");
	return 503;
}

static const struct http_route routes[] = {
	{.path = "/metrics",
	 .content_type = OPENMETRICS_TYPE,
	 .get = metrics_page,
	 .only_for = "application/openmetrics-text",
	 .plain_type = PROMETHEUS_TYPE,
	 .plain = prometheus_text},
	{.path = "/hosts", .content_type = "application/json", .get = hosts_page},
	{.path = "/healthz", .content_type = "text/plain", .get = health_page, .open = true},
	{.path = "/readyz", .content_type = "text/plain", .get = ready_page, .open = true},
};

int pages_open(struct http_server **ret, struct pages *p, const struct http_options *o, char *why,
	       size_t why_size)
{
	struct http_options all = *o;

	all.routes = routes;
	all.n_routes = sizeof(routes) / sizeof(*routes);
	all.arg = p;
	return http_server_open(ret, &all, why, why_size);
}
