/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text: tab-separated, the headers once (host, then VMs), then per cycle one line for
 * the host and one per VM.  Absent is an empty cell.  Counts of cells never vary.
 */
#include "print.h"

static void header(struct printer *p, enum scope s)
{
	for (unsigned i = 0; i < p->columns[s]; i++) {
		if (i)
			buf_byte(&p->out, '\t');
		buf_text(&p->out, metrics[p->column[s][i]].key);
	}
	buf_byte(&p->out, '\n');
}

static void line(struct printer *p, const struct view *v, enum scope s, uint32_t row)
{
	for (unsigned i = 0; i < p->columns[s]; i++) {
		enum metric_id m = p->column[s][i];

		if (i)
			buf_byte(&p->out, '\t');
		if (metrics[m].kind == INFO) {
			const char *text = sample_text(v->now, s, row, m);

			if (text)
				buf_tsv_string(&p->out, text);
		} else {
			print_number(p, &p->out, v, s, row, m);
		}
	}
	buf_byte(&p->out, '\n');
}

static int print(struct printer *p, const struct view *v, put_fn *put, void *arg, unsigned *dropped)
{
	const struct sample *s = v->now;
	int r;

	(void)dropped;
	buf_clear(&p->out);
	if (!p->header_done) {
		if (p->columns[SCOPE_HOST])
			header(p, SCOPE_HOST);
		header(p, SCOPE_VM);
	}
	if (p->columns[SCOPE_HOST])
		for (uint32_t row = 0; row < s->table[SCOPE_HOST].rows; row++)
			line(p, v, SCOPE_HOST, row);
	for (uint32_t row = 0; row < s->table[SCOPE_VM].rows; row++)
		if (print_wants_vm(p, s, row))
			line(p, v, SCOPE_VM, row);
	if (p->out.error)
		return p->out.error;
	r = put(arg, p->out.data, p->out.used);
	if (r >= 0)
		p->header_done = true;
	return r;
}

const struct print_ops out_text = {.name = "text", .wants_rates = true, .print = print};
