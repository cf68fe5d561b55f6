/* SPDX-License-Identifier: Apache-2.0 */
/* A recording, as fast as it can be read; time is the recording's. */
#include "log.h"
#include "record.h"
#include "runs.h"
#include "vm_lines.h"

#include <errno.h>
#include <string.h>

struct replay_run {
	struct vm_lines lines;
	bool gone; /* nobody reads */
};

static bool each(void *arg, struct frame *f)
{
	struct replay_run *p = arg;

	vm_count_frame(p->lines.count, f);
	if (p->lines.o->output_given)
		p->gone = vm_lines_write_due(&p->lines, f->wall_ns, true) != 0;
	return !p->gone && batch_wait(&p->lines.batch, 1, -1) != BATCH_END;
}

static void loop(struct replay_run *p, struct record_reader *r)
{
	const char *damage;

	record_read(r, 0, UINT64_MAX, NULL, each, p);
	damage = record_damage(r);
	if (damage)
		log_warning("%s", damage);
	if (!p->gone && !vm_lines_write(&p->lines, true))
		batch_wait_for_sink(&p->lines.batch, 0);
}

int run_replay(const struct proxprofiler_options *o)
{
	struct replay_run p = {0};
	struct record_reader *r;
	char why[512] = "";
	int status = vm_lines_open(&p.lines, o), error;

	if (!status) {
		error = record_open(&r, o->base.replay, why, sizeof(why));
		if (error < 0) {
			log_error("%s", *why ? why : strerror(-error));
			status = 1;
		} else {
			loop(&p, r);
			record_reader_close(r);
		}
	}
	vm_lines_close(&p.lines);
	return status;
}
