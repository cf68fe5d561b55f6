/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>

void report_line(struct report *r, bool fine, const char *format, ...)
{
	char text[1024];
	va_list args;
	int n = snprintf(text, sizeof(text), "%s", fine ? REPORT_OK : REPORT_FAULT);

	va_start(args, format);
	vsnprintf(text + n, sizeof(text) - (size_t)n, format, args);
	va_end(args);
	r->say(r->arg, text);
	r->faults += !fine;
}
