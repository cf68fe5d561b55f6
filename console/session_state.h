/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SESSION_STATE_H
#define PROXTOP_SESSION_STATE_H

/* The private side of session.h: what session.c and session_script.c share. */
#include "clock.h"
#include "session.h"

enum wait_for { NOTHING, TIME, MOMENT, RATES };

struct session {
	const struct session_options *o;
	struct grid grid;
	int timer;
	bool changed; /* since it was drawn */
	bool full;    /* the terminal takes no more for now */
	bool ended;
	enum session_end end;

	size_t key; /* the script's next one */
	enum wait_for waits;
	uint64_t until_ns;             /* CLOCK_MONOTONIC: not longer */
	uint64_t say_ns;               /* then it is said what is waited for; 0: not (again) */
	bool late;                     /* it did not come in time */
	bool any;                      /* a host was in some moment */
	char follows[HOST_ID_MAX + 1]; /* MOMENT: with this host's history */

	uint64_t shown_wall_ns; /* of the newest moment */
	bool live;              /* more come by themselves */
};

/* ---- session.c ---- */
void session_finish(struct session *s, enum session_end end);
void session_draw(struct session *s); /* what changed */
void session_press(struct session *s, const struct key *k);
void session_resize(struct session *s, unsigned cols, unsigned rows);

/* ---- session_script.c ---- */
/* The script goes on when that has come, or patience is over. */
void session_wait_for(struct session *s, enum wait_for what);
/* A moment has come: is it what was waited for? */
void session_came(struct session *s, const struct moment *m);
/* Presses the keys that are due; without a terminal the session ends behind the last one. */
void session_run_script(struct session *s);
bool session_script_is_over(const struct session *s);
int session_timeout_ms(const struct session *s); /* for poll(): -1 none */

#endif
