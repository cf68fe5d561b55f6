/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /hosts:
 *
 *   {"instance":"1f…","@timestamp":"…","hosts":[{…}],"outputs":[{…}],"uplink":{…},
 *    "vms":{"known":…,"moves":…,"moved":[{…}],"duplicates":[{…}]},"aggregator":{…},
 *    "profile":{…}}
 *
 * Times are seconds, sizes bytes.  Of a host: "state" is live, stale, conflict or silent
 * (heard, but no sample yet); "age" since its newest sample arrived; "spooled" what its
 * spool holds, "behind" how many samples of it are not committed; "lost" what its spool had
 * to drop, "gap" what was missing here.
 */
#include "status.h"

#include "aggregator_clock.h"
#include "print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* So many VMs of each list. */
#define VMS_LISTED 1000u

struct listing {
	const struct status *s;
	const char *host;
	uint64_t now_ns;
	struct buf *to;
	unsigned n;
};

static void name_of(struct buf *b, const char *key, bool first)
{
	if (!first)
		buf_byte(b, ',');
	buf_byte(b, '"');
	buf_text(b, key);
	buf_lit(b, "\":");
}

static void text(struct buf *b, const char *key, const char *value)
{
	name_of(b, key, false);
	buf_json_string(b, value);
}

static void number(struct buf *b, const char *key, uint64_t value)
{
	name_of(b, key, false);
	buf_u64(b, value);
}

static void seconds(struct buf *b, const char *key, double ns)
{
	name_of(b, key, false);
	buf_double(b, ns / 1e9, 3);
}

static void truth(struct buf *b, const char *key, bool value)
{
	name_of(b, key, false);
	buf_text(b, value ? "true" : "false");
}

static const char *state_of(const struct host *h, uint64_t now_ns)
{
	if (h->senders.conflict)
		return "conflict";
	if (!h->latest)
		return "silent";
	return host_is_stale(h, now_ns) ? "stale" : "live";
}

static void missed_by(const struct host *h, const struct status *s, struct buf *b)
{
	uint64_t missed = 0;

	for (unsigned i = 0; i < outputs_count(s->outputs); i++)
		for (const struct host_stream *st = h->streams; st; st = st->next)
			missed += delivery_missed(st->delivery, i);
	number(b, "missed", missed);
}

static void stream_members(const struct host_stream *st, const struct status *s, struct buf *b)
{
	uint64_t committed = delivery_committed(s->delivery, st->delivery);

	number(b, "epoch", st->epoch);
	number(b, "received", delivery_top(st->delivery));
	number(b, "committed", committed);
	number(b, "behind", st->has.newest > committed ? st->has.newest - committed : 0);
	number(b, "spooled", st->spool_bytes);
}

static void one_host(void *arg, struct host *h)
{
	struct listing *l = arg;
	const struct host_stream *st = host_current(h);
	struct buf *b = l->to;

	if (l->host && strcmp(l->host, h->id) && strcmp(l->host, h->name))
		return;
	buf_text(b, l->n++ ? ",{" : "{");
	name_of(b, metrics[M_HOST_NAME].key, true);
	buf_json_string(b, h->name);
	text(b, metrics[M_HOST_ID].key, h->id);
	text(b, "version", h->version);
	text(b, "state", state_of(h, l->now_ns));
	if (h->latest)
		seconds(b, "age", (double)clock_since(l->now_ns, h->arrived_ns));
	seconds(b, "interval", (double)h->interval_ns);
	seconds(b, "clock_ahead", (double)h->skew_ns);
	if (st)
		stream_members(st, l->s, b);
	number(b, "epochs", h->n_streams);
	number(b, "samples", h->received);
	number(b, "bytes", h->received_bytes);
	number(b, "repeated", h->repeated);
	number(b, "refused", h->refused);
	number(b, "lost", host_lost(h));
	number(b, "lost_epochs", h->lost_epochs);
	number(b, "gap", h->gaps);
	missed_by(h, l->s, b);
	if (h->senders.conflict) {
		name_of(b, "senders", false);
		buf_byte(b, '[');
		buf_json_string(b, h->senders.now.name);
		buf_byte(b, ',');
		buf_json_string(b, h->senders.other.name);
		buf_byte(b, ']');
	}
	buf_byte(b, '}');
}

static void one_output(const struct status *s, unsigned i, struct buf *b)
{
	const struct output_info *info = outputs_info(s->outputs, i);
	struct output_stats st;

	outputs_stats(s->outputs, i, &st);
	buf_text(b, i ? ",{" : "{");
	name_of(b, "url", true);
	buf_json_string(b, info->url);
	truth(b, "required", info->required);
	truth(b, "given_up", info->required && delivery_left_out(s->delivery, i));
	seconds(b, "dead", (double)st.dead_for_ns);
	number(b, "queued", st.queued);
	number(b, "queued_bytes", st.queued_bytes);
	number(b, "sent", st.sent);
	number(b, "bytes", st.bytes);
	number(b, "failures", st.failures);
	number(b, "refused", st.refused);
	if (*st.error)
		text(b, "error", st.error);
	buf_byte(b, '}');
}

static void next_tier(const struct status *s, struct buf *b)
{
	struct uplink_stats st;
	uint64_t waiting;

	tier_stats(s->tier, &st, &waiting);
	name_of(b, "aggregator", false);
	buf_byte(b, '{');
	name_of(b, "url", true);
	buf_json_string(b, st.url);
	truth(b, "connected", st.connected);
	number(b, "waiting_bytes", waiting);
	number(b, "samples", st.frames);
	number(b, "repeated", st.repeated);
	number(b, "failures", st.failures);
	if (*st.error)
		text(b, "error", st.error);
	buf_byte(b, '}');
}

static void uplink(const struct status *s, struct buf *b)
{
	struct receive_stats r;
	struct listener_stats l;

	receive_stats(s->receive, &r);
	listener_stats(s->listener, &l);
	buf_lit(b, "{");
	name_of(b, "connections", true);
	buf_u64(b, l.link.pipes);
	number(b, "requests", r.requests);
	number(b, "rejected", l.rejected);
	number(b, "bytes", l.link.bytes_in);
	number(b, "samples", r.frames);
	number(b, "sample_bytes", r.bytes);
	number(b, "again", r.again);
	number(b, "repeated", r.repeated);
	number(b, "refused", r.refused);
	number(b, "hosts_refused", r.hosts_refused);
	buf_byte(b, '}');
}

static void profile_outputs(const struct status *s, struct buf *b)
{
	name_of(b, "outputs", false);
	buf_byte(b, '[');
	for (unsigned i = 0; i < profiling_outputs(s->profiling); i++) {
		struct output_stats st;

		buf_text(b, i ? ",{" : "{");
		name_of(b, "url", true);
		buf_json_string(b, profiling_output(s->profiling, i, &st));
		number(b, "queued", st.queued);
		number(b, "sent", st.sent);
		number(b, "bytes", st.bytes);
		number(b, "failures", st.failures);
		number(b, "refused", st.refused);
		if (*st.error)
			text(b, "error", st.error);
		buf_byte(b, '}');
	}
	buf_byte(b, ']');
}

static void profile_dir(const struct status *s, const struct profile_target_stats *st,
			struct buf *b)
{
	if (!profiling_dir(s->profiling))
		return;
	text(b, "dir", profiling_dir(s->profiling));
	number(b, "saves", st->saves);
	if (st->saves) {
		seconds(b, "saved", (double)clock_since(clock_monotonic_ns(), st->saved_ns));
		seconds(b, "save_took", (double)st->took_ns);
	}
	number(b, "save_failures", st->failures);
	truth(b, "given_up", st->given_up);
	if (*st->error)
		text(b, "error", st->error);
}

static void share(struct buf *b, const char *key, const struct profiler_share *s)
{
	if (!s->vms)
		return;
	name_of(b, key, false);
	buf_byte(b, '{');
	name_of(b, metrics[M_NAME].key, true);
	buf_json_string(b, s->name);
	number(b, "vms", s->vms);
	buf_byte(b, '}');
}

struct alarm_listing {
	struct buf *to;
	bool first;
};

static void one_alarm(void *arg, const struct profiler_alarm *vm)
{
	struct alarm_listing *l = arg;
	struct buf *b = l->to;

	buf_text(b, l->first ? "{" : ",{");
	l->first = false;
	name_of(b, metrics[M_UUID].key, true);
	buf_json_string(b, vm->uuid);
	text(b, metrics[M_NAME].key, vm->name);
	text(b, metrics[M_HOST_NAME].key, vm->host_name);
	if (*vm->storage)
		text(b, "storage", vm->storage);
	number(b, metrics[M_ANOMALY].key, vm->opinion->percent);
	text(b, metrics[M_ANOMALY_WHY].key, vm->opinion->why);
	buf_byte(b, '}');
}

static void unusual(const struct status *s, struct buf *b)
{
	struct profiler *p = profiling_profiler(s->profiling);
	struct alarm_listing l = {.to = b, .first = true};
	struct profiler_unusual u;

	profiler_unusual(p, profiling_alarms_since(), &u);
	number(b, "learning", u.learning);
	number(b, "alarms", u.alarms);
	share(b, "most_on_host", &u.host);
	share(b, "most_with_storage", &u.storage);
	share(b, "most_of_value", &u.value);
	name_of(b, "unusual", false);
	buf_byte(b, '[');
	profiler_alarms(p, VMS_LISTED, one_alarm, &l);
	buf_byte(b, ']');
}

static void profiles(const struct status *s, struct buf *b)
{
	struct profiling_stats st;

	profiling_stats(s->profiling, &st);
	buf_lit(b, ",\"profile\":{");
	name_of(b, "vms", true);
	buf_u64(b, st.profiler.vms);
	number(b, "bytes", st.profiler.bytes);
	number(b, "samples", st.target.samples);
	number(b, "counted", st.profiler.verdict[PROFILER_COUNTED]);
	number(b, "repeated", st.profiler.verdict[PROFILER_KNOWN]);
	number(b, "elsewhere", st.profiler.verdict[PROFILER_ELSEWHERE]);
	number(b, "not_running", st.profiler.verdict[PROFILER_IDLE]);
	number(b, "refused", st.profiler.verdict[PROFILER_FULL]);
	number(b, "queued", st.target.queued);
	number(b, "queued_bytes", st.target.queued_bytes);
	profile_dir(s, &st.target, b);
	unusual(s, b);
	profile_outputs(s, b);
	buf_byte(b, '}');
}

struct vm_listing {
	struct buf *to;
	bool duplicates, first;
	unsigned n;
};

static void one_vm(void *arg, const struct vms_one *vm)
{
	struct vm_listing *l = arg;
	struct buf *b = l->to;

	if (vm->duplicate != l->duplicates || l->n++ >= VMS_LISTED)
		return;
	buf_text(b, l->first ? "{" : ",{");
	l->first = false;
	name_of(b, metrics[M_UUID].key, true);
	buf_json_string(b, vm->uuid);
	text(b, metrics[M_NAME].key, vm->name);
	text(b, metrics[M_HOST_NAME].key, vm->host_name);
	text(b, metrics[M_HOST_ID].key, vm->host_id);
	text(b, vm->duplicate ? "also_on" : metrics[M_HOST_FROM].key, vm->other_name);
	text(b, vm->duplicate ? "also_on_id" : "host_from_id", vm->other_id);
	seconds(b, "since", (double)vm->since_ns);
	buf_byte(b, '}');
}

static void vm_list(const struct status *s, const char *key, bool duplicates, struct buf *b)
{
	struct vm_listing l = {.to = b, .duplicates = duplicates, .first = true};

	name_of(b, key, false);
	buf_byte(b, '[');
	vms_each(s->vms, clock_monotonic_ns(), one_vm, &l);
	buf_byte(b, ']');
}

static void vms(const struct status *s, struct buf *b)
{
	struct vms_stats st;

	vms_stats(s->vms, &st);
	buf_lit(b, ",\"vms\":{");
	name_of(b, "known", true);
	buf_u64(b, st.known);
	number(b, "moves", st.moves);
	vm_list(s, "moved", false, b);
	vm_list(s, "duplicates", true, b);
	buf_byte(b, '}');
}

unsigned status_hosts(const struct status *s, const char *host, struct buf *to)
{
	struct listing l = {.s = s, .host = host, .now_ns = clock_monotonic_ns(), .to = to};
	char instance[24];

	snprintf(instance, sizeof(instance), "%016" PRIx64, s->instance);
	buf_lit(to, "{");
	name_of(to, "instance", true);
	buf_json_string(to, instance);
	name_of(to, "@timestamp", false);
	buf_byte(to, '"');
	print_time(to, clock_wall_ns());
	buf_byte(to, '"');
	text(to, "version", PROXTOP_VERSION);
	seconds(to, "running", (double)clock_since(l.now_ns, s->started_ns));
	buf_lit(to, ",\"hosts\":[");
	hosts_each(s->hosts, one_host, &l);
	buf_lit(to, "],\"outputs\":[");
	for (unsigned i = 0; i < outputs_count(s->outputs); i++)
		one_output(s, i, to);
	buf_lit(to, "],\"uplink\":");
	uplink(s, to);
	vms(s, to);
	if (s->tier)
		next_tier(s, to);
	if (s->profiling)
		profiles(s, to);
	buf_lit(to, "}\n");
	return l.n;
}
