/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of the aggregator: receives, unseals and decodes what a fleet sends into one
 * sample again and again, and says that all is committed.  Nothing is kept.
 *
 *   fleet_floor [--key-file=FILE]
 *
 * Prints "port=N" and serves on loopback until SIGTERM; then how many frames it has read.
 */
#include "link.h"
#include "message.h"
#include "seal.h"
#include "xalloc.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define PIPES 20064u

struct room {
	struct room *next;
	struct buf plain, reply, sealed;
	struct sample *sample;
};

struct floor {
	struct keyring keyring;
	const struct keyring *keys;
	uint64_t instance, frames, bad; /* frames, bad: __atomic */
	pthread_mutex_t lock;
	struct room *idle;
};

static struct room *take(struct floor *f)
{
	struct room *m;

	pthread_mutex_lock(&f->lock);
	m = f->idle;
	if (m)
		f->idle = m->next;
	pthread_mutex_unlock(&f->lock);
	if (m)
		return m;
	m = xcalloc(1, sizeof(*m));
	buf_init(&m->plain, MESSAGE_MAX);
	buf_init(&m->reply, MESSAGE_MAX);
	buf_init(&m->sealed, MESSAGE_MAX + ENVELOPE_MAX);
	m->sample = sample_new();
	return m;
}

static void give(struct floor *f, struct room *m)
{
	pthread_mutex_lock(&f->lock);
	m->next = f->idle;
	f->idle = m;
	pthread_mutex_unlock(&f->lock);
}

static void read_stream(struct floor *f, struct room *m, const struct uplink_stream *in,
			struct uplink_ack *ack)
{
	struct frame_head head;

	memcpy(ack->host_id, in->host_id, sizeof(ack->host_id));
	ack->epoch = in->epoch;
	ack->next = in->committed ? in->committed + 1 : 1;
	if (in->oldest > ack->next)
		ack->next = in->oldest;
	ack->committed = in->committed;
	for (uint32_t i = 0; i < in->n_frames; i++) {
		bool bad = frame_decode(m->sample, &head, in->frames[i].p, in->frames[i].n) < 0;

		__atomic_add_fetch(bad ? &f->bad : &f->frames, 1, __ATOMIC_RELAXED);
	}
	if (!in->n_frames)
		return;
	ack->committed = in->first + in->n_frames - 1;
	ack->next = ack->committed + 1;
}

static int answer(struct floor *f, struct room *m, const uint8_t *bytes, size_t n)
{
	struct uplink_reply reply = {.instance = f->instance};
	struct uplink_request q;
	uint8_t id[REQUEST_ID_BYTES];
	int r = unseal(&m->plain, f->keys, ENVELOPE_UPLINK_REQUEST, id, NULL, bytes, n);

	if (!r)
		r = uplink_request_decode(&q, m->plain.data, m->plain.used);
	if (r < 0)
		return r;
	reply.n_acks = q.n_streams;
	reply.acks = xcalloc(q.n_streams, sizeof(*reply.acks));
	for (uint32_t i = 0; i < q.n_streams; i++)
		read_stream(f, m, &q.streams[i], &reply.acks[i]);
	buf_clear(&m->reply);
	uplink_reply_encode(&m->reply, &reply);
	free(reply.acks);
	uplink_request_fini(&q);
	return seal(&m->sealed, f->keys, ENVELOPE_UPLINK_REPLY, id, m->reply.data, m->reply.used);
}

static void serve(void *arg, struct link_call *call)
{
	struct floor *f = arg;
	struct room *m = take(f);
	size_t n;
	const uint8_t *bytes = link_request_bytes(call, &n);

	if (answer(f, m, bytes, n) < 0) {
		__atomic_add_fetch(&f->bad, 1, __ATOMIC_RELAXED);
		link_drop(call);
	} else {
		link_reply(call, m->sealed.data, m->sealed.used);
	}
	give(f, m);
}

static void release(struct floor *f)
{
	while (f->idle) {
		struct room *m = f->idle;

		f->idle = m->next;
		buf_fini(&m->plain);
		buf_fini(&m->reply);
		buf_fini(&m->sealed);
		sample_free(m->sample);
		free(m);
	}
}

int main(int argc, char **argv)
{
	struct link_options o = {.url = "tcp://127.0.0.1:0",
				 .max_message = MESSAGE_MAX + ENVELOPE_MAX,
				 .contexts = 64,
				 .max_pipes = PIPES};
	struct floor f = {.lock = PTHREAD_MUTEX_INITIALIZER, .instance = random_u64()};
	struct link_server *server;
	sigset_t ends;
	char why[256];
	int number;

	if (argc > 2 || (argc == 2 && strncmp(argv[1], "--key-file=", 11))) {
		fputs("fleet_floor [--key-file=FILE]\n", stderr);
		return 2;
	}
	if (argc == 2) {
		if (keyring_load(&f.keyring, argv[1] + 11, why, sizeof(why)) < 0) {
			fprintf(stderr, "fleet_floor: %s\n", why);
			return 1;
		}
		f.keys = &f.keyring;
	}
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	if (link_listen(&server, &o, serve, &f) < 0) {
		fputs("fleet_floor: cannot listen\n", stderr);
		return 1;
	}
	printf("port=%u\n", link_port(server));
	fflush(stdout);
	sigwait(&ends, &number);
	link_server_close(server);
	printf("frames=%" PRIu64 " bad=%" PRIu64 "\n", f.frames, f.bad);
	release(&f);
	return f.bad != 0;
}
