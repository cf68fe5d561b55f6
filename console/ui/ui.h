/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_UI_H
#define PROXTOP_UI_H

/*
 * The console without a terminal: keys and moments in, a grid out.
 *
 * Pure: no clock, no file, no curses; what it wants of the world outside (another time, to
 * quit, another interval) it says through ui_wants().  The same keys on the same moments give
 * the same screen.
 *
 * Views, columns that are no metrics, and keys are rows of tables: views.def, facts.def,
 * keys.def; the help overlay and the README are made from them.
 */
#include "console_source.h"
#include "grid.h"
#include "key.h"
#include "moment.h"
#include "settings.h"

struct ui;

struct ui_options {
	const struct settings *settings; /* copied */
	bool ascii;                      /* no UTF-8 on this terminal */
	double interval;                 /* seconds, as it begins */
	bool feed;                       /* of others: the bar says whose */
	bool verbose;                    /* verbose fields are shown from the beginning */
	/* --vm: which VMs are shown at all; NULL: all. */
	bool (*wants_vm)(void *arg, const struct sample *s, uint32_t row);
	void *wants_arg;
};

struct ui *ui_new(const struct ui_options *o);
void ui_free(struct ui *u); /* NULL is fine */

/* A new moment, which stays the caller's (a reference is taken).  While frozen it is kept aside
 * (the newest one) until it goes on.  The answer to a jump in time is always shown; what comes
 * before it and is live is not. */
void ui_moment(struct ui *u, struct moment *m);
/* How the source is: the bar shows errors and how far back one can go. now_wall_ns: for the
 * age of what is on screen. */
void ui_status(struct ui *u, const struct source_status *s, uint64_t now_wall_ns);
/* A message, until the next key. */
void ui_say(struct ui *u, const char *text);

/* Pages and clicks go by the screen as it was drawn last: draw before the first key. */
void ui_key(struct ui *u, const struct key *k);
void ui_draw(struct ui *u, struct grid *g);

enum ui_want_bit {
	UI_QUIT = 1,
	UI_GO = 2,       /* source_go(where, wall_ns) */
	UI_FOLLOW = 4,   /* source_follow(follow) */
	UI_INTERVAL = 8, /* source_set_interval(interval) */
	UI_MOUSE = 16,   /* the mouse was switched on or off */
};
struct ui_want {
	unsigned bits;
	enum source_where where;
	uint64_t wall_ns;
	char follow[HOST_ID_MAX + 1]; /* "": none */
	double interval;
	bool mouse;
};
/* What was wanted since the last call. */
void ui_wants(struct ui *u, struct ui_want *ret);

/* The choices as they are now; true when they differ from those it began with. */
bool ui_settings(const struct ui *u, struct settings *ret);

/* The references that documents hold, as Markdown tables: all keys, all views, the columns
 * that are no metric; and all of them with the thresholds, under headings. */
void ui_markdown_keys(FILE *to);
void ui_markdown_views(FILE *to);
void ui_markdown_facts(FILE *to);
void ui_markdown(FILE *to);

/* For tests: the cursor's row among the rows of the table, and how many there are. */
void ui_cursor(const struct ui *u, uint32_t *ret_row, uint32_t *ret_rows);

#endif
