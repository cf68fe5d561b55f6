/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SOURCE_OPS_H
#define PROXTOP_SOURCE_OPS_H

/*
 * What a kind of source (local, feed, replay) fills in; console_source.c only passes the
 * calls on.
 *
 * A kind's own struct begins with a struct console_source: its open function allocates the
 * whole and sets base.ops; its close() frees all of it.  What each function does is said at
 * its namesake in console_source.h; every one is there.
 */
#include "console_source.h"

struct source_ops {
	void (*close)(struct console_source *s);
	int (*fd)(const struct console_source *s);
	struct moment *(*take)(struct console_source *s);
	void (*go)(struct console_source *s, enum source_where where, uint64_t wall_ns);
	void (*follow)(struct console_source *s, const char *host_id, uint32_t n);
	void (*set_interval)(struct console_source *s, uint64_t interval_ns);
	void (*on_frame)(struct console_source *s, void (*each)(void *arg, struct frame *f),
			 void *arg);
	void (*status)(struct console_source *s, struct source_status *ret);
};

struct console_source {
	const struct source_ops *ops;
};

#endif
