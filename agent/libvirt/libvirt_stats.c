/* SPDX-License-Identifier: Apache-2.0 */
#include "libvirt_stats.h"

#include "sample.h"
#include "scan.h"

#include <stdio.h>
#include <string.h>

#define STALE_AFTER_S 30u

/* Any of libvirt's integer types, as long as it is not negative. */
static bool integer(const virTypedParameter *p, uint64_t *ret)
{
	switch (p->type) {
	case VIR_TYPED_PARAM_INT:
		*ret = (uint64_t)p->value.i;
		return p->value.i >= 0;
	case VIR_TYPED_PARAM_UINT:
		*ret = p->value.ui;
		return true;
	case VIR_TYPED_PARAM_LLONG:
		*ret = (uint64_t)p->value.l;
		return p->value.l >= 0;
	case VIR_TYPED_PARAM_ULLONG:
		*ret = p->value.ul;
		return p->value.ul != ABSENT;
	default:
		return false;
	}
}

static void take_balloon(const char *field, uint64_t v, struct libvirt_stats *s)
{
	/* libvirt counts memory in KiB, what was swapped too. */
	static const struct {
		const char *field;
		enum metric_id metric;
		uint64_t factor;
	} known[] = {
		{"unused", M_RAM_FREE, 1},         {"available", M_RAM_GUEST, 1},
		{"usable", M_RAM_USABLE, 1},       {"swap_in", M_RAM_SWAPIN, 1024},
		{"swap_out", M_RAM_SWAPOUT, 1024},
	};

	if (!strcmp(field, "current")) {
		s->balloon_kib = v;
		return;
	}
	if (!strcmp(field, "maximum"))
		return;
	/* All others come only with QEMU's answer; the process's size (rss) at least. */
	s->has_memory = true;
	if (!strcmp(field, "last-update"))
		s->last_update = v;
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(field, known[i].field) && v < ABSENT / known[i].factor)
			guest_add(&s->guest, known[i].metric, v * known[i].factor);
}

/* What is being read of block.N.: fields of one disk follow one another. */
struct block {
	uint64_t index;
	struct guest_disk disk;
	bool started, named, has_counters, has_medium;
};

static void block_end(struct block *b, struct libvirt_stats *s)
{
	bool wanted = b->started && b->named && b->has_counters;

	/* A drive without a medium is there with counters of zero and nothing behind it. */
	if (wanted && !b->has_medium) {
		wanted = false;
		for (unsigned i = 0; i < b->disk.values.n; i++)
			wanted |= b->disk.values.v[i].value > 0;
	}
	if (b->has_counters)
		s->has_disks = true;
	/* With its backing chain a disk comes again and again, its top first. */
	for (unsigned i = 0; wanted && i < s->n_disks; i++)
		if (!strcmp(s->disks[i].name, b->disk.name))
			wanted = false;
	if (wanted && s->n_disks < VM_DISKS_MAX)
		s->disks[s->n_disks++] = b->disk;
	else if (wanted)
		s->left_out++;
	memset(b, 0, sizeof(*b));
}

static void take_block_value(const char *field, uint64_t v, struct block *b)
{
	/*
	 * "physical" is what QEMU says the image really takes, of a device its size.
	 * libvirt's "allocation" is the highest offset written since QEMU started, which
	 * is neither.
	 */
	static const struct {
		const char *field;
		enum metric_id metric;
		bool is_counter;
	} known[] = {
		{"rd.reqs", M_VD_RD_OPS, true},     {"rd.bytes", M_VD_RD_BYTES, true},
		{"rd.times", M_VD_RD_NS, true},     {"wr.reqs", M_VD_WR_OPS, true},
		{"wr.bytes", M_VD_WR_BYTES, true},  {"wr.times", M_VD_WR_NS, true},
		{"fl.reqs", M_VD_FL_OPS, true},     {"fl.times", M_VD_FL_NS, true},
		{"capacity", M_VD_CAPACITY, false}, {"physical", M_VD_ALLOCATION, false},
	};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(field, known[i].field))
			continue;
		guest_add(&b->disk.values, known[i].metric, v);
		b->has_counters |= known[i].is_counter;
	}
}

static void take_block(const char *field, const virTypedParameter *p, struct block *b,
		       struct libvirt_stats *s)
{
	uint64_t index, v;

	if (!scan_u64(&field, &index)) {
		/* block.count: of a domain without disks there is nothing else. */
		if (!strcmp(field, "count") && integer(p, &v) && !v)
			s->has_disks = true;
		return;
	}
	if (*field++ != '.')
		return;
	if (!b->started || index != b->index) {
		block_end(b, s);
		b->started = true;
		b->index = index;
	}
	if (p->type == VIR_TYPED_PARAM_STRING) {
		if (!strcmp(field, "name") && p->value.s && *p->value.s) {
			b->named = strlen(p->value.s) < sizeof(b->disk.name);
			snprintf(b->disk.name, sizeof(b->disk.name), "%s", p->value.s);
		}
		if (!strcmp(field, "path"))
			b->has_medium = true;
	} else if (integer(p, &v)) {
		take_block_value(field, v, b);
	}
}

void libvirt_stats_parse(const virTypedParameter *params, int n, struct libvirt_stats *ret)
{
	struct block block = {0};
	uint64_t v;

	ret->state = ret->reason = -1;
	ret->has_disks = ret->has_memory = false;
	ret->balloon_kib = ABSENT;
	ret->last_update = 0;
	ret->guest.n = 0;
	ret->n_disks = ret->left_out = 0;
	for (int i = 0; i < n; i++) {
		const virTypedParameter *p = &params[i];
		const char *field = p->field;

		if (scan_word(&field, "block."))
			take_block(field, p, &block, ret);
		else if (scan_word(&field, "balloon.") && integer(p, &v))
			take_balloon(field, v, ret);
		else if (!strcmp(p->field, "state.state") && p->type == VIR_TYPED_PARAM_INT)
			ret->state = p->value.i;
		else if (!strcmp(p->field, "state.reason") && p->type == VIR_TYPED_PARAM_INT)
			ret->reason = p->value.i;
	}
	block_end(&block, ret);
}

static enum vm_state paused_state(int reason, bool has_run)
{
	switch (reason) {
	case VIR_DOMAIN_PAUSED_MIGRATION:
		/* The target of a migration, or the source for the moment of the switch. */
		return has_run ? VM_PAUSED : VM_MIGRATING_IN;
	case VIR_DOMAIN_PAUSED_IOERROR:
		return VM_BLOCKED;
	case VIR_DOMAIN_PAUSED_CRASHED:
		return VM_CRASHED;
	case VIR_DOMAIN_PAUSED_SHUTTING_DOWN:
		return VM_SHUTDOWN;
	default:
		return VM_PAUSED;
	}
}

enum vm_state libvirt_vm_state(int state, int reason, bool has_run)
{
	switch (state) {
	case VIR_DOMAIN_RUNNING:
	case VIR_DOMAIN_BLOCKED: /* waits for something; QEMU never says so */
		return VM_RUNNING;
	case VIR_DOMAIN_PAUSED:
		return paused_state(reason, has_run);
	case VIR_DOMAIN_SHUTDOWN:
		return VM_SHUTDOWN;
	case VIR_DOMAIN_CRASHED:
		return VM_CRASHED;
	case VIR_DOMAIN_PMSUSPENDED:
		return VM_SUSPENDED;
	default:
		return VM_UNKNOWN;
	}
}

bool balloon_is_fresh(struct balloon_age *age, uint64_t last_update, unsigned period,
		      uint64_t boot_ns, uint64_t wall_s)
{
	const uint64_t second = 1000000000u;
	uint64_t limit = (STALE_AFTER_S + (uint64_t)period) * second;

	if (!last_update)
		return false;
	if (last_update != age->last_update) {
		/* Only at the first look: later a change is news, whatever the clocks say. */
		bool old = !age->last_update && wall_s > last_update;

		age->age_ns = !old ? 0
			      : wall_s - last_update > limit / second
				      ? limit + second
				      : (wall_s - last_update) * second;
		age->last_update = last_update;
		age->seen_ns = boot_ns;
	}
	return age->age_ns <= limit &&
	       (boot_ns < age->seen_ns || boot_ns - age->seen_ns <= limit - age->age_ns);
}
