/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SUBJECT_H
#define PROXTOP_SUBJECT_H

/*
 * What is looked at: the source that the options choose, and with --record the file that all
 * of its frames go into.
 */
#include "console_source.h"
#include "options.h"
#include "record.h"

struct subject {
	struct console_source *source; /* the caller's to ask; closed by subject_close() */
	struct record_writer *record;  /* NULL: none */
	const char *record_path;
	uint64_t recorded; /* frames; the source's thread counts them */
	struct keyring keys;
};

/* 0, or the program's exit status (1, or 2 for options that are not possible), said in the
 * log.  o must live as long as the subject, and the subject stay where it is. */
int subject_open(struct subject *s, const struct options *o);
/* Writes what is left of the recording, and says how much there is.  0, or 1 when it is not
 * complete (said). */
int subject_close(struct subject *s);

/* For who measures without a source. */
int subject_record(struct record_writer **ret, const char *path); /* as subject_open() */
int subject_record_close(struct record_writer *w, const char *path, uint64_t frames);

#endif
