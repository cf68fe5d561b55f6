/* SPDX-License-Identifier: Apache-2.0 */
#include "opening.h"

#include "clock.h"
#include "log.h"
#include "program.h"

#define SILENCE_NS UINT64_C(1000000000)

void opening_begin(struct opening *o, const char *path)
{
	*o = (struct opening){.path = path, .began_ns = clock_monotonic_ns()};
}

bool opening_is_stopped(void *arg)
{
	struct opening *o = arg;

	if (!o->said && clock_monotonic_ns() - o->began_ns >= SILENCE_NS) {
		o->said = true;
		log_notice("%s: has no index that fits: all of it is looked through first",
			   o->path);
	}
	return program_is_to_end();
}
