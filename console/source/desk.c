/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NS 1000000000ull

int desk_init(struct desk *d, uint64_t interval_ns)
{
	pthread_condattr_t monotonic;

	*d = (struct desk){.q.interval_ns = interval_ns};
	d->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->fd < 0)
		return -errno;
	pthread_mutex_init(&d->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&d->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return 0;
}

void desk_fini(struct desk *d)
{
	moment_unref(d->answer);
	pthread_cond_destroy(&d->wake);
	pthread_mutex_destroy(&d->lock);
	close(d->fd);
}

/* ---- the console's side ---- */

/* Under the lock.  The descriptor says whether there is an answer. */
static struct moment *lift(struct desk *d)
{
	struct moment *m = d->answer;
	uint64_t times;

	d->answer = NULL;
	if (m && read(d->fd, &times, sizeof(times)) < 0 && errno != EAGAIN)
		return m; /* cannot be: an eventfd of our own */
	return m;
}

struct moment *desk_take(struct desk *d)
{
	struct moment *m;

	pthread_mutex_lock(&d->lock);
	m = lift(d);
	pthread_mutex_unlock(&d->lock);
	return m;
}

void desk_go(struct desk *d, enum source_where where, uint64_t wall_ns)
{
	struct moment *old;

	pthread_mutex_lock(&d->lock);
	old = lift(d);
	d->q.number++;
	d->q.where = where;
	d->q.wall_ns = wall_ns;
	pthread_cond_broadcast(&d->wake);
	pthread_mutex_unlock(&d->lock);
	moment_unref(old);
}

void desk_follow(struct desk *d, const char *host_id, uint32_t n)
{
	size_t id_n = host_id ? strnlen(host_id, HOST_ID_MAX) : 0;

	pthread_mutex_lock(&d->lock);
	d->q.follow_number++;
	if (id_n)
		memcpy(d->q.follow, host_id, id_n);
	d->q.follow[id_n] = '\0';
	d->q.follow_n = !id_n ? 0 : n < SOURCE_FOLLOW_MAX ? n : SOURCE_FOLLOW_MAX;
	pthread_cond_broadcast(&d->wake);
	pthread_mutex_unlock(&d->lock);
}

void desk_set_interval(struct desk *d, uint64_t interval_ns)
{
	pthread_mutex_lock(&d->lock);
	d->q.interval_ns = interval_ns;
	pthread_cond_broadcast(&d->wake);
	pthread_mutex_unlock(&d->lock);
}

void desk_stop(struct desk *d)
{
	pthread_mutex_lock(&d->lock);
	d->q.stop = true;
	pthread_cond_broadcast(&d->wake);
	pthread_mutex_unlock(&d->lock);
}

/* ---- the source's side ---- */

void desk_poke(struct desk *d)
{
	pthread_mutex_lock(&d->lock);
	d->poked = true;
	pthread_cond_broadcast(&d->wake);
	pthread_mutex_unlock(&d->lock);
}

static bool differs(const struct desk_question *a, const struct desk_question *b)
{
	return a->number != b->number || a->follow_number != b->follow_number ||
	       a->interval_ns != b->interval_ns || a->stop != b->stop;
}

bool desk_wait(struct desk *d, struct desk_question *q, uint64_t until_ns)
{
	struct timespec until = {(time_t)(until_ns / NS), (long)(until_ns % NS)};
	bool new;

	pthread_mutex_lock(&d->lock);
	while (!differs(&d->q, q) && !d->poked) {
		if (until_ns == UINT64_MAX)
			pthread_cond_wait(&d->wake, &d->lock);
		else if (pthread_cond_timedwait(&d->wake, &d->lock, &until))
			break;
	}
	new = differs(&d->q, q);
	d->poked = false;
	*q = d->q;
	pthread_mutex_unlock(&d->lock);
	return new;
}

bool desk_replaced(struct desk *d, const struct desk_question *q)
{
	bool replaced;

	pthread_mutex_lock(&d->lock);
	replaced = d->q.number != q->number || d->q.stop;
	pthread_mutex_unlock(&d->lock);
	return replaced;
}

void desk_answer(struct desk *d, const struct desk_question *q, struct moment *m)
{
	uint64_t one = 1;
	struct moment *old = m;

	pthread_mutex_lock(&d->lock);
	if (d->q.number == q->number) {
		old = d->answer;
		d->answer = m;
		/* An eventfd takes 2^64 of them; it holds one here. */
		if (!old && write(d->fd, &one, sizeof(one)) < 0)
			old = NULL;
	}
	pthread_mutex_unlock(&d->lock);
	moment_unref(old);
}
