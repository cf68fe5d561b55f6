/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon's own parts do, beside what measuring costs (self.h). */
#include "daemon_parts.h"
#include "own_memory.h"

static uint32_t part(struct sample *s, const char *name)
{
	uint32_t host = s->table[SCOPE_HOST].rows ? 0 : NO_ROW;
	uint32_t row = sample_row(s, SCOPE_SELF, host, id_hash(4, name));

	sample_set_text(s, SCOPE_SELF, row, M_SELF_PART, name);
	return row;
}

static void set(struct sample *s, uint32_t row, enum metric_id m, uint64_t v)
{
	sample_set(s, SCOPE_SELF, row, m, v);
}

static void add_process(struct sample *s)
{
	set(s, part(s, "process"), M_SELF_MEMORY, own_memory());
}

static void add_history(struct sample *s, const struct daemon *d)
{
	uint32_t row = part(s, "history");
	struct history_stats st;

	history_stats(d->history, &st);
	set(s, row, M_SELF_SAMPLES, st.arrived);
	set(s, row, M_SELF_QUEUED, st.frames);
	set(s, row, M_SELF_QUEUE, st.bytes);
}

static void add_spool(struct sample *s, const struct daemon *d)
{
	uint32_t row = part(s, "spool");
	struct spool_stats st;

	spool_stats(d->spool, &st);
	set(s, row, M_SELF_QUEUED, st.uncommitted);
	set(s, row, M_SELF_QUEUE, st.bytes);
	set(s, row, M_SELF_COMMITTED, st.committed);
	set(s, row, M_SELF_DROPPED, st.lost);
}

static void add_uplink(struct sample *s, const struct daemon *d)
{
	uint32_t row = part(s, "uplink");
	struct uplink_stats st;

	uplink_stats(d->uplink, &st);
	set(s, row, M_SELF_RUNS, st.requests);
	set(s, row, M_SELF_SAMPLES, st.frames);
	set(s, row, M_SELF_SENT, st.bytes);
	set(s, row, M_SELF_REPEATED, st.repeated);
	set(s, row, M_SELF_FAILURES, st.failures);
}

static void add_feed(struct sample *s, const struct daemon *d)
{
	uint32_t row = part(s, "feed");
	struct feed_server_stats st;

	feed_server_stats(d->feed, &st);
	set(s, row, M_SELF_RUNS, st.requests);
	set(s, row, M_SELF_SAMPLES, st.frames);
	set(s, row, M_SELF_SENT, st.bytes);
	set(s, row, M_SELF_DROPPED, st.skipped);
	set(s, row, M_SELF_FAILURES, st.refused);
}

void daemon_self(const struct daemon *d, struct sample *s)
{
	add_process(s);
	add_history(s, d);
	if (d->spool) {
		add_spool(s, d);
		add_uplink(s, d);
	}
	if (d->feed)
		add_feed(s, d);
}
