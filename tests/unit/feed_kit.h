/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TEST_FEED_KIT_H
#define PROXTOP_TEST_FEED_KIT_H

/* A real feed server in the process, with hosts h0, h1, ... that the test feeds. */
#include "feed_server.h"
#include "make_frame.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define KIT_HOSTS 8u

struct feed_kit {
	struct history *history;
	struct feed_server *server;
	uint32_t hosts;
	uint64_t sequence[KIT_HOSTS], epoch;
	uint64_t age_ms;
	bool stale[KIT_HOSTS], gone[KIT_HOSTS];
	void (*before_answer)(struct feed_kit *k); /* in the server's thread; NULL: nothing */
	char url[64];
};

static inline bool kit_host(void *arg, uint32_t number, struct feed_host *ret)
{
	const struct feed_kit *k = arg;

	if (number >= k->hosts || k->gone[number])
		return false;
	*ret = (struct feed_host){.interval_ns = 1000000000u,
				  .stale = k->stale[number],
				  .age_ms = k->age_ms,
				  .lost = 7};
	snprintf(ret->host_id, sizeof(ret->host_id), "h%u", number);
	snprintf(ret->host_name, sizeof(ret->host_name), "name of h%u", number);
	return true;
}

static inline uint32_t kit_hosts(void *arg)
{
	struct feed_kit *k = arg;

	if (k->before_answer)
		k->before_answer(k);
	return k->hosts;
}

static inline long kit_number(void *arg, const char *id)
{
	const struct feed_kit *k = arg;

	return id[0] == 'h' && atoi(id + 1) < (int)k->hosts ? atoi(id + 1) : -1;
}

static inline void kit_serve(struct feed_kit *k, uint64_t instance, const struct keyring *keys)
{
	struct feed_server_options o = {.url = *k->url ? k->url : "tcp://127.0.0.1:0",
					.keys = keys,
					.instance = instance,
					.history = k->history,
					.host = kit_host,
					.hosts = kit_hosts,
					.host_number = kit_number,
					.arg = k};
	char why[256] = "";
	int r = -1;

	/* The port of a server that has just gone may be taken for a moment. */
	for (int i = 0; i < 50 && r; i++) {
		r = feed_server_open(&k->server, &o, why, sizeof(why));
		if (r)
			nanosleep(&(struct timespec){0, 20000000}, NULL);
	}
	if (r)
		fail_msg("feed_server_open: %s", why);
	snprintf(k->url, sizeof(k->url), "tcp://127.0.0.1:%u", feed_server_port(k->server));
}

static inline void kit_begin(struct feed_kit *k, uint32_t hosts, const struct keyring *keys)
{
	struct history_options h = {.keep_ns = UINT64_MAX, .keep_bytes = 64 << 20};

	*k = (struct feed_kit){.history = history_new(&h), .hosts = hosts, .epoch = 1};
	kit_serve(k, 4711, keys);
}

static inline void kit_stop(struct feed_kit *k)
{
	feed_server_close(k->server);
	k->server = NULL;
}

static inline void kit_finish(struct feed_kit *k)
{
	kit_stop(k);
	history_free(k->history);
}

/* One more of host n, a second (of its own clock) after the last; who waits is not told. */
static inline void kit_add_quietly(struct feed_kit *k, uint32_t n)
{
	char id[16];
	struct frame *f;

	snprintf(id, sizeof(id), "h%u", n);
	f = make_frame(id, k->epoch, ++k->sequence[n], 50);
	history_add(k->history, n, f, 0);
	frame_unref(f);
}

static inline void kit_add(struct feed_kit *k, uint32_t n)
{
	kit_add_quietly(k, n);
	if (k->server)
		feed_server_poke(k->server);
}

/* The time of everyone's frame of that number. */
static inline uint64_t kit_wall(uint64_t sequence)
{
	return make_head("", 1, sequence).wall_ns;
}

#endif
