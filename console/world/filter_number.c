/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of a filter, in the unit that a person sees, with a letter behind them or none. */
#include "filter_text.h"

#include <math.h>

/* Digits with a point, whatever the locale.  Returns how many bytes, 0: it is no number. */
static size_t read_number(const char *p, size_t n, double *ret)
{
	double value = 0, digit = 1;
	bool any = false, point = false;
	size_t i = n && *p == '-';

	for (; i < n; i++) {
		if (p[i] == '.' && !point) {
			point = true;
			continue;
		}
		if (p[i] < '0' || p[i] > '9')
			break;
		any = true;
		if (point)
			value += (p[i] - '0') * (digit /= 10);
		else
			value = value * 10 + (p[i] - '0');
	}
	*ret = n && *p == '-' ? -value : value;
	return any ? i : 0;
}

static double power_of(char letter, double base)
{
	switch (letter) {
	case 'k':
		return base;
	case 'm':
		return base * base;
	case 'g':
		return base * base * base;
	case 't':
		return base * base * base * base;
	default:
		return NAN;
	}
}

static double seconds_of(char letter)
{
	return letter == 's'   ? 1
	       : letter == 'm' ? 60
	       : letter == 'h' ? 3600
	       : letter == 'd' ? 86400
			       : NAN;
}

/* A letter counts bytes, Hz or bits, whatever the metric's own unit. */
static double factor_of(enum unit unit, char letter)
{
	switch (unit) {
	case U_BYTE:
	case U_KIB:
	case U_MIB:
	case U_SECTOR:
		return power_of(letter, 1024) / units[unit].base;
	case U_MHZ:
	case U_MBIT:
		return power_of(letter, 1000) / 1e6;
	case U_SECOND:
		return seconds_of(letter);
	case U_PERCENT:
	case U_CENTIPERCENT:
		return NAN;
	default:
		return power_of(letter, 1000);
	}
}

double filter_value(enum unit unit, const char *text, size_t n)
{
	double value;
	size_t used = read_number(text, n, &value);
	bool percent = unit == U_PERCENT || unit == U_CENTIPERCENT;

	if (!used)
		return NAN;
	if (unit == U_CENTIPERCENT)
		value *= 100;
	if (used == n || (used + 1 == n && percent && text[used] == '%'))
		return value;
	return used + 1 == n ? value * factor_of(unit, text[used]) : NAN;
}
