/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a frame, into a sample that has seen other frames before.  What is taken is
 * a sample like any other: it can be derived, printed, and sent on, and is then the same.
 */
#include "frame.h"
#include "printer.h"
#include "wire_compare.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct state {
	struct sample *s, *again;
	struct view *view;
	struct printer *printer;
	struct buf bytes;
};

static struct state *state_new(void)
{
	const struct printer_options o = {.verbose = true, .families = ~0u, .record_max = SIZE_MAX};
	struct state *st = calloc(1, sizeof(*st));

	if (!st)
		abort();
	st->s = sample_new();
	st->again = sample_new();
	st->view = view_new();
	st->printer = printer_new("json", &o);
	buf_init(&st->bytes, FRAME_MAX);
	return st;
}

static int ignore(void *arg, const char *data, size_t n)
{
	*(size_t *)arg += n + (data[0] != 0);
	return 0;
}

static void check_parents(const struct sample *s)
{
	for (int i = 0; i < SCOPES; i++)
		for (uint32_t r = 0; r < s->table[i].rows; r++) {
			uint32_t parent = s->table[i].parent[r];

			if (parent != NO_ROW &&
			    (i == SCOPE_HOST || parent >= s->table[scope_parent(i)].rows))
				abort();
		}
}

static void send_on(struct state *st, const struct frame_head *head)
{
	struct frame_head back;

	buf_clear(&st->bytes);
	if (frame_encode(&st->bytes, head, st->s))
		return; /* small here, but more than a frame may have */
	if (frame_decode(st->again, &back, st->bytes.data, st->bytes.used) ||
	    wire_compare("sent on", st->s, st->again))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct state *st;
	struct frame_head head, only;
	unsigned dropped = 0;
	size_t printed = 0;

	if (!st)
		st = state_new();
	if (frame_decode(st->s, &head, bytes, n)) {
		if (!wire_is_clear(st->s))
			abort();
		return 0;
	}
	if (frame_head_decode(&only, bytes, n) || only.sequence != head.sequence)
		abort();
	check_parents(st->s);
	send_on(st, &head);
	view_derive(st->view, st->again, st->s);
	printer_print(st->printer, st->view, ignore, &printed, &dropped);
	return 0;
}
