/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_RENDER_H
#define PROXTOP_RENDER_H

/*
 * Items in, records in the output's format out.
 *
 * A record is what must stay together: a line, or the lines that share a datagram.  The
 * renderer keeps what it needs between items: two samples to decode into, a view, and,
 * with changed=1, what each row was like when it was last printed.
 *
 * To add a format: a function as in format_*.c, a name and what it goes with in
 * output_url.c, a line in render.c.
 */
#include "changes.h"
#include "output.h"
#include "output_url.h"
#include "print.h"

struct influx_names;
struct whole;

struct render {
	const struct output_url *u;
	size_t record_max;
	struct printer *printer; /* also: which columns there are, and numbers as text */
	struct sample *before, *now;
	struct view *view;
	struct frame_head head;
	struct printer_origin origin;
	struct changes *changes;     /* changed=1 */
	struct influx_names *influx; /* influx */
	struct whole *whole;         /* openmetrics */
	struct buf scratch;

	/* The records of the latest item; cut[i] is where the i-th ends. */
	struct buf out;
	uint32_t *cut;
	unsigned n_cuts, cut_room;
	unsigned dropped; /* records that could not be made small enough */
};

/* u is borrowed.  record_max: bytes of one record, SIZE_MAX for no limit. */
struct render *render_new(const struct output_url *u, size_t record_max);
void render_free(struct render *r); /* NULL is fine */

/* 0 with r->out (which may be empty), or -EBADMSG when the frame is none, -EMSGSIZE when
 * it cannot be printed; then nothing is in r->out. */
int render_item(struct render *r, const struct output_item *item);

/* What went out may not have arrived: with changed=1 the next records are whole again. */
void render_forget(struct render *r);

/* openmetrics: many hosts are one exposition.  render_item() only keeps the frame; this
 * makes the text of all hosts that are not older than they may be. */
bool render_is_whole(const struct render *r);
int render_whole(struct render *r);

/* ---- formats ---- */

/* What r->out has since the last cut is a record. */
void render_cut(struct render *r);

/* They print r->view, r->now and r->head into r->out. */
int format_json_vm(struct render *r);

struct influx_names *influx_names_new(const struct render *r);
void influx_names_free(struct influx_names *n); /* NULL is fine */
int format_influx(struct render *r);

struct whole *whole_new(void);
void whole_free(struct whole *w); /* NULL is fine */
int whole_keep(struct render *r, struct frame *f);
int whole_print(struct render *r);

#endif
