/* SPDX-License-Identifier: Apache-2.0 */
#include "feed_health.h"

#include "endpoint.h"
#include "feed_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE_MS 3000

/* Where the feed of 0.0.0.0 can be asked. */
static void dial(char *to, size_t size, const char *url)
{
	char host[ENDPOINT_HOST_MAX + 1];
	unsigned port;

	if (endpoint_split(url, host, &port) < 0)
		snprintf(to, size, "%s", url);
	else if (!strcmp(host, "0.0.0.0"))
		snprintf(to, size, "tcp://127.0.0.1:%u", port);
	else if (!strcmp(host, "::"))
		snprintf(to, size, "tcp://[::1]:%u", port);
	else
		snprintf(to, size, "%s", url);
}

static bool has_fresh(const struct feed_reply *reply)
{
	for (uint32_t i = 0; i < reply->n_hosts; i++)
		if (!reply->hosts[i].stale)
			return true;
	return false;
}

int feed_health(const char *url, const struct keyring *keys, bool samples, char *why,
		size_t why_size)
{
	struct feed_request q = {.cursor = FEED_LIVE, .latest_only = true};
	struct feed_client *c;
	struct feed_reply reply;
	char at[ENDPOINT_TEXT_MAX + 16];
	bool restarted;
	int r;

	if (!url) {
		snprintf(why, why_size, "the health cannot be asked for without a feed: --feed");
		return -ENOENT;
	}
	dial(at, sizeof(at), url);
	r = feed_client_open(&c, at, keys, why, why_size);
	if (r < 0)
		return r;
	r = feed_client_ask(c, &q, &reply, &restarted, PATIENCE_MS);
	if (r < 0) {
		snprintf(why, why_size, "%s: %s", at, strerror(-r));
	} else if (samples && !has_fresh(&reply)) {
		snprintf(why, why_size, "%s: %s", at,
			 reply.n_hosts ? "its newest sample is old" : "no sample yet");
		r = -ESTALE;
	}
	feed_client_close(c);
	return r;
}
