/* SPDX-License-Identifier: Apache-2.0 */
#include "value_text.h"

#include "char_width.h"
#include "grid.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 64u

static unsigned number_width(enum metric_id m)
{
	switch ((enum unit)metrics[m].unit) {
	case U_PERCENT:
	case U_CENTIPERCENT:
		return 6; /* 100.00, and 6400.0 of a host with 64 CPUs */
	case U_KIB:
	case U_BYTE:
	case U_NS:
	case U_US:
		return 10;
	case U_ID:
	case U_MIB:
	case U_SECTOR:
	case U_TICK:
		return 8;
	default:
		return 7;
	}
}

unsigned value_width(enum metric_id m)
{
	/* One more than the title: the sorted column's has a sign behind it. */
	unsigned title = grid_width(metrics[m].title) + 1, number = number_width(m);

	return title > number ? title : number;
}

static bool is_bytes(enum unit unit)
{
	return unit == U_BYTE || unit == U_KIB || unit == U_MIB || unit == U_SECTOR;
}

/* Three digits or four and a sign for the power: 12.3M, 1023K. */
static void scaled(double value, double step, unsigned decimals, char to[TEXT_MAX])
{
	static const char prefix[] = "\0KMGTPEZY";
	size_t i = 0;

	while (fabs(value) >= step - 0.5 && i + 2 < sizeof(prefix)) {
		value /= step;
		i++;
	}
	if (!i)
		snprintf(to, TEXT_MAX, "%.*f", decimals && fabs(value) < 999.95, value);
	else
		snprintf(to, TEXT_MAX, "%.*f%c", fabs(value) < 99.95, value, prefix[i]);
}

void duration_text(double seconds, char *to, size_t size)
{
	uint64_t s;

	if (!(seconds >= 0)) {
		snprintf(to, size, "-");
		return;
	}
	s = seconds < 1e15 ? (uint64_t)seconds : (uint64_t)1e15;
	if (s < 60)
		snprintf(to, size, "%us", (unsigned)s);
	else if (s < 3600)
		snprintf(to, size, "%um%02us", (unsigned)(s / 60), (unsigned)(s % 60));
	else if (s < 86400)
		snprintf(to, size, "%uh%02um", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
	else if (s < 100 * 86400)
		snprintf(to, size, "%ud%02uh", (unsigned)(s / 86400), (unsigned)(s / 3600 % 24));
	else if (s < UINT64_C(100000) * 86400)
		snprintf(to, size, "%ud", (unsigned)(s / 86400));
	else
		snprintf(to, size, ">273y"); /* no machine is that old */
}

static bool is_span(enum metric_id m)
{
	const struct metric *row = &metrics[m];

	return row->unit == U_SECOND || ((row->flags & AS_TOTAL) && *units[row->unit].base_name &&
					 !strcmp(units[row->unit].base_name, "seconds"));
}

static void human_text(enum metric_id m, double value, char to[TEXT_MAX])
{
	enum unit unit = (enum unit)metrics[m].unit;
	unsigned decimals = metrics[m].decimals;

	if (is_span(m))
		duration_text(value * units[unit].base, to, TEXT_MAX);
	else if (is_bytes(unit))
		scaled(value * units[unit].base, 1024, decimals, to);
	else
		scaled(value, 1000, decimals, to);
}

/* Fewer decimals before anything else. */
static bool plain_text(double value, unsigned decimals, size_t width, char to[TEXT_MAX])
{
	int n;

	do
		n = snprintf(to, TEXT_MAX, "%.*f", (int)decimals, value);
	while ((size_t)n > width && decimals--);
	return (size_t)n <= width;
}

static void right_aligned(const char *text, unsigned width, char *to, size_t size)
{
	snprintf(to, size, "%*s", (int)width, text);
}

void value_text(enum metric_id m, double value, bool human, unsigned width, char *to, size_t size)
{
	const struct metric *row = &metrics[m];
	char text[TEXT_MAX];
	size_t limit = width ? width : TEXT_MAX - 1;

	if (limit > TEXT_MAX - 1)
		limit = TEXT_MAX - 1;
	if (!isfinite(value)) {
		right_aligned("-", width, to, size);
		return;
	}
	if (row->unit == U_CENTIPERCENT)
		value *= 0.01;
	if (row->unit == U_ID)
		human = false;
	if (human && (is_bytes((enum unit)row->unit) || is_span(m) || row->unit == U_NONE))
		human_text(m, value, text);
	else if (!plain_text(value, human && row->decimals > 1 ? 1 : row->decimals, limit, text))
		human_text(m, value, text);
	if (strlen(text) > limit) {
		memset(text, '#', limit);
		text[limit] = '\0';
	}
	right_aligned(text, width, to, size);
}
