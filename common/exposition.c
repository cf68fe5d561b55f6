/* SPDX-License-Identifier: Apache-2.0 */
#include "exposition.h"

#include "openmetrics.h"
#include "prometheus_text.h"
#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>

struct exposition {
	struct printer *printer;
	size_t used, ceiling;
	/* What has been said of each family; the last one of a scope is its info. */
	struct buf family[SCOPES][METRICS + 1];
};

struct exposition *exposition_new(size_t ceiling)
{
	struct exposition *e = xcalloc(1, sizeof(*e));
	struct printer_options o = {.families = (1u << FAMILIES) - 1, .record_max = SIZE_MAX};

	e->printer = printer_new("openmetrics", &o);
	e->ceiling = ceiling;
	for (int s = 0; s < SCOPES; s++)
		for (int m = 0; m <= METRICS; m++)
			buf_init(&e->family[s][m], ceiling);
	return e;
}

void exposition_free(struct exposition *e)
{
	if (!e)
		return;
	printer_free(e->printer);
	for (int s = 0; s < SCOPES; s++)
		for (int m = 0; m <= METRICS; m++)
			buf_fini(&e->family[s][m]);
	free(e);
}

void exposition_only(struct exposition *e, bool (*wants)(void *arg, enum metric_id m), void *arg)
{
	for (int m = 0; m < METRICS; m++)
		e->printer->unwanted[m] = !wants(arg, m);
}

void exposition_vms(struct exposition *e,
		    bool (*wants)(void *arg, const struct sample *s, uint32_t vm_row), void *arg)
{
	e->printer->o.wants_vm = wants;
	e->printer->o.wants_arg = arg;
}

static void add_scope(struct exposition *e, const struct sample *s, enum scope scope)
{
	struct buf *b = &e->family[scope][METRICS];

	if (scope != SCOPE_SELF) {
		e->used -= b->used;
		openmetrics_info(e->printer, b, s, scope, b->used > 0);
		e->used += b->used;
	}
	for (int m = 0; m < METRICS; m++) {
		b = &e->family[scope][m];
		if (!openmetrics_has(e->printer, scope, m))
			continue;
		e->used -= b->used;
		openmetrics_family(e->printer, b, s, scope, m, b->used > 0);
		e->used += b->used;
	}
}

int exposition_add(struct exposition *e, const struct sample *s,
		   const struct printer_origin *origin)
{
	if (e->used > e->ceiling)
		return -EMSGSIZE;
	printer_set_origin(e->printer, origin);
	openmetrics_begin(e->printer, s);
	for (int scope = 0; scope < SCOPES; scope++)
		add_scope(e, s, scope);
	printer_set_origin(e->printer, NULL);
	return e->used > e->ceiling ? -EMSGSIZE : 0;
}

void exposition_finish(const struct exposition *e, struct buf *to)
{
	for (int s = 0; s < SCOPES; s++) {
		const struct buf *info = &e->family[s][METRICS];

		buf_put(to, info->data, info->used);
		for (int m = 0; m < METRICS; m++)
			buf_put(to, e->family[s][m].data, e->family[s][m].used);
	}
	buf_lit(to, "# EOF\n");
}

void exposition_finish_prometheus(const struct exposition *e, struct buf *to)
{
	struct buf text;

	buf_init(&text, to->ceiling);
	exposition_finish(e, &text);
	if (text.error)
		to->error = text.error;
	prometheus_text(to, text.data, text.used);
	buf_fini(&text);
}
