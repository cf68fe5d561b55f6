/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording: every frame is printed, in the order of the file, as fast as they are taken.
 */
#include "host_lines.h"
#include "log.h"
#include "loop.h"
#include "opening.h"
#include "record.h"

#include <errno.h>
#include <string.h>

/* Records that a slow peer may be behind: nothing is dropped, unlike live. */
#define BEHIND_MOST 64u

struct replay {
	struct batch batch;
	struct host_lines *lines;
	int done; /* rounds */
	bool end;
};

/* True when it is over: the runs are done, or nobody reads. */
static bool end_round(struct replay *p)
{
	bool any;
	int runs = p->batch.o->runs;

	if (host_lines_end(p->lines, &any))
		return true;
	p->done += any;
	return runs >= 0 && p->done >= runs;
}

static bool each(void *arg, struct frame *f)
{
	struct replay *p = arg;

	if (host_lines_begins(p->lines, f))
		p->end = end_round(p);
	if (!p->end)
		p->end = host_lines_frame(p->lines, f, NULL) != 0;
	if (!p->end)
		p->end = batch_wait_for_sink(&p->batch, BEHIND_MOST) == BATCH_END ||
			 batch_wait(&p->batch, 1, -1) == BATCH_END;
	return !p->end;
}

static void run(struct replay *p, struct record_reader *r)
{
	const char *damage;

	record_read(r, 0, UINT64_MAX, NULL, each, p);
	if (!p->end)
		end_round(p);
	batch_wait_for_sink(&p->batch, 0);
	damage = record_damage(r);
	if (damage)
		log_warning("%s", damage);
}

/* 0, or the program's exit status; *ret NULL: a signal has ended it. */
static int open_it(struct record_reader **ret, const char *path)
{
	struct opening opening;
	char why[512] = "";
	int r;

	*ret = NULL;
	opening_begin(&opening, path);
	r = record_open_until(ret, path, opening_is_stopped, &opening, why, sizeof(why));
	if (r >= 0 || r == -ECANCELED)
		return 0;
	log_error("%s", *why ? why : strerror(-r));
	return 1;
}

int loop_replay(const struct options *o)
{
	struct replay p = {0};
	struct record_reader *r;
	int status = batch_open(&p.batch, o, true);

	if (!status)
		status = open_it(&r, o->replay);
	if (!status && r) {
		p.lines = host_lines_new(&p.batch);
		run(&p, r);
		host_lines_free(p.lines);
		record_reader_close(r);
	}
	batch_close(&p.batch);
	return status;
}
