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

#endif
