/* SPDX-License-Identifier: Apache-2.0 */
/* Called for each of 10,000 VMs: nothing is allocated, and no text is made but a VMID. */
#include "filter_term.h"
#include "filter_text.h"

#include <math.h>

bool term_has(const struct term *t, const char *text)
{
	return text && text_contains(text, t->text, t->n);
}

static bool has_metric(const struct term *t, const struct world *w, struct thing x,
		       enum metric_id m)
{
	return term_has(t, world_text(w, x, m));
}

/* Whole numbers only: VMIDs, PIDs. */
bool term_has_number(const struct term *t, double value)
{
	char digits[24];
	char *at = digits + sizeof(digits);
	uint64_t v;

	if (!t->digits || !(value >= 0) || value >= 1e18)
		return false;
	v = (uint64_t)value;
	*--at = '\0';
	do
		*--at = (char)('0' + v % 10);
	while (v /= 10);
	return term_has(t, at);
}

static bool has_host(const struct term *t, const struct world *w, struct thing x)
{
	return x.host < w->n_hosts && term_has(t, w->hosts[x.host]->about.host_name);
}

/* ---- text ---- */

static bool is_named(const struct term *t, const struct world *w, struct thing x)
{
	switch (x.scope) {
	case SCOPE_HOST:
		return has_host(t, w, x);
	case SCOPE_VM:
		return has_metric(t, w, x, M_NAME);
	case SCOPE_VM_DISK:
	case SCOPE_HOST_DISK:
		return has_metric(t, w, x, M_DISK_NAME);
	case SCOPE_VM_NIC:
	case SCOPE_HOST_NIC:
		return has_metric(t, w, x, M_NIC_NAME);
	case SCOPE_SELF:
		return has_metric(t, w, x, M_SELF_PART);
	default:
		return false;
	}
}

static bool has_text(const struct term *t, const struct world *w, struct thing x)
{
	if (is_named(t, w, x))
		return true;
	switch (x.scope) {
	case SCOPE_VM:
		return has_metric(t, w, x, M_UUID) || has_metric(t, w, x, M_TAGS) ||
		       (t->digits && term_has_number(t, world_value(w, x, M_VMID)));
	case SCOPE_VM_DISK:
		return has_metric(t, w, x, M_DISK_DEVICE);
	case SCOPE_VM_NIC:
		return has_metric(t, w, x, M_NIC_MAC);
	default:
		return false;
	}
}

static bool text_matches(const struct term *t, const struct world *w, struct thing thing)
{
	for (struct thing x = thing; thing_is(x) && x.scope != SCOPE_HOST; x = world_parent(w, x))
		if (has_text(t, w, x))
			return true;
	return has_host(t, w, thing);
}

/* Its own, or of what a VM has also the VM's; a host's only where hosts are looked at. */
static bool name_matches(const struct term *t, const struct world *w, struct thing thing)
{
	for (struct thing x = thing; thing_is(x); x = world_parent(w, x))
		if ((x.scope != SCOPE_HOST || thing.scope == SCOPE_HOST) && is_named(t, w, x))
			return true;
	return false;
}

/* ---- metrics ---- */

static struct thing up_to(const struct world *w, struct thing x, enum scope s)
{
	while (thing_is(x) && x.scope != s)
		x = world_parent(w, x);
	return x;
}

#define COLUMN_TEXT 256u /* bytes that are looked at */

static bool field_matches(const struct filter *f, const struct term *t, const struct world *w,
			  struct thing thing)
{
	const struct term_metric *at = &t->at[thing.scope];
	char to[COLUMN_TEXT];
	struct thing x;

	if (at->metric == FILTER_NONE)
		return false;
	x = up_to(w, thing, at->scope);
	if (at->metric >= METRICS && thing_is(x))
		return term_has(t,
				f->columns.text(f->columns.arg, x, at->metric, to, sizeof(to))) ||
		       term_has_number(t, f->columns.number(f->columns.arg, x, at->metric));
	if (at->metric >= METRICS)
		return false;
	if (metrics[at->metric].kind == INFO)
		return has_metric(t, w, x, at->metric);
	return term_has_number(t, world_value(w, x, at->metric));
}

/* Equal is what looks equal: half of the last digit that is shown. */
static bool is_equal(const struct filter *f, uint16_t m, double value, double to)
{
	enum unit unit = filter_unit(f, m);
	double last = unit == U_CENTIPERCENT ? 100 : 1;
	unsigned decimals = m < METRICS ? metrics[m].decimals : unit == U_PERCENT;

	for (unsigned i = 0; i < decimals; i++)
		last /= 10;
	return fabs(value - to) <= last / 2;
}

static bool compares(const struct filter *f, const struct term *t, uint16_t m, double value,
		     double to)
{
	switch (t->op) {
	case OP_GREATER:
		return value > to;
	case OP_LESS:
		return value < to;
	case OP_NOT_LESS:
		return value >= to;
	case OP_NOT_GREATER:
		return value <= to;
	case OP_EQUAL:
		return is_equal(f, m, value, to);
	default:
		return !is_equal(f, m, value, to);
	}
}

int term_compares(const struct filter *f, const struct term *t, const struct term_metric *at,
		  const char *text, double value)
{
	if (filter_is_text(f, at->metric)) {
		if (!text || (t->op != OP_EQUAL && t->op != OP_UNEQUAL))
			return -1;
		return (strlen(text) == t->n && text_begins(text, t->text, t->n)) ==
		       (t->op == OP_EQUAL);
	}
	return isnan(value) || isnan(at->value) ? -1 : compares(f, t, at->metric, value, at->value);
}

static int comparison(const struct filter *f, const struct term *t, const struct world *w,
		      struct thing thing)
{
	const struct term_metric *at = &t->at[thing.scope];
	enum metric_id m = (enum metric_id)at->metric;
	char to[COLUMN_TEXT];
	struct thing x;

	if (at->metric == FILTER_NONE)
		return -1;
	x = up_to(w, thing, at->scope);
	if (at->metric < METRICS)
		return term_compares(f, t, at, world_text(w, x, m), world_value(w, x, m));
	if (!thing_is(x))
		return -1;
	if (f->columns.is_text(at->metric))
		return term_compares(f, t, at,
				     f->columns.text(f->columns.arg, x, at->metric, to, sizeof(to)),
				     NAN);
	return term_compares(f, t, at, NULL, f->columns.number(f->columns.arg, x, at->metric));
}

bool term_matches(const struct filter *f, const struct term *t, const struct world *w,
		  struct thing thing)
{
	int r;

	switch (t->kind) {
	case TERM_TEXT:
		return text_matches(t, w, thing) != t->not ;
	case TERM_NAME:
		return name_matches(t, w, thing) != t->not ;
	case TERM_HOST:
		return has_host(t, w, thing) != t->not ;
	case TERM_FIELD:
		return field_matches(f, t, w, thing) != t->not ;
	default:
		r = comparison(f, t, w, thing);
		return r >= 0 && (r > 0) != t->not ;
	}
}
