/* SPDX-License-Identifier: Apache-2.0 */
#include "pve_ask.h"

#include "clock.h"
#include "pve_visit.h"
#include "xalloc.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define MS_NS       1000000ull
#define VISITS_MAX  16u              /* at once */
#define DEADLINE    (500 * MS_NS)    /* of a visit, from connecting to the last answer */
#define SECOND_ASK  (200 * MS_NS)    /* between the first two, for a first rate */
#define TICK        (250 * MS_NS)    /* visits begin together, so that they share wake-ups */
#define PATIENCE    (2 * MS_NS)      /* a QEMU has hardly answered before */
#define SLOW_PERIOD (60 * SECOND_NS) /* between two questions for balloon and state */
#define BACKOFF_MIN (10 * SECOND_NS)
#define BACKOFF_MAX (300 * SECOND_NS)
#define NEVER       UINT64_MAX

struct pve_ask {
	bool synchronous;
	uint64_t interval, slow_period;
	struct visit_rules rules;
	char *run_dir;
	struct asked **vms;
	unsigned n;
	struct visit visits[VISITS_MAX];
	uint64_t seed;
	int wake; /* eventfd */
	atomic_bool stop;

	pthread_mutex_t lock; /* of the rest */
	struct pve_target **news;
	unsigned n_news;
	char *news_dir;

	struct qmp_scratch scratch; /* large, so at the end */
};

/* Deadlines need a clock that moves, whatever the tests' clock does. */
static uint64_t real_now(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

/* From 0 to below n; good enough to spread visits. */
static uint64_t random_below(struct pve_ask *a, uint64_t n)
{
	a->seed ^= a->seed << 13;
	a->seed ^= a->seed >> 7;
	a->seed ^= a->seed << 17;
	return n ? a->seed % n : 0;
}

bool pve_ask_wants_qmp(const struct source_options *o)
{
	return o->families & (1u << F_DISK | 1u << F_MEM);
}

struct pve_ask *pve_ask_new(const struct source_options *o, struct hub *h)
{
	int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct pve_ask *a = wake < 0 ? NULL : xcalloc(1, sizeof(*a));
	double seconds = o->interval > 0 ? o->interval : 5;

	if (!a)
		return NULL;
	a->wake = wake;
	a->synchronous = o->synchronous;
	a->interval = (uint64_t)((seconds < 1e6 ? seconds : 1e6) * 1e9);
	a->slow_period = a->interval > SLOW_PERIOD ? a->interval : SLOW_PERIOD;
	a->rules = (struct visit_rules){
		.hub = h,
		.disks = o->families & 1u << F_DISK,
		.memory = o->families & 1u << F_MEM,
		.all = o->synchronous,
		.disks_valid = 2 * a->interval + SECOND_NS,
		.quiet_valid =
			(o->synchronous ? 2 : 2 + 2 * GUEST_QUIET_MAX) * a->interval + SECOND_NS,
		.balloon_valid = 2 * a->slow_period + SECOND_NS,
		.now_ns = o->now_ns,
		.now_arg = o->now_arg,
	};
	if (!a->rules.disks)
		a->interval = a->slow_period;
	a->seed = real_now() | 1;
	pthread_mutex_init(&a->lock, NULL);
	for (unsigned i = 0; i < VISITS_MAX; i++)
		a->visits[i].qmp.fd = -1;
	return a;
}

static void free_targets(struct pve_target **targets, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		pve_target_free(targets[i]);
	free(targets);
}

static void asked_free(struct asked *vm)
{
	pve_target_free(vm->target);
	free(vm);
}

void pve_ask_free(struct pve_ask *a)
{
	if (!a)
		return;
	for (unsigned i = 0; i < VISITS_MAX; i++)
		visit_end(&a->visits[i]);
	for (unsigned i = 0; i < a->n; i++)
		asked_free(a->vms[i]);
	free(a->vms);
	free_targets(a->news, a->n_news);
	free(a->news_dir);
	free(a->run_dir);
	close(a->wake);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static void wake_up(struct pve_ask *a)
{
	uint64_t one = 1;
	ssize_t n = write(a->wake, &one, sizeof(one));

	(void)n; /* full means that it is awake already */
}

void pve_ask_stop(struct pve_ask *a)
{
	atomic_store(&a->stop, true);
	wake_up(a);
}

/* ---- following the list ---- */

void pve_ask_follow(struct pve_ask *a, struct pve_target **targets, unsigned n, char *run_dir)
{
	struct pve_target **old;
	unsigned n_old;
	char *old_dir;

	pthread_mutex_lock(&a->lock);
	old = a->news;
	n_old = a->n_news;
	old_dir = a->news_dir;
	a->news = targets;
	a->n_news = n;
	a->news_dir = run_dir;
	pthread_mutex_unlock(&a->lock);
	free_targets(old, n_old);
	free(old_dir);
	wake_up(a);
}

static struct asked *find(struct pve_ask *a, uint64_t key)
{
	for (unsigned i = 0; i < a->n; i++) {
		if (a->vms[i]->target->key == key)
			return a->vms[i];
	}
	return NULL;
}

static void follow_one(struct pve_ask *a, struct asked *vm, struct pve_target *t, uint64_t now)
{
	bool was_off = vm->target && vm->target->hands_off;

	pve_target_free(vm->target);
	vm->target = t;
	vm->listed = true;
	if (t->no_balloon)
		vm->balloon = BALLOON_NONE;
	visit_say_hands_off(vm);
	if (!t->hands_off) {
		if (was_off)
			vm->due = now + random_below(a, a->interval / 2);
		return;
	}
	/* Whoever waits for all first answers need not wait for this one. */
	if (!vm->answers && !vm->given_up)
		hub_failed(a->rules.hub, t->key);
	vm->given_up = true;
}

static void forget(struct pve_ask *a, struct asked *vm)
{
	for (unsigned i = 0; i < VISITS_MAX; i++) {
		if (a->visits[i].vm == vm)
			visit_end(&a->visits[i]);
	}
	visit_say_nothing(vm);
	asked_free(vm);
}

static void follow_news(struct pve_ask *a, uint64_t now)
{
	struct pve_target **news;
	unsigned n_news, kept = 0;
	char *dir;

	pthread_mutex_lock(&a->lock);
	news = a->news;
	n_news = a->n_news;
	dir = a->news_dir;
	a->news = NULL;
	a->n_news = 0;
	a->news_dir = NULL;
	pthread_mutex_unlock(&a->lock);
	if (!news)
		return;
	free(a->run_dir);
	a->rules.run_dir = a->run_dir = dir;
	for (unsigned i = 0; i < a->n; i++)
		a->vms[i]->listed = false;
	a->vms = xrealloc(a->vms, a->n + n_news + 1, sizeof(struct asked *));
	for (unsigned i = 0; i < n_news; i++) {
		struct asked *vm = find(a, news[i]->key);

		if (!vm) {
			vm = a->vms[a->n++] = xcalloc(1, sizeof(*vm));
			vm->due = now;
		}
		follow_one(a, vm, news[i], now);
	}
	free(news);
	for (unsigned i = 0; i < a->n; i++) {
		if (a->vms[i]->listed)
			a->vms[kept++] = a->vms[i];
		else
			forget(a, a->vms[i]);
	}
	a->n = kept;
}

/* ---- when to ask whom ---- */

static void answered(struct pve_ask *a, struct visit *v, uint64_t now)
{
	struct asked *vm = v->vm;

	visit_end(v);
	if (vm->failures)
		visit_say_answers(vm);
	vm->failures = 0;
	if (v->slow)
		vm->slow_due = now + a->slow_period - TICK;
	/* The third question is where the VM's place in the interval is drawn. */
	if (a->synchronous)
		vm->due = NEVER;
	else if (!vm->answers && a->rules.disks)
		vm->due = now + SECOND_ASK;
	else if (vm->answers <= 1)
		vm->due = now + a->interval / 4 + random_below(a, a->interval * 3 / 4);
	else
		vm->due = now + a->interval + random_below(a, a->interval / 20);
	vm->answers++;
}

static void failed(struct pve_ask *a, struct asked *vm, int error, uint64_t now)
{
	uint64_t wait = BACKOFF_MIN;

	vm->failures++;
	for (unsigned i = 1; i < vm->failures && wait < BACKOFF_MAX; i++)
		wait *= 2;
	if (wait > BACKOFF_MAX)
		wait = BACKOFF_MAX;
	vm->due = a->synchronous ? NEVER : now + wait + random_below(a, wait / 10);
	hub_failed(a->rules.hub, vm->target->key);
	visit_say_failed(&a->rules, vm, error);
}

static void count(struct pve_ask *a, uint64_t took, bool failure)
{
	struct hub_work w = {.questions = 1, .failures = failure, .ns = took};

	hub_count(a->rules.hub, &w);
}

static struct visit *free_visit(struct pve_ask *a)
{
	for (unsigned i = 0; i < VISITS_MAX; i++) {
		if (!a->visits[i].vm)
			return &a->visits[i];
	}
	return NULL;
}

static bool is_under_way(const struct pve_ask *a, const struct asked *vm)
{
	for (unsigned i = 0; i < VISITS_MAX; i++) {
		if (a->visits[i].vm == vm)
			return true;
	}
	return false;
}

static void begin(struct pve_ask *a, struct visit *v, struct asked *vm, uint64_t now)
{
	int r = visit_begin(v, &a->rules, vm, a->synchronous || now >= vm->slow_due);

	if (r < 0) {
		count(a, 0, true);
		failed(a, vm, r, now);
		return;
	}
	v->begun = now;
	v->look = now + PATIENCE;
	v->deadline = now + DEADLINE;
	vm->due = NEVER;
}

/* Where no disk did anything between the latest visits, and the process no I/O since, the
 * next is left out, and after two such in a row the next two, and so on.  But a VM whose vCPUs
 * stand still may have been paused or have crashed, and is looked at: once, if it was idle. */
static bool may_skip(struct pve_ask *a, struct asked *vm, uint64_t now)
{
	if (a->synchronous || vm->skipped >= vm->quiet || vm->answers <= 2 || now >= vm->slow_due)
		return false;
	return hub_io_moved(a->rules.hub, vm->target->key) == 0 &&
	       (vm->idle || hub_vcpus_ran(a->rules.hub, vm->target->key) != 0);
}

/* Begins what is due; returns when the next one is, NEVER if none or no visit is free. */
static uint64_t begin_due(struct pve_ask *a, uint64_t now)
{
	uint64_t next = NEVER;

	for (unsigned i = 0; i < a->n; i++) {
		struct asked *vm = a->vms[i];
		struct visit *v;

		if (vm->target->hands_off)
			continue;
		if (vm->due > now) {
			next = vm->due < next ? vm->due : next;
			continue;
		}
		if (is_under_way(a, vm))
			continue;
		if (may_skip(a, vm, now)) {
			vm->skipped++;
			hub_disks_same(a->rules.hub, vm->target->key, now);
			vm->due = now + a->interval;
			next = vm->due < next ? vm->due : next;
			continue;
		}
		v = free_visit(a);
		if (!v)
			return NEVER;
		begin(a, v, vm, now);
	}
	return next;
}

static void look_at(struct pve_ask *a, struct visit *v, uint64_t now)
{
	struct asked *vm = v->vm;
	int r = visit_read(v, &a->scratch);

	if (r == 0 && now >= v->deadline)
		r = -ETIMEDOUT;
	if (r)
		count(a, now - v->begun, r < 0);
	if (r > 0) {
		answered(a, v, now);
	} else if (r < 0) {
		visit_end(v);
		failed(a, vm, r, now);
	}
}

/* Sleeps until `next`, something to read, or a call; then reads. */
static void wait_and_read(struct pve_ask *a, uint64_t next)
{
	struct pollfd fds[VISITS_MAX + 1] = {{.fd = a->wake, .events = POLLIN}};
	uint64_t now = real_now(), until = next;
	struct timespec t, *timeout = NULL;

	for (unsigned i = 0; i < VISITS_MAX; i++) {
		const struct visit *v = &a->visits[i];
		uint64_t limit = v->look > now ? v->look : v->deadline;

		fds[i + 1] = (struct pollfd){.fd = -1, .events = POLLIN};
		if (!v->vm)
			continue;
		if (v->look <= now)
			fds[i + 1].fd = v->qmp.fd;
		until = limit < until ? limit : until;
	}
	if (until != NEVER) {
		uint64_t ns = until > now ? until - now : 0;

		t.tv_sec = (time_t)(ns / SECOND_NS);
		t.tv_nsec = (long)(ns % SECOND_NS);
		timeout = &t;
	}
	if (ppoll(fds, VISITS_MAX + 1, timeout, NULL) > 0 && fds[0].revents) {
		uint64_t count;
		ssize_t n = read(a->wake, &count, sizeof(count));

		(void)n;
	}
	now = real_now();
	for (unsigned i = 0; i < VISITS_MAX; i++) {
		struct visit *v = &a->visits[i];
		bool first_look = v->vm && fds[i + 1].fd < 0 && now >= v->look;

		if (v->vm && (fds[i + 1].revents || first_look || now >= v->deadline))
			look_at(a, v, now);
	}
}

static bool is_busy(const struct pve_ask *a)
{
	for (unsigned i = 0; i < VISITS_MAX; i++) {
		if (a->visits[i].vm)
			return true;
	}
	return false;
}

void pve_ask_run(struct pve_ask *a)
{
	while (!atomic_load(&a->stop)) {
		uint64_t now = real_now(), next;

		follow_news(a, now);
		next = begin_due(a, now);
		if (next != NEVER)
			next += TICK - next % TICK;
		wait_and_read(a, next);
	}
}

void pve_ask_once(struct pve_ask *a)
{
	uint64_t now = real_now();

	follow_news(a, now);
	for (unsigned i = 0; i < a->n; i++)
		a->vms[i]->due = now;
	for (;;) {
		begin_due(a, real_now());
		if (!is_busy(a))
			return;
		wait_and_read(a, NEVER);
	}
}
