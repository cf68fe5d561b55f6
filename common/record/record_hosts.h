/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_RECORD_HOSTS_H
#define PROXTOP_RECORD_HOSTS_H

/*
 * The hosts of a recording, numbered from 0 in the order they came.  At most
 * RECORD_HOSTS_MAX; each id has 1 to HOST_ID_MAX bytes, none of them NUL.
 */
#include "frame.h"

#define RECORD_NO_HOST UINT32_MAX

struct record_hosts {
	uint32_t n, room;
	char (*id)[HOST_ID_MAX + 1];
	uint32_t *slot; /* number + 1, found by the id's hash; 0: free */
	uint32_t slots; /* a power of two, at least twice n; 0: none yet */
};

void record_hosts_fini(struct record_hosts *h);

/* The number of an id of n bytes, or RECORD_NO_HOST. */
uint32_t record_hosts_find(const struct record_hosts *h, const char *id, size_t n);
/* The same, added when it is new; RECORD_NO_HOST when it is no id, or there are too many. */
uint32_t record_hosts_add(struct record_hosts *h, const char *id, size_t n);

#endif
