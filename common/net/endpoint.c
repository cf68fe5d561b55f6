/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SCHEME "tcp://"

static bool is_one_of(const char *s, size_t n, const char *allowed)
{
	return n && strspn(s, allowed) >= n;
}

static bool is_name(const char *s, size_t n)
{
	return is_one_of(s, n, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");
}

/* The host's first byte and length, and where the colon before the port is; NULL when it
 * is not a host. */
static const char *find_host(const char *at, const char **ret_host, size_t *ret_n)
{
	struct in6_addr v6;
	char text[INET6_ADDRSTRLEN];
	const char *end;

	if (*at != '[') {
		*ret_host = at;
		*ret_n = strcspn(at, ":");
		return is_name(at, *ret_n) ? at + *ret_n : NULL;
	}
	end = strchr(++at, ']');
	if (!end || (size_t)(end - at) >= sizeof(text))
		return NULL;
	*ret_host = at;
	*ret_n = (size_t)(end - at);
	memcpy(text, at, *ret_n);
	text[*ret_n] = '\0';
	return inet_pton(AF_INET6, text, &v6) == 1 ? end + 1 : NULL;
}

static bool parse_port(const char *s, unsigned *ret)
{
	unsigned v = 0;

	if (!is_one_of(s, strlen(s), "0123456789") || strlen(s) > 5)
		return false;
	for (; *s; s++)
		v = v * 10 + (unsigned)(*s - '0');
	*ret = v;
	return v <= UINT16_MAX;
}

int endpoint_split(const char *url, char host[ENDPOINT_HOST_MAX + 1], unsigned *ret_port)
{
	const char *at, *colon;
	size_t n;

	if (strncmp(url, SCHEME, strlen(SCHEME)))
		return -EINVAL;
	colon = find_host(url + strlen(SCHEME), &at, &n);
	if (!colon || *colon != ':' || n > ENDPOINT_HOST_MAX || !parse_port(colon + 1, ret_port))
		return -EINVAL;
	memcpy(host, at, n);
	host[n] = '\0';
	return 0;
}

static bool v4_is_loopback(const uint8_t a[4])
{
	return a[0] == 127;
}

static bool is_loopback(const struct sockaddr *a)
{
	const struct in6_addr *v6;

	if (a->sa_family == AF_INET)
		return v4_is_loopback(
			(const uint8_t *)&((const struct sockaddr_in *)(const void *)a)->sin_addr);
	if (a->sa_family != AF_INET6)
		return false;
	v6 = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
	if (IN6_IS_ADDR_V4MAPPED(v6))
		return v4_is_loopback(v6->s6_addr + 12);
	return IN6_IS_ADDR_LOOPBACK(v6);
}

static bool is_beyond(const char *host)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list;
	bool beyond = false;

	if (getaddrinfo(host, "0", &hints, &list) || !list)
		return true;
	for (const struct addrinfo *i = list; i; i = i->ai_next)
		beyond = beyond || !is_loopback(i->ai_addr);
	freeaddrinfo(list);
	return beyond;
}

int endpoint_check(const char *option, const char *url, bool have_key, bool insecure,
		   bool *ret_open, char *why, size_t why_size)
{
	char host[ENDPOINT_HOST_MAX + 1];
	unsigned port;

	*ret_open = true;
	if (endpoint_split(url, host, &port)) {
		snprintf(why, why_size,
			 "%s: \"%.200s\" is not tcp://HOST:PORT, where HOST is a name, an IPv4 "
			 "address or an [IPv6 address] and PORT is at most 65535",
			 option, url);
		return -EINVAL;
	}
	*ret_open = !have_key && is_beyond(host);
	if (!*ret_open || insecure)
		return 0;
	snprintf(why, why_size,
		 "%s: %s is beyond loopback, which is allowed only with --key-file (or, in the "
		 "clear and open to anybody, with --insecure)",
		 option, url);
	return -EINVAL;
}

void endpoint_text(char to[ENDPOINT_TEXT_MAX], const char *url, unsigned port)
{
	const char *host = strncmp(url, SCHEME, sizeof(SCHEME) - 1) ? url
								    : url + sizeof(SCHEME) - 1,
		   *colon = strrchr(host, ':');
	size_t n = colon ? (size_t)(colon - host) : strlen(host);

	snprintf(to, ENDPOINT_TEXT_MAX, "%.*s:%u", (int)n, host, port);
}
