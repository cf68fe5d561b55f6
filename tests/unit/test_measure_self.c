/* SPDX-License-Identifier: Apache-2.0 */
/* What each collector takes and what it could not read: rows of a real sample of a host that
 * is made of files. */
#include "fakedir.h"
#include "log.h"
#include "measure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define CYCLES 3u

struct host {
	struct fakedir proc, sys, root;
	struct measure *measure;
	struct sample *sample;
	uint64_t now_ns;
};

static void a_second_later(void *arg, uint64_t *ret_boot_ns, uint64_t *ret_wall_ns)
{
	struct host *h = arg;

	*ret_boot_ns = *ret_wall_ns = h->now_ns;
}

static void begin(struct host *h)
{
	*h = (struct host){.sample = sample_new()};
	fake_new(&h->proc);
	fake_new(&h->sys);
	fake_new(&h->root);
	fake_write(&h->proc, "stat", "cpu  1 0 1 10 0 0 0 0 0 0\ncpu0 1 0 1 10 0 0 0 0 0 0\n");
	fake_write(&h->proc, "meminfo", "MemTotal: 1000 kB\n");
	fake_write(&h->proc, "diskstats", " 8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n");
	fake_write(&h->proc, "1/net/dev", "a\nb\n  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
	fake_write(&h->proc, "pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n");
}

static void take(struct host *h, unsigned families)
{
	struct measure_options o = {.procfs = h->proc.path,
				    .sysfs = h->sys.path,
				    .rootfs = h->root.path,
				    .connector = CONNECT_PROXMOX,
				    .families = families,
				    .host_name = "x",
				    .host_id = "x",
				    .clock = a_second_later,
				    .clock_arg = h,
				    .synchronous = true};

	assert_int_equal(measure_open(&h->measure, &o), 0);
	for (unsigned i = 0; i < CYCLES; i++) {
		h->now_ns += UINT64_C(1000000000);
		measure_sample(h->measure, h->sample);
	}
}

static void finish(struct host *h)
{
	measure_close(h->measure);
	sample_free(h->sample);
	fake_free(&h->proc);
	fake_free(&h->sys);
	fake_free(&h->root);
}

/* NO_ROW: there is no such part. */
static uint32_t row_of(const struct host *h, const char *part)
{
	for (uint32_t r = 0; r < h->sample->table[SCOPE_SELF].rows; r++)
		if (!strcmp(sample_text(h->sample, SCOPE_SELF, r, M_SELF_PART), part))
			return r;
	return NO_ROW;
}

static uint64_t get(const struct host *h, const char *part, enum metric_id m)
{
	uint32_t row = row_of(h, part);

	if (row == NO_ROW)
		fail_msg("no part %s", part);
	return sample_get(h->sample, SCOPE_SELF, row, m);
}

static void each_has_a_row(void **state)
{
	uint64_t sum = 0, parts;
	struct host h;

	(void)state;
	begin(&h);
	take(&h, 0);
	for (int f = F_CPU; f <= F_PRESSURE; f++) {
		assert_int_equal(get(&h, family_names[f], M_SELF_RUNS), CYCLES);
		assert_int_equal(get(&h, family_names[f], M_SELF_FAILURES), 0);
		assert_true(get(&h, family_names[f], M_SELF_CPU) == ABSENT);
		sum += get(&h, family_names[f], M_SELF_TIME);
	}
	/* They are within the two parts. */
	parts = get(&h, "host", M_SELF_TIME) + get(&h, "vms", M_SELF_TIME);
	assert_true(sum > 0 && sum <= parts);
	finish(&h);
}

static void only_those_that_are_on(void **state)
{
	struct host h;

	(void)state;
	begin(&h);
	take(&h, 1u << F_MEM);
	for (int f = F_CPU; f < FAMILIES; f++)
		if ((row_of(&h, family_names[f]) != NO_ROW) != (f == F_MEM || f == F_HOST))
			fail_msg("%s", family_names[f]); /* "host" is the part of that name */
	assert_int_equal(get(&h, "host", M_SELF_RUNS), CYCLES);
	finish(&h);
}

/* Each counts what it could not read itself. */
static void failures_are_their_own(void **state)
{
	static const struct {
		const char *file, *part;
	} missing[] = {
		{"stat", "cpu"}, {"meminfo", "mem"}, {"diskstats", "disk"}, {"1/net/dev", "net"}};

	(void)state;
	log_set_level(LOG_ERROR);
	for (size_t i = 0; i < sizeof(missing) / sizeof(*missing); i++) {
		struct host h;

		begin(&h);
		fake_remove(&h.proc, "%s", missing[i].file);
		take(&h, 0);
		for (int f = F_CPU; f <= F_PRESSURE; f++) {
			uint64_t n = get(&h, family_names[f], M_SELF_FAILURES);

			if (n != (strcmp(family_names[f], missing[i].part) ? 0 : CYCLES))
				fail_msg("without %s: %s has %llu failures", missing[i].file,
					 family_names[f], (unsigned long long)n);
		}
		assert_int_equal(get(&h, "host", M_SELF_FAILURES), CYCLES);
		finish(&h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_a_row),
		cmocka_unit_test(only_those_that_are_on),
		cmocka_unit_test(failures_are_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
