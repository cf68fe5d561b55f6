/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PAGES_H
#define PROXTOP_PAGES_H

/*
 * What is served over http: /metrics and /hosts (both with ?host=NAME or id), /healthz (it
 * runs) and /readyz (it takes samples).  The last two are open to everybody.
 */
#include "http_server.h"
#include "status.h"

struct pages {
	const struct status *status;
	bool ready; /* __atomic */
};

/* address, certificate, key and token file as in http_options; p must live as long as the
 * server. */
int pages_open(struct http_server **ret, struct pages *p, const struct http_options *o, char *why,
	       size_t why_size);

#endif
