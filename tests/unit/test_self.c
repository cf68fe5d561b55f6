/* SPDX-License-Identifier: Apache-2.0 */
/* The program's own cost: rows of scope self. */
#include "own_memory.h"
#include "self.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static uint32_t row_of(const struct sample *s, const char *part)
{
	for (uint32_t r = 0; r < s->table[SCOPE_SELF].rows; r++)
		if (!strcmp(sample_text(s, SCOPE_SELF, r, M_SELF_PART), part))
			return r;
	fail_msg("no part %s", part);
	return NO_ROW;
}

static uint64_t get(const struct sample *s, const char *part, enum metric_id m)
{
	return sample_get(s, SCOPE_SELF, row_of(s, part), m);
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void spend(unsigned ms)
{
	uint64_t until = cpu_ns() + ms * UINT64_C(1000000);

	while (cpu_ns() < until)
		;
}

static void parts_are_told_apart(void **state)
{
	struct self *self = self_new();
	struct sample *s = sample_new();

	(void)state;
	sample_row(s, SCOPE_HOST, NO_ROW, 1);
	for (int i = 0; i < 3; i++) {
		self_begin(self, SELF_HOST);
		spend(2);
		self_end(self, 0);
		self_begin(self, SELF_VMS);
		nanosleep(&(struct timespec){0, 4000000}, NULL);
		self_end(self, 2);
	}
	self_collect(self, s, 0);
	assert_int_equal(get(s, "host", M_SELF_RUNS), 3);
	assert_true(get(s, "host", M_SELF_CPU) >= 6000000);
	assert_true(get(s, "host", M_SELF_TIME) >= get(s, "host", M_SELF_CPU));
	assert_int_equal(get(s, "host", M_SELF_FAILURES), 0);
	/* Who waits takes time, but no CPU. */
	assert_true(get(s, "vms", M_SELF_TIME) >= 12000000);
	assert_true(get(s, "vms", M_SELF_CPU) < 6000000);
	assert_int_equal(get(s, "vms", M_SELF_FAILURES), 6);
	assert_true(get(s, "total", M_SELF_CPU) >= get(s, "host", M_SELF_CPU));
	assert_true(get(s, "total", M_SELF_TIME) == ABSENT);
	sample_free(s);
	self_free(self);
}

static void collectors_take_turns(void **state)
{
	struct self *self = self_new();
	struct sample *s = sample_new();

	(void)state;
	for (int i = 0; i < 2; i++) {
		sample_clear(s);
		sample_row(s, SCOPE_HOST, NO_ROW, 1);
		self_begin(self, SELF_HOST);
		self_turn(self, F_CPU, 0);
		spend(1);
		self_turn(self, F_MEM, 1); /* the one failure was the CPU's */
		self_turn(self, F_IDENT, 1);
		spend(4);
		self_end(self, 1);
		self_begin(self, SELF_VMS);
		self_turn(self, F_CPU, 0);
		self_turn(self, F_NET, 0);
		self_end(self, 2); /* ended within its turn */
		self_collect(self, s, 0);
	}
	assert_int_equal(get(s, "cpu", M_SELF_RUNS), 2); /* of cycles, not of turns */
	assert_int_equal(get(s, "cpu", M_SELF_FAILURES), 2);
	assert_int_equal(get(s, "mem", M_SELF_FAILURES), 0);
	assert_int_equal(get(s, "net", M_SELF_FAILURES), 4);
	assert_int_equal(get(s, "net", M_SELF_RUNS), 2);
	assert_true(get(s, "cpu", M_SELF_TIME) >= 2000000);
	/* What is nobody's is in the part alone. */
	assert_true(get(s, "host", M_SELF_TIME) >=
		    8000000 + get(s, "cpu", M_SELF_TIME) - get(s, "vms", M_SELF_TIME));
	for (uint32_t r = 0; r < s->table[SCOPE_SELF].rows; r++)
		if (!strcmp(sample_text(s, SCOPE_SELF, r, M_SELF_PART), "disk"))
			fail_msg("one that never ran has a row");
	sample_free(s);
	self_free(self);
}

static void connectors_have_a_row(void **state)
{
	struct sample *s = sample_new();
	struct hub *h = hub_new();
	struct hub_work work;

	(void)state;
	hub_count(h, &(struct hub_work){.questions = 2, .failures = 1, .ns = 30});
	hub_count(h, &(struct hub_work){.questions = 3, .ns = 12});
	hub_get_work(h, &work);
	self_connector(s, NO_ROW, "somewhere", &work);
	assert_int_equal(get(s, "somewhere", M_SELF_RUNS), 5);
	assert_int_equal(get(s, "somewhere", M_SELF_FAILURES), 1);
	assert_int_equal(get(s, "somewhere", M_SELF_TIME), 42);
	hub_free(h);
	sample_free(s);
}

static void memory_grows_when_it_is_used(void **state)
{
	size_t n = 16u << 20;
	uint64_t before = own_memory(), with;
	/* volatile: what nobody reads need not be written, nor asked for. */
	volatile char *p = malloc(n);

	(void)state;
	assert_true(before != ABSENT && before > 0);
	for (size_t i = 0; i < n; i += 1024)
		p[i] = 1;
	with = own_memory();
	/* Sanitizers keep books beside it. */
	if (with < before + n)
		fail_msg("%zu bytes more, but from %llu to %llu", n, (unsigned long long)before,
			 (unsigned long long)with);
	free((void *)(uintptr_t)p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_told_apart),
		cmocka_unit_test(collectors_take_turns),
		cmocka_unit_test(connectors_have_a_row),
		cmocka_unit_test(memory_grows_when_it_is_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
