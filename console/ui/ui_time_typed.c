/* SPDX-License-Identifier: Apache-2.0 */
/* A time as it is typed: from here, or by the clock. */
#include "ui_state.h"

#include <ctype.h>
#include <time.h>

#define SECOND   UINT64_C(1000000000)
#define SPAN_MAX (UINT64_C(100) * 366 * 86400) /* seconds; nothing is recorded for so long */

/* -5m, +90s, -1h30m: false when it is none, or more than a hundred years. */
static bool parse_span(const char *text, int64_t *ret)
{
	bool back = *text == '-';
	uint64_t sum = 0;

	if (*text != '-' && *text != '+')
		return false;
	for (text++; *text;) {
		uint64_t n = 0;
		unsigned digits = 0, unit;

		for (; isdigit((unsigned char)*text) && digits < 7; digits++)
			n = n * 10 + (uint64_t)(*text++ - '0');
		switch (*text) {
		case 'd':
			unit = 86400;
			break;
		case 'h':
			unit = 3600;
			break;
		case 'm':
			unit = 60;
			break;
		case 's':
		case '\0':
			unit = 1;
			break;
		default:
			return false;
		}
		if (!digits)
			return false;
		sum += n * unit;
		text += *text != '\0';
	}
	*ret = back ? -(int64_t)sum : (int64_t)sum;
	return sum > 0 && sum <= SPAN_MAX;
}

/* What is left of it must be nothing. */
static bool parsed(const char *text, const char *format, struct tm *tm)
{
	const char *end = strptime(text, format, tm);

	return end && !*end;
}

/* Without a date: on the day that is on the screen. */
static bool parse_clock(const char *text, uint64_t here_ns, uint64_t *ret_ns)
{
	static const char *const formats[] = {"%H:%M:%S", "%H:%M", "%Y-%m-%d %H:%M:%S",
					      "%Y-%m-%d %H:%M", "%Y-%m-%d"};
	time_t here = (time_t)(here_ns / SECOND), t;

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		struct tm tm;

		if (!localtime_r(&here, &tm))
			return false;
		tm.tm_sec = 0;
		if (formats[i][1] == 'Y')
			tm.tm_hour = tm.tm_min = 0;
		if (!parsed(text, formats[i], &tm))
			continue;
		tm.tm_isdst = -1;
		t = mktime(&tm);
		if (t < 0)
			return false;
		*ret_ns = (uint64_t)t * SECOND + (SECOND - 1); /* that second is in */
		return true;
	}
	return false;
}

void ui_time_typed(struct ui *u, const char *text)
{
	int64_t seconds;
	uint64_t at;

	if (!u->has_moment)
		return;
	while (*text == ' ')
		text++;
	if (parse_span(text, &seconds))
		ui_jump(u, seconds);
	else if (parse_clock(text, u->world->wall_ns, &at))
		ui_go(u, SOURCE_AT, at);
	else
		ui_say(u, "Not a time: 14:30, 14:30:05, 2026-01-31 14:30, -5m or +90s");
}
