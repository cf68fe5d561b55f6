/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_OPENING_H
#define PROXTOP_OPENING_H

/*
 * Opening a recording, which may take its time: one without an index is looked through.
 * After a second that is said, and SIGINT or SIGTERM ends it.
 */
#include <stdbool.h>
#include <stdint.h>

struct opening {
	const char *path;
	uint64_t began_ns; /* CLOCK_MONOTONIC */
	bool said;
};

void opening_begin(struct opening *o, const char *path);
/* For record_open_until(): is it to end?  arg: the opening. */
bool opening_is_stopped(void *arg);

#endif
