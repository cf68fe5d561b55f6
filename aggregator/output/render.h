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
	/* output.h; the owner's to set */
	void (*annotate)(void *arg, const char *host_id, struct sample *s);
	void *annotate_arg;
	struct printer *printer; /* also: which columns there are, and numbers as text */
	struct sample *before, *now;
	struct view *view;
	struct frame_head head;
	struct printer_origin origin;
	struct changes *changes;     /* changed=1 */
	struct influx_names *influx; /* influx */
	struct whole *whole;         /* openmetrics, json-cluster */
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

/* openmetrics, json-cluster: many hosts are one record.  render_item() only keeps the frame;
 * render_whole() makes the text of all hosts that are not older than they may be.  The next
 * one is due in so many ms; once: at the first frame after the last one. */
bool render_is_whole(const struct render *r);
int64_t render_whole_in_ms(const struct render *r, bool once);
int render_whole(struct render *r);
/* openmetrics: the time (output_now_ms()) at which a host of the latest text falls silent, so
 * that it must be made anew though nothing came; INT64_MAX: never. */
int64_t render_whole_stale_ms(const struct render *r);

/* ---- formats ---- */

/* r->view of r->now; without rates when before is NULL or cannot be read. */
void render_derive(struct render *r, const struct frame *before);
/* The frame, whole, into r->now and r->head, with r->origin; 0 or -EBADMSG, -EPROTO. */
int render_decode(struct render *r, const struct frame *f);

/* What r->out has since the last cut is a record. */
void render_cut(struct render *r);

/* They print r->view, r->now and r->head into r->out. */
int format_json_vm(struct render *r);

struct influx_names *influx_names_new(const struct render *r);
void influx_names_free(struct influx_names *n); /* NULL is fine */
int format_influx(struct render *r);

struct whole_host {
	struct whole_host *next;
	struct frame *frame, *before; /* before may be NULL */
	uint64_t seen_ns, interval_ns;
	char id[HOST_ID_MAX + 1];
};

struct whole *whole_new(void);
void whole_free(struct whole *w); /* NULL is fine */
int whole_keep(struct render *r, const struct output_item *item);
/* Each host that is not silent, until each() says no; forgets the others. */
int whole_each(struct whole *w, int (*each)(void *arg, const struct whole_host *h), void *arg);
/* When the first one of those that whole_each() found will be silent, in output_now_ms(). */
int64_t whole_stale_ms(const struct whole *w);
int whole_print(struct render *r);
int format_json_cluster(struct render *r);

#endif
