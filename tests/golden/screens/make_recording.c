/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a recording out of lines on stdin:  make_recording FILE
 *
 *   frame HOST-ID EPOCH SEQUENCE BOOT-NS WALL-NS INTERVAL-NS VERSION HOST-NAME
 *   row SCOPE PARENT ID        PARENT: a row of the scope above, from 0; - for the host
 *   number METRIC VALUE        of the row before; METRIC: its name in recordings
 *   pair METRIC VALUE BEFORE   one that is read more rarely than samples are taken
 *   text METRIC TEXT           to the end of the line
 *   read NS BEFORE-NS          when pairs were read (of CLOCK_BOOTTIME)
 *   uncounted                  it has no part in its host's sum
 *   end                        of the frame
 *
 * In texts %XX is a byte.  What is not understood ends it with 1 and the line's number.
 */
#include "record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct maker {
	struct record_writer *writer;
	struct sample *sample;
	struct frame_head head;
	enum scope scope;
	uint32_t row;
	unsigned line;
};

_Noreturn static void die(const struct maker *m, const char *what)
{
	fprintf(stderr, "make_recording: line %u: %s\n", m->line, what);
	exit(1);
}

/* The next word; the rest of the line stays in *at. */
static char *word(struct maker *m, char **at)
{
	char *w = strsep(at, " ");

	if (!w || !*w)
		die(m, "a word is missing");
	return w;
}

static uint64_t number(struct maker *m, char **at)
{
	char *w = word(m, at), *end;
	uint64_t v;

	errno = 0;
	v = strtoull(w, &end, 10);
	if (errno || *end || *w < '0' || *w > '9')
		die(m, "not a number");
	return v;
}

static int hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* In place. */
static char *text(struct maker *m, char *from)
{
	char *to = from, *start = from;

	if (!from)
		die(m, "a text is missing");
	for (; *from; from++) {
		if (*from != '%') {
			*to++ = *from;
			continue;
		}
		if (hex(from[1]) < 0 || hex(from[2]) < 0)
			die(m, "% without two hexadecimal digits");
		*to++ = (char)(hex(from[1]) << 4 | hex(from[2]));
		from += 2;
	}
	*to = '\0';
	return start;
}

static void begin_frame(struct maker *m, char **at)
{
	struct frame_head *h = &m->head;

	*h = (struct frame_head){0};
	snprintf(h->host_id, sizeof(h->host_id), "%s", word(m, at));
	h->epoch = number(m, at);
	h->sequence = number(m, at);
	h->boot_ns = number(m, at);
	h->wall_ns = number(m, at);
	h->interval_ns = number(m, at);
	snprintf(h->version, sizeof(h->version), "%s", word(m, at));
	snprintf(h->host_name, sizeof(h->host_name), "%s", text(m, *at));
	sample_clear(m->sample);
	m->row = NO_ROW;
}

static void end_frame(struct maker *m)
{
	struct frame *f;
	struct buf b;

	buf_init(&b, FRAME_MAX);
	if (frame_encode(&b, &m->head, m->sample) < 0)
		die(m, "the frame cannot be made");
	f = frame_new(&m->head, b.data, b.used);
	record_add(m->writer, f);
	frame_unref(f);
	buf_fini(&b);
}

static void begin_row(struct maker *m, char **at)
{
	const char *name = word(m, at), *above;
	uint32_t parent = NO_ROW;
	unsigned s = 0;

	while (s < SCOPES && strcmp(scope_names[s], name) != 0)
		s++;
	if (s == SCOPES)
		die(m, "no such scope");
	m->scope = (enum scope)s;
	above = *at;
	if (above && *above == '-')
		word(m, at);
	else
		parent = (uint32_t)number(m, at);
	m->row = sample_row(m->sample, m->scope, parent, number(m, at));
	if (m->row == NO_ROW)
		die(m, "too many rows");
}

static enum metric_id metric(struct maker *m, char **at, bool is_text, bool own_time)
{
	const char *name = word(m, at);

	for (unsigned i = 0; i < METRICS; i++) {
		const struct metric *is = &metrics[i];

		if (strcmp(is->name, name) != 0 || !(is->scopes & (1u << m->scope)))
			continue;
		if (is->kind == DERIVED || (is->kind == INFO) != is_text ||
		    ((is->flags & OWN_TIME) != 0) != own_time)
			die(m, "this metric is of another kind");
		return (enum metric_id)i;
	}
	die(m, "no such metric in this scope");
}

static void value(struct maker *m, const char *what, char **at)
{
	struct table *t = &m->sample->table[m->scope];
	enum metric_id id;
	uint64_t v;

	if (m->row == NO_ROW)
		die(m, "no row before it");
	if (!strcmp(what, "uncounted")) {
		t->counted[m->row] = 0;
	} else if (!strcmp(what, "number")) {
		id = metric(m, at, false, false);
		sample_set(m->sample, m->scope, m->row, id, number(m, at));
	} else if (!strcmp(what, "pair")) {
		id = metric(m, at, false, true);
		v = number(m, at);
		sample_set_pair(m->sample, m->scope, m->row, id, v,
				metrics[id].kind == COUNTER ? number(m, at) : ABSENT);
	} else if (!strcmp(what, "text")) {
		id = metric(m, at, true, false);
		sample_set_text(m->sample, m->scope, m->row, id, text(m, *at));
	} else if (!strcmp(what, "read")) {
		t->read_ns[m->row] = number(m, at);
		t->prev_ns[m->row] = number(m, at);
	} else {
		die(m, "no such word");
	}
}

static void take(struct maker *m, char *line)
{
	char *at = line, *what = word(m, &at);

	if (!strcmp(what, "frame"))
		begin_frame(m, &at);
	else if (!strcmp(what, "end"))
		end_frame(m);
	else if (!strcmp(what, "row"))
		begin_row(m, &at);
	else
		value(m, what, &at);
}

int main(int argc, char **argv)
{
	struct record_writer_options o = {.version = "golden"};
	struct maker m = {.row = NO_ROW};
	char *line = NULL, why[512];
	size_t room = 0;
	ssize_t n;

	if (argc != 2) {
		fputs("make_recording: make_recording FILE < LINES\n", stderr);
		return 2;
	}
	if (record_create(&m.writer, argv[1], &o, why, sizeof(why)) < 0) {
		fprintf(stderr, "make_recording: %s\n", why);
		return 1;
	}
	m.sample = sample_new();
	while ((n = getline(&line, &room, stdin)) > 0) {
		m.line++;
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		take(&m, line);
	}
	free(line);
	sample_free(m.sample);
	if (record_close(m.writer) < 0) {
		fputs("make_recording: the recording could not be finished\n", stderr);
		return 1;
	}
	return 0;
}
