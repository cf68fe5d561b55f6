/* SPDX-License-Identifier: Apache-2.0 */
#include "feed_check.h"

#include "endpoint.h"
#include "feed_client.h"
#include "log.h"
#include "xalloc.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 5000

struct check {
	char (*live)[HOST_ID_MAX + 1]; /* each once: several feeds may know one */
	unsigned n_live, n_other;
	bool failed;
	FILE *to;
};

static void add_live(struct check *c, const char *id)
{
	for (unsigned i = 0; i < c->n_live; i++)
		if (!strcmp(c->live[i], id))
			return;
	c->live = xrealloc(c->live, c->n_live + 1, sizeof(*c->live));
	snprintf(c->live[c->n_live++], sizeof(*c->live), "%s", id);
}

static void take(struct check *c, const char *url, const struct feed_reply *reply)
{
	for (uint32_t i = 0; i < reply->n_hosts; i++) {
		const struct feed_host *h = &reply->hosts[i];
		const char *state = h->conflict ? "conflict" : h->stale ? "stale" : "live";

		fprintf(c->to, "%s: %s (%s) %s, age %.1f s, agent %s\n", url, h->host_name,
			h->host_id, state, (double)h->age_ms / 1000, h->version);
		if (h->conflict || h->stale)
			c->n_other++;
		else
			add_live(c, h->host_id);
	}
}

static void ask(struct check *c, const struct options *o, const char *url,
		const struct keyring *keys)
{
	struct feed_request q = {.cursor = FEED_LIVE, .latest_only = true};
	struct feed_client *client;
	struct feed_reply reply;
	char why[512] = "";
	bool restarted, is_open;
	int r = endpoint_check("--connect", url, keys != NULL, o->insecure, &is_open, why,
			       sizeof(why));

	if (!r)
		r = feed_client_open(&client, url, keys, why, sizeof(why));
	if (r < 0) {
		log_error("%s", why);
		c->failed = true;
		return;
	}
	r = feed_client_ask(client, &q, &reply, &restarted, PATIENCE_MS);
	if (r < 0) {
		log_error("%s: %s", url, strerror(-r));
		c->failed = true;
	} else {
		take(c, url, &reply);
	}
	feed_client_close(client);
}

/* Addresses of a name, each once. */
static long addresses(const char *name)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	long n = 0;
	int r = getaddrinfo(name, NULL, &hints, &found);

	if (r) {
		log_error("--expect=%.200s: %s", name, gai_strerror(r));
		return -1;
	}
	for (struct addrinfo *a = found; a; a = a->ai_next)
		n++;
	freeaddrinfo(found);
	return n;
}

static long expected(const struct options *o)
{
	if (!o->expect)
		return 1;
	return isdigit((unsigned char)*o->expect) ? strtol(o->expect, NULL, 10)
						  : addresses(o->expect);
}

int feed_check(const struct options *o, FILE *to)
{
	struct check c = {.to = to};
	struct keyring keys = {0};
	char why[512] = "", *urls = xstrdup(o->connect), *rest = urls, *url;
	long want = expected(o);
	int r = o->key_file ? keyring_load(&keys, o->key_file, why, sizeof(why)) : 0;

	if (r < 0)
		log_error("%s", why);
	c.failed = r < 0 || want < 0;
	while (!c.failed && (url = strsep(&rest, ",")))
		ask(&c, o, url, o->key_file ? &keys : NULL);
	if (!c.failed)
		fprintf(to, "%u live, %u not, %ld expected\n", c.n_live, c.n_other, want);
	keyring_wipe(&keys);
	free(urls);
	free(c.live);
	return c.failed || (!o->expect && c.n_other) || c.n_live < (unsigned long)want;
}
