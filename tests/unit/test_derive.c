/* SPDX-License-Identifier: Apache-2.0 */
/* Counters to rates: times, gaps, rows that come, go and change places. */
#include "derive_kit.h"

/* ---- rates ---- */

static void counters_become_rates(void **state)
{
	struct pair *p = *state;

	both(p, SCOPE_HOST, NO_ROW, 1);
	both(p, SCOPE_VM, 0, 5);
	grew(p, SCOPE_VM, 0, M_IO_RCHAR, 500);
	sample_set(p->now, SCOPE_VM, 0, M_RAM_RSS, 4096);
	sample_set(p->now, SCOPE_VM, 0, M_RAM_VSIZE, 0);
	derive(p);
	assert_true(p->view->now == p->now);
	assert_true(fabs(p->view->interval - 2) < 1e-12);
	check(p, "500 in 2 s", SCOPE_VM, 0, M_IO_RCHAR, 250);
	check(p, "a gauge is as it is", SCOPE_VM, 0, M_RAM_RSS, 4096);
	check(p, "zero is a value", SCOPE_VM, 0, M_RAM_VSIZE, 0);
	check(p, "never set", SCOPE_VM, 0, M_IO_WCHAR, NAN);
	check(p, "beyond the rows", SCOPE_VM, 1, M_IO_RCHAR, NAN);
	check(p, "no row at all", SCOPE_VCPU, 0, M_RUN, NAN);
}

static void counters_that_have_no_rate(void **state)
{
	static const struct {
		const char *name;
		uint64_t before, now;
		double want;
	} cases[] = {
		{"stands still", 7, 7, 0},
		{"went back", 1000, 999, NAN},
		{"began again", UINT64_MAX - 1, 0, NAN},
		{"appeared", ABSENT, 5, NAN},
		{"vanished", 5, ABSENT, NAN},
		{"absent twice", ABSENT, ABSENT, NAN},
		{"from zero", 0, 4, 2},
		{"as far as it goes", 0, UINT64_MAX - 1, 9223372036854775807.0},
		{"a large one, exactly", UINT64_C(1) << 60, (UINT64_C(1) << 60) + 2, 1},
	};
	struct pair *p = *state;

	both(p, SCOPE_HOST, NO_ROW, 1);
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		both(p, SCOPE_VM, 0, 100 + i);
		sample_set(p->before, SCOPE_VM, i, M_IO_SYSCR, cases[i].before);
		sample_set(p->now, SCOPE_VM, i, M_IO_SYSCR, cases[i].now);
	}
	derive(p);
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		check(p, cases[i].name, SCOPE_VM, i, M_IO_SYSCR, cases[i].want);
		/* absent goes through formulas */
		check(p, cases[i].name, SCOPE_VM, i, M_IO_RDOPS, cases[i].want);
	}
}

static void time_that_does_not_move(void **state)
{
	static const struct {
		const char *name;
		uint64_t before, now;
	} cases[] = {{"stands", 102 * S, 102 * S}, {"goes back", 103 * S, 102 * S}};
	struct pair *p = *state;

	both(p, SCOPE_HOST, NO_ROW, 1);
	both(p, SCOPE_VM, 0, 5);
	grew(p, SCOPE_VM, 0, M_IO_RCHAR, 500);
	sample_set(p->now, SCOPE_VM, 0, M_RAM_RSS, 1);
	for (size_t i = 0; i < 2; i++) {
		p->before->boot_ns = cases[i].before;
		p->now->boot_ns = cases[i].now;
		derive(p);
		assert_true(isnan(p->view->interval));
		check(p, cases[i].name, SCOPE_VM, 0, M_IO_RCHAR, NAN);
		check(p, cases[i].name, SCOPE_VM, 0, M_RAM_RSS, 1);
	}
}

static void no_earlier_sample(void **state)
{
	struct pair *p = *state;

	both(p, SCOPE_HOST, NO_ROW, 1);
	both(p, SCOPE_VM, 0, 5);
	both(p, SCOPE_VM_DISK, 0, 6);
	grew(p, SCOPE_VM, 0, M_IO_RCHAR, 500);
	sample_set(p->now, SCOPE_VM, 0, M_RAM_RSS, 1);
	sample_set_pair(p->now, SCOPE_VM_DISK, 0, M_VD_RD_OPS, 50, 10);
	p->now->table[SCOPE_VM_DISK].read_ns[0] = 20 * S;
	p->now->table[SCOPE_VM_DISK].prev_ns[0] = 10 * S;
	view_derive(p->view, NULL, p->now);
	assert_true(isnan(p->view->interval));
	check(p, "no rate", SCOPE_VM, 0, M_IO_RCHAR, NAN);
	check(p, "a gauge", SCOPE_VM, 0, M_RAM_RSS, 1);
	check(p, "a pair brings its own", SCOPE_VM_DISK, 0, M_VD_RD_OPS, 4);
	check(p, "and its sum", SCOPE_VM, 0, M_VD_RD_OPS, 4);
}

/* A lost sample costs resolution, not correctness. */
static void a_gap_is_averaged(void **state)
{
	struct pair *p = *state;

	p->now->boot_ns = 160 * S;
	both(p, SCOPE_HOST, NO_ROW, 1);
	both(p, SCOPE_VM, 0, 5);
	grew(p, SCOPE_VM, 0, M_IO_RCHAR, 600);
	derive(p);
	check(p, "600 in 60 s", SCOPE_VM, 0, M_IO_RCHAR, 10);
}

/* ---- which row was it before ---- */

static void rows_are_matched_by_id(void **state)
{
	struct pair *p = *state;
	uint32_t n = 200;

	both(p, SCOPE_HOST, NO_ROW, 1);
	/* before: ids 0..199; now: backwards, every tenth gone, some new in between */
	for (uint32_t i = 0; i < n; i++) {
		sample_row(p->before, SCOPE_VM, 0, i);
		sample_set(p->before, SCOPE_VM, i, M_IO_RCHAR, 1000 * i);
	}
	for (uint32_t i = n; i-- > 0;) {
		uint32_t row;

		if (i % 10 == 0) {
			row = sample_row(p->now, SCOPE_VM, 0, 100000 + i); /* a new VM */
			sample_set(p->now, SCOPE_VM, row, M_IO_RCHAR, 1000 * i + 5000);
			continue;
		}
		row = sample_row(p->now, SCOPE_VM, 0, i);
		sample_set(p->now, SCOPE_VM, row, M_IO_RCHAR, 1000 * i + 2 * i);
	}
	derive(p);
	for (uint32_t row = 0; row < n; row++) {
		uint32_t i = n - 1 - row;

		check(p, i % 10 ? "its own counter" : "a new row has no rate", SCOPE_VM, row,
		      M_IO_RCHAR, i % 10 ? (double)i : NAN);
	}
}

static void another_thing_in_the_same_row(void **state)
{
	struct pair *p = *state;

	both(p, SCOPE_HOST, NO_ROW, 1);
	sample_row(p->before, SCOPE_VM, 0, 5);
	sample_row(p->now, SCOPE_VM, 0, 6); /* restarted: a new instance */
	grew(p, SCOPE_VM, 0, M_IO_RCHAR, 500);
	derive(p);
	check(p, "no rate crosses a restart", SCOPE_VM, 0, M_IO_RCHAR, NAN);
}

static void a_view_is_used_again(void **state)
{
	struct pair *p = *state;
	struct sample *small = sample_new();

	both(p, SCOPE_HOST, NO_ROW, 1);
	for (uint32_t i = 0; i < 300; i++) {
		both(p, SCOPE_VM, 0, i);
		grew(p, SCOPE_VM, i, M_IO_RCHAR, 500);
	}
	derive(p);
	check(p, "many", SCOPE_VM, 299, M_IO_RCHAR, 250);
	small->boot_ns = 104 * S;
	sample_row(small, SCOPE_HOST, NO_ROW, 1);
	sample_row(small, SCOPE_VM, 0, 299);
	sample_set(small, SCOPE_VM, 0, M_IO_RCHAR, sample_get(p->now, SCOPE_VM, 299, M_IO_RCHAR));
	view_derive(p->view, p->now, small);
	check(p, "one", SCOPE_VM, 0, M_IO_RCHAR, 0);
	check(p, "the others are gone", SCOPE_VM, 1, M_IO_RCHAR, NAN);
	derive(p);
	check(p, "many again", SCOPE_VM, 299, M_IO_RCHAR, 250);
	/* Nothing is left of columns that the new sample does not have. */
	sample_clear(small);
	sample_row(small, SCOPE_HOST, NO_ROW, 1);
	sample_row(small, SCOPE_VM, 0, 1);
	view_derive(p->view, NULL, small);
	check(p, "nothing of before", SCOPE_VM, 0, M_IO_RCHAR, NAN);
	check(p, "nor its formulas", SCOPE_VM, 0, M_IO_RDOPS, NAN);
	sample_free(small);
}

/* ---- values with their own time ---- */

static void own_time(void **state)
{
	static const struct {
		const char *name;
		uint64_t read, prev, now, before;
		double want;
	} cases[] = {
		{"40 in 5 s", 100 * S, 95 * S, 50, 10, 8},
		{"the first reading", 100 * S, ABSENT, 50, ABSENT, NAN},
		{"nobody knows when it was before", 100 * S, ABSENT, 50, 10, NAN},
		{"nor when it is", ABSENT, 95 * S, 50, 10, NAN},
		{"no reading", ABSENT, ABSENT, ABSENT, ABSENT, NAN},
		{"went back", 100 * S, 95 * S, 10, 50, NAN},
		{"the same instant", 95 * S, 95 * S, 50, 10, NAN},
		{"times the wrong way round", 90 * S, 95 * S, 50, 10, NAN},
		{"a value is new", 100 * S, 95 * S, 50, ABSENT, NAN},
		{"a value is gone", 100 * S, 95 * S, ABSENT, 50, NAN},
		{"200 ms", 100 * S + S / 5, 100 * S, 50, 40, 50},
	};
	struct pair *p = *state;

	both(p, SCOPE_HOST, NO_ROW, 1);
	both(p, SCOPE_VM, 0, 5);
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct table *t = &p->now->table[SCOPE_VM_DISK];

		both(p, SCOPE_VM_DISK, 0, i);
		/* what an earlier sample says must not matter */
		sample_set_pair(p->before, SCOPE_VM_DISK, i, M_VD_RD_OPS, 1, 0);
		sample_set_pair(p->now, SCOPE_VM_DISK, i, M_VD_RD_OPS, cases[i].now,
				cases[i].before);
		t->read_ns[i] = cases[i].read;
		t->prev_ns[i] = cases[i].prev;
	}
	derive(p);
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check(p, cases[i].name, SCOPE_VM_DISK, i, M_VD_RD_OPS, cases[i].want);
	/* A gauge needs no time. */
	sample_set_pair(p->now, SCOPE_VM, 0, M_RAM_FREE, 77, ABSENT);
	derive(p);
	check(p, "gauge", SCOPE_VM, 0, M_RAM_FREE, 77);
}

/* ---- sums ---- */

static void sums_of_children(void **state)
{
	struct pair *p = *state;
	uint32_t r;

	both(p, SCOPE_HOST, NO_ROW, 1);
	for (uint64_t i = 0; i < 4; i++)
		both(p, SCOPE_VM, 0, 10 + i);
	/* VM 0: three interfaces, one new, one that went back */
	for (uint64_t i = 0; i < 3; i++) {
		r = both(p, SCOPE_VM_NIC, 0, 20 + i);
		grew(p, SCOPE_VM_NIC, r, M_VN_RX_BYTES, 100 * (i + 1));
	}
	r = sample_row(p->now, SCOPE_VM_NIC, 0, 29);
	sample_set(p->now, SCOPE_VM_NIC, r, M_VN_RX_BYTES, 99999999);
	sample_set(p->now, SCOPE_VM_NIC, 2, M_VN_RX_BYTES, 1);
	/* VM 1: its only one is new */
	r = sample_row(p->now, SCOPE_VM_NIC, 1, 30);
	sample_set(p->now, SCOPE_VM_NIC, r, M_VN_RX_BYTES, 5);
	/* VM 2: none; VM 3: stands still, and one that is not counted */
	r = sample_row(p->now, SCOPE_VM_NIC, 3, 31);
	sample_set(p->now, SCOPE_VM_NIC, r, M_VN_RX_BYTES, 7);
	r = sample_row(p->before, SCOPE_VM_NIC, 3, 31);
	sample_set(p->before, SCOPE_VM_NIC, r, M_VN_RX_BYTES, 7);
	r = sample_row(p->now, SCOPE_VM_NIC, 3, 32);
	p->now->table[SCOPE_VM_NIC].counted[r] = 0;
	sample_set(p->now, SCOPE_VM_NIC, r, M_VN_RX_BYTES, 700);
	r = sample_row(p->before, SCOPE_VM_NIC, 3, 32);
	sample_set(p->before, SCOPE_VM_NIC, r, M_VN_RX_BYTES, 0);
	/* an orphan belongs to nobody */
	r = sample_row(p->now, SCOPE_VM_NIC, 77, 33);
	sample_set(p->now, SCOPE_VM_NIC, r, M_VN_RX_BYTES, 5);
	derive(p);
	check(p, "(100 + 200) / 2 s; new and reset take no part", SCOPE_VM, 0, M_VN_RX_BYTES, 150);
	check(p, "only a new one", SCOPE_VM, 1, M_VN_RX_BYTES, NAN);
	check(p, "none", SCOPE_VM, 2, M_VN_RX_BYTES, NAN);
	check(p, "the other is not counted", SCOPE_VM, 3, M_VN_RX_BYTES, 0);
	check(p, "but has its own rate", SCOPE_VM_NIC, 6, M_VN_RX_BYTES, 350);
}

static void host_sums(void **state)
{
	struct pair *p = *state;
	uint32_t r;

	both(p, SCOPE_HOST, NO_ROW, 1);
	for (uint64_t i = 0; i < 3; i++) {
		r = both(p, SCOPE_HOST_NIC, 0, 40 + i);
		grew(p, SCOPE_HOST_NIC, r, M_HN_TX_BYTES, 1000);
		sample_set(p->now, SCOPE_HOST_NIC, r, M_HN_SPEED, i == 1 ? ABSENT : 1000);
	}
	p->now->table[SCOPE_HOST_NIC].counted[2] = 0; /* a bridge */
	/* VMs' interfaces are not the host's */
	both(p, SCOPE_VM, 0, 5);
	both(p, SCOPE_VM_NIC, 0, 6);
	grew(p, SCOPE_VM_NIC, 0, M_VN_TX_BYTES, 5000);
	derive(p);
	check(p, "two of three", SCOPE_HOST, 0, M_HN_TX_BYTES, 1000);
	check(p, "gauges too; absent is left out", SCOPE_HOST, 0, M_HN_SPEED, 1000);
	check(p, "the VM's own", SCOPE_VM, 0, M_VN_TX_BYTES, 2500);
}

/* A sum is of this sample's children, also when the host has no row for them. */
static void children_without_parents(void **state)
{
	struct pair *p = *state;

	both(p, SCOPE_VM_NIC, NO_ROW, 20);
	both(p, SCOPE_VCPU, 3, 21);
	grew(p, SCOPE_VM_NIC, 0, M_VN_RX_BYTES, 100);
	grew(p, SCOPE_VCPU, 0, M_RUN, 100);
	derive(p);
	check(p, "own rate", SCOPE_VM_NIC, 0, M_VN_RX_BYTES, 50);
	check(p, "no VM", SCOPE_VM, 0, M_VN_RX_BYTES, NAN);
}

/* ---- formulas, each one ---- */

/* A column costs memory only where there is something in it, and says nothing of an earlier
 * sample when there is no longer. */
static void columns_that_are_not_there(void **state)
{
	struct pair *p = *state;
	const struct view_table *vm = &p->view->table[SCOPE_VM];
	unsigned made = 0;

	both(p, SCOPE_VM, NO_ROW, 5);
	both(p, SCOPE_VCPU, 0, 6);
	sample_set(p->now, SCOPE_VM, 0, M_CPU_CORES, 1);
	grew(p, SCOPE_VCPU, 0, M_RUN, 1000000000);
	derive(p);
	for (int m = 0; m < METRICS; m++)
		made += vm->col[m] != NULL;
	assert_int_equal(made, 3); /* cores, run and their quotient */
	check(p, "half a core", SCOPE_VM, 0, M_CPU_TOTAL, 50);
	check(p, "nobody said it", SCOPE_VM, 0, M_CPU_STEAL, NAN);
	sample_release(p->now);
	p->now->boot_ns = 102 * S;
	sample_row(p->now, SCOPE_VM, NO_ROW, 5);
	sample_row(p->now, SCOPE_VCPU, 0, 6);
	derive(p);
	check(p, "no cores any more", SCOPE_VM, 0, M_CPU_CORES, NAN);
	check(p, "no run any more", SCOPE_VM, 0, M_RUN, NAN);
	check(p, "nor of the vCPU", SCOPE_VCPU, 0, M_RUN, NAN);
	check(p, "nor what was made of it", SCOPE_VM, 0, M_CPU_TOTAL, NAN);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(counters_become_rates),
		TEST(counters_that_have_no_rate),
		TEST(time_that_does_not_move),
		TEST(no_earlier_sample),
		TEST(a_gap_is_averaged),
		TEST(rows_are_matched_by_id),
		TEST(another_thing_in_the_same_row),
		TEST(a_view_is_used_again),
		TEST(own_time),
		TEST(sums_of_children),
		TEST(host_sums),
		TEST(children_without_parents),
		TEST(columns_that_are_not_there),
	};

	view_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
