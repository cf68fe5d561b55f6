/* SPDX-License-Identifier: Apache-2.0 */
/* This host's VMs, measured here. */
#include "log.h"
#include "runs.h"
#include "schedule.h"
#include "vm_lines.h"

#include <stdio.h>

#define NS 1000000000ull

/* How long the first lookup and the first answers of hypervisors may take. */
#define READY_MS 2000

struct local {
	struct vm_lines lines;
	struct measure *measure;
	struct frame_head head;
	struct sample *sample;
};

static void take(struct local *l)
{
	measure_sample(l->measure, l->sample);
	if (!l->head.sequence && !l->sample->table[SCOPE_VM].rows)
		log_warning("No VMs detected: see 'virsh list --all' (libvirt) or 'qm list' "
			    "(Proxmox VE) for running ones, and whether this user sees QEMU in "
			    "%s/*/cmdline",
			    l->lines.o->base.procfs);
	l->head.sequence++;
	l->head.boot_ns = l->sample->boot_ns;
	l->head.wall_ns = l->sample->wall_ns;
	l->sample->epoch = l->head.epoch;
	l->sample->sequence = l->head.sequence;
	l->sample = vm_count_sample(l->lines.count, &l->head, l->sample);
}

static void loop(struct local *l)
{
	const struct options *o = &l->lines.o->base;
	uint64_t period = (uint64_t)(o->frequency * (double)NS + 0.5), first;

	measure_ready(l->measure, READY_MS);
	first = batch_now_ns();
	for (uint64_t done = 0; o->runs < 0 || done < (uint64_t)o->runs; done++) {
		uint64_t due = done ? schedule_next(first, period, batch_now_ns()) : first;

		if (batch_wait(&l->lines.batch, due, -1) == BATCH_END)
			break;
		take(l);
		if (vm_lines_write_due(&l->lines, batch_now_ns(), false))
			return;
	}
	vm_lines_write(&l->lines, false);
}

int run_local(const struct proxprofiler_options *o)
{
	struct measure_options m = options_measure(&o->base);
	struct local l = {.head = {.epoch = 1}};
	int status = vm_lines_open(&l.lines, o);

	if (!status && measure_open(&l.measure, &m) < 0)
		status = 1;
	if (!status) {
		const char *id = measure_host_id(l.measure);

		snprintf(l.head.host_id, sizeof(l.head.host_id), "%s", id ? id : "local");
		snprintf(l.head.host_name, sizeof(l.head.host_name), "%s",
			 measure_host_name(l.measure));
		l.sample = sample_new();
		loop(&l);
	}
	vm_lines_close(&l.lines);
	measure_close(l.measure);
	sample_free(l.sample);
	return status;
}
