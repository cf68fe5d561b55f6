/* SPDX-License-Identifier: Apache-2.0 */
#include "prometheus_text.h"

#include <string.h>

bool prometheus_text_is_for(const char *path)
{
	static const char end[] = ".prom";
	size_t n = strlen(path);

	return n >= sizeof(end) - 1 && !strcmp(path + n - (sizeof(end) - 1), end);
}

struct span {
	const char *p;
	size_t n;
};

static bool begins(struct span line, const char *with)
{
	size_t n = strlen(with);

	return line.n >= n && !memcmp(line.p, with, n);
}

static struct span next_line(const char **p, const char *end)
{
	const char *newline = memchr(*p, '\n', (size_t)(end - *p));
	struct span line = {*p, (size_t)((newline ? newline + 1 : end) - *p)};

	*p += line.n;
	return line;
}

/* "# HELP name rest": with _total behind the name. */
static void put_counter(struct buf *to, struct span line)
{
	const size_t before = sizeof("# HELP ") - 1; /* as long as "# TYPE " */
	const char *blank = memchr(line.p + before, ' ', line.n - before);
	size_t n = blank ? (size_t)(blank - line.p) : line.n;

	buf_put(to, line.p, n);
	buf_lit(to, "_total");
	buf_put(to, line.p + n, line.n - n);
}

void prometheus_text(struct buf *to, const char *text, size_t n)
{
	const char *p = text, *end = text + n;

	while (p < end) {
		struct span line = next_line(&p, end);
		const char *ahead = p;
		struct span type = {"", 0};

		if (begins(line, "# UNIT ") || begins(line, "# EOF"))
			continue;
		if (!begins(line, "# HELP ")) {
			buf_put(to, line.p, line.n);
			continue;
		}
		/* HELP and TYPE of a family stand together; only TYPE tells a counter. */
		if (p < end)
			type = next_line(&ahead, end);
		if (begins(type, "# TYPE ") && type.n > 9 &&
		    !memcmp(type.p + type.n - 9, " counter\n", 9)) {
			put_counter(to, line);
			put_counter(to, type);
			p = ahead;
		} else {
			buf_put(to, line.p, line.n);
		}
	}
}
