/* SPDX-License-Identifier: Apache-2.0 */
#include "csv.h"

#include "utf8.h"
#include "xalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct csv {
	FILE *from;
	char *name;
	char *line; /* CSV_LINE_MAX + 2 */
	uint64_t number;
	unsigned columns;
	bool waits; /* the first line is numbers, and not given yet */
	char *names[CSV_COLUMNS_MAX];
	char *cell[CSV_COLUMNS_MAX];
	double value[CSV_COLUMNS_MAX];
};

/* ---- lines ---- */

static int wrong(const struct csv *c, char *why, size_t size, const char *what)
{
	snprintf(why, size, "%s, line %" PRIu64 ": %s", c->name, c->number, what);
	return -EBADMSG;
}

/* One that is not empty (of one column an empty one is an empty cell), without its end: 1, 0 at the
 * end of the file, negative errno. */
static int next_line(struct csv *c, char *why, size_t size)
{
	size_t n;
	int error;

	do {
		c->number++;
		errno = 0;
		if (!fgets(c->line, (int)CSV_LINE_MAX + 2, c->from)) {
			if (!ferror(c->from))
				return 0;
			error = errno ? errno : EIO;
			snprintf(why, size, "%s: %s", c->name, strerror(error));
			return -error;
		}
		n = strlen(c->line);
		/* Neither full nor whole: a NUL ended it early. */
		if (!n || (c->line[n - 1] != '\n' && !feof(c->from)))
			return wrong(c, why, size,
				     n > CSV_LINE_MAX ? "longer than 65536 bytes"
						      : "a byte that is no text");
		while (n && (c->line[n - 1] == '\n' || c->line[n - 1] == '\r'))
			c->line[--n] = '\0';
		if (c->number == 1 && !strncmp(c->line, "\xef\xbb\xbf", 3))
			memmove(c->line, c->line + 3, n - 2);
	} while (c->columns != 1 && !c->line[strspn(c->line, " \t")]);
	return 1;
}

/* A cell in quotes from p on, in place; NULL: its quotes do not end, or more follows them. */
static char *unquote(char *p, char **ret)
{
	char *to = *ret = ++p;

	for (;; p++) {
		if (!*p)
			return NULL;
		if (*p == '"' && *++p != '"')
			break;
		*to++ = *p;
	}
	p += strspn(p, " \t");
	if (*p && *p != ',')
		return NULL;
	*to = '\0';
	return p;
}

/* The line into cells, without blanks around them.  How many; 0: see why. */
static unsigned split(struct csv *c, char *why, size_t size)
{
	char *p = c->line;

	for (unsigned n = 0;; p++) {
		bool more;

		if (n == CSV_COLUMNS_MAX) {
			wrong(c, why, size, "more than 64 columns");
			return 0;
		}
		p += strspn(p, " \t");
		if (*p == '"') {
			p = unquote(p, &c->cell[n++]);
			if (!p) {
				wrong(c, why, size, "a \" that does not end at the cell's end");
				return 0;
			}
			more = *p;
		} else {
			char *end = p + strcspn(p, ","), *last = end;

			c->cell[n++] = p;
			while (last > p && (last[-1] == ' ' || last[-1] == '\t'))
				last--;
			more = *end;
			*last = '\0';
			p = end;
		}
		if (!more)
			return n;
	}
}

/* ---- numbers ---- */

enum cell { CELL_NUMBER, CELL_NONE, CELL_LARGE };

static enum cell number(const char *text, double *ret)
{
	char *end;

	*ret = NAN;
	if (!*text || !strcasecmp(text, "nan"))
		return CELL_NUMBER;
	/* strtod() takes more than decimal numbers: hexadecimal ones, and inf. */
	if (text[strspn(text, "0123456789.eE+-")])
		return CELL_NONE;
	*ret = strtod(text, &end);
	if (*end)
		return CELL_NONE;
	return isfinite(*ret) ? CELL_NUMBER : CELL_LARGE;
}

/* A number to C, but not to us (inf, hexadecimal): surely not the name of a column. */
static bool is_odd(const char *text)
{
	char *end;

	strtod(text, &end);
	return end != text && !*end;
}

static int take(struct csv *c, char *why, size_t size)
{
	for (unsigned i = 0; i < c->columns; i++) {
		enum cell is = number(c->cell[i], &c->value[i]);

		if (is != CELL_NUMBER) {
			snprintf(why, size,
				 "%s, line %" PRIu64
				 ", column %u (%s): \"%.40s\" is %s; allowed: a "
				 "decimal number, nothing or NaN",
				 c->name, c->number, i + 1, c->names[i], c->cell[i],
				 is == CELL_LARGE ? "too large" : "no number");
			return -EBADMSG;
		}
	}
	return 1;
}

/* ---- the file ---- */

static bool is_name(const char *s)
{
	const char *at = s;
	size_t n = 1;

	while (*at && n && !utf8_is_control(at)) {
		n = utf8_length(at);
		at += n;
	}
	return *s && !*at && (size_t)(at - s) <= CSV_NAME_MAX;
}

static int name_columns(struct csv *c, bool named, char *why, size_t size)
{
	for (unsigned i = 0; i < c->columns; i++) {
		const char *is = c->cell[i];

		if (named && !is_name(is))
			return wrong(
				c, why, size,
				"a name of a column is empty, longer than 63 bytes or no text");
		for (unsigned k = 0; named && k < i; k++)
			if (!strcmp(c->names[k], is))
				return wrong(c, why, size, "two columns have the same name");
		c->names[i] = named ? xstrdup(is) : xasprintf("metric_%u", i);
	}
	return 0;
}

static int read_first(struct csv *c, char *why, size_t size)
{
	bool named = false;
	double ignored;
	int r = next_line(c, why, size);

	if (!r)
		snprintf(why, size, "%s: there is no line in it", c->name);
	if (r <= 0)
		return r ? r : -ENODATA;
	c->columns = split(c, why, size);
	if (!c->columns)
		return -EBADMSG;
	for (unsigned i = 0; i < c->columns; i++) {
		if (number(c->cell[i], &ignored) != CELL_NONE)
			continue;
		named = true;
		if (is_odd(c->cell[i]))
			return wrong(c, why, size, "inf and hexadecimal numbers are not allowed");
	}
	r = name_columns(c, named, why, size);
	if (r < 0 || named)
		return r;
	c->waits = true;
	r = take(c, why, size);
	return r < 0 ? r : 0;
}

int csv_open(struct csv **ret, FILE *from, const char *name, char *why, size_t why_size)
{
	struct csv *c = xcalloc(1, sizeof(*c));
	int r;

	c->from = from;
	c->name = xstrdup(name);
	c->line = xcalloc(CSV_LINE_MAX + 3, 1);
	r = read_first(c, why, why_size);
	if (r < 0) {
		csv_close(c);
		return r;
	}
	*ret = c;
	return 0;
}

void csv_close(struct csv *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < CSV_COLUMNS_MAX; i++)
		free(c->names[i]);
	free(c->name);
	free(c->line);
	free(c);
}

unsigned csv_columns(const struct csv *c)
{
	return c->columns;
}

const char *csv_name(const struct csv *c, unsigned column)
{
	return c->names[column];
}

int csv_next(struct csv *c, const double **ret, char *why, size_t why_size)
{
	unsigned n;
	int r;

	if (!c->waits) {
		r = next_line(c, why, why_size);
		if (r <= 0)
			return r;
		n = split(c, why, why_size);
		if (!n)
			return -EBADMSG;
		if (n != c->columns) {
			snprintf(why, why_size,
				 "%s, line %" PRIu64
				 ": %u columns; wanted: %u, as in the first line",
				 c->name, c->number, n, c->columns);
			return -EBADMSG;
		}
		r = take(c, why, why_size);
		if (r < 0)
			return r;
	}
	c->waits = false;
	*ret = c->value;
	return 1;
}
