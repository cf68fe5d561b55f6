/* SPDX-License-Identifier: Apache-2.0 */
#include "link_conn.h"

#include "seal.h"
#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Between two tries to connect, at random from half of it; it doubles up to the second. */
#define RECONNECT_MIN_MS   100u
#define RECONNECT_MAX_MS   2000u
#define CONNECT_TIMEOUT_MS 5000u

struct link_wire {
	struct link_conn conn; /* first: one is the other */
	struct link_client *client;
	struct link_wire *next_dead;
};

struct link_client {
	char *url;
	size_t max_message;
	nng_aio *dial;
	nng_stream_dialer *dialer; /* of the last try */
	unsigned tries;            /* since the last connection */
	int reason;                /* why there is none: negative errno */

	pthread_mutex_t lock; /* what follows; never held while nng is called */
	pthread_cond_t changed;
	bool dialed, cancelled;
	struct link_wire *wire; /* the connection, or NULL */
	unsigned wires;         /* not buried */
	struct link_wire *dead;
	uint32_t asked; /* the question's number; 0: nothing is wanted */
	bool there;     /* its answer is */
	uint8_t *answer;
	size_t n;
};

/* ---- the connection ---- */

static bool on_message(struct link_conn *conn, uint8_t *bytes, size_t n)
{
	struct link_wire *w = (struct link_wire *)conn;
	struct link_client *c = w->client;
	uint32_t number = 0;
	bool wanted;

	for (int i = 0; i < 4 && n >= 4; i++)
		number = number << 8 | bytes[i];
	pthread_mutex_lock(&c->lock);
	wanted = c->wire == w && c->asked && c->asked == number;
	if (wanted) {
		c->asked = 0;
		c->there = true;
		c->answer = bytes;
		c->n = n;
		pthread_cond_broadcast(&c->changed);
	}
	pthread_mutex_unlock(&c->lock);
	if (!wanted)
		free(bytes);
	return true;
}

static void on_closed(struct link_conn *conn)
{
	struct link_wire *w = (struct link_wire *)conn;
	struct link_client *c = w->client;

	pthread_mutex_lock(&c->lock);
	if (c->wire == w)
		c->wire = NULL;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

static void on_dead(struct link_conn *conn)
{
	struct link_wire *w = (struct link_wire *)conn;
	struct link_client *c = w->client;

	pthread_mutex_lock(&c->lock);
	w->next_dead = c->dead;
	c->dead = w;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

static const struct link_conn_events events = {
	.message = on_message,
	.closed = on_closed,
	.dead = on_dead,
};

static void bury(struct link_client *c)
{
	struct link_wire *w;

	pthread_mutex_lock(&c->lock);
	w = c->dead;
	c->dead = NULL;
	for (struct link_wire *i = w; i; i = i->next_dead)
		c->wires--;
	pthread_mutex_unlock(&c->lock);
	while (w) {
		struct link_wire *next = w->next_dead;

		link_conn_fini(&w->conn);
		free(w);
		w = next;
	}
}

/* A reference to the connection there is, or NULL. */
static struct link_wire *wire_of(struct link_client *c)
{
	struct link_wire *w;

	pthread_mutex_lock(&c->lock);
	w = c->wire;
	if (w)
		link_conn_ref(&w->conn);
	pthread_mutex_unlock(&c->lock);
	return w;
}

/* Also when an answer did not come: it may still come, or the connection may be one that
 * leads nowhere any more. */
static void disconnect(struct link_client *c)
{
	struct link_wire *w = wire_of(c);

	if (!w)
		return;
	link_conn_close(&w->conn);
	link_conn_unref(&w->conn);
}

/* ---- connecting ---- */

/* With the lock; false when that time has come. */
static bool wait_until(struct link_client *c, uint64_t ms)
{
	struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

	return pthread_cond_clockwait(&c->changed, &c->lock, CLOCK_MONOTONIC, &t) != ETIMEDOUT;
}

static void on_dialed(void *arg)
{
	struct link_client *c = arg;

	pthread_mutex_lock(&c->lock);
	c->dialed = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

/* An nng error. */
static int dial_once(struct link_client *c, uint64_t deadline_ms)
{
	uint64_t left = deadline_ms - link_now_ms();
	bool cancel;

	pthread_mutex_lock(&c->lock);
	c->dialed = false;
	pthread_mutex_unlock(&c->lock);
	nng_aio_set_timeout(c->dial,
			    (nng_duration)(left < CONNECT_TIMEOUT_MS ? left : CONNECT_TIMEOUT_MS));
	nng_stream_dialer_dial(c->dialer, c->dial);
	pthread_mutex_lock(&c->lock);
	while (!c->dialed && !c->cancelled)
		pthread_cond_wait(&c->changed, &c->lock);
	cancel = !c->dialed;
	pthread_mutex_unlock(&c->lock);
	if (cancel)
		nng_aio_cancel(c->dial);
	nng_aio_wait(c->dial);
	return nng_aio_result(c->dial);
}

static void drop_dialer(struct link_client *c)
{
	if (c->dialer)
		nng_stream_dialer_free(c->dialer);
	c->dialer = NULL;
}

static int take_stream(struct link_client *c, nng_stream *stream)
{
	struct link_wire *w = xcalloc(1, sizeof(*w));
	int r;

	w->client = c;
	w->conn.events = &events;
	w->conn.lock = &c->lock;
	w->conn.max_message = c->max_message;
	r = link_conn_init(&w->conn, stream, LINK_REQ, LINK_REP);
	if (r) {
		nng_stream_free(stream);
		free(w);
		return r;
	}
	/* One message at a time, of at most max_message, of a server that was chosen. */
	link_conn_know(&w->conn);
	pthread_mutex_lock(&c->lock);
	c->wire = w;
	c->wires++;
	pthread_mutex_unlock(&c->lock);
	link_conn_start(&w->conn);
	return 0;
}

/* An nng error.  A dialer for each try: one of 1.5.2 that was cancelled is not to be used
 * again at once.  nng tries one address of a name; the other family gets its turn. */
static int try_to_connect(struct link_client *c, uint64_t deadline_ms)
{
	static const char *const schemes[] = {"tcp", "tcp4", "tcp6"};
	const char *scheme = strchr(c->url, '[') ? "tcp" : schemes[c->tries % 3];
	char url[LINK_URL_MAX];
	int r;

	if (link_url(c->url, scheme, url))
		return NNG_EADDRINVAL;
	drop_dialer(c);
	r = nng_stream_dialer_alloc(&c->dialer, url);
	if (r)
		return r;
	(void)((r = nng_stream_dialer_set_bool(c->dialer, NNG_OPT_TCP_KEEPALIVE, true)) ||
	       (r = nng_stream_dialer_set_bool(c->dialer, NNG_OPT_TCP_NODELAY, true)) ||
	       (r = dial_once(c, deadline_ms)) ||
	       (r = take_stream(c, nng_aio_get_output(c->dial, 0))));
	/* After a failure nng still clears up behind it: it waits for the next try. */
	if (r == 0)
		drop_dialer(c);
	return r;
}

/* A name that has an address of one family only is known all the same. */
static void keep_reason(struct link_client *c, int error)
{
	bool is_number = strchr(c->url, '['), any_family = c->tries % 3 == 0;

	if (error == -EADDRNOTAVAIL && is_number)
		c->reason = -ENETUNREACH; /* as without IPv6 */
	else if (error != -EADDRNOTAVAIL || any_family)
		c->reason = error;
}

static uint64_t random_pause_ms(const struct link_client *c)
{
	unsigned doubled = c->tries < 8 ? c->tries : 8, max = RECONNECT_MIN_MS << doubled;

	if (max > RECONNECT_MAX_MS)
		max = RECONNECT_MAX_MS;
	return max / 2 + random_u64() % (max / 2);
}

static void pause_until(struct link_client *c, uint64_t until_ms)
{
	pthread_mutex_lock(&c->lock);
	while (!c->cancelled && wait_until(c, until_ms))
		;
	pthread_mutex_unlock(&c->lock);
}

static bool is_cancelled(struct link_client *c)
{
	bool cancelled;

	pthread_mutex_lock(&c->lock);
	cancelled = c->cancelled;
	pthread_mutex_unlock(&c->lock);
	return cancelled;
}

/* 0 when there is a connection, or negative errno. */
static int be_connected(struct link_client *c, uint64_t deadline_ms)
{
	for (;;) {
		uint64_t next;
		int r;

		bury(c);
		if (is_cancelled(c))
			return -ECANCELED;
		if (link_now_ms() >= deadline_ms)
			return -ETIMEDOUT;
		if (link_connected(c))
			return 0;
		r = try_to_connect(c, deadline_ms);
		if (r == 0) {
			c->tries = 0;
			c->reason = 0;
			return 0;
		}
		keep_reason(c, link_errno(r));
		next = link_now_ms() + random_pause_ms(c);
		c->tries++;
		pause_until(c, next < deadline_ms ? next : deadline_ms);
	}
}

/* ---- asking ---- */

/* The reference to the connection the question went by, or NULL when that was lost. */
static struct link_wire *send_question(struct link_client *c, uint32_t number, const void *bytes,
				       size_t n)
{
	const uint8_t head[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
				 (uint8_t)(number >> 8), (uint8_t)number};
	struct link_wire *w = wire_of(c);

	if (!w)
		return NULL;
	pthread_mutex_lock(&c->lock);
	c->asked = number;
	c->there = false;
	pthread_mutex_unlock(&c->lock);
	link_conn_send(&w->conn, head, sizeof(head), bytes, n);
	return w;
}

static int wait_for_answer(struct link_client *c, const struct link_wire *w, uint64_t deadline_ms)
{
	bool in_time = true;
	int r;

	pthread_mutex_lock(&c->lock);
	while (!c->there && c->wire == w && !c->cancelled && in_time)
		in_time = wait_until(c, deadline_ms);
	r = c->there ? 0 : c->cancelled ? -ECANCELED : c->wire != w ? -ECONNRESET : -ETIMEDOUT;
	c->asked = 0;
	pthread_mutex_unlock(&c->lock);
	return r;
}

static int take_answer(struct link_client *c, struct buf *reply)
{
	buf_put(reply, c->answer + 4, c->n - 4);
	free(c->answer);
	c->answer = NULL;
	return reply->error;
}

int link_ask(struct link_client *c, const void *bytes, size_t n, struct buf *reply, int timeout_ms)
{
	uint64_t deadline = link_now_ms() + (timeout_ms > 0 ? (uint64_t)timeout_ms : 0);
	struct link_wire *w;
	int r;

	buf_clear(reply);
	r = be_connected(c, deadline);
	if (r)
		return r;
	w = send_question(c, 0x80000000u | (uint32_t)random_u64(), bytes, n);
	if (!w)
		return -ECONNRESET;
	r = wait_for_answer(c, w, deadline);
	link_conn_unref(&w->conn);
	if (r == 0)
		return take_answer(c, reply);
	disconnect(c);
	return r;
}

bool link_connected(struct link_client *c)
{
	bool connected;

	pthread_mutex_lock(&c->lock);
	connected = c->wire;
	pthread_mutex_unlock(&c->lock);
	return connected;
}

int link_reason(const struct link_client *c)
{
	return c->reason;
}

void link_cancel(struct link_client *c)
{
	pthread_mutex_lock(&c->lock);
	c->cancelled = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

int link_dial(struct link_client **ret, const struct link_options *o)
{
	char url[LINK_URL_MAX];
	struct link_client *c;
	int r = link_url(o->url, "tcp", url);

	if (r)
		return r;
	link_few_threads();
	c = xcalloc(1, sizeof(*c));
	r = nng_aio_alloc(&c->dial, on_dialed, c);
	if (r) {
		free(c);
		return link_errno(r);
	}
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	c->url = xstrdup(o->url);
	c->max_message = o->max_message + 4;
	*ret = c;
	return 0;
}

void link_client_close(struct link_client *c)
{
	if (!c)
		return;
	disconnect(c);
	pthread_mutex_lock(&c->lock);
	while (c->wires) {
		while (!c->dead)
			pthread_cond_wait(&c->changed, &c->lock);
		pthread_mutex_unlock(&c->lock);
		bury(c);
		pthread_mutex_lock(&c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	drop_dialer(c);
	nng_aio_free(c->dial);
	free(c->answer);
	free(c->url);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
