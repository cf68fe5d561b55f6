/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_THREAD_START_H
#define PROXTOP_THREAD_START_H

/*
 * Threads that take no signals: these are for the main thread, and a reader that goes is no
 * reason to end.
 */
#include <pthread.h>
#include <signal.h>

/* Around what starts threads by itself: *before is what to give back. */
static inline void signals_hold(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, before);
}

static inline void signals_give_back(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* attr NULL: as usual.  0 or negative errno. */
static inline int thread_start(pthread_t *ret, const pthread_attr_t *attr, void *(*run)(void *arg),
			       void *arg)
{
	sigset_t before;
	int r;

	signals_hold(&before);
	r = pthread_create(ret, attr, run, arg);
	signals_give_back(&before);
	return -r;
}

#endif
