/* SPDX-License-Identifier: Apache-2.0 */
/* Asking running domains for what only QEMU knows: block counters and the balloon. */
#include "libvirt_internal.h"
#include "log.h"
#include "sample.h"
#include "xalloc.h"

#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define QUICK       (200 * MILLI) /* between the first two answers, for a first rate */
#define TOGETHER    (20 * MILLI)  /* due so soon that one call does for both */
#define RETRY       SECOND        /* a domain that was busy */
#define RETRIES     3u
#define VALID_EXTRA (3 * SECOND)
#define BOOT_ROUNDS 6u
#define BAN_MIN_S   10u
#define BAN_MAX_S   300u

/* What one call asks, and whom. */
struct question {
	unsigned groups;
	struct domain **domains;
	unsigned n;
};

static bool wants(const struct source *s, enum family f)
{
	return !s->families || s->families & 1u << f;
}

/* The next of our own instants that is not too near: hosts ask at different ones. */
static uint64_t next_round(const struct source *s, uint64_t now)
{
	uint64_t earliest = now + s->interval / 2;

	if (earliest <= s->grid)
		return s->grid;
	return s->grid + (earliest - s->grid + s->interval - 1) / s->interval * s->interval;
}

uint64_t libvirt_ask_due(const struct source *s)
{
	uint64_t due = UINT64_MAX;

	for (unsigned i = 0; i < s->n; i++)
		if (s->domains[i].handle && s->domains[i].due < due)
			due = s->domains[i].due;
	return due;
}

static void complain(struct domain *d, const char *what, unsigned next_s)
{
	char key[64], next[32] = " until it does";

	snprintf(key, sizeof(key), "libvirt-vm-%s", d->uuid_text);
	if (next_s)
		snprintf(next, sizeof(next), ", next try in %u s", next_s);
	log_once(LOG_WARNING, key, "VM %s: %s; its disk and memory values are absent%s",
		 d->desc.name, what, next);
	d->complained = true;
}

static void answered(struct source *s, struct domain *d)
{
	uint64_t now = monotonic_ns();
	char key[64];

	d->ban_s = d->misses = 0;
	if (d->answers < 2)
		d->answers++;
	d->due = d->answers < 2 ? now + QUICK : next_round(s, now);
	if (!d->complained)
		return;
	d->complained = false;
	snprintf(key, sizeof(key), "libvirt-vm-%s", d->uuid_text);
	log_over(key, "VM %s: its values are there again", d->desc.name);
}

static void failed(struct source *s, struct domain *d)
{
	struct hub *h = hub_enter(s);

	if (!h)
		return;
	hub_failed(h, d->desc.key);
	hub_count(h, &(struct hub_work){.failures = 1});
	hub_state(h, d->desc.key, d->state);
	hub_leave(s);
}

/* One domain that spoils the call for all is asked alone, and more and more rarely. */
static void ban(struct source *s, struct domain *d, const char *why)
{
	char what[300];

	d->ban_s = !d->ban_s ? BAN_MIN_S : d->ban_s * 2 > BAN_MAX_S ? BAN_MAX_S : d->ban_s * 2;
	d->due = monotonic_ns() + d->ban_s * SECOND;
	failed(s, d);
	snprintf(what, sizeof(what), "libvirt cannot ask it: %s", why);
	complain(d, what, d->ban_s);
}

/*
 * Another job holds the domain: a migration, a backup, or a question that hangs.  That
 * one may just be returning, so a hung QEMU is told from it by missing twice.
 */
static void missed(struct source *s, struct domain *d, bool somebody_hangs)
{
	uint64_t now = monotonic_ns();
	bool soon = d->answers < 2 ? d->misses < RETRIES : somebody_hangs && !d->misses;

	d->misses++;
	d->balloon_due = 0; /* all of it is old when it answers again */
	d->due = soon ? now + RETRY : next_round(s, now);
	failed(s, d);
	if (somebody_hangs && d->misses > 1)
		complain(d, "its QEMU does not answer libvirt", 0);
}

static void give_memory(struct source *s, struct hub *h, struct domain *d,
			const struct libvirt_stats *stats, uint64_t taken_ns)
{
	uint64_t gap = (1 + GUEST_QUIET_MAX) * s->interval;
	uint64_t valid = 2 * (gap > BALLOON ? gap : BALLOON) + VALID_EXTRA;
	uint64_t wall_s = s->local ? (uint64_t)time(NULL) : 0;
	struct guest_values v = {0};

	if (stats->balloon_kib != ABSENT)
		guest_add(&v, M_RAM_BALLOON, stats->balloon_kib);
	if (balloon_is_fresh(&d->age, stats->last_update, d->extra.stats_period, taken_ns, wall_s))
		for (unsigned i = 0; i < stats->guest.n; i++)
			guest_add(&v, stats->guest.v[i].metric, stats->guest.v[i].value);
	hub_memory(h, d->desc.key, taken_ns, valid, &v);
}

static void complain_disks(const struct domain *d, unsigned left_out)
{
	char key[64];

	snprintf(key, sizeof(key), "libvirt-disks-%s", d->uuid_text);
	if (left_out)
		log_once(LOG_WARNING, key, "VM %s: %u disks are left out; at most %u are shown",
			 d->desc.name, left_out, VM_DISKS_MAX);
}

/*
 * The balloon costs a guest's QEMU two commands more than the block counters do, and its
 * numbers move slowly.  But a guest that boots has nothing to say yet: for some rounds it
 * is asked in each.
 */
static void plan_balloon(struct domain *d, const struct libvirt_stats *stats)
{
	uint64_t now = monotonic_ns();

	if (!stats->last_update && d->extra.stats_period && d->boot_rounds < BOOT_ROUNDS) {
		d->boot_rounds++;
		d->balloon_due = now;
	} else if (d->answers < 2) {
		d->balloon_due = now + d->desc.key % BALLOON; /* not all at once */
	} else {
		d->balloon_due = now + BALLOON;
	}
}

static void give_disks(struct source *s, struct hub *h, struct domain *d,
		       const struct libvirt_stats *stats, uint64_t taken_ns)
{
	uint64_t hash = guest_disks_hash(stats->disks, stats->n_disks);

	if (!s->threaded || hash != d->disks_hash)
		d->quiet = 0;
	else if (d->quiet < GUEST_QUIET_MAX)
		d->quiet++;
	d->disks_hash = hash;
	d->skipped = 0;
	hub_io_moved(h, d->desc.key); /* from here on */
	hub_disks(h, d->desc.key, taken_ns, (2 + d->quiet) * s->interval + VALID_EXTRA,
		  stats->disks, stats->n_disks);
}

static void take_answer(struct source *s, const struct question *q, struct domain *d,
			const struct libvirt_stats *stats, uint64_t taken_ns, bool somebody_hangs)
{
	bool block = q->groups & VIR_DOMAIN_STATS_BLOCK,
	     balloon = q->groups & VIR_DOMAIN_STATS_BALLOON;
	struct hub *h;

	d->asked = true;
	if (stats->state >= 0) {
		d->has_run |= stats->state == VIR_DOMAIN_RUNNING;
		d->state = libvirt_vm_state(stats->state, stats->reason, d->has_run);
	}
	if (block ? !stats->has_disks : balloon && !stats->has_memory) {
		missed(s, d, somebody_hangs);
		return;
	}
	h = hub_enter(s);
	if (!h)
		return;
	hub_state(h, d->desc.key, d->state);
	if (block)
		give_disks(s, h, d, stats, taken_ns);
	/* Nobody wants anything of QEMU: the hub still learns that this VM was asked. */
	if (balloon || !(wants(s, F_DISK) || wants(s, F_MEM)))
		give_memory(s, h, d, stats, taken_ns);
	hub_leave(s);
	complain_disks(d, stats->left_out);
	if (balloon)
		plan_balloon(d, stats);
	answered(s, d);
}

static void take_answers(struct source *s, const struct question *q,
			 virDomainStatsRecordPtr *records, int n, uint64_t taken_ns)
{
	struct libvirt_stats *stats = xcalloc(1, sizeof(*stats));
	unsigned char uuid[VIR_UUID_BUFLEN];
	bool somebody_hangs;

	pthread_mutex_lock(&s->lock);
	somebody_hangs = s->orphans > 0;
	pthread_mutex_unlock(&s->lock);
	for (int i = 0; i < n; i++) {
		struct domain *d;

		if (virDomainGetUUID(records[i]->dom, uuid) < 0)
			continue;
		d = libvirt_find(s, uuid);
		if (!d || (int)virDomainGetID(records[i]->dom) != d->id)
			continue; /* another run already; the list will say so */
		libvirt_stats_parse(records[i]->params, records[i]->nparams, stats);
		take_answer(s, q, d, stats, taken_ns, somebody_hangs);
	}
	free(stats);
}

/* Domains that ended meanwhile are not in the answer. */
static void notice_missing(struct source *s, const struct question *q)
{
	bool missing = false;

	for (unsigned i = 0; i < q->n; i++) {
		if (q->domains[i]->asked)
			continue;
		q->domains[i]->due = next_round(s, monotonic_ns());
		missing = true;
	}
	if (!missing)
		return;
	pthread_mutex_lock(&s->lock);
	s->list_wanted = true;
	pthread_mutex_unlock(&s->lock);
}

enum asked { ASKED, ASK_FAILED, ASK_STOP };

/* The call itself. Its arguments are its own: it may return when s is another's. */
static enum asked call_libvirt(struct worker *w, const struct question *q,
			       struct libvirt_error *error)
{
	struct source *s = w->source;
	unsigned flags = s->nowait ? VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT : 0, n = q->n;
	virDomainPtr *handles = xcalloc(n + 1, sizeof(virDomainPtr));
	virDomainStatsRecordPtr *records = NULL;
	enum asked result = ASK_STOP;
	bool connected;
	int got;

	for (unsigned i = 0; i < n; i++) {
		handles[i] = q->domains[i]->handle;
		virDomainRef(handles[i]);
		q->domains[i]->asked = false;
	}
	if (!call_begin(w, CALL_ASK))
		goto out;
	got = virDomainListGetStats(handles, q->groups, &records, flags);
	if (got < 0)
		libvirt_last_error(error);
	connected = got >= 0 || is_connected(w);
	if (!call_end(w, connected) || !connected)
		goto out;
	result = got < 0 ? ASK_FAILED : ASKED;
	if (got >= 0) {
		take_answers(s, q, records, got, s->now_ns(s->now_arg));
		notice_missing(s, q);
	}
out:
	if (records)
		virDomainStatsRecordListFree(records);
	for (unsigned i = 0; i < n; i++)
		virDomainFree(handles[i]);
	free(handles);
	return result;
}

/* One after another, so that one domain's error is only its own. */
static bool ask_one_by_one(struct worker *w, const struct question *all)
{
	struct libvirt_error error;

	for (unsigned i = 0; i < all->n; i++) {
		struct question q = {all->groups, &all->domains[i], 1};
		enum asked r = call_libvirt(w, &q, &error);

		if (r == ASK_STOP)
			return false;
		if (r == ASK_FAILED)
			ban(w->source, all->domains[i], error.text);
	}
	return true;
}

static bool ask_together(struct worker *w, const struct question *q)
{
	struct source *s = w->source;
	struct libvirt_error error;
	enum asked r;

	if (!q->n)
		return true;
	r = call_libvirt(w, q, &error);
	if (r == ASK_FAILED && s->nowait &&
	    (error.code == VIR_ERR_INVALID_ARG || error.code == VIR_ERR_ARGUMENT_UNSUPPORTED)) {
		s->nowait = false; /* libvirt before 4.5 */
		r = call_libvirt(w, q, &error);
	}
	return r == ASK_FAILED ? ask_one_by_one(w, q) : r == ASKED;
}

/* As long as too many questions hang, libvirt is asked only for what it knows itself. */
static bool too_many_hang(struct source *s)
{
	bool too_many;

	pthread_mutex_lock(&s->lock);
	too_many = s->orphans >= ORPHANS_MAX;
	pthread_mutex_unlock(&s->lock);
	if (too_many)
		log_once(LOG_WARNING, "libvirt-hang",
			 "%u questions to VMs hang in libvirt (%s); the disk and memory values of "
			 "all "
			 "its VMs are absent until one returns",
			 ORPHANS_MAX, s->uri);
	else
		log_over("libvirt-hang", "The VMs of libvirt (%s) are asked again", s->uri);
	return too_many;
}

/* A quiet one whose process did no I/O since needs no question now. */
static bool may_skip(struct source *s, struct domain *d, uint64_t now)
{
	struct hub *h;
	bool still;

	if (d->skipped >= d->quiet || d->answers < 2 || d->ban_s || d->misses ||
	    d->balloon_due <= now)
		return false;
	h = hub_enter(s);
	if (!h)
		return false;
	still = hub_io_moved(h, d->desc.key) == 0;
	if (still)
		hub_disks_same(h, d->desc.key, s->now_ns(s->now_arg));
	hub_leave(s);
	if (!still)
		return false;
	d->skipped++;
	d->due = next_round(s, now);
	return true;
}

void libvirt_ask(struct worker *w, bool all)
{
	struct source *s = w->source;
	unsigned block = wants(s, F_DISK) ? VIR_DOMAIN_STATS_BLOCK : 0;
	unsigned balloon = wants(s, F_MEM) ? VIR_DOMAIN_STATS_BALLOON : 0;
	struct question quick = {.groups = VIR_DOMAIN_STATS_STATE | block},
			full = {.groups = VIR_DOMAIN_STATS_STATE | block | balloon}, alone = full;
	uint64_t soon = monotonic_ns() + TOGETHER;

	if (too_many_hang(s)) {
		for (unsigned i = 0; i < s->n; i++)
			s->domains[i].due = next_round(s, monotonic_ns());
		return; /* states come with the list */
	}
	quick.domains = xcalloc(3 * (size_t)s->n + 1, sizeof(*quick.domains));
	full.domains = quick.domains + s->n;
	alone.domains = full.domains + s->n;
	for (unsigned i = 0; i < s->n; i++) {
		struct domain *d = &s->domains[i];

		if (!d->handle || (!all && d->due > soon))
			continue;
		if (!all && may_skip(s, d, soon))
			continue;
		if (d->ban_s)
			alone.domains[alone.n++] = d;
		else if (all || d->answers < 2 || d->balloon_due <= soon)
			full.domains[full.n++] = d;
		else
			quick.domains[quick.n++] = d;
	}
	if (ask_together(w, &quick) && ask_together(w, &full))
		ask_one_by_one(w, &alone);
	free(quick.domains);
}
