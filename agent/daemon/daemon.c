/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon.h"

#include "daemon_parts.h"
#include "daemon_tick.h"
#include "endpoint.h"
#include "log.h"
#include "notify.h"
#include "program.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* How long the first lookup and the first answers of hypervisors may take. */
#define READY_MS 2000

/* At the end: what only memory holds gets longer than what a directory keeps anyhow; and
 * then it is over, whatever hangs. */
#define FLUSH_MS     4000
#define FLUSH_DIR_MS 1500
#define END_SECONDS  5

struct loop {
	struct daemon d;
	struct sample *sample;
	struct buf bytes;
	struct tick tick;
	struct notify notify;
	int signals;
};

/* ---- one sample ---- */

static void take(struct loop *l)
{
	struct daemon *d = &l->d;
	struct frame_head head = d->head;
	struct frame *f;
	int r;

	measure_sample(d->measure, l->sample);
	daemon_self(d, l->sample);
	head.sequence++;
	head.boot_ns = l->sample->boot_ns;
	head.wall_ns = l->sample->wall_ns;
	buf_clear(&l->bytes);
	r = frame_encode(&l->bytes, &head, l->sample);
	if (r < 0) {
		log_once(LOG_WARNING, "encode", "a sample cannot be encoded, and is left out: %s",
			 strerror(-r));
		return;
	}
	d->head.sequence = head.sequence;
	f = frame_new(&head, l->bytes.data, l->bytes.used);
	history_add(d->history, 0, f, daemon_boot_ns());
	__atomic_store_n(&d->taken_ns, head.boot_ns, __ATOMIC_RELAXED);
	if (d->feed)
		feed_server_poke(d->feed);
	if (!d->spool) {
		frame_unref(f);
		return;
	}
	spool_add(d->spool, f);
	uplink_poke(d->uplink);
}

/* ---- the loop ---- */

/* True when the program should end.  Nothing is there to be reopened at SIGHUP. */
static bool should_end(const struct loop *l)
{
	struct signalfd_siginfo info;

	while (read(l->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo != SIGHUP)
			return true;
	return false;
}

/* For systemctl status. */
static void say_alive(struct loop *l)
{
	unsigned vms = l->sample->table[SCOPE_VM].rows;
	char line[NOTIFY_STATUS_MAX];
	struct spool_stats st;
	int n;

	n = snprintf(line, sizeof(line), "%u VM%s", vms, vms == 1 ? "" : "s");
	if (l->d.spool) {
		spool_stats(l->d.spool, &st);
		/* What was just taken is on its way. */
		if (st.uncommitted > 1)
			snprintf(line + n, sizeof(line) - (size_t)n,
				 "; %llu samples wait for an aggregator",
				 (unsigned long long)st.uncommitted);
	}
	notify_alive(&l->notify, line);
}

static void loop(struct loop *l)
{
	struct pollfd fds[] = {
		{.fd = l->signals, .events = POLLIN},
		{.fd = l->tick.fd, .events = POLLIN},
	};

	for (;;) {
		if (poll(fds, 2, notify_wait_ms(&l->notify, -1)) < 0 && errno != EINTR)
			return;
		if (fds[0].revents && should_end(l))
			return;
		if (fds[1].revents && tick_take(&l->tick))
			take(l);
		say_alive(l);
	}
}

static void say_started(const struct loop *l)
{
	char feed[ENDPOINT_TEXT_MAX] = "none", http[ENDPOINT_TEXT_MAX] = "none";

	if (l->d.feed)
		endpoint_text(feed, l->d.o->feed, feed_server_port(l->d.feed));
	if (l->d.http)
		endpoint_text(http, l->d.o->http, http_server_port(l->d.http));
	log_notice("version " PROXTOP_VERSION
		   ": host %s (%s), a sample every %g s; feed %s, http %s",
		   l->d.head.host_name, l->d.head.host_id, l->d.o->frequency, feed, http);
	if (!l->d.o->aggregator)
		log_notice("no --aggregator: samples are for consoles of this host only");
}

static int open_all(struct loop *l, const struct daemon_options *o)
{
	char why[512] = "";
	int r = daemon_open(&l->d, o, why, sizeof(why));

	if (r < 0) {
		log_error("%s", *why ? why : strerror(-r));
		return r == -EINVAL ? 2 : 1;
	}
	l->signals = program_signals();
	r = l->signals < 0 ? l->signals : tick_open(&l->tick, l->d.head.interval_ns);
	if (r < 0) {
		log_error("no timer or signal descriptor: %s", strerror(-r));
		return 1;
	}
	return 0;
}

/* The spool's files are whole at any moment: ending so loses nothing but time. */
static void give_up(int sig)
{
	(void)sig;
	_exit(0);
}

static void close_all(struct loop *l)
{
	bool kept = l->d.o->spool_dir;

	notify_say(&l->notify, "STOPPING=1");
	signal(SIGALRM, give_up);
	alarm(END_SECONDS);
	daemon_close(&l->d, kept ? FLUSH_DIR_MS : FLUSH_MS);
	alarm(0);
	tick_close(&l->tick);
	notify_close(&l->notify);
	if (l->signals >= 0)
		close(l->signals);
	sample_free(l->sample);
	buf_fini(&l->bytes);
}

int daemon_run(const struct daemon_options *o)
{
	struct loop l = {.signals = -1, .tick = {.fd = -1}};
	int status;

	notify_open(&l.notify);
	l.sample = sample_new();
	buf_init(&l.bytes, FRAME_MAX);
	status = open_all(&l, o);
	if (!status) {
		say_started(&l);
		measure_ready(l.d.measure, READY_MS);
		notify_say(&l.notify, "READY=1");
		loop(&l);
	}
	close_all(&l);
	return status;
}
