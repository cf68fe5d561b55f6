/* SPDX-License-Identifier: Apache-2.0 */
#include "batch.h"

#include "clock.h"
#include "log.h"
#include "loop.h"
#include "program.h"
#include "prometheus_text.h"
#include "vm_filter.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define NS 1000000000ull

/* How long what still waits for a peer may take at the end. */
#define FLUSH_MS 2000

#define SINK_LOOK_NS (NS / 100)

uint64_t batch_now_ns(void)
{
	return clock_monotonic_ns();
}

static bool replaces_file(const char *format, const struct printer_options *o)
{
	struct printer *p = printer_new(format, o);
	bool whole = printer_whole_file(p);

	printer_free(p);
	return whole;
}

/* Of many hosts, text tells the lines apart by their names. */
static unsigned families(const struct options *o)
{
	return o->connect || o->replay ? o->families | 1u << F_HOST : o->families;
}

static int open_sink(struct batch *b)
{
	const char *name = printer_choices[b->o->printer];
	const char *output = sink_outputs[b->o->output];
	bool prometheus = !strcmp(output, "file") && prometheus_text_is_for(b->o->target);
	struct printer_options p = {
		.verbose = b->o->verbose,
		.human = b->o->human,
		.prometheus = prometheus,
		.families = families(b->o),
		.wants_vm = b->o->vm.n ? vm_filter_wants : NULL,
		.wants_arg = (void *)&b->o->vm,
	};
	struct sink_options s = {
		.output = output,
		.target = b->o->target,
		.whole_file = replaces_file(name, &p),
	};
	char why[256] = "";
	int r = sink_open(&b->sink, &s, why, sizeof(why));

	if (r < 0) {
		log_error("%s", *why ? why : strerror(-r));
		return r == -EINVAL ? 2 : 1;
	}
	b->stdout_watched = !strcmp(s.output, "stdout");
	b->queued = !strcmp(s.output, "tcp");
	b->prometheus = prometheus;
	p.record_max = sink_record_max(b->sink);
	b->printer = printer_new(name, &p);
	return 0;
}

int batch_open(struct batch *b, const struct options *o, bool print)
{
	int r = 0;

	*b = (struct batch){.o = o, .signals = -1, .timer = -1};
	if (print)
		r = open_sink(b);
	if (r)
		return r;
	b->signals = r = program_signals();
	b->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (r < 0 || b->timer < 0) {
		log_error("no timer or signal descriptor: %s", strerror(r < 0 ? -r : errno));
		return 1;
	}
	return 0;
}

void batch_close(struct batch *b)
{
	sink_close(b->sink, FLUSH_MS);
	printer_free(b->printer);
	if (b->signals >= 0)
		close(b->signals);
	if (b->timer >= 0)
		close(b->timer);
}

int batch_put(void *arg, const char *data, size_t n)
{
	struct batch *b = arg;

	b->records++;
	/* Everything but a reader that has gone was said and may pass. */
	return sink_write(b->sink, data, n) == -EPIPE ? -EPIPE : 0;
}

int batch_print(struct batch *b, const struct view *v)
{
	unsigned dropped;
	int r = printer_print(b->printer, v, batch_put, b, &dropped);

	if (r < 0 && r != -EPIPE)
		log_once(LOG_WARNING, "print", "a cycle cannot be printed: %s", strerror(-r));
	if (dropped)
		log_once(LOG_WARNING, "print-dropped",
			 "what does not fit into one datagram is left out: %u in this cycle "
			 "(without --verbose, or with --output=tcp, it is there)",
			 dropped);
	return r == -EPIPE ? r : 0;
}

/* True when the program should end. */
static bool handle_signals(struct batch *b)
{
	struct signalfd_siginfo info;

	while (read(b->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			return true;
		if (b->sink)
			sink_reopen(b->sink);
	}
	return false;
}

enum batch_event batch_wait(struct batch *b, uint64_t due_ns, int fd)
{
	struct itimerspec at = {
		.it_value = {.tv_sec = (time_t)(due_ns / NS), .tv_nsec = (long)(due_ns % NS)}};
	bool timed = due_ns != UINT64_MAX;
	struct pollfd fds[] = {
		{.fd = b->signals, .events = POLLIN},
		{.fd = timed ? b->timer : -1, .events = POLLIN},
		/* Errors only: the reader at the other end of a pipe or terminal has gone. */
		{.fd = b->stdout_watched ? STDOUT_FILENO : -1},
		{.fd = fd, .events = POLLIN},
	};

	if (timed)
		timerfd_settime(b->timer, TFD_TIMER_ABSTIME, &at, NULL);
	for (;;) {
		if (poll(fds, 4, -1) < 0 && errno != EINTR)
			return BATCH_END;
		if (fds[2].revents)
			return BATCH_END;
		if (fds[0].revents && handle_signals(b))
			return BATCH_END;
		if (fds[3].revents)
			return BATCH_READABLE;
		if (fds[1].revents)
			return BATCH_DUE;
	}
}

enum batch_event batch_wait_for_sink(struct batch *b, uint64_t most)
{
	struct sink_stats stats;

	while (b->queued) {
		sink_stats(b->sink, &stats);
		if (b->records - stats.records - stats.dropped <= most)
			return BATCH_DUE;
		if (batch_wait(b, batch_now_ns() + SINK_LOOK_NS, -1) == BATCH_END)
			return BATCH_END;
	}
	return BATCH_DUE;
}
