/* SPDX-License-Identifier: Apache-2.0 */
#include "link_nng.h"

#include "clock.h"
#include "endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int link_errno(int nng_error)
{
	static const struct {
		int nng, ours;
	} known[] = {
		{0, 0},
		{NNG_ETIMEDOUT, -ETIMEDOUT},
		{NNG_ECANCELED, -ECANCELED},
		{NNG_ECONNRESET, -ECONNRESET},
		{NNG_ECONNSHUT, -ECONNRESET},
		{NNG_ECONNABORTED, -ECONNRESET},
		{NNG_ECLOSED, -ECONNRESET},
		{NNG_ECONNREFUSED, -ECONNREFUSED},
		{NNG_ENOMEM, -ENOMEM},
		{NNG_ENOFILES, -EMFILE},
		{NNG_EADDRINUSE, -EADDRINUSE},
		{NNG_EADDRINVAL, -EADDRNOTAVAIL},
		{NNG_EAGAIN, -EADDRNOTAVAIL}, /* no name server answers */
		{NNG_EPERM, -EPERM},
		{NNG_EMSGSIZE, -EMSGSIZE},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].nng == nng_error)
			return known[i].ours;
	/* What else the resolver says is negative, and nng adds it to where the system's errors
	 * begin. */
	if (nng_error < NNG_ESYSERR && nng_error > NNG_ESYSERR - 256)
		return -EADDRNOTAVAIL;
	/* nng passes on errors of the system that it has no name for. */
	return nng_error & NNG_ESYSERR ? -(nng_error & ~NNG_ESYSERR) : -EIO;
}

int link_url(const char *url, const char *scheme, char to[LINK_URL_MAX])
{
	char host[ENDPOINT_HOST_MAX + 1];
	bool v6;
	unsigned port;
	int r = endpoint_split(url, host, &port);

	if (r)
		return r;
	v6 = strchr(host, ':');
	/* The first address of this one may be ::1, where by default nobody listens. */
	if (!strcmp(host, "localhost"))
		strcpy(host, "127.0.0.1");
	snprintf(to, LINK_URL_MAX, "%s://%s%s%s:%u", scheme, v6 ? "[" : "", host, v6 ? "]" : "",
		 port);
	return 0;
}

void link_few_threads(void)
{
	/* It starts some per processor, on a large host more than a hundred; before 1.7
	 * nothing can be done about it. */
#if NNG_MAJOR_VERSION > 1 || NNG_MINOR_VERSION >= 7
	nng_init_set_parameter(NNG_INIT_MAX_EXPIRE_THREADS, 2);
	nng_init_set_parameter(NNG_INIT_MAX_TASK_THREADS, 8);
	nng_init_set_parameter(NNG_INIT_MAX_POLLER_THREADS, 2);
#endif
}

uint64_t link_now_ms(void)
{
	return clock_monotonic_ns() / 1000000;
}
