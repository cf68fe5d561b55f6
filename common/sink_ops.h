/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SINK_OPS_H
#define PROXTOP_SINK_OPS_H

/*
 * What the kinds of sink share: the private side of sink.h.  To add a kind: a file
 * sink_NAME.c with one struct sink_ops, and a line in each of sink.c's two lists.
 *
 * One thread calls open, write, reopen and close; stats may be asked for from any.
 */
#include "sink.h"

#include <stdatomic.h>
#include <sys/socket.h>

struct sink_ops {
	size_t record_max;
	const char *needs; /* what --target must be, for people; NULL: no target */
	/* The rest is as in sink.h; *ret is a struct sink at the start of the kind's own. */
	int (*open)(struct sink **ret, const struct sink_options *o, char *why, size_t why_size);
	int (*write)(struct sink *s, const char *data, size_t n);
	void (*reopen)(struct sink *s); /* NULL: nothing to do */
	void (*close)(struct sink *s, int timeout_ms);
};

extern const struct sink_ops sink_stdout, sink_file, sink_tcp, sink_udp;

/* records and bytes went out (tcp: the peer's kernel has them), dropped did not. */
struct sink {
	const struct sink_ops *ops;
	_Atomic uint64_t records, bytes, dropped;
};

static inline void sink_count(struct sink *s, size_t n)
{
	atomic_fetch_add_explicit(&s->records, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->bytes, n, memory_order_relaxed);
}

static inline void sink_drop(struct sink *s, uint64_t n)
{
	atomic_fetch_add_explicit(&s->dropped, n, memory_order_relaxed);
}

/* One that had been counted, of n bytes, did not arrive after all. */
static inline void sink_uncount(struct sink *s, size_t n)
{
	atomic_fetch_sub_explicit(&s->records, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&s->bytes, n, memory_order_relaxed);
	sink_drop(s, 1);
}

/* A peer's name, as written in host:port or [v6]:port. */
struct sink_address {
	char host[256]; /* RFC 1035: a name has at most 255 bytes */
	char port[6];
};

/* 0, or -EINVAL with one line in why. */
int sink_address_parse(struct sink_address *ret, const char *target, char *why, size_t why_size);

#define SINK_PEERS_MAX 8

/* The addresses behind a name, the first SINK_PEERS_MAX of them. */
struct sink_peers {
	unsigned n;
	struct sink_peer {
		socklen_t size;
		struct sockaddr_storage address;
	} peer[SINK_PEERS_MAX];
};

/* CLOCK_MONOTONIC in ms */
int64_t sink_now_ms(void);

#endif
