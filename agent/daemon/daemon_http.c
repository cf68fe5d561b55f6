/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon_parts.h"

#include "printer.h"
#include "prometheus_text.h"

#include <errno.h>
#include <stdio.h>

static int put(void *arg, const char *data, size_t n)
{
	struct buf *body = arg;

	buf_put(body, data, n);
	return body->error;
}

/* Decoded for this one answer: scrapes are rare, and memory for them is not kept. */
static int print(const struct frame *f, struct buf *body)
{
	struct printer_options o = {
		.verbose = true, .families = (1u << FAMILIES) - 1, .record_max = SIZE_MAX};
	struct printer *printer = printer_new("openmetrics", &o);
	struct sample *s = sample_new();
	struct view *view = view_new();
	struct frame_head head;
	unsigned dropped;
	int r = frame_decode(s, &head, f->bytes, f->size);

	if (!r) {
		view_derive(view, NULL, s);
		r = printer_print(printer, view, put, body, &dropped);
	}
	view_free(view);
	sample_free(s);
	printer_free(printer);
	return r;
}

/* Samples come: none is older than three intervals, and at least 5 s. */
static bool is_ready(const struct daemon *d)
{
	uint64_t taken = __atomic_load_n(&d->taken_ns, __ATOMIC_RELAXED);
	uint64_t most = 3 * d->head.interval_ns;

	if (most < 5000000000u)
		most = 5000000000u;
	return taken && daemon_boot_ns() - taken <= most;
}

static unsigned metrics_page(void *arg, const struct http_request *r, struct buf *body)
{
	struct daemon *d = arg;
	/* An old sample is not shown as if it were new. */
	struct frame *f = is_ready(d) ? history_newest(d->history, 0) : NULL;
	int error;

	(void)r;
	if (!f) {
		buf_lit(body, "no sample was taken lately\n");
		return 503;
	}
	error = print(f, body);
	frame_unref(f);
	if (!error)
		return 200;
	buf_clear(body);
	buf_lit(body, "the newest sample cannot be shown\n");
	return 500;
}

static unsigned health_page(void *arg, const struct http_request *r, struct buf *body)
{
	(void)arg;
	(void)r;
	buf_lit(body, "ok\n");
	return 200;
}

/* An aggregator that does not answer does not make it unready: samples are taken and kept. */
static unsigned ready_page(void *arg, const struct http_request *r, struct buf *body)
{
	struct daemon *d = arg;
	struct uplink_stats u;

	(void)r;
	if (!is_ready(d)) {
		buf_lit(body, "no sample was taken lately\n");
		return 503;
	}
	buf_lit(body, "ok\n");
	if (!d->uplink)
		return 200;
	uplink_stats(d->uplink, &u);
	buf_text(body, u.connected ? "samples go to " : "no answer from ");
	buf_text(body, u.url);
	buf_byte(body, '\n');
	return 200;
}

static const struct http_route routes[] = {
	{.path = "/metrics",
	 .content_type = OPENMETRICS_TYPE,
	 .get = metrics_page,
	 .only_for = "application/openmetrics-text",
	 .plain_type = PROMETHEUS_TYPE,
	 .plain = prometheus_text},
	{.path = "/healthz", .content_type = "text/plain", .get = health_page, .open = true},
	{.path = "/readyz", .content_type = "text/plain", .get = ready_page, .open = true},
};

int daemon_http_open(struct daemon *d, char *why, size_t why_size)
{
	struct http_options o = {
		.address = d->o->http,
		.cert_file = d->o->http_cert,
		.key_file = d->o->http_key,
		.token_file = d->o->http_token_file,
		.routes = routes,
		.n_routes = sizeof(routes) / sizeof(*routes),
		.arg = d,
	};

	return http_server_open(&d->http, &o, why, why_size);
}
