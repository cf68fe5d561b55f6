/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include "derive.h"
#include "log.h"
#include "measure.h"
#include "printer.h"
#include "schedule.h"
#include "sink.h"
#include "vm_filter.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000ull

/* From the sample that the first rates start at to the first cycle. */
#define FIRST_NS (NS / 5)

/* How long the first lookup and the first answers of hypervisors may take. */
#define READY_MS 2000

/* How long what still waits for a peer may take at the end. */
#define FLUSH_MS 2000

struct loop {
	const struct options *o;
	struct measure *measure;
	struct sink *sink;
	struct printer *printer;
	struct view *view;
	struct sample *before, *now;
	int signals, timer; /* file descriptors */
	bool stdout_watched;
};

static sigset_t taken_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	return set;
}

void loop_block_signals(void)
{
	sigset_t set = taken_signals();

	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of the write, not the end */
}

static uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

static bool replaces_file(const char *format, const struct printer_options *o)
{
	struct printer *p = printer_new(format, o);
	bool whole = printer_whole_file(p);

	printer_free(p);
	return whole;
}

static int open_sink(struct loop *l)
{
	const char *name = printer_choices[l->o->printer];
	struct printer_options p = {
		.verbose = l->o->verbose,
		.human = l->o->human,
		.families = l->o->families,
		.wants_vm = l->o->vm.n ? vm_filter_wants : NULL,
		.wants_arg = (void *)&l->o->vm,
	};
	struct sink_options s = {
		.output = sink_outputs[l->o->output],
		.target = l->o->target,
		.whole_file = replaces_file(name, &p),
	};
	char why[256] = "";
	int r = sink_open(&l->sink, &s, why, sizeof(why));

	if (r < 0) {
		log_error("%s", *why ? why : strerror(-r));
		return r == -EINVAL ? 2 : 1;
	}
	l->stdout_watched = !strcmp(s.output, "stdout");
	p.record_max = sink_record_max(l->sink);
	l->printer = printer_new(name, &p);
	return 0;
}

static int open_all(struct loop *l)
{
	struct measure_options m = options_measure(l->o);
	sigset_t set = taken_signals();
	int r = open_sink(l);

	if (r)
		return r;
	l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->signals < 0 || l->timer < 0) {
		log_error("no timer or signal descriptor: %s", strerror(errno));
		return 1;
	}
	l->view = view_new();
	l->before = sample_new();
	l->now = sample_new();
	return measure_open(&l->measure, &m) < 0 ? 1 : 0;
}

static void close_all(struct loop *l)
{
	/* The output first: what it still holds should not wait for a hypervisor. */
	sink_close(l->sink, FLUSH_MS);
	measure_close(l->measure);
	printer_free(l->printer);
	view_free(l->view);
	sample_free(l->before);
	sample_free(l->now);
	if (l->signals >= 0)
		close(l->signals);
	if (l->timer >= 0)
		close(l->timer);
}

static int put(void *arg, const char *data, size_t n)
{
	struct loop *l = arg;

	/* Everything but a reader that has gone was said and may pass. */
	return sink_write(l->sink, data, n) == -EPIPE ? -EPIPE : 0;
}

/* At the first cycle only: why there may be nothing to see. */
static void say_if_empty(const struct loop *l)
{
	const struct table *vms = &l->now->table[SCOPE_VM];

	if (!vms->rows) {
		log_warning("No VMs detected: see 'virsh list --all' (libvirt) or 'qm list' "
			    "(Proxmox VE) for running ones, and whether this user sees QEMU in "
			    "%s/*/cmdline",
			    l->o->procfs);
		return;
	}
	if (!l->o->vm.n)
		return;
	for (uint32_t row = 0; row < vms->rows; row++)
		if (vm_filter_wants((void *)&l->o->vm, l->now, row))
			return;
	log_warning("none of the %u VMs matches --vm", vms->rows);
}

/* One printed cycle. -EPIPE when nobody reads any more. */
static int cycle(struct loop *l, bool first)
{
	const struct sample *before = printer_wants_rates(l->printer) ? l->before : NULL;
	struct sample *swap = l->before;
	unsigned dropped;
	int r;

	measure_sample(l->measure, l->now);
	if (first)
		say_if_empty(l);
	view_derive(l->view, before, l->now);
	r = printer_print(l->printer, l->view, put, l, &dropped);
	if (r < 0 && r != -EPIPE)
		log_once(LOG_WARNING, "print", "a cycle cannot be printed: %s", strerror(-r));
	if (dropped)
		log_once(LOG_WARNING, "print-dropped",
			 "what does not fit into one datagram is left out: %u in this cycle "
			 "(without --verbose, or with --output=tcp, it is there)",
			 dropped);
	l->before = l->now;
	l->now = swap;
	return r == -EPIPE ? r : 0;
}

/* 0: due; 1: the program should end. */
static int handle_signals(struct loop *l)
{
	struct signalfd_siginfo info;

	while (read(l->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			return 1;
		sink_reopen(l->sink);
	}
	return 0;
}

/* Waits until due (CLOCK_MONOTONIC). 0, or 1 when the program should end. */
static int wait_until(struct loop *l, uint64_t due)
{
	struct itimerspec at = {
		.it_value = {.tv_sec = (time_t)(due / NS), .tv_nsec = (long)(due % NS)}};
	struct pollfd fds[] = {
		{.fd = l->signals, .events = POLLIN},
		{.fd = l->timer, .events = POLLIN},
		/* Errors only: the reader at the other end of a pipe or terminal has gone. */
		{.fd = l->stdout_watched ? STDOUT_FILENO : -1},
	};

	timerfd_settime(l->timer, TFD_TIMER_ABSTIME, &at, NULL);
	for (;;) {
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			return 1;
		if (fds[2].revents)
			return 1;
		if (fds[0].revents && handle_signals(l))
			return 1;
		if (fds[1].revents)
			return 0;
	}
}

static void run(struct loop *l)
{
	uint64_t period = (uint64_t)(l->o->frequency * (double)NS + 0.5), first;

	measure_ready(l->measure, READY_MS);
	first = monotonic_ns();
	if (printer_wants_rates(l->printer)) {
		measure_sample(l->measure, l->before);
		first += FIRST_NS;
	}
	for (uint64_t done = 0; l->o->runs < 0 || done < (uint64_t)l->o->runs; done++) {
		uint64_t due = done ? schedule_next(first, period, monotonic_ns()) : first;

		if (wait_until(l, due) || cycle(l, !done))
			return;
	}
}

int loop_run(const struct options *o)
{
	struct loop l = {.o = o, .signals = -1, .timer = -1};
	int status = open_all(&l);

	if (!status)
		run(&l);
	close_all(&l);
	return status;
}
