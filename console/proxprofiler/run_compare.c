/* SPDX-License-Identifier: Apache-2.0 */
/* --compare A B: of each profile of A the nearest of B. */
#include "batch.h"
#include "distance.h"
#include "log.h"
#include "profile_file.h"
#include "runs.h"
#include "xalloc.h"

#include <math.h>
#include <stdlib.h>

#define NEAREST  10u
#define LINE_MAX ((size_t)64 << 20)

static void put_share(struct buf *b, double v)
{
	if (isfinite(v))
		buf_double(b, v, 4);
	else
		buf_lit(b, "null");
}

static void put_metrics(struct buf *b, const struct distance *d, const struct profile_settings *s)
{
	buf_lit(b, ",\"metrics\":[");
	for (unsigned i = 0; i < d->n; i++) {
		const struct distance_metric *m = &d->metric[i];

		buf_text(b, i ? ",{\"metric\":" : "{\"metric\":");
		buf_json_string(b, s->metric[m->a].name);
		buf_lit(b, ",\"distance\":");
		put_share(b, m->distance);
		buf_lit(b, ",\"levels\":");
		put_share(b, m->levels);
		buf_lit(b, ",\"moves\":");
		put_share(b, m->moves);
		buf_lit(b, ",\"mean\":[");
		put_share(b, m->mean_a);
		buf_byte(b, ',');
		put_share(b, m->mean_b);
		buf_lit(b, "]}");
	}
	buf_byte(b, ']');
}

static void put_name(struct buf *b, const struct profile_entry *e)
{
	buf_lit(b, "{\"name\":");
	buf_json_string(b, e->document.name);
	if (!e->uuid)
		return;
	buf_lit(b, ",\"uuid\":");
	buf_json_string(b, e->uuid);
}

static void put_rank(struct buf *b, const struct distance_rank *r, const struct profile_entry *from,
		     const struct profile_entry *to)
{
	put_name(b, to);
	buf_lit(b, ",\"distance\":");
	put_share(b, r->distance.total);
	buf_lit(b, ",\"levels\":");
	put_share(b, r->distance.levels);
	buf_lit(b, ",\"moves\":");
	put_share(b, r->distance.moves);
	put_metrics(b, &r->distance, &from->document.settings);
	buf_lit(b, ",\"unmatched\":");
	buf_u64(b, r->distance.unmatched);
	buf_byte(b, '}');
}

static void put_line(struct buf *b, const struct profile_entry *from, const struct profile_file *to,
		     const struct distance_rank *rank)
{
	unsigned n = to->n < NEAREST ? to->n : NEAREST;

	buf_lit(b, "{\"compare\":");
	put_name(b, from);
	buf_lit(b, ",\"nearest\":[");
	for (unsigned i = 0; i < n; i++) {
		if (i)
			buf_byte(b, ',');
		put_rank(b, &rank[i], from, &to->entry[rank[i].known]);
	}
	buf_lit(b, "]}}\n");
}

/* 0 or -EPIPE. */
static int compare_all(struct batch *batch, const struct profile_file *a,
		       const struct profile_file *b)
{
	struct distance_known *known = xcalloc(b->n, sizeof(*known));
	struct distance_rank *rank = xcalloc(b->n, sizeof(*rank));
	struct buf line;
	int r = 0;

	for (unsigned i = 0; i < b->n; i++) {
		const struct profile_document *d = &b->entry[i].document;

		known[i] = (struct distance_known){d->name, &d->profile, &d->settings};
	}
	buf_init(&line, LINE_MAX);
	for (unsigned i = 0; i < a->n && !r; i++) {
		const struct profile_document *d = &a->entry[i].document;

		distance_nearest(&d->profile, &d->settings, known, b->n, rank);
		buf_clear(&line);
		put_line(&line, &a->entry[i], b, rank);
		r = batch_put(batch, line.data, line.used);
		if (batch_wait(batch, 1, -1) == BATCH_END)
			break;
	}
	buf_fini(&line);
	free(known);
	free(rank);
	return r;
}

int run_compare(const struct proxprofiler_options *o)
{
	struct profile_file a = {0}, b = {0};
	struct batch batch;
	char why[512] = "";
	int status = 1;

	if (profile_file_read(&a, o->compare, why, sizeof(why)) ||
	    profile_file_read(&b, o->operands.item[0], why, sizeof(why))) {
		log_error("%s", why);
	} else {
		status = batch_open(&batch, &o->base, true);
		if (!status && !compare_all(&batch, &a, &b))
			batch_wait_for_sink(&batch, 0);
		batch_close(&batch);
	}
	profile_file_fini(&a);
	profile_file_fini(&b);
	return status;
}
