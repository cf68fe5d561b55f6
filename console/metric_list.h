/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_METRIC_LIST_H
#define PROXTOP_METRIC_LIST_H

/* --list-metrics: the metric table for people. */
#include <stdio.h>

void metric_list_text(FILE *to);
void metric_list_markdown(FILE *to);

#endif
