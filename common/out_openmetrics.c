/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openmetrics: raw counters and gauges in base units (OpenMetrics 1.0), for Prometheus
 * and node_exporter's textfile collector.  Rates are the query's business.
 *
 *   proxtop_<scope>_<name>[_<unit>][_total]{uuid=...,disk=...}
 *
 * What tells series apart is in openmetrics_labels.c; with an origin (printer.h), or in
 * an exposition of several hosts (exposition.h), all have host_id and host.  What names a
 * thing beyond that is in proxtop_<scope>_info, to be joined.  The type of info is gauge:
 * Prometheus' own text format, which a file for the textfile collector has
 * (prometheus_text.h), knows no other.
 */
#include "openmetrics.h"

#include "prometheus_text.h"

#include <stdio.h>

/* v * 10^-digits, exactly */
static void decimal(struct buf *b, uint64_t v, unsigned digits)
{
	uint64_t power = 1;
	char text[20];

	for (unsigned i = 0; i < digits; i++)
		power *= 10;
	buf_u64(b, v / power);
	v %= power;
	if (!v)
		return;
	for (unsigned i = digits; i-- > 0; v /= 10)
		text[i] = (char)('0' + v % 10);
	while (text[digits - 1] == '0')
		digits--;
	buf_byte(b, '.');
	buf_put(b, text, digits);
}

static void base_value(struct buf *b, uint64_t v, double base)
{
	unsigned digits = 0;

	if (base >= 1) {
		if (v <= UINT64_MAX / (uint64_t)base)
			buf_u64(b, v * (uint64_t)base);
		else
			buf_double(b, (double)v * base, 0);
		return;
	}
	for (; base < 0.99; base *= 10)
		digits++;
	decimal(b, v, digits);
}

static void meta(struct buf *b, const char *what, enum scope s, const char *name, const char *unit,
		 const char *text)
{
	buf_lit(b, "# ");
	buf_text(b, what);
	buf_lit(b, " proxtop_");
	buf_text(b, scope_names[s]);
	buf_byte(b, '_');
	buf_text(b, name);
	if (*unit) {
		buf_byte(b, '_');
		buf_text(b, unit);
	}
	buf_byte(b, ' ');
	buf_text(b, text);
	buf_byte(b, '\n');
}

static void family_head(struct buf *b, enum scope scope, const struct metric *m)
{
	const char *unit = units[m->unit].base_name;

	meta(b, "HELP", scope, m->name, unit, m->help);
	meta(b, "TYPE", scope, m->name, unit, kind_names[m->kind]);
	if (*unit)
		meta(b, "UNIT", scope, m->name, unit, unit);
}

bool openmetrics_has(const struct printer *p, enum scope scope, enum metric_id m)
{
	bool raw = metrics[m].kind == COUNTER || metrics[m].kind == GAUGE;

	return raw && !p->unwanted[m] && metrics[m].unit != U_ID &&
	       (metrics[m].scopes & (1u << scope)) && !metric_is_rollup(m, scope);
}

void openmetrics_family(struct printer *p, struct buf *b, const struct sample *s, enum scope scope,
			enum metric_id m, bool begun)
{
	const struct unit_info *unit = &units[metrics[m].unit];
	const uint64_t *value = s->table[scope].value[m];
	char name[160];
	size_t name_n, n;

	if (!value)
		return;
	snprintf(name, sizeof(name), "proxtop_%s_%s%s%s%s", scope_names[scope], metrics[m].name,
		 *unit->base_name ? "_" : "", unit->base_name,
		 metrics[m].kind == COUNTER ? "_total" : "");
	name_n = strlen(name);
	for (uint32_t r = 0; r < s->table[scope].rows; r++) {
		const char *labels;

		if (value[r] == ABSENT || !openmetrics_wants(p, scope, r))
			continue;
		if (!begun)
			family_head(b, scope, &metrics[m]);
		begun = true;
		buf_put(b, name, name_n);
		labels = openmetrics_labels(p, scope, r, &n);
		if (n) {
			buf_byte(b, '{');
			buf_put(b, labels, n);
			buf_byte(b, '}');
		}
		buf_byte(b, ' ');
		base_value(b, value[r], unit->base);
		buf_byte(b, '\n');
	}
}

void openmetrics_info(struct printer *p, struct buf *b, const struct sample *s, enum scope scope,
		      bool begun)
{
	for (uint32_t r = 0; r < s->table[scope].rows; r++) {
		if (!openmetrics_wants(p, scope, r))
			continue;
		if (!begun) {
			meta(b, "HELP", scope, "info", "", "What is known of it by name");
			meta(b, "TYPE", scope, "info", "", "gauge");
			begun = true;
		}
		buf_lit(b, "proxtop_");
		buf_text(b, scope_names[scope]);
		buf_lit(b, "_info{");
		openmetrics_info_labels(p, b, s, scope, r);
		buf_lit(b, "} 1\n");
	}
}

/* The labels in part are not needed any more. */
static int put_prometheus(struct printer *p, put_fn *put, void *arg)
{
	buf_clear(&p->part);
	prometheus_text(&p->part, p->out.data, p->out.used);
	return p->part.error ? p->part.error : put(arg, p->part.data, p->part.used);
}

static int print(struct printer *p, const struct view *v, put_fn *put, void *arg, unsigned *dropped)
{
	const struct sample *s = v->now;

	(void)dropped;
	buf_clear(&p->out);
	openmetrics_begin(p, s);
	for (int scope = 0; scope < SCOPES; scope++) {
		if (scope != SCOPE_SELF)
			openmetrics_info(p, &p->out, s, scope, false);
		for (int m = 0; m < METRICS; m++)
			if (openmetrics_has(p, scope, m))
				openmetrics_family(p, &p->out, s, scope, m, false);
	}
	buf_lit(&p->out, "# EOF\n");
	if (p->part.error || p->out.error)
		return p->part.error ? p->part.error : p->out.error;
	return p->o.prometheus ? put_prometheus(p, put, arg) : put(arg, p->out.data, p->out.used);
}

const struct print_ops out_openmetrics = {
	.name = "openmetrics", .wants_rates = false, .whole_file = true, .print = print};
