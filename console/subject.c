/* SPDX-License-Identifier: Apache-2.0 */
#include "subject.h"

#include "endpoint.h"
#include "log.h"
#include "opening.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define NS 1000000000ull

static int status_of(int error, const char *why)
{
	if (error == -ECANCELED) {
		log_notice("%s", why); /* a signal */
		return 1;
	}
	log_error("%s", *why ? why : strerror(-error));
	return error == -EINVAL ? 2 : 1;
}

/* May one speak to it so?  The keys that it is spoken to with are then in s. */
static int may_connect(struct subject *s, const struct options *o, char *why, size_t why_size)
{
	bool open;
	int r = o->key_file ? keyring_load(&s->keys, o->key_file, why, why_size) : 0;

	if (!r)
		r = endpoint_check("--connect", o->connect, o->key_file, o->insecure, &open, why,
				   why_size);
	if (!r && open)
		log_warning("--connect=%s: beyond loopback without a key (--insecure): everybody "
			    "on the way can read the samples",
			    o->connect);
	return r;
}

static int open_replay(struct subject *s, const char *path, char *why, size_t why_size)
{
	struct opening opening;
	struct source_replay_options replay = {
		.path = path, .stop = opening_is_stopped, .stop_arg = &opening};

	opening_begin(&opening, path);
	return source_open_replay(&s->source, &replay, why, why_size);
}

static int open_source(struct subject *s, const struct options *o, char *why, size_t why_size)
{
	uint64_t interval_ns = (uint64_t)(o->frequency * (double)NS + 0.5);
	struct source_local_options local = {
		.measure = options_measure(o),
		.interval_ns = interval_ns,
		.keep_ns = o->history_ns,
		.keep_bytes = o->history_bytes,
	};
	struct source_feed_options feed = {
		.url = o->connect,
		.keys = o->key_file ? &s->keys : NULL,
		.interval_ns = interval_ns,
	};
	int r;

	if (o->replay)
		return open_replay(s, o->replay, why, why_size);
	if (!o->connect)
		return source_open_local(&s->source, &local, why, why_size);
	r = may_connect(s, o, why, why_size);
	return r < 0 ? r : source_open_feed(&s->source, &feed, why, why_size);
}

static void record_one(void *arg, struct frame *f)
{
	struct subject *s = arg;

	s->recorded++;
	record_add(s->record, f);
}

int subject_record(struct record_writer **ret, const char *path)
{
	struct record_writer_options o = {.version = PROXTOP_VERSION};
	char why[512] = "";
	int r = record_create(ret, path, &o, why, sizeof(why));

	return r < 0 ? status_of(r, why) : 0;
}

int subject_record_close(struct record_writer *w, const char *path, uint64_t frames)
{
	int r = record_close(w);

	if (!w)
		return 0;
	if (r < 0)
		log_error("--record=%s: %s", path, r == -ENOBUFS ? "not complete" : strerror(-r));
	else
		log_notice("--record=%s: %" PRIu64 " samples", path, frames);
	return r < 0;
}

int subject_open(struct subject *s, const struct options *o)
{
	char why[512] = "";
	int r;

	*s = (struct subject){.record_path = o->record};
	r = open_source(s, o, why, sizeof(why));
	if (r < 0) {
		keyring_wipe(&s->keys);
		return status_of(r, why);
	}
	r = o->record ? subject_record(&s->record, o->record) : 0;
	if (r)
		subject_close(s);
	else if (s->record)
		source_on_frame(s->source, record_one, s);
	return r;
}

int subject_close(struct subject *s)
{
	int r;

	source_close(s->source);
	r = subject_record_close(s->record, s->record_path, s->recorded);
	keyring_wipe(&s->keys);
	*s = (struct subject){0};
	return r;
}
