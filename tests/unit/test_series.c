/* SPDX-License-Identifier: Apache-2.0 */
/* Values over time: against each frame decoded and derived on its own, while the window moves
 * both ways and the thing comes and goes. */
#include "series.h"
#include "wire_sample.h"
#include "world_kit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FRAMES 300u

struct lab {
	struct frame *frame[FRAMES];
	struct series *s;
	uint64_t vm, disk, host;
};

static void fill(struct sample *s, unsigned second)
{
	struct wire_host h = {
		.vms = 3, .vcpus = 1, .disks = 2, .nics = 1, .seed = 6, .second = second};

	wire_fill(s, &h);
	/* The VM changes its place, and is not there for a while. */
	for (uint32_t r = 0; r < 3; r++) {
		static const char *const uuids[] = {"a", "b", "c"};

		sample_set_text(s, SCOPE_VM, r, M_UUID,
				second / 50 == 3 ? "other" : uuids[(r + second / 40) % 3]);
	}
	for (uint32_t r = 0; r < s->table[SCOPE_VM_DISK].rows; r++)
		sample_set_text(s, SCOPE_VM_DISK, r, M_DISK_NAME, r % 2 ? "scsi1" : "scsi0");
}

static struct moment *window(struct lab *l, unsigned first, unsigned n)
{
	struct moment *m = moment_new();

	moment_series(m, "id-hv", l->frame + first, n);
	return m;
}

static struct thing find_vm(const struct world *w, const char *uuid)
{
	struct thing_list list = {0};
	struct thing found = NO_THING;

	world_list(w, SCOPE_VM, &list);
	for (uint32_t i = 0; i < list.n; i++)
		if (!strcmp(world_text(w, list.item[i], M_UUID), uuid))
			found = list.item[i];
	free(list.item);
	return found;
}

static int setup(void **state)
{
	struct lab *l = calloc(1, sizeof(*l));
	struct sample *s = sample_new();
	struct world *w = world_new();
	struct moment *m = moment_new();
	struct thing_list list = {0};

	for (unsigned i = 0; i < FRAMES; i++) {
		fill(s, i);
		l->frame[i] = kit_frame(s, "hv", i + 1);
	}
	l->frame[123]->size /= 2; /* damaged */
	moment_add(m, NULL, l->frame[0], NULL, 0);
	kit_set(w, m);
	l->vm = world_id(w, find_vm(w, "b"));
	l->host = world_id(w, (struct thing){0, 0, SCOPE_HOST});
	world_below(w, find_vm(w, "b"), SCOPE_VM_DISK, &list);
	l->disk = world_id(w, list.item[1]);
	l->s = series_new();
	free(list.item);
	world_free(w);
	sample_free(s);
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	struct lab *l = *state;

	for (unsigned i = 0; i < FRAMES; i++)
		frame_unref(l->frame[i]);
	series_free(l->s);
	free(l);
	return 0;
}

static const enum metric_id wanted[] = {M_CPU_STEAL,   M_RAM_TOTAL,          M_VD_LAT_AVG,
					M_VN_RX_BYTES, M_PSI_SOME_CPU_TOTAL, M_HOST_CPU_IDLE};
#define N_WANTED (sizeof(wanted) / sizeof(*wanted))

/* The value as a world has it that knows these two frames only. */
static double value_of(struct lab *l, unsigned frame, bool based, enum scope scope, uint64_t id,
		       enum metric_id m)
{
	struct world *w = world_new();
	struct moment *moment = moment_new();
	double value;

	moment_add(moment, NULL, l->frame[frame], based ? l->frame[frame - 1] : NULL, 0);
	kit_set(w, moment);
	value = world_value(w, world_find(w, scope, id), m);
	world_free(w);
	return value;
}

/* based: does the first frame's rate have a base from an earlier window? */
static void check(struct lab *l, unsigned first, unsigned n, enum scope scope, uint64_t id,
		  bool based)
{
	unsigned shown = n < SERIES_MAX ? n : SERIES_MAX, from = first + n - shown;

	for (unsigned i = 0; i < N_WANTED; i++) {
		double got[SERIES_MAX];

		if (series_get(l->s, wanted[i], got) != shown)
			fail_msg("window %u+%u: %u values of %s, not %u", first, n,
				 series_get(l->s, wanted[i], got), kit_metric(wanted[i]), shown);
		for (unsigned k = 0; k < shown; k += 1 + shown / 40) {
			bool has_base = k || from > first || based;
			double want =
				value_of(l, from + k, has_base && from + k, scope, id, wanted[i]);

			if (!kit_same(got[k], want))
				fail_msg("window %u+%u: %s of frame %u is %g, not %g", first, n,
					 kit_metric(wanted[i]), from + k, got[k], want);
		}
	}
}

static void look(struct lab *l, unsigned first, unsigned n, enum scope scope, uint64_t id,
		 bool based)
{
	struct moment *m = window(l, first, n);

	series_set(l->s, m, scope, id, wanted, N_WANTED);
	moment_unref(m);
	check(l, first, n, scope, id, based);
}

static void moving_window(void **state)
{
	struct lab *l = *state;

	look(l, 100, 20, SCOPE_VM, l->vm, false);
	look(l, 101, 20, SCOPE_VM, l->vm, true);
	look(l, 105, 30, SCOPE_VM, l->vm, true);
	look(l, 105, 29, SCOPE_VM, l->vm, true); /* a step back */
	look(l, 95, 40, SCOPE_VM, l->vm, false); /* more of the past: now 105 has a base anyway */
	look(l, 0, 10, SCOPE_VM, l->vm, false);
	look(l, 200, 50, SCOPE_VM, l->vm, false); /* a jump */
	look(l, 0, 300, SCOPE_VM, l->vm, false);  /* more than is kept */
	look(l, 50, 0, SCOPE_VM, l->vm, false);
	look(l, 50, 1, SCOPE_VM, l->vm, false);
}

static void other_things(void **state)
{
	struct lab *l = *state;

	look(l, 30, 20, SCOPE_VM_DISK, l->disk, false);
	look(l, 31, 20, SCOPE_VM_DISK, l->disk, true);
	look(l, 31, 20, SCOPE_HOST, l->host, false);
	look(l, 32, 20, SCOPE_HOST, l->host, true);
	look(l, 32, 20, SCOPE_VM, 4711, false);
}

/* The first frame of a window gets its rate when the one before it comes to be known. */
static void base_that_comes_later(void **state)
{
	struct lab *l = *state;
	double got[SERIES_MAX];

	look(l, 10, 5, SCOPE_VM, l->vm, false);
	series_get(l->s, M_CPU_STEAL, got);
	assert_true(isnan(got[0]) && !isnan(got[1]));
	look(l, 9, 6, SCOPE_VM, l->vm, false);
	series_get(l->s, M_CPU_STEAL, got);
	assert_true(isnan(got[0]) && !isnan(got[1]));
}

/* A frame that was seen is not read again: it is broken here after it was. */
static void not_decoded_twice(void **state)
{
	struct lab *l = *state;
	double before[SERIES_MAX], after[SERIES_MAX];
	unsigned n;

	look(l, 10, 20, SCOPE_VM, l->vm, false);
	n = series_get(l->s, M_RAM_TOTAL, before);
	for (unsigned i = 10; i < 30; i++)
		l->frame[i]->bytes[0] = 0xc1;
	{
		struct moment *m = window(l, 11, 20);

		series_set(l->s, m, SCOPE_VM, l->vm, wanted, N_WANTED);
		moment_unref(m);
	}
	assert_int_equal(series_get(l->s, M_RAM_TOTAL, after), n);
	for (unsigned i = 1; i < n; i++)
		assert_true(kit_same(before[i], after[i - 1]) && !isnan(before[i]));
	assert_false(isnan(after[n - 1]));
	/* Nor its base: that was decoded last. */
	series_get(l->s, M_CPU_STEAL, after);
	assert_false(isnan(after[n - 1]));
}

static void nothing(void **state)
{
	struct lab *l = *state;
	double got[SERIES_MAX];
	struct moment *m = moment_new();

	assert_int_equal(series_get(l->s, M_CPU_STEAL, got), 0);
	series_set(l->s, m, SCOPE_VM, l->vm, NULL, 0);
	assert_int_equal(series_get(l->s, M_CPU_STEAL, got), 0);
	series_set(l->s, m, SCOPE_VM, l->vm, wanted, N_WANTED);
	assert_int_equal(series_get(l->s, M_CPU_STEAL, got), 0);
	assert_int_equal(series_get(l->s, M_NAME, got), 0);
	moment_unref(m);
	series_free(NULL);
}

#define LAB(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB(moving_window),     LAB(other_things), LAB(base_that_comes_later),
		LAB(not_decoded_twice), LAB(nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
