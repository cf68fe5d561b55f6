/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This host.  Samples are printed as they are; only for a recording are they encoded.
 */
#include "loop.h"

#include "batch.h"
#include "frame_maker.h"
#include "log.h"
#include "measure.h"
#include "schedule.h"
#include "subject.h"
#include "vm_filter.h"

#include <errno.h>

#define NS 1000000000ull

/* From the sample that the first rates start at to the first cycle. */
#define FIRST_NS (NS / 5)

/* How long the first lookup and the first answers of hypervisors may take. */
#define READY_MS 2000

struct loop {
	struct batch batch;
	const struct options *o;
	struct measure *measure;
	struct view *view;
	struct sample *before, *now;
	struct record_writer *record; /* NULL: none */
	struct frame_maker maker;
	uint64_t recorded;
};

static int open_all(struct loop *l)
{
	struct measure_options m = options_measure(l->o);
	uint64_t interval_ns = (uint64_t)(l->o->frequency * (double)NS + 0.5);
	int r = batch_open(&l->batch, l->o, !l->o->record_only);

	if (!r && l->o->record)
		r = subject_record(&l->record, l->o->record);
	if (r)
		return r;
	l->view = view_new();
	l->before = sample_new();
	l->now = sample_new();
	/* What is not read now cannot be replayed later. */
	m.verbose = m.verbose || l->record;
	if (measure_open(&l->measure, &m) < 0)
		return 1;
	if (l->record)
		frame_maker_init(&l->maker, l->measure, interval_ns);
	return 0;
}

static int close_all(struct loop *l)
{
	int status = subject_record_close(l->record, l->o->record, l->recorded);

	/* The output first: what it still holds should not wait for a hypervisor. */
	batch_close(&l->batch);
	if (l->record)
		frame_maker_fini(&l->maker);
	measure_close(l->measure);
	view_free(l->view);
	sample_free(l->before);
	sample_free(l->now);
	return status;
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

static void record(struct loop *l, const struct sample *s)
{
	struct frame *f = l->record ? frame_maker_make(&l->maker, s) : NULL;

	if (!f)
		return;
	record_add(l->record, f);
	frame_unref(f);
	l->recorded++;
}

static bool wants_rates(const struct loop *l)
{
	return l->batch.printer && printer_wants_rates(l->batch.printer);
}

/* One cycle. -EPIPE when nobody reads any more. */
static int cycle(struct loop *l, bool first)
{
	struct sample *swap = l->before;
	int r = 0;

	measure_sample(l->measure, l->now);
	if (first)
		say_if_empty(l);
	record(l, l->now);
	if (l->batch.printer) {
		view_derive(l->view, wants_rates(l) ? l->before : NULL, l->now);
		r = batch_print(&l->batch, l->view);
	}
	l->before = l->now;
	l->now = swap;
	return r;
}

static void run(struct loop *l)
{
	uint64_t period = (uint64_t)(l->o->frequency * (double)NS + 0.5), first;

	measure_ready(l->measure, READY_MS);
	first = batch_now_ns();
	if (wants_rates(l)) {
		measure_sample(l->measure, l->before);
		record(l, l->before);
		first += FIRST_NS;
	}
	for (uint64_t done = 0; l->o->runs < 0 || done < (uint64_t)l->o->runs; done++) {
		uint64_t due = done ? schedule_next(first, period, batch_now_ns()) : first;

		if (batch_wait(&l->batch, due, -1) == BATCH_END || cycle(l, !done))
			return;
	}
}

int loop_local(const struct options *o)
{
	struct loop l = {.o = o};
	int status = open_all(&l), closed;

	if (!status && o->record_only)
		log_notice("this host is recorded every %g s into %s; SIGINT or SIGTERM ends it",
			   o->frequency, o->record);
	if (!status)
		run(&l);
	closed = close_all(&l);
	return status ? status : closed;
}

int loop_run(const struct options *o)
{
	return o->replay ? loop_replay(o) : o->connect ? loop_feed(o) : loop_local(o);
}
