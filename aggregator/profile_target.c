/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_target.h"

#include "aggregator_clock.h"
#include "log.h"
#include "vm_storage.h"
#include "vm_values.h"
#include "xalloc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ITEMS_MAX    8192u
#define BYTES_MAX    (64u << 20)
#define GIVE_UP_NS   UINT64_C(600000000000)
#define COUNTER_NICE 5
#define KEEPER_NICE  10
#define AGAIN_NS     UINT64_C(5000000000) /* after a save that failed */

struct waiting {
	struct waiting *next;
	struct frame *before, *now;
	uint32_t stream, host;
};

/* How far a stream is counted; by its number. */
struct counted {
	uint64_t epoch, sequence;
	bool fresh; /* not saved yet, and in the list of those */
};

struct settled {
	uint32_t stream;
	uint64_t epoch, sequence;
};

struct profile_target {
	struct profile_target_options o;
	struct hosts *hosts;
	unsigned target;
	bool running, keeping; /* the threads */
	pthread_t counter, keeper;

	/* The counting thread's. */
	struct sample *before, *now;
	struct view *view;

	/* The keeping thread's. */
	struct settled *settled;
	unsigned n_settled, settled_room;
	uint64_t failing_ns; /* since then nothing can be saved; 0: it can */

	pthread_mutex_t lock; /* what follows; taken within a host's lock, never around one */
	pthread_cond_t more, due;
	struct waiting *first, *last;
	bool full, counting, saving, finish, closing;
	struct counted *counted;
	uint32_t streams;
	uint32_t *fresh; /* numbers of streams */
	unsigned n_fresh, fresh_room;
	struct profile_target_stats stats;
};

/* ---- in: any thread ---- */

static bool put(void *arg, const struct delivery_item *item)
{
	struct profile_target *t = arg;
	struct waiting *w;

	pthread_mutex_lock(&t->lock);
	/* A single frame always fits: it may be larger than all that is allowed. */
	if (t->closing || t->stats.queued >= ITEMS_MAX ||
	    (t->stats.queued && t->stats.queued_bytes + item->now->size > BYTES_MAX)) {
		t->full = true;
		pthread_mutex_unlock(&t->lock);
		return false;
	}
	w = xcalloc(1, sizeof(*w));
	w->now = frame_ref(item->now);
	w->before = item->before ? frame_ref(item->before) : NULL;
	w->stream = item->stream;
	w->host = item->host;
	if (t->last)
		t->last->next = w;
	else
		t->first = w;
	t->last = w;
	t->stats.queued++;
	t->stats.queued_bytes += w->now->size;
	pthread_cond_signal(&t->more);
	pthread_mutex_unlock(&t->lock);
	return true;
}

/* ---- counting ---- */

/* Unknown counts as running: only a connector knows. */
static bool runs(const char *state)
{
	return !state || !strcmp(state, "running");
}

static void count_vm(struct profile_target *t, const struct profiler_sample *s, uint32_t row)
{
	char storage[sizeof(((struct profiler_share *)NULL)->name)];
	double values[VM_VALUES_MAX];
	struct profiler_opinion opinion;
	struct profiler_vm vm = {
		.uuid = sample_text(t->now, SCOPE_VM, row, M_UUID),
		.name = sample_text(t->now, SCOPE_VM, row, M_NAME),
		.running = runs(sample_text(t->now, SCOPE_VM, row, M_STATE)),
		.values = values,
		.opinion = &opinion,
	};

	/* Who has no UUID is nobody on another host, nor after a restart. */
	if (!vm.uuid || !*vm.uuid)
		return;
	vm_values_get(values, t->o.families, t->view, row);
	if (profiler_count(t->o.profiler, s, &vm) != PROFILER_COUNTED)
		return;
	if (opinion.alarm) {
		vm_storage(t->now, row, storage, sizeof(storage));
		profiler_storage(t->o.profiler, vm.uuid, storage);
	}
	if (t->o.notes)
		profile_notes_add(t->o.notes, t->now->table[SCOPE_VM].id[row], &opinion);
}

static bool decode(struct sample *s, struct frame_head *head, const struct frame *f)
{
	return f && frame_decode(s, head, f->bytes, f->size) == 0;
}

static void count_frame(struct profile_target *t, const struct waiting *w)
{
	struct frame_head head, of_before;
	struct profiler_sample s;
	uint64_t wall_ns = clock_wall_ns();
	bool base;

	/* What cannot be read was refused when it came. */
	if (!decode(t->now, &head, w->now))
		return;
	base = decode(t->before, &of_before, w->before);
	view_derive(t->view, base ? t->before : NULL, t->now);
	s = (struct profiler_sample){.host_id = head.host_id,
				     .host_name = head.host_name,
				     .epoch = head.epoch,
				     .sequence = head.sequence,
				     .boot_ns = head.boot_ns,
				     /* Silence is told by it: a clock that is ahead would keep
				      * its VMs for ever. */
				     .wall_ns = head.wall_ns < wall_ns ? head.wall_ns : wall_ns,
				     .interval_ns = head.interval_ns};
	if (t->o.notes)
		profile_notes_begin(t->o.notes);
	for (uint32_t r = 0; r < t->now->table[SCOPE_VM].rows; r++)
		count_vm(t, &s, r);
	if (t->o.notes)
		profile_notes_keep(t->o.notes, w->host, &head);
	profiler_host(t->o.profiler, &s);
}

/* Under the lock. */
static void mark_fresh(struct profile_target *t, uint32_t stream)
{
	if (t->counted[stream].fresh)
		return;
	t->counted[stream].fresh = true;
	if (t->n_fresh == t->fresh_room) {
		t->fresh_room = t->fresh_room * 2 + 64;
		t->fresh = xrealloc(t->fresh, t->fresh_room, sizeof(*t->fresh));
	}
	t->fresh[t->n_fresh++] = stream;
}

/* Under the lock. */
static void remember(struct profile_target *t, uint32_t stream, const struct frame *f)
{
	if (stream >= t->streams) {
		uint32_t n = stream + stream / 2 + 64;

		t->counted = xrealloc(t->counted, n, sizeof(*t->counted));
		memset(t->counted + t->streams, 0, (n - t->streams) * sizeof(*t->counted));
		t->streams = n;
	}
	t->counted[stream].epoch = f->epoch;
	t->counted[stream].sequence = f->sequence;
	mark_fresh(t, stream);
}

/* Under the lock.  The next item, NULL when closing. */
static struct waiting *take(struct profile_target *t)
{
	struct waiting *w;

	while (!t->first && !t->closing)
		pthread_cond_wait(&t->more, &t->lock);
	if (t->closing)
		return NULL;
	w = t->first;
	t->first = w->next;
	if (!t->first)
		t->last = NULL;
	t->counting = true;
	return w;
}

/* Under the lock.  Is there room, and was it asked for? */
static bool leave(struct profile_target *t, const struct waiting *w)
{
	bool room;

	t->counting = false;
	t->stats.samples++;
	t->stats.queued--;
	t->stats.queued_bytes -= w->now->size;
	room = t->full && t->stats.queued <= ITEMS_MAX / 2 &&
	       t->stats.queued_bytes <= BYTES_MAX / 2;
	if (room)
		t->full = false;
	if (t->o.store)
		remember(t, w->stream, w->now);
	if (t->finish)
		pthread_cond_signal(&t->due);
	return room;
}

static void waiting_free(struct waiting *w)
{
	frame_unref(w->before);
	frame_unref(w->now);
	free(w);
}

/* Of this thread alone: who receives comes first. */
static void give_way(int nice_value)
{
	setpriority(PRIO_PROCESS, (id_t)gettid(), nice_value);
}

static void *count_all(void *arg)
{
	struct profile_target *t = arg;
	struct waiting *w;
	bool room;

	give_way(COUNTER_NICE);
	pthread_mutex_lock(&t->lock);
	while ((w = take(t))) {
		pthread_mutex_unlock(&t->lock);
		count_frame(t, w);
		if (!t->o.store)
			hosts_done(t->hosts, w->stream, t->target, w->now->epoch, w->now->sequence);
		pthread_mutex_lock(&t->lock);
		room = leave(t, w);
		pthread_mutex_unlock(&t->lock);
		waiting_free(w);
		if (room)
			delivery_room(t->o.delivery, t->target);
		pthread_mutex_lock(&t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* ---- keeping ---- */

/* Under the lock.  What is counted now; all of it is in what is saved next. */
static void note_counted(struct profile_target *t)
{
	if (t->settled_room < t->n_fresh) {
		t->settled_room = t->n_fresh;
		t->settled = xrealloc(t->settled, t->settled_room, sizeof(*t->settled));
	}
	for (unsigned i = 0; i < t->n_fresh; i++) {
		struct counted *c = &t->counted[t->fresh[i]];

		t->settled[i] = (struct settled){
			.stream = t->fresh[i], .epoch = c->epoch, .sequence = c->sequence};
		c->fresh = false;
	}
	t->n_settled = t->n_fresh;
	t->n_fresh = 0;
}

static void say_saved(struct profile_target *t, int r, const char *why, uint64_t now_ns)
{
	if (r == 0) {
		log_over("profile-save", "profiles can be saved again");
		t->failing_ns = 0;
	} else {
		log_once(LOG_ERROR, "profile-save",
			 "%s: profiles cannot be saved; trying again, samples wait at the agents",
			 why);
		if (!t->failing_ns)
			t->failing_ns = now_ns;
	}
}

/* Samples are committed without what cannot be saved for too long. */
static void give_up(struct profile_target *t, uint64_t now_ns)
{
	bool out = delivery_left_out(t->o.delivery, t->target);
	bool dead = t->failing_ns && clock_since(now_ns, t->failing_ns) >= GIVE_UP_NS;

	if (dead == out)
		return;
	delivery_leave_out(t->o.delivery, t->target, dead);
	pthread_mutex_lock(&t->lock);
	t->stats.given_up = dead;
	pthread_mutex_unlock(&t->lock);
	if (dead)
		log_error("profiles could not be saved for %.0f s: samples are committed without "
			  "until they can",
			  (double)clock_since(now_ns, t->failing_ns) / 1e9);
	else
		log_notice("profiles are saved: samples are committed with them again");
}

static void keep_books(struct profile_target *t, int r, const char *why, uint64_t begin_ns)
{
	pthread_mutex_lock(&t->lock);
	if (r == 0) {
		t->stats.saves++;
		t->stats.saved_ns = clock_monotonic_ns();
		t->stats.took_ns = t->stats.saved_ns - begin_ns;
		t->stats.error[0] = '\0';
	} else {
		t->stats.failures++;
		snprintf(t->stats.error, sizeof(t->stats.error), "%s", why);
		for (unsigned i = 0; i < t->n_settled; i++)
			mark_fresh(t, t->settled[i].stream);
	}
	pthread_mutex_unlock(&t->lock);
}

static int save(struct profile_target *t)
{
	uint64_t begin_ns = clock_monotonic_ns();
	char why[512] = "";
	int r = profile_store_save(t->o.store, why, sizeof(why));

	say_saved(t, r, why, begin_ns);
	keep_books(t, r, why, begin_ns);
	for (unsigned i = 0; r == 0 && i < t->n_settled; i++)
		hosts_done(t->hosts, t->settled[i].stream, t->target, t->settled[i].epoch,
			   t->settled[i].sequence);
	give_up(t, clock_monotonic_ns());
	return r;
}

static void wait_until(struct profile_target *t, uint64_t until_ns)
{
	struct timespec at = {.tv_sec = (time_t)(until_ns / 1000000000u),
			      .tv_nsec = (long)(until_ns % 1000000000u)};

	pthread_cond_timedwait(&t->due, &t->lock, &at);
}

static void *keep_all(void *arg)
{
	struct profile_target *t = arg;
	uint64_t next_ns = clock_monotonic_ns() + t->o.save_ns;

	give_way(KEEPER_NICE);
	pthread_mutex_lock(&t->lock);
	while (!t->closing) {
		bool at_once = t->finish && t->n_fresh && !t->failing_ns;
		uint64_t now_ns = clock_monotonic_ns();
		int r;

		if (!at_once && now_ns < next_ns) {
			wait_until(t, next_ns);
			continue;
		}
		note_counted(t);
		t->saving = true;
		pthread_mutex_unlock(&t->lock);
		r = save(t);
		next_ns = now_ns + (r < 0 && t->o.save_ns > AGAIN_NS ? AGAIN_NS : t->o.save_ns);
		pthread_mutex_lock(&t->lock);
		t->saving = false;
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* ---- from outside ---- */

int profile_target_new(struct profile_target **ret, const struct profile_target_options *o,
		       char *why, size_t why_size)
{
	struct profile_target *t = xcalloc(1, sizeof(*t));
	struct delivery_target target = {.required = true, .put = put, .arg = t};
	pthread_condattr_t monotonic;
	int r;

	t->o = *o;
	t->before = sample_new();
	t->now = sample_new();
	t->view = view_new();
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->more, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&t->due, &monotonic);
	pthread_condattr_destroy(&monotonic);
	r = delivery_add(o->delivery, &target);
	if (r < 0) {
		snprintf(why, why_size, "more than %u outputs, --profile being one",
			 DELIVERY_TARGETS_MAX);
		profile_target_close(t);
		return -EINVAL;
	}
	t->target = (unsigned)r;
	*ret = t;
	return 0;
}

int profile_target_start(struct profile_target *t, struct hosts *hosts, char *why, size_t why_size)
{
	sigset_t all, before;
	int r;

	t->hosts = hosts;
	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&t->counter, NULL, count_all, t);
	t->running = r == 0;
	if (r == 0 && t->o.store) {
		r = pthread_create(&t->keeper, NULL, keep_all, t);
		t->keeping = r == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		snprintf(why, why_size, "--profile: no thread: %s", strerrordesc_np(r));
	return -r;
}

void profile_target_stats(struct profile_target *t, struct profile_target_stats *ret)
{
	pthread_mutex_lock(&t->lock);
	*ret = t->stats;
	pthread_mutex_unlock(&t->lock);
}

void profile_target_finish(struct profile_target *t)
{
	pthread_mutex_lock(&t->lock);
	t->finish = true;
	pthread_cond_signal(&t->due);
	pthread_mutex_unlock(&t->lock);
}

bool profile_target_idle(struct profile_target *t)
{
	bool idle;

	pthread_mutex_lock(&t->lock);
	idle = !t->first && !t->counting && !t->saving && !t->n_fresh;
	pthread_mutex_unlock(&t->lock);
	return idle;
}

void profile_target_close(struct profile_target *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->closing = true;
	pthread_cond_signal(&t->more);
	pthread_cond_signal(&t->due);
	pthread_mutex_unlock(&t->lock);
	if (t->running)
		pthread_join(t->counter, NULL);
	if (t->keeping)
		pthread_join(t->keeper, NULL);
	while (t->first) {
		struct waiting *w = t->first;

		t->first = w->next;
		waiting_free(w);
	}
	pthread_cond_destroy(&t->more);
	pthread_cond_destroy(&t->due);
	pthread_mutex_destroy(&t->lock);
	sample_free(t->before);
	sample_free(t->now);
	view_free(t->view);
	free(t->settled);
	free(t->counted);
	free(t->fresh);
	free(t);
}
