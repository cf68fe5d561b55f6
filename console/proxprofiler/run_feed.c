/* SPDX-License-Identifier: Apache-2.0 */
/* A feed: its frames come from the source's thread by a queue, and are counted here. */
#include "frame_queue.h"
#include "log.h"
#include "runs.h"
#include "subject.h"
#include "vm_lines.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_NS UINT64_C(1000000000)

struct feed_run {
	struct vm_lines lines;
	struct subject subject;
	struct frame_queue queue;
	uint64_t skipped; /* that was said */
};

/* Once when it begins, once when it is over. */
static void say_status(struct feed_run *f)
{
	const char *url = f->lines.o->base.connect;
	struct source_status st;
	uint64_t skipped;

	source_status(f->subject.source, &st);
	skipped = st.skipped + frame_queue_dropped(&f->queue);
	if (*st.error)
		log_once(LOG_WARNING, "feed", "--connect=%s: %s", url, st.error);
	else
		log_over("feed", "--connect=%s: reached again", url);
	if (skipped > f->skipped)
		log_once(LOG_WARNING, "skipped",
			 "--connect=%s: %" PRIu64 " samples were missed (they came faster than "
			 "they could be taken, or are no longer kept there)",
			 url, skipped);
	f->skipped = skipped;
}

static void count_news(struct feed_run *f)
{
	uint32_t n;
	struct frame **news = frame_queue_take(&f->queue, &n);

	for (uint32_t i = 0; i < n; i++) {
		vm_count_frame(f->lines.count, news[i]);
		frame_unref(news[i]);
	}
	free(news);
}

static void loop(struct feed_run *f)
{
	source_on_frame(f->subject.source, frame_queue_put, &f->queue);
	source_go(f->subject.source, SOURCE_LIVE, 0);
	while (batch_wait(&f->lines.batch, batch_now_ns() + LOOK_NS, f->queue.fd) != BATCH_END) {
		/* Moments are not looked at: each frame is. */
		moment_unref(source_take(f->subject.source));
		count_news(f);
		say_status(f);
		if (vm_lines_write_due(&f->lines, batch_now_ns(), false))
			return;
	}
	count_news(f);
	vm_lines_write(&f->lines, false);
}

int run_feed(const struct proxprofiler_options *o)
{
	struct feed_run f = {0};
	int status = vm_lines_open(&f.lines, o), error;

	if (status) {
		vm_lines_close(&f.lines);
		return status;
	}
	error = frame_queue_init(&f.queue);
	if (error < 0) {
		log_error("no descriptor: %s", strerror(-error));
		vm_lines_close(&f.lines);
		return 1;
	}
	status = subject_open(&f.subject, &o->base);
	if (!status) {
		loop(&f);
		subject_close(&f.subject);
	}
	vm_lines_close(&f.lines);
	frame_queue_fini(&f.queue);
	return status;
}
