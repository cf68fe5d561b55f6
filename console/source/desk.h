/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DESK_H
#define PROXTOP_DESK_H

/*
 * What lies between the console's thread and a source's: the question on one side, the
 * newest answer on the other.
 *
 * An answer is for one question, by its number; one that comes when there is a newer
 * question is thrown away.  The lock may be used for more of the source's own.
 */
#include "console_source.h"

#include <pthread.h>

struct desk_question {
	uint64_t number; /* of source_go(); 0: none yet */
	enum source_where where;
	uint64_t wall_ns;
	uint64_t interval_ns;
	uint64_t follow_number; /* of source_follow() */
	char follow[HOST_ID_MAX + 1];
	uint32_t follow_n;
	bool stop;
};

struct desk {
	pthread_mutex_t lock; /* what follows */
	pthread_cond_t wake;  /* CLOCK_MONOTONIC */
	struct desk_question q;
	struct moment *answer;
	bool poked;
	int fd; /* an eventfd, readable while there is an answer */
};

int desk_init(struct desk *d, uint64_t interval_ns); /* 0 or negative errno */
void desk_fini(struct desk *d);

/* ---- the console's side ---- */
struct moment *desk_take(struct desk *d);
void desk_go(struct desk *d, enum source_where where, uint64_t wall_ns);
void desk_follow(struct desk *d, const char *host_id, uint32_t n);
void desk_set_interval(struct desk *d, uint64_t interval_ns);
void desk_stop(struct desk *d);

/* ---- the source's side ---- */
/* Wakes desk_wait(). */
void desk_poke(struct desk *d);
/* Until the question differs from q (which is then made equal), until_ns (CLOCK_MONOTONIC;
 * UINT64_MAX: for ever) has come, or a poke.  True: the question differs. */
bool desk_wait(struct desk *d, struct desk_question *q, uint64_t until_ns);
/* Has a newer question than q come (or the end)? */
bool desk_replaced(struct desk *d, const struct desk_question *q);
/* Takes the moment over. */
void desk_answer(struct desk *d, const struct desk_question *q, struct moment *m);

#endif
