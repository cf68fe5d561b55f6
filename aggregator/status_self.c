/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

#include "aggregator_clock.h"
#include "own_memory.h"

/* Of a host, what is done for it here; its agent's parts have other names. */
#define OWN "aggregator"

static uint32_t part(struct sample *s, const char *name)
{
	uint32_t parent = s->table[SCOPE_HOST].rows ? 0 : NO_ROW;
	uint32_t row = sample_row(s, SCOPE_SELF, parent, id_hash(5, name));

	sample_set_text(s, SCOPE_SELF, row, M_SELF_PART, name);
	return row;
}

static void set(struct sample *s, uint32_t row, enum metric_id m, uint64_t v)
{
	sample_set(s, SCOPE_SELF, row, m, v);
}

static void add_program(struct sample *to)
{
	uint32_t row = part(to, OWN);

	set(to, row, M_SELF_CPU, clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	set(to, row, M_SELF_MEMORY, own_memory());
}

static void add_uplink(const struct status *s, struct sample *to)
{
	uint32_t row = part(to, "uplink");
	struct receive_stats r;
	struct listener_stats l;

	receive_stats(s->receive, &r);
	listener_stats(s->listener, &l);
	set(to, row, M_SELF_RUNS, r.requests);
	set(to, row, M_SELF_SAMPLES, r.frames);
	set(to, row, M_SELF_RECEIVED, l.link.bytes_in);
	set(to, row, M_SELF_SENT, l.link.bytes_out);
	set(to, row, M_SELF_REPEATED, r.again + r.repeated);
	set(to, row, M_SELF_REFUSED, r.refused);
	set(to, row, M_SELF_FAILURES,
	    l.rejected + r.bad_requests + r.hosts_refused + l.link.send_failed);
}

static void add_history(const struct status *s, struct sample *to)
{
	uint32_t row = part(to, "history");
	struct history_stats st;

	history_stats(s->history, &st);
	set(to, row, M_SELF_SAMPLES, st.arrived);
	set(to, row, M_SELF_QUEUED, st.frames);
	set(to, row, M_SELF_QUEUE, st.bytes);
}

static void add_feed(const struct status *s, struct sample *to)
{
	uint32_t row = part(to, "feed");
	struct feed_server_stats st;

	feed_server_stats(s->feed, &st);
	set(to, row, M_SELF_RUNS, st.requests);
	set(to, row, M_SELF_SAMPLES, st.frames);
	set(to, row, M_SELF_SENT, st.bytes);
	set(to, row, M_SELF_DROPPED, st.skipped);
	set(to, row, M_SELF_FAILURES, st.refused);
}

static void add_tier(const struct status *s, struct sample *to)
{
	uint32_t row = part(to, "tier");
	struct uplink_stats st;
	uint64_t waiting;

	tier_stats(s->tier, &st, &waiting);
	set(to, row, M_SELF_RUNS, st.requests);
	set(to, row, M_SELF_SAMPLES, st.frames);
	set(to, row, M_SELF_SENT, st.bytes);
	set(to, row, M_SELF_REPEATED, st.repeated);
	set(to, row, M_SELF_FAILURES, st.failures);
	set(to, row, M_SELF_QUEUE, waiting);
}

static void add_profiles(const struct status *s, struct sample *to)
{
	uint32_t row = part(to, "profile");
	struct profiling_stats st;

	profiling_stats(s->profiling, &st);
	set(to, row, M_SELF_SAMPLES, st.target.samples);
	set(to, row, M_SELF_RUNS, st.target.saves);
	set(to, row, M_SELF_FAILURES, st.target.failures);
	set(to, row, M_SELF_REFUSED, st.profiler.verdict[PROFILER_FULL]);
	set(to, row, M_SELF_REPEATED, st.profiler.verdict[PROFILER_KNOWN]);
	set(to, row, M_SELF_MEMORY, st.profiler.bytes);
	set(to, row, M_SELF_QUEUED, st.target.queued);
	set(to, row, M_SELF_QUEUE, st.target.queued_bytes);
}

static void add_output(const struct status *s, unsigned i, struct sample *to)
{
	uint32_t row = part(to, outputs_info(s->outputs, i)->url);
	struct output_stats st;

	outputs_stats(s->outputs, i, &st);
	set(to, row, M_SELF_COMMITTED, st.sent);
	set(to, row, M_SELF_SENT, st.bytes);
	set(to, row, M_SELF_DROPPED, outputs_missed(s->outputs, i));
	set(to, row, M_SELF_REFUSED, st.refused);
	set(to, row, M_SELF_FAILURES, st.failures);
	set(to, row, M_SELF_QUEUED, st.queued);
	set(to, row, M_SELF_QUEUE, st.queued_bytes);
}

void status_self(const struct status *s, struct sample *to)
{
	add_program(to);
	add_uplink(s, to);
	add_history(s, to);
	if (s->feed)
		add_feed(s, to);
	if (s->tier)
		add_tier(s, to);
	if (s->profiling)
		add_profiles(s, to);
	for (unsigned i = 0; i < outputs_count(s->outputs); i++)
		add_output(s, i, to);
}

void status_of_host(const struct status *s, const struct host *h, uint64_t now_ns,
		    struct status_of_host *ret)
{
	const struct host_stream *st = host_current(h);

	*ret = (struct status_of_host){
		.age_ns = h->latest ? clock_since(now_ns, h->arrived_ns) : ABSENT,
		.samples = h->received,
		.bytes = h->received_bytes,
		.committed = ABSENT,
		.behind = ABSENT,
		.spooled = ABSENT,
		.repeated = h->repeated,
		.refused = h->refused,
		.lost = h->gaps,
		.dropped = host_lost(h),
	};
	if (!st)
		return;
	ret->committed = delivery_committed(s->delivery, st->delivery);
	ret->behind = st->has.newest > ret->committed ? st->has.newest - ret->committed : 0;
	ret->spooled = st->spool_bytes;
}

void status_self_host(const struct status_of_host *h, struct sample *to)
{
	uint32_t row = part(to, OWN);

	set(to, row, M_SELF_AGE, h->age_ns == ABSENT ? ABSENT : h->age_ns / 1000000u);
	set(to, row, M_SELF_SAMPLES, h->samples);
	set(to, row, M_SELF_RECEIVED, h->bytes);
	set(to, row, M_SELF_COMMITTED, h->committed);
	set(to, row, M_SELF_QUEUED, h->behind);
	set(to, row, M_SELF_QUEUE, h->spooled);
	set(to, row, M_SELF_REPEATED, h->repeated);
	set(to, row, M_SELF_REFUSED, h->refused);
	set(to, row, M_SELF_LOST, h->lost);
	set(to, row, M_SELF_DROPPED, h->dropped);
}
