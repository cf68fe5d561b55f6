/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_file.h"

#include "xalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* What document.c writes before the profile; no escapes are in a UUID. */
static char *uuid_of(const char *line)
{
	static const char begin[] = "{\"uuid\":\"";
	size_t n = strlen(begin);

	if (strncmp(line, begin, n) != 0)
		return NULL;
	line += n;
	return xstrndup(line, strcspn(line, "\""));
}

static bool same(const struct profile_entry *a, const struct profile_entry *b)
{
	return !strcmp(a->uuid ? a->uuid : "", b->uuid ? b->uuid : "") &&
	       !strcmp(a->document.name, b->document.name);
}

static void entry_fini(struct profile_entry *e)
{
	free(e->uuid);
	profile_document_fini(&e->document);
}

/* Those that came again are a file's last ones: from the end on is quick. */
static void add(struct profile_file *f, const struct profile_entry *e)
{
	for (unsigned i = f->n; i-- > 0;)
		if (same(&f->entry[i], e)) {
			entry_fini(&f->entry[i]);
			f->entry[i] = *e;
			return;
		}
	if (f->n == f->room) {
		f->room = f->room ? 2 * f->room : 16;
		f->entry = xrealloc(f->entry, f->room, sizeof(*f->entry));
	}
	f->entry[f->n++] = *e;
}

static int take_line(struct profile_file *f, const char *path, uint64_t number, const char *line,
		     size_t n, char *why, size_t why_size)
{
	struct profile_entry e = {0};
	char what[300] = "";
	int r;

	if (!line[strspn(line, " \t\r\n")])
		return 0;
	r = profile_read(&e.document, line, n, what, sizeof(what));
	if (r < 0) {
		snprintf(why, why_size, "%s, line %" PRIu64 ": %s", path, number,
			 *what ? what : strerror(-r));
		return r;
	}
	e.uuid = uuid_of(line);
	add(f, &e);
	if (f->n <= PROFILE_FILE_MAX)
		return 0;
	snprintf(why, why_size, "%s: more than %u profiles", path, PROFILE_FILE_MAX);
	return -E2BIG;
}

/* The next line with its end into *line: its length, 0 at the end; -EFBIG beyond what a document
 * may have. */
static ssize_t next_line(FILE *from, char **line, size_t *room)
{
	size_t n = 0;

	for (;;) {
		if (*room - n < 2) {
			if (n > PROFILE_DOCUMENT_MAX)
				return -EFBIG;
			*room = *room ? 2 * *room : 65536;
			*line = xrealloc(*line, *room, 1);
		}
		if (!fgets(*line + n, (int)(*room - n), from))
			return (ssize_t)n;
		n += strlen(*line + n);
		if (n && (*line)[n - 1] == '\n')
			return (ssize_t)n;
	}
}

int profile_file_read(struct profile_file *f, const char *path, char *why, size_t why_size)
{
	FILE *from = fopen(path, "re");
	uint64_t number = 0;
	char *line = NULL;
	size_t room = 0;
	ssize_t n = 0;
	int r = 0;

	if (!from) {
		r = -errno;
		snprintf(why, why_size, "%s: %s", path, strerror(-r));
		return r;
	}
	while (!r && (n = next_line(from, &line, &room)) > 0)
		r = take_line(f, path, ++number, line, (size_t)n, why, why_size);
	if (!r && n < 0) {
		r = (int)n;
		snprintf(why, why_size, "%s, line %" PRIu64 ": longer than a profile may be", path,
			 number + 1);
	}
	if (!r && ferror(from)) {
		r = errno ? -errno : -EIO;
		snprintf(why, why_size, "%s: %s", path, strerror(-r));
	}
	if (!r && !f->n) {
		r = -ENODATA;
		snprintf(why, why_size, "%s: there is no profile in it", path);
	}
	free(line);
	fclose(from);
	return r;
}

void profile_file_fini(struct profile_file *f)
{
	for (unsigned i = 0; i < f->n; i++)
		entry_fini(&f->entry[i]);
	free(f->entry);
	*f = (struct profile_file){0};
}
