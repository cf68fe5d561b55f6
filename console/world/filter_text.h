/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_FILTER_TEXT_H
#define PROXTOP_FILTER_TEXT_H

/*
 * What the parts of the filter share: comparing without a difference between upper and lower
 * case, of ASCII: names of VMs and hosts are that, and it must be the same in every locale.
 * The second text is in lower case already.
 */
#include "metric.h"

#include <string.h>

#define FILTER_NAME_MAX 64u /* bytes of a metric's name; longer ones are none */

static inline char lower_of(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline void text_lower(char *to, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = lower_of(text[i]);
}

static inline bool text_begins(const char *text, const char *small, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lower_of(text[i]) != small[i] || !text[i])
			return false;
	return true;
}

static inline bool text_contains(const char *text, const char *small, size_t n)
{
	if (!n)
		return true;
	for (; *text; text++)
		if (lower_of(*text) == *small && text_begins(text, small, n))
			return true;
	return false;
}

/* Only what is called exactly so, by key, name, key without family or title. */
enum metric_id filter_metric_exact(enum scope s, const char *name, size_t n);

/* 5, 1.5g, 90m, 12%: in that unit; NAN: that is no number. */
double filter_value(enum unit unit, const char *text, size_t n);

#endif
