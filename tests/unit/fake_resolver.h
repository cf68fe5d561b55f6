/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_FAKE_RESOLVER_H
#define TEST_FAKE_RESOLVER_H

/*
 * A resolver that knows what the tests need, on every machine: it takes the place of the C
 * library's in the program that includes this.
 *
 *   numbers    themselves
 *   both.test  ::1, then 127.0.0.1
 *   four.test  127.0.0.1
 *   late.test  as often as resolver_failures says there is no answer, then 127.0.0.1
 *   slow.test  no answer until resolver_released
 *
 * Nothing else exists.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static atomic_int resolver_failures, resolver_released, resolver_busy;

struct fake_answer {
	struct addrinfo info;
	struct sockaddr_storage address;
};

/* Puts one address before the others. */
static int fake_add(struct addrinfo **list, const char *host, const char *port, int type)
{
	struct fake_answer *a = calloc(1, sizeof(*a));
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a->address;
	in_port_t number = htons((in_port_t)atoi(port));

	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = number;
		a->info.ai_addrlen = sizeof(*v4);
	} else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = number;
		a->info.ai_addrlen = sizeof(*v6);
	} else {
		free(a);
		return EAI_NONAME;
	}
	a->info.ai_family = a->address.ss_family;
	a->info.ai_socktype = type;
	a->info.ai_addr = (struct sockaddr *)&a->address;
	a->info.ai_next = *list;
	*list = &a->info;
	return 0;
}

static int fake_answer(const char *host, const char *port, const struct addrinfo *hints,
		       struct addrinfo **ret)
{
	struct timespec nap = {0, 1000000};

	*ret = NULL;
	if (fake_add(ret, host, port, hints->ai_socktype) == 0)
		return 0;
	if (hints->ai_flags & AI_NUMERICHOST)
		return EAI_NONAME;
	if (!strcmp(host, "both.test")) {
		fake_add(ret, "127.0.0.1", port, hints->ai_socktype);
		return fake_add(ret, "::1", port, hints->ai_socktype);
	}
	if (!strcmp(host, "four.test"))
		return fake_add(ret, "127.0.0.1", port, hints->ai_socktype);
	if (!strcmp(host, "late.test")) {
		if (atomic_fetch_sub(&resolver_failures, 1) > 0)
			return EAI_AGAIN;
		return fake_add(ret, "127.0.0.1", port, hints->ai_socktype);
	}
	if (!strcmp(host, "slow.test")) {
		atomic_fetch_add(&resolver_busy, 1);
		while (!atomic_load(&resolver_released))
			nanosleep(&nap, NULL);
		atomic_fetch_sub(&resolver_busy, 1);
		return EAI_AGAIN;
	}
	return EAI_NONAME;
}

/* Of one family only, when that is wanted. */
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
		struct addrinfo **ret)
{
	int r = fake_answer(host, port, hints, ret);
	struct addrinfo **at = ret;

	while (*at && hints->ai_family != AF_UNSPEC) {
		struct addrinfo *this = *at;

		if (this->ai_family == hints->ai_family) {
			at = &this->ai_next;
			continue;
		}
		*at = this->ai_next;
		free(this);
	}
	return r || *ret ? r : EAI_ADDRFAMILY;
}

void freeaddrinfo(struct addrinfo *list)
{
	while (list) {
		struct addrinfo *next = list->ai_next;

		free(list); /* is at the start of its struct fake_answer */
		list = next;
	}
}

#endif
