/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json-cluster: one object per interval, a line of its own, with all hosts and their sums:
 *
 *   {"@timestamp":"2026-11-24T17:18:40.000Z","interval":10,
 *    "cluster":{"hosts":3,"domains":250,"host":{"cpu_cores":96,...},"domain":{...}},
 *    "hosts":[{...},...]}
 *
 * A host is as json has it.  In cluster, "host" is all hosts together and "domain" all VMs
 * (view_sum.h).  A host that has been silent for three of its intervals is left out.
 */
#include "render.h"

#include "output_time.h"
#include "view_sum.h"

#include <math.h>

struct cluster {
	struct render *r;
	struct view_sum *sum;
	unsigned hosts;
	uint64_t vms;
};

/* The object without the newline behind it. */
static int put(void *arg, const char *data, size_t n)
{
	struct render *r = arg;

	buf_put(&r->scratch, data, n && data[n - 1] == '\n' ? n - 1 : n);
	return r->scratch.error;
}

static int one_host(void *arg, const struct whole_host *h)
{
	struct cluster *c = arg;
	struct render *r = c->r;
	unsigned dropped = 0;

	if (render_decode(r, h->frame) < 0)
		return 0; /* its head was well, the rest is not: nothing to be shown */
	render_derive(r, h->before);
	view_sum_add(c->sum, r->view);
	if (c->hosts++)
		buf_byte(&r->scratch, ',');
	c->vms += r->now->table[SCOPE_VM].rows;
	return printer_print(r->printer, r->view, put, r, &dropped);
}

static void sums(const struct cluster *c, const char *key, enum scope s)
{
	const struct printer *p = c->r->printer;
	struct buf *b = &c->r->out;
	bool first = true;

	buf_lit(b, ",\"");
	buf_text(b, key);
	buf_lit(b, "\":{");
	for (unsigned i = 0; i < p->columns[s]; i++) {
		enum metric_id m = p->column[s][i];
		double v = view_sum_get(c->sum, s, m);

		if (!isfinite(v))
			continue;
		buf_put(b, p->json_key[m].text + first, p->json_key[m].n - first);
		first = false;
		buf_double(b, v, metrics[m].decimals);
	}
	buf_byte(b, '}');
}

static void compose(struct cluster *c, uint64_t instant_ns)
{
	struct render *r = c->r;
	struct buf *b = &r->out;

	buf_lit(b, "{\"@timestamp\":\"");
	print_time(b, instant_ns);
	buf_lit(b, "\",\"interval\":");
	buf_double(b, (double)r->u->interval_ns * 1e-9, 3);
	buf_lit(b, ",\"cluster\":{\"hosts\":");
	buf_u64(b, c->hosts);
	buf_lit(b, ",\"domains\":");
	buf_u64(b, c->vms);
	sums(c, "host", SCOPE_HOST);
	sums(c, "domain", SCOPE_VM);
	buf_lit(b, "},\"hosts\":[");
	buf_put(b, r->scratch.data, r->scratch.used);
	buf_lit(b, "]}\n");
	render_cut(r);
}

int format_json_cluster(struct render *r)
{
	struct cluster c = {.r = r, .sum = view_sum_new()};
	uint64_t wall_ns = output_wall_ns();
	int e;

	buf_clear(&r->scratch);
	e = whole_each(r->whole, one_host, &c);
	view_sum_finish(c.sum);
	if (!e && c.hosts)
		compose(&c, wall_ns - wall_ns % r->u->interval_ns);
	view_sum_free(c.sum);
	return e ? e : r->out.error ? r->out.error : r->scratch.error;
}
