/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROMETHEUS_TEXT_H
#define PROXTOP_PROMETHEUS_TEXT_H

/*
 * An OpenMetrics exposition in Prometheus' own text format (version 0.0.4), for those who
 * do not ask for OpenMetrics: there a counter's family is named like its series, with
 * _total, and there is neither UNIT nor EOF.
 */
#include "buf.h"

#include <stdbool.h>

#define PROMETHEUS_TYPE  "text/plain; version=0.0.4; charset=utf-8"
#define OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* Is a file of this name for node_exporter's textfile collector?  It takes *.prom alone, and
 * knows this format alone. */
bool prometheus_text_is_for(const char *path);

/* Appends the n bytes at text, which are our own openmetrics, so converted. */
void prometheus_text(struct buf *to, const char *text, size_t n);

#endif
