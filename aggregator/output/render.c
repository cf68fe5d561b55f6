/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include "output_time.h"

#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>

/* One sample as text stays far below. */
#define RENDER_CEILING (256u << 20)

/* Between two whole files, each of which has all hosts. */
#define WHOLE_MS 1000

/* The most that an interval's samples are waited for. */
#define CLUSTER_AFTER_NS UINT64_C(2000000000)

/* What the events or lines say of the host already, in front. */
static bool wants(void *arg, enum metric_id m)
{
	const struct output_url *u = arg;

	if ((u->format == FORMAT_JSON_VM || u->format == FORMAT_INFLUX) &&
	    (m == M_HOST_NAME || m == M_HOST_ID))
		return false;
	return output_url_wants(u, m);
}

struct render *render_new(const struct output_url *u, size_t record_max)
{
	static const char *const printers[FORMATS] = {
		[FORMAT_JSON] = "json",         [FORMAT_JSON_VM] = "json",
		[FORMAT_JSON_CLUSTER] = "json", [FORMAT_INFLUX] = "json",
		[FORMAT_TEXT] = "text",         [FORMAT_OPENMETRICS] = "openmetrics",
	};
	struct printer_options o = {
		.verbose = u->verbose,
		.families = u->families,
		.cluster = true,
		.record_max = record_max,
		.wants_metric = wants,
		.wants_metric_arg = (void *)(uintptr_t)u,
	};
	struct render *r = xcalloc(1, sizeof(*r));

	r->u = u;
	r->record_max = record_max;
	r->printer = printer_new(printers[u->format], &o);
	printer_set_origin(r->printer, &r->origin);
	r->before = sample_new();
	r->now = sample_new();
	r->view = view_new();
	buf_init(&r->out, RENDER_CEILING);
	buf_init(&r->scratch, RENDER_CEILING);
	if (u->changed)
		r->changes = changes_new(r->printer, u->counters);
	if (u->format == FORMAT_INFLUX)
		r->influx = influx_names_new(r);
	if (u->format == FORMAT_OPENMETRICS || u->format == FORMAT_JSON_CLUSTER)
		r->whole = whole_new();
	return r;
}

void render_free(struct render *r)
{
	if (!r)
		return;
	whole_free(r->whole);
	influx_names_free(r->influx);
	changes_free(r->changes);
	printer_free(r->printer);
	sample_free(r->before);
	sample_free(r->now);
	view_free(r->view);
	buf_fini(&r->out);
	buf_fini(&r->scratch);
	free(r->cut);
	free(r);
}

void render_cut(struct render *r)
{
	size_t start = r->n_cuts ? r->cut[r->n_cuts - 1] : 0;

	if (r->out.error)
		return;
	if (r->out.used - start > r->record_max) {
		r->out.used = start;
		r->dropped++;
		return;
	}
	if (r->n_cuts == r->cut_room) {
		r->cut_room = r->cut_room ? r->cut_room * 2 : 64;
		r->cut = xrealloc(r->cut, r->cut_room, sizeof(*r->cut));
	}
	r->cut[r->n_cuts++] = (uint32_t)r->out.used;
}

static int put(void *arg, const char *data, size_t n)
{
	struct render *r = arg;

	buf_put(&r->out, data, n);
	render_cut(r);
	return r->out.error;
}

static void clear(struct render *r)
{
	buf_clear(&r->out);
	r->n_cuts = 0;
	r->dropped = 0;
}

/* A base that cannot be read only costs the rates. */
static const struct sample *decode_before(struct render *r, const struct frame *f)
{
	struct frame_head head;

	if (!f || frame_decode(r->before, &head, f->bytes, f->size) < 0)
		return NULL;
	return r->before;
}

void render_derive(struct render *r, const struct frame *before)
{
	view_derive(r->view, decode_before(r, before), r->now);
}

static int print(struct render *r)
{
	unsigned dropped = 0;
	int e;

	if (r->u->format == FORMAT_JSON_VM)
		return format_json_vm(r);
	if (r->u->format == FORMAT_INFLUX)
		return format_influx(r);
	e = printer_print(r->printer, r->view, put, r, &dropped);
	r->dropped += dropped;
	return e;
}

int render_decode(struct render *r, const struct frame *f)
{
	int e = frame_decode(r->now, &r->head, f->bytes, f->size);

	if (e < 0)
		return e;
	r->origin = (struct printer_origin){.host_name = r->head.host_name,
					    .host_id = r->head.host_id,
					    .epoch = r->head.epoch,
					    .sequence = r->head.sequence};
	if (r->annotate)
		r->annotate(r->annotate_arg, r->head.host_id, r->now);
	return 0;
}

int render_item(struct render *r, const struct output_item *item)
{
	int e;

	clear(r);
	if (r->whole)
		return whole_keep(r, item);
	e = render_decode(r, item->now);
	if (e < 0)
		return e;
	render_derive(r, item->before);
	if (r->changes)
		changes_keep(r->changes, item->stream, r->view, r->now);
	e = print(r);
	if (e < 0)
		clear(r);
	return e;
}

void render_forget(struct render *r)
{
	if (r->changes)
		changes_forget(r->changes);
}

bool render_is_whole(const struct render *r)
{
	return r->whole != NULL;
}

/* A while after each multiple of the interval, so that its samples are there. */
int64_t render_whole_in_ms(const struct render *r, bool once)
{
	uint64_t interval = r->u->interval_ns, after = interval / 4;

	if (r->u->format != FORMAT_JSON_CLUSTER)
		return once ? 0 : WHOLE_MS;
	if (after > CLUSTER_AFTER_NS)
		after = CLUSTER_AFTER_NS;
	return (int64_t)((interval - (output_wall_ns() - after) % interval) / 1000000u) + 1;
}

int render_whole(struct render *r)
{
	int e;

	clear(r);
	e = r->u->format == FORMAT_JSON_CLUSTER ? format_json_cluster(r) : whole_print(r);
	if (e < 0)
		clear(r);
	return e;
}

/* A file stays until it is replaced; what json-cluster wrote does not claim to be now. */
int64_t render_whole_stale_ms(const struct render *r)
{
	return r->u->format == FORMAT_OPENMETRICS ? whole_stale_ms(r->whole) : OUTPUT_FOREVER_MS;
}
