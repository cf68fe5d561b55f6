/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a VM is profiled.  Expected numbers are worked out by hand.
 */
#include "vm_values.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define S   UINT64_C(1000000000)
#define MIB UINT64_C(1048576)

struct two {
	struct sample *before, *now;
	struct view *view;
	uint32_t vm;
};

static int setup(void **state)
{
	static struct two t;

	t = (struct two){.before = sample_new(), .now = sample_new(), .view = view_new()};
	t.before->boot_ns = 100 * S;
	t.now->boot_ns = 102 * S;
	*state = &t;
	return 0;
}

static int teardown(void **state)
{
	struct two *t = *state;

	sample_free(t->before);
	sample_free(t->now);
	view_free(t->view);
	return 0;
}

static void set_disk(struct sample *s, uint32_t vm, uint64_t id, uint64_t rd, uint64_t wr)
{
	uint32_t d = sample_row(s, SCOPE_VM_DISK, vm, id);
	struct table *t = &s->table[SCOPE_VM_DISK];

	/* Two readings, 5 s apart, of one sample: OWN_TIME. */
	t->read_ns[d] = 101 * S;
	t->prev_ns[d] = 96 * S;
	sample_set_pair(s, SCOPE_VM_DISK, d, M_VD_RD_BYTES, rd, 0);
	sample_set_pair(s, SCOPE_VM_DISK, d, M_VD_WR_BYTES, wr, 0);
}

/* Of 2 vCPUs in 2 s: ran 1 s and waited 0.5 s each; moved bytes; 750 of 1000 KiB used. */
static void fill(struct sample *s, bool later)
{
	uint32_t host = sample_row(s, SCOPE_HOST, NO_ROW, 1);
	uint32_t vm = sample_row(s, SCOPE_VM, host, 7), nic;

	sample_set(s, SCOPE_VM, vm, M_CPU_CORES, 2);
	for (unsigned i = 0; i < 2; i++) {
		uint32_t c = sample_row(s, SCOPE_VCPU, vm, 70 + i);

		sample_set(s, SCOPE_VCPU, c, M_RUN, later ? S : 0);
		sample_set(s, SCOPE_VCPU, c, M_WAIT, later ? S / 2 : 0);
	}
	nic = sample_row(s, SCOPE_VM_NIC, vm, 80);
	sample_set(s, SCOPE_VM_NIC, nic, M_VN_RX_BYTES, later ? 3000 : 1000);
	sample_set(s, SCOPE_VM_NIC, nic, M_VN_TX_BYTES, later ? 1600 : 1000);
	sample_set(s, SCOPE_VM, vm, M_IO_READ, later ? 10 * MIB : 0);
	sample_set(s, SCOPE_VM, vm, M_IO_WRITE, later ? 6 * MIB : 0);
	set_disk(s, vm, 90, 10 * MIB, 5 * MIB);
	set_disk(s, vm, 91, 5 * MIB, 0);
	sample_set(s, SCOPE_VM, vm, M_RAM_TOTAL, 1000);
	sample_set(s, SCOPE_VM, vm, M_RAM_GUEST, 950);
	sample_set(s, SCOPE_VM, vm, M_RAM_USABLE, 200);
}

static void check(const char *what, double got, double want)
{
	if (isnan(want) ? !isnan(got) : !(fabs(got - want) <= 1e-9 * fabs(want)))
		fail_msg("%s: %.17g, wanted %.17g", what, got, want);
}

static void values_of_a_vm(void **state)
{
	struct two *t = *state;
	double v[VM_VALUES_MAX];

	fill(t->before, false);
	fill(t->now, true);
	view_derive(t->view, t->before, t->now);
	vm_values_get(v, VM_VALUES_FAMILIES, t->view, 0);
	check("cpu: (1 + 0.5) s of 2 s", v[0], 75);
	check("net: (2000 + 600) bytes in 2 s", v[1], 1300);
	check("io: 16 MiB in 2 s", v[2], 8.0 * MIB);
	check("disk: 20 MiB in 5 s", v[3], 4.0 * MIB);
	check("mem: 950 - 200 of 1000", v[4], 75);
}

static void only_some(void **state)
{
	struct two *t = *state;
	double v[VM_VALUES_MAX] = {-1, -1, -1, -1, -1};

	fill(t->before, false);
	fill(t->now, true);
	view_derive(t->view, t->before, t->now);
	vm_values_get(v, 1u << F_MEM | 1u << F_NET | 1u << F_PRESSURE, t->view, 0);
	check("net", v[0], 1300);
	check("mem", v[1], 75);
	check("no third", v[2], -1);
}

static void absent_is_not_zero(void **state)
{
	struct two *t = *state;
	static const char *const names[] = {"cpu", "net", "io", "disk", "mem"};
	double v[VM_VALUES_MAX];
	uint32_t vm;

	/* A VM of which nothing is known, and one that has just come. */
	fill(t->now, true);
	vm = sample_row(t->now, SCOPE_VM, 0, 8);
	view_derive(t->view, t->before, t->now);
	vm_values_get(v, VM_VALUES_FAMILIES, t->view, vm);
	for (unsigned i = 0; i < VM_VALUES_MAX; i++)
		check(names[i], v[i], NAN);
	vm_values_get(v, VM_VALUES_FAMILIES, t->view, 0);
	for (unsigned i = 0; i < 3; i++)
		check(names[i], v[i], NAN);
	check("disk brings its own time", v[3], 4.0 * MIB);
	check("mem needs no rate", v[4], 75);
	/* One half of a sum is no sum. */
	sample_clear(t->before);
	sample_clear(t->now);
	t->before->boot_ns = 100 * S;
	t->now->boot_ns = 102 * S;
	for (unsigned i = 0; i < 2; i++) {
		struct sample *s = i ? t->now : t->before;
		uint32_t host = sample_row(s, SCOPE_HOST, NO_ROW, 1);

		sample_set(s, SCOPE_VM, sample_row(s, SCOPE_VM, host, 7), M_IO_READ, 1000 * i);
	}
	view_derive(t->view, t->before, t->now);
	vm_values_get(v, 1u << F_IO, t->view, 0);
	check("io without what was written", v[0], NAN);
}

static uint32_t add_nic(struct sample *s, uint32_t host, uint64_t id, uint64_t speed, bool counted)
{
	uint32_t r = sample_row(s, SCOPE_HOST_NIC, host, id);

	s->table[SCOPE_HOST_NIC].counted[r] = counted;
	if (speed)
		sample_set(s, SCOPE_HOST_NIC, r, M_HN_SPEED, speed);
	return r;
}

static void speed_of_the_link(void **state)
{
	struct two *t = *state;
	uint32_t host = sample_row(t->now, SCOPE_HOST, NO_ROW, 1);

	view_derive(t->view, NULL, t->now);
	check("no links", vm_values_link(t->view), NAN);
	add_nic(t->now, host, 10, 0, true);
	view_derive(t->view, NULL, t->now);
	check("one that does not say", vm_values_link(t->view), NAN);
	add_nic(t->now, host, 11, 10000, true);
	add_nic(t->now, host, 12, 2500, true);
	add_nic(t->now, host, 13, 100000, false);
	view_derive(t->view, NULL, t->now);
	check("the fastest that counts", vm_values_link(t->view), 10000);
}

static void settings(void **state)
{
	static const double unknown[] = {NAN, 0, -1};
	struct profile_settings s = {0};

	(void)state;
	vm_values_settings(&s, VM_VALUES_FAMILIES, 10000);
	assert_int_equal(s.n_metrics, 5);
	assert_string_equal(s.metric[0].name, "cpu");
	check("cpu", s.metric[0].high, 100);
	assert_string_equal(s.metric[1].name, "net");
	check("net: 10 Gbit/s in bytes", s.metric[1].high, 1250e6);
	assert_string_equal(s.metric[2].name, "io");
	check("io: 6 Gbit/s in bytes, as the values", s.metric[2].high, 750e6);
	assert_string_equal(s.metric[3].name, "disk");
	check("disk", s.metric[3].high, 750e6);
	assert_string_equal(s.metric[4].name, "mem");
	check("mem", s.metric[4].high, 100);
	for (unsigned i = 0; i < 5; i++)
		check("all begin at nothing", s.metric[i].low, 0);
	for (unsigned i = 0; i < 3; i++) {
		vm_values_settings(&s, VM_VALUES_USUAL, unknown[i]);
		assert_int_equal(s.n_metrics, 3);
		check("unknown speed: 1 Gbit/s", s.metric[1].high, 125e6);
	}
}

static void names(void **state)
{
	char all[64];

	(void)state;
	vm_values_names(all, sizeof(all));
	assert_string_equal(all, "cpu, net, io, disk, mem");
	assert_int_equal(vm_values_family("cpu"), 1u << F_CPU);
	assert_int_equal(vm_values_family("mem"), 1u << F_MEM);
	assert_int_equal(vm_values_family("pressure"), 0);
	assert_int_equal(vm_values_family("CPU"), 0);
	assert_int_equal(vm_values_family(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(values_of_a_vm, setup, teardown),
		cmocka_unit_test_setup_teardown(only_some, setup, teardown),
		cmocka_unit_test_setup_teardown(absent_is_not_zero, setup, teardown),
		cmocka_unit_test_setup_teardown(speed_of_the_link, setup, teardown),
		cmocka_unit_test(settings),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests_name("vm_values", tests, NULL, NULL);
}
