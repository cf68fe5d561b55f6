/* SPDX-License-Identifier: Apache-2.0 */
/* Frames cut off and with bytes turned over: refused, or something harmless. */
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
	struct sample *s;
	struct buf bytes;
	struct frame_head head;
	struct view *view;
	struct printer *printer;
};

static int setup(void **state)
{
	const struct printer_options o = {.verbose = true, .families = ~0u, .record_max = SIZE_MAX};
	const struct wire_host h = {.vms = 3, .vcpus = 2, .disks = 2, .nics = 1, .seed = 4};
	struct fixture *f = calloc(1, sizeof(*f));

	f->s = sample_new();
	f->view = view_new();
	f->printer = printer_new("json", &o);
	buf_init(&f->bytes, FRAME_MAX);
	wire_fill(f->s, &h);
	wire_head(&f->head, f->s);
	if (frame_encode(&f->bytes, &f->head, f->s))
		return -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sample_free(f->s);
	view_free(f->view);
	printer_free(f->printer);
	buf_fini(&f->bytes);
	free(f);
	return 0;
}

/* A copy that ends where its memory ends, so that a look behind it is seen. */
static char *exact(const char *from, size_t n)
{
	char *copy = malloc(n ? n : 1);

	memcpy(copy, from, n);
	return copy;
}

static void every_truncation(void **state)
{
	struct fixture *f = *state;

	for (size_t n = 0; n < f->bytes.used; n++) {
		char *copy = exact(f->bytes.data, n);
		int r = frame_decode(f->s, &f->head, copy, n);

		if (r != -EBADMSG || !wire_is_clear(f->s))
			fail_msg("%zu of %zu bytes: %d", n, f->bytes.used, r);
		r = frame_head_decode(&f->head, copy, n);
		if (r && r != -EBADMSG)
			fail_msg("head of %zu bytes: %d", n, r);
		free(copy);
	}
}

static int ignore(void *arg, const char *data, size_t n)
{
	*(size_t *)arg += n + (data[0] != 0);
	return 0;
}

/* What was taken is a sample like any other: rows within the bytes, parents within rows. */
static void check(struct fixture *f, size_t n)
{
	const struct sample *s = f->s;
	size_t rows = 0, printed = 0;
	unsigned dropped = 0;

	for (int i = 0; i < SCOPES; i++) {
		rows += s->table[i].rows;
		for (uint32_t r = 0; r < s->table[i].rows; r++) {
			uint32_t parent = s->table[i].parent[r];

			assert_true(parent == NO_ROW ||
				    (i != SCOPE_HOST && parent < s->table[scope_parent(i)].rows));
		}
	}
	assert_true(rows * 8 < n);
	assert_true(s->text_used <= n + 1);
	view_derive(f->view, NULL, s);
	printer_print(f->printer, f->view, ignore, &printed, &dropped);
	assert_true(printed > 0);
}

static void decode_damaged(struct fixture *f, char *copy, size_t n, unsigned *taken)
{
	int r = frame_decode(f->s, &f->head, copy, n);

	if (r && r != -EBADMSG && r != -EPROTO)
		fail_msg("%d", r);
	if (r && !wire_is_clear(f->s))
		fail_msg("refused, but not clear");
	if (r)
		return;
	++*taken;
	if (*taken % 8 == 0)
		check(f, n);
}

static void bytes_turned_over(void **state)
{
	struct fixture *f = *state;
	size_t n = f->bytes.used;
	unsigned taken = 0;

	for (uint64_t i = 0; i < 12000; i++) {
		char *copy = exact(f->bytes.data, n);

		for (uint64_t k = 0; k <= i % 4; k++)
			copy[wire_mix(i, k) % n] ^= (char)(1u << wire_mix(i, k + 9) % 8);
		decode_damaged(f, copy, n, &taken);
		free(copy);
	}
	/* Most bytes are numbers: many such frames are good ones. */
	assert_in_range(taken, 1000, 11999);
}

/* Bytes that announce much, at every place. */
static void large_lengths(void **state)
{
	static const char heads[] = "\xdd\xdf\xdb\xc6\xc9\xdc\xde\xda\xc5\xc8";
	struct fixture *f = *state;
	size_t n = f->bytes.used;
	unsigned taken = 0;

	for (size_t at = 0; at + 5 < n; at++) {
		char *copy = exact(f->bytes.data, n);

		copy[at] = heads[at % (sizeof(heads) - 1)];
		memset(copy + at + 1, at % 3 ? 0xff : 0x10, 4);
		decode_damaged(f, copy, n, &taken);
		free(copy);
	}
	assert_true(taken < n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_truncation, setup, teardown),
		cmocka_unit_test_setup_teardown(bytes_turned_over, setup, teardown),
		cmocka_unit_test_setup_teardown(large_lengths, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
