/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_FEED_HEALTH_H
#define PROXTOP_FEED_HEALTH_H

/*
 * --healthcheck: asks the daemon that runs beside this process with the same options, by its
 * feed, as a console would.  For containers' probes: the binary itself, no shell, no curl.
 */
#include "seal.h"

#include <stdbool.h>
#include <stddef.h>

/* url: what --feed says; all addresses of the machine are asked at its loopback address.  keys:
 * NULL, none.  samples: healthy only with a host whose samples arrive.  0, or negative errno with
 * one line for the user in why: -ENOENT no feed, -ETIMEDOUT no answer within 3 s, -ESTALE no
 * fresh sample, or as feed_client_ask(). */
int feed_health(const char *url, const struct keyring *keys, bool samples, char *why,
		size_t why_size);

#endif
