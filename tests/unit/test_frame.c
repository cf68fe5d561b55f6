/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: what goes in comes out, in every scope, and nothing is seen behind it. */
#include "frame.h"
#include "printer.h"
#include "wire_compare.h"
#include "wire_sample.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
	struct sample *made, *back, *again;
	struct buf bytes;
	struct frame_head head, head_back;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->made = sample_new();
	f->back = sample_new();
	f->again = sample_new();
	buf_init(&f->bytes, FRAME_MAX);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sample_free(f->made);
	sample_free(f->back);
	sample_free(f->again);
	buf_fini(&f->bytes);
	free(f);
	return 0;
}

static void trip(struct fixture *f, const char *what)
{
	int r;

	buf_clear(&f->bytes);
	wire_head(&f->head, f->made);
	r = frame_encode(&f->bytes, &f->head, f->made);
	if (r)
		fail_msg("%s: encode: %d", what, r);
	r = frame_decode(f->back, &f->head_back, f->bytes.data, f->bytes.used);
	if (r)
		fail_msg("%s: decode: %d", what, r);
	if (wire_compare(what, f->made, f->back))
		fail_msg("%s: not the same", what);
}

/* A host whose tables have n rows each, the second scope's children everywhere. */
static void rows(struct fixture *f, uint32_t n)
{
	sample_clear(f->made);
	f->made->boot_ns = WIRE_BOOT;
	f->made->wall_ns = 5;
	f->made->epoch = 9;
	f->made->sequence = 1;
	for (int s = 0; s < SCOPES; s++)
		for (uint32_t r = 0; r < n; r++)
			sample_row(f->made, s, s == SCOPE_HOST ? NO_ROW : r / 2, wire_mix(s, r));
}

static void empty_sample(void **state)
{
	struct fixture *f = *state;

	rows(f, 0);
	trip(f, "no rows");
	rows(f, 1);
	trip(f, "rows without values");
}

static void every_metric_alone(void **state)
{
	struct fixture *f = *state;

	for (int s = 0; s < SCOPES; s++)
		for (int m = 0; m < METRICS; m++) {
			if (!wire_travels(m, s))
				continue;
			rows(f, 3);
			if (metrics[m].kind == INFO) {
				sample_set_text(f->made, s, 0, m, "one");
				sample_set_text(f->made, s, 2, m, "");
			} else {
				sample_set(f->made, s, 0, m, 0);
				sample_set(f->made, s, 2, m, UINT64_C(1) << 40);
			}
			trip(f, metrics[m].name);
		}
}

/* Each column one of many shapes: values around each width, absent ones in between. */
static uint64_t edge(unsigned shape, uint32_t row)
{
	unsigned width = 1 + shape % 8, bits = 8 * width;
	uint64_t ones = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;

	switch (shape / 8 % 6) {
	case 0: /* up to the largest that fits beside absent */
		return row == 1 ? ones - 1 : row;
	case 1: /* the one that takes another byte */
		return row == 1 ? (bits == 64 ? ones - 1 : ones) : row;
	case 2:
		return row % 3 == 0 ? ABSENT : ones - 1 - row;
	case 3: /* all the same */
		return ones - 1;
	case 4: /* all but one absent: an array is smaller */
		return row == 4 ? ones - 1 : ABSENT;
	default: /* small but for one */
		return row == 5 ? ones - 1 : 7;
	}
}

static void every_width(void **state)
{
	struct fixture *f = *state;
	char what[64];

	for (uint32_t n = 1; n < 40; n += 6)
		for (unsigned shape = 0; shape < 48; shape++) {
			rows(f, n);
			for (int s = 0; s < SCOPES; s++)
				for (int m = 0; m < METRICS; m++)
					for (uint32_t r = 0;
					     r < n && metrics[m].kind != INFO && wire_travels(m, s);
					     r++)
						sample_set(f->made, s, r, m,
							   edge(shape + (unsigned)m, r));
			snprintf(what, sizeof(what), "%u rows, shape %u", n, shape);
			trip(f, what);
		}
}

static void own_time(void **state)
{
	struct fixture *f = *state;
	struct table *t = &f->made->table[SCOPE_VM_DISK];

	rows(f, 6);
	for (uint32_t r = 0; r < 5; r++) {
		t->read_ns[r] = WIRE_BOOT - r * UINT64_C(3000000000);
		t->prev_ns[r] = WIRE_BOOT - 5000000000 - r * UINT64_C(4000000001);
	}
	/* Read behind the cycle's instant: the difference is negative. */
	t->read_ns[2] = WIRE_BOOT + 17;
	t->prev_ns[3] = ABSENT;
	sample_set_pair(f->made, SCOPE_VM_DISK, 0, M_VD_RD_OPS, 100, 90);
	sample_set_pair(f->made, SCOPE_VM_DISK, 1, M_VD_RD_OPS, 100, 100);
	sample_set_pair(f->made, SCOPE_VM_DISK, 2, M_VD_RD_OPS, 100, 200); /* went back */
	sample_set_pair(f->made, SCOPE_VM_DISK, 3, M_VD_RD_OPS, 100, ABSENT);
	sample_set_pair(f->made, SCOPE_VM_DISK, 4, M_VD_RD_OPS, UINT64_MAX - 1, 0);
	sample_set_pair(f->made, SCOPE_VM_DISK, 0, M_VD_WR_NS, 77777777777, 77777777777 - 12345);
	trip(f, "own time");
}

static void parents_and_counted(void **state)
{
	struct fixture *f = *state;

	rows(f, 300);
	for (uint32_t r = 0; r < 300; r++) {
		f->made->table[SCOPE_VM_NIC].parent[r] = r % 7 ? 299 - r : NO_ROW;
		f->made->table[SCOPE_HOST_DISK].counted[r] = r % 3 == 0;
		f->made->table[SCOPE_HOST_NIC].counted[r] = 0;
	}
	trip(f, "parents");
}

static void texts(void **state)
{
	struct fixture *f = *state;
	char longest[SAMPLE_NAME_MAX + 1], control[256];

	memset(longest, 'x', SAMPLE_NAME_MAX);
	longest[SAMPLE_NAME_MAX] = '\0';
	for (int i = 1; i < 256; i++)
		control[i - 1] = (char)i;
	control[255] = '\0';
	rows(f, 200);
	for (uint32_t r = 0; r < 200; r++) {
		sample_set_text(f->made, SCOPE_VM, r, M_NAME, longest + 255 - r);
		sample_set_text(f->made, SCOPE_VM, r, M_TAGS, r % 2 ? control : NULL);
		sample_set_text(f->made, SCOPE_VM, r, M_UUID, r % 5 ? longest : "");
		sample_set_text(f->made, SCOPE_VM, r, M_HYPERVISOR, "all the same");
	}
	trip(f, "texts");
	assert_int_equal(strlen(sample_text(f->back, SCOPE_VM, 199, M_NAME)), 199);
	assert_string_equal(sample_text(f->back, SCOPE_VM, 1, M_TAGS), control);
	assert_null(sample_text(f->back, SCOPE_VM, 0, M_TAGS));
	assert_string_equal(sample_text(f->back, SCOPE_VM, 0, M_UUID), "");
}

static void real_looking(void **state)
{
	struct fixture *f = *state;
	struct wire_host h = {.vms = 100, .vcpus = 2, .disks = 2, .nics = 1, .seed = 3};

	/* The same memory again and again, with more and with fewer VMs. */
	for (h.second = 0; h.second < 40; h.second++) {
		h.vms = h.second % 3 ? 100 - (unsigned)h.second : 3;
		wire_fill(f->made, &h);
		trip(f, "real looking");
		assert_string_equal(f->head_back.host_id, f->head.host_id);
		assert_string_equal(f->head_back.host_name, f->head.host_name);
		assert_string_equal(f->head_back.version, f->head.version);
		assert_true(f->head_back.interval_ns == f->head.interval_ns);
	}
}

static void sums_do_not_travel(void **state)
{
	struct fixture *f = *state;

	rows(f, 2);
	sample_set(f->made, SCOPE_VM, 0, M_RUN, 5); /* the vCPUs' sum */
	sample_set(f->made, SCOPE_VM, 0, M_PID, 5);
	trip(f, "sums");
	assert_true(sample_get(f->back, SCOPE_VM, 0, M_RUN) == ABSENT);
	assert_true(sample_get(f->back, SCOPE_VM, 0, M_PID) == 5);
}

/* ---- what people see of it ---- */

static int keep(void *arg, const char *data, size_t n)
{
	buf_put(arg, data, n);
	return 0;
}

static void print(const char *format, const struct sample *before, const struct sample *now,
		  struct buf *to)
{
	const struct printer_options o = {.verbose = true, .families = ~0u, .record_max = SIZE_MAX};
	struct printer *p = printer_new(format, &o);
	struct view *v = view_new();
	unsigned dropped = 0;

	view_derive(v, before, now);
	assert_int_equal(printer_print(p, v, keep, to, &dropped), 0);
	assert_int_equal(dropped, 0);
	view_free(v);
	printer_free(p);
}

static void printed_the_same(void **state)
{
	struct fixture *f = *state;
	struct wire_host h = {.vms = 20, .vcpus = 4, .disks = 3, .nics = 2, .seed = 8};
	struct sample *before = sample_new();
	struct buf want, have;

	buf_init(&want, SIZE_MAX / 2);
	buf_init(&have, SIZE_MAX / 2);
	wire_fill(before, &h);
	wire_head(&f->head, before);
	buf_clear(&f->bytes);
	assert_int_equal(frame_encode(&f->bytes, &f->head, before), 0);
	assert_int_equal(frame_decode(f->again, &f->head_back, f->bytes.data, f->bytes.used), 0);
	h.second = 3;
	wire_fill(f->made, &h);
	trip(f, "three seconds later");
	for (int i = 0; printer_names[i]; i++) {
		buf_clear(&want);
		buf_clear(&have);
		print(printer_names[i], before, f->made, &want);
		print(printer_names[i], f->again, f->back, &have);
		if (want.used < 10000)
			fail_msg("%s: only %zu bytes", printer_names[i], want.used);
		if (want.used != have.used || memcmp(want.data, have.data, want.used))
			fail_msg("%s: printed otherwise after the trip", printer_names[i]);
	}
	buf_fini(&want);
	buf_fini(&have);
	sample_free(before);
}

/* ---- sizes ---- */

static void bytes_a_value(void **state)
{
	struct fixture *f = *state;
	struct wire_host h = {.vms = 100, .vcpus = 2, .disks = 2, .nics = 1, .second = 60};
	struct sample *later = sample_new();
	size_t values, changed = 0;

	for (h.seed = 1; h.seed < 6; h.seed++) {
		wire_fill(f->made, &h);
		trip(f, "a hundred VMs");
		values = wire_values(f->made);
		if (f->bytes.used > 8 * values)
			fail_msg("%zu bytes for %zu values: more than 8 each", f->bytes.used,
				 values);
	}
	/* It says nothing if the counters stand still. */
	h.seed = 5;
	h.second = 65;
	wire_fill(later, &h);
	for (int s = 0; s < SCOPES; s++)
		for (int m = 0; m < METRICS; m++)
			for (uint32_t r = 0; r < later->table[s].rows; r++)
				changed +=
					metrics[m].kind != INFO &&
					sample_get(later, s, r, m) != sample_get(f->made, s, r, m);
	assert_true(changed > values / 2);
	sample_free(later);
}

static void too_large(void **state)
{
	struct fixture *f = *state;
	struct wire_host h = {.vms = 10, .vcpus = 1, .disks = 1, .nics = 1};
	struct buf small;

	wire_fill(f->made, &h);
	wire_head(&f->head, f->made);
	buf_init(&small, 5000);
	buf_lit(&small, "before");
	assert_int_equal(frame_encode(&small, &f->head, f->made), -EMSGSIZE);
	assert_int_equal(small.used, 6);
	assert_int_equal(small.error, 0);
	assert_memory_equal(small.data, "before", 6);
	buf_room(&small, 6000);
	assert_int_equal(frame_encode(&small, &f->head, f->made), small.error);
	assert_int_not_equal(small.error, 0);
	buf_fini(&small);
	/* Few bytes, but more values than a sample may have */
	sample_clear(f->made);
	f->made->sequence = 1;
	for (uint32_t r = 0; r < SAMPLE_ROWS_MAX; r++)
		sample_row(f->made, SCOPE_VM_NIC, 0, r);
	for (int m = 0; m < METRICS; m++)
		if (wire_travels(m, SCOPE_VM_NIC) && metrics[m].kind != INFO)
			sample_set(f->made, SCOPE_VM_NIC, 5, m, 1);
	buf_clear(&f->bytes);
	assert_int_equal(frame_encode(&f->bytes, &f->head, f->made), 0);
	for (uint32_t r = 0; r < SAMPLE_ROWS_MAX; r++)
		sample_row(f->made, SCOPE_VM_DISK, 0, r);
	for (int m = 0; m < METRICS; m++)
		if (wire_travels(m, SCOPE_VM_DISK) && metrics[m].kind != INFO)
			sample_set_pair(f->made, SCOPE_VM_DISK, 5, m, 1, 1);
	buf_clear(&f->bytes);
	assert_int_equal(frame_encode(&f->bytes, &f->head, f->made), -EMSGSIZE);
	assert_int_equal(f->bytes.used, 0);
}

/* ---- shared frames ---- */

static void frames_are_counted(void **state)
{
	struct fixture *f = *state;
	struct frame *frame;

	rows(f, 1);
	trip(f, "frame");
	frame = frame_new(&f->head, f->bytes.data, f->bytes.used);
	assert_int_equal(frame->refs, 1);
	assert_int_equal(frame->size, f->bytes.used);
	assert_memory_equal(frame->bytes, f->bytes.data, f->bytes.used);
	assert_true(frame->sequence == f->head.sequence && frame->epoch == f->head.epoch &&
		    frame->boot_ns == f->head.boot_ns && frame->wall_ns == f->head.wall_ns);
	assert_ptr_equal(frame_ref(frame), frame);
	frame_unref(frame);
	assert_int_equal(frame->refs, 1);
	frame_unref(frame);
	frame_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(empty_sample, setup, teardown),
		cmocka_unit_test_setup_teardown(every_metric_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(every_width, setup, teardown),
		cmocka_unit_test_setup_teardown(own_time, setup, teardown),
		cmocka_unit_test_setup_teardown(parents_and_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(texts, setup, teardown),
		cmocka_unit_test_setup_teardown(real_looking, setup, teardown),
		cmocka_unit_test_setup_teardown(sums_do_not_travel, setup, teardown),
		cmocka_unit_test_setup_teardown(printed_the_same, setup, teardown),
		cmocka_unit_test_setup_teardown(bytes_a_value, setup, teardown),
		cmocka_unit_test_setup_teardown(too_large, setup, teardown),
		cmocka_unit_test_setup_teardown(frames_are_counted, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
