/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_ENDPOINT_H
#define PROXTOP_ENDPOINT_H

/*
 * Where one may listen or dial: tcp://HOST:PORT only, and beyond loopback only with a
 * key, or when --insecure said so.
 *
 * HOST is a name, an IPv4 address, or an IPv6 address in brackets.  Loopback is
 * 127.0.0.0/8 and ::1 (RFC 1122 3.2.1.3, RFC 4291 2.5.3); all addresses of the machine
 * (0.0.0.0, ::) and any single interface's are beyond it.
 */
#include <stdbool.h>
#include <stddef.h>

#define ENDPOINT_HOST_MAX 253u /* bytes; of a name, RFC 1035 */

/* Takes tcp://HOST:PORT apart; brackets are left out.  0, or -EINVAL. */
int endpoint_split(const char *url, char host[ENDPOINT_HOST_MAX + 1], unsigned *ret_port);

/* HOST:PORT of the URL (tcp:// may be left out), with the port that was got, where it may have
 * asked for any. */
#define ENDPOINT_TEXT_MAX (ENDPOINT_HOST_MAX + 10u)
void endpoint_text(char to[ENDPOINT_TEXT_MAX], const char *url, unsigned port);

/* 0, or -EINVAL with one line for the user in why, naming option and what is allowed.
 * *ret_open: it is beyond loopback and has no key, open to anybody there (a name that resolves
 * to loopback only counts as loopback; one that does not resolve, as beyond).  With a key it
 * may be anywhere, and no name is looked up; without one that takes as long as the resolver
 * does. */
int endpoint_check(const char *option, const char *url, bool have_key, bool insecure,
		   bool *ret_open, char *why, size_t why_size);

#endif
