/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json-vm: one flat object per VM and one for the host, each a line of its own (NDJSON):
 *
 *   {"@timestamp":"2026-11-24T17:18:43.123Z","scope":"vm","interval":1,"host_name":"kvm1",
 *    "host_id":"...","epoch":1,"seq":2,"UUID":"...","name":"web","cpu_total":12.5,...}
 *
 * Keys are those of json.  With nest=KEY everything but @timestamp lies below KEY.
 */
#include "render.h"

#include <math.h>

static void event(struct render *r, enum scope s, uint32_t row)
{
	struct buf *b = &r->out;

	if (r->changes && !changes_any(r->changes, s, row))
		return;
	buf_lit(b, "{\"@timestamp\":\"");
	print_time(b, r->now->wall_ns);
	buf_lit(b, "\",");
	if (r->u->nest) {
		buf_json_string(b, r->u->nest);
		buf_lit(b, ":{");
	}
	buf_lit(b, "\"scope\":\"");
	buf_text(b, scope_names[s]);
	buf_byte(b, '"');
	buf_put(b, r->scratch.data, r->scratch.used);
	print_members(r->printer, b, r->view, s, row);
	if (r->u->nest)
		buf_byte(b, '}');
	buf_lit(b, "}\n");
	render_cut(r);
}

int format_json_vm(struct render *r)
{
	struct buf *b = &r->scratch; /* what all events share */

	print_begin(r->printer, r->view);
	buf_clear(b);
	if (isfinite(r->view->interval)) {
		buf_lit(b, ",\"interval\":");
		buf_double(b, r->view->interval, 3);
	}
	print_origin(b, &r->origin);
	for (uint32_t row = 0; row < r->now->table[SCOPE_HOST].rows; row++)
		event(r, SCOPE_HOST, row);
	for (uint32_t row = 0; row < r->now->table[SCOPE_VM].rows; row++)
		event(r, SCOPE_VM, row);
	return r->out.error;
}
