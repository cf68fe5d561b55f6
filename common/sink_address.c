/* SPDX-License-Identifier: Apache-2.0 */
#include "sink_ops.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* 1 to 65535, digits only, as the resolver's text. */
static bool port_valid(const char *port)
{
	size_t n = strspn(port, "0123456789");
	unsigned value = 0;

	if (!n || port[n] || n > 5)
		return false;
	for (; *port; port++)
		value = value * 10 + (unsigned)(*port - '0');
	return value >= 1 && value <= 65535;
}

int sink_address_parse(struct sink_address *ret, const char *target, char *why, size_t why_size)
{
	const char *host = target, *end, *port = NULL;

	if (*target == '[') {
		host++;
		end = strchr(host, ']');
		if (end && end[1] == ':')
			port = end + 2;
	} else {
		/* A second colon is IPv6 without brackets: where would the port begin? */
		end = strchr(host, ':');
		if (end && !strchr(end + 1, ':'))
			port = end + 1;
	}
	if (!port || end == host || (size_t)(end - host) >= sizeof(ret->host) ||
	    !port_valid(port)) {
		snprintf(why, why_size,
			 "--target: \"%.100s\": host:port expected, port 1 to 65535%s", target,
			 *target == '[' || strchr(target, ':') != strrchr(target, ':')
				 ? "; IPv6 as [::1]:port"
				 : "");
		return -EINVAL;
	}
	memcpy(ret->host, host, (size_t)(end - host));
	ret->host[end - host] = '\0';
	memcpy(ret->port, port, strlen(port) + 1);
	return 0;
}
