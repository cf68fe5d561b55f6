/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A feed: each live moment's new frames are printed.  Recording goes on beside it, in the
 * source's thread, with all frames.
 */
#include "host_lines.h"
#include "log.h"
#include "loop.h"
#include "subject.h"
#include "vm_filter.h"

#include <errno.h>
#include <inttypes.h>

#define UNREACHABLE "feed"

struct loop {
	struct batch batch;
	struct subject subject;
	struct host_lines *lines;
	uint64_t skipped; /* that was said */
};

/* Once when it begins, once when it is over. */
static void say_status(struct loop *l)
{
	const char *url = l->batch.o->connect;
	struct source_status st;

	source_status(l->subject.source, &st);
	if (*st.error)
		log_once(LOG_WARNING, UNREACHABLE, "--connect=%s: %s", url, st.error);
	else
		log_over(UNREACHABLE, "--connect=%s: reached again", url);
	if (st.skipped > l->skipped)
		log_once(LOG_WARNING, "skipped",
			 "--connect=%s: %" PRIu64 " samples were missed (they came faster than "
			 "they could be taken, or are no longer kept there)",
			 url, st.skipped);
	l->skipped = st.skipped;
}

/* What stale hosts said last is no news, and in an exposition it would pass for their state
 * now.  A host that is new is printed when it has rates, as this host would be. */
static bool is_printed(const struct loop *l, const struct moment_host *h)
{
	bool rates = l->batch.printer && printer_wants_rates(l->batch.printer);

	return !h->about.stale && (h->before || !rates);
}

/* 0 or -EPIPE. */
static int print_moment(struct loop *l, const struct moment *m, bool *ret_any)
{
	int r = 0, end;

	for (uint32_t i = 0; i < m->n && !r; i++)
		if (is_printed(l, &m->hosts[i]))
			r = host_lines_frame(l->lines, m->hosts[i].now, m->hosts[i].before);
	end = host_lines_end(l->lines, ret_any);
	return r ? r : end;
}

static void run(struct loop *l)
{
	int runs = l->batch.o->runs, done = 0;

	source_go(l->subject.source, SOURCE_LIVE, 0);
	while (runs < 0 || done < runs) {
		enum batch_event e =
			batch_wait(&l->batch, UINT64_MAX, source_fd(l->subject.source));
		struct moment *m = e == BATCH_END ? NULL : source_take(l->subject.source);
		bool any;
		int r;

		if (e == BATCH_END)
			return;
		if (!m)
			continue;
		say_status(l);
		r = print_moment(l, m, &any);
		moment_unref(m);
		if (r)
			return;
		done += any;
	}
}

int loop_feed(const struct options *o)
{
	struct loop l = {0};
	int status = batch_open(&l.batch, o, !o->record_only), closed;

	if (!status)
		status = subject_open(&l.subject, o);
	if (!status) {
		if (o->record_only)
			log_notice("%s is recorded into %s; SIGINT or SIGTERM ends it", o->connect,
				   o->record);
		l.lines = host_lines_new(&l.batch);
		run(&l);
		host_lines_free(l.lines);
	}
	closed = l.subject.source ? subject_close(&l.subject) : 0;
	batch_close(&l.batch);
	return status ? status : closed;
}
