/* SPDX-License-Identifier: Apache-2.0 */
#include "xalloc.h"

#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static const struct xalloc_end *_Atomic at_end;

void xalloc_at_end(const struct xalloc_end *end)
{
	atomic_store(&at_end, end);
}

/* Nothing here may allocate, so neither stdio nor exit handlers. */
static void out_of_memory(void)
{
	static const char said[] = ": error: out of memory\n";
	const char *name = log_program();
	struct iovec line[2] = {{(void *)(uintptr_t)name, strlen(name)},
				{(void *)(uintptr_t)said, sizeof(said) - 1}};
	/* Taken, so that it is done once. */
	const struct xalloc_end *end = atomic_exchange(&at_end, NULL);
	ssize_t r;

	if (end)
		end->restore(end->arg);
	r = writev(STDERR_FILENO, line, 2);
	(void)r;
	_exit(1);
}

static void *checked(void *p)
{
	if (!p)
		out_of_memory();
	return p;
}

/* Zero bytes would be allowed to come back as NULL: ask for one. */
void *xcalloc(size_t n, size_t size)
{
	return checked(n && size ? calloc(n, size) : calloc(1, 1));
}

void *xrealloc(void *p, size_t n, size_t size)
{
	return checked(n && size ? reallocarray(p, n, size) : realloc(p, 1));
}

char *xstrdup(const char *s)
{
	return s ? checked(strdup(s)) : NULL;
}

char *xstrndup(const char *s, size_t max)
{
	return s ? checked(strndup(s, max)) : NULL;
}

char *xasprintf(const char *format, ...)
{
	va_list args;
	char *s = NULL;
	int r;

	va_start(args, format);
	r = vasprintf(&s, format, args);
	va_end(args);
	return checked(r < 0 ? NULL : s);
}
