/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_XALLOC_H
#define PROXTOP_XALLOC_H

/*
 * Allocation that does not fail: when memory is gone the program says so and ends,
 * a monitor is restarted.  That is right only because every size that somebody
 * outside decides is bounded before it comes here.
 */
#include <stddef.h>

void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n, size_t size);
char *xstrdup(const char *s);              /* NULL gives NULL */
char *xstrndup(const char *s, size_t max); /* NULL gives NULL */
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What is to be done before it is said that memory is gone: a terminal is given back.  Called
 * by whichever thread finds out, so by write(2) and its like only.  The struct stays the
 * caller's and in place until another one, or NULL for none, is set. */
struct xalloc_end {
	void (*restore)(const void *arg);
	const void *arg;
};
void xalloc_at_end(const struct xalloc_end *end);

#endif
