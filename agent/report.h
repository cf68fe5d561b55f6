/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_REPORT_H
#define PROXTOP_REPORT_H

/* The lines of --check: "ok    ..." or "fault ...", and how many are faults. */
#include <stdbool.h>

#define REPORT_OK    "ok    "
#define REPORT_FAULT "fault "

struct report {
	void (*say)(void *arg, const char *line);
	void *arg;
	int faults;
};

void report_line(struct report *r, bool fine, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
