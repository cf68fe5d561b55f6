/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_UPLINK_URLS_H
#define PROXTOP_UPLINK_URLS_H

/* The receivers' URLs in the order in which one sender tries them: hashed from its key, so
 * that many senders share the receivers evenly and each keeps to its own. */
#include <stddef.h>

#define UPLINK_URLS_MAX 32u
#define UPLINK_URL_MAX  255u

struct uplink_urls {
	char *url[UPLINK_URLS_MAX];
	unsigned n;
};

/* 0, or -EINVAL with one line for the user in why.  What URLs look like is link.h's. */
int uplink_urls_parse(struct uplink_urls *ret, const char *list, const char *order_key, char *why,
		      size_t why_size);
void uplink_urls_fini(struct uplink_urls *u);

#endif
