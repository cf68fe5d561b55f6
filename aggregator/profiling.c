/* SPDX-License-Identifier: Apache-2.0 */
#include "profiling.h"

#include "aggregator_clock.h"
#include "documents.h"
#include "log.h"
#include "profile_json.h"
#include "vm_values.h"
#include "xalloc.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAVE_NS     UINT64_C(60000000000) /* at the latest */
#define FORGET_NS   UINT64_C(600000000000)
#define OUTPUTS_MAX 8u
#define ALARM_NS    UINT64_C(300000000000) /* of a VM that was not counted for longer: over */
#define LOOK_NS     UINT64_C(10000000000)
#define SAID_NS     UINT64_C(600000000000)
#define SAID_MIN    3u /* fewer alarms at once are not said in the log */

struct profiling {
	const struct profiling_options *o;
	struct profile_settings settings;
	unsigned families;
	struct profiler *profiler;
	struct profile_store *store; /* NULL: none */
	struct profile_target *target;
	struct documents *output[OUTPUTS_MAX];
	unsigned n_outputs;
	struct profile_notes *notes; /* NULL: none */
	uint64_t forgot_ns, looked_ns, said_ns;
	unsigned said; /* alarms, when they were said last; 0: it was said that it is over */
};

/* ---- settings ---- */

static int families_of(struct profiling *p, char *why, size_t why_size)
{
	const struct option_list *l = &p->o->values;
	char names[128];

	for (unsigned i = 0; i < l->n; i++) {
		unsigned family = vm_values_family(l->item[i]);

		if (!family) {
			vm_values_names(names, sizeof(names));
			snprintf(why, why_size, "--profile=%.80s is not possible; allowed: %s",
				 l->item[i], names);
			return -EINVAL;
		}
		p->families |= family;
	}
	return 0;
}

static int periods_of(struct profiling *p, char *why, size_t why_size)
{
	const struct option_list *l = &p->o->periods;

	for (unsigned i = 0; i < l->n; i++) {
		char *end;
		unsigned long v = strtoul(l->item[i], &end, 10);

		if (i == PROFILE_PERIODS_MAX || *end || strspn(l->item[i], "0123456789") > 9 ||
		    !strchr("0123456789", *l->item[i]) || !v) {
			snprintf(why, why_size,
				 "--profile-periodsize=%.80s is not possible; allowed: at most %u "
				 "numbers of 1 and up",
				 l->item[i], PROFILE_PERIODS_MAX);
			return -EINVAL;
		}
		p->settings.period[i] = (uint32_t)v;
	}
	p->settings.n_periods = l->n;
	return 0;
}

static int settings_of(struct profiling *p, char *why, size_t why_size)
{
	const struct profiling_options *o = p->o;
	const char *wrong;
	int r = families_of(p, why, why_size);

	if (r == 0)
		r = periods_of(p, why, why_size);
	if (r < 0)
		return r;
	p->settings.markov = (struct markov_settings){.states = o->states,
						      .history = o->history,
						      .buffersize = o->buffersize,
						      .filter = o->filter,
						      .fixed = o->fixed};
	p->settings.phase_likeliness = o->phase_likeliness;
	p->settings.phase_history = o->phase_history;
	vm_values_settings(&p->settings, p->families, NAN);
	wrong = profile_settings_wrong(&p->settings);
	if (!wrong)
		return 0;
	snprintf(why, why_size, "--profile: %s", wrong);
	return -EINVAL;
}

/* ---- what is told ---- */

struct telling {
	const struct profile_settings *settings;
	struct buf *to;
};

static void tell(void *arg, const struct profiler_one *vm)
{
	struct telling *t = arg;

	buf_lit(t->to, "{\"uuid\":");
	buf_json_string(t->to, vm->uuid);
	buf_lit(t->to, ",\"profile\":");
	profile_json_object(t->to, *vm->name ? vm->name : vm->uuid, vm->profile, t->settings);
	buf_byte(t->to, '}');
	if (t->to->used && t->to->data[t->to->used - 1] != '\n')
		buf_byte(t->to, '\n');
}

static bool next_documents(void *arg, uint64_t *cursor, struct buf *to)
{
	struct profiling *p = arg;
	struct telling t = {.settings = &p->settings, .to = to};

	return profiler_walk(p->profiler, cursor, tell, &t);
}

static int open_outputs(struct profiling *p, char *why, size_t why_size)
{
	const struct option_list *l = &p->o->outputs;

	for (unsigned i = 0; i < l->n; i++) {
		struct documents_options d = {.url = l->item[i],
					      .option = "--profile-output",
					      .every_ns = p->o->freq_ns,
					      .next = next_documents,
					      .arg = p};
		int r;

		if (i == OUTPUTS_MAX) {
			snprintf(why, why_size, "--profile-output is allowed %u times",
				 OUTPUTS_MAX);
			return -EINVAL;
		}
		r = documents_open(&p->output[i], &d, why, why_size);
		if (r < 0)
			return r;
		p->n_outputs++;
	}
	return 0;
}

/* ---- open and close ---- */

static int open_all(struct profiling *p, const struct aggregator_options *o, struct delivery *d,
		    char *why, size_t why_size)
{
	struct profiler_options profiler = {.settings = &p->settings,
					    .max_vms = PROFILER_VMS_MAX,
					    .max_bytes = p->o->bytes,
					    .max_hosts = o->max_hosts,
					    .alarms_a_day = p->o->alarms};
	struct profile_target_options target = {.delivery = d};
	int r = settings_of(p, why, why_size);

	if (r < 0)
		return r;
	p->profiler = profiler_new(&profiler);
	if (p->o->dir)
		r = profile_store_open(&p->store, p->o->dir, p->profiler, why, why_size);
	if (r < 0)
		return r;
	target.profiler = p->profiler;
	target.store = p->store;
	target.families = p->families;
	if (o->feed)
		target.notes = p->notes = profile_notes_new(o->max_hosts);
	target.save_ns = p->o->freq_ns < SAVE_NS ? p->o->freq_ns : SAVE_NS;
	r = profile_target_new(&p->target, &target, why, why_size);
	return r < 0 ? r : open_outputs(p, why, why_size);
}

int profiling_open(struct profiling **ret, const struct aggregator_options *o, struct delivery *d,
		   char *why, size_t why_size)
{
	struct profiling *p;
	int r;

	*ret = NULL;
	if (!o->profile.values.n)
		return 0;
	p = xcalloc(1, sizeof(*p));
	p->o = &o->profile;
	r = open_all(p, o, d, why, why_size);
	if (r < 0)
		profiling_close(p, 0);
	else
		*ret = p;
	return r;
}

int profiling_start(struct profiling *p, struct hosts *hosts, char *why, size_t why_size)
{
	return profile_target_start(p->target, hosts, why, why_size);
}

/* ---- what is unusual ---- */

void profiling_annotate(struct profiling *p, const char *host_id, struct sample *s)
{
	uint64_t since = clock_since(s->wall_ns, ALARM_NS);

	for (uint32_t r = 0; r < s->table[SCOPE_VM].rows; r++) {
		const char *uuid = sample_text(s, SCOPE_VM, r, M_UUID);
		const char *state = sample_text(s, SCOPE_VM, r, M_STATE);
		struct profiler_opinion o;

		/* Of one that does not run now the last opinion is of the past. */
		if (!uuid || !*uuid || (state && *state && strcmp(state, "running") != 0))
			continue;
		if (profiler_opinion(p->profiler, host_id, uuid, since, &o))
			profile_note(s, r, &o);
	}
}

struct frame *profiling_notes(struct profiling *p, uint32_t host)
{
	return p->notes ? profile_notes_get(p->notes, host) : NULL;
}

void profiling_forget(struct profiling *p, uint32_t host)
{
	if (p->notes)
		profile_notes_forget(p->notes, host);
}

struct profiler *profiling_profiler(struct profiling *p)
{
	return p->profiler;
}

uint64_t profiling_alarms_since(void)
{
	return clock_since(clock_wall_ns(), ALARM_NS);
}

static void share_text(char *to, size_t size, const char *what, const struct profiler_share *s,
		       unsigned alarms)
{
	*to = '\0';
	if (s->vms * 2 > alarms)
		snprintf(to, size, "; %u %s %s", s->vms, what, s->name);
}

/* Many at once, at most every ten minutes unless they have doubled. */
static void say_unusual(struct profiling *p, uint64_t now_ns)
{
	char host[192], storage[192], value[192];
	struct profiler_unusual u;

	profiler_unusual(p->profiler, profiling_alarms_since(), &u);
	if (u.alarms < SAID_MIN) {
		if (p->said && !u.alarms) {
			log_notice("no VM does what is unlikely for it any more");
			p->said = 0;
		}
		return;
	}
	if (p->said && u.alarms < p->said * 2 && clock_since(now_ns, p->said_ns) < SAID_NS)
		return;
	share_text(host, sizeof(host), "on host", &u.host, u.alarms);
	share_text(storage, sizeof(storage), "with disks at", &u.storage, u.alarms);
	share_text(value, sizeof(value), "for their", &u.value, u.alarms);
	log_warning("%u VMs do what is unlikely for them%s%s%s", u.alarms, host, storage, value);
	p->said = u.alarms;
	p->said_ns = now_ns;
}

void profiling_tick(struct profiling *p, uint64_t now_ns)
{
	uint64_t now, newest;
	unsigned n;

	if (clock_since(now_ns, p->looked_ns) >= LOOK_NS) {
		p->looked_ns = now_ns;
		say_unusual(p, now_ns);
	}
	if (clock_since(now_ns, p->forgot_ns) < FORGET_NS)
		return;
	p->forgot_ns = now_ns;
	now = clock_wall_ns();
	newest = profiler_newest_wall_ns(p->profiler);
	n = profiler_forget(p->profiler, clock_since(now < newest ? now : newest, p->o->forget_ns));
	if (n)
		log_notice("%u profiles are forgotten: their VMs did not run for too long", n);
}

void profiling_reopen(struct profiling *p)
{
	for (unsigned i = 0; i < p->n_outputs; i++)
		documents_reopen(p->output[i]);
}

void profiling_finish(struct profiling *p)
{
	profile_target_finish(p->target);
}

bool profiling_idle(struct profiling *p)
{
	return profile_target_idle(p->target);
}

/* While one output is closed the others go on, so the time is the same for all. */
void profiling_close(struct profiling *p, int timeout_ms)
{
	uint64_t until = clock_monotonic_ns() + (uint64_t)timeout_ms * 1000000u;

	if (!p)
		return;
	profile_target_close(p->target);
	for (unsigned i = 0; i < p->n_outputs; i++)
		documents_close(p->output[i],
				(int)(clock_since(until, clock_monotonic_ns()) / 1000000u));
	profile_notes_free(p->notes);
	profile_store_close(p->store);
	profiler_free(p->profiler);
	free(p);
}

/* ---- status ---- */

void profiling_stats(struct profiling *p, struct profiling_stats *ret)
{
	profile_target_stats(p->target, &ret->target);
	profiler_stats(p->profiler, &ret->profiler);
}

const char *profiling_dir(const struct profiling *p)
{
	return p->store ? p->o->dir : NULL;
}

unsigned profiling_outputs(const struct profiling *p)
{
	return p->n_outputs;
}

const char *profiling_output(const struct profiling *p, unsigned i, struct output_stats *ret)
{
	documents_stats(p->output[i], ret);
	return documents_url(p->output[i]);
}
