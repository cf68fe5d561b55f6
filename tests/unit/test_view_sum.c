/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over hosts: rates and amounts add up, shares are made of summed parts. */
#include "view_sum.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define S UINT64_C(1000000000)

struct host {
	double seconds;
	uint64_t user, idle; /* ticks in that time */
	uint64_t cores;
	unsigned vms;
	uint64_t vm_cores, vm_run_ns;
	bool is_new; /* the last VM is */
};

static void fill(struct sample *s, const struct host *h, bool now)
{
	sample_clear(s);
	s->boot_ns = 1000 * S + (now ? (uint64_t)(h->seconds * 1e9) : 0);
	sample_row(s, SCOPE_HOST, NO_ROW, 1);
	for (enum metric_id m = M_HT_USER; m <= M_HT_IDLE; m++)
		sample_set(s, SCOPE_HOST, 0, m, 5);
	sample_set(s, SCOPE_HOST, 0, M_HT_NICE, 0);
	sample_set(s, SCOPE_HOST, 0, M_HT_USER, 100 + now * h->user);
	sample_set(s, SCOPE_HOST, 0, M_HT_IDLE, 100 + now * h->idle);
	sample_set(s, SCOPE_HOST, 0, M_CPU_CORES, h->cores);
	sample_set(s, SCOPE_HOST, 0, M_CPU_CURFREQ, 2000);
	sample_set(s, SCOPE_HOST, 0, M_HOST_UPTIME, 77);
	sample_set(s, SCOPE_HOST, 0, M_PSI_SOME_CPU_TOTAL, now * 1000);
	for (unsigned i = 0; i < h->vms; i++) {
		uint32_t r, d;

		if (!now && h->is_new && i == h->vms - 1)
			continue;
		r = sample_row(s, SCOPE_VM, 0, i + 10);
		sample_set_text(s, SCOPE_VM, r, M_NAME, "vm");
		sample_set(s, SCOPE_VM, r, M_VMID, i);
		sample_set(s, SCOPE_VM, r, M_CPU_CORES, h->vm_cores);
		sample_set(s, SCOPE_VM, r, M_RAM_TOTAL, 1024);
		sample_set(s, SCOPE_VM, r, M_IO_READ, now * 3000);
		sample_row(s, SCOPE_VCPU, r, i + 1000);
		sample_set(s, SCOPE_VCPU, r, M_RUN, 7 + now * h->vm_run_ns);
		d = sample_row(s, SCOPE_VM_DISK, r, i + 2000);
		sample_set_pair(s, SCOPE_VM_DISK, d, M_VD_RD_OPS, 100, 90);
		sample_set_pair(s, SCOPE_VM_DISK, d, M_VD_RD_NS, 50000000 * (i + 1), 0);
		s->table[SCOPE_VM_DISK].read_ns[d] = 10 * S;
		s->table[SCOPE_VM_DISK].prev_ns[d] = 5 * S;
	}
}

static struct view_sum *sum_of(const struct host *h, unsigned n)
{
	struct sample *before = sample_new(), *now = sample_new();
	struct view_sum *t = view_sum_new();
	struct view *v = view_new();

	for (unsigned i = 0; i < n; i++) {
		fill(before, &h[i], false);
		fill(now, &h[i], true);
		view_derive(v, before, now);
		view_sum_add(t, v);
	}
	view_sum_finish(t);
	view_free(v);
	sample_free(before);
	sample_free(now);
	return t;
}

static void is(const struct view_sum *t, enum scope s, enum metric_id m, double want)
{
	double got = view_sum_get(t, s, m);

	if (isnan(want) ? !isnan(got) : !(fabs(got - want) <= fabs(want) * 1e-9))
		fail_msg("%s %s: %g, not %g", scope_names[s], metrics[m].name, got, want);
}

/* A busy host of few CPUs and an idle one of many, with intervals of their own: the mean of
 * their shares would be 55 percent. */
static void shares_of_summed_parts(void **state)
{
	const struct host two[] = {
		{.seconds = 1,
		 .user = 400,
		 .idle = 0,
		 .cores = 4,
		 .vms = 1,
		 .vm_cores = 4,
		 .vm_run_ns = 4 * S},
		{.seconds = 2,
		 .user = 1920,
		 .idle = 17280,
		 .cores = 96,
		 .vms = 2,
		 .vm_cores = 8,
		 .vm_run_ns = S},
	};
	struct view_sum *t = sum_of(two, 2);

	(void)state;
	is(t, SCOPE_HOST, M_CPU_CORES, 100);
	is(t, SCOPE_HOST, M_HOST_CPU_USER, 100.0 * (400 + 960) / (400 + 9600));
	is(t, SCOPE_VM, M_CPU_CORES, 20);
	/* 4 s per s on 4, and twice half a second per s on 8 vCPUs */
	is(t, SCOPE_VM, M_CPU_TOTAL, 100.0 * 5 / 20);
	is(t, SCOPE_VM, M_RAM_TOTAL, 3072);
	is(t, SCOPE_VM, M_IO_READ, 3000 + 2 * 1500);
	/* Each disk: 10 requests in 5 s; 50, 50 and 100 ms in all. */
	is(t, SCOPE_VM, M_VD_RD_OPS, 6);
	is(t, SCOPE_VM, M_VD_LAT_RD, 200.0 / 30);
	view_sum_free(t);
}

static void what_has_no_sum_is_absent(void **state)
{
	const struct host one = {
		.seconds = 1, .user = 1, .idle = 1, .cores = 1, .vms = 1, .vm_cores = 1};
	struct view_sum *t = sum_of(&one, 1);

	(void)state;
	is(t, SCOPE_HOST, M_CPU_CURFREQ, NAN);
	is(t, SCOPE_HOST, M_HOST_UPTIME, NAN);
	is(t, SCOPE_HOST, M_PSI_SOME_CPU, NAN);
	is(t, SCOPE_HOST, M_PSI_SOME_CPU_TOTAL, NAN);
	is(t, SCOPE_VM, M_VMID, NAN);
	is(t, SCOPE_VM, M_NAME, NAN);
	is(t, SCOPE_VM, M_UUID_DUPLICATE, NAN);
	is(t, SCOPE_VM, M_VD_UTIL, NAN);
	view_sum_clear(t);
	is(t, SCOPE_HOST, M_CPU_CORES, NAN);
	is(t, SCOPE_HOST, M_HOST_CPU_USER, NAN);
	view_sum_free(t);
	view_sum_free(NULL);
}

/* Its vCPUs are there, but what they did is not known yet. */
static void a_new_vm_is_no_idle_one(void **state)
{
	const struct host one = {.seconds = 1,
				 .user = 1,
				 .idle = 1,
				 .cores = 8,
				 .vms = 2,
				 .vm_cores = 2,
				 .vm_run_ns = S,
				 .is_new = true};
	struct view_sum *t = sum_of(&one, 1);

	(void)state;
	is(t, SCOPE_VM, M_CPU_CORES, 4);
	is(t, SCOPE_VM, M_RAM_TOTAL, 2048);
	is(t, SCOPE_VM, M_CPU_TOTAL, 50);
	view_sum_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_of_summed_parts),
		cmocka_unit_test(what_has_no_sum_is_absent),
		cmocka_unit_test(a_new_vm_is_no_idle_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
