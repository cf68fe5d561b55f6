/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROFILE_FILE_H
#define PROXTOP_PROFILE_FILE_H

/*
 * A file of profiles, as proxprofiler writes it: a JSON document a line.  Of the same VM (the
 * same UUID and name) the last one stands: it has all that those before it had.
 */
#include "profile_read.h"

#define PROFILE_FILE_MAX 10000u /* profiles of one file */

struct profile_entry {
	char *uuid; /* NULL: it does not say */
	struct profile_document document;
};
struct profile_file {
	struct profile_entry *entry;
	unsigned n, room;
};

/* 0 or negative errno with one line for the user in why; profile_file_fini() either way. */
int profile_file_read(struct profile_file *f, const char *path, char *why, size_t why_size);
void profile_file_fini(struct profile_file *f);

#endif
