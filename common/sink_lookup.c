/* SPDX-License-Identifier: Apache-2.0 */
#include "sink_lookup.h"

#include "thread_start.h"
#include "xalloc.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Two have it, the caller and the thread; the last one frees it. */
struct sink_lookup {
	atomic_uint users;
	atomic_bool there; /* what follows is complete */
	int fd, type;
	struct sink_address address;
	struct sink_peers peers;
	const char *why;
};

static void drop(struct sink_lookup *l)
{
	if (atomic_fetch_sub(&l->users, 1) != 1)
		return;
	close(l->fd);
	free(l);
}

static void answer(struct sink_lookup *l, const char *why)
{
	uint64_t one = 1;
	ssize_t r;

	l->why = why;
	atomic_store(&l->there, true);
	r = write(l->fd, &one, sizeof(one));
	(void)r; /* an eventfd takes a first write */
}

/* NULL, or what is wrong. */
static const char *resolve(struct sink_lookup *l, int flags)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = l->type,
		.ai_flags = AI_NUMERICSERV | flags,
	};
	struct addrinfo *list;
	int r = getaddrinfo(l->address.host, l->address.port, &hints, &list);

	/* Texts of the C library, constant. */
	if (r == EAI_SYSTEM)
		return strerrordesc_np(errno);
	if (r)
		return gai_strerror(r);
	for (struct addrinfo *i = list; i && l->peers.n < SINK_PEERS_MAX; i = i->ai_next) {
		struct sink_peer *p = &l->peers.peer[l->peers.n];

		if (i->ai_addrlen > sizeof(p->address))
			continue;
		memcpy(&p->address, i->ai_addr, i->ai_addrlen);
		p->size = i->ai_addrlen;
		l->peers.n++;
	}
	freeaddrinfo(list);
	return l->peers.n ? NULL : "no address";
}

static void *run(void *arg)
{
	struct sink_lookup *l = arg;

	answer(l, resolve(l, 0));
	drop(l);
	return NULL;
}

/* 0 or an errno. */
static int start_thread(struct sink_lookup *l)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = thread_start(&thread, &attr, run, l);
	pthread_attr_destroy(&attr);
	return r;
}

struct sink_lookup *sink_lookup_start(const struct sink_address *a, int type)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), r;
	struct sink_lookup *l;

	if (fd < 0)
		return NULL;
	l = xcalloc(1, sizeof(*l));
	l->fd = fd;
	l->type = type;
	l->address = *a;
	atomic_init(&l->users, 2);
	if (!resolve(l, AI_NUMERICHOST)) {
		answer(l, NULL);
		drop(l);
		return l;
	}
	r = start_thread(l);
	if (r == 0)
		return l;
	drop(l);
	drop(l);
	errno = r;
	return NULL;
}

int sink_lookup_fd(const struct sink_lookup *l)
{
	return l->fd;
}

bool sink_lookup_take(struct sink_lookup *l, struct sink_peers *ret, const char **why)
{
	if (!atomic_load(&l->there))
		return false;
	*ret = l->peers;
	*why = l->why;
	drop(l);
	return true;
}

void sink_lookup_leave(struct sink_lookup *l)
{
	if (l)
		drop(l);
}
