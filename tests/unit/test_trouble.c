/* SPDX-License-Identifier: Apache-2.0 */
/* Thresholds, the trouble that is made of them, and who causes it. */
#include "trouble.h"
#include "world_kit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- the table ---- */

static void rows_are_sound(void **state)
{
	(void)state;
	for (unsigned i = 0; i < level_rows_n; i++) {
		const struct level_row *row = &level_rows[i];
		const char *name = kit_metric(row->metric);

		if (!(metrics[row->metric].scopes & (1u << row->scope)))
			fail_msg("%s is not a metric of %s", name, scope_names[row->scope]);
		if (row->of != METRICS && !(metrics[row->of].scopes & (1u << row->scope)))
			fail_msg("%s: %s is not a metric of %s", name, kit_metric(row->of),
				 scope_names[row->scope]);
		if (row->unless != METRICS && !(metrics[row->unless].scopes & (1u << row->scope)))
			fail_msg("%s: %s is not a metric of %s", name, kit_metric(row->unless),
				 scope_names[row->scope]);
		if (metrics[row->metric].show == HIDDEN || !metrics[row->metric].key)
			fail_msg("%s is not shown", name);
		if (metrics[row->metric].kind == INFO)
			fail_msg("%s is text", name);
		if (!(row->warn > 0) || !(row->bad > 0) ||
		    (row->warn >= row->bad && row->of == METRICS))
			fail_msg("%s: thresholds %g and %g", name, row->warn, row->bad);
		if (!row->why || strlen(row->why) < 10)
			fail_msg("%s: no reason", name);
		if (level_row_of(row->scope, row->metric) != row)
			fail_msg("%s of %s has two rows", name, scope_names[row->scope]);
	}
}

/* 0 at nothing, 1 and 2 at the thresholds, always growing the worse it gets. */
static void scores_grow(void **state)
{
	(void)state;
	for (unsigned i = 0; i < level_rows_n; i++) {
		const struct level_row *row = &level_rows[i];
		double unit =
			metrics[row->metric].unit == U_CENTIPERCENT && row->of == METRICS ? 100 : 1;
		double before = -1;
		bool less = row->bad < row->warn;

		if (fabs(level_score(row, row->warn * unit) - 1) > 1e-9 ||
		    fabs(level_score(row, row->bad * unit) - 2) > 1e-9)
			fail_msg("%s: the thresholds score %g and %g", kit_metric(row->metric),
				 level_score(row, row->warn * unit),
				 level_score(row, row->bad * unit));
		assert_true(isnan(level_score(row, NAN)));
		for (int step = 0; step < 500; step++) {
			double far = row->warn * 1e-3 * pow(1.05, step), score;

			score = level_score(row, unit * (less ? row->warn * row->warn / far : far));
			if (score < before)
				fail_msg("%s: %g scores %g, less than before",
					 kit_metric(row->metric), far, score);
			before = score;
		}
		assert_true(before > 2);
	}
}

static void levels(void **state)
{
	(void)state;
	assert_int_equal(level_of(SCOPE_VM, M_CPU_READY, 4.99), LEVEL_FINE);
	assert_int_equal(level_of(SCOPE_VM, M_CPU_READY, 5), LEVEL_WARN);
	assert_int_equal(level_of(SCOPE_VM, M_CPU_READY, 10), LEVEL_BAD);
	assert_int_equal(level_of(SCOPE_VM, M_CPU_READY, NAN), LEVEL_NONE);
	assert_int_equal(level_of(SCOPE_VM, M_CPU_TOTAL, 99), LEVEL_NONE);
	assert_int_equal(level_of(SCOPE_HOST, M_CPU_READY, 99), LEVEL_NONE);
	assert_int_equal(level_of(SCOPE_VM, M_VN_RX_DROP, 0), LEVEL_FINE);
	assert_int_equal(level_of(SCOPE_VM, M_VN_RX_DROP, 1.0 / 3600), LEVEL_WARN);
	assert_int_equal(level_of(SCOPE_VM, M_VN_RX_DROP, 10), LEVEL_BAD);
	/* Hundredths of a percent. */
	assert_int_equal(level_of(SCOPE_HOST, M_PSI_FULL_IO_AVG60, 499), LEVEL_FINE);
	assert_int_equal(level_of(SCOPE_HOST, M_PSI_FULL_IO_AVG60, 500), LEVEL_WARN);
	assert_int_equal(level_of(SCOPE_HOST, M_MEM_AVAILABLE, 1), LEVEL_NONE);
}

static void markdown(void **state)
{
	char *text = NULL;
	size_t n = 0;
	unsigned lines = 0;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	level_markdown(f);
	fclose(f);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
		unsigned bars = 0;

		for (const char *c = line; *c; c++)
			bars += *c == '|';
		if (bars != 7)
			fail_msg("not a row of six columns: %s", line);
	}
	assert_int_equal(lines, level_rows_n + 2);
	free(text);
}

/* ---- a host, two seconds of it ---- */

#define VMS 4u

struct lab {
	struct sample *before, *now;
	struct world *w;
};

static int setup(void **state)
{
	struct lab *l = calloc(1, sizeof(*l));
	char name[8];

	l->before = sample_new();
	l->now = sample_new();
	l->w = world_new();
	for (int k = 0; k < 2; k++) {
		struct sample *s = k ? l->now : l->before;

		kit_host(s);
		for (unsigned i = 0; i < VMS; i++) {
			snprintf(name, sizeof(name), "vm%u", i);
			kit_vm(s, name, name, NULL);
			sample_set(s, SCOPE_VM, i, M_CPU_CORES, 2);
		}
	}
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	struct lab *l = *state;

	sample_free(l->before);
	sample_free(l->now);
	world_free(l->w);
	free(l);
	return 0;
}

static void look_at(struct lab *l, bool stale)
{
	struct moment *m = moment_new();

	kit_add(m, kit_frame(l->now, "hv", 2), kit_frame(l->before, "hv", 1));
	m->hosts[0].about.stale = stale;
	kit_set(l->w, m);
}

/* So much more in this second. */
static void count(struct lab *l, enum scope s, uint32_t row, enum metric_id m, double more)
{
	uint64_t old = 1000;

	sample_set(l->before, s, row, m, old);
	sample_set(l->now, s, row, m, old + (uint64_t)more);
}

static uint32_t vcpu(struct lab *l, uint32_t vm, unsigned number, uint64_t cpu, double run,
		     double wait)
{
	uint32_t row = kit_below(l->before, SCOPE_VCPU, vm, number);

	assert_int_equal(kit_below(l->now, SCOPE_VCPU, vm, number), row);
	sample_set(l->now, SCOPE_VCPU, row, M_CPU_LAST, cpu);
	count(l, SCOPE_VCPU, row, M_RUN, run * 1e7); /* percent of a core */
	count(l, SCOPE_VCPU, row, M_WAIT, wait * 1e7);
	return row;
}

static struct thing vm_of(uint32_t row)
{
	return (struct thing){0, row, SCOPE_VM};
}

static struct trouble trouble_of(struct lab *l, struct thing t)
{
	uint32_t vms = l->now->table[SCOPE_VM].rows;
	struct trouble *vm = xcalloc(vms + 1, sizeof(*vm)), host, ret;

	trouble_of_host(l->w, 0, &host, vm);
	ret = t.scope == SCOPE_HOST ? host : vm[t.row];
	free(vm);
	return ret;
}

static void is_trouble(struct lab *l, struct thing t, enum metric_id m, double score)
{
	struct trouble got = trouble_of(l, t);

	if (got.metric != m || fabs(got.score - score) > 1e-6)
		fail_msg("%s %u: %s with %g, not %s with %g", scope_names[t.scope], t.row,
			 got.metric < METRICS ? kit_metric(got.metric) : "nothing", got.score,
			 m < METRICS ? kit_metric(m) : "nothing", score);
	if (m < METRICS && !kit_same(got.value, world_value(l->w, got.at, m)))
		fail_msg("%s: the value is %g", kit_metric(m), got.value);
}

static void is_at(struct lab *l, struct thing t, enum scope s, uint32_t row)
{
	struct trouble got = trouble_of(l, t);

	if (got.at.scope != s || got.at.row != row || got.at.host != 0)
		fail_msg("of %s %u, not of %s %u", scope_names[got.at.scope], got.at.row,
			 scope_names[s], row);
}

static void worst_is_said(void **state)
{
	struct lab *l = *state;

	/* 15 % of each of two vCPUs waited, 4 % of it for a limit: 11 % ready. */
	vcpu(l, 0, 0, 0, 10, 15);
	vcpu(l, 0, 1, 1, 10, 15);
	count(l, SCOPE_VM, 0, M_LIMITED, 8e7);
	/* All of it for the limit. */
	vcpu(l, 1, 0, 0, 10, 20);
	vcpu(l, 1, 1, 1, 10, 20);
	count(l, SCOPE_VM, 1, M_LIMITED, 40e7);
	/* Not known what it was. */
	vcpu(l, 2, 0, 0, 10, 7.5);
	vcpu(l, 2, 1, 1, 10, 7.5);
	/* Nothing to speak of: 4 % ready. */
	vcpu(l, 3, 0, 0, 90, 4);
	vcpu(l, 3, 1, 1, 90, 4);
	count(l, SCOPE_VM, 3, M_LIMITED, 0);
	look_at(l, false);
	is_trouble(l, vm_of(0), M_CPU_READY, 2 + log2(1.1));
	is_trouble(l, vm_of(1), M_CPU_LIMIT, 3);
	is_trouble(l, vm_of(2), M_CPU_STEAL, 1.5);
	is_trouble(l, vm_of(3), METRICS, 0);
	/* 24 drops in the second are worse than the 11 % of the first one. */
	kit_below(l->before, SCOPE_VM_NIC, 0, 0);
	kit_below(l->now, SCOPE_VM_NIC, 0, 0);
	count(l, SCOPE_VM_NIC, 0, M_VN_RX_DROP, 40);
	look_at(l, false);
	is_trouble(l, vm_of(0), M_VN_RX_DROP, 4);
	/* What was the matter when it was last heard of is not what is the matter. */
	look_at(l, true);
	is_trouble(l, vm_of(0), METRICS, 0);
}

/* What is hidden in the mean of many, or in a sum, is the trouble of the whole. */
static void parts_are_seen(void **state)
{
	struct lab *l = *state;

	for (uint32_t i = 0; i < 32; i++)
		vcpu(l, 0, i, i, 10, i == 17 ? 90 : 0);
	look_at(l, false);
	is_trouble(l, vm_of(0), M_CPU_STEAL, 2 + log2(9));
	is_at(l, vm_of(0), SCOPE_VCPU, 17);
	is_trouble(l, vm_of(1), METRICS, 0);
	/* All wait alike: it is the VM's. */
	for (uint32_t i = 0; i < 32; i++)
		count(l, SCOPE_VCPU, i, M_WAIT, 20e7);
	look_at(l, false);
	is_at(l, vm_of(0), SCOPE_VM, 0);
}

static void host_has_its_own(void **state)
{
	struct lab *l = *state;
	struct thing host = {0, 0, SCOPE_HOST};

	vcpu(l, 0, 0, 0, 10, 80);
	sample_set(l->now, SCOPE_HOST, 0, M_MEM_TOTAL, 1000000);
	sample_set(l->now, SCOPE_HOST, 0, M_MEM_AVAILABLE, 60000);
	look_at(l, false);
	is_trouble(l, host, METRICS, 0);
	assert_int_equal(trouble_level(l->w, host, M_MEM_AVAILABLE), LEVEL_FINE);
	sample_set(l->now, SCOPE_HOST, 0, M_MEM_AVAILABLE, 10000);
	look_at(l, false);
	is_trouble(l, host, M_MEM_AVAILABLE, 3);
	assert_int_equal(trouble_level(l->w, host, M_MEM_AVAILABLE), LEVEL_BAD);
	assert_int_equal(trouble_level(l->w, host, M_MEM_TOTAL), LEVEL_NONE);
	assert_int_equal(trouble_level(l->w, vm_of(0), M_CPU_STEAL), LEVEL_BAD);
	assert_true(world_value(l->w, vm_of(0), M_CPU_STEAL) > 9);
	look_at(l, true);
	is_trouble(l, host, METRICS, 0);
	assert_int_equal(trouble_level(l->w, host, M_MEM_AVAILABLE), LEVEL_NONE);
	assert_int_equal(trouble_level(l->w, vm_of(0), M_CPU_STEAL), LEVEL_NONE);
	assert_true(isnan(world_value(l->w, vm_of(0), M_CPU_STEAL)));
	/* What it is stays, what was measured of it is over. */
	assert_true(isnan(world_value(l->w, host, M_MEM_AVAILABLE)));
	assert_true(kit_same(world_value(l->w, host, M_MEM_TOTAL), 1000000));
	look_at(l, false);
	sample_set(l->now, SCOPE_HOST, 0, M_MEM_TOTAL, ABSENT);
	look_at(l, false);
	is_trouble(l, host, METRICS, 0);
	assert_int_equal(trouble_level(l->w, host, M_MEM_AVAILABLE), LEVEL_NONE);
}

/* ---- causes ---- */

static void is_caused(struct lab *l, const char *what, uint32_t vm, enum metric_id m,
		      enum cause_kind kind, int other, int cpu)
{
	struct trouble t = {.score = 2, .metric = m};
	struct cause c = cause_of(l->w, vm_of(vm), &t);

	if (c.kind != kind || c.cpu != cpu ||
	    (kind == CAUSE_VM ? (int)c.vm.row != other : thing_is(c.vm)))
		fail_msg("%s: kind %d, VM %d, CPU %d; not kind %d, VM %d, CPU %d", what, c.kind,
			 thing_is(c.vm) ? (int)c.vm.row : -1, c.cpu, kind, other, cpu);
}

static void who_burns_the_core(void **state)
{
	struct lab *l = *state;

	/* VM 0 waits on CPUs 3 and 5; VM 1 burns most of all, but elsewhere. */
	vcpu(l, 0, 0, 3, 20, 60);
	vcpu(l, 0, 1, 5, 20, 30);
	vcpu(l, 1, 0, 7, 100, 0);
	vcpu(l, 1, 1, 8, 100, 0);
	vcpu(l, 2, 0, 3, 40, 0);
	vcpu(l, 2, 1, 5, 35, 0);
	vcpu(l, 3, 0, 5, 70, 0);
	look_at(l, false);
	/* 75 % of the two cores is VM 2's, 70 % VM 3's. */
	is_caused(l, "two cores", 0, M_CPU_READY, CAUSE_VM, 2, 3);
	is_caused(l, "as steal", 0, M_CPU_STEAL, CAUSE_VM, 2, 3);
	is_caused(l, "limit", 0, M_CPU_LIMIT, CAUSE_OWN_LIMIT, -1, -1);
	is_caused(l, "drops", 0, M_VN_RX_DROP, CAUSE_NONE, -1, -1);
	is_caused(l, "nobody that is there", 99, M_CPU_READY, CAUSE_NONE, -1, -1);
	assert_int_equal(
		cause_of(l->w, vm_of(0), &(struct trouble){0, METRICS, NAN, NO_THING}).kind,
		CAUSE_NONE);
	assert_int_equal(
		cause_of(l->w, NO_THING, &(struct trouble){2, M_CPU_READY, 10, NO_THING}).kind,
		CAUSE_NONE);
}

static void its_own_vcpus(void **state)
{
	struct lab *l = *state;

	vcpu(l, 0, 0, 3, 50, 50);
	vcpu(l, 0, 1, 3, 50, 50);
	vcpu(l, 1, 0, 3, 30, 0);
	look_at(l, false);
	is_caused(l, "two vCPUs on one core", 0, M_CPU_READY, CAUSE_ITSELF, -1, 3);
}

static void no_vm_burns(void **state)
{
	struct lab *l = *state;

	vcpu(l, 0, 0, 3, 50, 50);
	vcpu(l, 1, 0, 3, 5, 0);
	look_at(l, false);
	is_caused(l, "a process of the host", 0, M_CPU_READY, CAUSE_HOST, -1, -1);
}

static void cores_not_known(void **state)
{
	struct lab *l = *state;

	for (unsigned i = 0; i < VMS; i++)
		vcpu(l, i, 0, ABSENT, i == 0 ? 100 : 20 * i, 50);
	count(l, SCOPE_VM, 2, M_OTHER_RUN, 30e7); /* 40 and 30: more than 60 */
	look_at(l, false);
	is_caused(l, "most on the host, but it", 0, M_CPU_READY, CAUSE_VM, 2, -1);
}

static uint32_t disk(struct lab *l, uint32_t vm, unsigned number, const char *device,
		     double requests, double ms)
{
	uint32_t row = kit_below(l->before, SCOPE_VM_DISK, vm, number);

	kit_below(l->now, SCOPE_VM_DISK, vm, number);
	sample_set_text(l->now, SCOPE_VM_DISK, row, M_DISK_BACKING, device);
	l->now->table[SCOPE_VM_DISK].read_ns[row] = 2 * KIT_SECOND;
	l->now->table[SCOPE_VM_DISK].prev_ns[row] = 1 * KIT_SECOND;
	sample_set_pair(l->now, SCOPE_VM_DISK, row, M_VD_WR_OPS, 5000 + (uint64_t)requests, 5000);
	sample_set_pair(l->now, SCOPE_VM_DISK, row, M_VD_WR_NS,
			5000 + (uint64_t)(requests * ms * 1e6), 5000);
	sample_set_pair(l->now, SCOPE_VM_DISK, row, M_VD_RD_OPS, 7, 7);
	sample_set_pair(l->now, SCOPE_VM_DISK, row, M_VD_RD_NS, 7, 7);
	return row;
}

static void who_loads_the_disk(void **state)
{
	struct lab *l = *state;

	disk(l, 0, 0, "sda", 500, 1);
	disk(l, 0, 1, "sdb", 10, 80);
	disk(l, 1, 0, "sdb", 300, 70);
	disk(l, 2, 0, "sdb", 200, 60);
	disk(l, 2, 1, "sdb", 200, 60);
	disk(l, 3, 0, "sda", 400, 90);
	disk(l, 3, 1, "sdc", 400, 95);
	look_at(l, false);
	is_trouble(l, vm_of(0), M_VD_LAT_WR, 2 + log2(80.0 / 50));
	is_at(l, vm_of(0), SCOPE_VM_DISK, 1);
	is_caused(l, "the slow one of two", 0, M_VD_LAT_WR, CAUSE_VM, 2, -1);
	is_caused(l, "one of two of it", 1, M_VD_LAT_WR, CAUSE_VM, 2, -1);
	is_caused(l, "itself", 2, M_VD_LAT_WR, CAUSE_ITSELF, -1, -1);
	is_caused(l, "alone", 3, M_VD_LAT_WR, CAUSE_ITSELF, -1, -1);
	is_caused(l, "pressure", 0, M_PSI_FULL_IO, CAUSE_VM, 2, -1);
	is_caused(l, "no read was slow", 0, M_VD_LAT_RD, CAUSE_NONE, -1, -1);
	is_caused(l, "the host's memory", 0, M_RAM_MAJFLT, CAUSE_HOST, -1, -1);
}

static void device_not_known(void **state)
{
	struct lab *l = *state;

	disk(l, 0, 0, NULL, 500, 100);
	disk(l, 1, 0, NULL, 5000, 100);
	look_at(l, false);
	is_caused(l, "no device", 0, M_VD_LAT_WR, CAUSE_NONE, -1, -1);
}

/* What a host says of itself is not believed further than it goes. */
static void strange_samples(void **state)
{
	struct lab *l = *state;

	for (unsigned i = 0; i < 300; i++)
		vcpu(l, i % VMS, i, UINT64_MAX - 1 - i % 100, 1, 90);
	sample_row(l->now, SCOPE_VCPU, NO_ROW, 5);
	sample_row(l->now, SCOPE_VM_DISK, 0, 6);
	sample_row(l->now, SCOPE_VM_DISK, NO_ROW, 7);
	sample_set_text(l->now, SCOPE_VM_DISK, 1, M_DISK_BACKING, "sda");
	look_at(l, false);
	for (uint32_t vm = 0; vm < VMS; vm++)
		for (int m = 0; m < METRICS; m++) {
			struct cause c =
				cause_of(l->w, vm_of(vm), &(struct trouble){3, m, 1, NO_THING});

			assert_true(c.cpu == -1);
			assert_true(c.kind != CAUSE_VM || c.vm.row < VMS);
		}
}

#define LAB(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sound),
		cmocka_unit_test(scores_grow),
		cmocka_unit_test(levels),
		cmocka_unit_test(markdown),
		LAB(worst_is_said),
		LAB(parts_are_seen),
		LAB(host_has_its_own),
		LAB(who_burns_the_core),
		LAB(its_own_vcpus),
		LAB(no_vm_burns),
		LAB(cores_not_known),
		LAB(who_loads_the_disk),
		LAB(device_not_known),
		LAB(strange_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
