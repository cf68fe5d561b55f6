/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink_urls.h"

#include "sample.h"
#include "xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a leaves what comes last in the low bits: mix it into all (the finalizer of
 * MurmurHash3, public domain). */
static uint64_t weight(const char *url, const char *key)
{
	uint64_t h = id_hash(id_hash(0, url), key ? key : "");

	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdu;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53u;
	return h ^ h >> 33;
}

static void sort(struct uplink_urls *u, const char *key)
{
	for (unsigned i = 1; i < u->n; i++) {
		char *url = u->url[i];
		unsigned at = i;

		for (; at && weight(u->url[at - 1], key) > weight(url, key); at--)
			u->url[at] = u->url[at - 1];
		u->url[at] = url;
	}
}

int uplink_urls_parse(struct uplink_urls *ret, const char *list, const char *order_key, char *why,
		      size_t why_size)
{
	*ret = (struct uplink_urls){.n = 0};
	for (;;) {
		size_t n = strcspn(list, ",");

		if (!n || n > UPLINK_URL_MAX || ret->n == UPLINK_URLS_MAX) {
			snprintf(why, why_size,
				 ret->n == UPLINK_URLS_MAX ? "more than %u URLs of receivers"
				 : n ? "a receiver's URL is longer than 255 bytes"
				     : "an empty URL of a receiver; allowed: tcp://HOST:PORT,...",
				 UPLINK_URLS_MAX);
			uplink_urls_fini(ret);
			return -EINVAL;
		}
		ret->url[ret->n++] = xstrndup(list, n);
		if (!list[n])
			break;
		list += n + 1;
	}
	sort(ret, order_key);
	return 0;
}

void uplink_urls_fini(struct uplink_urls *u)
{
	for (unsigned i = 0; i < u->n; i++)
		free(u->url[i]);
	u->n = 0;
}
