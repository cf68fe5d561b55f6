/* SPDX-License-Identifier: Apache-2.0 */
#include "documents.h"

#include "log.h"
#include "transport.h"
#include "xalloc.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICE    10
#define CEILING (256u << 20) /* bytes of what next() gives at once */

struct documents {
	/* Constant. */
	struct documents_options o;
	struct output_url url;
	int wake;
	pthread_t thread;

	struct output_report report; /* has a lock of its own */
	char *key_late;
	pthread_mutex_t lock;
	bool reopen, closing;
	int64_t deadline_ms;
	uint64_t in_hand; /* documents */

	/* The thread's own. */
	struct transport *transport;
	struct parcel_line line;
	struct buf out;
	uint32_t *cut;
	unsigned n_cuts, cut_room;
	uint64_t cursor;
	int64_t due_ms;
	bool in_round, last; /* last: the round before the end has begun */
};

/* ---- rounds ---- */

static void begin_round(struct documents *d)
{
	int64_t every_ms = (int64_t)(d->o.every_ns / 1000000u), now = output_now_ms();

	d->in_round = true;
	d->cursor = 0;
	d->due_ms += every_ms;
	if (d->due_ms <= now) {
		log_once(LOG_WARNING, d->key_late,
			 "%s: a round takes longer than the time between two", d->report.name);
		d->due_ms = now + every_ms - (now - d->due_ms) % every_ms;
	}
}

/* Each line of out is a record, but those that the transport cannot carry. */
static void cut_lines(struct documents *d)
{
	size_t from = 0, to = 0, max = d->transport->ops->record_max;

	d->n_cuts = 0;
	while (from < d->out.used) {
		const char *at = d->out.data + from;
		const char *end = memchr(at, '\n', d->out.used - from);
		size_t n = end ? (size_t)(end - at) + 1 : d->out.used - from;

		from += n;
		if (n > max) {
			output_report_refused(&d->report, 1, "too large for this transport");
			continue;
		}
		memmove(d->out.data + to, at, n);
		to += n;
		if (d->n_cuts == d->cut_room) {
			d->cut_room = d->cut_room ? d->cut_room * 2 : 16;
			d->cut = xrealloc(d->cut, d->cut_room, sizeof(*d->cut));
		}
		d->cut[d->n_cuts++] = (uint32_t)to;
	}
	d->out.used = to;
}

static void add_in_hand(struct documents *d, uint64_t n)
{
	pthread_mutex_lock(&d->lock);
	d->in_hand += n;
	pthread_mutex_unlock(&d->lock);
}

static void make_some(struct documents *d)
{
	buf_clear(&d->out);
	d->in_round = d->o.next(d->o.arg, &d->cursor, &d->out);
	if (d->out.error) {
		output_report_refused(&d->report, 1, "too large to be written");
		return;
	}
	cut_lines(d);
	if (!d->n_cuts)
		return;
	add_in_hand(d, d->n_cuts);
	parcel_append(&d->line, parcel_new(d->out.data, d->out.used, d->cut, d->n_cuts));
}

static bool has_room(const struct documents *d)
{
	return d->line.bytes < d->transport->ops->window;
}

static void fill(struct documents *d)
{
	if (!d->in_round && output_now_ms() >= d->due_ms)
		begin_round(d);
	while (d->in_round && has_room(d))
		make_some(d);
}

static void settle(struct documents *d)
{
	struct parcel *p;

	while ((p = parcel_take_done(&d->line))) {
		output_report_sent(&d->report, p->n_cuts, p->size);
		add_in_hand(d, -(uint64_t)p->n_cuts);
		parcel_free(p);
	}
	d->transport->refused = false;
}

/* ---- the thread ---- */

static bool is_finished(const struct documents *d)
{
	return d->last && !d->in_round && !d->line.first;
}

/* True when the thread is to end.  *ret_until: until when it may wait. */
static bool orders(struct documents *d, int64_t *ret_until)
{
	bool reopen, closing;
	int64_t deadline_ms;

	pthread_mutex_lock(&d->lock);
	reopen = d->reopen;
	d->reopen = false;
	closing = d->closing;
	deadline_ms = d->deadline_ms;
	pthread_mutex_unlock(&d->lock);
	if (reopen && d->transport->ops->reopen)
		d->transport->ops->reopen(d->transport);
	*ret_until = d->in_round ? OUTPUT_FOREVER_MS : d->due_ms;
	if (!closing)
		return false;
	if (!d->last && !d->in_round) {
		d->transport->closing = d->last = true;
		d->transport->retry_ms = 0;
		d->due_ms = output_now_ms(); /* the last round is not a late one */
		begin_round(d);
	}
	*ret_until = deadline_ms;
	return output_now_ms() >= deadline_ms || is_finished(d);
}

static void *run(void *arg)
{
	struct documents *d = arg;
	int64_t until;
	uint64_t count;

	/* Of this thread alone: nobody waits for it. */
	setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	while (!orders(d, &until)) {
		fill(d);
		d->transport->ops->step(d->transport);
		settle(d);
		if ((d->in_round && has_room(d)) || is_finished(d))
			continue;
		d->transport->ops->wait(d->transport, d->wake, until);
		while (read(d->wake, &count, sizeof(count)) > 0)
			;
	}
	return NULL;
}

static int start_thread(struct documents *d)
{
	sigset_t all, before;
	int r;

	/* Signals are for the main thread, and a reader that goes is no reason to end. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&d->thread, NULL, run, d);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

/* ---- open and close ---- */

static void free_all(struct documents *d)
{
	if (d->transport)
		transport_ops_of(&d->url)->close(d->transport);
	parcel_line_clear(&d->line);
	output_report_fini(&d->report);
	free(d->key_late);
	output_url_fini(&d->url);
	pthread_mutex_destroy(&d->lock);
	if (d->wake >= 0)
		close(d->wake);
	buf_fini(&d->out);
	free(d->cut);
	free(d);
}

/* What the messages of an output's URL begin with. */
#define OF_OUTPUT "--output: "

static int parse(struct documents *d, char *why, size_t why_size)
{
	const struct output_url *u = &d->url;
	char inner[512] = "";
	const char *text = inner;
	int r = output_url_parse(&d->url, d->o.url, inner, sizeof(inner));

	if (r == 0 && u->format != FORMAT_JSON) {
		r = -EINVAL;
		snprintf(inner, sizeof(inner), "\"%s\": allowed is json only: json+tcp://HOST:PORT",
			 output_format_names[u->format]);
	} else if (r == 0 && (u->interval_ns || u->n_globs || u->changed || u->verbose)) {
		r = -EINVAL;
		snprintf(inner, sizeof(inner),
			 "interval=, metrics=, changed= and verbose= are for samples only");
	}
	if (!strncmp(text, OF_OUTPUT, strlen(OF_OUTPUT)))
		text += strlen(OF_OUTPUT);
	if (r < 0)
		snprintf(why, why_size, "%s: %s", d->o.option, text);
	return r;
}

static int open_all(struct documents *d, char *why, size_t why_size)
{
	char inner[512] = "";
	const char *text = inner;
	int r;

	d->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->wake < 0) {
		r = -errno;
		snprintf(why, why_size, "%s: %s", d->o.option, strerrordesc_np(-r));
		return r;
	}
	r = transport_open(&d->transport, &d->url, &d->line, &d->report, inner, sizeof(inner));
	if (!strncmp(text, OF_OUTPUT, strlen(OF_OUTPUT)))
		text += strlen(OF_OUTPUT);
	if (r < 0) {
		snprintf(why, why_size, "%s: %s", d->o.option, text);
		return r;
	}
	d->due_ms = output_now_ms() + (int64_t)(d->o.every_ns / 1000000u);
	r = start_thread(d);
	if (r < 0)
		snprintf(why, why_size, "%s: no thread: %s", d->o.option, strerrordesc_np(-r));
	return r;
}

int documents_open(struct documents **ret, const struct documents_options *o, char *why,
		   size_t why_size)
{
	struct documents *d = xcalloc(1, sizeof(*d));
	int r;

	*ret = NULL;
	d->o = *o;
	d->wake = -1;
	buf_init(&d->out, CEILING);
	pthread_mutex_init(&d->lock, NULL);
	r = parse(d, why, why_size);
	output_report_init(&d->report, d->url.shown ? d->url.shown : "");
	d->key_late = xasprintf("documents/late/%s", d->report.name);
	if (r == 0)
		r = open_all(d, why, why_size);
	if (r < 0)
		free_all(d);
	else
		*ret = d;
	return r;
}

const char *documents_url(const struct documents *d)
{
	return d->url.shown;
}

static void wake(struct documents *d)
{
	uint64_t one = 1;
	ssize_t r = write(d->wake, &one, sizeof(one));

	(void)r; /* full means awake */
}

void documents_stats(struct documents *d, struct output_stats *ret)
{
	pthread_mutex_lock(&d->report.lock);
	*ret = d->report.stats;
	pthread_mutex_unlock(&d->report.lock);
	pthread_mutex_lock(&d->lock);
	ret->queued = d->in_hand;
	pthread_mutex_unlock(&d->lock);
}

void documents_reopen(struct documents *d)
{
	pthread_mutex_lock(&d->lock);
	d->reopen = true;
	pthread_mutex_unlock(&d->lock);
	wake(d);
}

void documents_close(struct documents *d, int timeout_ms)
{
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->closing = true;
	d->deadline_ms = output_now_ms() + (timeout_ms > 0 ? timeout_ms : 0);
	pthread_mutex_unlock(&d->lock);
	wake(d);
	pthread_join(d->thread, NULL);
	free_all(d);
}
