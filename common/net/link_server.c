/* SPDX-License-Identifier: Apache-2.0 */
#include "link_server.h"

#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXTS_MAX 65536u
#define PIPES_MAX    (1u << 20)

/* ---- the room for connections ---- */

static void on_closed(struct link_conn *c)
{
	struct link_peer *p = (struct link_peer *)c;
	struct link_server *s = p->server;

	pthread_mutex_lock(&s->lock);
	if (p->listed)
		link_pipes_remove(&s->pipes, &p->pipe);
	p->listed = false;
	for (unsigned i = 0; i < p->n_calls; i++)
		p->call[i]->peer = NULL;
	p->n_calls = 0;
	pthread_mutex_unlock(&s->lock);
}

static void on_dead(struct link_conn *c)
{
	struct link_peer *p = (struct link_peer *)c;
	struct link_server *s = p->server;

	bool later;

	pthread_mutex_lock(&s->lock);
	p->next_dead = s->dead;
	s->dead = p;
	later = link_server_wants_later(s);
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	if (later)
		link_server_do_later(s);
}

/* What was never answered may hold so much and no more, all of it together. */
static bool on_grow(struct link_conn *c, size_t more)
{
	struct link_peer *p = (struct link_peer *)c;
	struct link_server *s = p->server;
	bool well;

	pthread_mutex_lock(&s->lock);
	well = p->pipe.answered || more <= s->strange_max - s->strange;
	if (well && !p->pipe.answered) {
		s->strange += more;
		p->strange += more;
	}
	s->stats.refused_pipes += !well;
	pthread_mutex_unlock(&s->lock);
	return well;
}

static const struct link_conn_events events = {
	.message = link_server_message,
	.grow = on_grow,
	.closed = on_closed,
	.dead = on_dead,
};

/* Frees those that nobody uses any more; not from within their own callbacks. */
void link_server_bury(struct link_server *s)
{
	struct link_peer *p;

	pthread_mutex_lock(&s->lock);
	p = s->dead;
	s->dead = NULL;
	pthread_mutex_unlock(&s->lock);
	while (p) {
		struct link_peer *next = p->next_dead;

		link_conn_fini(&p->conn);
		pthread_mutex_lock(&s->lock);
		s->strange -= p->strange;
		s->peers--;
		pthread_mutex_unlock(&s->lock);
		free(p);
		p = next;
	}
}

/* A reference to the one that has to go for p, or NULL. */
static struct link_peer *admit(struct link_server *s, struct link_peer *p)
{
	struct link_peer *out = NULL;
	struct link_pipe *pipe;

	pthread_mutex_lock(&s->lock);
	pipe = link_pipes_admit(&s->pipes, &p->pipe, link_now_ms());
	p->listed = pipe != &p->pipe;
	if (pipe) {
		out = (struct link_peer *)((char *)pipe - offsetof(struct link_peer, pipe));
		out->listed = false;
		link_conn_ref(&out->conn);
		s->stats.refused_pipes++;
	}
	s->peers++;
	pthread_mutex_unlock(&s->lock);
	return out;
}

static void welcome(struct link_server *s, nng_stream *stream)
{
	struct link_peer *p = xcalloc(1, sizeof(*p)), *out;

	p->server = s;
	p->conn.events = &events;
	p->conn.lock = &s->lock;
	p->conn.max_message = s->max_message;
	if (link_conn_init(&p->conn, stream, LINK_REP, LINK_REQ)) {
		nng_stream_free(stream);
		free(p);
		return;
	}
	out = admit(s, p);
	if (out != p)
		link_conn_start(&p->conn);
	if (out) {
		link_conn_close(&out->conn);
		link_conn_unref(&out->conn);
	}
}

static void on_accepted(void *arg)
{
	struct link_server *s = arg;
	int r = nng_aio_result(s->accept);
	bool closed;

	if (r == 0)
		welcome(s, nng_aio_get_output(s->accept, 0));
	pthread_mutex_lock(&s->lock);
	closed = s->closed;
	pthread_mutex_unlock(&s->lock);
	if (closed || r == NNG_ECLOSED || r == NNG_ECANCELED)
		return;
	/* No descriptors, no memory: it is not better at once. */
	if (r)
		nng_sleep_aio(100, s->pause);
	else
		nng_stream_listener_accept(s->listener, s->accept);
}

static void on_paused(void *arg)
{
	struct link_server *s = arg;

	if (!nng_aio_result(s->pause))
		nng_stream_listener_accept(s->listener, s->accept);
}

/* ---- beginning and end ---- */

void link_server_free(struct link_server *s)
{
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static struct link_peer *any_peer(struct link_server *s)
{
	struct link_peer *p = NULL;

	pthread_mutex_lock(&s->lock);
	if (s->pipes.first) {
		p = (struct link_peer *)((char *)s->pipes.first - offsetof(struct link_peer, pipe));
		link_conn_ref(&p->conn);
	}
	pthread_mutex_unlock(&s->lock);
	return p;
}

static void close_peers(struct link_server *s)
{
	struct link_peer *p;

	while ((p = any_peer(s))) {
		link_conn_close(&p->conn);
		link_conn_unref(&p->conn);
	}
	pthread_mutex_lock(&s->lock);
	while (s->peers) {
		while (!s->dead)
			pthread_cond_wait(&s->changed, &s->lock);
		pthread_mutex_unlock(&s->lock);
		link_server_bury(s);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
}

void link_server_close(struct link_server *s)
{
	bool last;

	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->closed = true;
	while (s->busy)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
	/* Nobody comes in any more; then nobody is in there. */
	if (s->listener)
		nng_stream_listener_close(s->listener);
	nng_aio_stop(s->pause);
	nng_aio_stop(s->accept);
	nng_aio_stop(s->later);
	close_peers(s);
	nng_aio_free(s->pause);
	nng_aio_free(s->accept);
	nng_aio_free(s->later);
	if (s->listener)
		nng_stream_listener_free(s->listener);
	link_server_drop_waiting(s);
	pthread_mutex_lock(&s->lock);
	s->left = true;
	last = !s->live;
	pthread_mutex_unlock(&s->lock);
	if (last)
		link_server_free(s);
}

static int start(struct link_server *s, const char *url)
{
	int port, r;

	(void)((r = nng_aio_alloc(&s->accept, on_accepted, s)) ||
	       (r = nng_aio_alloc(&s->pause, on_paused, s)) ||
	       (r = nng_aio_alloc(&s->later, link_server_later, s)) ||
	       (r = nng_stream_listener_alloc(&s->listener, url)) ||
	       (r = nng_stream_listener_set_bool(s->listener, NNG_OPT_TCP_KEEPALIVE, true)) ||
	       (r = nng_stream_listener_set_bool(s->listener, NNG_OPT_TCP_NODELAY, true)) ||
	       (r = nng_stream_listener_listen(s->listener)) ||
	       (r = nng_stream_listener_get_int(s->listener, NNG_OPT_TCP_BOUND_PORT, &port)));
	if (r)
		return r;
	s->port = (unsigned)port;
	nng_stream_listener_accept(s->listener, s->accept);
	return 0;
}

int link_listen(struct link_server **ret, const struct link_options *o, link_serve_fn *serve,
		void *arg)
{
	char url[LINK_URL_MAX];
	struct link_server *s;
	int r = link_url(o->url, "tcp", url);

	if (r || !o->contexts || o->contexts > CONTEXTS_MAX || !o->max_pipes ||
	    o->max_pipes > PIPES_MAX)
		return -EINVAL;
	link_few_threads();
	s = xcalloc(1, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	s->serve = serve;
	s->arg = arg;
	s->contexts = o->contexts;
	s->pipes.max = o->max_pipes;
	s->max_message = o->max_message + LINK_HEAD_MAX;
	s->strange_max = s->max_message > LINK_STRANGE_MAX ? s->max_message : LINK_STRANGE_MAX;
	s->waiting_end = &s->waiting;
	r = start(s, url);
	if (r) {
		link_server_close(s);
		return link_errno(r);
	}
	*ret = s;
	return 0;
}

unsigned link_port(const struct link_server *s)
{
	return s->port;
}

void link_stats(struct link_server *s, struct link_stats *ret)
{
	pthread_mutex_lock(&s->lock);
	*ret = s->stats;
	ret->pipes = s->pipes.n;
	pthread_mutex_unlock(&s->lock);
}
